//! The ledger store from outside: what it keeps, what it refuses to open, and that a refusal
//! changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use omni_node::store::{Delta, Owner, StoreError, Verdict, ledger};
use omni_tests::ledger::{OWNER, append, batch, expect_exactly, key, make};
use omni_tests::mount::Mount;

const BATCHES: u64 = 40;

#[test]
fn batches_are_there_after_reopening() {
    let home = tempfile::tempdir().expect("folder");
    make(home.path(), BATCHES);
    for life in 2..5 {
        let (reader, mut appender) = ledger::open(home.path(), OWNER, life).expect("opened");
        append(&mut appender, 3);
        expect_exactly(&reader, BATCHES + 3 * (life - 1)).expect("readable");
        assert_eq!(appender.last().life, life);
    }
}

#[test]
fn a_deleted_key_is_gone_and_an_empty_batch_counts() {
    let home = tempfile::tempdir().expect("folder");
    make(home.path(), 1);
    let (reader, mut appender) = ledger::open(home.path(), OWNER, 2).expect("opened");
    let mut delta = Delta::default();
    delta.put(key(1, 0), None);
    assert!(matches!(appender.append(&delta), Ok(Verdict::Durable(name)) if name.number == 2));
    assert_eq!(reader.read(&key(1, 0)).expect("readable"), None);
    assert!(reader.read(&key(1, 1)).expect("readable").is_some());
    assert!(
        matches!(appender.append(&Delta::default()), Ok(Verdict::Durable(name)) if name.number == 3)
    );
}

#[test]
fn a_walk_ends_at_its_bound() {
    let home = tempfile::tempdir().expect("folder");
    make(home.path(), 3);
    let (reader, _appender) = ledger::open(home.path(), OWNER, 2).expect("opened");
    let first = reader
        .next(&[7], &key(1, 1))
        .expect("readable")
        .expect("found");
    assert_eq!(first.key, key(1, 0));
    assert_eq!(reader.next(&key(1, 0), &key(1, 1)).expect("readable"), None);
    assert_eq!(reader.walk(&key(2, 0), &key(3, 0)).count(), 5);
}

#[test]
fn a_creation_that_was_cut_short_is_begun_again() {
    let home = tempfile::tempdir().expect("folder");
    ledger::create(home.path(), OWNER).expect("made");
    fs::remove_file(home.path().join("ledger.head")).expect("removed");
    ledger::create(home.path(), OWNER).expect("made again");
    fs::remove_file(home.path().join("ledger.head")).expect("removed");
    // Opening mends it as well: nothing was ever acknowledged.
    let (reader, _appender) = ledger::open(home.path(), OWNER, 1).expect("opened");
    expect_exactly(&reader, 0).expect("readable");
}

#[test]
fn hostile_an_existing_ledger_is_not_made_again() {
    let home = tempfile::tempdir().expect("folder");
    make(home.path(), 3);
    assert!(matches!(
        ledger::create(home.path(), OWNER),
        Err(StoreError::Exists { .. })
    ));
    fs::remove_file(home.path().join("ledger.head")).expect("removed");
    assert!(matches!(
        ledger::create(home.path(), OWNER),
        Err(StoreError::Exists { .. })
    ));
    ledger::accept_without_head(home.path(), OWNER).expect("accepted");
    let (reader, _appender) = ledger::open(home.path(), OWNER, 2).expect("opened");
    expect_exactly(&reader, 3).expect("readable");
}

#[test]
fn hostile_a_second_opener_is_told_to_stop_the_first() {
    let home = tempfile::tempdir().expect("folder");
    make(home.path(), 1);
    let first = ledger::open(home.path(), OWNER, 2).expect("opened");
    let error = ledger::open(home.path(), OWNER, 3).expect_err("in use");
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("omni down"), "{error}");
    assert!(matches!(
        ledger::create(home.path(), OWNER),
        Err(StoreError::InUse { .. })
    ));
    drop(first);
    ledger::open(home.path(), OWNER, 3).expect("opened after the first has ended");
}

#[test]
fn hostile_the_ledger_of_another_network_or_partner_is_left_alone() {
    let home = tempfile::tempdir().expect("folder");
    make(home.path(), 2);
    for other in [
        Owner {
            network: [9; 32],
            ..OWNER
        },
        Owner {
            partner: [9; 32],
            ..OWNER
        },
    ] {
        let error = ledger::open(home.path(), other, 2).expect_err("refused");
        assert!(matches!(error, StoreError::WrongOwner { .. }), "{error}");
    }
    still_whole(home.path(), 2);
}

#[test]
fn hostile_another_format_is_left_alone() {
    for is_later in [false, true] {
        let home = tempfile::tempdir().expect("folder");
        make(home.path(), 2);
        let (reader, mut appender) = ledger::open(home.path(), OWNER, 2).expect("opened");
        // The store's own key, as another version might write it.
        let mut owner = reader.read(&[128, 1]).expect("readable").expect("present");
        let own = owner[1];
        let other = if is_later { own + 1 } else { own - 1 };
        owner[1] = other;
        owner.extend_from_slice(b"what only the other version knows");
        let mut delta = Delta::default();
        delta.put(vec![128, 1], Some(owner));
        appender.append(&delta).expect("appended");
        drop((reader, appender));
        let error = ledger::open(home.path(), OWNER, 3).expect_err("refused");
        let (is_newer, found) = match error {
            StoreError::NewerFormat { found, .. } => (true, found),
            StoreError::OlderFormat { found, .. } => (false, found),
            error => panic!("{error}"),
        };
        assert_eq!((is_newer, found), (is_later, u16::from(other)));
    }
}

#[test]
fn hostile_a_missing_ledger_is_not_replaced_by_an_empty_one() {
    let home = tempfile::tempdir().expect("folder");
    let error = ledger::open(home.path(), OWNER, 1).expect_err("refused");
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");

    make(home.path(), 3);
    for lost in ["ledger/CURRENT", "ledger"] {
        let kept = home.path().join("kept");
        fs::rename(home.path().join(lost), &kept).expect("moved");
        for _ in 0..2 {
            let error = ledger::open(home.path(), OWNER, 2).expect_err("refused");
            assert!(
                matches!(error, StoreError::LedgerGone { .. }),
                "{lost}: {error}"
            );
            assert!(
                matches!(
                    ledger::create(home.path(), OWNER),
                    Err(StoreError::Exists { .. })
                ),
                "{lost}"
            );
        }
        fs::rename(&kept, home.path().join(lost)).expect("moved back");
        still_whole(home.path(), 3);
    }
}

#[test]
fn hostile_a_lost_head_file_is_said() {
    let home = tempfile::tempdir().expect("folder");
    make(home.path(), 3);
    let head = home.path().join("ledger.head");
    let kept = fs::read(&head).expect("read");
    fs::remove_file(&head).expect("removed");
    assert!(matches!(
        ledger::open(home.path(), OWNER, 2),
        Err(StoreError::HeadGone { .. })
    ));
    fs::write(&head, b"").expect("written");
    assert!(matches!(
        ledger::open(home.path(), OWNER, 2),
        Err(StoreError::HeadUnreadable { .. })
    ));
    fs::write(&head, kept).expect("written");
    still_whole(home.path(), 3);
}

#[test]
fn hostile_the_head_file_of_another_ledger_is_said() {
    let (home, other) = (
        tempfile::tempdir().expect("folder"),
        tempfile::tempdir().expect("folder"),
    );
    make(home.path(), 3);
    make(other.path(), 3);
    fs::copy(
        other.path().join("ledger.head"),
        home.path().join("ledger.head"),
    )
    .expect("copied");
    let error = ledger::open(home.path(), OWNER, 2).expect_err("refused");
    assert!(matches!(error, StoreError::HeadOfAnother { .. }), "{error}");
}

#[test]
fn hostile_a_deleted_log_is_noticed_every_time() {
    let home = tempfile::tempdir().expect("folder");
    make(home.path(), BATCHES);
    for log in logs(home.path()) {
        fs::remove_file(log).expect("removed");
    }
    for _ in 0..3 {
        let error = ledger::open(home.path(), OWNER, 2).expect_err("refused");
        assert!(
            matches!(
                error,
                StoreError::Behind {
                    acknowledged: BATCHES,
                    ..
                } | StoreError::Missing { .. }
                    | StoreError::Damaged { .. }
            ),
            "{error}"
        );
    }
}

#[test]
fn hostile_an_older_copy_put_back_is_noticed() {
    let (home, copy) = (
        tempfile::tempdir().expect("folder"),
        tempfile::tempdir().expect("folder"),
    );
    make(home.path(), 10);
    copy_folder(&home.path().join("ledger"), &copy.path().join("ledger"));
    let (reader, mut appender) = ledger::open(home.path(), OWNER, 2).expect("opened");
    append(&mut appender, 1);
    drop((reader, appender));
    fs::remove_dir_all(home.path().join("ledger")).expect("removed");
    copy_folder(&copy.path().join("ledger"), &home.path().join("ledger"));
    let error = ledger::open(home.path(), OWNER, 3).expect_err("refused");
    assert!(
        matches!(
            error,
            StoreError::Behind {
                found: 10,
                acknowledged: 11,
                ..
            }
        ),
        "{error}"
    );

    // Accepted by hand and written on: the head file of the other branch is then refused as well.
    let other_branch = fs::read(home.path().join("ledger.head")).expect("read");
    assert_eq!(
        ledger::accept_without_head(home.path(), OWNER)
            .expect("accepted")
            .number,
        10
    );
    let (reader, mut appender) = ledger::open(home.path(), OWNER, 4).expect("opened");
    append(&mut appender, 1);
    drop((reader, appender));
    fs::write(home.path().join("ledger.head"), other_branch).expect("written");
    let error = ledger::open(home.path(), OWNER, 5).expect_err("refused");
    assert!(
        matches!(error, StoreError::Forked { number: 11, .. }),
        "{error}"
    );
}

/// Cuts the log at every length; among them are all boundaries of its records, which no recovery
/// mode notices.
#[test]
fn hostile_a_log_cut_anywhere_is_noticed() {
    let home = tempfile::tempdir().expect("folder");
    make(home.path(), 4);
    let log = only_log(home.path());
    let whole = fs::read(&log).expect("read");
    for length in (0..whole.len()).step_by(step(whole.len())) {
        let trial = copy_home(home.path());
        fs::write(only_log(trial.path()), &whole[..length]).expect("written");
        match ledger::open(trial.path(), OWNER, 2) {
            Ok((_, appender)) => panic!(
                "cut at {length} of {}: opened with {:?}",
                whole.len(),
                appender.last()
            ),
            Err(
                StoreError::Behind { .. } | StoreError::Damaged { .. } | StoreError::Missing { .. },
            ) => {}
            Err(error) => panic!("cut at {length}: {error}"),
        }
        assert_eq!(
            fs::read(only_log(trial.path())).expect("read").len(),
            length,
            "the log was changed"
        );
    }
}

/// A flipped bit anywhere in any file is an error, or does no harm; never a wrong or missing value.
#[test]
fn hostile_a_flipped_bit_is_never_served() {
    let home = tempfile::tempdir().expect("folder");
    make(home.path(), BATCHES);
    // Opened once more, so that there are sorted files beside the log.
    let (reader, mut appender) = ledger::open(home.path(), OWNER, 2).expect("opened");
    append(&mut appender, BATCHES);
    drop((reader, appender));
    let (mut refused, mut harmless) = (0, 0);
    for file in files_of_the_ledger(home.path()) {
        let whole = fs::read(&file).expect("read");
        let stride = (whole.len() / flips_per_file()).max(1) | 1;
        for (turn, at) in (0..whole.len()).step_by(stride).enumerate() {
            let trial = copy_home(home.path());
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (turn % 8);
            fs::write(
                trial
                    .path()
                    .join(file.strip_prefix(home.path()).expect("inside")),
                bytes,
            )
            .expect("written");
            let outcome = ledger::open(trial.path(), OWNER, 3)
                .and_then(|(reader, _appender)| expect_exactly(&reader, 2 * BATCHES));
            match outcome {
                Ok(()) => harmless += 1,
                Err(_) => refused += 1,
            }
        }
    }
    println!("flipped bits: {refused} refused, {harmless} harmless");
    assert!(
        refused > 20,
        "only {refused} flips were noticed: this test tests nothing"
    );
}

#[test]
fn hostile_a_read_only_folder_gives_a_clear_error() {
    let folder = tempfile::tempdir().expect("folder");
    let mount = match Mount::tmpfs(folder.path(), 16) {
        Ok(mount) => mount,
        Err(why) => return println!("SKIPPED, since no file system can be mounted here: {why}"),
    };
    make(mount.path(), 3);
    mount.make_read_only();
    let error = ledger::open(mount.path(), OWNER, 2).expect_err("refused");
    assert!(
        matches!(error, StoreError::Io { .. } | StoreError::Database { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("Read-only"), "{error}");
}

/// The disk runs full while batches are appended: an error that comes back, no batch half there,
/// and all acknowledged ones there once there is room.
#[test]
fn hostile_a_full_disk_ends_writing_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let mount = match Mount::tmpfs(folder.path(), 48) {
        Ok(mount) => mount,
        Err(why) => return println!("SKIPPED, since no file system can be mounted here: {why}"),
    };
    make(mount.path(), 3);
    let (reader, mut appender) = ledger::open(mount.path(), OWNER, 2).expect("opened");
    mount.fill_but(128 << 10);
    let error = loop {
        let number = appender.last().number + 1;
        assert!(number < 1_000_000, "the disk never ran full");
        match appender.append_within(&batch(number), std::time::Duration::from_secs(1)) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    let acknowledged = appender.last().number;
    assert!(
        error.to_string().contains("space") || matches!(error, StoreError::Stalled { .. }),
        "{error}"
    );
    expect_exactly(&reader, acknowledged).expect("readable");
    drop((reader, appender));
    mount.empty();
    let (reader, appender) =
        ledger::open(mount.path(), OWNER, 3).expect("opened when there is room again");
    // The batch that failed may be there as a whole or not at all; it was never acknowledged.
    let found = appender.last().number;
    assert!(
        found == acknowledged || found == acknowledged + 1,
        "{acknowledged} acknowledged, {found} found"
    );
    expect_exactly(&reader, found).expect("readable");
}

fn still_whole(home: &Path, count: u64) {
    let (reader, appender) = ledger::open(home, OWNER, 9).expect("opened");
    assert_eq!(appender.last().number, count);
    expect_exactly(&reader, count).expect("readable");
}

/// The long run tries every place, the usual one a share of them.
fn step(places: usize) -> usize {
    if std::env::var_os("OMNI_LONG").is_some() {
        1
    } else {
        (places / 150).max(1)
    }
}

fn flips_per_file() -> usize {
    if std::env::var_os("OMNI_LONG").is_some() {
        300
    } else {
        25
    }
}

fn files_of_the_ledger(home: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(home.join("ledger"))
        .expect("listed")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| {
            !path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("LO"))
        })
        .collect();
    files.push(home.join("ledger.head"));
    files.sort();
    files
}

fn logs(home: &Path) -> Vec<PathBuf> {
    let files = files_of_the_ledger(home);
    let logs: Vec<_> = files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .collect();
    assert!(!logs.is_empty(), "a ledger has a log");
    logs
}

fn only_log(home: &Path) -> PathBuf {
    let mut logs = logs(home);
    assert_eq!(logs.len(), 1, "{logs:?}");
    logs.remove(0)
}

fn copy_home(home: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("folder");
    copy_folder(home, copy.path());
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("listed") {
        let path = entry.expect("entry").path();
        let target = to.join(path.file_name().expect("named"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}
