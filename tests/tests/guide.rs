//! The guide of two partners is true: every command of its pages says what stands there. And every
//! command of the program is typed in some page of the guide or of the transcripts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use omni_tests::guide::{self, Page};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// `GUIDE=overwrite` writes down what is printed now; look at the difference.
#[test]
fn its_pages_are_true() {
    let overwrite = std::env::var("GUIDE").is_ok_and(|how| how == "overwrite");
    guide::run(&folder("guide"), overwrite);
}

/// The commands that the pages in a folder type, each as its words without flags and arguments.
fn typed(folder: &Path) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "md") {
            let page = Page::read(&path);
            let commands = page.commands().iter();
            all.extend(commands.map(|command| guide::words(&command.typed)));
        }
    }
    assert!(all.len() > 20, "{}", folder.display());
    all
}

/// The verb that a command line means: its longest beginning that is a command of the tree.
fn verb(words: &[String]) -> Option<String> {
    let mut command = omni_node::cli::command();
    let (mut names, mut rest) = (Vec::new(), words.iter());
    if rest.next()? != "omni" {
        return None;
    }
    while let Some(word) = rest.next() {
        if word == "--home" {
            rest.next();
        } else if let Some(found) = command.find_subcommand(word).cloned() {
            names.push(word.clone());
            command = found;
        } else if !word.starts_with('-') {
            break;
        }
    }
    Some(names.join(" "))
}

/// All commands that do something, by their words.
fn verbs() -> BTreeSet<String> {
    fn walk(words: &str, command: &clap::Command, found: &mut BTreeSet<String>) {
        let mut subs = command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
            .peekable();
        if subs.peek().is_none() {
            found.insert(words.to_owned());
        }
        for sub in subs {
            walk(format!("{words} {}", sub.get_name()).trim(), sub, found);
        }
    }
    let mut found = BTreeSet::new();
    walk("", &omni_node::cli::command(), &mut found);
    assert!(found.len() > 30, "{found:?}");
    found
}

#[test]
fn every_command_is_shown() {
    let pages = ["guide", "transcripts"].map(|name| typed(&folder(name)));
    let shown: BTreeSet<_> = pages
        .iter()
        .flatten()
        .filter_map(|words| verb(words))
        .collect();
    let missing: Vec<_> = verbs().difference(&shown).cloned().collect();
    assert!(missing.is_empty(), "in no page: {missing:?}");
}

#[test]
fn a_command_that_is_not_shown_is_missed() {
    let check = |line: &str, expected: Option<&str>| {
        assert_eq!(verb(&guide::words(line)).as_deref(), expected, "{line}");
    };
    check("omni --home a deal ls --mine", Some("deal ls"));
    check("omni deal", Some("deal"));
    check("omni ledger verify", Some("ledger verify"));
    check("omni --json", Some(""));
    check("cat deal", None);
}
