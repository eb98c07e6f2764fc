//! The requester's side: what it asks, commits, gives back and agrees to.

use super::{At, Books, Deal};
use crate::auditor::{
    bytes::Id,
    finding::{Check, Findings},
    read::Terms,
};

impl Books {
    pub(super) fn requested(
        &mut self,
        at: &At<'_>,
        (id, to): (Id, Id),
        terms: &Terms,
        found: &mut Findings,
    ) {
        let deal = self.opened(to, false, "requested", std::slice::from_ref(terms));
        self.open(at, id, deal, found);
    }

    /// A firm proposal is a Commit without hold.
    pub(super) fn proposed_commit(
        &mut self,
        at: &At<'_>,
        (id, to): (Id, Id),
        (terms, until): (&[Terms], u64),
        found: &mut Findings,
    ) {
        let deal = Deal {
            until,
            commit: Some(id),
            ..self.opened(to, false, "doubt", terms)
        };
        let amount = deal.amount;
        self.open(at, id, deal, found);
        self.doubt(id, amount);
    }

    fn open(&mut self, at: &At<'_>, id: Id, deal: Deal, found: &mut Findings) {
        if self.deals.insert(id, deal).is_some() && !at.comes_back {
            at.find(found, Check::Twice, &[id], "the deal was opened before");
        }
    }

    /// The provider's firm proposal came.
    pub(super) fn kept_hold(&mut self, id: Id, from: Id, (terms, until): (&[Terms], u64)) {
        let opened = Deal {
            until,
            hold: Some(id),
            ..self.opened(from, false, "held", terms)
        };
        self.deals.entry(id).or_insert(opened);
    }

    /// A Hold came.
    pub(super) fn kept(&mut self, hold: Id, id: Id, (until, rests_on): (u64, Option<Id>)) {
        if let Some(deal) = self.deals.get_mut(&id)
            && deal.state == "requested"
        {
            deal.hold = Some(hold);
            deal.until = until;
            deal.rests_on = rests_on;
            deal.now("held");
        }
    }

    pub(super) fn committed(
        &mut self,
        at: &At<'_>,
        commit: Id,
        (id, hold, alternative): (Id, Id, usize),
        found: &mut Findings,
    ) {
        let Some(deal) = self.deals.get_mut(&id) else {
            if !at.comes_back {
                at.find(found, Check::Hold, &[id], "a Commit to what is not known");
            }
            return;
        };
        let expected = deal.state == "held" && deal.hold == Some(hold);
        if at.comes_back && !matches!(deal.state, "requested" | "held") {
            return;
        }
        if !expected && !at.comes_back {
            let check = match deal.state {
                "requested" | "held" => Check::Hold,
                _ => Check::Twice,
            };
            let why = format!("a Commit is signed for a deal that is {}", deal.state);
            at.find(found, check, &[id, commit], why);
            return;
        }
        self.in_doubt(id, commit, alternative);
        if let Some(deal) = self.deals.get_mut(&id) {
            deal.commit_came_back = at.comes_back;
        }
    }

    /// A deal is committed, alone or by a Manifest: what it comes to is in doubt.
    pub(super) fn in_doubt(&mut self, id: Id, commit: Id, alternative: usize) {
        let Some(deal) = self.deals.get_mut(&id) else {
            return;
        };
        deal.commit = Some(commit);
        deal.alternative = alternative;
        deal.now("doubt");
        let terms = deal.terms().cloned();
        let amount = terms.map_or(0, |terms| self.moves(&terms).0.max(0));
        if let Some(deal) = self.deals.get_mut(&id) {
            deal.amount = amount;
        }
        self.doubt(id, amount);
    }

    pub(super) fn released(&mut self, at: &At<'_>, release: Id, id: Id, found: &mut Findings) {
        let Some(deal) = self.deals.get_mut(&id) else {
            if !at.comes_back {
                at.find(found, Check::Hold, &[id], "a Release of what is not known");
            }
            return;
        };
        let is_free = matches!(deal.state, "requested" | "held");
        if !is_free && at.comes_back {
            return;
        }
        if !is_free {
            let why = format!("a Release is signed for a deal that is {}", deal.state);
            at.find(found, Check::Twice, &[id, release], why);
            return;
        }
        deal.release = Some(release);
        deal.now("released");
        if !at.comes_back {
            self.check_nothing_rests(at, id, found);
        }
    }

    /// The Receipt came. A second decision changes nothing.
    pub(super) fn agreed(&mut self, receipt: Id, (id, commit, alternative): (Id, Id, usize)) {
        let Some(deal) = self.deals.get(&id) else {
            return;
        };
        let (state, amount) = (deal.state, deal.amount);
        if deal.provides || deal.commit != Some(commit) || !matches!(state, "doubt" | "written") {
            return;
        }
        if state == "doubt" {
            self.doubt(id, -amount);
        }
        if let Some(deal) = self.deals.get_mut(&id) {
            deal.alternative = alternative;
            deal.decision = Some(receipt);
            deal.now("agreed");
        }
        self.post(id);
    }

    /// The Refusal came.
    pub(super) fn aborted(&mut self, refusal: Id, id: Id) {
        let Some(deal) = self.deals.get_mut(&id) else {
            return;
        };
        if deal.provides || deal.manifest.is_some() || matches!(deal.state, "agreed" | "aborted") {
            return;
        }
        let (was_in_doubt, amount) = (deal.state == "doubt", deal.amount);
        deal.decision = Some(refusal);
        deal.now("aborted");
        if was_in_doubt {
            self.doubt(id, -amount);
        }
    }

    pub(super) fn written_off(&mut self, at: &At<'_>, id: Id, found: &mut Findings) {
        let Some(deal) = self.deals.get_mut(&id).filter(|deal| deal.state == "doubt") else {
            at.find(
                found,
                Check::Doubt,
                &[id],
                "what is written off was not in doubt",
            );
            return;
        };
        deal.now("written");
        let amount = deal.amount;
        self.doubt(id, -amount);
    }

    pub(super) fn doubt(&mut self, id: Id, by: i128) {
        let Some(deal) = self.deals.get(&id) else {
            return;
        };
        let (partner, currency) = (deal.partner, deal.currency());
        if let Some(account) = self.account(partner, currency) {
            account.doubt += by;
        }
    }
}
