//! The claim of one tab to one chat, as JavaScript drives it: facts and orders are numbers.

use std::num::NonZeroU32;

use trigger_chat_base::time::{Time, milliseconds};
use wasm_bindgen::prelude::*;

use crate::{Claim, Fact, Life, Message, Order, TabId};

/// What a fact is called when another tab has said something: these, from here on.
const HEARD: u32 = 7;

/// See the package for what it decides, and `js/src/tabs/claim.ts` for the names of the numbers.
#[wasm_bindgen]
pub struct TabClaim(Claim);

#[wasm_bindgen]
impl TabClaim {
    /// The claim of the tab with this id. `has_locks`: the browser has Web Locks.
    #[wasm_bindgen(constructor)]
    pub fn new(tab: u32, has_locks: bool) -> Self {
        Self(Claim::new(TabId(tab), has_locks))
    }

    /// Tells a fact, at a time in milliseconds. Gives after how many more to tell that time has passed
    /// (below zero: never), whether the chat is this tab's or about to be, whether it is another tab's, and
    /// then the orders, each with its life or zero.
    pub fn tell(&mut self, now: f64, fact: u32, tab: u32, life: u32) -> Vec<f64> {
        let now = Time::from_millis(milliseconds(now));
        let mut orders = Vec::new();
        if let Some(fact) = fact_of(fact, TabId(tab), NonZeroU32::new(life).map(Life)) {
            self.0.handle(now, fact, &mut orders);
        }
        let delay = self.0.deadline().and_then(|at| u32::try_from(at.since(now)).ok());
        let mut told = vec![
            delay.map_or(-1.0, f64::from),
            self.0.is_held().into(),
            self.0.is_read_only().into(),
        ];
        for order in orders {
            let (code, life) = numbers_of(order);
            told.push(code.into());
            told.push(life.map_or(0.0, |life| life.0.get().into()));
        }
        told
    }

    /// Whether the chat is that tab's, as far as this one knows.
    #[wasm_bindgen(js_name = isOwner)]
    pub fn is_owner(&self, tab: u32) -> bool {
        self.0.is_owner(TabId(tab))
    }
}

fn fact_of(fact: u32, tab: TabId, life: Option<Life>) -> Option<Fact> {
    Some(match fact {
        0 => Fact::Opened,
        1 => Fact::Closed,
        2 => Fact::Wanted,
        3 => Fact::Over,
        4 => Fact::Locked(life),
        5 => Fact::Ended(life?),
        6 => Fact::Woken,
        fact => Fact::Heard(
            tab,
            match fact.checked_sub(HEARD)? {
                0 => Message::Claim(life),
                1 => Message::Asking,
                2 => Message::Release,
                3 => Message::Heartbeat,
                _ => Message::Hello,
            },
        ),
    })
}

fn numbers_of(order: Order) -> (u8, Option<Life>) {
    match order {
        Order::Post(Message::Claim(life)) => (0, life),
        Order::Post(Message::Asking) => (1, None),
        Order::Post(Message::Release) => (2, None),
        Order::Post(Message::Hello | Message::Heartbeat) => (3, None),
        Order::Lock => (4, None),
        Order::Unlock => (5, None),
        Order::Watch(life) => (6, Some(life)),
        Order::Unwatch => (7, None),
        Order::Granted => (8, None),
        Order::Denied => (9, None),
        // The state tells it.
        Order::ReadOnly(_) => (10, None),
    }
}
