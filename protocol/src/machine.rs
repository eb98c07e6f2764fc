//! The machine: one node's rules as plain data and pure functions. `decide` says what an input
//! brings about, `apply` is the one fold of entries into what is kept. It keeps out bytes of peers
//! that were not verified, clocks, entropy, keys and every kind of input or output.

mod accuse;
pub(crate) mod bundle;
pub(crate) mod chain;
mod fold;
mod grant;
mod input;
mod key;
mod letter;
mod life;
pub(crate) mod outbox;
mod own;
mod recovery;
mod seen;
mod showing;
mod step;
mod trial;
mod verbs;
mod view;

use alloc::{collections::BTreeMap, vec::Vec};

pub use self::{
    accuse::evidence_against,
    bundle::{
        Bundle, BundleNews, Bundling, Draft, DraftLeg, Ended, KnownLeg, Stage, bundle_id,
        legs_before,
    },
    chain::{Sourcing, above as deal_above, part_of as deal_below, parts as deals_below},
    grant::{Grant, Standing, Terms as GrantTerms},
    input::{Count, Input, Now},
    key::Key,
    letter::Received,
    outbox::{EndsBy, Question},
    own::{
        OwnCatalogue, OwnSlot, ProofGroup, Publication, WithdrawnFor, own_offer, proof_groups,
        says_the_same, withdrawn_for,
    },
    step::{Change, Event, Mark, Message, Outgoing, Step, Verdict},
    verbs::{Binding, Proposing, Requesting, Verb},
    view::{Overlay, View, Write},
};
pub(crate) use self::{
    fold::{Fold, kept_record},
    letter::{Case, No},
    trial::{Stop, Trial},
    view::{decoded, stored},
};
use crate::{
    code::Code,
    hash::{NetworkId, PartnerId},
    ledger::{Entry, LedgerHead, note::Checkpoint},
    limits::{LIST_BYTES_MAX, MINUTE_MS, SKU_BYTES_MAX},
    thread::{CoLegs, Line, Terms},
    value::{Money, Text, Time},
};

/// How long an armed leg waits where nobody says otherwise: long enough for a partner whose node is
/// restarted, or whose line is down for a while.
const PATIENCE_MS_DEFAULT: u64 = 60 * MINUTE_MS;

/// Who the machine is and how its operator wants it to decide; from keys and configuration.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Config {
    /// The network.
    pub network: NetworkId,
    /// Its own partner.
    pub partner: PartnerId,
    /// Index of its market key in force.
    pub key_index: u32,
    /// What it decides without asking the operator.
    pub policy: Policy,
}

/// What is decided without asking the operator.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Policy {
    /// Requests that fit an own offer or proposal.
    pub requests: Approval,
    /// Firm proposals that fit an own offer.
    pub proposals: Approval,
    /// Minutes of a hold on an offer that does not say, at most `HOLD_MINUTES_MAX`.
    pub hold_minutes: u32,
    /// Whether strangers may hold at all.
    pub strangers: Strangers,
    /// The ship gate: amounts above which nothing of an order is fulfilled before its requester has
    /// acknowledged the Receipt, one for each currency. Without one of its currency none waits.
    pub ship_gate: Vec<Money>,
    /// How its holds wait for the other legs of a bundle.
    pub waits: Waits,
    /// What it does with a Request of which it has not enough.
    pub short: Short,
    /// Which Requests wait for the node to source them, whatever else is said.
    pub sourced: Vec<Sourced>,
}

/// Own articles of which Requests wait to be sourced.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Sourced {
    /// Which articles.
    pub what: Articles,
    /// Which Requests.
    pub when: When,
}

/// Own articles.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Articles {
    /// All.
    All,
    /// Those of a price list.
    List(Text<LIST_BYTES_MAX>),
    /// These, in whatever list.
    These(Vec<Text<SKU_BYTES_MAX, 1>>),
}

/// Which Requests of an article are sourced.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum When {
    /// Those that ask for more than there is.
    Short,
    /// All.
    Always,
}

impl Sourced {
    /// Whether all that is asked for is among its articles.
    #[must_use]
    pub fn covers(&self, terms: &Terms) -> bool {
        let mut items = terms.lines().iter().map(Line::item);
        items.all(|item| match &self.what {
            Articles::All => true,
            Articles::List(list) => item.list == *list,
            Articles::These(skus) => skus.iter().any(|sku| sku.as_str() == item.sku.as_str()),
        })
    }
}

impl Policy {
    /// Whether a Request that is fit, or fit but for the stock, waits to be sourced.
    pub(crate) fn may_source(&self, terms: &Terms, fit: Result<(), Code>) -> bool {
        // No part is asked for a change of an order.
        let is_change = terms.conditions().on.is_some();
        let mut sourced = self.sourced.iter().filter(|_| !is_change);
        match fit {
            Err(Code::NoStock | Code::SlotUnknown | Code::SlotFull) => {
                self.short == Short::Ask || sourced.any(|sourced| sourced.covers(terms))
            }
            Ok(()) => sourced.any(|sourced| sourced.when == When::Always && sourced.covers(terms)),
            Err(_) => false,
        }
    }
}

/// What a node does with a Request that is fit but for its stock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Short {
    /// It refuses.
    Refuse,
    /// It waits for the operator, who may source it from another partner.
    Ask,
}

/// How a hold waits for the other legs of a bundle.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Waits {
    /// With whose legs.
    pub co_legs: CoLegs,
    /// How long in doubt, before the operator may let it lapse.
    pub patience_ms: u64,
    /// Whether it wishes to arm last.
    pub arm_last: bool,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            co_legs: CoLegs::Any,
            patience_ms: PATIENCE_MS_DEFAULT,
            arm_last: false,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            requests: Approval::Given,
            proposals: Approval::Asked,
            hold_minutes: crate::limits::HOLD_MINUTES_DEFAULT,
            strangers: Strangers::HoldNothing,
            ship_gate: Vec::new(),
            waits: Waits::default(),
            short: Short::Refuse,
            sourced: Vec::new(),
        }
    }
}

/// Whether the operator is asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Approval {
    /// It is decided at once.
    Given,
    /// It waits for the operator.
    Asked,
}

/// What partners without trust may do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Strangers {
    /// They hold nothing.
    HoldNothing,
    /// All together hold at most a tenth of an offer's counted stock.
    HoldATenth,
}

/// One node's rules with the little that they keep at hand. Everything durable is read through a
/// [`View`]; what is here beside the ledger's head is lost with the process, and may be.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Machine {
    pub(crate) config: Config,
    pub(crate) head: LedgerHead,
    /// The present life; 0 until `Input::Start`.
    pub(crate) life: u64,
    pub(crate) sessions: BTreeMap<PartnerId, life::Session>,
    /// When each open question is sent again.
    pub(crate) attempts: BTreeMap<(PartnerId, u64), outbox::Attempt>,
    /// Since when each middle partner is away for which own legs are in doubt.
    pub(crate) silent: BTreeMap<PartnerId, Time>,
    /// When each partner is told again that what it has not spoken of may be lost here.
    pub(crate) unspoken: BTreeMap<PartnerId, outbox::Attempt>,
    /// Whether something of its own is lost, so that nothing may be signed.
    pub(crate) recovering: bool,
}

impl Machine {
    /// The machine as the store has it, before `Input::Start`.
    #[must_use]
    pub fn load(config: Config, view: &dyn View) -> Self {
        Self {
            config,
            head: stored(view, &Key::Head {}).unwrap_or_else(LedgerHead::empty),
            life: 0,
            sessions: BTreeMap::new(),
            attempts: BTreeMap::new(),
            silent: BTreeMap::new(),
            unspoken: BTreeMap::new(),
            recovering: view.read(&Key::Recovery {}).is_some(),
        }
    }

    /// What `input` brings about, given what `view` holds. Nothing changes.
    #[must_use]
    pub fn decide(&self, input: Input, view: &dyn View, now: Now) -> Step {
        match self.trial(input, view, now) {
            Ok((step, ..)) => step,
            Err(stop) => stop.step(),
        }
    }

    /// What [`Machine::decide`] and then [`Machine::carry`] do, with one fold of the entries instead
    /// of two: to decide, each entry was folded already. Lay the writes over the view before the
    /// next decision.
    #[must_use]
    pub fn decide_and_carry(
        &mut self,
        input: Input,
        view: &dyn View,
        now: Now,
    ) -> (Step, Vec<Write>) {
        match self.trial(input, view, now) {
            Ok((step, after, writes)) => {
                *self = after;
                (step, writes)
            }
            Err(stop) => (stop.step(), Vec::new()),
        }
    }

    /// The step, with the machine and the writes after it.
    fn trial(
        &self,
        input: Input,
        view: &dyn View,
        now: Now,
    ) -> Result<(Step, Self, Vec<Write>), Stop> {
        let mut trial = Trial::new(self, view, now);
        trial.take(input)?;
        Ok(trial.finish())
    }

    /// Changes the machine by what [`Machine::decide`] said, and returns what to write. Lay the
    /// writes over the view before the next decision.
    #[must_use]
    pub fn carry(&mut self, step: &Step, view: &dyn View) -> Vec<Write> {
        let mut overlay = Overlay::new(view);
        for change in &step.changes {
            let writes = match change {
                Change::Entry(entry) => self.apply(entry, &overlay),
                Change::Mark(mark) => self.mark(mark, &overlay),
            };
            for write in writes {
                overlay.lay(write);
            }
        }
        overlay.into_writes()
    }

    /// What one entry changes: the same live, in repair and when a ledger is verified.
    #[must_use]
    pub fn apply(&mut self, entry: &Entry, view: &dyn View) -> Vec<Write> {
        fold::apply(self, entry, view)
    }

    /// What one mark changes.
    #[must_use]
    pub fn mark(&mut self, mark: &Mark, view: &dyn View) -> Vec<Write> {
        step::apply_mark(self, mark, view)
    }

    /// Says anew which Requests wait for the node to source them.
    pub fn set_sourced(&mut self, sourced: Vec<Sourced>) {
        self.config.policy.sourced = sourced;
    }

    /// Where the ledger ends, with all that was carried.
    #[must_use]
    pub const fn head(&self) -> &LedgerHead {
        &self.head
    }

    /// The present life; 0 until `Input::Start` was carried.
    #[must_use]
    pub const fn life(&self) -> u64 {
        self.life
    }

    /// The checkpoint that closes a batch: sign its text. `None` if the store lacks hashes of the
    /// tree, which only a broken store does.
    #[must_use]
    pub fn checkpoint(&self, view: &dyn View) -> Option<Checkpoint> {
        let epoch = self.head.epoch;
        Some(Checkpoint {
            network: self.config.network,
            partner: self.config.partner,
            epoch,
            size: self.head.size,
            root: crate::ledger::growth::root(self.head.size, &fold::kept(view, epoch))?,
            at: self.head.at,
            life: self.life,
        })
    }

    /// Ledger time at `now`: it never runs back.
    pub(crate) fn ledger_time(&self, now: Time) -> Time {
        self.head.at.max(now)
    }
}
