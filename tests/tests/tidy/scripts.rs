//! Scripts can be run as they are checked out, stop at the first error, and parse.

use crate::{assert_complains, assert_tidy, repo};

#[test]
fn every_script_is_executable_strict_and_parses() {
    let mut found = Vec::new();
    for file in repo::text_files() {
        if is_script(&file.path) {
            found.extend(complaints(&file.path, &file.text));
            if !repo::is_executable(&file.path) {
                found.push(format!("{}: is not executable", file.path));
            }
            if let Some(shell) = shell(&file.text) {
                repo::stdout(shell, &["-n", &file.path]);
            }
        }
    }
    assert_tidy(&found);
}

#[test]
fn a_careless_script_is_refused() {
    assert_tidy(&complaints(
        "scripts/a",
        "#!/bin/sh\n# Says hello.\nset -eu\n",
    ));
    assert_tidy(&complaints(
        ".ci/run",
        "#!/usr/bin/env bash\n# Runs.\nset -euo pipefail\n",
    ));
    assert_complains(&complaints("scripts/a", "#!/bin/sh\n# Says.\n"), "set -eu");
    assert_complains(
        &complaints("scripts/a", "#!/bin/sh\nset -eu\n"),
        "what it does",
    );
    assert_complains(&complaints("scripts/a", "# Says.\nset -eu\n"), "shell");
}

#[test]
fn scripts_are_recognised() {
    for (path, expected) in [
        ("scripts/check", true),
        (".ci/run", true),
        ("examples/curl/trade", true),
        ("scripts/README.md", false),
        ("node/src/main.rs", false),
    ] {
        assert_eq!(is_script(path), expected, "{path}");
    }
}

fn is_script(path: &str) -> bool {
    let folders = ["scripts/", ".ci/", "examples/curl/"];
    folders.iter().any(|folder| path.starts_with(folder)) && !path.ends_with(".md")
}

fn shell(text: &str) -> Option<&'static str> {
    match text.lines().next() {
        Some("#!/bin/sh") => Some("sh"),
        Some("#!/usr/bin/env bash") => Some("bash"),
        _ => None,
    }
}

fn complaints(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if shell(text).is_none() {
        found.push(format!("{path}: names no shell that is known here"));
    }
    if !text.lines().any(|l| l.starts_with("set -eu")) {
        found.push(format!("{path}: lacks set -eu"));
    }
    if !text.lines().any(|l| l.starts_with("# ")) {
        found.push(format!("{path}: does not say what it does"));
    }
    found
}
