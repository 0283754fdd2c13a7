//! The class that JavaScript sees. It finds the chat, makes its facts of the app's arguments, and
//! leaves the rest to the chat's machine and its driver.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;

use crate::browser::convert::{persisted_from_js, persisted_to_js, tokenless_from_js};
use crate::browser::driver::ChatDriver;
use crate::browser::host::{self, Options, Promise, get_string};
use crate::chat::action::{Input, Send};
use crate::chat::event::SendSource;

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
        for index in 0.. {
            let stored = host::stored_session(&transport.options, index);
            let Some(chat_id) = get_string(&stored, "chatId") else {
                break;
            };
            // A state without a token restores nothing: the session is started as if it were new.
            if let Ok(session) = persisted_from_js(&stored) {
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
        let known = get_string(options, "chatId").and_then(|chat_id| self.known_chat(&chat_id));
        let has_session = known.is_some_and(|chat| chat.session().is_some());
        let picked = host::read_send(&self.options, options, has_session)?;
        let (chat, send) = self.send_of(&picked);
        Ok(chat.call(&picked, |call| Input::Send { call, send }))
    }

    /// Adds a message to what the running turn was asked. Resolves with whether it was delivered; the
    /// open stream goes on.
    ///
    /// # Errors
    /// A `TypeError` when there is no message.
    #[wasm_bindgen(js_name = sendPendingMessage)]
    pub fn send_pending_message(
        &self,
        chat_id: &str,
        message: &JsValue,
        metadata: &JsValue,
    ) -> Result<Promise, JsValue> {
        let picked = host::read_pending(&self.options, chat_id, message, metadata)?;
        let (chat, send) = self.send_of(&picked);
        Ok(chat.call(&JsValue::UNDEFINED, |call| Input::Steer { call, send }))
    }

    /// Resumes a turn that may be running. Resolves with the stream of the whole turn, or with
    /// `null` where there is nothing to resume.
    ///
    /// # Errors
    /// A `TypeError` that says which argument is wrong, or an `AbortError`.
    #[wasm_bindgen(js_name = reconnectToStream)]
    pub fn reconnect_to_stream(&self, options: &JsValue) -> Result<Promise, JsValue> {
        host::check_call(options)?;
        let chat = self.chat(&get_string(options, "chatId").unwrap_or_default());
        Ok(chat.call(options, |call| Input::Reconnect { call }))
    }

    /// Creates the session, where it is not there yet. Resolves with its persisted state.
    pub fn start(&self, chat_id: &str) -> Promise {
        self.chat(chat_id).call(&JsValue::UNDEFINED, |call| Input::Start { call })
    }

    /// Ends the running turn. Resolves with whether the stop was delivered; never rejects.
    #[wasm_bindgen(js_name = stopGeneration)]
    pub fn stop_generation(&self, chat_id: &str) -> Promise {
        let part_id = host::random_part_id();
        self.chat(chat_id).call(&JsValue::UNDEFINED, |call| Input::Stop { call, part_id })
    }

    /// Goes on without what a stopped turn owes, for it died.
    #[wasm_bindgen(js_name = clearSupersedeGate)]
    pub fn clear_supersede_gate(&self, chat_id: &str) {
        self.tell_known(chat_id, Input::ClearGate);
    }

    /// Tells the cursor up to which the app holds the chat's messages already.
    #[wasm_bindgen(js_name = seedResumeCursor)]
    pub fn seed_resume_cursor(&self, chat_id: &str, last_event_id: String) {
        self.chat(chat_id).tell(Input::SeedCursor(last_event_id));
    }

    /// Makes a lost connection again without waiting any longer.
    #[wasm_bindgen(js_name = retryNow)]
    pub fn retry_now(&self, chat_id: &str) {
        self.tell_known(chat_id, Input::Retry);
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

    /// Takes over how the session of the tab that owns the chat stands: all but its token.
    #[wasm_bindgen(js_name = adoptSession)]
    pub fn adopt_session(&self, chat_id: &str, session: &JsValue) {
        self.chat(chat_id).tell(Input::Adopt(tokenless_from_js(session)));
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

    /// Makes a send of what the host has picked, for its chat.
    fn send_of(&self, picked: &JsValue) -> (Rc<ChatDriver>, Send) {
        let text = |name| get_string(picked, name);
        let send = Send {
            source: SendSource::from_name(&text("source").unwrap_or_default()),
            message_id: text("messageId"),
            body: text("body").unwrap_or_default(),
            part_id: host::random_part_id(),
            head_start: text("headStart"),
        };
        (self.chat(&text("chatId").unwrap_or_default()), send)
    }

    fn all_chats(&self) -> Vec<Rc<ChatDriver>> {
        self.chats.borrow().iter().map(|(_, chat)| Rc::clone(chat)).collect()
    }

    fn tell_known(&self, chat_id: &str, input: Input<'_>) {
        if let Some(chat) = self.known_chat(chat_id) {
            chat.tell(input);
        }
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
        host::can_start_session(&self.options)
    }
}
