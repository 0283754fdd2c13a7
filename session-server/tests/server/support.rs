//! Starts servers and speaks to them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{HeaderMap, Request, StatusCode};

/// The secret key of every server here.
pub(crate) const KEY: &str = "tr_dev_local";

/// The program under test, with arguments. Where the environment names an S2 server, a database is a
/// basin there.
pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_session-server"));
    match std::env::var("S2_ENDPOINT") {
        Err(_) => command.args(args),
        Ok(endpoint) => command.args(in_s2(&endpoint, args)),
    };
    // What the user of this machine has is none of the tests' business.
    command.env_remove("MODEL_API_KEY").env_remove("S2_ACCESS_TOKEN");
    command
}

/// These arguments with a basin in the place of the database.
fn in_s2(endpoint: &str, args: &[&str]) -> Vec<String> {
    let mut args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
    if let Some(at) = args.iter().position(|arg| arg == "--db") {
        let basin = basin(&args[at + 1]);
        args.splice(at..at + 2, ["--s2", endpoint, "--s2-basin", &basin].map(str::to_owned));
    }
    args
}

/// The basin that stands for a database: the same for the same file, and one of its own for what is
/// kept in memory.
fn basin(db: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut hasher = DefaultHasher::new();
    std::process::id().hash(&mut hasher);
    match db {
        ":memory:" => COUNT.fetch_add(1, Ordering::Relaxed).hash(&mut hasher),
        file => file.hash(&mut hasher),
    }
    format!("test-{:016x}", hasher.finish())
}

/// A folder of its own for a test, gone afterwards.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running server; killed as by `kill -9` when dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) base: String,
}

impl Server {
    /// A server that keeps nothing.
    pub(crate) fn start() -> Self {
        Self::with(&["--db", ":memory:"])
    }

    /// A server on a database file.
    pub(crate) fn on(db: &Path) -> Self {
        Self::with(&["--db", db.to_str().expect("a plain path")])
    }

    /// A server on a free port with more arguments.
    pub(crate) fn with(args: &[&str]) -> Self {
        Self::run(&mut program(&[&["--port", "0"], args].concat()))
    }

    /// What this command starts, once it listens.
    pub(crate) fn run(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let stdout = child.stdout.as_mut().expect("its output is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("it says something");
        let base = line
            .trim_end()
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("not ready: {line:?}"))
            .to_owned();
        Self { child, base }
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        self.call("POST", path)
    }

    pub(crate) fn call(&self, method: &'static str, path: &str) -> Call {
        Call { method, url: format!("{}{path}", self.base), headers: Vec::new() }
    }

    /// Makes a session for this agent.
    pub(crate) fn chat(&self, id: &str, agent: &str) -> Chat<'_> {
        let answer = self.create(&new_session(id, agent));
        assert!(answer.status.is_success(), "{answer:?}");
        let token = answer.json()["publicAccessToken"].as_str().expect("a token").to_owned();
        self.chat_with(id, token)
    }

    /// A session that was made before, with its token.
    pub(crate) fn chat_with(&self, id: &str, token: String) -> Chat<'_> {
        Chat { server: self, id: id.to_owned(), token }
    }

    /// Orders these faults.
    pub(crate) fn order(&self, faults: &Value) {
        let answer = self.admin("POST", "/admin/faults").send(&faults.to_string());
        assert_eq!(answer.body, r#"{"ok":true}"#);
    }

    /// A call of what tests order.
    pub(crate) fn admin(&self, method: &'static str, path: &str) -> Call {
        self.call(method, path).bearer(KEY)
    }

    pub(crate) fn create(&self, body: &Value) -> Answer {
        self.post("/api/v1/sessions").bearer(KEY).send(&body.to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of a create call.
pub(crate) fn new_session(id: &str, agent: &str) -> Value {
    json!({
        "type": "chat.agent",
        "externalId": id,
        "taskIdentifier": agent,
        "triggerConfig": { "basePayload": { "chatId": id, "trigger": "preload" } },
    })
}

/// The record that submits this text.
pub(crate) fn submit(text: &str, metadata: Value) -> Value {
    json!({ "kind": "message", "payload": {
        "chatId": "c",
        "trigger": "submit-message",
        "message": { "id": "u", "role": "user", "parts": [{ "type": "text", "text": text }] },
        "metadata": metadata,
    } })
}

/// Percent-encodes as `encodeURIComponent` does.
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// A session with its token.
pub(crate) struct Chat<'a> {
    pub(crate) server: &'a Server,
    pub(crate) id: String,
    pub(crate) token: String,
}

impl Chat<'_> {
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/realtime/v1/sessions/{}/{rest}", encode(&self.id))
    }

    pub(crate) fn append(&self, body: &Value) -> Answer {
        self.server.post(&self.path("in/append")).bearer(&self.token).send(&body.to_string())
    }

    /// Appends and returns the record's sequence number.
    pub(crate) fn say(&self, body: &Value) -> u64 {
        let answer = self.append(body);
        answer.json()["seq"].as_u64().unwrap_or_else(|| panic!("{answer:?}"))
    }

    pub(crate) fn out(&self) -> Call {
        self.server.get(&self.path("out")).bearer(&self.token).header("Accept", "text/event-stream")
    }

    /// What the channel holds after `cursor`, read until its window of one second ends.
    pub(crate) fn window(&self, cursor: &str) -> Answer {
        let call = self.out().header("Timeout-Seconds", "1");
        call.header("Last-Event-ID", cursor).fetch()
    }

    /// What the channel of a settled session holds after `cursor`.
    pub(crate) fn drained(&self, cursor: &str) -> Answer {
        let call = self.out().header("X-Peek-Settled", "1");
        call.header("Last-Event-ID", cursor).fetch()
    }

    /// The records after `cursor` up to the first that is as wanted.
    pub(crate) fn read_until(&self, cursor: &str, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let call = self.out().header("Timeout-Seconds", "60");
        let stream = call.header("Last-Event-ID", cursor).open();
        let mut records = Vec::new();
        for line in stream.lines() {
            let line = line.expect("the stream goes on");
            assert_ne!(line, "data: [DONE]", "ended after {records:?}");
            for record in batch_records(&line) {
                let found = wanted(&record);
                records.push(record);
                if found {
                    return records;
                }
            }
        }
        panic!("broke off after {records:?}");
    }

    /// The records after `cursor` up to the turn-complete that has consumed `seq`.
    pub(crate) fn read_turn(&self, cursor: &str, seq: u64) -> Vec<Value> {
        self.read_until(cursor, |record| consumed(record).is_some_and(|consumed| consumed >= seq))
    }

    /// Submits a text, and reads what comes of it.
    pub(crate) fn ask(&self, text: &str, metadata: Value) -> Vec<Value> {
        let cursor = self.tail();
        let seq = self.say(&submit(text, metadata));
        self.read_turn(&cursor, seq)
    }

    /// The cursor at the end of `.out`.
    pub(crate) fn tail(&self) -> String {
        let stream = self.out().header("Timeout-Seconds", "1").open();
        let mut last = String::new();
        for line in stream.lines() {
            let line = line.expect("the stream goes on");
            if let Some(record) = batch_records(&line).last() {
                last = record["seq_num"].to_string();
            }
            if line == "event: ping" {
                break;
            }
        }
        last
    }
}

/// The records in one line of an event stream.
pub(crate) fn batch_records(line: &str) -> Vec<Value> {
    let Some(data) = line.strip_prefix("data: ").filter(|data| data.starts_with("{\"records\":"))
    else {
        return Vec::new();
    };
    let batch: Value = serde_json::from_str(data).expect("a batch");
    batch["records"].as_array().expect("its records").clone()
}

/// The records of a whole event stream.
pub(crate) fn all_records(stream: &str) -> Vec<Value> {
    stream.lines().flat_map(batch_records).collect()
}

/// A header of a record.
pub(crate) fn header<'a>(record: &'a Value, name: &str) -> Option<&'a str> {
    record["headers"].as_array()?.iter().find(|header| header[0] == name)?[1].as_str()
}

/// The `.in` cursor of a turn-complete.
pub(crate) fn consumed(record: &Value) -> Option<u64> {
    header(record, "session-in-event-id")?.parse().ok()
}

/// The chunk in a data record.
pub(crate) fn chunk(record: &Value) -> Option<Value> {
    let body: Value = serde_json::from_str(record["body"].as_str()?).ok()?;
    Some(body["data"].clone())
}

/// The types of the chunks in these records, deltas counted as one.
pub(crate) fn shape(records: &[Value]) -> Vec<String> {
    let mut types: Vec<_> = records
        .iter()
        .filter_map(chunk)
        .map(|chunk| chunk["type"].as_str().unwrap_or("?").to_owned())
        .collect();
    types.dedup();
    types
}

/// The text that these records say.
pub(crate) fn said(records: &[Value]) -> String {
    records
        .iter()
        .filter_map(chunk)
        .filter_map(|chunk| Some(chunk["delta"].as_str()?.to_owned()))
        .collect()
}

/// What these records say in chunks of this type.
pub(crate) fn said_in(records: &[Value], kind: &str) -> String {
    let is_wanted = |record: &&Value| chunk(record).is_some_and(|chunk| chunk["type"] == kind);
    said(&records.iter().filter(is_wanted).cloned().collect::<Vec<_>>())
}

/// A request in the making.
pub(crate) struct Call {
    method: &'static str,
    url: String,
    headers: Vec<(String, String)>,
}

impl Call {
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn send(self, body: &str) -> Answer {
        Answer::read(agent().run(self.request(body.to_owned())).expect("an answer"))
    }

    pub(crate) fn fetch(self) -> Answer {
        Answer::read(agent().run(self.request(())).expect("an answer"))
    }

    /// Sends it, and tells whether the connection is lost before an answer.
    pub(crate) fn gets_no_answer(self, body: &str) -> bool {
        agent().run(self.request(body.to_owned())).is_err()
    }

    /// All of the body that comes, and whether it ends as it should.
    pub(crate) fn read_to_the_last(self) -> (Vec<u8>, bool) {
        let response = agent().run(self.request(())).expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        let mut bytes = Vec::new();
        let ended = response.into_body().into_reader().read_to_end(&mut bytes).is_ok();
        (bytes, ended)
    }

    /// The body as it comes.
    pub(crate) fn open(self) -> impl BufRead {
        let response = agent().run(self.request(())).expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        BufReader::new(response.into_body().into_reader())
    }

    /// The body of a call that sends something, as it comes.
    pub(crate) fn open_with(self, body: &str) -> impl BufRead + use<> {
        let response = agent().run(self.request(body.to_owned())).expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        BufReader::new(response.into_body().into_reader())
    }

    fn request<B>(self, body: B) -> Request<B> {
        let mut request = Request::builder().method(self.method).uri(self.url);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        request.body(body).expect("a request")
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .proxy(None)
        .build();
    config.into()
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    fn read(response: ureq::http::Response<ureq::Body>) -> Self {
        let (parts, body) = response.into_parts();
        let mut text = String::new();
        body.into_reader().read_to_string(&mut text).expect("a body of text");
        Self { status: parts.status, headers: parts.headers, body: text }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// Checks that this is a refusal that a client can read.
    pub(crate) fn is_refused_with(&self, status: u16, words: &str) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        let json = self.json();
        assert_eq!(json["ok"], false);
        let error = json["error"].as_str().unwrap_or_default();
        assert!(error.contains(words), "{error:?} has no {words:?}");
        assert_eq!(self.header("access-control-allow-origin"), "*");
        assert_eq!(self.header("access-control-expose-headers"), "*");
    }
}
