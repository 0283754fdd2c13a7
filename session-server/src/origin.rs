//! Which pages may call what asks nobody who they are.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::Response;

use crate::api::ApiError;

/// Lets in who is no page, and pages of this server or of this machine. A page of any other site would
/// read and write the chats of whoever visits it.
pub(crate) async fn own_pages(request: Request, next: Next) -> Result<Response, ApiError> {
    if is_foreign(request.headers()) {
        return Err(ApiError::ForeignPage);
    }
    Ok(next.run(request).await)
}

fn is_foreign(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return false;
    };
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let Some(authority) = origin.as_ref().and_then(Uri::authority) else {
        return true;
    };
    let own =
        headers.get(HOST).is_some_and(|host| host.as_bytes() == authority.as_str().as_bytes());
    !own && !is_loopback(authority.host())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    match address {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use axum::http::header::{HOST, ORIGIN};

    use super::is_foreign;

    fn from(origin: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "box.example:8787".parse().expect("a value"));
        headers.insert(ORIGIN, origin.parse().expect("a value"));
        is_foreign(&headers)
    }

    #[test]
    fn pages_of_this_server_and_of_this_machine_are_no_foreigners() {
        for own in [
            "https://box.example:8787",
            "http://127.0.0.1:5173",
            "http://127.8.9.1",
            "http://[::1]:80",
            "http://localhost:3000",
            "http://app.localhost:3000",
        ] {
            assert!(!from(own), "{own}");
        }
        for foreign in [
            "https://page.example",
            "http://box.example",
            "http://127.0.0.1.page.example",
            "http://notlocalhost",
            "http://localhost@page.example",
            "null",
            "file://",
            "",
        ] {
            assert!(from(foreign), "{foreign}");
        }
    }

    #[test]
    fn who_is_no_page_is_no_foreigner() {
        assert!(!is_foreign(&HeaderMap::new()));
    }
}
