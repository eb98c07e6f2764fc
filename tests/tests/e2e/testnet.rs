//! `scripts/testnet` as a newcomer types it, with two partners: it comes up, shows the spread, says
//! that it runs, and stops what it started and nothing else.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use omni_tests::omni::binary;

pub(crate) struct Testnet {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Testnet {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            programs: binary().parent().expect("a folder").to_owned(),
        }
    }

    /// Takes the programs from another folder than that of this build.
    pub(crate) fn set_programs(&mut self, folder: PathBuf) {
        self.programs = folder;
    }

    /// The empty folder around that of the market.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.run_in("net", args)
    }

    /// The same for another market.
    pub(crate) fn run_in(&self, market: &str, args: &[&str]) -> Output {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        Command::new(root.join("scripts/testnet"))
            .args(args)
            .env("TESTNET_DIR", self.folder.path().join(market))
            .env("TESTNET_BIN", &self.programs)
            .output()
            .expect("the script runs")
    }
}

impl Drop for Testnet {
    fn drop(&mut self) {
        drop(self.run(&["down"]));
    }
}

pub(crate) fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}

#[test]
fn a_market_of_two_comes_up_and_goes_down() {
    let testnet = Testnet::new();
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
fn a_market_of_five_ends_with_an_order_of_four_legs_one_of_them_a_chain() {
    let testnet = Testnet::new();
    let up = testnet.run(&["up", "--seed", "2"]);
    let told = text(&up);
    assert!(up.status.success(), "{told}");
    let (trade, promise) = told.split_once("moves to Hamburg").expect("the order");
    assert_eq!(trade.matches("ledger   good").count(), 2, "{trade}");
    let (_, legs) = promise.rsplit_once("as they see it:").expect("its legs");
    let (legs, below) = legs.split_once("Below leg 3").expect("a chain");
    assert_eq!(legs.matches(" agreed ").count(), 4, "{legs}");
    assert!(below.contains("The ledgers of all 6 hold."), "{below}");
    let down = testnet.run(&["down"]);
    let stopped = text(&down);
    assert!(stopped.contains("Stopped 6 partners"), "{stopped}");
}

#[test]
fn hostile_flags_of_the_testnet_start_nothing() {
    let testnet = Testnet::new();
    for args in [
        &["up", "--nodes", "1"][..],
        &["up", "--nodes", "21"],
        &["up", "--nodes", "two"],
        &["up", "--nodes", "-2"],
        &["up", "--nodes"],
        &["up", "--seed", "99999999999"],
        &["up", "--seed", "1; rm -rf /"],
        &["up", "now"],
        &["up", "--without-stories", "2"],
        &["scenario", "no-story"],
        &["scenario", "Bundle; rm -rf /"],
        &["scenario", "bundle", "all"],
        &["scenario", "all", "--via"],
        &["scenario", "all", "--via", "fax"],
        &["scenario", "all", "--nodes", "5"],
        &["status", "now"],
        &["sideways"],
        &[],
    ] {
        let output = testnet.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output));
    }
    std::fs::create_dir(testnet.path().join("net")).expect("a folder");
    let foreign = testnet.run(&["up"]);
    assert!(
        text(&foreign).contains("was not made by this script"),
        "{}",
        text(&foreign)
    );
}
