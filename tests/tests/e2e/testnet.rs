//! `scripts/testnet` as a newcomer types it, with two partners: it comes up, shows the spread, says
//! that it runs, and stops what it started and nothing else.

use std::path::Path;
use std::process::{Command, Output};

use omni_tests::omni::binary;

struct Testnet {
    folder: tempfile::TempDir,
}

impl Testnet {
    fn run(&self, args: &[&str]) -> Output {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let built = binary();
        let built = built.parent().expect("a folder");
        Command::new(root.join("scripts/testnet"))
            .args(args)
            .env("TESTNET_DIR", self.folder.path().join("net"))
            .env("TESTNET_BIN", built)
            .output()
            .expect("the script runs")
    }
}

impl Drop for Testnet {
    fn drop(&mut self) {
        drop(self.run(&["down"]));
    }
}

fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}

#[test]
fn a_market_of_two_comes_up_and_goes_down() {
    let testnet = Testnet {
        folder: tempfile::tempdir().expect("a folder"),
    };
    let up = testnet.run(&["up", "--nodes", "2", "--seed", "3"]);
    let told = text(&up);
    assert!(up.status.success(), "{told}");
    assert!(
        told.contains("Each partner knows all 2880 offers"),
        "{told}"
    );
    assert!(told.contains("peer invite | omni"), "{told}");
    let again = testnet.run(&["up"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again).contains("runs already"), "{}", text(&again));
    let status = testnet.run(&["status"]);
    assert!(status.status.success(), "{}", text(&status));
    assert_eq!(
        text(&status).matches(" 2880 ").count(),
        2,
        "{}",
        text(&status)
    );
    let down = testnet.run(&["down"]);
    assert!(
        text(&down).contains("Stopped 2 partners"),
        "{}",
        text(&down)
    );
    assert_eq!(testnet.run(&["status"]).status.code(), Some(1));
    assert!(text(&testnet.run(&["down"])).contains("Stopped 0"));
}

#[test]
fn four_firms_of_a_market_of_five_keep_one_promise() {
    let testnet = Testnet {
        folder: tempfile::tempdir().expect("a folder"),
    };
    let up = testnet.run(&["up", "--seed", "2"]);
    let told = text(&up);
    assert!(up.status.success(), "{told}");
    let (_, promise) = told.split_once("moves to Hamburg").expect("the story");
    assert_eq!(promise.matches(", agreed").count(), 4, "{promise}");
    assert_eq!(promise.matches("ledger   good").count(), 5, "{promise}");
}

#[test]
fn hostile_flags_of_the_testnet_start_nothing() {
    let testnet = Testnet {
        folder: tempfile::tempdir().expect("a folder"),
    };
    for args in [
        &["up", "--nodes", "1"][..],
        &["up", "--nodes", "21"],
        &["up", "--nodes", "two"],
        &["up", "--nodes", "-2"],
        &["up", "--nodes"],
        &["up", "--seed", "99999999999"],
        &["up", "--seed", "1; rm -rf /"],
        &["up", "now"],
        &["status", "now"],
        &["sideways"],
        &[],
    ] {
        let output = testnet.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output));
    }
    std::fs::create_dir(testnet.folder.path().join("net")).expect("a folder");
    let foreign = testnet.run(&["up"]);
    assert!(
        text(&foreign).contains("was not made by this script"),
        "{}",
        text(&foreign)
    );
}
