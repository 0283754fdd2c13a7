//! Opens streams, begins turns, and holds what comes against what was asked.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

/// How many messages are on their way to the server at once.
pub(crate) const APPENDS_AT_ONCE: usize = 64;

/// How long an answer may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(120);

/// What went wrong, as the user is to read it.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the server is to bear.
pub(crate) struct Load {
    pub(crate) base: String,
    /// The server's secret key.
    pub(crate) key: String,
    /// The server's process, whose memory is measured.
    pub(crate) pid: Option<u32>,
    pub(crate) streams: usize,
    /// How many turns are begun a second.
    pub(crate) turns: u32,
    pub(crate) seconds: u32,
}

/// What became of it.
pub(crate) struct Report {
    streams: usize,
    asked: u32,
    whole: u32,
    elapsed: Duration,
    /// From each append to its first chunk, the shortest first.
    first_chunks: Vec<Duration>,
    /// The server's resident bytes without a stream, with all of them, and after the turns.
    resident: Option<[u64; 3]>,
}

impl Report {
    /// Whether each turn that was begun was answered to the letter.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole == self.asked
    }

    /// So many of a hundred first chunks came within this time.
    fn percentile(&self, percent: usize) -> Duration {
        let at = (self.first_chunks.len() * percent).div_ceil(100).saturating_sub(1);
        self.first_chunks.get(at).copied().unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = f64::from(self.whole) / self.elapsed.as_secs_f64();
        writeln!(f, "open streams        {}", self.streams)?;
        writeln!(f, "turns               {} asked, {} answered whole", self.asked, self.whole)?;
        writeln!(f, "turns a second      {rate:.1}")?;
        for percent in [50, 99, 100] {
            let millis = self.percentile(percent).as_secs_f64() * 1000.0;
            writeln!(f, "first chunk p{percent:<3}    {millis:.1} ms")?;
        }
        if let Some([without, with, after]) = self.resident {
            let each = with.saturating_sub(without) as f64 / self.streams as f64 / 1024.0;
            let megabytes = [without, with, after].map(|bytes| bytes as f64 / 1024.0 / 1024.0);
            let [without, with, after] = megabytes;
            writeln!(
                f,
                "memory              {without:.1} MiB, {with:.1} with the streams, {after:.1} after the turns"
            )?;
            writeln!(f, "memory a stream     {each:.1} KiB")?;
        }
        Ok(())
    }
}

/// Opens the streams, has the turns, and waits for all answers.
pub(crate) async fn run(load: Load) -> Result<Report, Failure> {
    // Fails only where there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().build()?;
    let (ended, mut ends) = mpsc::unbounded_channel();
    let chats = create(&client, &load, &ended).await?;
    let without = load.pid.map(resident).transpose()?;
    let mut readers = open(&client, &chats).await?;
    let with = load.pid.map(resident).transpose()?;

    let begun = Instant::now();
    let asked = load.turns * load.seconds;
    let asking = tokio::spawn(ask(client, load.turns, asked, chats));
    let mut first_chunks = Vec::new();
    let mut whole = 0;
    for _ in 0..asked {
        let turn: Turn = tokio::select! {
            turn = timeout(PATIENCE, ends.recv()) => match turn {
                Ok(Some(turn)) => turn,
                _ => break,
            },
            Some(reader) = readers.join_next() => {
                reader??;
                return Err("a stream ended".into());
            }
        };
        whole += u32::from(turn.said == turn.text);
        first_chunks.extend(turn.first_chunk);
    }
    let elapsed = begun.elapsed();
    asking.await??;
    let after = load.pid.map(resident).transpose()?;
    first_chunks.sort_unstable();
    let resident =
        without.zip(with).zip(after).map(|((without, with), after)| [without, with, after]);
    Ok(Report { streams: load.streams, asked, whole, elapsed, first_chunks, resident })
}

/// A session with the turns that were begun in it.
struct Chat {
    url: String,
    token: String,
    turns: Mutex<VecDeque<Turn>>,
    /// Held while a message is sent, so that messages land in the order of `turns`.
    sending: Semaphore,
    ended: mpsc::UnboundedSender<Turn>,
}

/// A message and what has come of it.
struct Turn {
    text: String,
    sent: Instant,
    first_chunk: Option<Duration>,
    said: String,
}

/// Makes a session for each stream, one after the other.
async fn create(
    client: &Client,
    load: &Load,
    ended: &mpsc::UnboundedSender<Turn>,
) -> Result<Vec<Arc<Chat>>, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Created {
        public_access_token: String,
    }
    let Load { base, key, streams, .. } = load;
    let run = format!("load-{}", std::process::id());
    let mut chats = Vec::with_capacity(*streams);
    for n in 0..*streams {
        let id = format!("{run}-{n}");
        let body = json!({
            "type": "chat.agent",
            "externalId": id,
            "taskIdentifier": "echo",
            "triggerConfig": { "basePayload": { "chatId": id, "trigger": "preload" } },
        });
        let call = client.post(format!("{base}/api/v1/sessions")).bearer_auth(key).json(&body);
        let created: Created = answered(call).await?.json().await?;
        chats.push(Arc::new(Chat {
            url: format!("{base}/realtime/v1/sessions/{id}"),
            token: created.public_access_token,
            turns: Mutex::default(),
            sending: Semaphore::new(1),
            ended: ended.clone(),
        }));
    }
    Ok(chats)
}

/// Opens all streams; each has said something when this returns.
async fn open(
    client: &Client,
    chats: &[Arc<Chat>],
) -> Result<JoinSet<Result<(), Failure>>, Failure> {
    let mut readers = JoinSet::new();
    for (n, chat) in chats.iter().enumerate() {
        let (speaks, mut spoken) = watch::channel(false);
        readers.spawn(Arc::clone(chat).read(client.clone(), speaks));
        if spoken.wait_for(|spoken| *spoken).await.is_err() {
            let error = match readers.join_next().await {
                Some(Ok(Err(error))) => error.to_string(),
                _ => "it ended".to_owned(),
            };
            let needed = "each stream needs an open file here and at the server: see `ulimit -n`";
            return Err(format!("stream {n} cannot be opened: {error}; {needed}").into());
        }
    }
    Ok(readers)
}

/// Begins so many turns, evenly over time and in one session after the other.
async fn ask(client: Client, turns: u32, asked: u32, chats: Vec<Arc<Chat>>) -> Result<(), Failure> {
    let mut clock = interval(Duration::from_secs(1) / turns);
    let places = Arc::new(Semaphore::new(APPENDS_AT_ONCE));
    let mut appends = JoinSet::new();
    for (n, chat) in (0..asked).zip(chats.iter().cycle()) {
        clock.tick().await;
        let place = Arc::clone(&places).acquire_owned().await?;
        let append = Arc::clone(chat).say(client.clone(), format!("this is the short answer {n}"));
        appends.spawn(async move {
            let appended = append.await;
            drop(place);
            appended
        });
        while let Some(appended) = appends.try_join_next() {
            appended??;
        }
    }
    while let Some(appended) = appends.join_next().await {
        appended??;
    }
    Ok(())
}

impl Chat {
    fn turns(&self) -> std::sync::MutexGuard<'_, VecDeque<Turn>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a message.
    async fn say(self: Arc<Self>, client: Client, text: String) -> Result<(), Failure> {
        let body = json!({ "kind": "message", "payload": {
            "chatId": "load",
            "trigger": "submit-message",
            "message": { "id": "u", "role": "user", "parts": [{ "type": "text", "text": text }] },
        } });
        let call =
            client.post(format!("{}/in/append", self.url)).bearer_auth(&self.token).json(&body);
        let _order = self.sending.acquire().await?;
        let turn = Turn { text, sent: Instant::now(), first_chunk: None, said: String::new() };
        self.turns().push_back(turn);
        answered(call).await?;
        Ok(())
    }

    /// Reads the stream, window after window.
    async fn read(
        self: Arc<Self>,
        client: Client,
        speaks: watch::Sender<bool>,
    ) -> Result<(), Failure> {
        let mut cursor = String::new();
        loop {
            let call = client.get(format!("{}/out", self.url)).bearer_auth(&self.token);
            let call = call.header("Accept", "text/event-stream").header("Timeout-Seconds", "600");
            let mut response = answered(call.header("Last-Event-ID", &cursor)).await?;
            let mut rest = Vec::new();
            while let Some(bytes) = response.chunk().await? {
                speaks.send_replace(true);
                rest.extend_from_slice(&bytes);
                let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else { continue };
                let lines: Vec<u8> = rest.drain(..=end).collect();
                for line in lines.split(|byte| *byte == b'\n') {
                    self.note(line, &mut cursor)?;
                }
            }
        }
    }

    /// Takes in what a line of the stream says.
    fn note(&self, line: &[u8], cursor: &mut String) -> Result<(), Failure> {
        #[derive(Deserialize)]
        struct Batch {
            records: Vec<Record>,
        }
        if !line.starts_with(br#"data: {"records":"#) {
            return Ok(());
        }
        let batch: Batch = serde_json::from_slice(&line["data: ".len()..])?;
        for record in batch.records {
            *cursor = record.seq_num.to_string();
            self.hear(&record)?;
        }
        Ok(())
    }

    fn hear(&self, record: &Record) -> Result<(), Failure> {
        let mut turns = self.turns();
        let Some(turn) = turns.front_mut() else { return Ok(()) };
        if record.headers.iter().any(|(_, value)| value == "turn-complete") {
            if let Some(turn) = turns.pop_front() {
                self.ended.send(turn)?;
            }
        } else if record.headers.is_empty() {
            turn.first_chunk.get_or_insert_with(|| turn.sent.elapsed());
            let body: Value = serde_json::from_str(&record.body)?;
            turn.said.push_str(body["data"]["delta"].as_str().unwrap_or_default());
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Record {
    seq_num: u64,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
}

/// The answer to a call, unless it is a refusal.
async fn answered(call: RequestBuilder) -> Result<Response, Failure> {
    let answer = call.send().await?;
    let status = answer.status();
    if !status.is_success() {
        return Err(format!("{status}: {}", answer.text().await?).into());
    }
    Ok(answer)
}

/// How many bytes of memory a process has in use, where the system tells.
fn resident(pid: u32) -> Result<u64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .map_err(|error| format!("the memory of process {pid} cannot be read: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes: u64 = line.ok_or("no VmRSS")?.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}
