//! What rests on what at one node, kept a second time by section 21 of SPEC.md: a hold that is passed
//! on rests on the deal to which it commits, outlives it never, and is decided as that is. How its
//! neighbours end is not known here.

use super::{At, Books, Deal, provide::PART_REFUSED};
use crate::auditor::{
    bytes::{Id, hash},
    finding::{Check, Findings},
};

/// By so much a hold ends before the one on which it rests (section 17, `CHAIN_MARGIN_MS`).
const MARGIN_MS: u64 = 150_000;

/// A deal on which another may rest.
#[derive(Clone, Copy)]
pub struct Part {
    pub deal: Id,
    /// Who provides it.
    pub partner: Id,
}

/// Whether a deal still promises something upstream.
fn is_live(deal: &Deal) -> bool {
    matches!(deal.state, "held" | "passed" | "waiting" | "armed")
}

/// Whether a deal was committed downstream, and did not come to nothing.
fn is_bound(part: &Deal) -> bool {
    matches!(part.state, "doubt" | "written" | "agreed")
}

impl Books {
    /// A deal was asked for on which another may rest: its salt and id are what that commits to.
    pub(super) fn rests(&mut self, id: Id, (chain, salt): (Option<Id>, Option<[u8; 16]>)) {
        let (Some(chain), Some(salt)) = (chain, salt) else {
            return;
        };
        if let Some(deal) = self.deals.get_mut(&id) {
            deal.commitment = Some(hash("omni/1/passed-on", &[&salt, &id]));
        }
        let waiting = self
            .deals
            .iter_mut()
            .filter(|(_, deal)| deal.provides && deal.state == "asked");
        for (above, deal) in waiting {
            deal.is_sourced |= *above == chain || deal.chain == Some(chain);
        }
    }

    /// A Request came: another deal of its author's may rest on what it asks for.
    pub(super) fn is_in_chain(&mut self, id: Id, chain: Option<Id>) {
        if let Some(deal) = self.deals.get_mut(&id) {
            deal.chain = chain;
        }
    }

    /// The deals on which others may rest, each with that to which a hold commits that does.
    pub fn parts(&self) -> impl Iterator<Item = (Id, Part)> {
        self.deals.iter().filter_map(|(id, deal)| {
            let part = Part {
                deal: *id,
                partner: deal.partner,
            };
            Some((deal.commitment?, part))
        })
    }

    /// The deal on which another rests, if it is here.
    pub fn part_of(&self, deal: &Deal) -> Option<(Id, &Deal)> {
        let passed_on = deal.passed_on()?;
        let mut parts = self.deals.iter();
        let part = parts.find(|(_, part)| !part.provides && part.commitment == Some(passed_on));
        part.map(|(id, part)| (*id, part))
    }

    /// A hold was signed that others hold: it is held for this node, by enough, and for nothing else.
    pub(super) fn check_passed_on(&self, at: &At<'_>, id: Id, found: &mut Findings) {
        let Some(deal) = self.deals.get(&id).filter(|_| !at.comes_back) else {
            return;
        };
        let part = self.part_of(deal);
        let others = self.deals.iter().filter(|(other, _)| **other != id);
        let mut resting = others.filter(|(_, other)| is_live(other));
        let why = match part {
            Some((_, part)) if part.state == "held" => {
                if deal.until + MARGIN_MS > part.until {
                    "a hold ends too late for the one on which it rests"
                } else if resting.any(|(_, other)| other.passed_on() == deal.passed_on()) {
                    "one hold downstream backs two upstream"
                } else {
                    return;
                }
            }
            Some(_) | None => "a hold is passed on, and nothing is held for it",
        };
        at.find(found, Check::Middle, &[id], why);
    }

    /// A deal is sold that rests on another.
    pub(super) fn check_part_agreed(&self, at: &At<'_>, id: Id, found: &mut Findings) {
        let Some(deal) = self.deals.get(&id) else {
            return;
        };
        let part = self.part_of(deal).map_or("unknown", |(_, part)| part.state);
        if part != "agreed" {
            let why = format!("it is sold, and what it rests on is {part}");
            at.find(found, Check::Middle, &[id], why);
        }
    }

    /// A deal is refused that rested on another.
    pub(super) fn check_part_free(&self, at: &At<'_>, id: Id, code: u64, found: &mut Findings) {
        let deal = self.deals.get(&id);
        let part = deal.and_then(|deal| Some((deal, self.part_of(deal)?)));
        let Some((deal, (part_id, part))) = part else {
            return;
        };
        // What both neighbours upstream lost nobody shows, and what was committed for it is borne.
        let is_borne = part.commit_came_back && !deal.was.contains(&"passed");
        if is_bound(part) && !is_borne {
            let why = format!("it is refused, and what it rests on is {}", part.state);
            at.find(found, Check::Middle, &[id, part_id], why);
        } else if code == PART_REFUSED && part.state != "aborted" {
            let why = format!("it is refused for a part that is {}", part.state);
            at.find(found, Check::Middle, &[id, part_id], why);
        }
    }

    /// A deal is given back: nothing that is promised upstream rests on it.
    pub(super) fn check_nothing_rests(&self, at: &At<'_>, part: Id, found: &mut Findings) {
        let commitment = self.deals.get(&part).and_then(|part| part.commitment);
        let mut deals = self.deals.iter();
        let resting = deals.find(|(_, deal)| {
            commitment.is_some() && deal.passed_on() == commitment && is_live(deal)
        });
        if let Some((id, _)) = resting {
            let why = "what a hold upstream rests on is given back";
            at.find(found, Check::Middle, &[*id, part], why);
        }
    }

    /// Whether all has armed on which a leg rests; so it has where that rests on nothing.
    pub(super) fn have_parts_armed(&self, deal: &Deal) -> bool {
        if deal.passed_on().is_none() {
            return true;
        }
        let manifest = self.part_of(deal).and_then(|(_, part)| part.manifest);
        let parts = manifest.and_then(|manifest| self.bundles.get(&manifest));
        parts.is_some_and(|parts| parts.has_all_armed())
    }

    /// Whether something refused on which a leg rests, or is lost here.
    pub(super) fn has_part_refused(&self, deal: &Deal) -> bool {
        let Some((_, part)) = self.part_of(deal) else {
            return deal.passed_on().is_some();
        };
        let parts = part
            .manifest
            .and_then(|manifest| self.bundles.get(&manifest));
        part.state == "aborted" || parts.is_some_and(|parts| parts.has_one_refused())
    }
}
