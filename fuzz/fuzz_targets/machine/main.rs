//! A chat's machine: whatever happens to it, in whatever order, it keeps its contract.
//!
//! An input is a program. Its first byte chooses the chat, the second how it is given up in the end.
//! Each one that follows is an operation, by its low five bits, and what the operation has to choose
//! follows it, a byte for each choice. So letters and digits are enough to write a program, as those
//! in `fuzz/seeds.mjs` are.
#![no_main]

mod body;
mod books;
mod program;

use libfuzzer_sys::fuzz_target;
use trigger_chat_transport::chat::Chat;
use trigger_chat_transport::chat::action::{
    CallId, Head, Input, PartId, RequestId, Send, StreamId,
};
use trigger_chat_transport::chat::connection::ConnectionState;
use trigger_chat_transport::chat::error::{ChatError, Foreign};
use trigger_chat_transport::chat::event::SendSource;
use trigger_chat_transport::chat::session::PersistedSession;
use trigger_chat_transport::time::Time;

use body::Body;
use books::{Books, Kind};
use program::Program;

/// An id that the machine never gave out.
const NEVER: u32 = u32::MAX;

/// So many calls are enough for every way in which they can meet.
const MAX_CALLS: usize = 16;

/// More orders than one fact brings, but for those that each record may bring.
const MAX_ORDERS: usize = 8 * MAX_CALLS;

/// A chat that is given up settles within so many answers: each call's message may find that another
/// one's has changed the token, and go out again.
const MAX_ANSWERS: usize = 4 * MAX_CALLS * MAX_CALLS;

fuzz_target!(|bytes: &[u8]| {
    let mut program = Program::new(bytes);
    let mut world = World::new(&mut program);
    while let Some(operation) = program.operation() {
        world.perform(operation, &mut program);
    }
    world.give_up();
});

/// A chat, and a driver that tells it only what a driver can.
struct World {
    chat: Chat,
    now: Time,
    books: Books,
    body: Body,
    coalesces: bool,
    can_start_session: bool,
    /// What every send is answered with in the end.
    last_status: u16,
    /// Whether the app's callbacks give tokens in the end.
    gives_tokens: bool,
    /// The chat was told that there is no network. It forgets that at rest.
    is_offline: bool,
    /// Prints what happens, for whoever replays an input.
    is_traced: bool,
}

impl World {
    fn new(program: &mut Program<'_>) -> Self {
        let choice = program.choice(16);
        let can_start_session = choice.is_multiple_of(2);
        let mut chat = Chat::new("chat-1".to_owned(), can_start_session, 7);
        if choice >= 2 {
            chat.restore(persisted(choice));
        }
        let ending = program.choice(6);
        Self {
            chat,
            last_status: [400, 401, 404][ending % 3],
            gives_tokens: ending < 3,
            now: Time::from_millis(1_000),
            books: Books::default(),
            body: Body::default(),
            coalesces: true,
            can_start_session,
            is_offline: false,
            is_traced: std::env::var_os("FUZZ_TRACE").is_some(),
        }
    }

    fn perform(&mut self, operation: u8, program: &mut Program<'_>) {
        match operation {
            b's' | b'm' | b'M' | b'r' | b'x' if self.books.calls() == MAX_CALLS => {}
            b's' => {
                let call = self.books.call();
                self.tell(Input::Start { call });
            }
            b'm' => self.send(program, None),
            b'M' => self.send(program, Some("to the app's own route".to_owned())),
            b'r' => {
                let call = self.books.abortable_call();
                self.tell(Input::Reconnect { call });
            }
            b'x' => {
                let call = self.books.stop_call();
                let part_id = self.books.stop_part();
                self.tell(Input::Stop { call, part_id });
            }
            b'a' => self.abort(program),
            b'w' => self.with_stream(program, |stream| Input::Wanted { stream }),
            b'c' => self.with_stream(program, |stream| Input::Cancelled { stream }),
            b'd' => self.dispose(),
            b't' | b'u' if self.books.is_refreshing => self.answer_token(operation == b't'),
            b'o' if self.books.is_starting => self.answer_start(true, program.choice(2) == 1),
            b'p' if self.books.is_starting => self.answer_start(false, false),
            b'k' => self.answer(program),
            b'h' => self.connect(program),
            b'b' => self.read(program),
            b'e' => {
                if let Some(request) = self.books.pick(program, |request| request.is_reading) {
                    self.tell_of_request(request, true, Input::Ended { request });
                }
            }
            b'n' => {
                let can_fail = |request: &books::Request| !request.has_head || request.is_reading;
                if let Some(request) = self.books.pick(program, can_fail) {
                    let error = Foreign(1);
                    self.tell_of_request(request, true, Input::NetworkFailed { request, error });
                }
            }
            b'l' => self.now = self.now.after(1 << program.choice(21)),
            b'z' => {
                self.now = self.chat.deadline().map_or(self.now, |due| due.max(self.now));
                self.wake();
            }
            b'i' => self.wake(),
            b'v' => self.turn_page(program),
            b'y' => self.tell(Input::SetSession(persisted(program.choice(16)))),
            b'j' => self.tell(Input::SeedCursor("9".to_owned())),
            b'g' => self.tell(Input::ClearGate),
            b'W' => self.chat.set_watches(program.choice(2) == 1),
            b'q' => self.change_options(program),
            b'f' => self.tell_of_nothing(program),
            _ => {}
        }
    }

    fn send(&mut self, program: &mut Program<'_>, head_start: Option<String>) {
        let call = self.books.abortable_call();
        let source = [SendSource::SubmitMessage, SendSource::RegenerateMessage, SendSource::Action]
            [program.choice(3)];
        let body = format!("body of {}", call.0);
        let part_id = self.books.part(&body);
        let message_id = (source != SendSource::Action).then(|| format!("message {}", call.0));
        let send = Send { source, message_id, body, part_id, head_start };
        self.tell(Input::Send { call, send });
    }

    fn abort(&mut self, program: &mut Program<'_>) {
        let Some(call) = self.books.pick_abortable(program) else { return };
        let stop = (program.choice(2) == 1).then(|| self.books.stop_part());
        let is_over = self.books.is_over(call);
        let orders = self.orders_after(Input::Aborted { call, stop });
        assert!(!is_over || orders == 0, "the abort of a call that was over is ignored");
        assert!(self.books.is_over(call), "an aborted call is over at once");
    }

    fn with_stream(
        &mut self,
        program: &mut Program<'_>,
        fact: impl FnOnce(StreamId) -> Input<'static>,
    ) {
        let Some(stream) = self.books.pick_stream(program) else { return };
        let is_over = self.books.is_stream_over(stream);
        let fact = fact(stream);
        if matches!(fact, Input::Cancelled { .. }) {
            self.books.cancelled(stream);
        }
        let orders = self.orders_after(fact);
        assert!(!is_over || orders == 0, "a stream that was over is ignored");
    }

    fn dispose(&mut self) {
        self.tell(Input::Disposed);
        self.books.expect_nobody_reads();
    }

    fn answer_token(&mut self, is_given: bool) {
        self.books.is_refreshing = false;
        self.tell(match is_given {
            true => Input::TokenReady("renewed".to_owned()),
            false => Input::TokenFailed(failure()),
        });
    }

    fn answer_start(&mut self, is_given: bool, pending_version: bool) {
        self.books.is_starting = false;
        self.tell(match is_given {
            true => Input::SessionStarted { token: "started".to_owned(), pending_version },
            false => Input::StartFailed(failure()),
        });
    }

    /// An answer to an append, or to a question.
    fn answer(&mut self, program: &mut Program<'_>) {
        let is_of_a_send = |request: &books::Request| request.kind != Kind::Subscribe;
        let Some(request) = self.books.pick(program, is_of_a_send) else {
            return;
        };
        if self.books.kind(request) == Kind::Question {
            return self.answer_question(request, program);
        }
        const STATUSES: [u16; 10] = [200, 200, 401, 403, 404, 409, 400, 413, 429, 503];
        let status = STATUSES[program.choice(STATUSES.len())];
        let seq = program.choice(10);
        let body = match (status, seq) {
            (200, 9) => r#"{"ok":true}"#.to_owned(),
            (200, 8) => r#"{"ok":true,"seq":8,"pendingVersion":true}"#.to_owned(),
            (200, 7) => "<html>Please sign in to this network</html>".to_owned(),
            (200, seq) => format!(r#"{{"ok":true,"seq":{seq}}}"#),
            (409, 0..5) => {
                r#"{"ok":false,"code":"session_closed","closedReason":"done"}"#.to_owned()
            }
            _ => program.text().to_owned(),
        };
        let retry_after_ms = (status >= 429 && seq % 2 == 1).then_some(1 << seq);
        let answer = Input::Answered { request, status, retry_after_ms, body: &body };
        self.tell_of_request(request, true, answer);
    }

    /// The records of `.in`: all of them or none, or something that is no list.
    fn answer_question(&mut self, request: RequestId, program: &mut Program<'_>) {
        const STATUSES: [u16; 8] = [200, 200, 200, 401, 404, 501, 429, 503];
        let status = STATUSES[program.choice(STATUSES.len())];
        let body = match program.choice(4) {
            0 => r#"{"records":[]}"#.to_owned(),
            1 => program.text().to_owned(),
            seq => {
                let record = |part| format!(r#"{{"data":{{}},"id":"{part}","seqNum":{seq}}}"#);
                let records: Vec<_> = self.books.parts().map(record).collect();
                format!(r#"{{"records":[{}]}}"#, records.join(","))
            }
        };
        let answer = Input::Answered { request, status, retry_after_ms: None, body: &body };
        self.tell_of_request(request, true, answer);
    }

    /// The head of an answer to a subscription, or of the app's own route.
    fn connect(&mut self, program: &mut Program<'_>) {
        let awaits_head = |request: &books::Request| {
            matches!(request.kind, Kind::Subscribe | Kind::HeadStart) && !request.has_head
        };
        let Some(request) = self.books.pick(program, awaits_head) else { return };
        const STATUSES: [u16; 12] = [200, 200, 200, 200, 401, 403, 404, 409, 400, 204, 429, 503];
        let status = STATUSES[program.choice(STATUSES.len())];
        let flags = program.choice(16);
        if self.books.kind(request) == Kind::HeadStart {
            self.books.has_head(request);
            let token = (flags & 1 == 0).then(|| "of the route".to_owned());
            let pending_version = flags & 2 != 0;
            let head = Input::HeadStarted { request, status, token, pending_version };
            return self.tell_of_request(request, false, head);
        }
        let head = Head {
            status,
            is_event_stream: flags & 8 == 0,
            is_v2: flags & 1 == 0,
            is_settled: flags & 2 != 0,
            retry_after_ms: (flags & 4 != 0).then(|| 1 << program.choice(64)),
        };
        self.books.has_head(request);
        self.tell_of_request(request, false, Input::Connected { request, head });
    }

    /// The next bytes of a body.
    fn read(&mut self, program: &mut Program<'_>) {
        let Some(request) = self.books.pick(program, |request| request.is_reading) else { return };
        let bytes = self.body.next(request, program);
        self.books.has_read(request);
        self.tell_of_request(request, false, Input::Bytes { request, bytes: &bytes });
    }

    fn wake(&mut self) {
        self.tell(Input::Woken);
        let due = self.chat.deadline();
        assert!(due.is_none_or(|due| due > self.now), "a chat that was woken waits for {due:?}");
    }

    fn turn_page(&mut self, program: &mut Program<'_>) {
        let facts = [Input::Online, Input::Offline, Input::Hidden, Input::Shown, Input::Retry];
        let choice = program.choice(facts.len());
        if self.chat.is_active() {
            self.tell(facts.into_iter().nth(choice).expect("a choice of these"));
        }
    }

    fn change_options(&mut self, program: &mut Program<'_>) {
        match program.choice(3) {
            0 => {
                self.coalesces = !self.coalesces;
                self.chat.set_coalesces(self.coalesces);
            }
            1 => {
                self.can_start_session = !self.can_start_session;
                self.chat.set_can_start_session(self.can_start_session);
            }
            _ => self.chat.set_send_timeout(1_000 * u64::from(program.choice(2) == 1)),
        }
    }

    /// A fact about what never was.
    fn tell_of_nothing(&mut self, program: &mut Program<'_>) {
        let (call, stream, request) = (CallId(NEVER), StreamId(NEVER), RequestId(NEVER));
        let head = Head {
            status: 200,
            is_event_stream: true,
            is_v2: true,
            is_settled: true,
            retry_after_ms: None,
        };
        let facts = [
            Input::Aborted { call, stop: Some(PartId("never".to_owned())) },
            Input::Wanted { stream },
            Input::Cancelled { stream },
            Input::Answered {
                request,
                status: 200,
                retry_after_ms: None,
                body: r#"{"ok":true,"seq":1}"#,
            },
            Input::Connected { request, head },
            Input::HeadStarted { request, status: 200, token: None, pending_version: false },
            Input::Bytes { request, bytes: b"event: error\ndata: x\n\n" },
            Input::Ended { request },
            Input::NetworkFailed { request, error: Foreign(1) },
        ];
        let choice = program.choice(facts.len());
        let orders = self.orders_after(facts.into_iter().nth(choice).expect("a choice of these"));
        assert_eq!(orders, 0, "what never was is ignored");
    }

    /// Tells a fact about a request; it may be the last one.
    fn tell_of_request(&mut self, request: RequestId, is_last: bool, fact: Input<'_>) {
        let is_cancelled = self.books.is_cancelled(request);
        if is_last {
            self.books.is_answered(request);
        }
        let orders = self.orders_after(fact);
        assert!(!is_cancelled || orders == 0, "a request that was given up is ignored");
    }

    fn tell(&mut self, fact: Input<'_>) {
        self.orders_after(fact);
    }

    /// Tells a fact, and looks at every order that follows; returns how many there were.
    fn orders_after(&mut self, fact: Input<'_>) -> usize {
        if self.is_traced {
            eprintln!("{:>8} {fact:?}", self.now.as_millis());
        }
        let bytes = if let Input::Bytes { bytes, .. } = &fact { bytes.len() } else { 0 };
        let mut orders = Vec::new();
        match fact {
            Input::Offline => self.is_offline = true,
            Input::Online => self.is_offline = false,
            _ => {}
        }
        self.chat.handle(self.now, fact, &mut orders);
        self.is_offline &= self.chat.is_active();
        for order in &orders {
            if self.is_traced {
                eprintln!("{:>8}   {order:?}", "");
            }
            self.books.take(self.now, order);
        }
        assert!(orders.len() <= MAX_ORDERS + bytes, "{} orders at once", orders.len());
        self.check_rest();
        orders.len()
    }

    /// What holds between two facts.
    fn check_rest(&self) {
        if !self.chat.is_active() {
            self.books.expect_nothing_is_open();
            assert_eq!(self.chat.deadline(), None, "a chat at rest waits for nothing");
            let connection = self.chat.connection();
            let rests = matches!(connection, ConnectionState::Idle | ConnectionState::Closed);
            assert!(rests, "a chat at rest: {connection:?}");
            return;
        }
        let goes_on = self.books.has_open_request()
            || self.books.is_starting
            || self.books.is_refreshing
            || self.chat.deadline().is_some()
            || self.is_offline;
        assert!(goes_on, "nothing that could come would wake the chat");
    }

    /// The transport goes, and no append lands any more: everything has to come to its end.
    fn give_up(&mut self) {
        self.dispose();
        if self.is_offline {
            self.tell(Input::Online);
        }
        for _ in 0..MAX_ANSWERS {
            if self.books.is_refreshing {
                self.answer_token(self.gives_tokens);
            } else if self.books.is_starting {
                self.answer_start(self.gives_tokens, false);
            } else if let Some(request) = self.books.first_open_request() {
                let status = self.last_status;
                let refused = Input::Answered { request, status, retry_after_ms: None, body: "" };
                self.tell_of_request(request, true, refused);
            } else if let Some(due) = self.chat.deadline() {
                // A send waits for its next attempt.
                self.now = due.max(self.now);
                self.wake();
            } else {
                break;
            }
        }
        assert!(!self.chat.is_active(), "still active after it was given up");
        self.books.expect_nothing_is_open();
        if let Some(stored) = self.chat.session() {
            let mut restored = Chat::new("chat-1".to_owned(), true, 7);
            restored.restore(stored.clone());
            assert_eq!(restored.session(), Some(stored), "what an app stores comes back");
        }
    }
}

/// What an app may have stored of a chat.
fn persisted(choice: usize) -> PersistedSession {
    PersistedSession {
        public_access_token: "stored".to_owned(),
        last_event_id: [None, Some("4"), Some("1700000000000-0"), Some("19")][choice % 4]
            .map(str::to_owned),
        active_input_seq: (choice % 8 >= 6).then_some(3),
        is_streaming: [None, Some(false), Some(true), Some(true)][choice / 4 % 4],
        closed: choice == 15,
        closed_reason: None,
    }
}

fn failure() -> ChatError {
    ChatError::Foreign(Foreign(1))
}
