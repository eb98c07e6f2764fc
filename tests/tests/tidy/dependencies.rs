//! Which crates this project stands on, and at which version at least.
//!
//! Licences and sources are the business of `deny.toml`; this file knows what that tool cannot
//! say: the whole tree of one crate, and floors for advisories that no database lists.

use std::collections::BTreeSet;

use semver::Version;
use toml::{Table, Value};

use crate::{assert_complains, assert_tidy, repo};

/// Below these, a peer on the network can stop or exhaust a node; the advisories of libp2p are
/// published with its sources and not in the database that `cargo deny` reads.
const FLOORS: [(&str, &str); 7] = [
    ("hickory-proto", "0.26.1"),
    ("hickory-resolver", "0.26.1"),
    ("libp2p", "0.57.1"),
    ("libp2p-gossipsub", "0.50.1"),
    ("libp2p-quic", "0.13.1"),
    ("quinn-proto", "0.11.15"),
    ("yamux", "0.13.10"),
];

/// The same for crates that are not in the lock yet, so that they enter at a good version.
const FLOORS_LATER: [(&str, &str); 2] = [("libp2p-relay", "0.22.0"), ("quick-xml", "0.41.0")];

/// 3.0.0 is empty, and what is signed must be spelled the same by every node.
const BINCODE: &str = "2.0.1";

type Package = (String, Version);

#[test]
fn versions_keep_their_floors() {
    let packages = locked(&repo::read("Cargo.lock"));
    assert_tidy(&floor_complaints(&packages));
    assert_tidy(&bincode_complaints(&packages));
}

#[test]
fn protocol_stands_on_the_listed_crates_only() {
    let allowed = repo::read("tests/tests/tidy/protocol_dependencies.txt");
    let tree = tree("omni-protocol");
    assert_tidy(&allow_list_complaints(&allowed, &tree));
}

#[test]
fn the_node_has_one_copy_of_the_signature() {
    assert_tidy(&signature_complaints(&tree("omni-node")));
}

#[test]
fn a_version_below_its_floor_is_refused() {
    let good = FLOORS.map(|(name, floor)| (name.to_owned(), version(floor)));
    assert_tidy(&floor_complaints(&good));
    let mut low = good.to_vec();
    low.push(("yamux".to_owned(), version("0.12.1")));
    assert_complains(&floor_complaints(&low), "yamux 0.12.1");
    assert_complains(
        &floor_complaints(&good[1..]),
        "hickory-proto is not in the lock",
    );
    let mut later = good.to_vec();
    later.push(("quick-xml".to_owned(), version("0.40.0")));
    assert_complains(&floor_complaints(&later), "quick-xml 0.40.0");
}

#[test]
fn another_bincode_is_refused() {
    let bincode = |v: &str| ("bincode".to_owned(), version(v));
    assert_tidy(&bincode_complaints(&[bincode("2.0.1")]));
    assert_complains(&bincode_complaints(&[]), "bincode");
    assert_complains(&bincode_complaints(&[bincode("3.0.0")]), "bincode");
    let two = [bincode("1.3.3"), bincode("2.0.1")];
    assert_complains(&bincode_complaints(&two), "bincode");
}

#[test]
fn a_crate_off_the_list_and_a_stale_line_are_refused() {
    let tree = "omni-protocol v0.1.0 (here)\nsha2 v0.11.1\ncfg-if v1.0.4\nsha2 v0.11.1\n";
    assert_tidy(&allow_list_complaints("# why\nsha2\ncfg-if\n", tree));
    assert_complains(&allow_list_complaints("sha2\n", tree), "cfg-if");
    assert_complains(
        &allow_list_complaints("sha2\ncfg-if\ntokio\n", tree),
        "tokio",
    );
}

#[test]
fn a_second_copy_of_the_signature_is_refused() {
    assert_tidy(&signature_complaints(
        "ed25519-dalek v3.0.0\ned25519-dalek v3.0.0\n",
    ));
    assert_complains(
        &signature_complaints("ed25519-dalek v2.1.1\n"),
        "ed25519-dalek",
    );
    let two = "ed25519-dalek v2.1.1\ned25519-dalek v3.0.0\n";
    assert_complains(&signature_complaints(two), "ed25519-dalek");
    assert_complains(&signature_complaints("tokio v1.0.0\n"), "ed25519-dalek");
}

fn floor_complaints(packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, _) in FLOORS {
        if !packages.iter().any(|(n, _)| n == name) {
            found.push(format!("{name} is not in the lock: remove its floor"));
        }
    }
    for (name, floor) in FLOORS.iter().chain(&FLOORS_LATER) {
        for (_, v) in packages.iter().filter(|(n, _)| n == name) {
            if *v < version(floor) {
                found.push(format!("{name} {v} is below {floor}"));
            }
        }
    }
    found
}

fn bincode_complaints(packages: &[Package]) -> Vec<String> {
    let copies: Vec<String> = packages
        .iter()
        .filter(|(name, _)| name == "bincode")
        .map(|(_, v)| v.to_string())
        .collect();
    if copies == [BINCODE] {
        return vec![];
    }
    vec![format!("bincode must be {BINCODE} and once, is {copies:?}")]
}

fn allow_list_complaints(allowed: &str, tree: &str) -> Vec<String> {
    let allowed: BTreeSet<&str> = allowed
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty())
        .collect();
    let present: BTreeSet<&str> = tree
        .lines()
        .filter_map(|l| l.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "omni-protocol")
        .collect();
    let new = present
        .difference(&allowed)
        .map(|n| format!("{n}: a new crate under omni-protocol; see protocol_dependencies.txt"));
    let stale = allowed
        .difference(&present)
        .map(|n| format!("{n}: listed in protocol_dependencies.txt and not used"));
    new.chain(stale).collect()
}

fn signature_complaints(tree: &str) -> Vec<String> {
    let copies: BTreeSet<&str> = tree
        .lines()
        .filter_map(|l| l.strip_prefix("ed25519-dalek v"))
        .filter_map(|l| l.split(' ').next())
        .collect();
    let is_good = copies.len() == 1 && copies.iter().all(|v| version(v).major >= 3);
    if is_good {
        return vec![];
    }
    vec![format!(
        "ed25519-dalek must be one copy of 3 or newer, is {copies:?}"
    )]
}

/// What a crate is built from, one package a line. The target is named, so that the list is the
/// same on every machine.
fn tree(package: &str) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let target = "x86_64-unknown-linux-gnu";
    let args = ["tree", "--locked", "--package", package, "--target", target];
    let shape = ["--edges", "normal", "--prefix", "none"];
    repo::stdout(&cargo, &[&args[..], &shape[..]].concat())
}

fn locked(text: &str) -> Vec<Package> {
    let lock: Table = text.parse().expect("Cargo.lock parses");
    let packages = lock["package"].as_array().expect("the lock has packages");
    let field = |p: &Value, key: &str| p[key].as_str().unwrap_or_default().to_owned();
    packages
        .iter()
        .map(|p| (field(p, "name"), version(&field(p, "version"))))
        .collect()
}

fn version(text: &str) -> Version {
    Version::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}
