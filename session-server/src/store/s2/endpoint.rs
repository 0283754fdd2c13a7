//! Where S2 is, as the command line and the environment say it.

use reqwest::Url;
use s2_sdk::types::{BasinName, S2Endpoints};

/// The name of S2's cloud, in place of an address.
const CLOUD: &str = "cloud";

/// The key that a server on loopback asks nobody for.
const NO_KEY: &str = "none";

/// A basin of S2, and the key to it.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(super) endpoints: S2Endpoints,
    pub(super) basin: BasinName,
    pub(super) access_token: String,
    /// Above all streams of the basin.
    pub(super) base: Url,
}

/// Why S2 cannot be used, with the cure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("--s2 must be `cloud`, or an address such as http://127.0.0.1:8080, and is {0}")]
    Address(String),
    #[error("--s2-basin: {0}")]
    Basin(String),
    #[error("S2's cloud needs a key: set the environment variable S2_ACCESS_TOKEN")]
    NoKey,
}

impl Endpoint {
    /// Reads what the command line says, and the key of the environment, if there is one.
    pub(crate) fn of(
        address: &str,
        basin: &str,
        access_token: Option<String>,
    ) -> Result<Self, EndpointError> {
        let bad = || EndpointError::Address(address.to_owned());
        let basin: BasinName = basin.parse().map_err(|error: s2_sdk::types::ValidationError| {
            EndpointError::Basin(error.to_string())
        })?;
        if address == CLOUD {
            let base = Url::parse(&format!("https://{basin}.b.s2.dev")).map_err(|_| bad())?;
            let access_token = access_token.ok_or(EndpointError::NoKey)?;
            return Ok(Self { endpoints: S2Endpoints::for_cloud(), basin, access_token, base });
        }
        let base = Url::parse(address).map_err(|_| bad())?;
        let is_plain = matches!(base.scheme(), "http" | "https")
            && base.path() == "/"
            && base.query().is_none()
            && base.username().is_empty();
        if !is_plain {
            return Err(bad());
        }
        let endpoints = S2Endpoints::for_endpoint(address.trim_end_matches('/'));
        let endpoints = endpoints.map_err(|_| bad())?;
        let access_token = access_token.unwrap_or_else(|| NO_KEY.to_owned());
        Ok(Self { endpoints, basin, access_token, base })
    }
}
