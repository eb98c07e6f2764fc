//! A ledger that was changed is found out, whatever was changed.

use omni_protocol::{
    hash::PartnerId,
    ledger::{Broken, Verified, verify},
    machine::{Count, Grant, Input, Key, Policy, Publication, Standing},
    value::Text,
};
use omni_tests::market::{Identity, Node, article, offer};

/// A node with a small ledger: offers, counts, a grant and two lives.
fn node() -> Node {
    let mut node = Node::started(1, Policy::default());
    article(&mut node, "A", 1000, 10);
    article(&mut node, "B", 500, 3);
    let partner = Identity::new(2).partner;
    let standing = Standing::Partner;
    node.must(Input::Grant(Grant::Standing { partner, standing }));
    node.restart(Policy::default());
    node.must(Input::Count(Count {
        sku: "A".parse().unwrap(),
        list: Text::default(),
        steps: 8,
    }));
    node.sign_checkpoint();
    node
}

fn check(node: &Node) -> Result<Verified, Broken> {
    let key_of = |partner: PartnerId, index| {
        (partner == node.partner() && index == 0).then(|| node.identity.key.clone())
    };
    verify(&node.config(), &node.store, &key_of)
}

#[test]
fn a_good_ledger_is_good() {
    let node = node();
    let found = check(&node).unwrap();
    assert_eq!((found.entries, found.records), (8, 2));
    assert_eq!(found.head, *node.machine.head());
    let empty = Node::new(1, Policy::default());
    assert_eq!(check(&empty).unwrap().entries, 0);
}

/// Flips one bit of each stored value in turn. Bookkeeping that no entry states is not the
/// ledger's, but for the checkpoint and the proofs.
#[test]
fn each_changed_value_is_found() {
    let node = node();
    let mut families = std::collections::BTreeSet::new();
    for (key, value) in &node.store.0 {
        if !key.is_projection() && !matches!(key, Key::Proof { .. } | Key::Checkpoint {}) {
            continue;
        }
        families.insert(key.family());
        for at in [0, value.len() / 2, value.len().saturating_sub(1)] {
            if value.is_empty() {
                continue;
            }
            let mut changed = node.clone();
            changed.store.0.get_mut(key).unwrap()[at] ^= 1;
            assert!(check(&changed).is_err(), "{key:?} at byte {at}");
        }
        let mut changed = node.clone();
        changed.store.0.remove(key);
        assert!(check(&changed).is_err(), "{key:?} removed");
    }
    assert!(families.len() >= 10, "{families:?}");
}

#[test]
fn what_the_entries_do_not_give_is_found() {
    let mut node = node();
    let key = Key::Stock {
        subject: omni_protocol::hash::SubjectId::from_bytes([9; 32]),
    };
    node.store.0.insert(key, vec![1, 0, 0, 0]);
    assert_eq!(check(&node), Err(Broken::Projection(key)));
}

#[test]
fn an_entry_at_the_end_can_not_be_dropped() {
    let mut node = node();
    let sequence = node.machine.head().size - 1;
    node.store.0.remove(&Key::Entry { epoch: 0, sequence });
    assert_eq!(check(&node), Err(Broken::Tree));
}

/// I15, and what a second start finds: the same machine.
#[test]
fn a_restart_finds_what_was_written() {
    let mut node = node();
    let before = (node.store.clone(), *node.machine.head());
    let again = omni_protocol::machine::Machine::load(node.config(), &node.store);
    assert_eq!(*again.head(), before.1);
    // Publishing what stands already changes nothing.
    let step = node.put(Input::Publish(vec![Publication::Offer(Box::new(offer(
        "A", 1000,
    )))]));
    assert_eq!(step.entries().count(), 0);
    assert_eq!(node.store, before.0);
}
