//! The class that JavaScript sees. It finds the chat, makes its facts of the app's arguments, and
//! leaves the rest to the chat's machine and its driver.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use crate::browser::convert::{
    error_to_js, get, get_string, persisted_from_js, persisted_to_js, stringify, wrong,
};
use crate::browser::driver::ChatDriver;
use crate::browser::host::{self, Options};
use crate::chat::action::{Input, Send};
use crate::chat::error::ChatError;
use crate::chat::event::SendSource;
use crate::text::decimal;
use crate::wire::input::{MessagePayload, Trigger, message_body};

/// A chat transport: `sendMessages` and `reconnectToStream` of the AI SDK, and what is around them.
#[wasm_bindgen]
pub struct ChatTransport {
    options: Options,
    /// By chat id. A list, for a page has few chats and a map is a sizeable part of the module.
    chats: RefCell<Vec<(String, Rc<ChatDriver>)>>,
}

#[wasm_bindgen]
impl ChatTransport {
    /// Makes a transport. Nothing happens before the first call: no request, no timer, no listener.
    ///
    /// # Errors
    /// A `TypeError` that names the option that is missing or of the wrong type.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue) -> Result<Self, JsValue> {
        let options = host::read_options(options)?;
        let transport = Self { options, chats: RefCell::default() };
        let stored = get(&transport.options, "stored");
        for index in 0.. {
            let entry = get(&stored, &decimal(index));
            let Some(chat_id) = get_string(&entry, "0") else {
                break;
            };
            // A state without a token restores nothing: the session is started as if it were new.
            if let Ok(session) = persisted_from_js(&get(&entry, "1")) {
                transport.chat(&chat_id).restore(session);
            }
        }
        Ok(transport)
    }

    /// Sends a message, or asks for the last answer anew. Resolves, once the send is acknowledged,
    /// with the `ReadableStream` of the answer's chunks.
    ///
    /// # Errors
    /// A `TypeError` that says which argument is wrong, or an `AbortError`.
    #[wasm_bindgen(js_name = sendMessages)]
    pub fn send_messages(&self, options: &JsValue) -> Result<Promise, JsValue> {
        let signal = signal_of(options)?;
        let (chat_id, send) = self.send_of(options)?;
        Ok(self.chat(&chat_id).call(&signal, None, |call| Input::Send { call, send }))
    }

    /// Resumes a turn that may be running. Resolves with the stream of the whole turn, or with
    /// `null` where there is nothing to resume.
    ///
    /// # Errors
    /// A `TypeError` that says which argument is wrong, or an `AbortError`.
    #[wasm_bindgen(js_name = reconnectToStream)]
    pub fn reconnect_to_stream(&self, options: &JsValue) -> Result<Promise, JsValue> {
        let signal = signal_of(options)?;
        let chat = self.chat(&chat_id_of(options)?);
        let stops_turn = get(options, "stopOnAbort").is_truthy();
        Ok(chat.call(&signal, Some(stops_turn), |call| Input::Reconnect { call }))
    }

    /// Creates the session, where it is not there yet. Resolves with its persisted state.
    pub fn start(&self, chat_id: &str) -> Promise {
        self.chat(chat_id).call(&JsValue::UNDEFINED, None, |call| Input::Start { call })
    }

    /// Ends the running turn. Resolves with whether the stop was delivered; never rejects.
    #[wasm_bindgen(js_name = stopGeneration)]
    pub fn stop_generation(&self, chat_id: &str) -> Promise {
        let part_id = host::random_part_id();
        self.chat(chat_id).call(&JsValue::UNDEFINED, None, |call| Input::Stop { call, part_id })
    }

    /// Makes a lost connection again without waiting any longer.
    #[wasm_bindgen(js_name = retryNow)]
    pub fn retry_now(&self, chat_id: &str) {
        if let Some(chat) = self.known_chat(chat_id) {
            chat.tell(Input::Retry);
        }
    }

    /// The persisted state of a chat's session, or `undefined`.
    #[wasm_bindgen(js_name = getSession)]
    pub fn get_session(&self, chat_id: &str) -> JsValue {
        let session = self.known_chat(chat_id).and_then(|chat| chat.session());
        session.as_ref().map_or(JsValue::UNDEFINED, persisted_to_js)
    }

    /// Sets the persisted state of a chat's session.
    ///
    /// # Errors
    /// A `TypeError` when the state has no token.
    #[wasm_bindgen(js_name = setSession)]
    pub fn set_session(&self, chat_id: &str, session: &JsValue) -> Result<(), JsValue> {
        let session = persisted_from_js(session)?;
        self.chat(chat_id).tell(Input::SetSession(session));
        Ok(())
    }

    /// Replaces one of the options that are live: `accessToken`, `startSession`, `fetch`,
    /// `clientData`, `onSessionChange`, `onEvent`.
    ///
    /// # Errors
    /// A `TypeError` when a callback is no function.
    #[wasm_bindgen(js_name = setOption)]
    pub fn set_option(&self, name: &str, value: &JsValue) -> Result<(), JsValue> {
        host::set_option(&self.options, name, value)?;
        for chat in self.all_chats() {
            chat.set_can_start_session(self.can_start_session());
        }
        Ok(())
    }

    /// Lets go of every stream, request and timer. Turns go on at the server; a later call works.
    pub fn dispose(&self) {
        for chat in self.all_chats() {
            chat.tell(Input::Disposed);
        }
    }

    fn all_chats(&self) -> Vec<Rc<ChatDriver>> {
        self.chats.borrow().iter().map(|(_, chat)| Rc::clone(chat)).collect()
    }

    fn known_chat(&self, chat_id: &str) -> Option<Rc<ChatDriver>> {
        let chats = self.chats.borrow();
        chats.iter().find(|(id, _)| id == chat_id).map(|(_, chat)| Rc::clone(chat))
    }

    fn chat(&self, chat_id: &str) -> Rc<ChatDriver> {
        self.known_chat(chat_id).unwrap_or_else(|| {
            let chat = ChatDriver::new(chat_id, &self.options, self.can_start_session());
            self.chats.borrow_mut().push((chat_id.to_owned(), Rc::clone(&chat)));
            chat
        })
    }

    fn can_start_session(&self) -> bool {
        get(&self.options, "startSession").is_truthy()
    }

    /// Reads the options of `sendMessages`: the chat, and the send with its body.
    fn send_of(&self, options: &JsValue) -> Result<(String, Send), JsValue> {
        let chat_id = chat_id_of(options)?;
        let extra = get(options, "body");
        let action = stringify(&get(&extra, "action"))?;
        let trigger = match action {
            Some(_) => Some(Trigger::Action),
            None => get_string(options, "trigger").and_then(|name| Trigger::from_name(&name)),
        };
        let Some(trigger) = trigger else {
            return Err(wrong("`trigger` has to be \"submit-message\" or \"regenerate-message\"."));
        };
        let last_message = host::last(&get(options, "messages"));
        if trigger == Trigger::SubmitMessage && last_message.is_undefined() {
            return Err(wrong("\"submit-message\" needs at least one message in `messages`."));
        }
        let (source, message, extra) = match trigger {
            Trigger::SubmitMessage => {
                (SendSource::SubmitMessage, stringify(&last_message)?, stringify(&extra)?)
            }
            Trigger::RegenerateMessage => (SendSource::RegenerateMessage, None, stringify(&extra)?),
            Trigger::Action => (SendSource::Action, None, None),
        };
        // An action belongs to no message.
        let message_id = get_string(options, "messageId").filter(|_| action.is_none());
        let last_id = get_string(&last_message, "id").filter(|_| action.is_none());
        let metadata = host::metadata_json(&self.options, &get(options, "metadata"))?;
        let body = message_body(&MessagePayload {
            chat_id: &chat_id,
            trigger,
            message: message.as_deref(),
            message_id: message_id.as_deref(),
            action: action.as_deref(),
            metadata: metadata.as_deref(),
            extra: extra.as_deref(),
        });
        let message_id = message_id.or(last_id);
        let send = Send { source, message_id, body, part_id: host::random_part_id() };
        Ok((chat_id, send))
    }
}

fn chat_id_of(options: &JsValue) -> Result<String, JsValue> {
    get_string(options, "chatId")
        .ok_or_else(|| wrong("`chatId` is required, a string that is not empty."))
}

/// The call's signal, which must not be aborted yet.
fn signal_of(options: &JsValue) -> Result<JsValue, JsValue> {
    let signal = get(options, "abortSignal");
    if get(&signal, "aborted").is_truthy() {
        return Err(error_to_js(&ChatError::Aborted));
    }
    Ok(signal)
}
