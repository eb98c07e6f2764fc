//! Two nodes with stores, loop and net: offers spread, and a deal goes through its six steps.

use std::time::Instant;

use omni_protocol::deal::stock::Stock;
use omni_protocol::deal::{Deal, State};
use omni_protocol::fence::Set;
use omni_protocol::hash::{DealId, PartnerId};
use omni_protocol::machine::{Approval, Count, Grant, Input, Requesting, Verb, Verdict};
use omni_protocol::public::OfferDraft;
use omni_protocol::slot;
use omni_protocol::value::{Minor, Money, Text};
use omni_tests::goods::{euro, now, offer, terms};
use omni_tests::node::{Node, Reach, wait_for};

fn found(node: &Node, query: &str) -> usize {
    node.market
        .search(query, 0, 10_000)
        .expect("searched")
        .found
        .len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offers_spread_by_gossip_and_by_pull() {
    let homes = [
        tempfile::tempdir().expect("folder"),
        tempfile::tempdir().expect("folder"),
    ];
    let seller = Node::start(homes[0].path(), 1, Reach::Loopback);
    let buyer = Node::start(homes[1].path(), 2, Reach::Loopback);
    buyer.befriend(&seller).await;

    let begun = Instant::now();
    seller.publish((0..3).map(offer)).await;
    wait_for("three offers", async || {
        (found(&buyer, "drill") == 3).then_some(())
    })
    .await;
    println!("3 offers by gossip: {:?}", begun.elapsed());

    let begun = Instant::now();
    seller.publish((3..2400).map(offer)).await;
    println!("2,397 offers published: {:?}", begun.elapsed());
    wait_for("2,400 offers", async || {
        let same = seller.market.catalogue(seller.partner).expect("read")
            == buyer.market.catalogue(seller.partner).expect("read");
        (same && found(&buyer, "drill") == 2400).then_some(())
    })
    .await;
    println!("2,397 offers by pull: {:?}", begun.elapsed());

    // For one partner alone: it gets there, and is in nobody's catalogue.
    let named = OfferDraft {
        title: Text::new("Secret saw").expect("valid"),
        sku: Text::new("SAW").expect("valid"),
        audience: Set::<PartnerId, 64>::new([buyer.partner]).expect("one"),
        ..offer(1)
    };
    seller.publish(std::iter::once(named)).await;
    wait_for("the named offer", async || {
        (found(&buyer, "secret saw") == 1).then_some(())
    })
    .await;
    let catalogue = seller.market.catalogue(seller.partner).expect("read");
    assert_eq!(catalogue.ids.count(), 2400);
    buyer.end().await;
    seller.end().await;

    // A market store that was lost is filled from the ledger and, at the buyer's, from the seller.
    for home in &homes {
        std::fs::remove_dir_all(home.path().join("market")).expect("removed");
    }
    let seller = Node::start(homes[0].path(), 1, Reach::Loopback);
    assert_eq!(
        seller.market.catalogue(seller.partner).expect("read"),
        catalogue
    );
    let buyer = Node::start(homes[1].path(), 2, Reach::Loopback);
    assert_eq!(found(&buyer, "drill"), 0);
    let begun = Instant::now();
    buyer.befriend(&seller).await;
    wait_for("all of it again", async || {
        (found(&buyer, "drill") == 2400 && found(&buyer, "secret saw") == 1).then_some(())
    })
    .await;
    println!("2,400 offers by a late joiner: {:?}", begun.elapsed());
    buyer.end().await;
    seller.end().await;
}

async fn request(buyer: &Node, seller: PartnerId, steps: u64) -> DealId {
    let requesting = Requesting {
        partner: seller,
        thread: None,
        proposal: None,
        valid_until: now().plus_ms(3_600_000),
        terms: terms(steps),
        commit: Approval::Given,
    };
    let verdict = wait_for("a greeting", async || {
        match buyer
            .decide(Input::Verb(Box::new(Verb::Request(requesting.clone()))))
            .await
        {
            Verdict::Away => None,
            verdict @ (Verdict::Done | Verdict::Made(_) | Verdict::Refused(_)) => Some(verdict),
        }
    })
    .await;
    match verdict {
        Verdict::Made(ids) => DealId::from(*ids.last().expect("one")),
        other => panic!("{other:?}"),
    }
}

async fn state_becomes(node: &Node, deal: DealId, state: State) {
    let what = format!("{state:?}");
    wait_for(&what, async || {
        let deal = Deal::read(&node.view(), deal)?;
        (deal.state == state).then_some(())
    })
    .await;
}

async fn ready_to_trade(homes: &[tempfile::TempDir; 2], stock: u64) -> (Node, Node) {
    let seller = Node::start(homes[0].path(), 1, Reach::Loopback);
    let buyer = Node::start(homes[1].path(), 2, Reach::Loopback);
    buyer.befriend(&seller).await;
    seller.publish(std::iter::once(offer(1))).await;
    let count = Count {
        sku: Text::new("SKU-1").expect("valid"),
        list: Text::default(),
        steps: stock,
    };
    assert_eq!(seller.decide(Input::Count(count)).await, Verdict::Done);
    let limit = Money {
        minor: Minor::new(1_000_000).expect("small"),
        currency: euro(),
    };
    let credit = Grant::Credit {
        partner: buyer.partner,
        limit,
    };
    assert_eq!(seller.decide(Input::Grant(credit)).await, Verdict::Done);
    let budget = Grant::Budget {
        partner: seller.partner,
        limit,
    };
    assert_eq!(buyer.decide(Input::Grant(budget)).await, Verdict::Done);
    (seller, buyer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_goes_through_its_six_steps() {
    let homes = [
        tempfile::tempdir().expect("folder"),
        tempfile::tempdir().expect("folder"),
    ];
    let (seller, buyer) = ready_to_trade(&homes, 10).await;
    let begun = Instant::now();
    let deal = request(&buyer, seller.partner, 2).await;
    state_becomes(&buyer, deal, State::Agreed).await;
    state_becomes(&seller, deal, State::Sold).await;
    println!("request to agreement: {:?}", begun.elapsed());
    let subject = slot::subject(&Text::new("SKU-1").expect("valid"), &Text::default());
    let stock = Stock::read(&seller.view(), subject);
    assert_eq!((stock.counted, stock.held, stock.sold), (10, 0, 2));
    buyer.end().await;
    seller.end().await;
}

/// Of two requests for the last unit, put to one loop in one batch or not, one is agreed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_unit_is_sold_once() {
    let homes = [
        tempfile::tempdir().expect("folder"),
        tempfile::tempdir().expect("folder"),
    ];
    let (seller, buyer) = ready_to_trade(&homes, 1).await;
    let (first, second) = tokio::join!(
        request(&buyer, seller.partner, 1),
        request(&buyer, seller.partner, 1)
    );
    let states = wait_for("both decisions", async || {
        let states =
            [first, second].map(|deal| Deal::read(&buyer.view(), deal).map(|deal| deal.state));
        states
            .iter()
            .all(|state| matches!(state, Some(State::Agreed | State::Aborted)))
            .then_some(states)
    })
    .await;
    assert_ne!(states[0], states[1], "{states:?}");
    buyer.end().await;
    seller.end().await;
}
