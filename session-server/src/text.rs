//! Text in pieces.

/// The text in pieces of at most so many bytes, none of which ends within a character; one piece at least.
pub(crate) fn pieces(text: &str, bytes: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let (piece, after) = rest?.split_at(rest?.floor_char_boundary(bytes));
        rest = (!after.is_empty()).then_some(after);
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn the_pieces_are_short_and_together_the_text() {
        assert_eq!(pieces("aébc", 2).collect::<Vec<_>>(), ["a", "é", "bc"]);
        assert_eq!(pieces("", 2).collect::<Vec<_>>(), [""]);
    }
}
