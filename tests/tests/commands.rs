//! Every command, found by walking the tree: it has help, takes `--json`, says its exit codes,
//! and keeps to them.

use std::collections::BTreeSet;

use clap::Command;
use omni_tests::omni::Place;
use serde_json::Value;

/// What to type after a command that needs more than its name.
const ARGUMENTS: &[(&str, &[&str])] = &[
    ("completions", &["bash"]),
    ("config get", &["api.http"]),
    ("config set", &["log.format", "json"]),
    ("wait", &["--ready", "--timeout", "0"]),
];

/// Every command with its words, `omni` itself first. `help` is the parser's own.
fn tree() -> Vec<(Vec<String>, Command)> {
    fn walk(words: &[String], command: &Command, found: &mut Vec<(Vec<String>, Command)>) {
        found.push((words.to_vec(), command.clone()));
        for sub in command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
        {
            let mut words = words.to_vec();
            words.push(sub.get_name().to_owned());
            walk(&words, sub, found);
        }
    }
    let mut root = omni_node::cli::command();
    root.build();
    let mut found = Vec::new();
    walk(&[], &root, &mut found);
    assert!(found.len() > 10);
    found
}

fn exits(command: &Command) -> BTreeSet<i32> {
    let help = command
        .get_after_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let lines = help
        .split_once("Exit codes:\n")
        .map(|(_, lines)| lines.to_owned());
    let lines = lines.unwrap_or_else(|| panic!("{} says no exit codes", command.get_name()));
    let number = |line: &str| line.trim().split(' ').next()?.parse().ok();
    lines.lines().filter_map(number).collect()
}

#[test]
fn every_command_explains_itself() {
    for (words, command) in tree() {
        let name = words.join(" ");
        assert!(command.get_about().is_some(), "{name} has no help");
        let json = command.get_arguments().find(|arg| arg.get_id() == "json");
        assert!(json.is_some(), "{name} takes no --json");
        for arg in command.get_arguments() {
            assert!(
                arg.get_help().is_some(),
                "{name}: {} has no help",
                arg.get_id()
            );
        }
        for aliases in command.get_all_aliases() {
            assert!(!aliases.is_empty());
        }
        assert!(exits(&command).is_superset(&[0, 1, 2].into()), "{name}");
    }
}

#[test]
fn every_command_prints_one_document_and_a_documented_code() {
    let check = |place: &Place, words: &[String], command: &Command, more: &[&str]| {
        let mut args: Vec<&str> = words.iter().map(String::as_str).collect();
        args.extend_from_slice(more);
        args.push("--json");
        let output = place.run(&args);
        let stdout = String::from_utf8(output.stdout).unwrap();
        let document: Value = serde_json::from_str(&stdout)
            .unwrap_or_else(|e| panic!("{args:?} prints no document: {e}: {stdout}"));
        let code = output.status.code().unwrap();
        let schema = document["schema"].as_str().unwrap();
        assert!(
            stdout.starts_with("{\"schema\":\"omni."),
            "{args:?}: {stdout}"
        );
        assert!(exits(command).contains(&code), "{args:?} ends with {code}");
        assert_eq!(code != 0, schema == "omni.error/1", "{args:?}: {stdout}");
        if code != 0 {
            assert_eq!(document["exit"], code);
            assert!(!document["what"].as_str().unwrap().is_empty());
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert!(stderr.starts_with("error: "), "{args:?}: {stderr}");
        }
    };
    for (words, command) in tree() {
        let name = words.join(" ");
        let arguments = ARGUMENTS.iter().find(|(command, _)| *command == name);
        let more = arguments.map_or(&[][..], |(_, more)| more);
        // Where nothing is, and then in a home without a daemon.
        let place = Place::new();
        check(&place, &words, &command, more);
        check(&place, &words, &command, &["--no-such-flag"]);
        if name != "init" {
            place.ok(&["init"]);
        }
        // `up` would stay.
        if name != "up" {
            check(&place, &words, &command, more);
        }
    }
}

#[test]
fn every_manual_page_can_be_made() {
    let place = Place::new();
    for (words, _) in tree() {
        let mut args = vec!["man"];
        args.extend(words.iter().map(String::as_str));
        assert!(place.ok(&args).contains(".SH NAME"), "{words:?}");
    }
}

#[test]
fn every_completion_script_names_the_commands() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(
            place.ok(&["completions", shell]).contains("status"),
            "{shell}"
        );
    }
}

#[test]
fn no_secret_can_be_given_as_an_argument() {
    for (words, command) in tree() {
        for arg in command.get_arguments() {
            let id = arg.get_id().as_str();
            let secret = ["secret", "token", "password", "key-file"];
            assert!(!secret.iter().any(|s| id.contains(s)), "{words:?}: {id}");
        }
    }
}
