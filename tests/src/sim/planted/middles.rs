//! What the planted bugs of chains make of what a machine in the middle reads and writes. It keeps out
//! those of deals between two and of bundles.

use omni_protocol::{
    bundle::Backing,
    deal::{Deal, State},
    fence,
    machine::{Bundle, Key, Overlay, View, Write},
};

use super::decoded;

/// A hold that rests on a part, as if it rested on stock.
pub(super) fn on_own_stock(bytes: &[u8]) -> Vec<u8> {
    let mut deal: Deal = decoded(bytes);
    if deal.state == State::Held {
        deal.backing = Backing::Stock;
    }
    fence::to_bytes(&deal)
}

/// A hold that rests on a part, as if it were over.
pub(super) fn given_up(bytes: &[u8]) -> Vec<u8> {
    let mut deal: Deal = decoded(bytes);
    if deal.state == State::Held && deal.backing == Backing::Parts {
        deal.state = State::Refused;
    }
    fence::to_bytes(&deal)
}

/// Where all parts of an open manifest have armed that is written, who asked for them has them.
pub(super) fn agree_early(writes: &mut Vec<Write>, view: &dyn View) {
    let mut overlay = Overlay::new(view);
    for write in writes.iter() {
        overlay.lay(write.clone());
    }
    let mut early = Vec::new();
    for write in writes.iter() {
        let (Key::Bundle { .. }, Some(bytes)) = (write.key, &write.value) else {
            continue;
        };
        let parts: Bundle = decoded(bytes);
        let have_armed = parts.legs.iter().all(|leg| leg.armed.is_some());
        if parts.whole.is_none() || parts.ended.is_some() || !have_armed {
            continue;
        }
        early.extend(parts.legs.iter().filter_map(|leg| {
            let deal = Deal::read(&overlay, leg.deal)?;
            (deal.state == State::Doubt).then_some((leg.deal, deal, leg.armed))
        }));
    }
    for (deal, doubted, decision) in early {
        let agreed = Deal {
            state: State::Agreed,
            decision,
            ..doubted
        };
        let key = Key::Deal { deal };
        writes.retain(|write| write.key != key);
        let value = Some(fence::to_bytes(&agreed));
        writes.push(Write { key, value });
    }
}
