//! Recognises a writer's retry: the same part id under a new seq.
//!
//! The newest part ids are kept as hashes, in rings, and found through chains: each hash leads to the
//! one before it that fell into the same bucket, as LZ77 compressors find what they have seen. So a
//! look-up takes a step or two, nothing has to be deleted, and nothing is allocated after the first.

/// How many part ids are remembered. A retried write of S2 repeats at most one batch, and a batch
/// holds at most 1,000 records. A power of two.
const REMEMBERED: usize = 1 << BUCKET_BITS;

const BUCKET_BITS: u32 = 10;

/// The part ids that came last.
///
/// They are told apart by 64 bits of hash: two of a window's ids are taken for one at odds of 1 to
/// 10^13.
#[derive(Debug, Clone, Default)]
pub struct PartIds {
    /// How many ids have come; each id's number is the count with it.
    count: usize,
    /// By number, in a ring.
    entries: Vec<Entry>,
    /// By bucket: the number of the newest id in it.
    newest: Vec<usize>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    hash: u64,
    /// The number of the id before this one in its bucket; zero where there is none.
    previous: usize,
}

impl PartIds {
    /// Whether this id is one of the last 1,024. From now on it is.
    pub fn has_seen(&mut self, id: &str) -> bool {
        if self.entries.is_empty() {
            self.allocate();
        }
        let hash = hash_of(id.as_bytes());
        let is_repeat = self.contains(hash);
        if !is_repeat {
            self.remember(hash);
        }
        is_repeat
    }

    /// Forgets all of them: what comes next is a replay.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    #[cold]
    fn allocate(&mut self) {
        self.entries = vec![Entry::default(); REMEMBERED];
        self.newest = vec![0; REMEMBERED];
    }

    fn contains(&self, hash: u64) -> bool {
        let mut number = self.newest.get(place(hash)).copied().unwrap_or_default();
        while number > 0 && self.count.wrapping_sub(number) < REMEMBERED {
            match self.entries.get(number % REMEMBERED) {
                Some(entry) if entry.hash == hash => return true,
                Some(entry) => number = entry.previous,
                None => return false,
            }
        }
        false
    }

    fn remember(&mut self, hash: u64) {
        self.count = self.count.wrapping_add(1);
        if let Some(newest) = self.newest.get_mut(place(hash))
            && let Some(entry) = self.entries.get_mut(self.count % REMEMBERED)
        {
            *entry = Entry { hash, previous: *newest };
            *newest = self.count;
        }
    }
}

/// The bucket of a hash: its highest bits, on which every bit of the id has a say.
#[allow(clippy::cast_possible_truncation)]
fn place(hash: u64) -> usize {
    hash.rotate_left(BUCKET_BITS) as usize % REMEMBERED
}

/// A multiplication mixes upwards, a shift back down; eight bytes a step, so that a UUID takes five.
fn hash_of(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    for (place, byte) in last.iter_mut().zip(rest) {
        *place = *byte;
    }
    let length = bytes.len() as u64;
    words.iter().chain([&last]).fold(length, |hash, word| {
        let product = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        product ^ product >> 32
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn id(number: usize) -> String {
        format!("part-{number}")
    }

    #[test]
    fn each_of_the_last_1024_ids_is_a_repeat() {
        let mut ids = PartIds::default();
        for number in 0..5_000 {
            assert!(!ids.has_seen(&id(number)), "{number} is new");
            let oldest = number.saturating_sub(REMEMBERED - 1);
            assert!(ids.has_seen(&id(oldest)), "{oldest} after {number}");
            assert!(ids.has_seen(&id(number / 2 + oldest / 2)));
        }
    }

    #[test]
    fn an_older_id_is_new_again() {
        let mut ids = PartIds::default();
        for number in 0..=REMEMBERED {
            ids.has_seen(&id(number));
        }
        assert!(!ids.has_seen(&id(0)));
        assert!(ids.has_seen(&id(0)));
    }

    #[test]
    fn nothing_is_a_repeat_after_a_clear() {
        let mut ids = PartIds::default();
        assert!(!ids.has_seen(""));
        assert!(ids.has_seen(""));
        ids.clear();
        assert!(!ids.has_seen(""));
    }
}
