//! What a hold promises that rests on others, and where their deals stand in the chain.

use omni_protocol::{
    bundle::chain::{below, passed_on, resting_on},
    code::Code,
    hash::{Tag, hash},
    limits::{CHAIN_DEPTH_MAX, CHAIN_MARGIN_MS},
    thread::{Chain, CoLegs, HoldTerms},
    value::Time,
};
use omni_tests::samples::deal;
use proptest::prelude::*;

const AT_MS: u64 = 1_700_000_000_000;

fn time(ms: u64) -> Time {
    Time::new(AT_MS + ms).unwrap()
}

fn hold(until_ms: u64, patience_ms: u64, co_legs: CoLegs) -> HoldTerms {
    HoldTerms {
        until: time(until_ms),
        passed_on: None,
        patience_ms,
        co_legs,
        arm_last: true,
    }
}

#[test]
fn a_hold_ends_before_those_on_which_it_rests() {
    let minute = 60_000;
    let own = hold(30 * minute, 60 * minute, CoLegs::Any);
    let parts = [
        hold(15 * minute, 60 * minute, CoLegs::Known),
        hold(20 * minute, 50 * minute, CoLegs::Any),
    ];
    let given = resting_on(time(0), own, &parts).unwrap();
    let stands = 15 * minute - CHAIN_MARGIN_MS;
    assert_eq!(given.until, time(stands));
    assert_eq!(given.patience_ms, 50 * minute - CHAIN_MARGIN_MS - stands);
    assert_eq!(given.co_legs, CoLegs::Known);
    assert!(given.arm_last);

    // Its giver may promise less by itself.
    let own = hold(minute, 2 * minute, CoLegs::None);
    assert_eq!(resting_on(time(0), own, &parts), Ok(own));
}

#[test]
fn nothing_rests_on_what_ends_too_soon() {
    let own = hold(900_000, 0, CoLegs::Any);
    let part = |until| [hold(until, 0, CoLegs::Any)];
    let refused = Err(Code::HoldOver);
    assert_eq!(resting_on(time(0), own, &part(CHAIN_MARGIN_MS)), refused);
    assert_eq!(resting_on(time(0), own, &[]), refused);
    let least = resting_on(time(0), own, &part(CHAIN_MARGIN_MS + 1)).unwrap();
    assert_eq!(least.until, time(1));
}

proptest! {
    /// Whenever a part armed, and whenever within its own time the hold that rests on it: its giver
    /// may lapse before the part does.
    #[test]
    fn whoever_is_in_the_middle_waits_no_longer_than_its_parts(
        (until, patience) in (0..5_000_000_u64, 0..5_000_000_u64),
        parts in prop::collection::vec((0..5_000_000_u64, 0..5_000_000_u64), 1..4),
    ) {
        let own = hold(until, patience, CoLegs::Any);
        let parts: Vec<HoldTerms> = parts
            .into_iter()
            .map(|(until, patience)| hold(until, patience, CoLegs::Any))
            .collect();
        if let Ok(given) = resting_on(time(0), own, &parts) {
            prop_assert!(given.until <= own.until && given.patience_ms <= own.patience_ms);
            for part in parts {
                prop_assert!(given.until.plus_ms(CHAIN_MARGIN_MS) <= part.until);
                // It arms when it ends, at the latest; the part armed at the beginning.
                let waited = given.until.plus_ms(given.patience_ms + CHAIN_MARGIN_MS);
                prop_assert!(given.patience_ms == 0 || waited <= time(part.patience_ms));
            }
        }
    }
}

#[test]
fn a_commitment_is_to_its_salt_and_to_all_its_deals() {
    let (one, other) = (deal(1), deal(2));
    let both = passed_on([7; 16], &[other, one]);
    assert_eq!(both, passed_on([7; 16], &[one, other]), "in any order");
    let ids = [one.as_bytes().as_slice(), other.as_bytes()].concat();
    assert_eq!(*both.as_bytes(), hash(Tag::PassedOn, &[&[7; 16], &ids]));
    for (salt, deals) in [
        ([8; 16], vec![one, other]),
        ([7; 16], vec![one]),
        ([7; 16], vec![one, other, deal(3)]),
    ] {
        assert_ne!(both, passed_on(salt, &deals));
    }
}

#[test]
fn a_chain_has_the_id_of_its_top_and_ends() {
    let mut above = None;
    let mut id = deal(9);
    for depth in 1..=CHAIN_DEPTH_MAX {
        let place = below(id, above).unwrap();
        assert_eq!(place, Chain { id: deal(9), depth });
        above = Some(place);
        id = deal(depth);
    }
    assert_eq!(below(id, above), Err(Code::TooLarge));
}
