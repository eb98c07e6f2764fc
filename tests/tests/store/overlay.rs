//! The overlay shows what will be true when all batches under way are synced.

use std::collections::BTreeMap;
use std::sync::Arc;

use omni_node::store::{Appender, Delta, Overlay, abort_process, ledger};
use omni_protocol::hash::ThreadId;
use omni_protocol::machine::Key;
use omni_tests::ledger::OWNER;
use proptest::prelude::*;

const STOCK: &[u8] = &[9, 1];

fn empty(home: &std::path::Path) -> (Overlay, Appender) {
    ledger::create(home, OWNER).expect("made");
    let (reader, appender) = ledger::open(home, OWNER, 1).expect("opened");
    (Overlay::new(reader, abort_process), appender)
}

/// Takes one unit if one is left, as a decision of the core would.
fn take_one(overlay: &mut Overlay) -> bool {
    let left = overlay
        .read(STOCK)
        .expect("readable")
        .map_or(0, |value| value[0]);
    if left > 0 {
        overlay.put(STOCK.to_vec(), Some(vec![left - 1]));
    }
    left > 0
}

#[test]
fn of_two_requests_for_the_last_unit_in_one_batch_one_gets_it() {
    let home = tempfile::tempdir().expect("folder");
    let (mut overlay, mut appender) = empty(home.path());
    overlay.put(STOCK.to_vec(), Some(vec![1]));
    let stocked = overlay.close();
    appender.append(&stocked).expect("appended");
    overlay.landed();

    assert!(take_one(&mut overlay));
    assert!(
        !take_one(&mut overlay),
        "the second request of the batch saw the unit"
    );
    let batch = overlay.close();
    assert!(
        !take_one(&mut overlay),
        "a request saw the unit while the batch was with the writer"
    );
    appender.append(&batch).expect("appended");
    assert!(
        !take_one(&mut overlay),
        "a request saw the unit before the loop heard of the sync"
    );
    overlay.landed();
    assert!(
        !take_one(&mut overlay),
        "a request saw the unit after the sync"
    );
}

#[test]
#[should_panic(expected = "one batch at a time")]
fn a_second_batch_is_not_closed_while_one_flies() {
    let home = tempfile::tempdir().expect("folder");
    let (mut overlay, _appender) = empty(home.path());
    drop(overlay.close());
    drop(overlay.close());
}

/// What can happen to an overlay.
#[derive(Debug, Clone)]
enum Move {
    Put(u8, u8),
    Delete(u8),
    Close,
    Write,
    Land,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (0..24u8, any::<u8>()).prop_map(|(key, value)| Move::Put(key, value)),
        2 => (0..24u8).prop_map(Move::Delete),
        1 => Just(Move::Close),
        1 => Just(Move::Write),
        1 => Just(Move::Land),
    ];
    prop::collection::vec(one, 1..60)
}

/// Keys that stay at hand when they are synced, and keys that do not.
#[derive(Debug, Clone, Copy)]
enum Keys {
    Near,
    Far,
}

impl Keys {
    fn of(self, number: u8) -> Vec<u8> {
        let key = match self {
            Self::Near => Key::Token {
                token: [number; 16],
            },
            Self::Far => Key::ThreadRecord {
                thread: ThreadId::from_bytes([0; 32]),
                number: number.into(),
            },
        };
        key.to_bytes()
    }

    fn family(self) -> u8 {
        self.of(0)[0]
    }
}

fn whole(overlay: &Overlay, keys: Keys) -> BTreeMap<u8, u8> {
    let mut found = BTreeMap::new();
    let mut after = vec![keys.family()];
    let end = [keys.family() + 1];
    while let Some(pair) = overlay.next(&after, &end).expect("readable") {
        assert!(pair.key > after, "a walk goes forward");
        found.insert(*pair.key.last().expect("a number"), pair.value[0]);
        after = pair.key;
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is open, flying or synced, reads and walks are those of a plain map.
    #[test]
    fn an_overlay_reads_like_a_map(
        moves in moves(),
        keys in prop_oneof![Just(Keys::Near), Just(Keys::Far)],
    ) {
        let home = tempfile::tempdir().expect("folder");
        let (mut overlay, mut appender) = empty(home.path());
        let mut model: BTreeMap<u8, u8> = BTreeMap::new();
        let mut flying: Option<(Arc<Delta>, bool)> = None;
        // Neighbours in other families are never walked into.
        overlay.put(vec![keys.family() - 1, 255], Some(vec![1]));
        overlay.put(vec![keys.family() + 1, 0], Some(vec![1]));
        for step in moves {
            match step {
                Move::Put(key, value) => {
                    overlay.put(keys.of(key), Some(vec![value]));
                    model.insert(key, value);
                }
                Move::Delete(key) => {
                    overlay.put(keys.of(key), None);
                    model.remove(&key);
                }
                Move::Close if flying.is_none() => flying = Some((overlay.close(), false)),
                Move::Write => {
                    if let Some((batch, written @ false)) = &mut flying {
                        appender.append(batch).expect("appended");
                        *written = true;
                    }
                }
                Move::Land if matches!(flying, Some((_, true))) => {
                    overlay.landed();
                    flying = None;
                }
                Move::Close | Move::Land => {}
            }
            prop_assert_eq!(&whole(&overlay, keys), &model);
            for key in 0..24 {
                let read = overlay.read(&keys.of(key)).expect("readable");
                prop_assert_eq!(read.map(|value| value[0]), model.get(&key).copied());
            }
        }
    }
}
