//! A page of any origin may call, and may read what it is told.

use crate::support::Server;

#[test]
fn a_preflight_is_answered_on_every_route() {
    let server = Server::start();
    let wanted = "authorization,content-type,last-event-id,timeout-seconds,x-part-id,\
                  x-peek-settled,x-trigger-source,x-trigger-branch,accept,x-something-else";
    for path in [
        "/api/v1/sessions",
        "/api/v1/sessions/c/close",
        "/realtime/v1/sessions/c/in/append",
        "/realtime/v1/sessions/c/in/records",
        "/realtime/v1/sessions/c/out",
        "/app/chats",
        "/nowhere",
    ] {
        let answer = server
            .call("OPTIONS", path)
            .header("Origin", "https://page.example")
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", wanted)
            .fetch();
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("access-control-allow-methods"), "*");
        assert_eq!(answer.header("access-control-allow-headers"), wanted);
        assert!(answer.header("access-control-max-age").parse::<u32>().is_ok());
    }
}

#[test]
fn unknown_routes_and_methods_are_refusals_that_a_page_can_read() {
    let server = Server::start();
    server.get("/nowhere").fetch().is_refused_with(404, "/nowhere");
    server.get("/realtime/v1/other").fetch().is_refused_with(404, "/realtime/v1/other");
    server.get("/api/v1/sessions").fetch().is_refused_with(405, "GET");
}
