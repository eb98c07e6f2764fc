//! How partners meet: by an invite, by a request, and not at all.

use omni_protocol::fence;
use omni_protocol::identity::SignedInvite;
use omni_tests::omni::{Node, PATIENCE, wait_for};

/// The address of a node, as its operator would read it out.
pub(crate) fn address(node: &Node) -> String {
    let identity = node.place().port();
    let peer = node.http(
        format!(
            "GET /v1/identity HTTP/1.1\r\nConnection: close\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
            node.endpoint("http"),
            node.token()
        )
        .as_bytes(),
    );
    let body = peer.split("\r\n\r\n").nth(1).expect("a body");
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let peer = body["peer"].as_str().expect("a text");
    format!("/ip4/127.0.0.1/tcp/{identity}/p2p/{peer}")
}

#[test]
fn an_invite_makes_two_partners() {
    let (giver, guest) = (Node::named("Giver"), Node::named("Guest"));
    guest.befriend(&giver);
    // Profiles travel by gossip or catch-up.
    let (giver_id, guest_id) = (giver.partner(), guest.partner());
    wait_for("both names", PATIENCE, || {
        let names = (giver.peer(&guest_id), guest.peer(&giver_id));
        (names.0["name"] == "Guest" && names.1["name"] == "Giver").then_some(())
    });
    assert_eq!(giver.peer(&guest_id)["trust"], "hold");
    assert_eq!(giver.json(&["status"])["requests"], 0);
    let events = giver.place().ok(&["events", "--json"]);
    for kind in ["began", "published", "granted", "met"] {
        assert!(
            events.contains(&format!("\"event\":\"{kind}\"")),
            "{events}"
        );
    }
}

/// Each knows of the other only where it was, so the operator must be able to say where it is.
#[test]
fn partners_that_both_moved_meet_where_the_operator_says() {
    let (giver, guest) = (Node::named("Giver"), Node::named("Guest"));
    guest.befriend(&giver);
    let id = giver.partner();
    wait_for("the Profile", PATIENCE, || {
        (guest.peer(&id)["name"] == "Giver").then_some(())
    });
    let (mut giver, mut guest) = (giver.killed(), guest.killed());
    giver.move_port();
    guest.move_port();
    let (giver, guest) = (giver.up(&[]), guest.up(&[]));
    guest.place().ok(&["peer", "add", &address(&giver)]);
    guest.wait_for_session(&giver);
}

/// Whoever changes an invite on its way leads nobody to trust; the true one still does.
#[test]
fn an_invite_that_its_giver_did_not_sign_makes_no_partner() {
    let (giver, guest) = (Node::named("Giver"), Node::named("Guest"));
    let made = giver.json(&["peer", "invite"]);
    let good = made["invite"].as_str().expect("a text");
    let invite: SignedInvite = good.parse().expect("an invite");
    let mut bytes = fence::to_bytes(&invite);
    *bytes.last_mut().expect("a signature") ^= 1;
    let forged: SignedInvite = fence::decode(&bytes, bytes.len()).expect("well formed");
    let forged = forged.to_string();

    // The keys of its giver are unknown, so the meeting must show it.
    guest.place().ok(&["peer", "add", &forged]);
    let id = giver.partner();
    wait_for("a session", PATIENCE, || {
        (guest.peer(&id)["connected"] == true).then_some(())
    });
    assert_eq!(guest.peer(&id)["standing"], "stranger");
    // Now they are known.
    let refused = guest.place().run(&["peer", "add", &forged]);
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    assert_eq!(guest.peer(&id)["standing"], "stranger");
    guest.place().ok(&["peer", "add", good]);
    guest.wait_for_session(&giver);
}

#[test]
fn an_invite_is_good_for_one_partner() {
    let (giver, guest, third) = (
        Node::named("Giver"),
        Node::named("Guest"),
        Node::named("Third"),
    );
    let invite = giver.json(&["peer", "invite", "--hours", "1"]);
    let invite = invite["invite"].as_str().expect("a text");
    guest.place().ok(&["peer", "add", invite]);
    guest.wait_for_session(&giver);
    third.place().ok(&["peer", "add", invite]);
    let id = third.partner();
    wait_for("the second to show it", PATIENCE, || {
        (giver.peer(&id)["request"] == true).then_some(())
    });
    assert_eq!(giver.peer(&id)["standing"], "stranger");
    assert_eq!(giver.peer(&guest.partner())["standing"], "partner");
}

#[test]
fn a_request_stays_until_it_is_answered() {
    let (asked, stranger) = (Node::named("Asked"), Node::named("Stranger"));
    stranger.place().ok(&["peer", "add", &address(&asked)]);
    let id = stranger.partner();
    wait_for("the request", PATIENCE, || {
        (asked.peer(&id)["request"] == true).then_some(())
    });
    let stranger = stranger.killed();
    let asked = asked.killed_and_up_again();
    assert_eq!(asked.json(&["status"])["requests"], 1);
    let requests = asked.json(&["peer", "requests"]);
    assert_eq!(requests["peers"][0]["partner"], id.as_str());
    asked.place().ok(&["peer", "trust", &id]);
    assert_eq!(asked.json(&["status"])["requests"], 0);
    assert_eq!(
        asked.json(&["peer", "requests"])["peers"]
            .as_array()
            .map(Vec::len),
        Some(0)
    );
    let stranger = stranger.up(&[]);
    stranger.wait_for_session(&asked);
}

#[test]
fn a_blocked_partner_gets_no_session() {
    let (node, other) = (Node::named("Node"), Node::named("Other"));
    other.befriend(&node);
    let id = other.partner();
    node.place().ok(&["peer", "block", &id]);
    wait_for("the end of the session", PATIENCE, || {
        let peer = node.peer(&id);
        (peer["connected"] == false && peer["standing"] == "blocked").then_some(())
    });
    let other = other.killed_and_up_again();
    let node_id = node.partner();
    // Long enough for several tries.
    std::thread::sleep(std::time::Duration::from_secs(4));
    assert_eq!(node.peer(&id)["connected"], false);
    assert_eq!(other.peer(&node_id)["connected"], false);
    node.place().ok(&["peer", "trust", &id]);
    node.wait_for_session(&other);
}

#[test]
fn limits_are_kept_by_currency() {
    let (node, other) = (Node::named("Node"), Node::named("Other"));
    other.befriend(&node);
    let id = other.partner();
    node.place().ok(&[
        "peer",
        "set",
        &id,
        "--credit",
        "5000.00EUR",
        "--budget",
        "70JPY",
    ]);
    node.place()
        .ok(&["peer", "set", &id, "--credit", "1.5 GBP"]);
    let node = node.killed_and_up_again();
    let peer = node.peer(&id);
    assert_eq!(peer["trust"], "owe");
    assert_eq!(peer["credit"][0]["text"], "5000.00");
    assert_eq!(peer["credit"][0]["currency"], "EUR");
    assert_eq!(peer["credit"][1]["minor"], 150);
    assert_eq!(peer["budget"][0]["minor"], 70);
}
