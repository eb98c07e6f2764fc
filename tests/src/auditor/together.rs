//! All legs of a bundle end alike, over all nodes, but for those that lapsed (SPEC.md section 20). One
//! sentence allows more: where the requester hides the Manifest, or lost it too, a leg that lost what
//! it signed may refuse alone (the same section). What one node's own entries allow is the books'.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::AddAssign,
};

use super::{
    books::Bundle,
    bytes::Id,
    finding::{Check, Findings},
    quiet::Side,
    read::Leg,
};

/// How the bundles of a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bundles {
    /// Those of which some member has the Manifest when all is quiet.
    pub begun: u64,
    /// Of these, those of which all legs are agreed, or lapsed.
    pub agreed: u64,
    /// Those that a Refusal ended.
    pub aborted: u64,
    /// Those of which some legs are agreed and others refused, as SPEC.md section 20 allows it.
    pub partial: u64,
    /// Legs that lapsed.
    pub lapsed: u64,
    /// Of those that are agreed, those that changed orders.
    pub changed: u64,
}

impl AddAssign for Bundles {
    fn add_assign(&mut self, other: Self) {
        self.begun += other.begun;
        self.agreed += other.agreed;
        self.aborted += other.aborted;
        self.partial += other.partial;
        self.lapsed += other.lapsed;
        self.changed += other.changed;
    }
}

/// How what the nodes in the middle of chains provided ended, as it stood when all was quiet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chains {
    /// Deals whose hold was passed on, and that are agreed by themselves.
    pub agreed: u64,
    /// Those that were refused.
    pub refused: u64,
    /// Parts of legs that are agreed with their bundle.
    pub parts_agreed: u64,
    /// Parts of legs whose bundle came to nothing.
    pub parts_refused: u64,
}

impl AddAssign for Chains {
    fn add_assign(&mut self, other: Self) {
        self.agreed += other.agreed;
        self.refused += other.refused;
        self.parts_agreed += other.parts_agreed;
        self.parts_refused += other.parts_refused;
    }
}

/// Where a leg stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Agreed,
    Refused,
    Lapsed,
    Open,
}

/// Judges all bundles and chains of which the books of any node know, and counts them. `lost` names what synced
/// entries named that a restored image took away, by node.
pub fn check(
    sides: &[Side<'_>],
    lost: &[&BTreeSet<Id>],
    found: &mut Findings,
) -> (Bundles, Chains) {
    let mut all: BTreeMap<Id, &Bundle> = BTreeMap::new();
    for (id, bundle) in sides.iter().flat_map(|side| &side.books.bundles) {
        all.entry(*id).or_insert(bundle);
    }
    let (mut count, mut parts) = (Bundles::default(), Bundles::default());
    let is_part = |bundle: &Bundle| bundle.whole.is_some();
    let mut agreed = BTreeSet::new();
    for (id, bundle) in all.iter().filter(|(_, bundle)| !is_part(bundle)) {
        count.begun += 1;
        if check_bundle((*id, bundle), (sides, lost), &mut count, found) {
            agreed.insert(*id);
            count.changed += u64::from(All { sides, lost }.is_of_changes(bundle));
        }
    }
    for (id, bundle) in all.iter().filter(|(_, bundle)| is_part(bundle)) {
        let is_agreed = check_bundle((*id, bundle), (sides, lost), &mut parts, found);
        let is_certified = |whole| {
            let mut known = sides
                .iter()
                .filter_map(|side| side.books.bundles.get(&whole));
            known.any(|whole| whole.ended == Some(None))
        };
        // Where all legs of the whole lapsed, its certificate binds the parts all the same.
        let is_above =
            (bundle.whole).is_some_and(|whole| agreed.contains(&whole) || is_certified(whole));
        if is_agreed && !is_above {
            let all = All { sides, lost };
            let node = all.of(bundle.requester).map_or(0, |side| side.node);
            let why = "a part is agreed, and its whole is not";
            found.add(Check::Together, (node, None), &[*id], why);
        }
    }
    let mut chains = Chains {
        parts_agreed: parts.agreed,
        parts_refused: parts.aborted,
        ..Chains::default()
    };
    for side in sides {
        check_middle(side, All { sides, lost }, &mut chains, found);
    }
    (count, chains)
}

/// What a node in the middle sold by itself it bought, and what it bought it sold. Who lost what it
/// signed, and so refused, bears that, and so does who sold what only it and its provider knew to be
/// bought, and both lost (SPEC.md section 21).
fn check_middle(side: &Side<'_>, all: All<'_>, chains: &mut Chains, found: &mut Findings) {
    for (id, deal) in &side.books.deals {
        if deal.passed_on().is_none() || deal.manifest.is_some() {
            continue;
        }
        let part = side.books.part_of(deal);
        let below = part.map_or("unknown", |(_, part)| part.state);
        let has_lost = |what| all.lost[side.node].contains(&what);
        let has_lost_part = part.is_some_and(|(part, _)| has_lost(part));
        let known = part.map(|(id, part)| (part.partner, id));
        let gone = deal.passed_on().and_then(|id| side.lost_parts.get(&id));
        let was = known.or(gone.map(|part| (part.partner, part.deal)));
        let is_hidden =
            was.is_some_and(|(provider, part)| has_lost(part) && all.has_lost(provider, part));
        let why = match deal.state {
            "sold" => {
                chains.agreed += 1;
                let lacks = below != "agreed" && !is_hidden;
                lacks.then_some("it is sold, and what it rests on")
            }
            "refused" => {
                chains.refused += 1;
                let pays = below == "agreed" && !has_lost(*id) && !has_lost_part;
                pays.then_some("it is refused, and what it rests on")
            }
            _ => None,
        };
        if let Some(why) = why {
            let why = format!("{why} is {below}");
            found.add(Check::Middle, (side.node, None), &[*id], why);
        }
    }
}

/// The books of all nodes, and what each of them lost.
#[derive(Clone, Copy)]
struct All<'a> {
    sides: &'a [Side<'a>],
    lost: &'a [&'a BTreeSet<Id>],
}

impl All<'_> {
    fn of(&self, partner: Id) -> Option<&Side<'_>> {
        self.sides.iter().find(|side| side.partner == partner)
    }

    fn state(&self, partner: Id, deal: Id) -> &'static str {
        let deal = self
            .of(partner)
            .and_then(|side| side.books.deals.get(&deal));
        deal.map_or("unknown", |deal| deal.state)
    }

    fn has_lost(&self, partner: Id, what: Id) -> bool {
        let lost = self.of(partner).and_then(|side| self.lost.get(side.node));
        lost.is_some_and(|lost| lost.contains(&what))
    }

    /// Whether the legs of a bundle change orders that were there before.
    fn is_of_changes(&self, bundle: &Bundle) -> bool {
        let side = self.of(bundle.requester);
        bundle.legs.iter().any(|leg| {
            let deal = side.and_then(|side| side.books.deals.get(&leg.deal));
            let terms = deal.and_then(|deal| deal.terms());
            terms.is_some_and(|terms| terms.on.is_some())
        })
    }

    /// The node that provides a leg, and how the leg stands there.
    fn provided(&self, leg: &Leg) -> (usize, &'static str) {
        let side = self.of(leg.provider);
        let deal = side.and_then(|side| side.books.deals.get(&leg.deal));
        // Who lost the hold that was committed may have signed another since, or none.
        let is_free = match deal {
            Some(deal) => deal.manifest.is_none() && deal.state == "held",
            None => self.has_lost(leg.provider, leg.deal),
        };
        let state = if is_free {
            "free"
        } else {
            self.state(leg.provider, leg.deal)
        };
        (side.map_or(0, |side| side.node), state)
    }
}

fn check_bundle(
    (id, bundle): (Id, &Bundle),
    (sides, lost): (&[Side<'_>], &[&BTreeSet<Id>]),
    count: &mut Bundles,
    found: &mut Findings,
) -> bool {
    let all = All { sides, lost };
    let states = bundle.legs.iter().map(|leg| {
        let (node, state) = all.provided(leg);
        (leg, node, state)
    });
    let states: Vec<_> = states.collect();
    let mut requested = bundle.legs.iter();
    let count_of = |wanted| {
        states
            .iter()
            .filter(|(.., state)| end(state) == wanted)
            .count()
    };
    let is_agreed = count_of(End::Agreed) > 0
        || requested.any(|leg| all.state(bundle.requester, leg.deal) == "agreed");
    let is_refused = count_of(End::Refused) > 0;
    let mut ended = sides
        .iter()
        .filter_map(|side| side.books.bundles.get(&id)?.ended);
    let is_decided = ended.next().is_some();
    for (leg, node, state) in &states {
        let mut wrong = |check, why: String| found.add(check, (*node, None), &[id, leg.deal], why);
        match end(state) {
            // It ends by its own end.
            End::Open if *state == "free" && is_decided && !is_agreed => {}
            // Nobody but these two could show it.
            End::Open
                if *state == "free"
                    && all.has_lost(bundle.requester, id)
                    && all.has_lost(leg.provider, id) => {}
            End::Open if is_agreed || is_refused || is_decided => {
                wrong(
                    Check::Together,
                    format!("its bundle has ended, and it is {state}"),
                );
            }
            End::Open => wrong(
                Check::Doubt,
                format!("nothing ended its bundle, and it is {state}"),
            ),
            End::Refused if is_agreed => {
                let is_allowed =
                    all.has_lost(bundle.requester, id) && all.has_lost(leg.provider, leg.deal);
                if !is_allowed {
                    let why = "it is refused, and its bundle is agreed";
                    wrong(Check::Together, why.to_owned());
                }
            }
            End::Refused | End::Agreed | End::Lapsed => {}
        }
    }
    count.lapsed += count_of(End::Lapsed) as u64;
    match (is_agreed, is_refused) {
        (true, true) => count.partial += 1,
        (true, false) => count.agreed += 1,
        (false, true) => count.aborted += 1,
        // All of them lapsed, or it is found to be open.
        (false, false) => {}
    }
    is_agreed
}

fn end(state: &str) -> End {
    match state {
        "sold" => End::Agreed,
        "lapsed" => End::Lapsed,
        "refused" | "closed" => End::Refused,
        _ => End::Open,
    }
}
