//! What a session token tells of itself. It is a JWT; nothing in it is proof of anything here.

use super::members::Members;

/// When a token was made and when it expires, in seconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// Its `iat`.
    pub issued_at: Option<u64>,
    /// Its `exp`.
    pub expires_at: u64,
}

impl Lifetime {
    /// Reads the claims of a JWT; `None` where it is none, or does not say when it expires.
    pub fn read(token: &str) -> Option<Self> {
        let claims = token.as_bytes().split(|byte| *byte == b'.').nth(1)?;
        let claims = String::from_utf8(decode_base64url(claims)?).ok()?;
        let claims = Members::read(&claims).ok()?;
        Some(Self { issued_at: claims.number("iat"), expires_at: claims.number("exp")? })
    }
}

/// RFC 4648, section 5, without padding. `None` where a character has no place in it.
fn decode_base64url(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut bits: u32 = 0;
    let mut count: u32 = 0;
    for character in text {
        let value = match *character {
            b'A'..=b'Z' => character.wrapping_sub(b'A'),
            b'a'..=b'z' => character.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => character.wrapping_sub(b'0').wrapping_add(52),
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count = count.wrapping_add(6);
        if count >= 8 {
            count = count.wrapping_sub(8);
            let [byte, ..] = bits.wrapping_shr(count).to_le_bytes();
            bytes.extend_from_slice(&[byte]);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_claims_of_a_jwt_tell_its_lifetime() {
        // {"sub":"ü?>","iat":1700000000,"exp":1700003600} and {"exp":17}
        let whole = "e30.eyJzdWIiOiLDvD8-IiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDM2MDB9.c2ln";
        let expected = Lifetime { issued_at: Some(1_700_000_000), expires_at: 1_700_003_600 };
        assert_eq!(Lifetime::read(whole), Some(expected));
        let bare = "e30.eyJleHAiOjE3fQ.c2ln";
        assert_eq!(Lifetime::read(bare), Some(Lifetime { issued_at: None, expires_at: 17 }));
    }

    #[test]
    fn what_is_no_jwt_tells_nothing() {
        // {"iat":17}, then {"exp":"17"}, then bytes that are no UTF-8.
        let claims = ["", "e30", "eyJpYXQiOjE3fQ", "eyJleHAiOiIxNyJ9", "_w", "e30=", "é", "e"];
        for claims in claims {
            assert_eq!(Lifetime::read(&format!("e30.{claims}.c2ln")), None, "{claims}");
        }
        for token in ["", "token", "tr_dev_local"] {
            assert_eq!(Lifetime::read(token), None, "{token}");
        }
    }
}
