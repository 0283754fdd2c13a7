//! Which worlds there are: what goes together, and what no client could tell apart.

use crate::model_server::{Character, Dialect, Faults, Listing};
use crate::network::Weather;
use crate::random::Random;
use crate::user::Habits;

/// What a chat is like: its server, and its users.
#[derive(Debug)]
pub(crate) struct Variety {
    pub(crate) character: Character,
    pub(crate) habits: Habits,
    /// The app's server closes the session, so long after its start.
    pub(crate) closes_after: Option<u64>,
    /// How often its service starts anew.
    pub(crate) restarts: u32,
}

impl Variety {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let dialect = random.one_of(&[
            Dialect::V2,
            Dialect::V2,
            Dialect::V2,
            Dialect::V2WithoutHeader,
            Dialect::V2Legacy,
            Dialect::V1,
        ]);
        let gives_seq = dialect == Dialect::V1 || random.percent(85);
        // Where there are no records to ask for, what was sent again has no number.
        let listing = random.one_of(&[
            Listing::Given,
            Listing::Given,
            Listing::Given,
            Listing::Given,
            Listing::Refused(404),
            Listing::Refused(405),
            Listing::Refused(501),
            Listing::Garbage,
        ]);
        // Without the numbers a boundary cannot be told from another: then turns do not overlap.
        let has_numbers = gives_seq && dialect.has_numbers() && listing == Listing::Given;
        let mut habits = habits(has_numbers, gives_seq && listing == Listing::Given, random);
        let mut character = character(dialect, gives_seq, has_numbers, random);
        character.listing = listing;
        if listing != Listing::Given {
            // Whether what was aborted has landed, nobody can tell; nor whose turn is missing, where it
            // has not. Then the user lets that one stream go, and nothing else.
            habits.stops = false;
            habits.leaves = false;
            habits.forgets = false;
            character.faults.doubles = 0;
        }
        if dialect == Dialect::V2Legacy && habits.stops {
            // The rest of a turn that was given up, written again behind its boundary, would be a
            // reader's first sight of it where the boundary before was trimmed away.
            character.faults.doubles = 0;
        }
        if character.faults.holds_back > 0 && !character.tells_taken {
            // Which of two turns was stopped, and which was held back, could not be told; nor that the
            // end of one stream was that of a message, too, which is acknowledged late.
            habits.stops = false;
            habits.overlaps = false;
            character.faults.joins = 0;
        }
        if !can_leave(&character, habits) {
            habits.leaves = false;
            habits.forgets = false;
        }
        // An app that forgets the running turn replays none of it, not even the end that was held back.
        habits.forgets &= character.faults.holds_back == 0;
        let closes = dialect.has_numbers() && random.percent(15);
        let closes_after = closes.then(|| random.within(1..300_000));
        let restarts = random.one_of(&[0, 0, 0, 1, 3]);
        Self { character, habits, closes_after, restarts }
    }
}

fn habits(has_numbers: bool, gives_seq: bool, random: &mut Random) -> Habits {
    // Without numbers a reload forgets which turn was given up, and a reconnect may be told
    // "settled" about the turn before: then the user does one of both.
    let stops = has_numbers || !gives_seq || random.percent(50);
    Habits {
        wishes: u32::try_from(random.within(5..80)).expect("small"),
        overlaps: has_numbers && random.percent(60),
        stops,
        has_numbers,
        leaves: has_numbers || !stops,
        forgets: has_numbers && random.percent(30),
        is_slow: random.percent(40),
    }
}

/// Whether the user may load the page anew, or come back to a stream: not where the next page could
/// not tell what this one can.
fn can_leave(character: &Character, habits: Habits) -> bool {
    let faults = &character.faults;
    // A page knows which parts it was shown, and the next one does not: what is written twice has to
    // stand in one turn, and to be replayed with it.
    let has_doubles = faults.doubles > 0;
    let may_split = habits.overlaps || habits.stops || faults.barren > 0;
    let is_legacy = character.dialect == Dialect::V2Legacy;
    // Whether the boundary that this page has passed over was its own turn's, the next one cannot tell.
    let is_in_doubt = faults.holds_back > 0 && (!character.tells_taken || habits.overlaps);
    habits.leaves && !(has_doubles && (may_split || is_legacy)) && !is_in_doubt
}

fn character(
    dialect: Dialect,
    gives_seq: bool,
    has_numbers: bool,
    random: &mut Random,
) -> Character {
    let tells_taken = random.percent(75);
    // Where the boundaries do not tell what the agent had taken, a client asks after one whole window
    // in which nothing came: there an agent must not think for longer after an earlier turn's end.
    // (The records of `.in` tell a number where the acknowledgement does not.)
    let is_quick = dialect.has_numbers() && !tells_taken;
    Character {
        dialect,
        gives_seq,
        listing: Listing::Given,
        harms_once: !has_numbers,
        window_ms: if is_quick {
            random.one_of(&[20_000, 120_000])
        } else {
            random.one_of(&[5_500, 20_000, 120_000])
        },
        token_life_ms: random.one_of(&[90_000, 200_000, 3_600_000]),
        tells_lifetime: random.percent(50),
        think_ms: if is_quick {
            random.one_of(&[5, 500, 10_000])
        } else {
            random.one_of(&[5, 500, 20_000])
        },
        tells_taken,
        refuses_when_closed: random.percent(50),
        faults: Faults {
            refuses: random.one_of(&[0, 0, 20]),
            proxies: random.one_of(&[0, 0, 10]),
            refuses_appends: random.one_of(&[0, 0, 10, 50]),
            proxies_appends: random.one_of(&[0, 0, 10]),
            refuses_for_good: random.one_of(&[0, 0, 0, 5]),
            dies: random.one_of(&[0, 0, 20]),
            dawdles: if has_numbers { random.one_of(&[0, 0, 10]) } else { 0 },
            loses_sessions: random.one_of(&[0, 0, 20]),
            rewinds: random.one_of(&[0, 30]),
            repeats: random.one_of(&[0, 10]),
            damages: random.one_of(&[0, 0, 5]),
            // The stream of a turn that runs on may fail then, and leaves a boundary like above.
            barren: if has_numbers { random.one_of(&[0, 0, 0, 10, 70]) } else { 0 },
            errors: random.one_of(&[0, 0, 5]),
            joins: if has_numbers { random.one_of(&[0, 40]) } else { 0 },
            swallows: if has_numbers { random.one_of(&[0, 50]) } else { 0 },
            // A window that is idle for the reader only tells nothing of the agent.
            stalls: if is_quick { 0 } else { random.one_of(&[0, 0, 10]) },
            doubles: if dialect == Dialect::V1 { 0 } else { random.one_of(&[0, 0, 20]) },
            holds_back: if has_numbers { random.one_of(&[0, 0, 30]) } else { 0 },
            breaks_off: random.one_of(&[0, 50]),
        },
    }
}

pub(crate) fn weather(have_numbers: bool, random: &mut Random) -> Weather {
    Weather {
        latency_ms: random.one_of(&[2, 30, 400, 2_000]),
        refuses: random.one_of(&[0, 0, 15]),
        loses_answers: random.one_of(&[0, 0, 15]),
        cuts: random.one_of(&[0, 30, 80]),
        silences: random.one_of(&[0, 0, 15]),
        loses_heads: random.one_of(&[0, 0, 10]),
        stalls: random.one_of(&[0, 0, 3]),
        late_answers: random.one_of(&[0, 0, 25]),
        late_appends: if have_numbers { random.one_of(&[0, 0, 10]) } else { 0 },
        hangs: random.one_of(&[0, 0, 10]),
        // A message that landed unknown to the client leaves a boundary that only numbers tell.
        harms_once: !have_numbers,
    }
}
