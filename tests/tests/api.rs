//! The local API as programs see it: raw requests to a real daemon, good and hostile.

use std::fmt::Write as _;

use omni_tests::omni::Node;
use serde_json::Value;

/// A request with the headers that the door wants, to be spoiled by a test.
struct Request<'a> {
    line: &'a str,
    host: Option<String>,
    token: Option<String>,
    headers: &'a str,
    body: &'a str,
}

impl<'a> Request<'a> {
    fn good(node: &Node, line: &'a str) -> Self {
        Self {
            line,
            host: Some(node.endpoint("http")),
            token: Some(format!("Bearer {}", node.token())),
            headers: "",
            body: "",
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} HTTP/1.1\r\nConnection: close\r\n", self.line);
        if let Some(host) = &self.host {
            write!(text, "Host: {host}\r\n").unwrap();
        }
        if let Some(token) = &self.token {
            write!(text, "Authorization: {token}\r\n").unwrap();
        }
        text.push_str(self.headers);
        if !self.body.is_empty() {
            write!(text, "Content-Length: {}\r\n", self.body.len()).unwrap();
        }
        text.push_str("\r\n");
        text.push_str(self.body);
        text.into_bytes()
    }
}

/// Status, media type and body of an answer.
fn parts(answer: &str) -> (u16, String, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
    let media = head
        .lines()
        .find_map(|line| line.strip_prefix("content-type: "))
        .unwrap_or_default();
    (
        status.unwrap_or_else(|| panic!("no status: {answer:?}")),
        media.to_owned(),
        serde_json::from_str(body).unwrap_or_default(),
    )
}

fn assert_problem(answer: &str, status: u16, code: &str) {
    let (found, media, body) = parts(answer);
    assert_eq!(found, status, "{answer}");
    assert_eq!(media, "application/problem+json", "{answer}");
    assert_eq!(body["code"], code, "{answer}");
    assert_eq!(body["status"], status, "{answer}");
    assert_eq!(body["type"], format!("urn:omni:problem:{code}"));
    for member in ["title", "detail"] {
        assert!(!body[member].as_str().unwrap().is_empty(), "{answer}");
    }
}

#[test]
fn both_doors_answer_the_bearer_of_the_token() {
    let node = Node::start();
    let mut request = Request::good(&node, "GET /v1/status");
    let (status, media, body) = parts(&node.http(&request.bytes()));
    assert_eq!((status, media.as_str()), (200, "application/json"));
    assert_eq!(body["state"], "ready");
    assert_eq!(body["pid"], node.pid());
    assert_eq!(body["network"], "test");
    request.host = Some("localhost".to_owned());
    let (status, _, same) = parts(&node.socket(&request.bytes()));
    assert_eq!(status, 200);
    assert_eq!(same["partner"], body["partner"]);
    let answer = node.http(&Request::good(&node, "GET /v1/identity").bytes());
    let (_, _, identity) = parts(&answer);
    assert_eq!(identity["partner"], body["partner"]);
    assert_eq!(identity["key_index"], 0);
    assert!(identity["partner"].as_str().unwrap().starts_with("omni1"));
    assert!(identity["peer"].as_str().unwrap().starts_with("12D3Koo"));
    // Nothing secret is told, and nothing is kept by who passes it on.
    let secret = std::fs::read_to_string(node.place().home().join("keys/market-0.key")).unwrap();
    let secret = secret
        .lines()
        .find_map(|l| l.strip_prefix("secret: "))
        .unwrap()
        .to_owned();
    assert!(!answer.contains(&secret));
    assert!(answer.contains("cache-control: no-store"));
}

fn check(node: &Node, request: &Request<'_>, status: u16, code: &str) {
    assert_problem(&node.http(&request.bytes()), status, code);
}

#[test]
fn hostile_pages_are_kept_out_by_host_and_origin() {
    let node = Node::start();
    let port = node.endpoint("http").rsplit(':').next().unwrap().to_owned();
    let good = || Request::good(&node, "GET /v1/status");
    for host in [
        "evil.example",
        "localhost",
        "127.0.0.1:1",
        "",
        "localhost:x",
    ] {
        let host = Some(host.to_owned());
        check(&node, &Request { host, ..good() }, 403, "wrong-host");
    }
    let host = Some(format!("evil.example:{port}"));
    check(&node, &Request { host, ..good() }, 403, "wrong-host");
    check(
        &node,
        &Request {
            host: None,
            ..good()
        },
        403,
        "wrong-host",
    );
    let headers = &format!("Host: localhost:{port}\r\n");
    check(&node, &Request { headers, ..good() }, 403, "wrong-host");
    for headers in [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: \r\n",
    ] {
        check(&node, &Request { headers, ..good() }, 403, "wrong-origin");
    }
}

#[test]
fn hostile_tokens_open_nothing() {
    let node = Node::start();
    let good = || Request::good(&node, "GET /v1/status");
    let own = node.token();
    let tokens = [
        "Bearer ".to_owned(),
        format!("Bearer {}", "0".repeat(64)),
        format!("Bearer {own}x"),
        format!("Bearer {}", own.split_at(63).0),
        format!("Basic {own}"),
        own.clone(),
    ];
    for token in tokens {
        let token = Some(token);
        check(&node, &Request { token, ..good() }, 401, "unauthorized");
    }
    check(
        &node,
        &Request {
            token: None,
            ..good()
        },
        401,
        "unauthorized",
    );
    let headers = &format!("Authorization: Bearer {own}\r\n");
    check(&node, &Request { headers, ..good() }, 401, "unauthorized");
    // Who has no token does not learn which addresses there are.
    let unknown = Request::good(&node, "GET /v1/nothing");
    check(
        &node,
        &Request {
            token: None,
            ..unknown
        },
        401,
        "unauthorized",
    );
}

#[test]
fn hostile_addresses_are_unknown() {
    let node = Node::start();
    for line in [
        "GET /v1/nothing",
        "GET /",
        "GET /v1/../v1/status",
        "GET /v1/%73tatus",
    ] {
        check(&node, &Request::good(&node, line), 404, "unknown-route");
    }
    for line in ["POST /v1/status", "DELETE /v1/identity", "GET /v1/shutdown"] {
        check(
            &node,
            &Request::good(&node, line),
            405,
            "method-not-allowed",
        );
    }
}

#[test]
fn hostile_bodies_are_refused_before_they_are_read() {
    let node = Node::start();
    let with = |headers| Request {
        headers,
        ..Request::good(&node, "POST /v1/shutdown")
    };
    let announced = with("Content-Length: 1048577\r\n").bytes();
    assert_problem(&node.http(&announced), 413, "too-large");
    let huge = with("Content-Length: 18446744073709551615\r\n").bytes();
    let (status, _, _) = parts(&node.http(&huge));
    assert!((400..500).contains(&status), "{status}");
    // In pieces, so that no length announces it.
    let mut pieces = with("Transfer-Encoding: chunked\r\n").bytes();
    for _ in 0..17 {
        pieces.extend_from_slice(b"10000\r\n");
        pieces.extend_from_slice(&[b'x'; 0x10000]);
        pieces.extend_from_slice(b"\r\n");
    }
    assert_problem(&node.http(&pieces), 413, "too-large");
    let broken = with("Transfer-Encoding: chunked\r\n\r\nzz").bytes();
    assert_problem(&node.http(&broken), 400, "malformed");
    assert_alive(&node);
}

#[test]
fn hostile_bytes_leave_the_node_alive() {
    let node = Node::start();
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(1_000));
    let inputs: [&[u8]; 7] = [
        b"\0\0\0\0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /v1/status HTTP/9.9\r\n\r\n",
        b"GET \xff\xfe HTTP/1.1\r\nHost: \xff\r\n\r\n",
        long.as_bytes(),
        many.as_bytes(),
    ];
    for input in inputs {
        let answer = node.http(input);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
        drop(node.socket(input));
    }
    assert_alive(&node);
}

#[test]
fn hostile_silence_does_not_lock_others_out() {
    let node = Node::start();
    let address = node.endpoint("http");
    // As many as the door takes, each saying nothing: the door closes them after five seconds.
    let silent: Vec<_> = (0..64)
        .map(|_| std::net::TcpStream::connect(&address).unwrap())
        .collect();
    // Commands come through the other door.
    assert_alive(&node);
    let answer = node.http(&Request::good(&node, "GET /v1/status").bytes());
    assert_eq!(parts(&answer).0, 200);
    drop(silent);
}

#[test]
fn a_page_of_the_node_or_of_the_list_may_ask() {
    let place = omni_tests::omni::Place::new();
    place.ok(&["init"]);
    place.ok(&["config", "set", "api.origins", "https://desk.example"]);
    let node = place.up(&[]);
    let own = format!("Origin: http://{}\r\n", node.endpoint("http"));
    for headers in [own.as_str(), "Origin: https://desk.example\r\n"] {
        let request = Request {
            headers,
            ..Request::good(&node, "GET /v1/status")
        };
        assert_eq!(parts(&node.http(&request.bytes())).0, 200);
    }
}

#[test]
fn shutdown_answers_first_and_leaves_nothing_behind() {
    let node = Node::start();
    let socket = node.endpoint("socket");
    let request = Request {
        body: "{}",
        ..Request::good(&node, "POST /v1/shutdown")
    };
    let (status, _, body) = parts(&node.http(&request.bytes()));
    assert_eq!((status, &body["pid"]), (202, &Value::from(node.pid())));
    let (ended, place) = node.end();
    assert!(ended.success());
    assert!(!place.home().join("api.json").exists());
    assert!(!std::path::Path::new(&socket).exists());
}

#[test]
fn signals_end_a_node_in_order() {
    for name in ["TERM", "INT", "HUP"] {
        let node = Node::start();
        node.signal(name);
        let (ended, place) = node.end();
        assert!(ended.success(), "{name}");
        assert!(!place.home().join("api.json").exists(), "{name}");
    }
}

#[test]
fn a_killed_node_starts_again() {
    let node = Node::start();
    node.signal("KILL");
    let (ended, place) = node.end();
    assert!(!ended.success());
    assert!(place.home().join("api.json").exists());
    assert_eq!(place.run(&["status"]).status.code(), Some(3));
    let node = place.up(&[]);
    assert_alive(&node);
}

fn assert_alive(node: &Node) {
    let status: Value = serde_json::from_str(&node.place().ok(&["status", "--json"])).unwrap();
    assert_eq!(status["pid"], node.pid());
}
