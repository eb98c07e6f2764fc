//! What must hold when all is quiet: what is stored is what the entries give, both sides of each
//! deal have the same, what was told is so, and nothing is left in doubt. A node that lost synced
//! data has by then what its partners hold, so nothing is allowed to it that is not to others.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    books::{Account, Books, Deal, Part, Stock},
    bytes::Id,
    finding::{Check, Findings},
    read::Taken,
};
use crate::observation::{StoredAccount, StoredDeal, StoredStock};

/// What one node has stored at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    pub deals: Vec<StoredDeal>,
    pub stock: Vec<StoredStock>,
    pub accounts: Vec<StoredAccount>,
    pub questions: u64,
}

/// One side as it is compared.
pub struct Side<'a> {
    pub node: usize,
    pub partner: Id,
    pub books: &'a Books,
    /// The parts that it asked for and that a restored image took away, by what a hold commits to.
    pub lost_parts: &'a BTreeMap<Id, Part>,
    /// The deals of which a restored image took something away.
    pub lost: &'a BTreeSet<Id>,
}

/// I15: what is stored is what the entries give.
pub fn check_stored(side: &Side<'_>, kept: &Kept, found: &mut Findings) {
    let mut differs = |ids: &[Id], why: String| {
        found.add(Check::Projection, (side.node, None), ids, why);
    };
    let stored: BTreeMap<Id, &StoredDeal> = kept.deals.iter().map(|d| (d.deal, d)).collect();
    for (id, deal) in &side.books.deals {
        match stored.get(id) {
            Some(stored) => {
                if let Some(why) = difference(deal, stored) {
                    differs(&[*id], why);
                }
            }
            // What came to nothing is pruned some time after its end (section 12, tombstones).
            None if matches!(deal.state, "refused" | "lapsed" | "aborted" | "none") => {}
            None => differs(&[*id], format!("the deal is {} and not stored", deal.state)),
        }
    }
    for id in stored
        .keys()
        .filter(|id| !side.books.deals.contains_key(*id))
    {
        differs(&[*id], "no entry gives the deal that is stored".into());
    }
    let stored: BTreeMap<Taken, Stock> = kept
        .stock
        .iter()
        .map(|s| ((s.subject, s.begins), stock_of(s)))
        .collect();
    // Of a slot nothing is stored while no place of it is promised.
    let is_kept =
        |(taken, stock): &(&Taken, &Stock)| taken.1.is_none() || (stock.held, stock.sold) != (0, 0);
    let ours = side.books.stock.iter().filter(is_kept);
    let ours = ours.map(|(taken, stock)| (*taken, *stock)).collect();
    for ((subject, _), (ours, theirs)) in both(&ours, &stored) {
        if ours != theirs {
            differs(
                &[subject],
                format!("the entries give {ours:?}, stored is {theirs:?}"),
            );
        }
    }
    let stored = kept
        .accounts
        .iter()
        .map(|a| ((a.partner, a.currency), account_of(a)));
    for ((partner, _), (ours, theirs)) in both(&side.books.accounts, &stored.collect()) {
        if ours != theirs {
            differs(
                &[partner],
                format!("the entries give {ours:?}, stored is {theirs:?}"),
            );
        }
    }
}

/// The values of two maps by key, where one lacks a key its default.
fn both<K: Ord + Copy, V: Default + Copy>(
    ours: &BTreeMap<K, V>,
    theirs: &BTreeMap<K, V>,
) -> Vec<(K, (V, V))> {
    let keys: BTreeSet<K> = ours.keys().chain(theirs.keys()).copied().collect();
    let value = |map: &BTreeMap<K, V>, key: K| map.get(&key).copied().unwrap_or_default();
    keys.into_iter()
        .map(|key| (key, (value(ours, key), value(theirs, key))))
        .collect()
}

fn stock_of(stored: &StoredStock) -> Stock {
    Stock {
        counted: stored.counted.into(),
        held: stored.held.into(),
        sold: stored.sold.into(),
    }
}

fn account_of(stored: &StoredAccount) -> Account {
    Account {
        receivable: stored.receivable.into(),
        held: stored.held.into(),
        payable: stored.payable.into(),
        doubt: stored.doubt.into(),
    }
}

fn difference(deal: &Deal, stored: &StoredDeal) -> Option<String> {
    if (deal.state, deal.provides) != (stored.state, stored.provides) {
        return Some(format!(
            "the entries give {}, stored is {}",
            deal.state, stored.state
        ));
    }
    if deal.partner != stored.partner {
        return Some("it is stored with another partner".into());
    }
    if deal.decision != stored.decision {
        return Some("another decision is stored".into());
    }
    let counts = matches!(
        deal.state,
        "asked"
            | "offered"
            | "held"
            | "passed"
            | "waiting"
            | "armed"
            | "requested"
            | "doubt"
            | "written"
            | "sold"
            | "agreed"
    );
    let ours = (deal.alternative, deal.amount, deal.currency());
    let theirs = (
        stored.alternative.into(),
        stored.amount.into(),
        stored.currency,
    );
    (counts && !deal.alternatives.is_empty() && ours != theirs)
        .then(|| format!("the entries give {ours:?}, stored is {theirs:?}"))
}

/// Both sides of all deals of two nodes, some of which may still wait.
pub fn check_pair(
    requester: &Side<'_>,
    provider: &Side<'_>,
    may_wait: &dyn Fn(&Deal) -> bool,
    found: &mut Findings,
) {
    let with = |side: &Side<'_>, other: &Side<'_>, provides: bool| -> BTreeSet<Id> {
        let deals = side.books.deals.iter();
        deals
            .filter(|(_, deal)| deal.provides == provides && deal.partner == other.partner)
            .map(|(id, _)| *id)
            .collect()
    };
    let ids = &with(requester, provider, false) | &with(provider, requester, true);
    for id in &ids {
        let waits = requester.books.deals.get(id).is_some_and(may_wait);
        check_deal((requester, provider), (*id, waits), found);
    }
    let owed = |books: &Books, partner: Id, of: fn(&Account) -> i128| -> BTreeMap<_, i128> {
        let accounts = books.accounts.iter().filter(|((p, _), _)| *p == partner);
        accounts
            .map(|((_, currency), account)| (*currency, of(account)))
            .filter(|(_, amount)| *amount != 0)
            .collect()
    };
    let payable = owed(requester.books, provider.partner, |account| account.payable);
    let receivable = owed(provider.books, requester.partner, |account| {
        account.receivable
    });
    if payable != receivable {
        let why = format!(
            "it owes node {} {payable:?}, which has {receivable:?} to come",
            provider.node
        );
        found.add(Check::Accounts, (requester.node, None), &[], why);
    }
}

fn check_deal(
    (requester, provider): (&Side<'_>, &Side<'_>),
    (id, may_wait): (Id, bool),
    found: &mut Findings,
) {
    let (ours, theirs) = (
        requester.books.deals.get(&id),
        provider.books.deals.get(&id),
    );
    let ends = |deal: Option<&Deal>| match deal.map(|deal| deal.state) {
        Some("sold" | "agreed") => Some(true),
        Some("refused" | "lapsed" | "aborted") => Some(false),
        _ => None,
    };
    let mut wrong = |check, why: String| found.add(check, (requester.node, None), &[id], why);
    let state = |deal: Option<&Deal>| deal.map_or("unknown", |deal| deal.state);
    match (ends(ours), ends(theirs)) {
        (Some(true), Some(true)) => {
            let facts = |deal: &Deal| {
                let terms = deal.terms().map(|terms| terms.hash);
                // Who lost that a leg armed may say so again, and each side keeps what it met first.
                let said_again = deal.manifest.is_some() && provider.lost.contains(&id);
                let decision = deal.decision.filter(|_| !said_again);
                (decision, deal.alternative, deal.amount, terms)
            };
            if ours.map(facts) != theirs.map(facts) {
                let why = format!(
                    "what is agreed differs from what node {} sold",
                    provider.node
                );
                wrong(Check::Agreement, why);
            }
        }
        (Some(true), _) | (_, Some(true)) => {
            let is_late = ours.is_some_and(|deal| deal.state == "written");
            if !is_late {
                let (ours, theirs) = (state(ours), state(theirs));
                wrong(
                    Check::Agreement,
                    format!("it is {ours} here and {theirs} at node {}", provider.node),
                );
            }
        }
        _ if may_wait => {}
        _ => check_doubt(provider, (ours, theirs), &mut wrong),
    }
}

/// What awaits an answer of the machine, not of an operator, is answered when all is quiet.
fn check_doubt(
    provider: &Side<'_>,
    (ours, theirs): (Option<&Deal>, Option<&Deal>),
    wrong: &mut impl FnMut(Check, String),
) {
    let Some(ours) = ours else { return };
    let state = theirs.map_or("unknown", |deal| deal.state);
    // The provider's operator decides about a Request or firm proposal in his own time.
    let awaits_operator = match ours.state {
        "doubt" => state == "offered",
        "requested" => state == "asked",
        _ => false,
    };
    let asks = matches!(ours.state, "doubt" | "requested" | "released");
    if asks && !awaits_operator {
        wrong(
            Check::Doubt,
            format!(
                "it is {} here and {state} at node {}",
                ours.state, provider.node
            ),
        );
    }
}
