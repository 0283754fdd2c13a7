//! The class that JavaScript sees. It finds the chat, makes its facts of what it is given, and
//! leaves the rest to the chat's machine and its driver.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;

use crate::browser::convert::{persisted_from_js, persisted_to_js};
use crate::browser::driver::ChatDriver;
use crate::browser::host::{self, Options, Promise, get, get_string};
use crate::chat::action::{Input, Send};
use crate::chat::event::SendSource;
use crate::chat::session::PersistedSession;

/// A chat transport's core. What the app gives is checked before it comes here, in `js/src`: nothing here
/// throws.
#[wasm_bindgen]
pub struct ChatTransport {
    options: Options,
    /// By chat id. A list, for a page has few chats and a map is a sizeable part of the module.
    chats: RefCell<Vec<(String, Rc<ChatDriver>)>>,
}

#[wasm_bindgen]
impl ChatTransport {
    /// Makes a transport of `CoreOptions` (`js/src/options.ts`). Nothing happens before the first call: no
    /// request, no timer, no listener.
    #[wasm_bindgen(constructor)]
    pub fn new(options: Options) -> Self {
        let transport = Self { options, chats: RefCell::default() };
        for index in 0.. {
            let stored = host::stored_session(&transport.options, index);
            let Some(chat_id) = get_string(&stored, "chatId") else {
                break;
            };
            transport.chat(&chat_id).restore(persisted_from_js(&stored));
        }
        transport
    }

    /// A call of the app that is answered by a promise. Each method of its own would be a sizeable part
    /// of the module, so its name is an argument, and its arguments are members of an object:
    ///
    /// - `send`, with what `sendOf` (`js/src/calls.ts`) makes of the options of `sendMessages`. Resolves,
    ///   once the send is acknowledged, with the `ReadableStream` of the answer's chunks.
    /// - `steer`, with what `pendingOf` makes of a message: adds it to what the running turn was
    ///   asked. Resolves with whether it was delivered; the open stream goes on.
    /// - `reconnect`, with the options of `reconnectToStream`: resumes a turn that may be running.
    ///   Resolves with the stream of the whole turn, or with `null` where there is nothing to resume.
    /// - `start`, with `chatId`: creates the session, where it is not there yet. Resolves with its
    ///   persisted state.
    /// - `stop`, with `chatId`: ends the running turn. Resolves with whether the stop was delivered;
    ///   never rejects.
    pub fn call(&self, name: &str, options: &JsValue) -> Promise {
        let chat = self.chat(&get_string(options, "chatId").unwrap_or_default());
        let nothing = &JsValue::UNDEFINED;
        match name {
            "send" => chat.call(options, |call| Input::Send { call, send: send_of(options) }),
            "steer" => chat.call(nothing, |call| Input::Steer { call, send: send_of(options) }),
            "reconnect" => chat.call(options, |call| Input::Reconnect { call }),
            "start" => chat.call(nothing, |call| Input::Start { call }),
            // "stop"
            _ => {
                let part_id = host::random_part_id();
                chat.call(nothing, |call| Input::Stop { call, part_id })
            }
        }
    }

    /// Tells a chat something that the app knows, by an object with a `type` and a `chatId`:
    ///
    /// - `session`: sets the persisted state, which is the member `session`.
    /// - `adopt`: takes over how the session of the tab that owns the chat stands, which is the member
    ///   `session`: all but its token.
    /// - `cursor`: the app holds the chat's messages up to `lastEventId` already.
    /// - `died`: what a stopped turn owes does not come any more, for it died.
    /// - `retry`: makes a lost connection again without waiting any longer.
    pub fn tell(&self, fact: &JsValue) {
        let text = |name| get_string(fact, name).unwrap_or_default();
        let session = || persisted_from_js(&get(fact, "session"));
        self.chat(&text("chatId")).tell(match &*text("type") {
            "session" => Input::SetSession(session()),
            // Whatever another tab says, a token is the app's to give.
            "adopt" => {
                Input::Adopt(PersistedSession { public_access_token: String::new(), ..session() })
            }
            "cursor" => Input::SeedCursor(text("lastEventId")),
            "died" => Input::ClearGate,
            // "retry"
            _ => Input::Retry,
        });
    }

    /// The persisted state of a chat's session, or `undefined`.
    #[wasm_bindgen(js_name = getSession)]
    pub fn get_session(&self, chat_id: &str) -> JsValue {
        let session = self.known_chat(chat_id).and_then(|chat| chat.session());
        session.as_ref().map_or(JsValue::UNDEFINED, persisted_to_js)
    }

    /// One of the options that are live has been replaced: `accessToken`, `startSession`, `fetch`,
    /// `clientData`, `onSessionChange`, `onEvent`.
    #[wasm_bindgen(js_name = optionsChanged)]
    pub fn options_changed(&self) {
        for chat in self.all_chats() {
            chat.set_can_start_session(self.can_start_session());
        }
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
