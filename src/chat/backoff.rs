//! How long to wait before the next attempt.

/// The first delay, before jitter.
const FIRST_DELAY_MS: u64 = 100;

/// No delay is longer: a person who watches a reconnect should not have to wait for more.
const MAX_DELAY_MS: u64 = 5_000;

/// Delays that double from 100 ms to 5 s, each times a factor between a half and one, so that many
/// clients whom one outage has cut off do not come back in step.
#[derive(Debug, Clone)]
pub struct Backoff {
    next_delay_ms: u64,
    random: u64,
}

impl Backoff {
    /// Starts over; `seed` decides the jitter.
    pub fn new(seed: u64) -> Self {
        // The generator has one state that it cannot leave: zero.
        Self { next_delay_ms: FIRST_DELAY_MS, random: seed | 1 }
    }

    /// The delay before the next attempt, in milliseconds.
    pub fn next_delay_ms(&mut self) -> u64 {
        let delay = self.next_delay_ms;
        self.next_delay_ms = delay.saturating_mul(2).min(MAX_DELAY_MS);
        let half = delay / 2;
        half.saturating_add(self.random().checked_rem(half.saturating_add(1)).unwrap_or_default())
    }

    /// The connection has shown that it works: the next delay is the first one again.
    pub fn reset(&mut self) {
        self.next_delay_ms = FIRST_DELAY_MS;
    }

    /// Marsaglia's xorshift64 (2003): enough to spread clients, and a few instructions.
    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn delays_double_up_to_their_bound_and_keep_at_least_half() {
        for seed in 0..200 {
            let mut backoff = Backoff::new(seed);
            for full in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
                let delay = backoff.next_delay_ms();
                assert!((full / 2..=full).contains(&delay), "{delay} of {full}, seed {seed}");
            }
            backoff.reset();
            assert!(backoff.next_delay_ms() <= FIRST_DELAY_MS);
        }
    }

    #[test]
    fn seeds_spread_the_delays() {
        let delays: std::collections::BTreeSet<_> =
            (0..100).map(|seed| Backoff::new(seed * 7_919).next_delay_ms()).collect();
        assert!(delays.len() > 10, "{delays:?}");
    }
}
