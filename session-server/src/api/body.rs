//! Reads request bodies that have a limit.

use axum::body::Body;
use futures_util::StreamExt;
use tower_http::timeout::TimeoutError;

use super::ApiError;

/// How much of a refused body is still read. A client that is cut off while it sends sees a network
/// failure where it should see the 413.
const DRAIN_BYTES: usize = 16 * 1024 * 1024;

/// The whole body as text, if it is no longer than `limit` bytes.
pub(crate) async fn read_body(body: Body, limit: usize) -> Result<String, ApiError> {
    let mut stream = body.into_data_stream();
    let mut kept = Vec::new();
    let mut length = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(broken)?;
        length += chunk.len();
        if length <= limit {
            kept.extend_from_slice(&chunk);
        } else if length > DRAIN_BYTES {
            break;
        }
    }
    if length > limit {
        return Err(ApiError::TooLarge(format!("the body is over {limit} bytes")));
    }
    String::from_utf8(kept).map_err(|_| ApiError::BadRequest("the body is not UTF-8".to_owned()))
}

/// Why a body does not go on.
fn broken(error: axum::Error) -> ApiError {
    if error.into_inner().is::<TimeoutError>() {
        return ApiError::TooSlow;
    }
    ApiError::BadRequest("the body broke off".to_owned())
}
