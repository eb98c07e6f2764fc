//! Nothing unfinished and nothing of the workshop is committed: no marks, no hosts, no folders of
//! one machine.

use crate::{assert_complains, assert_tidy, repo};

/// Written in halves, so that this file does not hold what it looks for.
const LEFT_OVER: [(&str, &str); 7] = [
    ("TO", "DO"),
    ("FIX", "ME"),
    ("// XX", "X"),
    ("# XX", "X"),
    ("to", "do!("),
    ("unimpl", "emented!("),
    ("#[ig", "nore"),
];
const HOSTS: [(&str, &str); 6] = [
    ("crates", ".io"),
    ("pypi", ".org"),
    ("pythonhosted", ".org"),
    ("npmjs", ".org"),
    ("npmjs", ".com"),
    ("deb.debian", ".org"),
];
const FOLDERS: [(&str, &str); 3] = [("/wo", "rk"), ("/ro", "ot"), ("/ho", "me")];

/// A lock names its registry in each package, the one of `fuzz` too.
const HOSTS_ALLOWED_IN: &str = "Cargo.lock";

#[test]
fn nothing_unfinished_is_committed() {
    let complaints: Vec<String> = repo::text_files()
        .iter()
        .filter(|f| is_source(&f.path))
        .flat_map(|f| left_over(&f.path, &f.text))
        .collect();
    assert_tidy(&complaints);
}

#[test]
fn nothing_of_one_machine_is_committed() {
    let complaints: Vec<String> = repo::text_files()
        .iter()
        .filter(|f| !f.path.ends_with(HOSTS_ALLOWED_IN))
        .flat_map(|f| of_one_machine(&f.path, &f.text))
        .collect();
    assert_tidy(&complaints);
}

#[test]
fn each_mark_host_and_folder_is_refused() {
    for (a, b) in LEFT_OVER {
        let text = format!("fn a() {{}}\n// {a}{b} later\n");
        assert_complains(&left_over("a.rs", &text), "a.rs:2");
    }
    for (a, b) in HOSTS {
        let text = format!("see https://index.{a}{b}/x");
        assert_complains(&of_one_machine("a.md", &text), "a.md:1");
    }
    for (a, b) in FOLDERS {
        for text in [format!("cd {a}{b}"), format!("in `{a}{b}/x` there")] {
            assert_complains(&of_one_machine("a.md", &text), "a.md:1");
        }
    }
}

#[test]
fn words_that_only_look_alike_pass() {
    for text in [
        "mastodon",
        "a/workspace",
        "the/home/of",
        "../work",
        "/works",
        "/rooted",
    ] {
        assert_tidy(&left_over("a.rs", text));
        assert_tidy(&of_one_machine("a.md", text));
    }
}

fn is_source(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let code = [".rs", ".toml", ".sh", ".yml"];
    !name.contains('.') || code.iter().any(|end| name.ends_with(end))
}

fn left_over(path: &str, text: &str) -> Vec<String> {
    let hit = |line: &str| {
        let is_here = |(a, b): &(&str, &str)| line.contains(&format!("{a}{b}"));
        LEFT_OVER.iter().any(is_here)
    };
    numbered(path, text, hit, "unfinished")
}

fn of_one_machine(path: &str, text: &str) -> Vec<String> {
    let hit = |line: &str| {
        HOSTS.iter().any(|(a, b)| line.contains(&format!("{a}{b}")))
            || FOLDERS.iter().any(|(a, b)| names(line, &format!("{a}{b}")))
    };
    numbered(
        path,
        text,
        hit,
        "names a registry host or a folder of one machine",
    )
}

/// Whether the line names this folder from the root of the file system, and not a part of a
/// longer path or word.
fn names(line: &str, folder: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '~' | '}');
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + folder.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(|c| c.is_alphanumeric() || c == '-')
    })
}

fn numbered(path: &str, text: &str, hit: impl Fn(&str) -> bool, why: &str) -> Vec<String> {
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| hit(line))
        .map(|(n, line)| format!("{path}:{}: {why}: {}", n + 1, line.trim()))
        .collect()
}
