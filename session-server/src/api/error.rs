//! Every refusal, in the one shape that clients read.

use axum::Json;
use axum::http::header::{CONNECTION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::auth::AuthError;
use crate::store;

/// Why a call is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error(transparent)]
    Unauthorized(#[from] AuthError),
    #[error("only the secret key may do this")]
    NeedsSecretKey,
    #[error("the session token does not cover this session")]
    Forbidden,
    #[error("pages of other sites may not call this: open the page from this machine")]
    ForeignPage,
    #[error("there is no such session")]
    NoSession,
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    BadRequest(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("the body did not come in time")]
    TooSlow,
    #[error(
        "{0} connections are open, and no more are served at once; raise that with --connections"
    )]
    Full(usize),
    #[error("send `Accept: text/event-stream`")]
    NotAcceptable,
    #[error("{0} is not answered here")]
    MethodNotAllowed(axum::http::Method),
    #[error("the session is closed")]
    SessionClosed(Option<String>),
    #[error("the session has expired")]
    SessionExpired,
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the database holds text that is no JSON: {0}")]
    Stored(serde_json::Error),
    #[error("the session token could not be signed")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    ok: bool,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// Said as `null` where a closed session has no reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_reason: Option<Option<String>>,
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized(_) | Self::NeedsSecretKey => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::ForeignPage => StatusCode::FORBIDDEN,
            Self::NoSession | Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Full(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::SessionClosed(_) | Self::SessionExpired => StatusCode::CONFLICT,
            Self::Store(store::Error::Away(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Stored(_) | Self::Signing(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let is_full = matches!(self, Self::Full(_));
        let is_passing = is_full || matches!(self, Self::Store(store::Error::Away(_)));
        if status.is_server_error() && !is_full {
            eprintln!("session-server: {self}");
        }
        let error = self.to_string();
        let (code, closed_reason) = match self {
            Self::SessionClosed(reason) => (Some("session_closed"), Some(reason)),
            _ => (None, None),
        };
        let body = Body { ok: false, error, code, closed_reason };
        let mut response = (status, Json(body)).into_response();
        if is_full {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if is_passing {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
