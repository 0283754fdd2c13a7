//! Reads JSON objects.

use serde::Deserialize;

/// Reads `json` as `T`, which is written as an object.
///
/// Serde would also read a struct from an array of its fields' values, which no client means.
pub(crate) fn object<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, String> {
    if !json.trim_ascii_start().starts_with('{') {
        return Err("a JSON object is expected".to_owned());
    }
    serde_json::from_str(json).map_err(|error| error.to_string())
}
