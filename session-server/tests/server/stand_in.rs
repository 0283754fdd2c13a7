//! Stands in for a model's server: it speaks the HTTP interface of OpenAI, and a test decides request
//! by request, and piece by piece, what it says.

use std::convert::Infallible;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

/// How long a test waits for what must come. It is far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server. It runs until the tests end.
pub(crate) struct StandIn {
    /// What `--model-url` takes.
    pub(crate) url: String,
    requests: Receiver<Request>,
}

impl StandIn {
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener for tokio");
        let url = format!("http://{}/v1", listener.local_addr().expect("its address"));
        let (sender, requests) = channel();
        std::thread::spawn(move || serve(listener, sender));
        Self { url, requests }
    }

    /// The next request, once it has come.
    pub(crate) fn request(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }

    /// Whether no request has come that was not taken.
    pub(crate) fn is_idle(&self) -> bool {
        self.requests.try_recv().is_err()
    }
}

/// A request that waits for its answer.
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    answer: oneshot::Sender<Response>,
    gone: Receiver<Infallible>,
}

impl Request {
    /// Who said what, as the request tells the model.
    pub(crate) fn messages(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let messages = self.body["messages"].as_array().expect("messages");
        messages.iter().map(|message| (text(&message["role"]), text(&message["content"]))).collect()
    }

    /// Answers at once and whole.
    pub(crate) fn answer(self, status: u16, kind: &str, body: &str) {
        let status = axum::http::StatusCode::from_u16(status).expect("a status");
        let answer = (status, [(header::CONTENT_TYPE, kind)], body.to_owned());
        self.answer.send(answer.into_response()).expect("someone who waits");
    }

    /// Answers that what is asked for is elsewhere.
    pub(crate) fn redirect(self, to: &str) {
        let answer = axum::response::Redirect::permanent(to);
        self.answer.send(answer.into_response()).expect("someone who waits");
    }

    /// Begins an event stream.
    pub(crate) fn stream(self) -> Stream {
        let (pieces, receiver) = mpsc::unbounded_channel::<Result<Bytes, io::Error>>();
        let body = stream::unfold(receiver, async |mut receiver| {
            let piece = receiver.recv().await?;
            Some((piece, receiver))
        });
        let kind = [(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")];
        let answer = (kind, Body::from_stream(body)).into_response();
        self.answer.send(answer).expect("someone who waits");
        Stream { pieces }
    }

    /// Waits until the caller has given the request up.
    pub(crate) fn wait_until_given_up(self) {
        // Nothing is ever sent: the other end goes with the request.
        assert_eq!(
            self.gone.recv_timeout(PATIENCE),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected)
        );
    }
}

/// An event stream under way.
pub(crate) struct Stream {
    pieces: mpsc::UnboundedSender<Result<Bytes, io::Error>>,
}

impl Stream {
    /// Sends bytes as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> &Self {
        self.pieces.send(Ok(Bytes::copy_from_slice(bytes))).expect("someone who reads");
        self
    }

    /// Sends an event.
    pub(crate) fn event(&self, data: &str) -> &Self {
        self.bytes(event(data).as_bytes())
    }

    /// Says some words of the answer.
    pub(crate) fn text(&self, words: &str) -> &Self {
        self.event(&delta(json!({ "content": words })))
    }

    /// Thinks some words.
    pub(crate) fn reasoning(&self, words: &str) -> &Self {
        self.event(&delta(json!({ "reasoning_content": words })))
    }

    /// Ends the answer as it should be ended.
    pub(crate) fn finish(&self) {
        let end = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
        self.event(&end.to_string()).event(r#"{"choices":[],"usage":{}}"#).event("[DONE]");
    }

    /// Loses the connection.
    pub(crate) fn break_off(&self) {
        let error = io::Error::other("broken off");
        self.pieces.send(Err(error)).expect("someone who reads");
    }

    /// Waits until the caller has stopped reading.
    pub(crate) fn wait_until_given_up(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let gone = async { tokio::time::timeout(PATIENCE, self.pieces.closed()).await };
        runtime.expect("a runtime").block_on(gone).expect("nobody who reads");
    }
}

/// The text of an event.
pub(crate) fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

/// The data of an event that says a bit more.
pub(crate) fn delta(delta: Value) -> String {
    json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] }).to_string()
}

#[tokio::main(flavor = "current_thread")]
async fn serve(listener: std::net::TcpListener, requests: Sender<Request>) {
    let answer = async move |method: Method, uri: Uri, headers: HeaderMap, body: String| {
        let (answer, answered) = oneshot::channel();
        let (_here, gone) = channel();
        let body = serde_json::from_str(&body).expect("JSON");
        let path = format!("{method} {uri}");
        let request = Request { path, headers, body, answer, gone };
        // A test that has ended asks for nothing more.
        let _ = requests.send(request);
        answered.await.unwrap_or_else(|_| Body::empty().into_response())
    };
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    axum::serve(listener, Router::new().fallback(answer)).await.expect("it serves");
}
