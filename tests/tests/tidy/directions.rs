//! Who may depend on whom: crates by their manifests, modules by the paths they name.

mod paths;

use toml::{Table, Value};

use crate::{assert_complains, assert_tidy, repo};
use paths::named_paths;

/// The crates of this workspace, each with those it may depend on.
const CRATES: [(&str, &str, &[&str]); 4] = [
    ("omni-protocol", "protocol", &[]),
    ("omni-node", "node", &["omni-protocol"]),
    (
        "omni-tests",
        "tests",
        &["omni-protocol", "omni-node", "omni-examples"],
    ),
    ("omni-examples", "examples", &["omni-protocol", "omni-node"]),
];

/// One rule about the modules of one crate.
enum Rule {
    /// The module is named by these and by itself, and by nobody else.
    SeenBy(&'static str, &'static [&'static str]),
    /// Of its own crate, the module names these and itself, and nothing else.
    Sees(&'static str, &'static [&'static str]),
    /// The first never names the second.
    Never(&'static str, &'static str),
}

/// What a crate may ask of another beyond the workspace's own words: the tests compile in the
/// named places at which they end a process.
const FEATURES: [(&str, &str, &str); 1] = [("omni-tests", "omni-node", "faulty")];

/// Where two `SeenBy` fit, the longer path decides. A module that does not exist yet breaks no rule.
/// The API reads the stores, and every change goes through the loop; `daemon` puts all together.
const NODE: [Rule; 13] = [
    Rule::SeenBy("api", &["daemon", "runtime"]),
    Rule::SeenBy("net", &["daemon", "runtime"]),
    Rule::SeenBy("runtime", &["daemon"]),
    Rule::SeenBy("store", &["api", "audit", "daemon", "offline", "runtime"]),
    Rule::SeenBy("store::Appender", &["daemon", "runtime"]),
    Rule::SeenBy("store::Writer", &["runtime"]),
    Rule::SeenBy("store::Overlay", &["runtime"]),
    Rule::SeenBy("store::market::MarketWriter", &["daemon", "runtime"]),
    Rule::SeenBy("client", &["cli"]),
    Rule::Sees(
        "cli",
        &[
            "client", "clock", "config", "formats", "home", "keys", "launch", "offline", "plain",
            "view",
        ],
    ),
    Rule::Sees("calendar", &["plain"]),
    Rule::Sees("net", &["clock"]),
    Rule::Sees("store", &["clock", "crash"]),
];
const PROTOCOL: [Rule; 1] = [Rule::Never("domain", "wire")];
/// The auditor judges what the crates do, so it is written apart from them.
const TESTS: [Rule; 1] = [Rule::Sees("auditor", &["observation"])];
const JUDGED: [&str; 3] = ["omni_protocol", "omni_node", "omni_examples"];

#[test]
fn crates_point_one_way() {
    let tests = repo::read("tests/Cargo.toml");
    let complaints: Vec<String> = CRATES
        .iter()
        .flat_map(|(name, folder, allowed)| {
            let manifest = repo::read(&format!("{folder}/Cargo.toml"));
            manifest_complaints(name, &manifest, allowed, &tests)
        })
        .collect();
    assert_tidy(&complaints);

    let workspace: Table = repo::read("Cargo.toml").parse().expect("Cargo.toml parses");
    let members = workspace["workspace"]["members"]
        .as_array()
        .expect("a list");
    let known: Vec<Value> = CRATES
        .iter()
        .map(|(_, folder, _)| Value::from(*folder))
        .collect();
    assert!(
        members.iter().all(|m| known.contains(m)) && members.len() == known.len(),
        "CRATES does not name the members {members:?}"
    );
}

#[test]
fn modules_point_one_way() {
    let mut found = Vec::new();
    for file in repo::rust_files() {
        if let Some(path) = file.path.strip_prefix("node/src/") {
            found.extend(module_complaints(&NODE, "omni_node", path, &file.text));
        }
        if let Some(path) = file.path.strip_prefix("protocol/src/") {
            found.extend(module_complaints(
                &PROTOCOL,
                "omni_protocol",
                path,
                &file.text,
            ));
        }
        if let Some(path) = file.path.strip_prefix("tests/src/") {
            found.extend(module_complaints(&TESTS, "omni_tests", path, &file.text));
            found.extend(judge_complaints(path, &file.text));
        }
    }
    assert_tidy(&found);
}

#[test]
fn an_auditor_that_names_what_it_judges_is_refused() {
    for (path, text, complaint) in [
        ("auditor.rs", "use crate::observation::Observation;", ""),
        ("auditor/books.rs", "use super::chain::Ledger;", ""),
        ("sim.rs", "use omni_protocol::machine::Machine;", ""),
        ("auditor.rs", "use omni_protocol::fence;", "omni_protocol"),
        ("auditor/books.rs", "fn a() { omni_node::x() }", "omni_node"),
    ] {
        match complaint {
            "" => assert_tidy(&judge_complaints(path, text)),
            words => assert_complains(&judge_complaints(path, text), words),
        }
    }
    let named = |text| module_complaints(&TESTS, "omni_tests", "auditor/quiet.rs", text);
    assert_tidy(&named("use crate::observation::Moment;"));
    assert_complains(&named("use crate::market::Node;"), "auditor names market");
}

#[test]
fn a_crate_that_points_back_is_refused() {
    let check = |manifest: &str| manifest_complaints("omni-protocol", manifest, &[], "");
    assert_tidy(&check("[dependencies]\nsha2.workspace = true\n"));
    for table in [
        "dependencies",
        "build-dependencies",
        "target.'cfg(unix)'.dependencies",
    ] {
        let manifest = format!("[{table}]\nomni-node.workspace = true\n");
        assert_complains(&check(&manifest), "omni-node");
    }
}

#[test]
fn a_dependency_with_a_version_of_its_own_is_refused() {
    let check = |manifest: &str| manifest_complaints("omni-node", manifest, &[], "");
    assert_complains(&check("[dependencies]\nsha2 = \"0.11\"\n"), "sha2");
    let more = "[dependencies]\nsha2 = { workspace = true, features = [\"x\"] }\n";
    assert_complains(&check(more), "sha2");
}

#[test]
fn a_dev_dependency_that_the_tests_do_not_share_is_refused() {
    let manifest = "[dev-dependencies]\nproptest.workspace = true\n";
    let shared = "[dependencies]\nproptest.workspace = true\n";
    assert_tidy(&manifest_complaints("omni-node", manifest, &[], shared));
    assert_complains(
        &manifest_complaints("omni-node", manifest, &[], ""),
        "proptest",
    );
}

#[test]
fn a_module_that_points_back_is_refused() {
    for (path, text, complaint) in [
        ("net.rs", "use crate::net::frame;", ""),
        ("runtime.rs", "use crate::{net::Net, store, api};", ""),
        ("runtime/outbox.rs", "use crate::store::Ledger;", ""),
        ("offline.rs", "fn a() { crate::store::open(); }", ""),
        (
            "cli/deal.rs",
            "use crate::{client::Client, cli::x, config};",
            "",
        ),
        ("cli/deal.rs", "pub(crate) use super::table;", ""),
        ("lib.rs", "pub mod net; pub use std::net::IpAddr;", ""),
        ("net.rs", "use crate::store::Ledger;", "net names store"),
        (
            "net/swarm.rs",
            "use crate::{store as s};",
            "net names store",
        ),
        ("cli.rs", "use crate::api;", "cli names api"),
        ("cli/deal.rs", "use crate::format;", "cli names format"),
        (
            "cli/deal.rs",
            "use super::super::format;",
            "cli names format",
        ),
        ("api.rs", "fn a() { crate::net::dial() }", "api names net"),
        ("api.rs", "fn a() { vec![crate::net::X] }", "api names net"),
        (
            "api.rs",
            "mod b { use super::super::net::X; }",
            "api names net",
        ),
        ("api/offers.rs", "use crate::store::LedgerReader;", ""),
        (
            "api/offers.rs",
            "use crate::store::Appender;",
            "api names store::Appender",
        ),
        (
            "api.rs",
            "use crate::store::market::MarketWriter;",
            "api names store::market::MarketWriter",
        ),
        ("net.rs", "use crate::config::Config;", "net names config"),
        ("main.rs", "use omni_node::store;", "the root names store"),
        (
            "lib.rs",
            "mod store; pub use store::Ledger;",
            "the root names store",
        ),
        ("net.rs", "use crate::*;", "net names the whole crate"),
        ("net.rs", "use crate as c;", "net names the whole crate"),
    ] {
        let found = module_complaints(&NODE, "omni_node", path, text);
        match complaint {
            "" => assert_tidy(&found),
            words => assert_complains(&found, words),
        }
    }
    let back = module_complaints(
        &PROTOCOL,
        "omni_protocol",
        "domain/deal.rs",
        "use crate::wire;",
    );
    assert_complains(&back, "domain names wire");
    let forth = module_complaints(&PROTOCOL, "omni_protocol", "wire.rs", "use crate::domain;");
    assert_tidy(&forth);
}

fn manifest_complaints(name: &str, manifest: &str, allowed: &[&str], tests: &str) -> Vec<String> {
    let shared = dependencies(tests);
    let mut found = Vec::new();
    for (kind, dependency, how) in dependencies(manifest) {
        if dependency.starts_with("omni-") && !allowed.contains(&dependency.as_str()) {
            found.push(format!("{name} must not depend on {dependency}"));
        }
        let may_have = FEATURES
            .iter()
            .filter(|(n, d, _)| *n == name && *d == dependency);
        let features: Vec<Value> = may_have.map(|(_, _, f)| Value::from(*f)).collect();
        if how.as_table().is_none_or(|t| {
            let asks = t.get("features").and_then(Value::as_array);
            let is_plain = t.len() == 1 || asks.is_some_and(|a| *a == features && t.len() == 2);
            !t.contains_key("workspace") || !is_plain
        }) {
            found.push(format!(
                "{name}: {dependency} is not taken whole from the workspace"
            ));
        }
        if kind == "dev-dependencies" && !shared.iter().any(|(_, d, _)| *d == dependency) {
            found.push(format!(
                "{name}: {dependency} is no dependency of omni-tests as well"
            ));
        }
    }
    found
}

/// Each dependency of a manifest with its kind and how it is given, those for one target too.
fn dependencies(manifest: &str) -> Vec<(&'static str, String, Value)> {
    let manifest: Table = manifest.parse().expect("the manifest parses");
    let mut tables = vec![&manifest];
    if let Some(Value::Table(targets)) = manifest.get("target") {
        tables.extend(targets.values().filter_map(Value::as_table));
    }
    let mut found = Vec::new();
    for table in tables {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            if let Some(Value::Table(list)) = table.get(kind) {
                found.extend(
                    list.iter()
                        .map(|(name, how)| (kind, name.clone(), how.clone())),
                );
            }
        }
    }
    found
}

fn judge_complaints(path: &str, text: &str) -> Vec<String> {
    let is_judge = path == "auditor.rs" || path.starts_with("auditor/");
    let named = JUDGED.iter().filter(|name| text.contains(*name));
    named
        .filter(|_| is_judge)
        .map(|name| format!("{path}: the auditor names {name}, which it judges"))
        .collect()
}

fn module_complaints(rules: &[Rule], library: &str, path: &str, text: &str) -> Vec<String> {
    let mut found: Vec<String> = named_paths(library, path, text)
        .into_iter()
        .filter_map(|p| {
            let seen = broken(rules, &p.from, &p.to)?;
            let from = p.from.split("::").next().filter(|s| !s.is_empty());
            let from = from.unwrap_or("the root");
            Some(format!("{path}:{}: {from} names {seen}", p.line))
        })
        .collect();
    found.dedup();
    found
}

/// What of `to` the module `from` must not name, if anything.
fn broken(rules: &[Rule], from: &str, to: &str) -> Option<String> {
    let top = to.split("::").next().unwrap_or(to).to_owned();
    if to.is_empty() {
        return (!from.is_empty()).then(|| "the whole crate".to_owned());
    }
    for rule in rules {
        let is_broken = match rule {
            Rule::SeenBy(..) => false,
            Rule::Sees(module, others) => {
                is_in(from, module) && !is_in(to, module) && !others.iter().any(|o| is_in(to, o))
            }
            Rule::Never(module, other) => is_in(from, module) && is_in(to, other),
        };
        if is_broken {
            return Some(top);
        }
    }
    let closest = rules
        .iter()
        .filter_map(|rule| match rule {
            Rule::SeenBy(module, by) if is_in(to, module) => Some((*module, *by)),
            _ => None,
        })
        .max_by_key(|(module, _)| module.len());
    let (module, by) = closest?;
    let family = module.split("::").next().unwrap_or(module);
    let may = is_in(from, family) || by.iter().any(|b| is_in(from, b));
    (!may).then(|| module.to_owned())
}

fn is_in(path: &str, module: &str) -> bool {
    path.strip_prefix(module)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
