//! Renewal of own offers: what nobody gave an end stands until it is withdrawn, and nothing else.

use omni_node::api::offers::renewing::{due, ending};
use omni_protocol::fence::Set;
use omni_protocol::hash::{PartnerId, SubjectId};
use omni_protocol::machine::{Input, Policy, Publication, Verdict, own_offer};
use omni_protocol::public::{OfferDraft, WithdrawalReason};
use omni_protocol::slot;
use omni_protocol::value::{Minor, Price, Steps, Text, Time};
use omni_tests::market::{BEGINNING_MS, Node, network, offer};

const DAY_MS: u64 = 86_400_000;

fn day(number: u64) -> Time {
    Time::new(BEGINNING_MS + number * DAY_MS).unwrap()
}

fn subject(sku: &str) -> SubjectId {
    slot::subject(&sku.parse().unwrap(), &Text::default())
}

fn draft(sku: &str, until: Time) -> OfferDraft {
    let mut draft = offer(sku, 1000);
    draft.valid_until = until;
    draft
}

fn publish(node: &mut Node, publication: Publication) -> usize {
    match node.must(Input::Publish(vec![publication])).verdict {
        Verdict::Made(ids) => ids.len(),
        _ => 0,
    }
}

fn publish_offer(node: &mut Node, draft: OfferDraft) -> usize {
    publish(node, Publication::Offer(Box::new(draft)))
}

/// The articles whose renewal is due, by their numbers.
fn due_of(node: &Node, skus: &[&'static str]) -> Vec<&'static str> {
    let due = due(&node.store, &network(), node.now(), 100);
    let renews = |sku: &&&str| {
        due.iter().any(|publication| {
            matches!(publication, Publication::RenewOffer(of, _) if *of == subject(sku))
        })
    };
    let named: Vec<_> = skus.iter().filter(renews).copied().collect();
    assert_eq!(named.len(), due.len(), "{due:?}");
    named
}

fn standing(node: &Node, sku: &str) -> Option<OfferDraft> {
    let found = own_offer(&node.store, &network(), subject(sku), node.now());
    found.map(|(_, offer)| offer.into_draft())
}

#[test]
fn what_has_no_end_is_renewed_until_it_is_withdrawn() {
    let skus = ["OPEN", "GONE", "NAMED", "ENDS"];
    let mut node = Node::started(1, Policy::default());
    publish_offer(&mut node, draft("OPEN", day(90)));
    publish_offer(&mut node, draft("GONE", day(90)));
    publish_offer(&mut node, draft("ENDS", day(70)));
    let named = OfferDraft {
        audience: Set::<PartnerId, 64>::new([PartnerId::from_bytes([7; 32])]).unwrap(),
        ..draft("NAMED", day(90))
    };
    publish_offer(&mut node, named);
    let gone = Publication::WithdrawOffer(subject("GONE"), WithdrawalReason::Ended);
    assert_eq!(publish(&mut node, gone), 1);

    node.ms = day(59).ms();
    assert_eq!(due_of(&node, &skus), Vec::<&str>::new());
    assert_eq!(
        ending(&node.store, &network(), node.now()),
        (1, Some(day(70)))
    );
    node.ms = day(61).ms();
    assert_eq!(due_of(&node, &skus), ["OPEN", "NAMED"]);
    for publication in due(&node.store, &network(), node.now(), 100) {
        assert_eq!(publish(&mut node, publication), 1);
    }
    assert_eq!(due_of(&node, &skus), Vec::<&str>::new());
    // Only its end has changed.
    let renewed = standing(&node, "OPEN").unwrap();
    assert_eq!(renewed, draft("OPEN", day(61 + 90)));
    assert_eq!(standing(&node, "NAMED").unwrap().audience.len(), 1);

    node.ms = day(80).ms();
    assert_eq!(standing(&node, "ENDS"), None);
    assert_eq!(due_of(&node, &skus), Vec::<&str>::new());
    node.ms = day(122).ms();
    assert_eq!(due_of(&node, &skus), ["OPEN", "NAMED"]);
    // What nobody renewed is over: it does not come back with the prices of last year.
    node.ms = day(400).ms();
    assert_eq!(due_of(&node, &skus), Vec::<&str>::new());
    assert_eq!(ending(&node.store, &network(), node.now()), (0, None));
}

#[test]
fn a_renewal_undoes_no_change_that_came_between() {
    let mut node = Node::started(1, Policy::default());
    publish_offer(&mut node, draft("A", day(90)));
    node.ms = day(61).ms();
    let due = due(&node.store, &network(), node.now(), 100);
    let price = Price::new(Minor::new(900).unwrap(), Steps::new(1).unwrap()).unwrap();
    let cheaper = OfferDraft {
        price,
        ..draft("A", day(75))
    };
    assert_eq!(publish_offer(&mut node, cheaper), 1);
    for publication in due {
        publish(&mut node, publication);
    }
    assert_eq!(standing(&node, "A").unwrap().price, price);
}

#[test]
fn an_end_that_is_chosen_is_what_an_offer_says() {
    let mut node = Node::started(1, Policy::default());
    let mut check = |day_now: u64, until: u64, made: usize, why: &str| {
        node.ms = day(day_now).ms();
        let count = publish_offer(&mut node, draft("A", day(until)));
        assert_eq!(count, made, "{why}");
    };
    check(0, 90, 1, "the first");
    check(3, 93, 0, "the same, read again three days later");
    check(3, 20, 1, "it ends sooner");
    check(3, 20, 0, "that end stands");
    check(4, 24, 1, "a little later");
    check(5, 95, 1, "no end again");
    check(12, 102, 1, "after a week it is worth a record");
}
