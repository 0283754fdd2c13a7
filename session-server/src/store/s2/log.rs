//! The log: streams of records in one basin of S2, and the few things that are done with them.
//!
//! An append that may have had an effect is not tried again here: whoever appends says where the
//! records are to stand, and looks there when the answer was lost.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::TryStreamExt;
use s2_sdk::error::{
    AppendConditionFailed, AppendError, ErrorCode, ReadError, ReadSessionError, RequestError,
};
use s2_sdk::types::{
    AppendInput, AppendRecord, AppendRecordBatch, AppendRetryPolicy, BasinConfig, CommandRecord,
    CreateStreamInput, EnsureBasinInput, FencingToken, ListAllStreamsInput, ReadFrom, ReadInput,
    ReadLimits, ReadSessionConfig, ReadSessionRetryPolicy, ReadStart, ReadStop, RetentionPolicy,
    RetryConfig, S2Config, SequencedRecord, StreamConfig, StreamName,
};
use s2_sdk::{S2, S2Basin, S2Stream};
use serde::de::DeserializeOwned;

use super::Endpoint;
use crate::store::{Error, Result, Tail};
use crate::time::Millis;

/// How often a request without side effects is tried.
const ATTEMPTS: NonZeroU32 = NonZeroU32::new(3).expect("three is not zero");

/// How long S2 may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most that is read at once, as S2 has it.
const READ_RECORDS: usize = 1000;

/// A basin of S2.
#[derive(Clone, Debug)]
pub(super) struct Log {
    basin: S2Basin,
}

/// One stream of the basin. The first append to it makes it; until then it is empty.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    inner: S2Stream,
}

/// Where an append is to stand, and which token is to be in force. What is `None` does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Condition<'a> {
    pub(super) seq: Option<u64>,
    pub(super) token: Option<&'a str>,
}

/// What became of an append.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Appended {
    /// The first of its records has this sequence number.
    At(u64),
    /// Something else stands there.
    Elsewhere,
    /// This token is in force instead.
    Fenced(String),
}

impl Log {
    /// Finds the basin, or makes it.
    pub(super) async fn open(endpoint: &Endpoint) -> Result<Self> {
        let retry = RetryConfig::new()
            .with_max_attempts(ATTEMPTS)
            .with_append_retry_policy(AppendRetryPolicy::NoSideEffects);
        let config = S2Config::new(endpoint.access_token.clone())
            .with_endpoints(endpoint.endpoints.clone())
            .with_request_timeout(PATIENCE)
            .with_retry(retry);
        let s2 = S2::new(config)?;
        let streams = StreamConfig::new().with_retention_policy(RetentionPolicy::Infinite);
        let config = BasinConfig::new()
            .with_default_stream_config(streams)
            .with_create_stream_on_append(true);
        let basin = endpoint.basin.clone();
        s2.ensure_basin(EnsureBasinInput::new(basin.clone()).with_config(config)).await?;
        Ok(Self { basin: s2.basin(basin) })
    }

    /// The stream of this name.
    pub(super) fn stream(&self, name: &str) -> Stream {
        Stream { inner: self.basin.stream(stream_name(name)) }
    }

    /// Makes the stream, so that it can be read before anything is appended.
    pub(super) async fn make(&self, name: &str) -> Result<()> {
        match self.basin.create_stream(CreateStreamInput::new(stream_name(name))).await {
            Err(error) if has_code(&error, ErrorCode::ResourceAlreadyExists) => Ok(()),
            made => Ok(made.map(drop)?),
        }
    }

    /// The names of the streams that begin so.
    pub(super) async fn names(&self, prefix: &str) -> Result<Vec<String>> {
        let input = ListAllStreamsInput::new()
            .with_prefix(prefix.parse().expect("a short name is a prefix of names"));
        let streams = self.basin.list_all_streams(input).map_ok(|stream| stream.name.to_string());
        Ok(streams.try_collect().await?)
    }
}

fn stream_name(name: &str) -> StreamName {
    name.parse().expect("names are made of a few words and digits")
}

impl Stream {
    /// Appends all of these records, or none.
    pub(super) async fn append(
        &self,
        records: Vec<AppendRecord>,
        condition: Condition<'_>,
    ) -> Result<Appended> {
        let mut input = AppendInput::new(AppendRecordBatch::try_from_iter(records)?);
        input.match_seq_num = condition.seq;
        input.fencing_token = condition.token.map(token);
        match self.inner.append(input).await {
            Ok(ack) => Ok(Appended::At(ack.start.seq_num)),
            Err(AppendError::ConditionFailed(failed)) => Ok(match failed {
                AppendConditionFailed::FencingTokenMismatch(token) => {
                    Appended::Fenced(token.to_string())
                }
                _ => Appended::Elsewhere,
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Appends one record, wherever it comes to stand.
    pub(super) async fn push(&self, record: AppendRecord) -> Result<()> {
        self.append(vec![record], Condition::default()).await.map(drop)
    }

    /// The last record, if there is one.
    pub(super) async fn last(&self) -> Result<Option<SequencedRecord>> {
        Ok(self.read(ReadFrom::TailOffset(1), 1).await?.pop())
    }

    /// What the last record tells, if there is one, and where the next is to stand.
    pub(super) async fn latest<T: DeserializeOwned>(&self) -> Result<(Option<T>, u64)> {
        let Some(record) = self.last().await? else { return Ok((None, 0)) };
        Ok((Some(serde_json::from_slice(&record.body)?), record.seq_num + 1))
    }

    /// The next records from there on, at most 1 MiB of them; none at the end.
    pub(super) async fn page(&self, from: ReadFrom) -> Result<Vec<SequencedRecord>> {
        self.read(from, READ_RECORDS).await
    }

    /// All records from there on.
    pub(super) async fn rest(&self, from: ReadFrom) -> Result<Vec<SequencedRecord>> {
        let mut records = self.page(from).await?;
        while let Some(last) = records.last() {
            let more = self.page(ReadFrom::SeqNum(last.seq_num + 1)).await?;
            if more.is_empty() {
                break;
            }
            records.extend(more);
        }
        Ok(records)
    }

    async fn read(&self, from: ReadFrom, count: usize) -> Result<Vec<SequencedRecord>> {
        let input = ReadInput::new()
            .with_start(ReadStart::new().with_from(from))
            .with_stop(ReadStop::new().with_limits(ReadLimits::new().with_count(count)));
        match self.inner.read(input).await {
            Ok(batch) => Ok(batch.records),
            Err(error) if is_empty(&error) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Where it ends.
    pub(super) async fn tail(&self) -> Result<Tail> {
        match self.inner.check_tail().await {
            Ok(position) => {
                Ok(Tail { seq: position.seq_num, timestamp: millis(position.timestamp) })
            }
            Err(error) if is_empty(&error) => Ok(Tail { seq: 0, timestamp: 0 }),
            Err(error) => Err(error.into()),
        }
    }

    /// The records from `seq` on, those that are there and those that come, for ever.
    pub(super) async fn follow(
        &self,
        seq: u64,
    ) -> Result<impl futures_util::Stream<Item = Result<Vec<SequencedRecord>>> + use<>> {
        let from = ReadStart::new().with_from(ReadFrom::SeqNum(seq)).with_clamp_to_tail(true);
        let config = ReadSessionConfig::new().with_retry_policy(ReadSessionRetryPolicy::Indefinite);
        let session = self.inner.read_session(ReadInput::new().with_start(from), config).await?;
        Ok(session.map_ok(|batch| batch.records).map_err(Error::from))
    }
}

/// A record of these headers and this body.
pub(super) fn record(
    headers: &[(String, String)],
    body: impl Into<Vec<u8>>,
) -> Result<AppendRecord> {
    let headers = headers.iter().map(|(name, value)| {
        s2_sdk::types::Header::new(name.clone().into_bytes(), value.clone().into_bytes())
    });
    Ok(AppendRecord::new(body.into())?.with_headers(headers)?)
}

/// The command from which on only appends with this token, or none, are taken.
pub(super) fn fence(to: &str) -> AppendRecord {
    CommandRecord::fence(token(to)).into()
}

/// The command that takes away what stands before `seq`.
pub(super) fn trim(seq: u64) -> AppendRecord {
    CommandRecord::trim(seq).into()
}

/// A time of S2's.
pub(super) fn millis(timestamp: u64) -> Millis {
    Millis::try_from(timestamp).unwrap_or(Millis::MAX)
}

fn token(text: &str) -> FencingToken {
    text.parse().expect("tokens are short")
}

fn has_code(error: &RequestError, code: ErrorCode) -> bool {
    error.server_error().and_then(|error| error.known_code()) == Some(code)
}

/// Whether nothing stands there: nothing yet, or nothing at all.
fn is_empty(error: &ReadError) -> bool {
    match error {
        ReadError::ReadUnwritten(_) => true,
        ReadError::Request(error) => has_code(error, ErrorCode::StreamNotFound),
        _ => false,
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        let is_away = error.is_retryable();
        if is_away { Self::Away(error.to_string()) } else { Self::Refused(error.to_string()) }
    }
}

impl From<AppendError> for Error {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Request(error) => error.into(),
            error => Self::Away(error.to_string()),
        }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Request(error) => error.into(),
            error => Self::Refused(error.to_string()),
        }
    }
}

impl From<ReadSessionError> for Error {
    fn from(error: ReadSessionError) -> Self {
        match error {
            ReadSessionError::Read(error) => error.into(),
            error => Self::Away(error.to_string()),
        }
    }
}

impl From<s2_sdk::types::ValidationError> for Error {
    fn from(error: s2_sdk::types::ValidationError) -> Self {
        Self::Refused(error.to_string())
    }
}
