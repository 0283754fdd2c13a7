//! Reads a model's answer: an event stream, or one JSON object from a server that streams nothing.

use std::time::Duration;

use futures_util::future::Either;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Body, RequestBuilder, Response};
use serde_json::Value;
use sse_stream::SseStream;
use tokio::time::timeout;

use super::Failure;
use super::failure::cause;

/// How long an answer that has begun may be silent: a model may read a long conversation first.
const LONGEST_SILENCE: Duration = Duration::from_secs(15 * 60);

/// The longest answer that is read as one.
const WHOLE_LIMIT: usize = 16 * 1024 * 1024;

/// The longest refusal that is read.
const REFUSAL_LIMIT: usize = 64 * 1024;

/// Something that the model said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Reasoning(String),
    Text(String),
}

/// Sends the request, waits for the answer however long it takes, and reads it as it comes.
pub(super) async fn open(
    request: RequestBuilder,
) -> Result<impl Stream<Item = Result<Piece, Failure>>, Failure> {
    let response = request.send().await.map_err(|error| Failure::of_request(&error))?;
    let status = response.status();
    if !status.is_success() {
        return Err(Failure::Status(status, refusal(response).await));
    }
    match content_type(response.headers()) {
        "text/event-stream" | "" => Ok(Either::Left(streamed(Body::from(response)))),
        "application/json" => {
            let body = read(response, WHOLE_LIMIT).await?;
            Ok(Either::Right(stream::iter(whole(&body)?).map(Ok)))
        }
        other => Err(Failure::OtherContent(other.to_owned())),
    }
}

/// The pieces in the events of a stream, up to its end.
fn streamed(body: Body) -> impl Stream<Item = Result<Piece, Failure>> {
    let reader = Reader { events: SseStream::new(body), is_finished: false };
    stream::try_unfold(reader, Reader::next)
        .map_ok(|pieces| stream::iter(pieces).map(Ok))
        .try_flatten()
}

struct Reader {
    events: SseStream<Body>,
    /// Whether the model has said why it stopped. Not every server sends `[DONE]` after that.
    is_finished: bool,
}

impl Reader {
    /// The pieces of the next event; none at the end.
    async fn next(mut self) -> Result<Option<(Vec<Piece>, Self)>, Failure> {
        let event = timeout(LONGEST_SILENCE, self.events.next()).await;
        let data = match event.map_err(|_| Failure::Silent)? {
            Some(Ok(event)) => event.data.unwrap_or_default(),
            _ if self.is_finished => return Ok(None),
            Some(Err(error)) => return Err(Failure::BrokeOff(cause(&error))),
            None => return Err(Failure::BrokeOff("the stream just ended".to_owned())),
        };
        match data.trim() {
            "[DONE]" => Ok(None),
            "" => Ok(Some((Vec::new(), self))),
            data => {
                let event = parse(data.as_bytes())?;
                let choice = &event["choices"][0];
                self.is_finished |= !choice["finish_reason"].is_null();
                Ok(Some((pieces(&choice["delta"]), self)))
            }
        }
    }
}

/// The pieces of an answer in one go.
fn whole(body: &[u8]) -> Result<Vec<Piece>, Failure> {
    match &parse(body)?["choices"][0]["message"] {
        Value::Null => Err(Failure::OtherAnswer),
        message => Ok(pieces(message)),
    }
}

/// Reads JSON, unless it reports an error.
fn parse(json: &[u8]) -> Result<Value, Failure> {
    let value: Value = serde_json::from_slice(json).map_err(|_| Failure::OtherAnswer)?;
    match &value["error"] {
        Value::Null => Ok(value),
        _ => Err(Failure::Reported(reported(&value))),
    }
}

/// What a message, or a bit of one, says. Servers disagree on what to call the reasoning.
fn pieces(message: &Value) -> Vec<Piece> {
    let words = |name: &str| message[name].as_str().filter(|words| !words.is_empty());
    let reasoning = words("reasoning_content").or_else(|| words("reasoning"));
    let reasoning = reasoning.map(|words| Piece::Reasoning(words.to_owned()));
    let text = words("content").map(|words| Piece::Text(words.to_owned()));
    reasoning.into_iter().chain(text).collect()
}

/// What a server says about its error, in one of the shapes that are about.
fn reported(value: &Value) -> Option<String> {
    let places = [&value["error"]["message"], &value["error"], &value["message"], &value["detail"]];
    places.into_iter().find_map(Value::as_str).map(str::to_owned)
}

/// What a server says about its refusal, if it does so in words for people.
async fn refusal(response: Response) -> Option<String> {
    let is_plain = content_type(response.headers()) == "text/plain";
    let body = read(response, REFUSAL_LIMIT).await.ok()?;
    match serde_json::from_slice(&body) {
        Ok(value) => reported(&value),
        Err(_) => is_plain.then(|| String::from_utf8_lossy(&body).into_owned()),
    }
}

async fn read(mut response: Response, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    loop {
        let bytes = timeout(LONGEST_SILENCE, response.chunk()).await;
        let bytes = bytes.map_err(|_| Failure::Silent)?;
        match bytes.map_err(|error| Failure::BrokeOff(cause(&error)))? {
            None => return Ok(body),
            Some(bytes) => body.extend_from_slice(&bytes),
        }
        if body.len() > limit {
            return Err(Failure::OtherAnswer);
        }
    }
}

/// The kind of content, without its parameters; empty where none is said.
fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.split(';').next()).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Piece, pieces, reported};

    #[test]
    fn reasoning_has_two_names_and_comes_before_the_text() {
        let text = || Piece::Text("b".to_owned());
        let reasoning = || Piece::Reasoning("a".to_owned());
        let both = json!({ "reasoning_content": "a", "reasoning": "a", "content": "b" });
        assert_eq!(pieces(&both), [reasoning(), text()]);
        let named_otherwise = json!({ "role": "assistant", "reasoning": "a", "content": "" });
        assert_eq!(pieces(&named_otherwise), [reasoning()]);
        assert_eq!(pieces(&json!({ "reasoning": null, "content": "b" })), [text()]);
        assert_eq!(pieces(&json!({ "tool_calls": [] })), []);
    }

    #[test]
    fn an_error_is_found_in_each_shape() {
        for shape in [
            json!({ "error": { "message": "why", "code": 400 } }),
            json!({ "error": "why" }),
            json!({ "object": "error", "message": "why" }),
            json!({ "detail": "why" }),
        ] {
            assert_eq!(reported(&shape).as_deref(), Some("why"), "{shape}");
        }
        assert_eq!(reported(&json!({ "detail": [{ "loc": [] }] })), None);
    }
}
