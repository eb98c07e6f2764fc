//! What README.md and ARCHITECTURE.md say about this repository is so: paths exist, scripts run,
//! commands can be typed, and the tests that hold an invariant are there.

use crate::{assert_complains, assert_tidy, repo};

const DOCUMENTS: [&str; 2] = ["README.md", "ARCHITECTURE.md"];

/// Programs that a reader may be told to type; everything else is a script of this repository.
const PROGRAMS: [&str; 4] = ["cargo", "cd", "git", "omni"];

/// Endings by which a word without a slash is taken for a file of the root.
const ENDINGS: [&str; 5] = [".lock", ".md", ".rs", ".sh", ".toml"];

#[test]
fn documents_tell_the_truth() {
    let tree = Tree::of_this_repository();
    let complaints: Vec<String> = DOCUMENTS
        .iter()
        .flat_map(|d| complaints(d, &repo::read(d), &tree))
        .collect();
    assert_tidy(&complaints);
}

#[test]
fn a_false_statement_is_refused() {
    let tree = Tree {
        files: vec![
            ("node/src/main.rs".to_owned(), false),
            ("LICENSE.md".to_owned(), false),
            ("scripts/check".to_owned(), true),
            ("scripts/plain".to_owned(), false),
            ("tests/tests/tidy/sizes.rs".to_owned(), false),
        ],
        tests: vec!["tidy::sizes::all".to_owned()],
    };
    for (text, complaint) in [
        ("See `node/src/main.rs`, `node/` and `LICENSE.md`.", ""),
        ("Run `./scripts/check -q`, then [this](node/src).", ""),
        (
            "[there](https://example.org/a.md) and `a/b` and `/v1/x.md`",
            "",
        ),
        (
            "```sh\n# first\n./scripts/check\ngit status && cargo doc\n```",
            "",
        ),
        ("Held by `tidy::sizes::all`.", ""),
        ("See `node/src/lib.rs`.", "node/src/lib.rs"),
        ("See `GUIDE.md`.", "GUIDE.md"),
        ("See [the guide](docs/guide.md).", "docs/guide.md"),
        ("Run `./scripts/testnet up`.", "scripts/testnet"),
        ("Run `scripts/plain`.", "not executable"),
        ("```sh\n./scripts/gone\n```", "scripts/gone"),
        ("```sh\n$ make all\n```", "make"),
        ("```sh\ncargo build && make all\n```", "make"),
        ("Held by `tidy::sizes::none`.", "tidy::sizes::none"),
        ("Held by `gone::all`.", "gone::all"),
        ("What `Machine::decide` does.", ""),
    ] {
        let found = complaints("a.md", text, &tree);
        match complaint {
            "" => assert_tidy(&found),
            words => assert_complains(&found, words),
        }
    }
}

/// The files with whether they can be run, and the names of the tests.
struct Tree {
    files: Vec<(String, bool)>,
    tests: Vec<String>,
}

impl Tree {
    fn of_this_repository() -> Self {
        let files = repo::text_files();
        let tests = files.iter().flat_map(|f| tests_in(&f.path, &f.text));
        Self {
            tests: tests.collect(),
            files: repo::paths()
                .into_iter()
                .map(|path| {
                    let executable = repo::is_executable(&path);
                    (path, executable)
                })
                .collect(),
        }
    }

    fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let mut files = self.files.iter();
        files.any(|(f, _)| f == path || f.starts_with(&folder))
    }

    fn runs(&self, path: &str) -> bool {
        self.files.iter().any(|(f, runs)| f == path && *runs)
    }

    fn top_levels(&self) -> impl Iterator<Item = &str> {
        self.files
            .iter()
            .filter_map(|(f, _)| f.split_once('/'))
            .map(|(top, _)| top)
    }
}

fn complaints(document: &str, text: &str, tree: &Tree) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in quoted(text).iter().flat_map(|q| q.split_whitespace()) {
        if is_test(word) && !tree.tests.iter().any(|t| t == word) {
            found.push(format!("{document}: there is no test {word}"));
        }
        let Some(path) = as_path(word, tree) else {
            continue;
        };
        if !tree.has(&path) {
            found.push(format!("{document}: there is no {path}"));
        } else if path.starts_with("scripts/") && path.len() > 8 && !tree.runs(&path) {
            found.push(format!("{document}: {path} is not executable"));
        }
    }
    for command in commands(text) {
        let program = command.split_whitespace().next().unwrap_or_default();
        if !PROGRAMS.contains(&program) && !program.starts_with("./scripts/") {
            found.push(format!(
                "{document}: '{program}' is no program that is known here"
            ));
        }
    }
    found
}

/// Whether a word is meant as a test; types begin with a capital.
fn is_test(word: &str) -> bool {
    word.contains("::") && !word.contains(char::is_uppercase)
}

/// The word as a path of this repository, if it is meant as one.
fn as_path(word: &str, tree: &Tree) -> Option<String> {
    let word = word.trim_end_matches(['.', ',', ';', ':', ')']);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    if word.starts_with('/') || !word.chars().all(is_name) {
        return None;
    }
    let path = word.strip_prefix("./").unwrap_or(word);
    let is_file = ENDINGS
        .iter()
        .any(|end| path.len() > end.len() && path.ends_with(end));
    let is_below = path
        .split_once('/')
        .is_some_and(|(top, _)| tree.top_levels().any(|t| t == top));
    (path.len() < word.len() || is_file || is_below).then(|| path.to_owned())
}

/// Code spans, lines of code blocks, and the targets of links that stay in the repository.
fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (is_code, line) in lines(text) {
        if is_code {
            found.push(line.to_owned());
            continue;
        }
        found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        for target in line.split("](").skip(1).filter_map(|t| t.split(')').next()) {
            if !target.contains("://") && !target.starts_with('#') {
                found.push(target.split('#').next().unwrap_or(target).to_owned());
            }
        }
    }
    found
}

/// The commands of blocks that are marked as shell.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_shell = false;
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            is_shell = language == "sh";
        } else if is_shell && !line.starts_with('#') && !line.trim().is_empty() {
            let line = line.strip_prefix("$ ").unwrap_or(line);
            let parts = line.split("&&").map(|c| c.trim().to_owned());
            found.extend(parts);
        }
    }
    found
}

/// Each line with whether it stands in a code block; the fences themselves are left out.
fn lines(text: &str) -> Vec<(bool, &str)> {
    let mut is_code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        } else {
            found.push((is_code, line));
        }
    }
    found
}

/// Tests in a file of `tests/`, each by its binary, module and name.
fn tests_in(path: &str, text: &str) -> Vec<String> {
    let file = path.strip_prefix("tests/tests/");
    let Some(file) = file.and_then(|file| file.strip_suffix(".rs")) else {
        return vec![];
    };
    let module = file.trim_end_matches("/main").replace('/', "::");
    let name = |after: &str| {
        let (_, named) = after.split_once("fn ")?;
        let (name, _) = named.split_once('(')?;
        Some(format!("{module}::{name}"))
    };
    let text = text.replace("#[tokio::test", "#[test]");
    text.split("#[test]").skip(1).filter_map(name).collect()
}
