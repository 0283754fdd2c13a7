//! The promises that can be broken, one at a time, to see that the simulation notices.
//!
//! The place that keeps a promise asks whether it `holds`. It always does, and the compiler knows:
//! only the tests of `tests/mutations/` are built with the feature `broken-rules`, under which a
//! thread may break one.

/// A promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A record at or behind the cursor is not handed on again.
    KnownRecordsAreDropped,
    /// What a writer has written twice is handed on once.
    RepeatedPartsAreDropped,
    /// The cursor moves with every record.
    CursorMoves,
    /// A reconnect resumes from the cursor.
    ReconnectsResume,
    /// A boundary below the number of a send is an earlier turn's.
    NumbersCount,
    /// What a stopped turn still writes is nobody's answer.
    StoppedTurnsAreHeldBack,
    /// The end of a body is not the end of its turn.
    BodiesAreNotTurns,
    /// A settled body that breaks off behind a chunk is no end either.
    CutBodiesAreNoEnd,
    /// Nobody asks whether all turns are over while one that was sent is outstanding.
    NoPeekWhileOutstanding,
    /// Whether a boundary that was passed over was the turn's own is asked.
    DoubtsAreAsked,
    /// A stream whose connections bring nothing fails, and does not end well.
    ExhaustionIsAnError,
    /// Whoever comes back sees the running turn from its start.
    ReplaysFromItsStart,
    /// A running turn is stored before its stream opens.
    RunningTurnsAreStored,
    /// A turn whose stream has failed is not waited for.
    FailedTurnsAreOver,
    /// A stream opens when its message is acknowledged.
    StreamsWaitForTheirMessage,
    /// An acknowledgement that comes after its turn's end opens nothing.
    LateAnswersOpenNothing,
    /// What is sent first lands first: a stop does not overtake the message whose turn it ends.
    SendsWaitTheirTurn,
    /// Every attempt of a send goes out under the same part id.
    RetriesKeepTheirPartId,
    /// An acknowledgement without a seq is believed at the first attempt alone.
    BareAnswersAreProven,
    /// A send whose attempts the service may have forgotten is looked for before it goes out again.
    OldAttemptsAreLookedFor,
    /// A send that the service will not have is not sent again.
    RefusalsAreFinal,
    /// A send ends when its time is up.
    SendsAreGivenUp,
    /// A new turn ends the stream of the one before.
    NewTurnsSupersede,
    /// One token is asked for at a time.
    OneRefreshAtATime,
    /// A refused token is renewed.
    RefusedTokensAreRenewed,
    /// What follows a damaged event in its body is not used.
    DamageEndsABody,
    /// Half an event waits for its other half.
    HalfEventsAreKept,
    /// A body that says nothing for a minute is lost.
    SilenceIsALoss,
    /// So is a request whose head takes half a minute.
    HeadsComeInTime,
    /// When the network is there again, so is the stream.
    OnlineConnects,
    /// The service is left alone for as long as it asks.
    RetryAfterIsHonoured,
    /// Only deltas of one part, one behind the other, are merged.
    MergesOnlyOnePart,
    /// Whoever goes leaves no request open.
    NothingIsLeftOpen,
    /// Where there are locks, whoever does not get the chat's does not own it.
    LocksDecide,
    /// A lock that comes when nobody wants it any more is let go of.
    UnwantedLocksAreReleased,
    /// The end of an owner frees the chat.
    EndedLivesFree,
    /// An owner's word that it lets go is not heeded before its lock has fallen.
    LivesAreWaitedFor,
    /// Where there are no locks, a claim waits for objections.
    ClaimsWaitForObjections,
    /// A tab that was frozen while it waited for objections waits again.
    LateAskersAskAgain,
    /// Of two tabs that own a chat, one goes on.
    LowerTabsPrevail,
    /// An owner that was frozen asks anew.
    LateOwnersAskAnew,
    /// An owner that was silent is asked before it is forgotten: it may be this tab that was frozen.
    SilentOwnersAreAsked,
    /// An owner that is silent for long is forgotten.
    SilentOwnersAreForgotten,
    /// A tab that is new learns who owns the chat.
    OwnersAnswerHellos,
}

/// Whether the promise is kept.
#[cfg(not(feature = "broken-rules"))]
pub const fn holds(_: Rule) -> bool {
    true
}

#[cfg(feature = "broken-rules")]
pub use broken::{break_rule, holds};

#[cfg(feature = "broken-rules")]
mod broken {
    use std::cell::Cell;

    use super::Rule;

    thread_local! {
        static BROKEN: Cell<Option<Rule>> = const { Cell::new(None) };
    }

    /// Whether the promise is kept.
    pub fn holds(rule: Rule) -> bool {
        BROKEN.get() != Some(rule)
    }

    /// Breaks a promise for all chats of this thread, and keeps the one that was broken before.
    pub fn break_rule(rule: Rule) {
        BROKEN.set(Some(rule));
    }
}

#[cfg(feature = "broken-rules")]
impl Rule {
    /// Those of many tabs.
    pub const OF_TABS: &[Self] = &[
        Self::LocksDecide,
        Self::UnwantedLocksAreReleased,
        Self::EndedLivesFree,
        Self::LivesAreWaitedFor,
        Self::ClaimsWaitForObjections,
        Self::LateAskersAskAgain,
        Self::LowerTabsPrevail,
        Self::LateOwnersAskAnew,
        Self::SilentOwnersAreAsked,
        Self::SilentOwnersAreForgotten,
        Self::OwnersAnswerHellos,
    ];

    /// Those of one chat.
    pub const OF_CHATS: &[Self] = &[
        Self::KnownRecordsAreDropped,
        Self::RepeatedPartsAreDropped,
        Self::CursorMoves,
        Self::ReconnectsResume,
        Self::NumbersCount,
        Self::StoppedTurnsAreHeldBack,
        Self::BodiesAreNotTurns,
        Self::CutBodiesAreNoEnd,
        Self::NoPeekWhileOutstanding,
        Self::DoubtsAreAsked,
        Self::ExhaustionIsAnError,
        Self::ReplaysFromItsStart,
        Self::RunningTurnsAreStored,
        Self::FailedTurnsAreOver,
        Self::StreamsWaitForTheirMessage,
        Self::LateAnswersOpenNothing,
        Self::SendsWaitTheirTurn,
        Self::RetriesKeepTheirPartId,
        Self::BareAnswersAreProven,
        Self::OldAttemptsAreLookedFor,
        Self::RefusalsAreFinal,
        Self::SendsAreGivenUp,
        Self::NewTurnsSupersede,
        Self::OneRefreshAtATime,
        Self::RefusedTokensAreRenewed,
        Self::DamageEndsABody,
        Self::HalfEventsAreKept,
        Self::SilenceIsALoss,
        Self::HeadsComeInTime,
        Self::OnlineConnects,
        Self::RetryAfterIsHonoured,
        Self::MergesOnlyOnePart,
        Self::NothingIsLeftOpen,
    ];
}
