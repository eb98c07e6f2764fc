//! Tombstones (SPEC.md section 12): refused deals are remembered for `TOMBSTONE_DAYS` after the end
//! of what was refused, then forgotten in the order of that end. Agreed ones stay with their orders.

use crate::{
    fence,
    hash::DealId,
    limits::{DAY_MS, TOMBSTONE_DAYS},
    machine::{Key, Overlay, View, bundle, stored},
    thread::Chain,
    value::Time,
};

/// Most deals that one entry forgets, so that no entry takes long.
const FORGOTTEN_MAX: usize = 8;

/// The latest end of validity that was forgotten; what ended at or before it is refused unseen.
#[must_use]
pub fn horizon(view: &dyn View) -> Option<Time> {
    stored(view, &Key::Horizon {})
}

/// Notes a refused deal.
pub(crate) fn lay(view: &mut Overlay<'_>, end: Time, deal: DealId) {
    view.put_bytes(Key::Tombstone { end, deal }, fence::to_bytes(&deal));
}

/// What was refused stands again.
pub(crate) fn lift(view: &mut Overlay<'_>, end: Time, deal: DealId) {
    view.delete(Key::Tombstone { end, deal });
}

/// Forgets what is old enough by ledger time.
pub(crate) fn prune(view: &mut Overlay<'_>, at: Time) {
    let mut after = Key::Tombstone {
        end: Time::default(),
        deal: DealId::from_bytes([0; 32]),
    };
    for _ in 0..FORGOTTEN_MAX {
        let Some((key @ Key::Tombstone { end, deal }, _)) = view.next(&after) else {
            return;
        };
        if at.ms_since(end) <= TOMBSTONE_DAYS * DAY_MS {
            return;
        }
        view.delete(key);
        view.delete(Key::Decision { deal });
        let known = super::Deal::read(view, deal);
        if let Some(Chain { id: chain, .. }) = known.as_ref().and_then(|known| known.chain) {
            view.delete(Key::Chain { chain, deal });
        }
        let manifest = known.and_then(|known| known.manifest);
        view.delete(Key::Deal { deal });
        view.delete(Key::Committed { deal });
        view.delete(Key::Decided { deal });
        if let Some(manifest) = manifest {
            bundle::forget(view, manifest);
        }
        view.put(Key::Horizon {}, &end);
        after = key;
    }
}
