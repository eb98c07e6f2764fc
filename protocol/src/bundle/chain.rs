//! What a hold promises that rests on deals of its giver's own (SPEC.md section 21): until when it
//! stands, how long it waits, and the commitment to what it rests on. It keeps out which deals those
//! are, and what follows when they end.

use alloc::vec::Vec;

use crate::{
    code::Code,
    hash::{DealId, PassedOn, Tag, hash},
    limits::{CHAIN_DEPTH_MAX, CHAIN_MARGIN_MS},
    thread::{Chain, HoldTerms},
    value::Time,
};

/// The commitment of a hold to the deals on which it rests. The salt is that of the header of the
/// Request that opened the first of them, in the order of their ids; it tells nobody anything but
/// its two partners.
#[must_use]
pub fn passed_on(salt: [u8; 16], deals: &[DealId]) -> PassedOn {
    let mut sorted = Vec::from(deals);
    sorted.sort_unstable();
    let ids = sorted.iter().map(|deal| deal.as_bytes().as_slice());
    let parts: Vec<&[u8]> = core::iter::once(salt.as_slice()).chain(ids).collect();
    PassedOn::from_bytes(hash(Tag::PassedOn, &parts))
}

/// What a hold may promise at this time that rests on these, of which `own` says what its giver
/// would promise by itself: it ends, and its patience is over, before theirs.
///
/// # Errors
/// `hold-over` if one of them ends so soon that nothing is left.
pub fn resting_on(at: Time, own: HoldTerms, parts: &[HoldTerms]) -> Result<HoldTerms, Code> {
    let ends = parts.iter().map(|part| part.until.ms_since(at));
    let left = ends.map(|left| left.saturating_sub(CHAIN_MARGIN_MS)).min();
    let left = left.unwrap_or(0).min(own.until.ms_since(at));
    if left == 0 {
        return Err(Code::HoldOver);
    }
    // It arms after its parts, but at the latest when it ends.
    let waits = parts.iter().map(|part| part.patience_ms);
    let waits = waits.map(|patience| {
        patience
            .saturating_sub(CHAIN_MARGIN_MS)
            .saturating_sub(left)
    });
    let co_legs = parts.iter().map(|part| part.co_legs);
    Ok(HoldTerms {
        until: at.plus_ms(left),
        patience_ms: waits.chain([own.patience_ms]).min().unwrap_or(0),
        co_legs: co_legs.chain([own.co_legs]).min().unwrap_or(own.co_legs),
        ..own
    })
}

/// The place of a deal on which another rests, which is in a chain itself or is its top.
///
/// # Errors
/// `too-large` if the chain is as deep as it may be.
pub fn below(top: DealId, above: Option<Chain>) -> Result<Chain, Code> {
    let (id, depth) = above.map_or((top, 0), |above| (above.id, above.depth));
    if depth >= CHAIN_DEPTH_MAX {
        return Err(Code::TooLarge);
    }
    Ok(Chain {
        id,
        depth: depth.saturating_add(1),
    })
}
