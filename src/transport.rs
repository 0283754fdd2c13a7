//! The class that JavaScript sees. It finds the chat, makes its facts of the app's arguments, and
//! leaves the rest to the chat's machine and its driver.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;

use crate::browser::convert::{persisted_from_js, persisted_to_js, tokenless_from_js};
use crate::browser::driver::ChatDriver;
use crate::browser::host::{self, Options, Promise, get, get_string};
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

    /// A call of the app that is answered by a promise. Each method of its own would be a sizeable part
    /// of the module, so its name is an argument, and its arguments are members of an object:
    ///
    /// - `send`, with the options of `sendMessages`. Resolves, once the send is acknowledged, with the
    ///   `ReadableStream` of the answer's chunks.
    /// - `steer`, with `chatId`, `message` and `metadata`: adds a message to what the running turn was
    ///   asked. Resolves with whether it was delivered; the open stream goes on.
    /// - `reconnect`, with the options of `reconnectToStream`: resumes a turn that may be running.
    ///   Resolves with the stream of the whole turn, or with `null` where there is nothing to resume.
    /// - `start`, with `chatId`: creates the session, where it is not there yet. Resolves with its
    ///   persisted state.
    /// - `stop`, with `chatId`: ends the running turn. Resolves with whether the stop was delivered;
    ///   never rejects.
    ///
    /// # Errors
    /// A `TypeError` that says which argument is wrong, or an `AbortError`.
    pub fn call(&self, name: &str, options: &JsValue) -> Result<Promise, JsValue> {
        let chat_id = get_string(options, "chatId").unwrap_or_default();
        Ok(match name {
            "send" => {
                let known = self.known_chat(&chat_id);
                let has_session = known.is_some_and(|chat| chat.session().is_some());
                let picked = host::read_send(&self.options, options, has_session)?;
                let send = send_of(&picked);
                self.chat(&chat_id).call(&picked, |call| Input::Send { call, send })
            }
            "steer" => {
                let send = send_of(&host::read_pending(&self.options, options)?);
                self.chat(&chat_id).call(&JsValue::UNDEFINED, |call| Input::Steer { call, send })
            }
            "reconnect" => {
                host::check_call(options)?;
                self.chat(&chat_id).call(options, |call| Input::Reconnect { call })
            }
            "start" => self.chat(&chat_id).call(&JsValue::UNDEFINED, |call| Input::Start { call }),
            // "stop"
            _ => {
                let part_id = host::random_part_id();
                let stop = |call| Input::Stop { call, part_id };
                self.chat(&chat_id).call(&JsValue::UNDEFINED, stop)
            }
        })
    }

    /// Tells a chat something that the app knows, by an object with a `type` and a `chatId`:
    ///
    /// - `session`: sets the persisted state, which is the member `session`.
    /// - `adopt`: takes over how the session of the tab that owns the chat stands, which is the member
    ///   `session`: all but its token.
    /// - `cursor`: the app holds the chat's messages up to `lastEventId` already.
    /// - `died`: what a stopped turn owes does not come any more, for it died.
    /// - `retry`: makes a lost connection again without waiting any longer.
    ///
    /// # Errors
    /// A `TypeError` when the state has no token.
    pub fn tell(&self, fact: &JsValue) -> Result<(), JsValue> {
        let text = |name| get_string(fact, name).unwrap_or_default();
        let session = || get(fact, "session");
        let chat_id = text("chatId");
        let input = match &*text("type") {
            "session" => Input::SetSession(persisted_from_js(&session())?),
            "adopt" => Input::Adopt(tokenless_from_js(&session())),
            "cursor" => Input::SeedCursor(text("lastEventId")),
            "died" => Input::ClearGate,
            // "retry"
            _ => Input::Retry,
        };
        self.chat(&chat_id).tell(input);
        Ok(())
    }

    /// The persisted state of a chat's session, or `undefined`.
    #[wasm_bindgen(js_name = getSession)]
    pub fn get_session(&self, chat_id: &str) -> JsValue {
        let session = self.known_chat(chat_id).and_then(|chat| chat.session());
        session.as_ref().map_or(JsValue::UNDEFINED, persisted_to_js)
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
        host::can_start_session(&self.options)
    }
}

/// Makes a send of what the host has picked.
fn send_of(picked: &JsValue) -> Send {
    let text = |name| get_string(picked, name);
    Send {
        source: SendSource::from_name(&text("source").unwrap_or_default()),
        message_id: text("messageId"),
        body: text("body").unwrap_or_default(),
        part_id: host::random_part_id(),
        head_start: text("headStart"),
    }
}
