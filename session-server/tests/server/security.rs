//! The threats that docs/security.md lists for this server, one test for each.

use std::collections::BTreeSet;
use std::io::Read;
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::{
    Answer, Chat, Folder, KEY, Server, encode as percent, new_session, program, signing_secret,
    submit,
};

const STOP: &str = r#"{"kind":"stop"}"#;

/// A server with a session `c`, and what it signs tokens with.
fn server_and_its_secret(folder: &Folder) -> (Server, Vec<u8>) {
    let db = folder.file("s.sqlite");
    // Made by the first server, and read while none runs.
    Server::on(&db).chat("c", "echo");
    let secret = signing_secret(&db);
    (Server::on(&db), secret)
}

/// What a token for the session `c` says.
fn claims() -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
    let scopes = ["read:sessions:c", "write:sessions:c"];
    json!({ "sub": "local", "pub": true, "scopes": scopes, "iat": now, "exp": now + 600 })
}

fn signed(algorithm: Algorithm, claims: &Value, secret: &[u8]) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).expect("a token")
}

fn append(server: &Server, token: &str) -> Answer {
    server.post("/realtime/v1/sessions/c/in/append").bearer(token).send(STOP)
}

fn list(server: &Server, token: &str) -> Answer {
    server.get("/realtime/v1/sessions/c/in/records").bearer(token).fetch()
}

/// Bytes as the parts of a token write them.
fn base64url(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |bits: u32| char::from(DIGITS[(bits & 63) as usize]);
    let group = |bytes: &[u8]| {
        let bits =
            bytes.iter().chain(&[0, 0]).take(3).fold(0, |bits, byte| bits << 8 | u32::from(*byte));
        let digits = [bits >> 18, bits >> 12, bits >> 6, bits].map(digit);
        digits.into_iter().take(bytes.len() + 1).collect::<String>()
    };
    text.as_bytes().chunks(3).map(group).collect()
}

#[test]
fn a_token_is_good_only_as_this_server_signed_it() {
    let folder = Folder::new();
    let (server, secret) = server_and_its_secret(&folder);
    let good = signed(Algorithm::HS256, &claims(), &secret);
    assert_eq!(append(&server, &good).status, 200);

    let parts: Vec<_> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("{good}") };
    let unsigned =
        |algorithm: &str| base64url(&json!({ "alg": algorithm, "typ": "JWT" }).to_string());
    let mut wider = claims();
    wider["scopes"] = json!(["read:sessions:c", "write:sessions:c", "write:sessions:d"]);
    for forged in [
        signed(Algorithm::HS256, &claims(), b""),
        signed(Algorithm::HS256, &claims(), KEY.as_bytes()),
        signed(Algorithm::HS384, &claims(), &secret),
        signed(Algorithm::HS512, &claims(), &secret),
        format!("{}.{payload}.", unsigned("none")),
        format!("{}.{payload}.{signature}", unsigned("none")),
        format!("{}.{payload}.{signature}", unsigned("None")),
        format!("{}.{payload}.{signature}", unsigned("HS512")),
        format!("{}.{payload}.{signature}", unsigned("RS256")),
        format!("{header}.{}.{signature}", base64url(&wider.to_string())),
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        String::from(".."),
    ] {
        append(&server, &forged).is_refused_with(401, "not valid");
    }
}

#[test]
fn a_token_ends_when_it_says_and_has_to_say_so() {
    let folder = Folder::new();
    let (server, secret) = server_and_its_secret(&folder);
    let with_end = |end: Value| {
        let mut claims = claims();
        claims["exp"] = end;
        append(&server, &signed(Algorithm::HS256, &claims, &secret))
    };
    let now = claims()["iat"].as_u64().expect("a time");
    assert_eq!(with_end(json!(now + 600)).status, 200);
    with_end(json!(now - 1)).is_refused_with(401, "expired");
    for none in [Value::Null, json!("never"), json!(-1)] {
        assert_eq!(with_end(none.clone()).status, 401, "{none}");
    }
}

#[test]
fn a_token_does_only_what_its_scopes_say() {
    let folder = Folder::new();
    let (server, secret) = server_and_its_secret(&folder);
    let with = |scopes: &[&str]| {
        let mut claims = claims();
        claims["scopes"] = json!(scopes);
        let token = signed(Algorithm::HS256, &claims, &secret);
        [list(&server, &token), append(&server, &token)].map(|answer| answer.status.as_u16())
    };
    assert_eq!(with(&["read:sessions:c"]), [200, 403]);
    assert_eq!(with(&["write:sessions:c"]), [403, 200]);
    let nothing: [&[&str]; 6] = [
        &[],
        &["read:sessions", "write:sessions"],
        &["read:sessions:*", "write:sessions:*"],
        &["READ:SESSIONS:C", "WRITE:SESSIONS:C"],
        &["read:sessions:c write:sessions:c"],
        &["admin", "visit:proxy"],
    ];
    for scopes in nothing {
        assert_eq!(with(scopes), [403, 403], "{scopes:?}");
    }
}

#[test]
fn a_token_for_one_chat_cannot_read_write_or_see_another() {
    let server = Server::start();
    let mine = server.chat("mine", "echo");
    server.chat("yours", "echo");
    let own_id = server.create(&new_session("yours", "echo")).json()["id"].clone();
    let own_id = own_id.as_str().expect("an id");
    let calls = |name: &str| {
        let path = |rest: &str| format!("/realtime/v1/sessions/{name}/{rest}");
        let close = server.post(&format!("/api/v1/sessions/{name}/close"));
        [
            server.post(&path("in/append")).bearer(&mine.token).send(STOP),
            server.get(&path("in/records")).bearer(&mine.token).fetch(),
            server
                .get(&path("out"))
                .bearer(&mine.token)
                .header("Accept", "text/event-stream")
                .fetch(),
            close.bearer(&mine.token).send(""),
        ]
        .map(|answer| (answer.status.as_u16(), answer.body))
    };
    // What is there and what is not look the same.
    let absent = calls("nobody");
    assert_eq!(absent.each_ref().map(|(status, _)| *status), [403, 403, 403, 401]);
    for there in ["yours", own_id] {
        assert_eq!(calls(there), absent, "{there}");
    }
}

#[test]
fn an_id_is_taken_to_the_byte_and_means_nothing_else() {
    let server = Server::start();
    server.chat("c", "echo");
    let names = [
        "C",
        "c ",
        " c",
        "c/",
        "./c",
        "c/../c",
        "c%2e",
        "%",
        "_",
        "c\0",
        "c\n",
        "c' OR '1'='1",
        "c\" --",
        "c\u{300}",
        "с",
        "\u{202e}c",
        "read:sessions:c",
        "*",
    ];
    let chats: Vec<Chat<'_>> = names.iter().map(|name| server.chat(name, "echo")).collect();
    for chat in &chats {
        assert_eq!(
            chat.say(&json!({ "kind": "stop" })),
            0,
            "{:?} is a session of its own",
            chat.id
        );
        append(&server, &chat.token).is_refused_with(403, "does not cover");
    }
    // As they stand in a path, undone by nobody on the way.
    for path in ["c/../c", "./c", "c%2F..%2Fc/..", "%2e%2e", "c;x"] {
        let answer =
            server.get(&format!("/realtime/v1/sessions/{path}/in/records")).bearer(KEY).fetch();
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[test]
fn a_path_does_not_lead_out_of_the_page() {
    let folder = Folder::new();
    std::fs::create_dir(folder.file("page")).expect("a folder");
    std::fs::write(folder.file("page/index.html"), "the page").expect("a file");
    std::fs::write(folder.file("secret"), "a secret").expect("a file");
    let page = folder.file("page");
    let server =
        Server::with(&["--db", ":memory:", "--page", page.to_str().expect("a plain path")]);
    for path in [
        "/../secret",
        "/x/../../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/..%5csecret",
        "/x/%2e%2e/%2e%2e/secret",
        "//secret",
        &percent(folder.file("secret").to_str().expect("a plain path")),
    ] {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let answer = server.get(&path).fetch();
        assert!(!answer.body.contains("a secret"), "{path}");
    }
}

#[test]
fn what_clients_write_stays_inside_its_frame() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let hostile = "a\n\ndata: [DONE]\n\nevent: error\r\ndata: {}\r\n\r\n\u{2028}\0b";
    let records = chat.ask(hostile, json!({ "paceMs": 0 }));
    assert_eq!(crate::support::said(&records), hostile);
    let reason = json!({ "reason": hostile }).to_string();
    let close = server.post("/api/v1/sessions/c/close").bearer(KEY).send(&reason);
    assert_eq!(close.status, 200);
    let stream = chat.window("").body;
    assert_eq!(stream.matches("data: [DONE]\n").count(), 1);
    assert_eq!(stream.matches("\nevent: error").count(), 0);

    let messages = json!([{ "role": "user", "parts": [{ "type": "text", "text": hostile }] }]);
    let body = json!({ "chatId": "d", "headStartMessages": messages, "metadata": { "paceMs": 0 } });
    let told = server.post("/app/head-start").send(&body.to_string()).body;
    for line in told.lines().filter(|line| !line.is_empty()) {
        let data = line.strip_prefix("data: ").and_then(|data| serde_json::from_str(data).ok());
        assert!(data.is_some_and(|chunk: Value| chunk["type"].is_string()), "{line:?} in {told}");
    }
}

#[test]
fn pages_of_any_site_reach_the_service_with_a_token_and_never_with_a_cookie() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    let names = |answer: &Answer| -> BTreeSet<String> {
        let names = answer.headers.keys().map(|name| name.as_str().to_owned());
        names.filter(|name| name.starts_with("access-control-")).collect()
    };
    for path in
        ["/api/v1/sessions", &chat.path("in/append"), &chat.path("in/records"), &chat.path("out")]
    {
        let from = |method| server.call(method, path).header("Origin", "https://page.example");
        let preflight = from("OPTIONS")
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization")
            .fetch();
        assert_eq!(preflight.header("access-control-allow-origin"), "*");
        assert_eq!(preflight.header("access-control-allow-headers"), "authorization");
        let shown =
            ["origin", "methods", "headers"].map(|what| format!("access-control-allow-{what}"));
        let shown = BTreeSet::from(shown).into_iter().chain(["access-control-max-age".to_owned()]);
        assert_eq!(names(&preflight), shown.collect(), "{path}");

        // No credentials: a cookie that the browser has opens nothing here.
        let answer = from("GET").header("Cookie", "session-server=x").fetch();
        assert!(matches!(answer.status.as_u16(), 401 | 405), "{path}");
        let shown = ["allow-origin", "expose-headers"].map(|what| format!("access-control-{what}"));
        assert_eq!(names(&answer), BTreeSet::from(shown), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
}

#[test]
fn pages_of_other_sites_are_refused_where_nobody_is_asked_who_they_are() {
    let server = Server::start();
    server.chat("c", "echo");
    let calls = [
        ("GET", "/app/agents"),
        ("GET", "/app/chats"),
        ("POST", "/app/chats/c/start"),
        ("POST", "/app/chats/c/token"),
        ("DELETE", "/app/chats/c"),
        ("POST", "/app/head-start"),
        ("POST", "/proxy/sign-in"),
        ("GET", "/proxy/realtime/v1/sessions/c/out"),
    ];
    for (method, path) in calls {
        for origin in ["https://page.example", "http://127.0.0.1.page.example", "null"] {
            let answer = server.call(method, path).header("Origin", origin).fetch();
            assert_eq!(answer.status, 403, "{method} {path} from {origin}");
            assert!(answer.body.contains("other sites"), "{}", answer.body);
        }
    }
    assert_eq!(server.get("/app/chats").fetch().body, "[]", "and nothing was done");
    for origin in [&*server.base, "http://localhost:5173", "http://[::1]:3000"] {
        let token = server.post("/app/chats/c/token").header("Origin", origin).send("");
        assert_eq!(append(&server, &token.body).status, 200, "{origin}");
    }
}

#[test]
fn a_token_in_an_address_is_not_taken() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    for (name, secret) in [("token", &*chat.token), ("access_token", &chat.token), ("key", KEY)] {
        let path = format!("{}?{name}={secret}", chat.path("in/records"));
        server.get(&path).fetch().is_refused_with(401, "missing");
    }
}

#[cfg(unix)]
#[test]
fn the_database_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    let server = Server::on(&folder.file("s.sqlite"));
    server.chat("c", "echo");
    for file in ["s.sqlite", "s.sqlite-wal"] {
        let mode = std::fs::metadata(folder.file(file)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is {mode:o}");
    }
}

#[test]
fn no_token_and_no_key_is_ever_logged() {
    const OWN_KEY: &str = "tr_very_secret_indeed";
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let token = Server::on(&db).chat("broken", "echo").token.clone();
    // What the server then stumbles over: each call on it fails, and is logged.
    rusqlite::Connection::open(&db)
        .and_then(|db| db.execute("UPDATE sessions SET tags = '{'", []))
        .expect("a change");

    let db = db.to_str().expect("a plain path");
    let mut server = Server::run(
        program(&["--port", "0", "--db", db, "--secret-key", OWN_KEY]).stderr(Stdio::piped()),
    );
    let create = |key: &str| {
        let body = new_session("broken", "echo").to_string();
        server.post("/api/v1/sessions").bearer(key).send(&body)
    };
    create(OWN_KEY).is_refused_with(500, "no JSON");
    create(&token).is_refused_with(401, "secret key");
    let forged = format!("{token}x");
    let chat = server.chat_with("broken", token.clone());
    assert_eq!(chat.append(&submit("hello", json!({ "paceMs": 0 }))).status, 200);
    server.chat_with("broken", forged).append(&json!({})).is_refused_with(401, "not valid");
    server.chat_with("nobody", token.clone()).append(&json!({})).is_refused_with(403, "cover");
    server.get(&format!("/nowhere?token={token}")).fetch().is_refused_with(404, "/nowhere");

    server.child.kill().expect("it ends");
    let mut log = String::new();
    let stderr = server.child.stderr.as_mut().expect("its errors");
    stderr.read_to_string(&mut log).expect("text");
    assert!(log.contains("no JSON"), "what fails is logged: {log}");
    let signature = token.rsplit('.').next().expect("a signature");
    assert!(!log.contains(OWN_KEY) && !log.contains(signature), "{log}");
}
