//! Who may ask at all: the checks before any route, cheapest first. What a route does is kept
//! out.
//!
//! A web page in the operator's browser can send requests to loopback. It can't set `Host` or
//! `Origin` freely, so these two keep it out even if it rebinds a name to 127.0.0.1; the token
//! keeps out other users of the machine.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::{ApiCode, Problem};
use crate::home::token::Token;

/// The largest body that any route takes: an import sends its rows in parts. With
/// `server::CONNECTIONS_MAX` it bounds the memory for bodies.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// For the whole body; a program on this machine needs milliseconds.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);

/// What a door lets in.
#[derive(Debug)]
pub struct Guard {
    token: Token,
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Guard {
    /// For the Unix socket, where clients name no port.
    #[must_use]
    pub fn of_socket(token: Token) -> Arc<Self> {
        Arc::new(Self {
            token,
            hosts: vec!["localhost".to_owned()],
            origins: Vec::new(),
        })
    }

    /// For loopback: the names of loopback with this very port, and pages from there or from
    /// the operator's list.
    #[must_use]
    pub fn of_loopback(token: Token, http: SocketAddr, origins: &[String]) -> Arc<Self> {
        let port = http.port();
        let hosts = ["localhost", "127.0.0.1", "[::1]"];
        let mut hosts: Vec<_> = hosts.map(|host| format!("{host}:{port}")).into();
        let ip = http.to_string();
        if !hosts.contains(&ip) {
            hosts.push(ip);
        }
        let mut allowed: Vec<_> = hosts.iter().map(|host| format!("http://{host}")).collect();
        allowed.extend_from_slice(origins);
        Arc::new(Self {
            token,
            hosts,
            origins: allowed,
        })
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let host = only(headers, &header::HOST).unwrap_or_default();
        if !self.hosts.iter().any(|h| h == host) {
            let names = self.hosts.join(", ");
            let detail = format!("Set the header Host to one of: {names}.");
            return Err(Problem::new(ApiCode::WrongHost, detail));
        }
        if headers.contains_key(header::ORIGIN) {
            let origin = only(headers, &header::ORIGIN).unwrap_or_default();
            if !self.origins.iter().any(|o| o == origin) {
                let detail = "Only pages of this node may.";
                let next = "add others: omni config set api.origins ORIGIN";
                return Err(Problem::new(ApiCode::WrongOrigin, detail).next(next));
            }
        }
        let shown = only(headers, &header::AUTHORIZATION).and_then(bearer);
        if shown.is_some_and(|shown| self.token.admits(shown)) {
            return Ok(());
        }
        let detail = "Send the header \"Authorization: Bearer TOKEN\" with the content of \
                      the file api.token in the node's home.";
        Err(Problem::new(ApiCode::Unauthorized, detail))
    }
}

/// The one value of a header. Two are none: programs disagree on which counts.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start_matches(' '))
}

/// The guard as a layer around all routes: refuses, or hands the request on with its whole body.
pub async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let result = match guard.check(request.headers()) {
        Ok(()) => whole(request).await,
        Err(problem) => Err(problem),
    };
    let mut response = match result {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    // Answers hold what only the bearer of the token may see.
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

/// Takes in the body before any route runs, so that none can forget its limit.
async fn whole(request: Request) -> Result<Request, Problem> {
    let too_large = || {
        let detail = format!("At most {BODY_BYTES_MAX} bytes; send it in parts.");
        Problem::new(ApiCode::TooLarge, detail)
    };
    let announced = request.body().size_hint().lower();
    if usize::try_from(announced).is_ok_and(|n| n > BODY_BYTES_MAX) {
        return Err(too_large());
    }
    let (head, body) = request.into_parts();
    let read = Limited::new(body, BODY_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_TIME_MAX, read).await {
        Ok(Ok(body)) => Ok(Request::from_parts(head, Body::from(body.to_bytes()))),
        Ok(Err(e)) if e.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(e)) => Err(Problem::new(
            ApiCode::Malformed,
            format!("The body broke off: {e}."),
        )),
        Err(_) => Err(Problem::new(
            ApiCode::TimedOut,
            format!("It has to come within {} seconds.", BODY_TIME_MAX.as_secs()),
        )),
    }
}
