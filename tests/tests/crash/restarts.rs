//! A node that is killed and started again with the same keys is heard again: a restart must not
//! leave it mute, as it does where peers hold on to the dead connection (rust-libp2p #5097).

use std::time::Duration;

use omni_tests::effort::number_from;
use omni_tests::omni::{Node, wait_for};

/// Row 20 of the faults.
const HEARD_AGAIN_MAX: Duration = Duration::from_secs(15);

#[test]
fn restarted_with_the_same_keys_a_node_is_heard_again() {
    let restarts = number_from("OMNI_RESTARTS", 8);
    let (hearer, mut node) = (Node::named("Hearer"), Node::named("Restarting"));
    node.befriend(&hearer);
    let partner = node.partner();
    let mut slowest = Duration::ZERO;
    for restart in 1..=restarts {
        node = node.killed_and_up_again();
        assert_eq!(node.partner(), partner);
        let title = format!("Article after restart {restart}");
        let offer = ["offer", "publish", "--sku", "HTR", "--title", &title];
        let terms = ["--price", "129.00", "--currency", "GBP", "--region", "GB"];
        node.json(&[&offer[..], &terms].concat());
        let heard = || {
            let shown = hearer.place().run(&["offer", "show", "HTR", "--json"]);
            String::from_utf8_lossy(&shown.stdout)
                .contains(&title)
                .then_some(())
        };
        slowest = slowest.max(wait_for(&title, HEARD_AGAIN_MAX, heard).1);
    }
    println!("{restarts} restarts, none mute; heard again after {slowest:?} at most");
}
