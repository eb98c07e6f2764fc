//! Runs of the simulator: many seeds, each without a fault of the product; the same bytes for the
//! same seed; every kind of fault met; and every planted bug found, and made small.

use std::collections::BTreeSet;

use omni_tests::auditor::{Bundles, Chains, Check};
use omni_tests::sim::{Fault, Mix, Plan, Planted, commit, judge, line, shrink};
use sha2::{Digest as _, Sha256};

/// Seeds of one test, so that tests run side by side.
const SHARE: u64 = 125;
/// Within so many seeds a planted bug must be found.
const PLANTED_SEEDS: u64 = 200;
/// Seeds in which the ends of bundles and chains are counted: enough for the rarest, a lapsed leg.
const ENDS_SEEDS: u64 = 300;

/// Runs seeds, and tells all that failed; the first is made smaller and told step by step.
fn run(seeds: std::ops::RangeInclusive<u64>) {
    let mut failed = Vec::new();
    let mut receipts = 0;
    for seed in seeds {
        let plan = Plan::draw(seed);
        let (watch, _) = judge(&plan, None, &mut |_| {});
        receipts += watch.receipts;
        if !watch.complaints.is_empty() {
            failed.push((plan, watch.complaints));
        }
    }
    for (plan, complaints) in &failed {
        println!("seed {} at {}: {}", plan.seed, commit(), complaints[0]);
    }
    if let Some((plan, _)) = failed.first() {
        tell(&shrink(plan, &mut |plan| {
            !judge(plan, None, &mut |_| {}).0.complaints.is_empty()
        }));
    }
    assert!(failed.is_empty(), "{} seeds failed", failed.len());
    assert!(
        receipts > SHARE,
        "only {receipts} deals: the runs try too little"
    );
}

fn tell(plan: &Plan) {
    println!("smallest: {plan:#?}");
    let (watch, _) = judge(plan, None, &mut |what| {
        let line = line(what);
        if !line.is_empty() {
            println!("{line}");
        }
    });
    for complaint in watch.complaints {
        println!("{complaint}");
    }
}

macro_rules! shares {
    ($($name:ident $number:literal)*) => {$(
        #[test]
        fn $name() {
            let from = $number * SHARE + 1;
            run(from..=from + SHARE - 1);
        }
    )*};
}

shares! {
    seeds_1_to_125 0
    seeds_126_to_250 1
    seeds_251_to_375 2
    seeds_376_to_500 3
    seeds_501_to_625 4
    seeds_626_to_750 5
    seeds_751_to_875 6
    seeds_876_to_1000 7
    seeds_1001_to_1125 8
    seeds_1126_to_1250 9
    seeds_1251_to_1375 10
    seeds_1376_to_1500 11
    seeds_1501_to_1625 12
    seeds_1626_to_1750 13
    seeds_1751_to_1875 14
    seeds_1876_to_2000 15
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let digest = |seed| {
        let mut digest = Sha256::new();
        judge(&Plan::draw(seed), None, &mut |what| {
            digest.update(format!("{what:?}"));
        });
        digest.finalize()
    };
    for seed in 1..=8 {
        assert_eq!(digest(seed), digest(seed), "seed {seed}");
    }
    assert_ne!(digest(1), digest(2));
}

/// By what the auditor finds of a bug of bundles, chains or slots it is known to be this one, and nothing that the
/// bug brings about elsewhere. A bug of deals between two is known by whatever it finds first.
const SENTENCES: [(Planted, &str); 16] = [
    (Planted::ArmTwice, "a leg arms a second time"),
    (Planted::RefuseAfterArming, "an armed leg refuses"),
    (
        Planted::AllButOne,
        "it becomes sold, and the entries give armed",
    ),
    (Planted::TimerAborts, "an armed leg refuses"),
    (
        Planted::LapseEarly,
        "a leg lapses before its patience is over",
    ),
    (Planted::ArmAfterEnd, "a leg arms after the end of its hold"),
    (
        Planted::LastArmsFirst,
        "the leg that arms last arms before the others",
    ),
    (
        Planted::LapseAborts,
        "it becomes refused, and the entries give armed",
    ),
    (Planted::KeepAfterAbort, "stored is Stock"),
    (
        Planted::ReleaseCommitted,
        "a Release is signed for a deal that is doubt",
    ),
    (
        Planted::ReleaseBelow,
        "what a hold upstream rests on is given back",
    ),
    (
        Planted::LeafDecides,
        "it becomes agreed, and the entries give doubt",
    ),
    (
        Planted::ArmBeforeParts,
        "a leg arms before all on which it rests",
    ),
    (
        Planted::SellBeforePart,
        "it is sold, and what it rests on is held",
    ),
    (Planted::SlotFromSnapshot, "1 places are granted where 0"),
    (Planted::SlotTwice, "1 places are granted where 0"),
];

/// Finds each of these bugs by the auditor alone, whatever the simulator's own watch finds, in a run
/// that is good without the bug. `is_named` says which: those that a sentence names, or the others.
fn finds(is_named: bool) {
    let mut missed = Vec::new();
    for planted in Planted::ALL {
        let mut known = SENTENCES.iter().filter(|(bug, _)| *bug == planted);
        let sentence = known.next().map(|(_, sentence)| *sentence);
        if sentence.is_some() != is_named {
            continue;
        }
        let plans = (1..=PLANTED_SEEDS).map(Plan::draw);
        let has_more =
            |mix: &Mix| mix.bundles.is_some() || mix.chains.is_some() || mix.places.is_some();
        let mut plans = plans.filter(|plan| sentence.is_none() || has_more(&plan.mix));
        let found = plans.find_map(|plan| {
            let audited = |planted| judge(&plan, planted, &mut |_| {}).0.audited;
            let mut found = audited(Some(planted)).into_iter();
            let own = found.find(|finding| finding.why.contains(sentence.unwrap_or_default()))?;
            audited(None).is_empty().then_some((plan.seed, own))
        });
        match found {
            Some((seed, finding)) => println!("{}: seed {seed}, {finding}", planted.name()),
            None => missed.push(planted.name()),
        }
    }
    assert!(
        missed.is_empty(),
        "not found in {PLANTED_SEEDS} seeds: {missed:?}"
    );
}

#[test]
fn each_planted_bug_of_deals_is_found() {
    finds(false);
}

#[test]
fn each_planted_bug_of_bundles_chains_and_slots_is_found() {
    finds(true);
}

#[test]
fn every_kind_of_fault_is_met_and_bundles_and_chains_end_in_every_way() {
    let mut met = BTreeSet::new();
    let (mut bundles, mut chains) = (Bundles::default(), Chains::default());
    for seed in 1..=ENDS_SEEDS {
        let plan = Plan::draw(seed);
        let watch = judge(&plan, None, &mut |_| {}).0;
        if seed <= PLANTED_SEEDS {
            met.extend(watch.met);
        }
        bundles += watch.bundles;
        chains += watch.chains;
    }
    let Bundles {
        agreed,
        aborted,
        lapsed,
        changed,
        ..
    } = bundles;
    let is_enough = agreed > 75 && aborted > 15 && lapsed > 7 && changed > 7;
    assert!(is_enough, "{bundles:?}");
    let is_enough = chains.agreed > 30 && chains.refused > 15 && chains.parts_agreed > 15;
    assert!(is_enough, "{chains:?}");
    let missed: Vec<_> = Fault::ALL
        .iter()
        .filter(|kind| !met.contains(kind))
        .collect();
    assert!(
        missed.is_empty(),
        "not met in {PLANTED_SEEDS} seeds: {missed:?}"
    );
}

#[test]
fn a_run_that_fails_is_made_small() {
    let planted = Some(Planted::SignTwice);
    let mut fails = |plan: &Plan| {
        let watch = judge(plan, planted, &mut |_| {}).0;
        watch
            .audited
            .iter()
            .any(|found| found.check == Check::Twice)
    };
    let mut plans = (1..=PLANTED_SEEDS).map(Plan::draw);
    let plan = plans.find(|plan| fails(plan)).unwrap();
    let small = shrink(&plan, &mut fails);
    let (before, after) = (plan.actions.len(), small.actions.len());
    println!("seed {}: of {before} actions {after} are left", plan.seed);
    assert!(after * 4 <= before, "{after} of {before} actions are left");
    assert!(fails(&small));
}
