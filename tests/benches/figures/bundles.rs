//! Bundles of four legs per second between five nodes with synced disks, against single deals
//! between two of them in the same run; how often each of the five syncs for one; and how many round
//! trips one takes, against a single deal.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use omni_node::view::event::{EventView, WhatView};
use omni_protocol::fence::List;
use omni_protocol::hash::DealId;
use omni_protocol::machine::{Approval, Bundling, DraftLeg, Input, Verb, Verdict, bundle_id};
use omni_protocol::value::Text;
use omni_tests::node::{Node, Reach};
use omni_tests::party::{Party, made};
use omni_tests::ratio::{Ratio, Wanted, median};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::agreements::nodes::{self, Heard};

const LEGS: usize = 4;
/// Under way at once, how many bundles and how many deals are timed, and the least share.
const RUNS: [(usize, usize, usize, f64); 2] = [(1, 60, 150, 0.15), (16, 300, 800, 0.15)];
/// Both are measured in turns, and the median counts: the machine may be shared.
const ROUNDS: usize = 3;
/// Syncs of each of the five for one bundle, with 16 under way.
const SYNCS_MOST: f64 = 2.0;
/// Of the first request until every firm has the agreement, in those of a single deal.
const TRIPS_MOST: f64 = 1.0;
/// There and back are two ways; more of them have no end.
const WAYS_MAX: u32 = 64;

pub(crate) fn measure(runtime: &Runtime) -> Vec<Ratio> {
    let mut ratios = Vec::new();
    let mut syncs = f64::NAN;
    for (in_flight, bundles, deals, at_least) in RUNS {
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let cost = runtime.block_on(commit(in_flight, bundles));
            ours.push(cost.per_second);
            syncs = cost.syncs;
            floor.push(runtime.block_on(nodes::agree(in_flight, deals)).per_second);
        }
        ratios.push(Ratio {
            what: format!("four-leg bundles per second, {in_flight} in flight ÷ single deals"),
            ours: median(ours),
            floor: median(floor),
            wanted: Wanted::AtLeast(at_least),
        });
    }
    ratios.push(Ratio {
        what: "syncs per node and four-leg bundle, 16 in flight".to_owned(),
        ours: syncs,
        floor: 1.0,
        wanted: Wanted::AtMost(SYNCS_MOST),
    });
    let [ours, floor] = [LEGS, 1].map(round_trips);
    ratios.push(Ratio {
        what: "round trips until a four-leg bundle is agreed everywhere ÷ a single deal".to_owned(),
        ours,
        floor,
        wanted: Wanted::AtMost(TRIPS_MOST),
    });
    ratios
}

/// Round trips until a retailer and the firm of each leg have the agreement, from the first request
/// on. Counted between machines, where all that is on its way arrives at once, and what follows from
/// it the next time.
fn round_trips(legs: usize) -> f64 {
    let firms: Vec<usize> = (1..=legs).collect();
    let mut party = Party::of(legs + 1);
    party.settle();
    let is_alone = legs == 1;
    let ask = |firm: &usize| {
        let mut requesting = party.requesting(*firm, 1);
        if is_alone {
            requesting.commit = Approval::Given;
        }
        made(&party.verb(0, Verb::Request(requesting)))
    };
    let deals: Vec<_> = firms.iter().map(ask).collect();
    let are = |party: &Party, state| party.states(&deals, &firms).iter().all(|it| *it == state);
    let mut is_committed = is_alone;
    for way in 0..WAYS_MAX {
        if are(&party, ("agreed", "sold")) {
            return f64::from(way) / 2.0;
        }
        if !is_committed && are(&party, ("held", "held")) {
            let bundle = party.draft(&deals);
            assert!(matches!(party.commit(bundle), Verdict::Made(_)));
            is_committed = true;
        }
        party.round();
    }
    panic!("not agreed");
}

/// What bundles cost.
struct Cost {
    /// Bundles per second, until the retailer's disk has the last certificate.
    per_second: f64,
    /// Syncs of each node for one bundle.
    syncs: f64,
}

/// Lets a retailer commit `count` bundles of a leg of each of four firms, `in_flight` at once.
async fn commit(in_flight: usize, count: usize) -> Cost {
    let folder = tempfile::tempdir().expect("a folder");
    let mut five = Vec::new();
    for number in 1..=LEGS + 1 {
        let home = folder.path().join(number.to_string());
        fs::create_dir(&home).expect("made");
        let number = u8::try_from(number).expect("few");
        five.push((Node::start(&home, number, Reach::Loopback), home));
    }
    for (place, (one, _)) in five.iter().enumerate() {
        for (other, _) in &five[..place] {
            if other.partner == five[0].0.partner {
                nodes::prepare(one, other).await;
            } else {
                one.befriend(other).await;
            }
        }
    }
    let [(retailer, _), firms @ ..] = five.as_slice() else {
        unreachable!("five")
    };
    let firms: Vec<&Node> = firms.iter().map(|(node, _)| node).collect();
    let mut market = Market::new(retailer, firms);
    // One before the clock runs: all have greeted each other then.
    market.commit(1, 1).await;
    let begun = Instant::now();
    market.commit(in_flight, count).await;
    let per_second = count as f64 / begun.elapsed().as_secs_f64();
    drop(market);
    let mut syncs = 0;
    for (node, home) in five {
        syncs += nodes::end(node, &home).await;
    }
    let syncs = syncs as f64 / (LEGS + 1) as f64 / (count + 1) as f64;
    Cost { per_second, syncs }
}

/// A retailer, its firms, and what is known of the deals.
struct Market<'a> {
    retailer: &'a Node,
    firms: Vec<&'a Node>,
    heard: Heard<'a>,
    states: BTreeMap<String, String>,
    begun: usize,
}

/// A bundle on its way.
#[derive(Default)]
struct Underway {
    asked: Vec<oneshot::Receiver<Verdict>>,
    deals: Vec<DealId>,
    is_committed: bool,
    /// The answers to what puts it together and commits it.
    said: Vec<oneshot::Receiver<Verdict>>,
}

impl<'a> Market<'a> {
    fn new(retailer: &'a Node, firms: Vec<&'a Node>) -> Self {
        Self {
            retailer,
            firms,
            heard: Heard::new(retailer),
            states: BTreeMap::new(),
            begun: 0,
        }
    }

    async fn commit(&mut self, in_flight: usize, count: usize) {
        let end = self.begun + count;
        let mut underway: Vec<Underway> = Vec::new();
        loop {
            while self.begun < end && underway.len() < in_flight {
                self.begun += 1;
                underway.push(self.ask());
            }
            for event in self.heard.heard().await {
                let event: EventView = serde_json::from_slice(&event).expect("an event");
                if let WhatView::Deal { deal, state, .. } = event.what {
                    self.states.insert(deal, state);
                }
            }
            for bundle in &mut underway {
                self.go_on(bundle);
            }
            underway.retain(|bundle| !self.all_are(&bundle.deals, "agreed"));
            if underway.is_empty() && self.begun == end {
                return;
            }
        }
    }

    /// Asks each firm for a hold.
    fn ask(&self) -> Underway {
        let request = |firm: &&Node| nodes::request(firm, Approval::Asked);
        let asked = self.firms.iter().map(request);
        Underway {
            asked: asked.map(|input| self.retailer.ask(input)).collect(),
            ..Underway::default()
        }
    }

    fn all_are(&self, deals: &[DealId], state: &str) -> bool {
        let is = |deal: &DealId| {
            self.states
                .get(&deal.to_string())
                .is_some_and(|it| it == state)
        };
        deals.len() == LEGS && deals.iter().all(is)
    }

    /// Commits what is held.
    fn go_on(&self, bundle: &mut Underway) {
        bundle.asked.retain_mut(|answer| match answer.try_recv() {
            Ok(Verdict::Made(ids)) => {
                bundle.deals.extend(ids.last().map(|id| DealId::from(*id)));
                false
            }
            Ok(verdict) => panic!("{verdict:?}"),
            Err(_not_yet) => true,
        });
        bundle.said.retain_mut(|answer| match answer.try_recv() {
            Ok(Verdict::Made(_) | Verdict::Done) => false,
            Ok(verdict) => panic!("{verdict:?}"),
            Err(_not_yet) => true,
        });
        if !bundle.is_committed && self.all_are(&bundle.deals, "held") {
            bundle.is_committed = true;
            let words = words(&bundle.deals);
            let verb = |word| Input::Verb(Box::new(Verb::Bundle(word)));
            let asked = words.into_iter().map(|word| self.retailer.ask(verb(word)));
            bundle.said.extend(asked);
        }
    }
}

/// What the operator says to put a bundle together and to commit it.
fn words(deals: &[DealId]) -> Vec<Bundling> {
    let name = format!("{}", deals[0]).chars().take(32).collect::<String>();
    let name: Text<64, 1> = Text::new(&*name).expect("short");
    let bundle = bundle_id(&name);
    let mut words = vec![Bundling::New {
        name,
        changes: None,
    }];
    words.extend(deals.iter().map(|deal| Bundling::Add {
        bundle,
        leg: DraftLeg {
            deal: *deal,
            alternative: 0,
            after: List::default(),
        },
    }));
    words.push(Bundling::Commit {
        bundle,
        members: Vec::new(),
    });
    words
}
