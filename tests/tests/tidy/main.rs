//! Tidy: what this repository promises about itself, read from its files on every run.
//!
//! Each check is a function from text to complaints, and stands beside an example that it refuses,
//! so that a check which can no longer fail is noticed.

mod api;
mod dependencies;
mod directions;
mod facts;
mod marks;
mod modules;
mod pure_core;
mod repo;
mod scripts;
mod sizes;

/// Fails with one complaint a line.
#[track_caller]
fn assert_tidy(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Fails unless there is exactly one complaint and it says `words`.
#[track_caller]
fn assert_complains(complaints: &[String], words: &str) {
    assert!(
        matches!(complaints, [one] if one.contains(words)),
        "expected one complaint with '{words}', got {complaints:?}"
    );
}
