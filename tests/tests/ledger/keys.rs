//! Keys are their bytes, and sort as they do.

use omni_protocol::{
    hash::{DealId, PartnerId, RecordId, SubjectId},
    machine::Key,
    value::Time,
};
use proptest::prelude::*;

fn time(ms: u64) -> Time {
    Time::new(ms).unwrap()
}

#[test]
fn each_family_has_a_number_of_its_own_and_a_least_key() {
    let families: Vec<Key> = Key::families().collect();
    for pair in families.windows(2) {
        assert!(pair[0].family() < pair[1].family(), "{pair:?}");
    }
    for key in families {
        let bytes = key.to_bytes();
        assert_eq!(bytes[0], key.family());
        assert!(key.family() < 128, "the rest is the store's");
        assert_eq!(Key::from_bytes(&bytes), Some(key));
        assert_eq!(Key::from_bytes(&bytes[..bytes.len() - 1]), None, "{key:?}");
        assert_eq!(
            Key::from_bytes(&[&bytes[..], &[0]].concat()),
            None,
            "{key:?}"
        );
    }
    assert_eq!(Key::from_bytes(&[0]), None);
}

fn keys() -> impl Strategy<Value = Key> {
    let id = any::<[u8; 32]>();
    prop_oneof![
        (any::<u32>(), any::<u64>()).prop_map(|(epoch, sequence)| Key::Entry { epoch, sequence }),
        (any::<u32>(), any::<u8>(), any::<u64>()).prop_map(|(epoch, level, index)| Key::Node {
            epoch,
            level,
            index
        }),
        (0..1_u64 << 40, id).prop_map(|(ms, id)| Key::Due {
            end: time(ms),
            deal: DealId::from_bytes(id)
        }),
        (any::<u16>(), id).prop_map(|(family, id)| Key::Slot {
            family,
            subject: SubjectId::from_bytes(id)
        }),
        (id, any::<u64>()).prop_map(|(id, number)| Key::Outbox {
            partner: PartnerId::from_bytes(id),
            number
        }),
        id.prop_map(|id| Key::Record {
            id: RecordId::from_bytes(id)
        }),
    ]
}

proptest! {
    #[test]
    fn keys_sort_as_their_bytes_do(one in keys(), other in keys()) {
        prop_assert_eq!(one.cmp(&other), one.to_bytes().cmp(&other.to_bytes()));
        prop_assert_eq!(Key::from_bytes(&one.to_bytes()), Some(one));
    }

    #[test]
    fn arbitrary_bytes_are_a_key_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Some(key) = Key::from_bytes(&bytes) {
            prop_assert_eq!(key.to_bytes(), bytes);
        }
    }
}
