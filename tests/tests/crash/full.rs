//! A disk that runs full under a node: new work is refused while there is still room, a node on a
//! full disk ends or refuses and never hangs, and once there is room all that it acknowledged is there.

use std::fs;
use std::time::{Duration, Instant};

use omni_tests::effort::number_from;
use omni_tests::mount::Mount;
use omni_tests::omni::{Node, PATIENCE, Place, wait_for};
use serde_json::Value;

/// The node calls less than 256 MiB low and less than 96 MiB scarce (`SpaceLimits`).
const DISK_MIB: u32 = 400;
const LOW_BYTES: u64 = 200 << 20;
const SCARCE_BYTES: u64 = 40 << 20;
/// A start on a full disk says in this time that it can't be.
const SAYS_SO_MAX: Duration = Duration::from_secs(30);

#[test]
fn a_full_disk_is_refused_in_time_and_loses_nothing() {
    let fills = number_from("OMNI_FILLS", 1);
    for _ in 0..fills {
        let place = Place::new();
        let mount = match Mount::tmpfs(place.path(), DISK_MIB) {
            Ok(mount) => mount,
            Err(why) => {
                return println!("SKIPPED, since no file system can be mounted here: {why}");
            }
        };
        fs::create_dir(place.path().join("run")).expect("a folder for sockets");
        fill(place, &mount);
    }
    println!("{fills} full disks, none lost");
}

fn fill(place: Place, mount: &Mount) {
    place.ok(&["init", "--name", "Node", "--network", "test"]);
    let node = place.up(&[]);
    publish(&node).expect("there is room");
    mount.fill_but(LOW_BYTES);
    refused("an offer", || publish(&node));
    doctor_tells(&node, "no imports and no new deals");
    node.json(&["stock", "set", "HTR", "5"]);
    mount.fill_but(SCARCE_BYTES);
    let mut counts = 5_u64;
    refused("a count", || {
        counted(&node, counts + 1)?;
        counts += 1;
        Ok(())
    });
    doctor_tells(&node, "only what ends an open deal");
    let acknowledged = node.json(&["status"])["ledger"]["size"]
        .as_u64()
        .expect("a number");
    mount.fill_but(0);
    let place = node.killed();
    let begun = Instant::now();
    let up = place.command(&["up"]).spawn();
    let mut up = up.expect("omni runs");
    let served = place
        .run(&["wait", "--ready", "--timeout", "10s"])
        .status
        .success();
    if !served {
        wait_for("the end of a start without room", SAYS_SO_MAX, || {
            up.try_wait().expect("ours")
        });
    }
    drop(up.kill());
    up.wait().expect("it ends");
    assert!(begun.elapsed() < SAYS_SO_MAX);
    mount.empty();
    let node = place.up(&[]);
    let found = node.json(&["ledger", "verify"]);
    assert_eq!(found["good"], true, "{found}");
    assert!(found["size"].as_u64() > Some(acknowledged), "{found}");
    assert_eq!(
        node.json(&["stock", "ls"])["stock"][0]["counted"],
        counts.to_string()
    );
    wait_for("new work to be taken again", PATIENCE, || {
        publish(&node).ok()
    });
}

fn publish(node: &Node) -> Result<(), String> {
    let offer = [
        "offer", "publish", "--sku", "HTR", "--title", "Heater", "--price", "129.00",
    ];
    run(
        node,
        &[&offer[..], &["--currency", "GBP", "--region", "GB"]].concat(),
    )
}

fn counted(node: &Node, quantity: u64) -> Result<(), String> {
    run(node, &["stock", "set", "HTR", &quantity.to_string()])
}

fn run(node: &Node, args: &[&str]) -> Result<(), String> {
    let output = node.place().run(args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok(())
    } else {
        Err(said)
    }
}

/// Waits until the node has looked at its disk.
fn refused(what: &str, mut ask: impl FnMut() -> Result<(), String>) {
    let refusal = wait_for(&format!("{what} to be refused"), PATIENCE, || ask().err()).0;
    assert!(refusal.contains("no more work"), "{what}: {refusal}");
}

/// Doctor names the disk, and says so with these words.
fn doctor_tells(node: &Node, words: &str) {
    let output = node.place().run(&["doctor", "--quick", "--json"]);
    assert_eq!(output.status.code(), Some(1), "something is to be mended");
    let found: Value = serde_json::from_slice(&output.stdout).expect("one document");
    let findings = found["findings"].as_array().expect("a list");
    let is_it = |finding: &&Value| finding["about"] == "disk" && finding["state"] == "fault";
    let disk = findings.iter().find(is_it).expect("the disk is named");
    assert!(
        disk["what"]
            .as_str()
            .is_some_and(|what| what.contains(words)),
        "{disk}"
    );
    assert_eq!(disk["next"], "free some space there");
}
