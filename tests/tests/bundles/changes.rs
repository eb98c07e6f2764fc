//! Bundles of changes between production machines: orders of several providers are amended all
//! together, or all stay as they were.

use omni_protocol::{
    code::Code,
    deal::order::Order,
    fence,
    hash::{BundleId, DealId, RecordId},
    machine::{Approval, Bundling, DraftLeg, Requesting, Verb, Verdict, bundle_id},
    thread::{Change, ChangeWhat},
    value::Text,
};
use omni_tests::market::{amendment, terms};

use omni_tests::party::{MINUTE_MS, PRICE, Party, made, sku};

/// Orders of one piece of each provider, and the bundle in which they were agreed.
fn agreed(party: &mut Party, legs: &[usize]) -> (BundleId, Vec<DealId>) {
    party.settle();
    let (bundle, orders) = party.collect(legs);
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    party.settle();
    (bundle, orders)
}

/// A hold is asked for three pieces in place of one, and the provider's operator grants it.
fn change(party: &mut Party, provider: usize, order: DealId) -> DealId {
    let sku = sku(provider);
    let on = Change {
        order,
        version: 1,
        what: ChangeWhat::Amend,
    };
    let requesting = Requesting {
        partner: party.partner(provider),
        thread: None,
        proposal: None,
        valid_until: party.nodes[0].now().plus_ms(20 * MINUTE_MS),
        terms: amendment(&terms(&sku, PRICE, 1), &[(&sku, PRICE, 3)], 0, on),
        commit: Approval::Asked,
    };
    let deal = made(&party.verb(0, Verb::Request(requesting)));
    party.settle();
    assert_eq!(
        party.state(provider, deal),
        "asked",
        "nobody granted it yet"
    );
    let other = if provider == 1 { 2 } else { 1 };
    let refused = Verdict::Refused(Code::ChangesOrder);
    assert_eq!(party.source(provider, deal, other), refused);
    let accept = Verb::Accept {
        thread: RecordId::from(deal).into(),
        alternative: 0,
    };
    assert!(matches!(party.verb(provider, accept), Verdict::Made(_)));
    party.settle();
    assert_eq!(party.state(0, deal), "held");
    deal
}

/// The changes of all these orders, put together.
fn changes(
    party: &mut Party,
    of: BundleId,
    (legs, orders): (&[usize], &[DealId]),
) -> (BundleId, Vec<DealId>) {
    let deals = legs.iter().zip(orders);
    let deals: Vec<_> = deals
        .map(|(leg, order)| change(party, *leg, *order))
        .collect();
    let name: Text<64, 1> = "more of it".parse().unwrap();
    let bundle = bundle_id(&name);
    let changes = Some(of);
    assert_eq!(party.word(Bundling::New { name, changes }), Verdict::Done);
    for deal in &deals {
        let leg = DraftLeg {
            deal: *deal,
            alternative: 0,
            after: fence::List::default(),
        };
        assert_eq!(party.word(Bundling::Add { bundle, leg }), Verdict::Done);
    }
    (bundle, deals)
}

/// Version and pieces of an order at both sides, with nothing open about it, and as much owed as
/// they cost.
#[track_caller]
fn stands(party: &Party, (leg, order): (usize, DealId), version: u32, pieces: u64) {
    for at in [0, leg] {
        let kept = Order::read(&party.nodes[at].store, order).expect("an order");
        let found = (kept.version, kept.lines[0].ordered, kept.change);
        assert_eq!(found, (version, pieces, None), "at {at} with {leg}");
    }
    let stock = party.stock(leg);
    assert_eq!((stock.held, stock.sold), (0, pieces), "at {leg}");
    let (here, there) = (party.account(0, leg), party.account(leg, 0));
    let owed = PRICE * i64::try_from(pieces).unwrap();
    assert_eq!(here.payable.get(), owed, "owed to {leg}");
    assert_eq!(there.receivable.get(), owed, "owed by {leg}");
    assert_eq!((here.doubt.get(), there.held.get()), (0, 0), "with {leg}");
}

#[test]
fn orders_are_amended_together() {
    let legs = [1, 2, 3];
    let mut party = Party::of(4);
    let (bundle, orders) = agreed(&mut party, &legs);
    let (together, _) = changes(&mut party, bundle, (&legs, &orders));
    assert!(matches!(party.commit(together), Verdict::Made(_)));
    party.settle();
    for (leg, order) in legs.iter().zip(&orders) {
        stands(&party, (*leg, *order), 2, 3);
    }
    party.verify();
}

#[test]
fn one_that_refuses_leaves_all_as_they_were() {
    let legs = [1, 2, 3];
    let mut party = Party::of(4);
    let (bundle, orders) = agreed(&mut party, &legs);
    let (together, _) = changes(&mut party, bundle, (&legs, &orders));
    // The clock of the second provider runs ahead, beyond the end of its hold.
    party.nodes[2].ms += 16 * MINUTE_MS;
    assert!(matches!(party.commit(together), Verdict::Made(_)));
    party.settle();
    for (leg, order) in legs.iter().zip(&orders) {
        stands(&party, (*leg, *order), 1, 1);
    }
    party.verify();
}

#[test]
fn of_a_leg_that_lapsed_the_terms_before_stand() {
    let legs = [1, 2];
    let mut party = Party::of(3);
    let (bundle, orders) = agreed(&mut party, &legs);
    let (together, deals) = changes(&mut party, bundle, (&legs, &orders));
    // The first arms and hears nothing more; the second arms, and A agrees.
    party.disconnect(1, 2);
    party.cut_off(2);
    assert!(matches!(party.commit(together), Verdict::Made(_)));
    party.settle();
    party.cut_off(1);
    party.connect(0, 2);
    party.settle();
    let order = |party: &Party, at: usize| {
        let order = Order::read(&party.nodes[at].store, orders[0]).unwrap();
        (order.version, order.change)
    };
    assert_eq!(order(&party, 0), (2, None));
    assert_eq!(order(&party, 1), (1, Some(deals[0])), "busy until it ends");
    party.wait(61 * MINUTE_MS);
    let deal = deals[0];
    let lapse = Verb::Bundle(Bundling::Lapse { deal });
    assert!(matches!(party.verb(1, lapse), Verdict::Made(_)));
    party.connect_all();
    party.settle();
    assert_eq!(party.state(1, deals[0]), "lapsed");
    assert_eq!(party.state(0, deals[0]), "aborted");
    stands(&party, (1, orders[0]), 1, 1);
    stands(&party, (2, orders[1]), 2, 3);
    party.verify();
}

/// New orders and changes are not mixed, since only one of both is given back by what lapses.
#[test]
fn a_bundle_is_one_of_changes_or_of_new_orders() {
    let legs = [1, 2];
    let mut party = Party::of(3);
    let (bundle, orders) = agreed(&mut party, &legs);
    let (together, deals) = changes(&mut party, bundle, (&legs, &orders));
    let new = party.request(1, 1);
    party.settle();
    let leg = |deal| DraftLeg {
        deal,
        alternative: 0,
        after: fence::List::default(),
    };
    let add = |bundle, deal| Bundling::Add {
        bundle,
        leg: leg(deal),
    };
    let refused = Verdict::Refused(Code::HoldUnknown);
    assert_eq!(party.word(add(together, new)), refused);
    let name: Text<64, 1> = "new".parse().unwrap();
    let other = bundle_id(&name);
    let changes = None;
    assert_eq!(party.word(Bundling::New { name, changes }), Verdict::Done);
    let kept = party.word(add(other, deals[0]));
    assert_eq!(kept, Verdict::Refused(Code::OtherManifest));
}
