//! Who calls: the app's server with its secret key, or a browser with a session token.

use std::sync::{PoisonError, RwLock};

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::time;

/// The scope of a cookie's token: whoever has it may come in by the proxy.
const VISIT: &str = "visit:proxy";

/// Mints and checks what callers show.
pub(crate) struct Keys {
    secret_key: String,
    signing: RwLock<Signing>,
    validation: Validation,
    lifetime_seconds: u32,
}

/// What session tokens are signed and checked with.
struct Signing {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Signing {
    fn of(secret: &[u8]) -> Self {
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
        }
    }
}

/// Why a caller is turned away.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    #[error("Authorization is missing: send `Bearer` with the secret key or a session token")]
    Missing,
    #[error("the cookie is missing: sign in at `/proxy/sign-in`")]
    NoCookie,
    #[error("the session token has expired")]
    Expired,
    #[error("the session token is not valid here")]
    Invalid,
}

/// A caller who proved who they are.
#[derive(Debug)]
pub(crate) enum Caller {
    /// The app's own server, which may do anything.
    Server,
    /// A browser, which may do what its token says.
    Browser { scopes: Vec<String> },
}

/// What a call does to a session.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    Read,
    Write,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    #[serde(rename = "pub")]
    public: bool,
    scopes: Vec<String>,
    iat: i64,
    exp: i64,
}

impl Keys {
    /// `signing_secret` stays the same over restarts, or tokens would not.
    pub(crate) fn new(secret_key: String, signing_secret: &[u8], lifetime_seconds: u32) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        Self {
            secret_key,
            signing: RwLock::new(Signing::of(signing_secret)),
            validation,
            lifetime_seconds,
        }
    }

    /// From now on only this secret signs, and every token made before is worth nothing.
    pub(crate) fn sign_with(&self, signing_secret: &[u8]) {
        *self.signing.write().unwrap_or_else(PoisonError::into_inner) = Signing::of(signing_secret);
    }

    /// A token to read and write the chat's session.
    pub(crate) fn mint(&self, chat_id: &str) -> Result<String, jsonwebtoken::errors::Error> {
        self.sign(vec![scope(Access::Read, chat_id), scope(Access::Write, chat_id)])
    }

    /// A token for the cookie of somebody who has signed in at the proxy.
    pub(crate) fn mint_visitor(&self) -> Result<String, jsonwebtoken::errors::Error> {
        self.sign(vec![VISIT.to_owned()])
    }

    fn sign(&self, scopes: Vec<String>) -> Result<String, jsonwebtoken::errors::Error> {
        let now = time::now() / 1000;
        let claims = Claims {
            sub: "local".to_owned(),
            public: true,
            scopes,
            iat: now,
            exp: now + i64::from(self.lifetime_seconds),
        };
        let signing = self.signing.read().unwrap_or_else(PoisonError::into_inner);
        encode(&Header::new(Algorithm::HS256), &claims, &signing.encoding)
    }

    /// Tells who sent these headers.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Result<Caller, AuthError> {
        let token = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or(AuthError::Missing)?;
        if token == self.secret_key {
            return Ok(Caller::Server);
        }
        Ok(Caller::Browser { scopes: self.scopes(token)? })
    }

    /// Checks the token in a cookie.
    pub(crate) fn check_visitor(&self, token: &str) -> Result<(), AuthError> {
        let may_visit = self.scopes(token)?.iter().any(|scope| scope == VISIT);
        if may_visit { Ok(()) } else { Err(AuthError::Invalid) }
    }

    /// What the app's own server sends as `Authorization`.
    pub(crate) fn authorization(&self) -> Result<HeaderValue, AuthError> {
        let bearer = format!("Bearer {}", self.secret_key);
        HeaderValue::from_str(&bearer).map_err(|_| AuthError::Invalid)
    }

    /// What a token that was signed here is good for.
    fn scopes(&self, token: &str) -> Result<Vec<String>, AuthError> {
        let signing = self.signing.read().unwrap_or_else(PoisonError::into_inner);
        match decode::<Claims>(token, &signing.decoding, &self.validation) {
            Ok(token) => Ok(token.claims.scopes),
            Err(error) => Err(match error.kind() {
                jsonwebtoken::errors::ErrorKind::ExpiredSignature => AuthError::Expired,
                _ => AuthError::Invalid,
            }),
        }
    }
}

impl Caller {
    /// Whether the caller may do this to the session that goes by any of these names.
    pub(crate) fn may(&self, access: Access, names: &[&str]) -> bool {
        match self {
            Self::Server => true,
            Self::Browser { scopes } => {
                names.iter().any(|name| scopes.contains(&scope(access, name)))
            }
        }
    }
}

fn scope(access: Access, name: &str) -> String {
    match access {
        Access::Read => format!("read:sessions:{name}"),
        Access::Write => format!("write:sessions:{name}"),
    }
}
