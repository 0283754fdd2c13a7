//! A chat's machine and its host, in a browser, in conversation with a session server whose URL enters at
//! compile time.
#![cfg(target_arch = "wasm32")]
#![allow(missing_docs)]

use js_sys::{Array, JSON, Object, Promise, Reflect};
use trigger_chat_transport::{ChatHost, ChatMachine};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const STORY: &str = "Tell me a story of 60 words.";
/// Takes longer than any test: it is stopped.
const ENDLESS: &str = "Tell me a story of 20000 words.";

fn server() -> &'static str {
    let Some(url) = option_env!("SESSION_SERVER_URL") else {
        panic!("the server's URL enters at compile time: run this by `make test-wasm`");
    };
    url
}

#[wasm_bindgen(module = "/tests/app.js")]
extern "C" {
    #[wasm_bindgen(js_name = appOptions)]
    fn app_options(server: &str, task: &str) -> JsValue;

    #[wasm_bindgen(js_name = userMessage)]
    fn user_message(chat_id: &str, text: &str, signal: &JsValue) -> JsValue;

    #[wasm_bindgen(js_name = readChunks)]
    fn read_chunks(stream: &JsValue) -> Promise;

    #[wasm_bindgen(js_name = readChunks)]
    fn read_some_chunks(stream: &JsValue, count: u32) -> Promise;

    #[wasm_bindgen(js_name = textOf)]
    fn text_of(chunks: &JsValue) -> String;

    #[wasm_bindgen(js_name = countOf)]
    fn count_of(chunks: &JsValue, kind: &str) -> u32;

    #[wasm_bindgen(js_name = inputKinds)]
    fn input_kinds(server: &str, chat_id: &str, token: &str, count: u32) -> Promise;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = AbortController)]
    type Aborter;

    #[wasm_bindgen(constructor, js_class = AbortController)]
    fn new() -> Aborter;

    #[wasm_bindgen(method, getter)]
    fn signal(this: &Aborter) -> JsValue;

    #[wasm_bindgen(method)]
    fn abort(this: &Aborter);

    #[wasm_bindgen(js_namespace = crypto, js_name = randomUUID)]
    fn random_uuid() -> String;

    type AnyStream;

    #[wasm_bindgen(method)]
    fn cancel(this: &AnyStream) -> Promise;

    /// The host of a chat, as `js/src/core.ts` drives it.
    type Host;

    #[wasm_bindgen(method)]
    fn call(this: &Host, name: &str, options: &JsValue) -> Promise;

    #[wasm_bindgen(method)]
    fn tell(this: &Host, fact: &JsValue);

    #[wasm_bindgen(method)]
    fn session(this: &Host) -> JsValue;
}

fn chat(task: &str, chat_id: &str) -> Host {
    opened(&app_options(server(), task), chat_id)
}

fn opened(options: &JsValue, chat_id: &str) -> Host {
    let machine = ChatMachine::new(chat_id.to_owned(), 0.0);
    let host: Host = ChatHost::new(options, chat_id, machine).unchecked_into();
    host.tell(&object([("type", "options".into()), ("canStart", true.into())]));
    host
}

fn dispose(chat: &Host) {
    chat.tell(&object([("type", "disposed".into())]));
}

async fn settled(promise: impl Into<JsValue>) -> JsValue {
    outcome(promise).await.unwrap()
}

async fn outcome(promise: impl Into<JsValue>) -> Result<JsValue, JsValue> {
    JsFuture::from(promise.into().unchecked_into::<Promise>()).await
}

async fn send(chat: &Host, chat_id: &str, text: &str) -> JsValue {
    let message = user_message(chat_id, text, &JsValue::UNDEFINED);
    settled(chat.call("send", &message)).await
}

fn object<const N: usize>(members: [(&str, JsValue); N]) -> Object {
    let object = Object::new();
    for (key, value) in members {
        Reflect::set(&object, &key.into(), &value).unwrap();
    }
    object
}

fn member(object: &JsValue, key: &str) -> JsValue {
    Reflect::get(object, &key.into()).unwrap()
}

#[wasm_bindgen_test]
async fn a_message_is_answered_with_its_own_text() {
    let chat_id = random_uuid();
    let chat = chat("echo", &chat_id);
    for text in ["Zürich, 日本語, 🎉 \"quoted\" \\ back", "a second turn"] {
        let stream = send(&chat, &chat_id, text).await;
        let chunks = settled(read_chunks(&stream)).await;
        assert_eq!(text_of(&chunks), text);
        assert_eq!(count_of(&chunks, "start"), 1);
        assert_eq!(count_of(&chunks, "finish"), 1);
    }
    let session = chat.session();
    assert_eq!(member(&session, "isStreaming").as_bool(), Some(false));
}

#[wasm_bindgen_test]
async fn an_abort_ends_the_stream_without_an_error_and_stops_the_turn() {
    let chat_id = random_uuid();
    let chat = chat("story", &chat_id);
    let aborter = Aborter::new();
    let message = user_message(&chat_id, ENDLESS, &aborter.signal());
    let stream = settled(chat.call("send", &message)).await;
    settled(read_some_chunks(&stream, 3)).await;
    aborter.abort();
    settled(read_chunks(&stream)).await;

    let session = chat.session();
    assert_eq!(member(&session, "isStreaming").as_bool(), Some(false));
    let token = member(&session, "publicAccessToken").as_string().unwrap();
    let kinds = settled(input_kinds(server(), &chat_id, &token, 2)).await;
    assert_eq!(kinds.as_string().unwrap(), "message stop");
}

#[wasm_bindgen_test]
async fn a_resumed_turn_is_replayed_whole() {
    let chat_id = random_uuid();
    let before_reload = chat("story", &chat_id);
    let stream = send(&before_reload, &chat_id, STORY).await;
    let seen = settled(read_some_chunks(&stream, 8)).await;
    // Through JSON, as an app stores it.
    let stored = JSON::stringify(&before_reload.session()).unwrap();
    dispose(&before_reload);

    let stored = JSON::parse(&String::from(stored)).unwrap();
    let after_reload = chat("story", &chat_id);
    Reflect::set(&stored, &"type".into(), &"restored".into()).unwrap();
    after_reload.tell(&stored);
    let options = Object::new();
    let stream = settled(after_reload.call("reconnect", &options)).await;
    let again = settled(after_reload.call("reconnect", &options)).await;
    assert!(again.is_null(), "a second reconnect has nothing to open");

    let replayed = settled(read_chunks(&stream)).await;
    assert!(text_of(&replayed).starts_with(&text_of(&seen)));
    assert_eq!(count_of(&replayed, "start"), 1);
    assert_eq!(count_of(&replayed, "finish"), 1);
    assert!(settled(after_reload.call("reconnect", &options)).await.is_null());
}

#[wasm_bindgen_test]
async fn a_cancelled_stream_settles_at_once_and_its_turn_can_be_resumed() {
    let chat_id = random_uuid();
    let chat = chat("story", &chat_id);
    let stream = send(&chat, &chat_id, ENDLESS).await;
    let seen = settled(read_some_chunks(&stream, 4)).await;
    settled(stream.unchecked_into::<AnyStream>().cancel()).await;

    let options = Object::new();
    let stream = settled(chat.call("reconnect", &options)).await;
    let replayed = settled(read_some_chunks(&stream, 8)).await;
    assert!(text_of(&replayed).starts_with(&text_of(&seen)));
    assert_eq!(count_of(&replayed, "start"), 1);
    assert!(settled(chat.call("stop", &options)).await.is_truthy());
}

#[wasm_bindgen_test]
async fn a_stop_ends_the_turn_and_the_next_one_has_none_of_it() {
    let chat_id = random_uuid();
    let chat = chat("story", &chat_id);
    let stream = send(&chat, &chat_id, ENDLESS).await;
    settled(read_some_chunks(&stream, 4)).await;
    assert!(settled(chat.call("stop", &Object::new())).await.is_truthy());
    settled(read_chunks(&stream)).await;

    let stream = send(&chat, &chat_id, "Another, of 20 words.").await;
    let chunks = settled(read_chunks(&stream)).await;
    assert_eq!(count_of(&chunks, "start"), 1);
    assert_eq!(member(&Array::from(&chunks).get(0), "type").as_string().unwrap(), "start");
}

#[wasm_bindgen_test]
async fn the_object_may_be_freed_with_a_call_in_flight() {
    let chat_id = random_uuid();
    let chat = chat("echo", &chat_id);
    let message = user_message(&chat_id, "still here", &JsValue::UNDEFINED);
    let call = chat.call("send", &message);
    drop(chat);
    let stream = settled(call).await;
    let chunks = settled(read_chunks(&stream)).await;
    assert_eq!(text_of(&chunks), "still here");
}

#[wasm_bindgen_test]
async fn a_disposed_transport_rejects_what_is_in_flight_and_comes_back_to_life() {
    let chat_id = random_uuid();
    let chat = chat("echo", &chat_id);
    let session = settled(chat.call("start", &Object::new())).await;
    let token = member(&session, "publicAccessToken").as_string().unwrap();
    let message = user_message(&chat_id, "sent all the same", &JsValue::UNDEFINED);
    let call = chat.call("send", &message);
    dispose(&chat);
    dispose(&chat);
    let error = outcome(call).await.unwrap_err();
    assert_eq!(member(&error, "name").as_string().unwrap(), "AbortError");
    let kinds = settled(input_kinds(server(), &chat_id, &token, 1)).await;
    assert_eq!(kinds.as_string().unwrap(), "message");

    let stream = send(&chat, &chat_id, "and again").await;
    let chunks = settled(read_chunks(&stream)).await;
    assert!(text_of(&chunks).ends_with("and again"));
}

#[wasm_bindgen_test]
async fn what_the_apps_callback_throws_comes_back_as_it_was() {
    let options = app_options(server(), "echo");
    let thrown = js_sys::Error::new("the app's own trouble");
    let failing = js_sys::Function::new_with_args("", "throw this.error")
        .bind0(&Object::from_entries(&Array::of1(&Array::of2(&"error".into(), &thrown))).unwrap());
    Reflect::set(&options, &"startSession".into(), &failing).unwrap();
    let chat = opened(&options, "any");
    let message = user_message("any", "hello", &JsValue::UNDEFINED);
    let error = outcome(chat.call("send", &message)).await.unwrap_err();
    assert!(Object::is(&error, &thrown));
}
