//! One chat's machine, as JavaScript drives it: facts come in as JSON, and orders go out as JSON. So nothing of
//! JavaScript's is held here, and nothing of it runs while the machine works.

use wasm_bindgen::prelude::*;

use super::facts::{Fact, input_of, persisted_from};
use super::orders::{Orders, state_to_json};
use crate::chat::Chat;
use crate::chat::action::{Action, Input, RequestId};
use crate::chat::connection::ConnectionState;
use crate::time::{Time, milliseconds};

// What concerns more than the machine itself; `facts` has the others.
const WOKEN: u32 = 28;
const OPTIONS: u32 = 29;
const RESTORED: u32 = 30;
const STATE: u32 = 31;

/// The machine of one chat. Its host has it, and not the other way round: what is under way keeps both, and
/// where nothing is, nobody has to let go of them.
///
/// Each fact is told with the host's time, in milliseconds; what is given back is the orders that follow, a JSON
/// array. `host.js` has a method for each type of order.
#[wasm_bindgen]
pub struct ChatMachine {
    machine: Chat,
    timer: Option<Time>,
    connection: ConnectionState,
    /// The host tells of the network and the page.
    is_watching: bool,
}

#[wasm_bindgen]
impl ChatMachine {
    /// The machine of the chat with this id. `seed`, of any value, decides the jitter of its waits. Nothing
    /// happens before its first call: no request, no timer, no listener.
    #[wasm_bindgen(constructor)]
    pub fn new(chat_id: String, seed: f64) -> Self {
        Self {
            machine: Chat::new(chat_id, false, seed.to_bits()),
            timer: None,
            connection: ConnectionState::Idle,
            is_watching: false,
        }
    }

    /// Tells a fact of a kind, which has a number here (`FACTS` in `host.js`), with its members as JSON. `body` is
    /// that of a message, or of an answer: it may be large, and is not read here.
    ///
    /// One of them is a question: the persisted state of the chat's session is answered as it is, or by `null` where
    /// there is none.
    pub fn tell(&mut self, now: f64, kind: u32, fact: &str, body: &str) -> String {
        let fact = Fact::read(fact);
        match kind {
            STATE => return self.state(),
            OPTIONS => self.set_options(&fact),
            RESTORED => self.machine.restore(persisted_from(&fact)),
            kind => {
                if kind == WOKEN {
                    self.timer = None;
                }
                return self.handle(now, input_of(kind, &fact, body));
            }
        }
        self.orders(&[])
    }

    /// Tells the next bytes of a body.
    #[wasm_bindgen(js_name = wasRead)]
    pub fn was_read(&mut self, now: f64, request: u32, bytes: &[u8]) -> String {
        self.handle(now, Input::Bytes { request: RequestId(request), bytes })
    }
}

impl ChatMachine {
    fn handle(&mut self, now: f64, input: Input<'_>) -> String {
        let mut actions = Vec::new();
        self.machine.handle(Time::from_millis(milliseconds(now)), input, &mut actions);
        self.orders(&actions)
    }

    /// The actions, and what has become different: the timer, the connection as the app sees it, and whether the
    /// host is to tell of the network and the page.
    fn orders(&mut self, actions: &[Action]) -> String {
        let mut orders = Orders::new();
        for action in actions {
            orders.action(action);
        }
        let deadline = self.machine.deadline();
        if deadline != self.timer {
            self.timer = deadline;
            orders.begin("setTimer");
            orders.moment("deadline", deadline);
            orders.end();
        }
        let connection = self.machine.connection();
        if connection != self.connection {
            self.connection = connection;
            orders.connection(connection);
        }
        let is_active = self.machine.is_active();
        if is_active != self.is_watching {
            self.is_watching = is_active;
            orders.begin("watch");
            orders.flag("isWanted", is_active);
            orders.end();
        }
        orders.into_json()
    }

    fn state(&self) -> String {
        self.machine.session().as_ref().map_or_else(|| "null".to_owned(), state_to_json)
    }

    fn set_options(&mut self, options: &Fact<'_>) {
        self.machine.set_can_start_session(options.flag("canStart"));
        self.machine.set_coalesces(options.flag("coalesces"));
        self.machine.set_watches(options.flag("watches"));
        if let Some(ms) = options.number("sendTimeoutMs") {
            self.machine.set_send_timeout(ms);
        }
    }
}
