//! `model`: any model behind the HTTP interface of OpenAI, on this machine or elsewhere.

mod conversation;
mod failure;
mod reply;

use std::ffi::OsString;
use std::time::Duration;

use futures_util::{Stream, TryStreamExt, stream};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde_json::json;

pub(crate) use conversation::{Conversation, Speaker};
pub(crate) use reply::Piece;

use failure::Failure;

/// How long a connection may take to be made. What follows may take as long as the model likes.
const CONNECT_PATIENCE: Duration = Duration::from_secs(15);

/// Why the model of the command line cannot be used, with the cure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    #[error("--model-url needs --model: the name that the server there gives the model")]
    NoName,
    #[error("--model needs --model-url: where the model is, such as http://127.0.0.1:11434/v1")]
    NoUrl,
    #[error("--model-url is no http or https address; it looks like http://127.0.0.1:11434/v1")]
    BadUrl,
    #[error("MODEL_API_KEY holds what no header can carry, such as a line break")]
    BadKey,
    #[error("cannot make ready to call the model: {0}")]
    Client(String),
}

/// A model and the way to it.
pub(crate) struct Model {
    name: String,
    /// Where its server is, as people may see it.
    place: String,
    host: String,
    endpoint: Url,
    client: Client,
    /// Kept for one purpose: to be blotted out of what the server says.
    key: Option<String>,
}

impl Model {
    /// The model that the command line and the environment name, if they do.
    pub(crate) fn of(
        url: Option<&str>,
        name: Option<String>,
        key: Option<OsString>,
    ) -> Result<Option<Self>, SetupError> {
        match (url, name) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(SetupError::NoUrl),
            (Some(_), None) => Err(SetupError::NoName),
            (Some(url), Some(name)) => Self::new(url, name, key).map(Some),
        }
    }

    fn new(url: &str, name: String, key: Option<OsString>) -> Result<Self, SetupError> {
        let url = Url::parse(url).map_err(|_| SetupError::BadUrl)?;
        let Some(host) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else {
            return Err(SetupError::BadUrl);
        };
        let host = url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
        let mut endpoint = url.clone();
        if let Ok(mut path) = endpoint.path_segments_mut() {
            path.pop_if_empty().extend(["chat", "completions"]);
        }
        let key = key.map(OsString::into_string).transpose().map_err(|_| SetupError::BadKey)?;
        let key = key.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
        Ok(Self {
            name,
            place: format!("{}://{host}{}", url.scheme(), url.path()),
            host,
            endpoint,
            client: client(&url, key.as_deref())?,
            key,
        })
    }

    /// What its server calls it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where its server is: a host, and a port where that says more.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// What it says to this conversation, as it says it, or what is wrong, as the user is to read it.
    ///
    /// Nothing is asked before the first poll, and a stream that is dropped takes the request along.
    pub(crate) fn answer(
        &self,
        conversation: &Conversation,
    ) -> impl Stream<Item = Result<Piece, String>> {
        let body = json!({ "model": self.name, "messages": conversation, "stream": true });
        let request = self.client.post(self.endpoint.clone()).json(&body);
        stream::once(reply::open(request))
            .try_flatten()
            .map_err(|failure: Failure| failure.tell(self))
    }
}

fn client(url: &Url, key: Option<&str>) -> Result<Client, SetupError> {
    let failed = |error: reqwest::Error| SetupError::Client(failure::cause(&error));
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let value = HeaderValue::from_str(&format!("Bearer {key}"));
        let mut value = value.map_err(|_| SetupError::BadKey)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    // The only one there is, so a second installation changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_PATIENCE)
        .default_headers(headers)
        // A redirected POST comes out as a GET, and its key may go astray.
        .redirect(Policy::none());
    if url.scheme() == "http" {
        // Needs no certificates, so it is no matter when the system has none.
        builder = builder.tls_certs_only([]);
    }
    if is_this_machine(url) {
        // A proxy that the environment names is one for the world outside.
        builder = builder.no_proxy();
    }
    builder.build().map_err(failed)
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{Model, SetupError};

    fn model(url: &str, key: Option<&str>) -> Result<Model, SetupError> {
        Model::new(url, "m".to_owned(), key.map(Into::into))
    }

    #[test]
    fn the_endpoint_lies_below_the_base_and_keeps_its_query() {
        for (url, endpoint) in [
            ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1/chat/completions"),
            ("http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1/chat/completions"),
            ("http://[::1]:1", "http://[::1]:1/chat/completions"),
            ("http://h/a?v=1", "http://h/a/chat/completions?v=1"),
        ] {
            assert_eq!(model(url, None).expect(url).endpoint.as_str(), endpoint);
        }
    }

    #[test]
    fn a_place_is_shown_without_what_it_may_hide() {
        let model = model("http://user:word@h:8/v1?key=word", None).expect("a model");
        assert_eq!((&*model.place, model.host()), ("http://h:8/v1", "h:8"));
    }

    #[test]
    fn what_cannot_work_is_refused_without_repeating_it() {
        for url in ["", "h:8/v1", "127.0.0.1:11434/v1", "ftp://h/v1", "http://"] {
            assert!(matches!(model(url, None), Err(SetupError::BadUrl)), "{url}");
        }
        let Err(error) = model("http://h", Some("wo\nrd")) else {
            panic!("taken");
        };
        assert!(error.to_string().contains("MODEL_API_KEY") && !error.to_string().contains("wo"));
        assert_eq!(
            model("http://h", Some(" word\n")).expect("a model").key.as_deref(),
            Some("word")
        );
        assert_eq!(model("http://h", Some(" ")).expect("a model").key, None);
    }
}
