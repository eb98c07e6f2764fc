//! What the tests of the ledger store share: a home with a known owner, batches whose content
//! follows from their number, and the check that a ledger holds exactly the batches 1 to n.

use std::path::Path;

use omni_node::store::{Appender, Delta, LedgerReader, Owner, Pair, StoreError, ledger};

/// The owner of all homes of these tests.
pub const OWNER: Owner = Owner {
    network: [1; 32],
    partner: [2; 32],
};
/// Keys that each batch writes, so that half a batch would be seen.
pub const KEYS_PER_BATCH: u8 = 5;
/// The family of the keys, and the first that is not in it.
pub const FAMILY: &[u8] = &[7];
/// End of the family.
pub const FAMILY_END: &[u8] = &[8];

/// The key number `index` of batch `number`.
#[must_use]
pub fn key(number: u64, index: u8) -> Vec<u8> {
    let mut key = FAMILY.to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    key.push(index);
    key
}

/// Its value: too long to share a block of the log with many others.
#[must_use]
pub fn value(number: u64, index: u8) -> Vec<u8> {
    let mut value = number
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .to_be_bytes()
        .repeat(12);
    value.push(index);
    value
}

/// Batch `number`.
#[must_use]
pub fn batch(number: u64) -> Delta {
    let mut delta = Delta::default();
    for index in 0..KEYS_PER_BATCH {
        delta.put(key(number, index), Some(value(number, index)));
    }
    delta
}

/// Makes a ledger with the batches 1 to `count` and closes it.
///
/// # Panics
/// When the store refuses.
pub fn make(home: &Path, count: u64) {
    ledger::create(home, OWNER).expect("made");
    let (_reader, mut appender) = ledger::open(home, OWNER, 1).expect("opened");
    append(&mut appender, count);
}

/// Appends `count` batches that continue the ledger.
///
/// # Panics
/// When the store refuses.
pub fn append(appender: &mut Appender, count: u64) {
    for _ in 0..count {
        let number = appender.last().number + 1;
        appender.append(&batch(number)).expect("appended");
    }
}

/// Expects the batches 1 to `count`, each whole, and nothing else.
///
/// # Errors
/// What the store answers when it is read.
///
/// # Panics
/// When the content differs.
pub fn expect_exactly(reader: &LedgerReader, count: u64) -> Result<(), StoreError> {
    let mut expected = (1..=count).flat_map(|number| {
        (0..KEYS_PER_BATCH).map(move |index| Pair {
            key: key(number, index),
            value: value(number, index),
        })
    });
    for pair in reader.walk(FAMILY, FAMILY_END) {
        assert_eq!(Some(pair?), expected.next(), "after {count} batches");
    }
    assert_eq!(expected.next(), None, "after {count} batches");
    Ok(())
}
