//! What outlives a kill: keys, partners, addresses, and who hears whom.

use std::time::Duration;

use omni_tests::omni::{Node, wait_for};

/// Promised in the first issue.
const HEARS_AGAIN_MAX: Duration = Duration::from_secs(15);

fn hears(node: &Node, of: &str, name: &str) -> Duration {
    let heard = || (node.peer(of)["name"] == name).then_some(());
    wait_for(name, HEARS_AGAIN_MAX, heard).1
}

/// The invited side is killed: it knows where to dial. Then the giver: it learned that from the
/// guest's Profile.
#[test]
fn either_side_hears_again_after_a_kill() {
    let (giver, guest) = (Node::named("Giver"), Node::named("Guest"));
    guest.befriend(&giver);
    let (giver_id, guest_id) = (giver.partner(), guest.partner());
    hears(&giver, &guest_id, "Guest");
    hears(&guest, &giver_id, "Giver");
    let place = guest.killed();
    place.ok(&["config", "set", "partner.name", "Guest again"]);
    let guest = place.up(&[]);
    assert_eq!(guest.partner(), guest_id, "the keys are the same");
    hears(&giver, &guest_id, "Guest again");
    let place = giver.killed();
    place.ok(&["config", "set", "partner.name", "Giver again"]);
    let giver = place.up(&[]);
    hears(&guest, &giver_id, "Giver again");
    guest.wait_for_session(&giver);
}

#[test]
fn both_sides_meet_again_after_both_were_killed() {
    let (giver, guest) = (Node::named("Giver"), Node::named("Guest"));
    guest.befriend(&giver);
    hears(&giver, &guest.partner(), "Guest");
    let (giver, guest) = (giver.killed(), guest.killed());
    let (giver, guest) = (giver.up(&[]), guest.up(&[]));
    giver.wait_for_session(&guest);
}

#[test]
fn a_graceful_end_leaves_nothing_behind() {
    let node = Node::named("Node");
    let pid = node.pid().to_string();
    let socket = node.endpoint("socket");
    let before = node.json(&["status"])["ledger"]["size"].clone();
    let (head, _) = (before.as_u64().expect("a number"), pid);
    node.place().ok(&["down"]);
    let (status, place) = node.end();
    assert!(status.success());
    assert!(!place.home().join("api.json").exists());
    assert!(!std::path::Path::new(&socket).exists());
    let node = place.up(&[]);
    // Only the new life: the same Profile is not published again.
    assert_eq!(node.json(&["status"])["ledger"]["size"], head + 1);
}
