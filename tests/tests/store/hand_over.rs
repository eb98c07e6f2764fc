//! Who receives, as the requester keeps it: under a data key that goes with it, and whole after a
//! kill at any place.

use std::cell::Cell;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use omni_node::crash;
use omni_node::hand_over::Kept;
use omni_protocol::hash::ThreadId;
use omni_protocol::thread::Shipto;

const THREAD: ThreadId = ThreadId::from_bytes([7; 32]);

thread_local! {
    /// Places that are still passed before the kill; none where nothing is killed.
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
}

fn recipient(name: &str) -> Shipto {
    Shipto {
        name: name.parse().expect("a name"),
        ..Shipto::default()
    }
}

/// Runs `act` and breaks it off at the place after `passed` others; says whether it came so far.
/// What is on the disk then is what a kill leaves there: nothing writes while it unwinds.
fn killed(passed: u32, act: impl FnOnce()) -> bool {
    crash::install(|_| {
        if let Some(left) = LEFT.get() {
            LEFT.set(left.checked_sub(1));
            assert!(left > 0, "killed here");
        }
    });
    LEFT.set(Some(passed));
    let outcome = panic::catch_unwind(AssertUnwindSafe(act));
    LEFT.set(None);
    outcome.is_err()
}

fn files(home: &Path, folder: &str) -> usize {
    fs::read_dir(home.join(folder)).map_or(0, Iterator::count)
}

#[test]
fn a_kill_at_any_place_loses_nothing_and_leaves_no_key() {
    let (old, new) = (recipient("Ada Moor"), recipient("Ben Hall"));
    let mut places = 0;
    for passed in 0.. {
        let home = tempfile::tempdir().expect("a folder");
        let kept = Kept::of(home.path());
        kept.keep(THREAD, &old).expect("kept");
        if !killed(passed, || kept.keep(THREAD, &new).expect("kept")) {
            break;
        }
        places += 1;
        let found = kept.read(THREAD).expect("readable").expect("kept");
        assert!(found == old || found == new, "after {passed} places");
        kept.tidy().expect("tidied");
        assert!(kept.read(THREAD).expect("readable") == Some(found));
        assert_eq!(files(home.path(), "data-keys"), 1, "after {passed} places");
    }
    for passed in 0.. {
        let home = tempfile::tempdir().expect("a folder");
        let kept = Kept::of(home.path());
        kept.keep(THREAD, &old).expect("kept");
        if !killed(passed, || kept.forget(THREAD).expect("forgotten")) {
            break;
        }
        places += 1;
        assert!(!kept.has(THREAD), "a shredded key opens nothing");
        assert!(kept.read(THREAD).expect("readable").is_none());
        assert_eq!(
            kept.threads().expect("names"),
            [THREAD],
            "it is tried again"
        );
        kept.forget(THREAD).expect("forgotten");
        kept.tidy().expect("tidied");
        for folder in ["data-keys", "hand-over"] {
            assert_eq!(
                files(home.path(), folder),
                0,
                "{folder} after {passed} places"
            );
        }
    }
    assert_eq!(
        places, 5,
        "two of keeping, one of shredding the old, two of forgetting"
    );
}

#[test]
fn without_the_data_key_nothing_is_told() {
    let home = tempfile::tempdir().expect("a folder");
    let kept = Kept::of(home.path());
    kept.keep(THREAD, &recipient("Ada Moor")).expect("kept");
    let file = home.path().join("hand-over").join(THREAD.to_string());
    let bytes = fs::read(&file).expect("a file");
    assert!(!bytes.windows(8).any(|part| part == b"Ada Moor"));
    kept.keep(THREAD, &recipient("A")).expect("kept");
    assert_eq!(fs::read(&file).expect("a file").len(), bytes.len());
    // As after a restore: all files but the data keys.
    fs::remove_dir_all(home.path().join("data-keys")).expect("removed");
    assert!(!kept.has(THREAD));
    assert!(kept.read(THREAD).expect("readable").is_none());
    // The operator names the recipient again.
    kept.keep(THREAD, &recipient("Ada Moor")).expect("kept");
    assert!(kept.has(THREAD));
}

#[test]
fn hostile_files_are_no_recipient() {
    let home = tempfile::tempdir().expect("a folder");
    let kept = Kept::of(home.path());
    let other = ThreadId::from_bytes([8; 32]);
    kept.keep(THREAD, &recipient("Ada Moor")).expect("kept");
    kept.keep(other, &recipient("Ben Hall")).expect("kept");
    let place = |thread: ThreadId| home.path().join("hand-over").join(thread.to_string());
    let good = fs::read(place(THREAD)).expect("a file");
    let mut changed = good.clone();
    changed[100] ^= 1;
    let of_other = fs::read(place(other)).expect("a file");
    for bad in [&[][..], &good[..10], &good[..20], &changed, &of_other] {
        fs::write(place(THREAD), bad).expect("written");
        let refused = kept
            .read(THREAD)
            .map(drop)
            .expect_err("not kept so")
            .to_string();
        assert!(refused.contains("name the recipient again"), "{refused}");
    }
}
