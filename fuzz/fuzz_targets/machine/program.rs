//! An input, read as a program.

/// The bytes that are left.
pub(crate) struct Program<'a> {
    rest: &'a [u8],
}

impl<'a> Program<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next operation, as a small letter or one of the few characters around them.
    pub(crate) fn operation(&mut self) -> Option<u8> {
        self.byte().map(|byte| byte % 32 + 96)
    }

    /// One of so many; a digit chooses itself. The first where the program is at its end.
    pub(crate) fn choice(&mut self, count: usize) -> usize {
        let byte = self.byte().unwrap_or(b'0');
        usize::from(byte.wrapping_sub(b'0')) % count
    }

    /// Bytes up to a NUL.
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| *byte == 0).unwrap_or(self.rest.len());
        let (bytes, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        bytes
    }

    /// Text up to a NUL; none where it is no text.
    pub(crate) fn text(&mut self) -> &'a str {
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }
}
