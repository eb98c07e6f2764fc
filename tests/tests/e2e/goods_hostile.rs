//! Hostile files, flags and requests about offers and stock: each is refused with a reason and an
//! exit code, nothing is published, and nothing reaches the terminal that could move its cursor.

use std::fs;

use omni_tests::omni::Node;
use serde_json::Value;

/// Runs a command that must fail with this exit code, and gives its error document.
fn refused(node: &Node, exit: i32, args: &[&str]) -> Value {
    let output = node.place().run(&[args, &["--json"]].concat());
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(exit), "{args:?}: {stdout}");
    let error: Value = serde_json::from_str(&stdout).expect("one document");
    assert_eq!(error["schema"], "omni.error/1", "{args:?}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        told.starts_with("error: ") && !told.contains('\u{1b}'),
        "{told}"
    );
    error
}

fn offers(node: &Node) -> usize {
    let all = node.json(&["offer", "ls", "--mine"]);
    all["offers"].as_array().map_or(0, Vec::len)
}

#[test]
fn hostile_offers_by_flags_are_refused() {
    let node = Node::named("Node");
    let publish = |exit: i32, more: &[&str]| {
        let base = [
            "offer",
            "publish",
            "--sku",
            "A",
            "--title",
            "T",
            "--currency",
            "EUR",
        ];
        refused(&node, exit, &[base.as_slice(), more].concat())
    };
    publish(6, &[]);
    publish(6, &["--price", "1,50"]);
    publish(6, &["--price", "-1"]);
    publish(6, &["--price", "1.005"]);
    publish(6, &["--price", "1e9"]);
    publish(6, &["--price", "99999999999999999"]);
    publish(6, &["--price", "1", "--unit", "heaps"]);
    publish(6, &["--price", "1", "--unit", "HUR:x"]);
    publish(6, &["--price", "1", "--per", "0"]);
    publish(6, &["--price", "1", "--region", "Germany"]);
    publish(6, &["--price", "1", "--method", "teleport"]);
    publish(6, &["--price", "1", "--lead", "72-24"]);
    publish(6, &["--price", "1", "--tier", "10"]);
    publish(6, &["--price", "1", "--tier", "10:1", "--tier", "5:1"]);
    publish(6, &["--price", "1", "--minimum", "3", "--increment", "2"]);
    publish(6, &["--price", "1", "--gtin", "4006381333932"]);
    publish(6, &["--price", "1", "--for", "omni1nobody"]);
    publish(6, &["--price", "1", "--set", "colour=red"]);
    publish(6, &["--price", "1", "--set", "attributes=[{"]);
    publish(6, &["--price", "1", "--set", "valid_until_ms=1"]);
    publish(
        6,
        &["--price", "1", "--set", "valid_until_ms=4102444800000"],
    );
    publish(6, &["--price", "1", "--description", "\u{1b}[2J"]);
    publish(2, &["--price"]);
    let long = "x".repeat(129);
    refused(
        &node,
        6,
        &[
            "offer",
            "publish",
            "--sku",
            &long,
            "--title",
            "T",
            "--price",
            "1",
            "--currency",
            "EUR",
        ],
    );
    assert_eq!(offers(&node), 0);
}

#[test]
fn hostile_offer_files_are_refused() {
    let node = Node::named("Node");
    let file = node.place().path().join("o.json");
    let name = file.display().to_string();
    let publish = |exit: i32, bytes: &[u8]| {
        fs::write(&file, bytes).expect("a file");
        refused(&node, exit, &["offer", "publish", &name])
    };
    publish(6, b"");
    publish(6, b"{\"sku\":");
    publish(6, b"\xff\xfe");
    publish(6, b"7");
    publish(6, b"[[]]");
    publish(6, b"{\"sku\":\"A\"} {}");
    publish(
        6,
        br#"{"sku":"A","title":"T","price":1.5,"currency":"EUR"}"#,
    );
    publish(
        6,
        br#"{"sku":"A","title":"T","price":"1","currency":"XAU"}"#,
    );
    publish(6, &[b'['; 100_000]);
    // One bad offer of two: neither is published.
    let two = br#"[{"sku":"A","title":"T","price":"1","currency":"EUR"},{"sku":"B","title":"","price":"1","currency":"EUR"}]"#;
    let error = publish(6, two);
    assert!(
        error["why"]
            .as_str()
            .is_some_and(|next| next.contains("offers[1]")),
        "{error}"
    );
    refused(&node, 4, &["offer", "publish", "/nowhere/o.json"]);
    assert_eq!(offers(&node), 0);
}

#[test]
fn hostile_names_find_nothing_and_break_nothing() {
    let node = Node::named("Node");
    for name in [
        "../../status",
        "a/b",
        "%00",
        "\u{202e}",
        "?limit=1",
        "deadbeef",
        &"f".repeat(64),
        &"x".repeat(5_000),
    ] {
        refused(&node, 4, &["offer", "show", name]);
    }
    refused(&node, 4, &["offer", "revise", "NONE", "--price", "1"]);
    refused(&node, 4, &["offer", "withdraw", "NONE"]);
    refused(&node, 6, &["offer", "withdraw", "NONE", "--reason", "whim"]);
    refused(&node, 4, &["offer", "ls", "--partner", "Nobody"]);
    refused(&node, 6, &["offer", "ls", "--after", "nonsense"]);
    refused(&node, 2, &["offer", "ls", "--limit", "0"]);
    refused(&node, 6, &["offer", "search", "***"]);
    refused(&node, 6, &["offer", "search", "x", "--region", "Moon"]);
    refused(
        &node,
        6,
        &[
            "offer",
            "search",
            "x",
            "--currency",
            "EUR",
            "--below",
            "cheap",
        ],
    );
    refused(&node, 6, &["offer", "search", "x", "--after", "one"]);
    assert_eq!(node.json(&["status"])["state"], "ready");
}

#[test]
fn hostile_counts_are_refused() {
    let node = Node::named("Node");
    node.place().ok(&[
        "offer",
        "publish",
        "--sku",
        "A",
        "--title",
        "T",
        "--price",
        "1",
        "--currency",
        "EUR",
    ]);
    for quantity in [
        "-1",
        "1.5",
        "1e3",
        "many",
        "",
        "1000000000001",
        "99999999999999999999",
    ] {
        refused(&node, 6, &["stock", "set", "A", quantity]);
    }
    refused(&node, 4, &["stock", "set", "B", "1"]);
    refused(&node, 4, &["stock", "set", "A", "1", "--list", "other"]);
    refused(&node, 6, &["stock", "ls", "--after", "nonsense"]);
    let stock = node.json(&["stock", "ls"]);
    assert_eq!(stock["stock"].as_array().map(Vec::len), Some(0), "{stock}");
}

#[test]
fn hostile_text_of_a_file_stays_text() {
    let node = Node::named("Node");
    let file = node.place().path().join("c.csv");
    fs::write(
        &file,
        "sku,title,price,currency\n=1+1,\u{202e}evil\u{200b},1,EUR\n",
    )
    .expect("a file");
    let name = file.display().to_string();
    let output = node.place().run(&["import", &name, "--apply"]);
    let listed = node.place().ok(&["offer", "ls"]);
    for text in [String::from_utf8_lossy(&output.stdout).into_owned(), listed] {
        assert!(
            !text.contains('\u{202e}') && !text.contains('\u{200b}'),
            "{text}"
        );
    }
    assert_eq!(node.json(&["status"])["state"], "ready");
}

#[test]
fn hostile_requests_get_problems() {
    let node = Node::named("Node");
    let ask = |method: &str, path: &str, body: &str| {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nConnection: close\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
            node.endpoint("http"),
            node.token(),
            body.len()
        );
        let answer = node.http(request.as_bytes());
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let problem: Value =
            serde_json::from_str(body).unwrap_or_else(|e| panic!("{path}: {e}: {answer}"));
        assert!(head.contains("application/problem+json"), "{path}: {head}");
        problem["status"].as_u64().expect("a number")
    };
    let many = |what: &str, n: usize| format!("[{}]", vec![what; n].join(","));
    let offer = r#"{"sku":"A","title":"T","price":"1","currency":"EUR"}"#;
    let article = r#"{"sku":"A"}"#;
    let count = r#"{"sku":"A","quantity":"1"}"#;
    for (method, path, body, status) in [
        ("GET", "/v1/offers?limit=0", String::new(), 422),
        ("GET", "/v1/offers?limit=501", String::new(), 422),
        ("GET", "/v1/offers?colour=red", String::new(), 400),
        ("GET", "/v1/offers?mine=perhaps", String::new(), 422),
        ("GET", "/v1/offers?mine=true&partner=x", String::new(), 422),
        ("GET", "/v1/offers?limit=1&limit=2", String::new(), 400),
        ("GET", "/v1/offers/%ff", String::new(), 400),
        ("GET", "/v1/search", String::new(), 400),
        ("GET", "/v1/search?q=%20", String::new(), 422),
        ("POST", "/v1/offers", "{}".to_owned(), 400),
        (
            "POST",
            "/v1/offers",
            format!("{{\"offers\":{}}}", many(offer, 257)),
            422,
        ),
        (
            "POST",
            "/v1/withdrawals",
            format!("{{\"articles\":{}}}", many(article, 129)),
            422,
        ),
        (
            "POST",
            "/v1/stock",
            format!("{{\"counts\":{}}}", many(count, 257)),
            422,
        ),
        ("PUT", "/v1/stock/A", "{\"quantity\":1}".to_owned(), 400),
        ("PUT", "/v1/stock/A", "{\"quantity\":\"1\"}".to_owned(), 404),
        ("DELETE", "/v1/offers/A", String::new(), 404),
        ("PATCH", "/v1/offers/A", String::new(), 405),
    ] {
        assert_eq!(ask(method, path, &body), status, "{method} {path}");
    }
}
