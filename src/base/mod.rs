//! What the state machines have in common, which are of two packages: `trigger-chat-transport` has a
//! chat's, `trigger-chat-tabs` has that of a tab's claim.

pub mod rules;
pub mod time;
