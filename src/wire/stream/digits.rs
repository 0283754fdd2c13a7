//! Numbers as text.

/// A whole number, made of ASCII digits alone; `None` where it is none, or does not fit.
///
/// One function for the few numbers that are read, at half the size of the standard library's.
#[inline(never)]
pub fn whole_number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(None, |number: Option<u64>, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte & 0xf))?;
        // `checked_mul` would multiply in 128 bits.
        let number = number.unwrap_or(0);
        let tenfold = (number <= u64::MAX / 10).then(|| number.wrapping_mul(10))?;
        Some(Some(tenfold.checked_add(digit)?))
    })?
}
