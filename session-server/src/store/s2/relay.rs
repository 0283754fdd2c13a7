//! `.out` as S2 itself tells it: its event stream, handed on byte for byte.
//!
//! Each reader has a connection to S2, from which no more is read than the reader takes.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};

use super::Endpoint;
use crate::framing;
use crate::store::{Error, Events, Result};

/// How long S2 may take to take a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// How long S2 may be silent: it sends a ping four times as often.
const SILENCE: Duration = Duration::from_secs(60);

/// What asks S2 for event streams.
#[derive(Clone, Debug)]
pub(super) struct Relay {
    client: Client,
    /// Above all streams of the basin.
    base: Url,
}

impl Relay {
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self> {
        let mut headers = HeaderMap::new();
        let mut key = HeaderValue::from_str(&format!("Bearer {}", endpoint.access_token))
            .map_err(|_| Error::Refused("S2_ACCESS_TOKEN is not fit for a header".to_owned()))?;
        key.set_sensitive(true);
        headers.insert(AUTHORIZATION, key);
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let basin = HeaderValue::from_str(&endpoint.basin).expect("a basin's name is ASCII");
        headers.insert("s2-basin", basin);
        // The only one there is, so a second installation changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_PATIENCE)
            .read_timeout(SILENCE)
            .default_headers(headers)
            // One connection for each reader: one that is slow holds up no other.
            .http1_only()
            .redirect(Policy::none());
        let base = endpoint.base.clone();
        if base.scheme() == "http" {
            // Needs no certificates, so it is no matter when the system has none.
            builder = builder.tls_certs_only([]).no_proxy();
        }
        Ok(Self { client: builder.build()?, base })
    }

    /// The records of a stream from `from` on: for a window, or up to its end.
    pub(super) async fn events(
        &self,
        stream: &str,
        from: u64,
        window: Option<Duration>,
    ) -> Result<Events> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(["v1", "streams", stream, "records"]);
        }
        let wait = window.map_or(0, |window| window.as_secs());
        let query = [("seq_num", from), ("wait", wait)];
        url.query_pairs_mut()
            .extend_pairs(query.map(|(name, value)| (name, value.to_string())))
            .append_pair("clamp", "true");
        let response = self.client.get(url).send().await?;
        match response.status() {
            StatusCode::OK => Ok(response.bytes_stream().map_err(Error::from).boxed()),
            // Nothing stands there, and nothing is waited for.
            StatusCode::RANGE_NOT_SATISFIABLE => {
                Ok(stream::iter([Ok(framing::DONE.into())]).boxed())
            }
            status => Err(refusal(status, response).await),
        }
    }
}

async fn refusal(status: StatusCode, response: Response) -> Error {
    let said = response.text().await.unwrap_or_default();
    let said: String = said.chars().take(200).collect();
    let is_away = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    let text = format!("{status}: {said}");
    if is_away { Error::Away(text) } else { Error::Refused(text) }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        // Without the address: it is nobody's affair who reads what.
        Self::Away(error.without_url().to_string())
    }
}
