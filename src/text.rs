//! Text without the standard library's formatting code, which is a sizeable part of a small module.

/// A whole number in decimal digits.
pub(crate) fn decimal(number: u64) -> String {
    let text = if number < 10 { String::new() } else { decimal(number / 10) };
    text + digit(u8::try_from(number % 10).unwrap_or_default())
}

/// A hexadecimal digit; nothing where it is none.
pub(crate) fn digit(value: u8) -> &'static str {
    let at = usize::from(value);
    "0123456789abcdef".get(at..=at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::decimal;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_number_is_spelled_as_the_standard_library_does() {
        for number in [0, 9, 10, 503, u64::MAX] {
            assert_eq!(decimal(number), number.to_string());
        }
    }
}
