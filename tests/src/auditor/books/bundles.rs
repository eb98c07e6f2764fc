//! Bundles, kept a second time by section 20 of SPEC.md: the first certificate of a manifest that is
//! whole decides each leg here, a leg arms once and while its hold lives, the last one after all
//! others, what armed refuses never, and lapses when its patience is over. How the legs end at other
//! nodes is not known here.

use std::collections::BTreeMap;

use super::{
    At, Books, Deal,
    provide::{HOLD_OVER, PART_REFUSED},
};
use crate::auditor::{
    bytes::Id,
    finding::{Check, Findings},
    read::{Body, Leg, Record},
};

/// Code of section 18: the hold does not wait for one of the other legs.
const CO_LEGS_REFUSED: u64 = 35;
/// Code of section 18: the hold that a leg names is not known.
const HOLD_UNKNOWN: u64 = 27;
/// A hold's word for whom it waits: for nobody's legs, and for anybody's.
const FOR_NOBODY: u64 = 1;
const FOR_ANYBODY: u64 = 3;

/// What a record says of a leg.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Armed,
    /// With its code.
    Refused(u64),
    Lapsed,
}

/// A manifest, and what is known of its legs by their numbers.
pub struct Bundle {
    pub requester: Id,
    pub legs: Vec<Leg>,
    /// The manifest whose certificate decides it, where its legs are parts.
    pub whole: Option<Id>,
    last: Option<u64>,
    /// `ArmReceipt`s with their times.
    armed: BTreeMap<u64, (Id, u64)>,
    refused: BTreeMap<u64, Id>,
    lapsed: BTreeMap<u64, Id>,
    /// How it ended: the Refusal, or none for the whole certificate.
    pub ended: Option<Option<Id>>,
}

impl Bundle {
    pub(super) fn has_all_armed(&self) -> bool {
        self.armed.len() == self.legs.len()
    }

    pub(super) fn has_one_refused(&self) -> bool {
        !self.refused.is_empty()
    }
}

/// What is known of one leg, and how its bundle ended.
#[derive(Clone, Copy)]
struct Told {
    armed: Option<Id>,
    refused: Option<Id>,
    lapsed: Option<Id>,
    ended: Option<Option<Id>>,
}

impl Books {
    /// Books a record that all members of a bundle see. Handed back is whether it is one.
    pub(super) fn of_a_bundle(
        &mut self,
        at: &At<'_>,
        record: &Record,
        found: &mut Findings,
    ) -> bool {
        let (leg, deal, said) = match &record.body {
            Body::Manifest { whole, legs, last } => {
                self.manifest(at, record, (*whole, legs, *last), found);
                return true;
            }
            Body::Armed { deal, leg } => (*leg, *deal, Said::Armed),
            Body::Lapsed { deal, leg } => (*leg, *deal, Said::Lapsed),
            Body::Refusal {
                deal,
                code,
                leg: Some(leg),
            } => (*leg, *deal, Said::Refused(*code)),
            _ => return false,
        };
        self.leg_said(at, record, (leg, deal, said), found);
        true
    }

    /// A Manifest was signed, taken, or shown again.
    fn manifest(
        &mut self,
        at: &At<'_>,
        record: &Record,
        (whole, legs, last): (Option<Id>, &[Leg], Option<u64>),
        found: &mut Findings,
    ) {
        let id = record.id;
        if self.bundles.contains_key(&id) {
            return;
        }
        if record.author == self.partner && !at.comes_back {
            for leg in legs {
                let deal = self.deals.get(&leg.deal);
                let may = deal.is_some_and(|deal| {
                    deal.state == "held" && deal.hold == Some(leg.hold) && at.ms() <= deal.until
                });
                if !may {
                    let why = "a Manifest names a hold that is not kept, or over";
                    at.find(found, Check::Hold, &[leg.deal, id], why);
                }
            }
        }
        let bundle = Bundle {
            requester: record.author,
            legs: legs.to_vec(),
            whole,
            last,
            armed: BTreeMap::new(),
            refused: BTreeMap::new(),
            lapsed: BTreeMap::new(),
            ended: whole.and_then(|whole| self.bundles.get(&whole)?.ended),
        };
        self.bundles.insert(id, bundle);
        self.lead(id);
    }

    /// The certificate of a whole decides its parts, and nothing else does.
    fn lead_parts(&mut self, whole: Id) {
        let ended = self.bundles.get(&whole).and_then(|whole| whole.ended);
        let parts = self.bundles.iter();
        let parts = parts.filter(|(_, part)| part.whole == Some(whole) && part.ended.is_none());
        let parts: Vec<Id> = parts.map(|(id, _)| *id).collect();
        for part in parts {
            if let Some(part) = self.bundles.get_mut(&part) {
                part.ended = ended;
            }
            self.lead(part);
        }
    }

    /// A leg armed, refused or lapsed.
    fn leg_said(
        &mut self,
        at: &At<'_>,
        record: &Record,
        ((manifest, number), deal, said): ((Id, u64), Id, Said),
        found: &mut Findings,
    ) {
        let own = record.author == self.partner;
        if own && !at.comes_back {
            self.check_said(at, record.id, ((manifest, number), deal, said), found);
        }
        let Some(bundle) = self.bundles.get_mut(&manifest) else {
            at.find(
                found,
                Check::Hold,
                &[manifest, record.id],
                "its Manifest is not here",
            );
            return;
        };
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let leg = bundle.legs.get(place);
        if leg.is_none_or(|leg| leg.deal != deal || leg.provider != record.author) {
            let why = "it names no leg of its author";
            at.find(found, Check::Hold, &[manifest, record.id], why);
            return;
        }
        let requester = bundle.requester;
        if own && !at.comes_back && matches!(said, Said::Refused(_)) {
            // One that was refused as unknown is remembered as refused.
            let never_seen = || Deal::new(requester, true, "refused");
            self.deals.entry(deal).or_insert_with(never_seen);
        }
        let id = record.id;
        let signed_at = record.header.as_ref().map_or(0, |header| header.at);
        match said {
            Said::Armed => {
                bundle.armed.entry(number).or_insert((id, signed_at));
            }
            Said::Refused(_) => {
                bundle.refused.entry(number).or_insert(id);
                if bundle.whole.is_none() {
                    bundle.ended.get_or_insert(Some(id));
                }
            }
            Said::Lapsed => {
                bundle.lapsed.entry(number).or_insert(id);
            }
        }
        if bundle.has_all_armed() && bundle.whole.is_none() {
            bundle.ended.get_or_insert(None);
        }
        self.lead(manifest);
        self.lead_parts(manifest);
    }

    /// What a provider may say of its own leg at this entry.
    fn check_said(
        &self,
        at: &At<'_>,
        record: Id,
        ((manifest, number), deal_id, said): ((Id, u64), Id, Said),
        found: &mut Findings,
    ) {
        let bundle = self.bundles.get(&manifest);
        if said == Said::Refused(HOLD_UNKNOWN) {
            if bundle.is_some_and(|bundle| bundle.armed.contains_key(&number)) {
                let why = "an armed leg refuses";
                at.find(found, Check::Twice, &[manifest, deal_id, record], why);
            }
            if self.knows_hold(deal_id, (bundle, number)) {
                let why = "a leg is refused as unknown whose hold is here";
                at.find(found, Check::Hold, &[manifest, deal_id, record], why);
            }
            return;
        }
        let Some(deal) = self.deals.get(&deal_id) else {
            at.find(
                found,
                Check::Hold,
                &[deal_id, record],
                "a leg of a deal that is not here",
            );
            return;
        };
        let why = match said {
            Said::Armed if !self.have_parts_armed(deal) => {
                Some((Check::Middle, "a leg arms before all on which it rests"))
            }
            Said::Armed => why_not_arm((manifest, number), (deal, bundle), at.ms()),
            Said::Refused(PART_REFUSED) if self.has_part_refused(deal) && is_open(deal) => None,
            Said::Refused(code) => {
                let own = |leg: &&Leg| leg.provider == self.partner;
                let mut legs = bundle.iter().flat_map(|bundle| &bundle.legs).filter(own);
                // It waits for no leg of its own that both sides lost.
                let lacks_one = legs.any(|leg| !self.deals.contains_key(&leg.deal));
                why_not_refuse(number, (deal, bundle), (code, at.ms()), lacks_one)
            }
            Said::Lapsed => why_not_lapse(number, (deal, bundle), at.ms()),
        };
        if let Some((check, why)) = why {
            at.find(found, check, &[manifest, deal_id, record], why);
        }
    }

    /// Whether the hold that a leg names was given here, or something else binds its deal.
    fn knows_hold(&self, deal: Id, (bundle, number): (Option<&Bundle>, u64)) -> bool {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let leg = bundle.and_then(|bundle| bundle.legs.get(place));
        let known = self.deals.get(&deal).zip(leg);
        known.is_some_and(|(deal, leg)| deal.hold == Some(leg.hold) || deal.manifest.is_some())
    }

    /// Brings each deal of a manifest to where its certificate leads it.
    fn lead(&mut self, manifest: Id) {
        let Some(bundle) = self.bundles.remove(&manifest) else {
            return;
        };
        for (number, leg) in (0..).zip(&bundle.legs) {
            let told = Told {
                armed: bundle.armed.get(&number).map(|(id, _)| *id),
                refused: bundle.refused.get(&number).copied(),
                lapsed: bundle.lapsed.get(&number).copied(),
                ended: bundle.ended,
            };
            if bundle.requester == self.partner {
                self.lead_requester(manifest, leg, told);
            } else if leg.provider == self.partner {
                self.bind(manifest, bundle.requester, (leg, told));
                self.lead_provider(manifest, leg, told);
            }
        }
        self.bundles.insert(manifest, bundle);
    }

    /// A hold of this node's own is bound by the first manifest of its requester that names it.
    fn bind(&mut self, manifest: Id, requester: Id, (leg, told): (&Leg, Told)) {
        let Some(deal) = self.deals.get_mut(&leg.deal) else {
            return;
        };
        // Of a leg of which it said something it may have lost the hold.
        let was_said = told.armed.or(told.refused).is_some();
        let is_free = matches!(deal.state, "held" | "closed" | "refused")
            || was_said && deal.state == "asked";
        let is_its = deal.partner == requester && (was_said || deal.hold == Some(leg.hold));
        if deal.manifest.is_none() && is_free && is_its {
            deal.manifest = Some(manifest);
            deal.commit = Some(manifest);
            deal.alternative = leg.alternative;
            if deal.state == "held" {
                deal.now("waiting");
            }
        }
    }

    /// A deal came back that manifests may name which came back before it.
    pub(super) fn lead_again(&mut self, deal: Id) {
        let named = |bundle: &Bundle| bundle.legs.iter().any(|leg| leg.deal == deal);
        let bundles = self.bundles.iter().filter(|(_, bundle)| named(bundle));
        let manifests: Vec<Id> = bundles.map(|(id, _)| *id).collect();
        for manifest in manifests {
            self.lead(manifest);
        }
    }

    fn lead_provider(&mut self, manifest: Id, leg: &Leg, told: Told) {
        let Told {
            armed,
            refused,
            lapsed,
            ended,
        } = told;
        let id = leg.deal;
        if self
            .deals
            .get(&id)
            .is_none_or(|deal| deal.manifest != Some(manifest))
        {
            return;
        }
        if let (Some(Some(first)), None) = (ended, lapsed) {
            return self.end_leg(id, refused.unwrap_or(first), "refused");
        }
        let Some(receipt) = armed else {
            // A part that refused is over, though that does not decide the whole.
            if let Some(refusal) = refused.filter(|_| ended.is_none()) {
                self.end_leg(id, refusal, "refused");
            }
            return;
        };
        let names_no_leg = refused.is_none() && !matches!(ended, Some(Some(_)));
        self.arm(id, names_no_leg);
        if let Some(lapse) = lapsed {
            self.end_leg(id, lapse, "lapsed");
        } else if ended == Some(None)
            && let Some(deal) = self.deals.get_mut(&id).filter(|deal| deal.state == "armed")
        {
            deal.decision = Some(receipt);
            deal.now("sold");
            self.move_reserved(id, -1);
            self.post(id);
        }
    }

    fn arm(&mut self, id: Id, names_no_leg: bool) {
        let is_given_back = self.given_back.contains(&id);
        let Some(deal) = self.deals.get_mut(&id) else {
            return;
        };
        // It comes back: what it held is held again. A Refusal that names no leg decides nothing.
        let comes_back = match deal.state {
            "waiting" => false,
            "closed" | "asked" => true,
            "refused" if names_no_leg && !is_given_back => true,
            _ => return,
        };
        deal.now("armed");
        if comes_back {
            deal.decision = None;
            self.move_reserved(id, 1);
        }
    }

    fn end_leg(&mut self, id: Id, by: Id, state: &'static str) {
        let Some(deal) = self.deals.get_mut(&id) else {
            return;
        };
        let before = deal.state;
        match before {
            // It was agreed while its Lapse was lost.
            "sold" if state == "lapsed" => self.take_back(id),
            "sold" | "lapsed" => return,
            "refused" if state == "lapsed" => return,
            "refused" => {
                deal.decision = Some(by);
                return;
            }
            _ => {}
        }
        if let Some(deal) = self.deals.get_mut(&id) {
            deal.decision = Some(by);
            deal.now(state);
        }
        if matches!(before, "waiting" | "armed" | "held") {
            self.move_reserved(id, -1);
        }
    }

    /// What a leg posted at its provider is as if it had never been.
    fn take_back(&mut self, id: Id) {
        let Some(deal) = self.deals.get(&id) else {
            return;
        };
        let (partner, currency, amount) = (deal.partner, deal.currency(), deal.amount);
        let own = deal.takes_stock();
        let moved = deal.moved.clone();
        if own {
            self.sell(&moved, -1);
        }
        self.stand_back(id);
        if let Some(account) = self.account(partner, currency) {
            account.receivable -= amount;
        }
    }

    fn lead_requester(&mut self, manifest: Id, leg: &Leg, told: Told) {
        let Told {
            armed,
            refused,
            lapsed,
            ended,
        } = told;
        let id = leg.deal;
        let Some(deal) = self.deals.get_mut(&id) else {
            return;
        };
        let may_doubt = match deal.state {
            "requested" | "held" => true,
            // A Refusal that names no leg decides nothing.
            "aborted" => deal.commit.is_none() && deal.release.is_none(),
            _ => false,
        };
        if deal.manifest.is_none() && may_doubt {
            deal.decision = None;
            deal.manifest = Some(manifest);
            deal.hold = Some(leg.hold);
            self.in_doubt(id, manifest, leg.alternative);
        }
        match (ended, lapsed) {
            (Some(None), Some(lapse)) => self.leave_doubt(id, lapse, "aborted"),
            (Some(None), None) => {
                if let Some(receipt) = armed {
                    self.leave_doubt(id, receipt, "agreed");
                }
            }
            (Some(Some(first)), _) => self.leave_doubt(id, refused.unwrap_or(first), "aborted"),
            (None, _) => {}
        }
    }

    fn leave_doubt(&mut self, id: Id, by: Id, state: &'static str) {
        let Some(deal) = self.deals.get_mut(&id) else {
            return;
        };
        let (before, amount, partner) = (deal.state, deal.amount, deal.partner);
        let currency = deal.currency();
        let is_taken_back = before == "agreed" && state == "aborted";
        if !is_taken_back && !matches!(before, "doubt" | "written") {
            return;
        }
        deal.decision = Some(by);
        deal.now(state);
        if before == "doubt" {
            self.doubt(id, -amount);
        }
        if state == "agreed" {
            self.post(id);
        }
        if is_taken_back {
            self.stand_back(id);
            if let Some(account) = self.account(partner, currency) {
                account.payable -= amount;
            }
        }
    }
}

/// Whether a leg is bound and has said nothing yet.
fn is_open(deal: &Deal) -> bool {
    matches!(deal.state, "waiting" | "closed")
}

/// What stands against arming a leg.
fn why_not_arm(
    (manifest, number): (Id, u64),
    (deal, bundle): (&Deal, Option<&Bundle>),
    ms: u64,
) -> Option<(Check, &'static str)> {
    let is_last = bundle.is_some_and(|bundle| bundle.last == Some(number));
    let lacks_others = bundle.is_some_and(|bundle| bundle.armed.len() + 1 < bundle.legs.len());
    if bundle.is_some_and(|bundle| bundle.armed.contains_key(&number)) {
        Some((Check::Twice, "a leg arms a second time"))
    } else if deal.manifest != Some(manifest) {
        let why = "a leg arms for a manifest to which it is not bound";
        Some((Check::Hold, why))
    } else if deal.state != "waiting" {
        Some((Check::Hold, "a leg arms whose hold does not stand"))
    } else if ms > deal.until {
        Some((Check::Hold, "a leg arms after the end of its hold"))
    } else if deal.waits.is_none_or(|waits| waits.co_legs == FOR_NOBODY) {
        Some((Check::Hold, "a leg arms whose hold waits for nobody"))
    } else if is_last && lacks_others {
        let why = "the leg that arms last arms before the others";
        Some((Check::Certificate, why))
    } else {
        None
    }
}

/// What stands against refusing a leg.
fn why_not_refuse(
    number: u64,
    (deal, bundle): (&Deal, Option<&Bundle>),
    (code, ms): (u64, u64),
    lacks_one: bool,
) -> Option<(Check, &'static str)> {
    let is_over = code == HOLD_OVER && ms >= deal.until;
    let waits_for_all = deal.waits.is_some_and(|waits| waits.co_legs == FOR_ANYBODY);
    let is_unfit = code == CO_LEGS_REFUSED && (lacks_one || !waits_for_all);
    if bundle.is_some_and(|bundle| bundle.armed.contains_key(&number)) {
        Some((Check::Twice, "an armed leg refuses"))
    } else if deal.state == "waiting" && !is_over && !is_unfit {
        Some((Check::Hold, "a leg refuses whose hold stands"))
    } else {
        None
    }
}

/// What stands against a leg's lapse.
fn why_not_lapse(
    number: u64,
    (deal, bundle): (&Deal, Option<&Bundle>),
    ms: u64,
) -> Option<(Check, &'static str)> {
    let armed = bundle.and_then(|bundle| bundle.armed.get(&number));
    let patience_ms = deal.waits.map_or(0, |waits| waits.patience_ms);
    if deal.state != "armed" {
        Some((Check::Hold, "a leg lapses that is not armed"))
    } else if armed.is_some_and(|(_, armed_ms)| ms < armed_ms + patience_ms) {
        Some((Check::Hold, "a leg lapses before its patience is over"))
    } else {
        None
    }
}
