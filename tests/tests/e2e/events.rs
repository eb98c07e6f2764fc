//! The stream of events: gapless, resumed, and honest about what is no longer kept.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use omni_tests::omni::{Node, Place};
use serde_json::Value;

fn numbers(text: &str) -> Vec<u64> {
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    lines
        .map(|line: Value| line["number"].as_u64().expect("a number"))
        .collect()
}

/// Lines of `omni events --follow` until `count` came.
fn follow(place: &Place, after: u64, count: usize) -> Vec<Value> {
    let after = after.to_string();
    let mut command = place.command(&["events", "--follow", "--json", "--after", &after]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("omni runs");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let lines = lines.take(count).map(|line| line.expect("text"));
    let found = lines
        .map(|line| serde_json::from_str(&line).expect("JSON"))
        .collect();
    child.kill().expect("it is ours");
    child.wait().expect("it ends");
    found
}

#[test]
fn numbers_have_no_gap_over_restarts() {
    let mut node = Node::named("Node");
    for _ in 0..3 {
        node.json(&["peer", "invite"]);
        node = node.killed_and_up_again();
    }
    let all = numbers(&node.place().ok(&["events", "--json"]));
    assert!(all.len() >= 7, "{all:?}");
    let expected: Vec<u64> = (1..).take(all.len()).collect();
    assert_eq!(all, expected);
    let rest = numbers(&node.place().ok(&["events", "--json", "--after", "3"]));
    assert_eq!(rest, expected[3..]);
}

#[test]
fn a_follower_resumes_and_hears_what_happens_next() {
    let node = Node::named("Node");
    let seen = follow(node.place(), 0, 2);
    assert_eq!(seen[0]["event"], "began");
    assert_eq!(seen[1]["event"], "published");
    assert_eq!(seen[1]["schema"], "omni.event/1");
    std::thread::scope(|scope| {
        let follower = scope.spawn(|| follow(node.place(), 2, 2));
        node.json(&["peer", "invite"]);
        node.json(&["peer", "invite"]);
        let heard = follower.join().expect("it followed");
        assert_eq!(heard[0]["event"], "granted");
        assert_eq!(heard[1]["number"], 4);
    });
}

#[test]
fn hostile_places_in_the_stream_are_refused() {
    let node = Node::named("Node");
    for after in ["99", "18446744073709551615"] {
        let output = node.place().run(&["events", "--after", after]);
        assert_eq!(output.status.code(), Some(6), "{output:?}");
    }
    for after in ["-1", "x", "1.5", "18446744073709551616"] {
        let after = format!("--after={after}");
        let output = node.place().run(&["events", &after]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}
