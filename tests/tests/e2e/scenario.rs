//! `scripts/testnet scenario`: each story comes to its end by the command line and by the API, and
//! one in which somebody says something else than the others is found.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use omni_tests::omni::binary;

use crate::testnet::{Testnet, text};

const STORIES: [&str; 8] = [
    "bundle",
    "chain",
    "change-of-mind",
    "failover",
    "partner-asleep",
    "provider-killed",
    "coordinator-gone",
    "ghost-leg",
];

/// That the closing table has each story, with ledgers that agree.
fn assert_all_agree(told: &str) {
    let (_, table) = told.rsplit_once("ledgers agree\n").expect("a table");
    let rows: Vec<_> = table.lines().take(STORIES.len()).collect();
    for (row, story) in rows.iter().zip(STORIES) {
        assert!(row.trim_start().starts_with(story), "{row}\n{told}");
        assert!(row.ends_with(" yes"), "{row}\n{told}");
    }
    assert_eq!(rows.len(), STORIES.len(), "{told}");
}

#[test]
fn all_are_told_by_commands_in_the_market_that_runs() {
    let testnet = Testnet::new();
    let up = testnet.run(&["up", "--without-stories"]);
    assert!(up.status.success(), "{}", text(&up));
    let all = testnet.run(&["scenario", "all"]);
    let told = text(&all);
    assert!(all.status.success(), "{told}");
    assert!(told.contains("omni --home"), "{told}");
    assert!(!told.contains("POST /v1/"), "{told}");
    assert_all_agree(&told);
    // It stays up, with all of its partners.
    let status = testnet.run(&["status"]);
    assert!(status.status.success(), "{}", text(&status));
}

#[test]
fn all_are_told_by_the_api_in_a_market_of_their_own() {
    let testnet = Testnet::new();
    let all = testnet.run(&["scenario", "all", "--via", "api"]);
    let told = text(&all);
    assert!(all.status.success(), "{told}");
    assert!(told.contains("POST /v1/bundles"), "{told}");
    assert!(!told.contains(" bundle commit "), "{told}");
    assert_all_agree(&told);
    assert!(!testnet.path().join("net").exists());
    // Nothing of it is left running: five, and who came for the chain and for the failover.
    let status = text(&testnet.run_in("net-scenario", &["status"]));
    assert_eq!(status.matches(" stopped ").count(), 7, "{status}");
}

/// What somebody says that is not so: whose command, what becomes of its answer, and what is said
/// about that.
const LIES: [(&str, &str, &str); 5] = [
    (
        "nordlauf deal show",
        r#"s/"state":"sold"/"state":"aborted"/"#,
        "Nordlauf Spedition should say of leg 2 sold and says aborted",
    ),
    (
        "handfest deal show",
        r#"s/"manifest":"[0-9a-f]*"/"manifest":"00"/"#,
        "Handfest Montage should say as the manifest of leg 3",
    ),
    (
        "caldmoor ledger owed",
        r#"s/"they_owe":{"minor":[0-9]*,"currency":"GBP","text":"/&1/"#,
        "Caldmoor & Rowe should say as owed by Alderhaus",
    ),
    // Another sum whenever it is asked.
    (
        "alderhaus ledger owed",
        r#"s/\("in_doubt":{"minor":\)0\(,"currency":"GBP","text":"\)0.00/\1'$$'00\2'$$'.00/"#,
        "what is held or in doubt is not what it was",
    ),
    (
        "fennmark ledger verify",
        r#"s/"good":true,"broken":null/"good":false,"broken":"entry 7"/"#,
        "the ledger of Fennmark Werkstatt does not hold: entry 7",
    ),
];

/// Puts a program in the place of `omni` that tells a lie, or none.
fn write_omni(programs: &Path, (whose, lie, _): (&str, &str, &str)) {
    let omni = binary();
    let omni = omni.display();
    let program = format!(
        "#!/bin/sh\ncase \"$*\" in\n*/{}*--json) {omni} \"$@\" | sed '{lie}' ;;\n*) exec {omni} \"$@\" ;;\nesac\n",
        whose.replace(' ', "\\ ")
    );
    let path = programs.join("omni");
    fs::write(&path, program).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

#[test]
fn who_says_something_else_is_found() {
    let mut testnet = Testnet::new();
    let programs = testnet.path().join("programs");
    fs::create_dir(&programs).expect("a folder");
    let catalogue = binary().with_file_name("catalogue");
    symlink(catalogue, programs.join("catalogue")).expect("a link");
    let truth = ("nobody", "", "");
    write_omni(&programs, truth);
    testnet.set_programs(programs.clone());
    let up = testnet.run(&["up", "--without-stories"]);
    assert!(up.status.success(), "{}", text(&up));
    for lie in LIES {
        write_omni(&programs, lie);
        let story = testnet.run(&["scenario", "bundle"]);
        let told = text(&story);
        assert_eq!(story.status.code(), Some(1), "{lie:?}: {told}");
        assert!(told.contains(lie.2), "{lie:?}: {told}");
        assert!(told.contains(" NO\n"), "{lie:?}: {told}");
    }
    write_omni(&programs, truth);
    let story = testnet.run(&["scenario", "bundle"]);
    assert!(story.status.success(), "{}", text(&story));
}

#[test]
fn what_is_no_story_is_named_with_those_that_are() {
    let testnet = Testnet::new();
    let listed = testnet.run(&["scenario"]);
    assert!(listed.status.success());
    for story in STORIES {
        assert!(text(&listed).contains(&format!("\n  {story} ")), "{story}");
    }
    let other = testnet.run(&["scenario", "no-story"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(
        text(&other).contains("there is no scenario no-story; there are: bundle "),
        "{}",
        text(&other)
    );
}
