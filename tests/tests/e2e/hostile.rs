//! Junk on every port of a running node: it stays up, and its partner is still met.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use omni_tests::omni::{Node, wait_for};

/// Bytes that look like nothing, the same in each run.
fn junk(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..bytes).map(|_| next()).collect()
}

fn pour(port: u16, bytes: &[u8]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .expect("a timeout");
    // It may close before it has taken everything, which is what is wanted.
    drop(stream.write_all(bytes));
    let mut answer = [0; 1024];
    drop(stream.read(&mut answer));
}

fn assert_alive(node: &Node) {
    assert_eq!(node.json(&["status"])["state"], "ready", "{}", node.log());
}

#[test]
fn hostile_bytes_on_the_tcp_port_leave_the_node_alive() {
    let node = Node::named("Node");
    let port = node.place().port();
    for seed in 0..50 {
        pour(port, &junk(seed, 4_096));
    }
    pour(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    pour(port, b"\x13/multistream/1.0.0\n\x07/noise\n");
    pour(port, &junk(7, 1 << 20));
    pour(port, &[0; 65_536]);
    pour(port, &[0xff; 65_536]);
    assert_alive(&node);
}

#[test]
fn hostile_datagrams_leave_the_node_alive() {
    let node = Node::named("Node");
    let port = node.place().port();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    for seed in 0..500 {
        let size = [0, 1, 20, 1_200, 1_472][usize::try_from(seed % 5).unwrap()];
        let mut bytes = junk(seed, size);
        // Half of them look like a first packet of QUIC version 1.
        if let (true, Some(head)) = (seed % 2 == 0, bytes.get_mut(..5)) {
            head.copy_from_slice(&[0xc3, 0, 0, 0, 1]);
        }
        drop(socket.send_to(&bytes, ("127.0.0.1", port)));
    }
    assert_alive(&node);
}

#[test]
fn hostile_connections_that_say_nothing_do_not_keep_a_partner_out() {
    let (node, partner) = (Node::named("Node"), Node::named("Partner"));
    let port = node.place().port();
    let idle: Vec<_> = (0..100)
        .map(|_| TcpStream::connect(("127.0.0.1", port)).expect("it listens"))
        .collect();
    partner.befriend(&node);
    drop(idle);
    assert_alive(&node);
}

#[test]
fn hostile_idle_clients_of_the_api_do_not_stop_the_end() {
    let node = Node::named("Node");
    let http = node.endpoint("http");
    let idle: Vec<_> = (0..40)
        .map(|_| TcpStream::connect(&http).expect("it listens"))
        .collect();
    node.place().ok(&["down", "--timeout", "20s"]);
    let (status, _) = node.end();
    assert!(status.success());
    drop(idle);
}

#[test]
fn hostile_invites_and_addresses_are_refused() {
    let node = Node::named("Node");
    let invite = node.json(&["peer", "invite"]);
    let own = invite["invite"].as_str().expect("a text").to_owned();
    let mut broken = own.clone();
    broken.replace_range(
        30..31,
        if broken.as_bytes()[30] == b'q' {
            "p"
        } else {
            "q"
        },
    );
    let check = |whom: &str, exit: i32| {
        let output = node.place().run(&["peer", "add", "--", whom]);
        assert_eq!(output.status.code(), Some(exit), "{whom:?} {output:?}");
    };
    for whom in [
        own.as_str(),
        &broken,
        &own[..own.len() - 1],
        "omniinvite1",
        "",
        "x",
        "/ip4/127.0.0.1/tcp/1",
        "/p2p/12D3KooWH98q7Znt3a27zMqXmvNArnuArxEfwWGQuAiz6LVgRWn9",
        "/ip4/999.0.0.1/tcp/1/p2p/12D3KooWH98q7Znt3a27zMqXmvNArnuArxEfwWGQuAiz6LVgRWn9",
        &"omniinvite1q".repeat(2_000),
    ] {
        check(whom, 6);
    }
    let other = omni_tests::omni::Place::new();
    other.ok(&["init", "--name", "Other", "--network", "another"]);
    let other = other.up(&[]);
    let foreign = other.json(&["peer", "invite"]);
    check(foreign["invite"].as_str().expect("a text"), 6);
    assert_eq!(
        node.json(&["peer", "ls"])["peers"].as_array().map(Vec::len),
        Some(0)
    );
}

#[test]
fn hostile_names_of_partners_are_refused() {
    let (node, other) = (Node::named("Node"), Node::named("Other"));
    other.befriend(&node);
    wait_for("the name", omni_tests::omni::PATIENCE, || {
        (node.peer(&other.partner())["name"] == "Other").then_some(())
    });
    let check = |args: &[&str], exit: i32| {
        let output = node.place().run(args);
        assert_eq!(output.status.code(), Some(exit), "{args:?} {output:?}");
    };
    check(&["peer", "trust", "nobody"], 4);
    check(&["peer", "trust", ""], 4);
    check(&["peer", "trust", "../../etc"], 4);
    check(&["peer", "block", &node.partner()], 6);
    check(&["peer", "set", "other"], 2);
    check(&["peer", "set", "other", "--credit", "-5EUR"], 2);
    check(&["peer", "set", "other", "--credit", "5XXY"], 6);
    check(&["peer", "set", "other", "--credit", "5.001EUR"], 6);
    check(
        &[
            "peer",
            "set",
            "other",
            "--credit",
            "99999999999999999999EUR",
        ],
        6,
    );
    check(&["peer", "trust", "other", "owe"], 2);
    check(&["peer", "trust", "Other", "owe", "--credit", "5EUR"], 0);
}
