//! Two sites with one deal between them, and all that may befall it: letters that repeat, come in
//! any order, late or never; crashes; clocks that run ahead; an old image that is put back;
//! operators who accept, reject, cancel, write off and ask at any moment.

use std::{
    collections::{BTreeMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::Arc,
};

use omni_protocol::{
    deal::{Opening, State},
    frame::{Greeting, Notice},
    hash::{DealId, RecordId},
    ledger::Payload,
    machine::{
        Approval, Binding, Change, Count, Grant, Input, Mark, Message, Policy, Proposing,
        Publication, Received, Requesting, Standing, Step, Verb,
    },
    record::Signed,
    thread::{Role, Terms, ThreadBody},
    value::{Minor, Money, Text, Time},
};
use omni_tests::market::{BEGINNING_MS, network, offer, terms};
use stateright::{Model, Property};

use crate::site::{Site, partner, received};

pub const REQUESTER: usize = 0;
pub const PROVIDER: usize = 1;
const MINUTE_MS: u64 = 60_000;
/// Longer than a hold and a proposal stand here.
pub const PAST_ALL_MS: u64 = 40 * MINUTE_MS;

/// What is checked: how the deal begins, and how often what may befall it.
#[derive(Clone, Debug)]
pub struct World {
    pub opening: Opening,
    pub often: Often,
    /// Whether a site's latest step is lost in a crash: a planted bug.
    pub unsynced: bool,
    pub order: Order,
}

/// In which order letters arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they were sent, as on a stream.
    Sent,
    /// In any.
    Any,
}

/// How often something may still happen, each for the requester and the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Often {
    pub crashes: [u8; 2],
    pub images: [u8; 2],
    pub late_clocks: [u8; 2],
    /// Letters that arrive once more.
    pub repeats: u8,
    pub reconnects: u8,
    pub questions: u8,
}

/// Where two sites and what is between them stand.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Moment {
    pub sites: [Arc<Site>; 2],
    /// On their way, by their digest; two that are the same are one.
    pub mail: Vec<(u64, usize, Mail)>,
    pub connected: bool,
    often: Often,
    /// Whether an old image was put back: then something is lost, and a slot that nobody saw may be
    /// filled again.
    pub has_lost: bool,
    /// What was signed by whom for which slot, lives and images notwithstanding.
    signed: Arc<BTreeMap<(usize, DealId, Slot), RecordId>>,
    /// What never may be, and was.
    pub broken: Option<&'static str>,
}

/// What is signed once for a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Slot {
    Decision,
    Bound,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Mail {
    Letter(Vec<RecordId>, Vec<RecordId>),
    Stored(RecordId),
    Notice(Notice),
    WhatIs(Vec<RecordId>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Deliver(u64),
    Repeat(u64),
    Connect,
    Disconnect,
    Crash(usize),
    Copy(usize),
    PutBack(usize),
    OpenEpoch(usize),
    LateClock(usize),
    Say(usize, Word),
    Ask,
}

/// A word of an operator about the deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word {
    Accept,
    Cancel,
    WriteOff,
}

impl Model for World {
    type State = Moment;
    type Action = Action;

    fn init_states(&self) -> Vec<Moment> {
        vec![self.beginning()]
    }

    fn actions(&self, moment: &Moment, actions: &mut Vec<Action>) {
        let often = &moment.often;
        if moment.connected {
            for letter in self.next_letters(moment) {
                actions.push(Action::Deliver(letter));
                if often.repeats > 0 {
                    actions.push(Action::Repeat(letter));
                }
            }
            if often.reconnects > 0 {
                actions.push(Action::Disconnect);
            }
            if often.questions > 0 && moment.sites[REQUESTER].deal().is_some() {
                actions.push(Action::Ask);
            }
        } else {
            actions.push(Action::Connect);
        }
        for at in [REQUESTER, PROVIDER] {
            let site = &moment.sites[at];
            if often.crashes[at] > 0 {
                actions.push(Action::Crash(at));
            }
            if often.late_clocks[at] > 0 {
                actions.push(Action::LateClock(at));
            }
            if site.has_copy() {
                actions.push(Action::PutBack(at));
            } else if often.images[at] > 0 {
                actions.push(Action::Copy(at));
            }
            if site.is_recovering() {
                actions.push(Action::OpenEpoch(at));
            }
            actions.extend(words(site).iter().map(|word| Action::Say(at, *word)));
        }
    }

    fn next_state(&self, last: &Moment, action: Action) -> Option<Moment> {
        let mut moment = last.clone();
        match action {
            Action::Deliver(mail) => moment.deliver(mail),
            Action::Repeat(mail) => {
                moment.often.repeats -= 1;
                let again = moment.mail.iter().find(|(id, ..)| *id == mail).cloned();
                moment.deliver(mail);
                moment.mail.extend(again);
            }
            Action::Connect => moment.connect(),
            Action::Disconnect => {
                moment.often.reconnects -= 1;
                moment.disconnect();
            }
            Action::Crash(at) => {
                moment.often.crashes[at] -= 1;
                moment.end(at, Site::crashed);
            }
            Action::Copy(at) => {
                moment.often.images[at] -= 1;
                moment.sites[at] = Arc::new(moment.sites[at].copied());
            }
            Action::PutBack(at) => {
                moment.has_lost = true;
                moment.end(at, |site| site.put_back().unwrap());
            }
            Action::OpenEpoch(at) => {
                moment.put(at, Input::OpenEpoch);
            }
            Action::LateClock(at) => {
                moment.often.late_clocks[at] -= 1;
                moment.sites[at] = Arc::new(moment.sites[at].later(PAST_ALL_MS));
                moment.put(at, Input::Pulse);
            }
            Action::Say(at, word) => moment.say(at, word),
            Action::Ask => {
                moment.often.questions -= 1;
                moment.ask();
            }
        }
        if self.order == Order::Any {
            moment.mail.sort_by_key(|(id, ..)| *id);
        }
        (moment != *last).then_some(moment)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nothing is broken", |_, moment: &Moment| {
                moment.broken.is_none()
            }),
            Property::always("both end with the same decision", |_, moment: &Moment| {
                moment.heals().is_ok()
            }),
            Property::sometimes("it is agreed", |_, moment: &Moment| {
                moment.states() == [Some(State::Agreed), Some(State::Sold)]
            }),
            Property::sometimes("it is refused", |_, moment: &Moment| {
                moment.states() == [Some(State::Aborted), Some(State::Refused)]
            }),
        ]
    }
}

/// What an operator may say as the deal stands.
fn words(site: &Site) -> &'static [Word] {
    match site.deal().map(|(_, deal)| deal.state) {
        Some(State::Requested) => &[Word::Cancel],
        Some(State::Kept | State::Asked | State::Offered) => &[Word::Accept, Word::Cancel],
        Some(State::Doubt) => &[Word::WriteOff],
        _ => &[],
    }
}

impl World {
    /// The letters that may arrive next.
    fn next_letters(&self, moment: &Moment) -> Vec<u64> {
        let to = |at: usize| moment.mail.iter().filter(move |(_, to, _)| *to == at);
        match self.order {
            Order::Any => moment.mail.iter().map(|(id, ..)| *id).collect(),
            Order::Sent => [REQUESTER, PROVIDER]
                .into_iter()
                .filter_map(|at| to(at).next().map(|(id, ..)| *id))
                .collect(),
        }
    }

    fn beginning(&self) -> Moment {
        let policy = Policy {
            proposals: Approval::Asked,
            ..Policy::default()
        };
        let mut sites = [REQUESTER, PROVIDER].map(|at| Site::started(at, policy.clone()));
        let one = offer("B", 700);
        let inputs = [
            Input::Publish(vec![Publication::Offer(Box::new(one))]),
            Input::Count(Count {
                sku: "B".parse().unwrap(),
                list: Text::default(),
                steps: 9,
            }),
        ];
        for input in inputs {
            sites[PROVIDER] = sites[PROVIDER].put(input).0;
        }
        for at in [REQUESTER, PROVIDER] {
            let partner = partner(1 - at);
            let limit = Money {
                minor: Minor::new(9_000).unwrap(),
                currency: "EUR".parse().unwrap(),
            };
            let standing = Standing::Partner;
            for grant in [
                Grant::Standing { partner, standing },
                Grant::Credit { partner, limit },
                Grant::Budget { partner, limit },
            ] {
                sites[at] = sites[at].put(Input::Grant(grant)).0;
            }
            if self.unsynced {
                sites[at] = sites[at].clone().unsynced();
            }
        }
        let mut moment = Moment {
            sites: sites.map(Arc::new),
            mail: Vec::new(),
            connected: false,
            often: self.often,
            has_lost: false,
            signed: Arc::default(),
            broken: None,
        };
        moment.connect();
        let (at, verb) = self.opening();
        moment.put(at, Input::Verb(Box::new(verb)));
        moment
    }

    fn opening(&self) -> (usize, Verb) {
        let until = |at: usize| {
            let begun = BEGINNING_MS + at as u64;
            Time::new(begun).unwrap().plus_ms(20 * MINUTE_MS)
        };
        let terms: Terms = terms("B", 700, 2);
        let firm = |at: usize, role| {
            let alternatives = vec![terms.clone()];
            let proposing = Proposing {
                partner: partner(1 - at),
                thread: None,
                role,
                binding: Binding::Firm,
                valid_until: until(0),
                alternatives,
            };
            (at, Verb::Propose(proposing))
        };
        match self.opening {
            Opening::Request => {
                let requesting = Requesting {
                    partner: partner(PROVIDER),
                    thread: None,
                    proposal: None,
                    valid_until: until(0),
                    terms: terms.clone(),
                    commit: Approval::Asked,
                };
                (REQUESTER, Verb::Request(requesting))
            }
            Opening::ProviderProposal => firm(PROVIDER, Role::Provider),
            Opening::RequesterProposal => firm(REQUESTER, Role::Requester),
        }
    }
}

impl Moment {
    /// What an action does here, in words.
    pub fn tell(&self, action: &Action) -> String {
        let name = |id: &RecordId| match received(*id) {
            Some(received) => format!("{:?}", received.record.kind()),
            None => "?".to_owned(),
        };
        let names = |ids: &[RecordId]| ids.iter().map(name).collect::<Vec<_>>().join("+");
        let (Action::Deliver(mail) | Action::Repeat(mail)) = action else {
            return format!("{action:?}");
        };
        let mail = match self.mail.iter().find(|(id, ..)| id == mail) {
            Some((_, to, Mail::Letter(records, attached))) => {
                format!("to {to}: {} with {}", names(records), names(attached))
            }
            Some((_, to, Mail::Stored(record))) => format!("to {to}: Stored {}", name(record)),
            Some((_, to, Mail::WhatIs(records))) => format!("to {to}: WhatIs {}", names(records)),
            Some((_, to, Mail::Notice(notice))) => {
                format!("to {to}: {:?} {}", notice.what, notice.code.name())
            }
            None => "nothing".to_owned(),
        };
        match action {
            Action::Repeat(_) => format!("again {mail}"),
            _ => mail,
        }
    }

    pub fn states(&self) -> [Option<State>; 2] {
        [REQUESTER, PROVIDER].map(|at| self.sites[at].deal().map(|(_, deal)| deal.state))
    }

    pub fn put(&mut self, at: usize, input: Input) {
        let greetings = self.put_one(at, input);
        for greeting in greetings {
            if self.connected {
                self.put(1 - at, Input::Greeting(Box::new(greeting)));
            }
        }
    }

    /// Puts one input to a site and its letters on their way; greetings arrive at once.
    fn put_one(&mut self, at: usize, input: Input) -> Vec<Greeting> {
        let (site, step) = self.sites[at].put(input);
        self.watch(at, &step);
        self.sites[at] = Arc::new(site);
        let mut greetings = Vec::new();
        for outgoing in step.replies.into_iter().chain(step.sends) {
            let mail = match outgoing.message {
                Message::Letter { records, attached } => Mail::Letter(records, attached),
                Message::Stored { record, .. } => Mail::Stored(record),
                Message::Notice(notice) => Mail::Notice(notice),
                Message::WhatIs { records, .. } => Mail::WhatIs(records),
                Message::Greeting(greeting) => {
                    greetings.push(*greeting);
                    continue;
                }
            };
            if self.connected {
                self.post(1 - at, mail);
            }
        }
        greetings
    }

    fn post(&mut self, to: usize, mail: Mail) {
        let mut hasher = DefaultHasher::new();
        (to, &mail).hash(&mut hasher);
        let id = hasher.finish();
        if self.mail.iter().all(|(other, ..)| *other != id) {
            self.mail.push((id, to, mail));
        }
    }

    /// I6, I7 and I11, and what must not be where nothing was lost.
    fn watch(&mut self, at: usize, step: &Step) {
        for entry in step.entries() {
            if !matches!(entry.body.payload, Payload::Signed(_)) {
                continue;
            }
            for carried in &entry.records {
                let Ok(record) = Signed::<ThreadBody>::read(&network(), &*carried.bytes) else {
                    self.broken = Some("somebody is accused");
                    continue;
                };
                let (deal, slot) = match record.body() {
                    ThreadBody::Receipt(receipt) => (receipt.deal, Slot::Decision),
                    ThreadBody::Refusal(refusal) => (refusal.deal, Slot::Decision),
                    ThreadBody::Commit(commit) => (commit.deal, Slot::Bound),
                    ThreadBody::Release(release) => (release.deal, Slot::Bound),
                    _ => continue,
                };
                let signed = Arc::make_mut(&mut self.signed);
                let before = signed.insert((at, deal, slot), record.id());
                if before.is_some() && !self.has_lost {
                    self.broken = Some("two records for one slot");
                }
            }
        }
        let has_lost = step.changes.iter().any(|change| {
            matches!(
                change,
                Change::Mark(Mark::Recovering { .. } | Mark::Ahead { .. })
            )
        });
        if has_lost && !self.has_lost {
            self.broken = Some("something is lost");
        }
    }

    pub fn connect(&mut self) {
        self.connected = true;
        let mut greetings = Vec::new();
        for at in [REQUESTER, PROVIDER] {
            let met = self.put_one(at, Input::Met(partner(1 - at)));
            greetings.extend(met.into_iter().map(|greeting| (1 - at, greeting)));
        }
        for (to, greeting) in greetings {
            self.put(to, Input::Greeting(Box::new(greeting)));
        }
    }

    pub fn disconnect(&mut self) {
        if self.connected {
            self.connected = false;
            // A letter does not outlive its stream.
            self.mail.clear();
            for at in [REQUESTER, PROVIDER] {
                self.put(at, Input::Gone(partner(1 - at)));
            }
        }
    }

    fn end(&mut self, at: usize, begun: impl FnOnce(&Site) -> Site) {
        self.disconnect();
        self.sites[at] = Arc::new(begun(&self.sites[at]));
    }

    pub fn deliver(&mut self, mail: u64) {
        let Some(index) = self.mail.iter().position(|(id, ..)| *id == mail) else {
            return;
        };
        let (_, to, mail) = self.mail.remove(index);
        let from = partner(1 - to);
        let load = |ids: Vec<RecordId>| -> Vec<Received> {
            ids.into_iter().filter_map(received).collect()
        };
        let input = match mail {
            Mail::Letter(records, attached) => {
                let Some(lives) = self.sites[1 - to].machine.lives(partner(to)) else {
                    return;
                };
                Input::Letter {
                    from,
                    lives,
                    records: load(records),
                    attached: load(attached),
                }
            }
            Mail::WhatIs(records) => Input::WhatIs {
                from,
                records: load(records),
            },
            Mail::Stored(record) => {
                let sender = &self.sites[1 - to].machine;
                let Some(lives) = sender.lives(partner(to)) else {
                    return;
                };
                Input::Stored {
                    from,
                    lives,
                    record,
                    head: sender.head().into(),
                }
            }
            Mail::Notice(notice) => Input::Notice(notice),
        };
        self.put(to, input);
    }

    pub fn say(&mut self, at: usize, word: Word) {
        let Some((deal, known)) = self.sites[at].deal() else {
            return;
        };
        let verb = match word {
            Word::Accept => Verb::Accept {
                thread: known.thread,
                alternative: 0,
            },
            Word::Cancel => Verb::Cancel { deal },
            Word::WriteOff => Verb::WriteOff { deal },
        };
        self.put(at, Input::Verb(Box::new(verb)));
    }

    /// The requester asks what became of the deal, showing what it holds.
    fn ask(&mut self) {
        let Some((deal, known)) = self.sites[REQUESTER].deal() else {
            return;
        };
        let request = (known.opening == Opening::Request).then_some(deal.into());
        let records: Vec<RecordId> = known.commit.or(request).into_iter().collect();
        if !records.is_empty() {
            self.post(PROVIDER, Mail::WhatIs(records));
        }
    }
}
