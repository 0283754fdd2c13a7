//! The seeds whose worlds once broke a promise; each run begins with them.
//!
//! A seed means a world only as long as what draws the worlds does not change: a changed world makes
//! another one of it. So each fault that was found has a directed test in `tests/chat/` as well, and
//! an entry here may be dropped with the world that it stood for.

/// A seed, and what it found.
pub(crate) const FAILED_SEEDS: &[(u64, &str)] = &[
    (16, "a replay began behind a boundary that was its own turn's, and never ended"),
    (23, "the boundary that opened the gate was its own turn's, and nobody asked"),
    (42, "a token that had expired anew failed the stream"),
    (50, "the connection was waiting while it was made again"),
    (51, "a hidden page whose timers were late never noticed a silence"),
    (154, "a page that was shown again did not leave the service alone"),
    (293, "chunks came behind the error that they should have come before"),
    (1234, "a settled body that broke off behind a known chunk was taken for the end"),
    (1477, "an answer that was held back looked complete behind another turn"),
    (2502, "an answer that was held back looked complete as the session closed"),
    (3846, "a late acknowledgement lost the doubt, and its stream never ended"),
    (5313, "a refused send opened the gate"),
    (5809, "a late acknowledgement opened a stream behind the session's end"),
    (6421, "a token that had expired in a sleep failed the stream"),
    (7503, "a late acknowledgement did not doubt the end before it"),
    (8049, "a turn of a closed session was stored as running for ever"),
    (18037, "a newer send inherited a question, and asked too soon"),
    (187_006, "a stream failed with a refusal of before its session was created anew"),
    (249_244, "an answer that was old when it was told, after a sleep, let a stop land twice"),
    (616_212, "a token that an old boundary told was taken for a fresh one"),
    (849_479, "a message that was aborted was looked for once, and landed afterwards"),
];
