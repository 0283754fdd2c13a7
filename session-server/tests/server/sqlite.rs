//! What only a database file can be asked. Where the tests run over S2, these do not.

use crate::command_line::path;
use crate::model_memory::{assistant, on, turn, user};
use crate::stand_in::StandIn;
use crate::support::{Folder, Server, program, refusal};

#[test]
fn a_database_that_is_none_is_refused_in_one_sentence() {
    let folder = Folder::new();
    let garbage = folder.file("garbage");
    std::fs::write(&garbage, "certainly no database, but long enough to be read as one".repeat(99))
        .expect("a file");
    assert!(refusal(&["--port", "0", "--db", path(&garbage)]).contains("not a database"));

    let foreign = folder.file("foreign");
    rusqlite::Connection::open(&foreign)
        .and_then(|db| db.execute_batch("CREATE TABLE t (x)"))
        .expect("a database");
    assert!(refusal(&["--port", "0", "--db", path(&foreign)]).contains("another program"));

    let own_folder = folder.file(".");
    assert!(refusal(&["--port", "0", "--db", path(&own_folder)]).contains("--db"));
    let below_a_file = garbage.join("s.sqlite");
    assert!(refusal(&["--port", "0", "--db", path(&below_a_file)]).contains("folder"));
}

#[test]
fn a_database_in_use_is_refused() {
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let _server = Server::on(&db);
    assert!(refusal(&["--port", "0", "--db", path(&db)]).contains("another session-server"));
}

#[test]
fn a_database_from_before_there_were_models_is_taken_over() {
    let model = StandIn::start();
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    rusqlite::Connection::open(&db)
        .and_then(|db| {
            db.execute_batch(include_str!("../../src/store/sqlite/schema.sql"))?;
            db.pragma_update(None, "application_id", 0x7473_6573)?;
            db.pragma_update(None, "user_version", 1)
        })
        .expect("a database");
    let server = on(&model, &db);
    let chat = server.chat("c", "model");
    turn(&chat, &model, "one", "1");
    assert_eq!(turn(&chat, &model, "two", "2")[..2], [user("one"), assistant("1")]);
    drop(server);

    rusqlite::Connection::open(&db)
        .and_then(|db| db.pragma_update(None, "user_version", 99))
        .expect("a database");
    let db = db.to_str().expect("a plain path");
    let output = program(&["--port", "0", "--db", db]).output().expect("it runs");
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(text.contains("is version 99, this server reads version 2"), "{text}");
}
