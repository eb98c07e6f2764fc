//! The provider's side: what is asked, held, sold, refused and closed.

use std::collections::BTreeMap;

use super::{At, Books, Deal};
use crate::auditor::{
    bytes::Id,
    finding::{Check, Findings},
    read::{Taken, Terms, Waits},
};

/// Codes of section 18 by which a hold may end.
const RELEASED: u64 = 62;
pub(super) const HOLD_OVER: u64 = 63;
pub(super) const PART_REFUSED: u64 = 68;

impl Books {
    /// A Request or the requester's firm proposal came.
    pub(super) fn offered(
        &mut self,
        deal: Id,
        from: Id,
        state: &'static str,
        (terms, until): (&[Terms], u64),
    ) {
        let commit = (state == "offered").then_some(deal);
        let opened = Deal {
            until,
            commit,
            ..self.opened(from, true, state, terms)
        };
        self.deals.entry(deal).or_insert(opened);
    }

    pub(super) fn commit_came(&mut self, commit: Id, deal: Id) {
        if let Some(deal) = self.deals.get_mut(&deal)
            && deal.provides
            && deal.manifest.is_none()
            && deal.decision.is_none()
        {
            deal.commit = Some(commit);
            if deal.state == "held" && deal.passed_on().is_some() {
                deal.now("passed");
            }
        }
    }

    pub(super) fn held(
        &mut self,
        at: &At<'_>,
        hold: Id,
        (id, terms_hash): (Id, Id),
        (until, waits): (u64, Waits),
        found: &mut Findings,
    ) {
        let Some(deal) = self.deals.get_mut(&id) else {
            if !at.comes_back {
                at.find(found, Check::Hold, &[id], "a Hold for what nobody asked");
            }
            return;
        };
        if deal.state != "asked" && at.comes_back {
            return;
        }
        if deal.state != "asked" {
            let why = format!("a Hold is signed for a deal that is {}", deal.state);
            at.find(found, Check::Twice, &[id, hold], why);
            return;
        }
        if deal.terms().is_none_or(|terms| terms.hash != terms_hash) {
            at.find(found, Check::Hold, &[id, hold], "it holds other terms");
        }
        deal.hold = Some(hold);
        deal.waits = Some(waits);
        deal.until = until;
        deal.now("held");
        if waits.passed_on.is_some() {
            deal.reserved.clear();
            self.check_passed_on(at, id, found);
        }
        self.reserve(at, id, found);
    }

    pub(super) fn proposed_hold(
        &mut self,
        at: &At<'_>,
        (id, to): (Id, Id),
        (terms, until, waits): (&[Terms], u64, Option<Waits>),
        found: &mut Findings,
    ) {
        let deal = Deal {
            until,
            waits,
            hold: Some(id),
            ..self.opened(to, true, "held", terms)
        };
        self.deals.insert(id, deal);
        self.reserve(at, id, found);
    }

    /// Reserves what a hold may come to, within what is available at this entry.
    fn reserve(&mut self, at: &At<'_>, id: Id, found: &mut Findings) {
        self.check_version(at, id, found);
        if let Some(deal) = self.deals.get(&id) {
            self.check_stock(at, id, &deal.reserved, found);
        }
        self.move_reserved(id, 1);
    }

    fn check_stock(
        &self,
        at: &At<'_>,
        id: Id,
        granted: &BTreeMap<Taken, i128>,
        found: &mut Findings,
    ) {
        if at.comes_back {
            return;
        }
        for (taken, steps) in granted {
            let stock = self.there_is(*taken);
            let available = stock.counted - stock.held - stock.sold;
            if *steps > available {
                let what = if taken.1.is_some() { "places" } else { "steps" };
                let why = format!("{steps} {what} are granted where {available} are available");
                at.find(found, Check::Stock, &[id, taken.0], why);
            }
            self.check_slot(at, id, *taken, found);
        }
    }

    pub(super) fn move_reserved(&mut self, id: Id, sign: i128) {
        let Some(deal) = self.deals.get(&id).cloned() else {
            return;
        };
        for (taken, steps) in &deal.reserved {
            self.stock_of(*taken).held += sign * steps;
        }
        if let Some(account) = self.account(deal.partner, deal.currency()) {
            account.held += sign * deal.amount;
        }
    }

    pub(super) fn sold(
        &mut self,
        at: &At<'_>,
        (receipt, to): (Id, Id),
        (id, commit, alternative): (Id, Id, usize),
        found: &mut Findings,
    ) {
        let Some(deal) = self.deals.get(&id) else {
            if at.comes_back {
                // Only the Receipt came back, and no terms with it.
                self.deals.insert(
                    id,
                    Deal {
                        commit: Some(commit),
                        decision: Some(receipt),
                        ..Deal::new(to, true, "sold")
                    },
                );
            } else {
                at.find(found, Check::Hold, &[id], "a Receipt for what nobody asked");
            }
            return;
        };
        let (state, until) = (deal.state, deal.until);
        if state == "sold" && at.comes_back {
            return;
        }
        if !deal.may_be_sold(at.comes_back) {
            let check = match state {
                "sold" | "refused" => Check::Twice,
                _ => Check::Hold,
            };
            let why = format!("a Receipt is signed for a deal that is {state}");
            at.find(found, check, &[id, receipt], why);
            return;
        }
        if state == "passed" && !at.comes_back {
            self.check_part_agreed(at, id, found);
        }
        // What was passed on no longer ends by time.
        if at.ms() > until && !at.comes_back && state != "passed" {
            let why = format!("a Receipt is signed {} ms after the end", at.ms() - until);
            at.find(found, Check::Hold, &[id, receipt], why);
        }
        if deal.commit != Some(commit) && !at.comes_back {
            let why = "its Receipt names a Commit that was not taken";
            at.find(found, Check::Hold, &[id, receipt, commit], why);
        }
        match state {
            "held" | "passed" => self.move_reserved(id, -1),
            "offered" => {
                // Of the requester's alternatives only the one that is accepted is granted.
                if let Some(terms) = deal.alternatives.get(alternative) {
                    let (_, mut granted) = self.moves(terms);
                    granted.retain(|_, steps| *steps > 0);
                    self.check_stock(at, id, &granted, found);
                }
                self.check_version(at, id, found);
            }
            _ => {}
        }
        if let Some(deal) = self.deals.get_mut(&id) {
            deal.alternative = alternative;
            deal.commit = Some(commit);
            deal.decision = Some(receipt);
            deal.now("sold");
        }
        self.post(id);
    }

    pub(super) fn refused(
        &mut self,
        at: &At<'_>,
        (refusal, to): (Id, Id),
        (id, code): (Id, u64),
        found: &mut Findings,
    ) {
        let known = self.deals.entry(id);
        let deal = known.or_insert_with(|| Deal::new(to, true, "none"));
        let state = deal.state;
        if matches!(state, "sold" | "refused") {
            if at.comes_back && state == "refused" {
                // It is refused either way, and the earlier one counts.
                deal.decision = Some(refusal);
            } else if deal.decision != Some(refusal) {
                let why = format!("a Refusal is signed for a deal that is {state}");
                at.find(found, Check::Twice, &[id, refusal], why);
            }
            return;
        }
        if matches!(state, "armed" | "lapsed") && at.comes_back {
            // What a leg said in its bundle counts, whatever is shown beside it.
            return;
        }
        if matches!(state, "held" | "passed") && !at.comes_back {
            let is_over = code == HOLD_OVER && at.ms() >= deal.until;
            let is_released = code == RELEASED && self.given_back.contains(&id);
            // That is judged by what the books have downstream.
            let is_below = code == PART_REFUSED && deal.passed_on().is_some();
            if !is_over && !is_released && !is_below {
                let why = format!("its hold stands, and it is refused with code {code}");
                at.find(found, Check::Hold, &[id, refusal], why);
            }
        }
        deal.decision = Some(refusal);
        deal.now("refused");
        if matches!(state, "held" | "passed" | "waiting") {
            self.move_reserved(id, -1);
            if !at.comes_back {
                self.check_part_free(at, id, code, found);
            }
        }
    }

    pub(super) fn closed(&mut self, at: &At<'_>, id: Id, found: &mut Findings) {
        let is_held = |deal: &&mut Deal| matches!(deal.state, "held" | "waiting");
        let Some(deal) = self.deals.get_mut(&id).filter(is_held) else {
            at.find(found, Check::Hold, &[id], "what is closed was not held");
            return;
        };
        if at.ms() < deal.until {
            at.find(
                found,
                Check::Hold,
                &[id],
                "it is closed before its hold ends",
            );
        }
        deal.now("closed");
        self.move_reserved(id, -1);
    }
}
