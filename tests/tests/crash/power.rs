//! Power cuts: a node's disk is followed, and for many moments of one life it is made up what a cut
//! would have left there: nothing unsynced, or any torn and reordered part of it. What was
//! acknowledged before is in each of these ledgers, unchanged, and a node begins a new life in it,
//! also where it is killed while it begins.

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use omni_tests::disk::{Change, Cut, Disk};
use omni_tests::effort::number_from;
use omni_tests::omni::{Node, Place, faulty_binary};
use serde_json::Value;

/// Of so many cuts one is followed by new lives.
const LIVES_EVERY: usize = 10;
/// Where the first of them are killed: around the first batch of a life.
const KILLED_AT: [&str; 3] = [
    "batch-before-write",
    "batch-after-write",
    "head-after-write",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Syncing {
    Yes,
    /// The planted bug.
    No,
}

/// A life that was followed.
struct Followed {
    place: Place,
    disk: Disk,
    changes: Vec<Change>,
    /// What a client had heard at a moment: entries in the ledger.
    heard: Vec<(u64, u64)>,
    /// Each entry's hash by its number.
    hashes: HashMap<u64, String>,
    _beside: tempfile::TempDir,
}

/// Follows one life: an import that fills many blocks of the log, counts and grants one by one.
fn follow(syncing: Syncing) -> Followed {
    let place = Place::new();
    place.ok(&["init", "--name", "Node", "--network", "test"]);
    let rows = (1..=400).map(|n| format!("UNIT-{n},Unit number {n},19.99,GBP,GB,1\n"));
    let head = "sku,title,price,currency,regions,stock\n".to_owned();
    let text: String = std::iter::once(head).chain(rows).collect();
    std::fs::write(place.path().join("units.csv"), text).expect("a file");
    let beside = tempfile::tempdir().expect("a folder");
    let disk = Disk::follow(&place.home(), beside.path());
    let mut up = place.command_of(&faulty_binary(), &["up"]);
    disk.carry(&mut up, None);
    if syncing == Syncing::No {
        up.env("OMNI_UNSYNCED", "1");
    }
    let node = place.up_by(up);
    let mut heard = Vec::new();
    let mut hear = |node: &Node| {
        let size = node.json(&["status"])["ledger"]["size"].as_u64();
        heard.push((disk.moment(), size.expect("a number")));
    };
    hear(&node);
    node.place().ok(&["import", "units.csv", "--apply"]);
    hear(&node);
    for count in 2..10 {
        node.json(&["stock", "set", "UNIT-1", &count.to_string()]);
        hear(&node);
        node.json(&["peer", "invite"]);
        hear(&node);
    }
    // Before the list, which so has all that a cut may leave: the node enters things by itself.
    let changes = disk.changes();
    let listed = node.json(&["ledger", "ls", "--limit", "500"]);
    let entries = listed["entries"].as_array().expect("a list");
    let hash = |entry: &Value| {
        Some((
            entry["sequence"].as_u64()?,
            entry["hash"].as_str()?.to_owned(),
        ))
    };
    let hashes = entries.iter().filter_map(hash).collect();
    Followed {
        place: node.killed(),
        disk,
        changes,
        heard,
        hashes,
        _beside: beside,
    }
}

impl Followed {
    /// `count` cuts, spread over the whole life; says which of them lost or broke something.
    fn cut(&self, count: usize) -> Vec<String> {
        let mut found = Vec::new();
        for n in 0..count {
            let at = (n + 1) * self.changes.len() / count;
            let seed = n as u64;
            let cut = match n % 4 {
                0 => Cut::Strict,
                _ => Cut::Torn(seed),
            };
            let image = self.place.path().join("image");
            self.disk.cut(&self.changes[..at], cut, &image);
            let moment = self.changes[at - 1].moment;
            let lives = n % LIVES_EVERY == LIVES_EVERY - 1;
            if let Err(why) = self.judge(&image, moment, lives) {
                found.push(format!(
                    "{cut:?} after change {at} of {}: {why}",
                    self.changes.len()
                ));
            }
            std::fs::remove_dir_all(&image).expect("it is ours");
        }
        found
    }

    fn judge(&self, image: &Path, moment: u64, lives: bool) -> Result<(), String> {
        let heard = self.heard.iter().take_while(|(when, _)| *when <= moment);
        let heard = heard.map(|(_, size)| *size).max().unwrap_or_default();
        let size = self.verify(image, heard)?;
        if lives {
            self.live(image, size)?;
        }
        Ok(())
    }

    /// Begins lives in an image: those that are killed add nothing but their first entry, the last
    /// one serves.
    fn live(&self, image: &Path, size: u64) -> Result<(), String> {
        let home = image.display().to_string();
        let mut least = size;
        for place in KILLED_AT {
            let mut up = self.place.command_of(&faulty_binary(), &["up"]);
            up.env("OMNI_HOME", &home).env("OMNI_CRASH", place);
            let ended = up.output().expect("omni runs");
            least += u64::from(place != "batch-before-write");
            let found = self.verify_with(image, least)?;
            if ended.status.success() || found["size"] != least {
                return Err(format!("killed at {place}: {found} {ended:?}"));
            }
        }
        let log = std::fs::File::create(self.place.path().join("log")).expect("a file");
        let mut up = self.place.command(&["up"]);
        up.env("OMNI_HOME", &home).stdout(Stdio::null()).stderr(log);
        let mut node = up.spawn().expect("omni runs");
        let ready = ["--home", &home, "wait", "--ready", "--timeout", "30s"];
        let ready = self.place.run(&ready);
        let invited = self.place.run(&["--home", &home, "peer", "invite"]);
        node.kill().expect("it is ours");
        node.wait().expect("it ends");
        if !ready.status.success() || !invited.status.success() {
            return Err(format!("no new life: {ready:?} {invited:?}"));
        }
        self.verify_with(image, least + 2).map(drop)
    }

    /// The ledger is whole, holds what was heard, and is a beginning of the one that was followed.
    fn verify(&self, image: &Path, heard: u64) -> Result<u64, String> {
        let found = self.verify_with(image, heard)?;
        let size = found["size"].as_u64().unwrap_or_default();
        let last = size.checked_sub(1).and_then(|last| self.hashes.get(&last));
        if size > 0 && last.map(String::as_str) != found["last"].as_str() {
            return Err(format!("another ledger: {found}"));
        }
        Ok(size)
    }

    fn verify_with(&self, image: &Path, least: u64) -> Result<Value, String> {
        let home = image.display().to_string();
        let output = self
            .place
            .run(&["--home", &home, "ledger", "verify", "--json"]);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        match found["size"].as_u64() {
            // Before the first entry there is nothing that could be verified.
            None if least == 0 => Ok(Value::Null),
            Some(size) if found["good"] == true && size >= least => Ok(found),
            Some(_) | None => Err(format!(
                "{least} entries were heard of, and there is {output:?}"
            )),
        }
    }
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_acknowledged() {
    let begun = Instant::now();
    let cuts = number_from("OMNI_CUTS", 40);
    let followed = follow(Syncing::Yes);
    let found = followed.cut(usize::try_from(cuts).expect("few"));
    assert!(found.is_empty(), "{found:#?}");
    println!(
        "{cuts} power cuts, {} kills while recovering, none lost; {:?}",
        cuts / LIVES_EVERY as u64 * KILLED_AT.len() as u64,
        begun.elapsed()
    );
}

/// The harness proves itself: of a node that does not sync, cuts lose what was acknowledged.
#[test]
fn a_node_that_does_not_sync_is_found_out() {
    let found = follow(Syncing::No).cut(12);
    let lost = found.iter().filter(|why| why.contains("were heard of"));
    assert!(lost.count() >= 3, "{found:#?}");
}
