//! A market key is replaced, in the ordinary way and with the recovery key: the partner stays who it
//! is, and everything that it published and agreed goes on.

use std::fs;
use std::path::PathBuf;

use omni_tests::omni::{Node, PATIENCE, Place, wait_for};
use serde_json::Value;

use crate::trade::partners;
use crate::trade_ends::agreed;

fn stopped(node: Node) -> Place {
    node.place().ok(&["down"]);
    node.end().1
}

/// Takes the spare keys out of the home, as init says, and gives where they are.
fn moved_away(place: &Place) -> PathBuf {
    let listed: Value = serde_json::from_str(&place.ok(&["key", "ls", "--json"])).expect("JSON");
    let file = PathBuf::from(listed["spare_file"].as_str().expect("a path"));
    let away = place.path().join(file.file_name().expect("a name"));
    fs::rename(file, &away).expect("moved");
    away
}

fn index_in_force(place: &Place) -> u64 {
    let listed: Value = serde_json::from_str(&place.ok(&["key", "ls", "--json"])).expect("JSON");
    let keys = listed["keys"].as_array().expect("a list");
    let mut in_force = keys.iter().filter(|key| key["in_force"] == true);
    let index = in_force.next().and_then(|key| key["index"].as_u64());
    assert!(in_force.next().is_none(), "one key is in force");
    index.expect("a number")
}

fn refused(place: &Place, args: &[&str], code: i32, why: &str) {
    let output = place.run(args);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(told.contains(why), "{told}");
}

/// A partner that never heard of the wholesaler has its offer from it.
fn newcomer_sees(wholesaler: &Node) {
    let newcomer = Node::named("Newcomer");
    newcomer.befriend(wholesaler);
    wait_for("the offer at a newcomer", PATIENCE, || {
        let shown = newcomer.place().run(&["offer", "show", "HTR"]);
        shown.status.success().then_some(())
    });
}

#[test]
fn a_market_key_is_replaced_and_everything_goes_on() {
    let (retailer, wholesaler) = partners();
    let partner = wholesaler.partner();
    agreed(&retailer, &wholesaler);
    refused(
        wholesaler.place(),
        &["key", "rotate", "--yes"],
        5,
        "already runs",
    );
    let mut place = stopped(wholesaler);
    for (verb, index) in [("rotate", 1), ("recover", 2)] {
        let spare = moved_away(&place);
        let spare = spare.display().to_string();
        let replace = ["key", verb, "--spare", &spare];
        refused(
            &place,
            &["key", verb, "--yes"],
            4,
            "bring the spare keys back",
        );
        let dry = place.ok(&[&replace[..], &["--dry-run"]].concat());
        assert!(dry.contains("Nothing was changed"), "{dry}");
        refused(&place, &replace, 5, "nobody said yes");
        assert_eq!(index_in_force(&place), index - 1);
        place.ok(&[&replace[..], &["--yes"]].concat());
        assert_eq!(index_in_force(&place), index);
        refused(
            &place,
            &[&replace[..], &["--yes"]].concat(),
            6,
            "committed to",
        );

        let wholesaler = place.up(&[]);
        assert_eq!(wholesaler.partner(), partner);
        retailer.wait_for_session(&wholesaler);
        wait_for("its offer under the new key", PATIENCE, || {
            let shown = retailer.place().run(&["offer", "show", "HTR"]);
            shown.status.success().then_some(())
        });
        newcomer_sees(&wholesaler);
        agreed(&retailer, &wholesaler);
        for node in [&retailer, &wholesaler] {
            let found = node.json(&["ledger", "verify"]);
            assert_eq!(found["good"], true, "{found}");
        }
        place = stopped(wholesaler);
    }
    // With the node down as well, over entries and proofs of three keys.
    place.ok(&["ledger", "verify"]);
}
