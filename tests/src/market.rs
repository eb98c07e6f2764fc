//! Nodes in memory: the production machine over a map of keys, with real keys and proofs, and no
//! network, clock or disk.

mod forge;
mod goods;

pub use self::{
    forge::Peer,
    goods::{
        HOUR_MS, amendment, article, cancellation, chained, offer, service, slot, slot_terms,
        terms, timetable, withdrawable,
    },
};

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use ed25519_dalek::SigningKey;
use omni_protocol::{
    fence,
    frame::{Answers, Greeting, Head},
    hash::{DealId, EntryHash, NetworkId, NetworkName, PartnerId, RecordId},
    identity::{Inception, KeyChain, KeyEvent, PublicKey, StandingKey, sign_bytes, sign_event},
    ledger::{Entry, Payload},
    machine::{
        Change, Config, Event, Grant, Input, Key, Machine, Message, Now, Policy, ProofGroup,
        Received, Standing, Step, Verdict, View, Write, proof_groups,
    },
    proof::{Proof, SignedTree},
    record::{Signed, Verified},
    thread::{Life, ThreadBody},
    value::{Money, Time},
};

/// Where every test begins.
pub const BEGINNING_MS: u64 = 1_700_000_000_000;

/// The network of all tests here.
pub fn network() -> NetworkId {
    NetworkName::new("test").unwrap().id()
}

/// Keyed values in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store(pub BTreeMap<Key, Vec<u8>>);

impl View for Store {
    fn read(&self, key: &Key) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }

    fn next(&self, after: &Key) -> Option<(Key, Vec<u8>)> {
        self.0
            .range((Bound::Excluded(*after), Bound::Unbounded))
            .next()
            .filter(|(key, _)| key.family() == after.family())
            .map(|(key, value)| (*key, value.clone()))
    }
}

impl Store {
    pub fn write(&mut self, writes: Vec<Write>) {
        for Write { key, value } in writes {
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }

    /// What folding the entries must give again.
    pub fn projections(&self) -> BTreeMap<Key, Vec<u8>> {
        self.0
            .iter()
            .filter(|(key, _)| key.is_projection())
            .map(|(key, value)| (*key, value.clone()))
            .collect()
    }
}

/// A partner's key, and what is known of it.
#[derive(Clone)]
pub struct Identity {
    pub secret: SigningKey,
    pub chain: KeyChain,
    pub key: StandingKey,
    pub partner: PartnerId,
    /// The event that began its key chain, with its proof.
    pub inception: (Signed<KeyEvent>, Proof),
}

impl Identity {
    /// The same in each run.
    pub fn new(number: u8) -> Self {
        let secret = SigningKey::from_bytes(&[number; 32]);
        let digest = |number| PublicKey::of(&SigningKey::from_bytes(&[number; 32])).digest();
        let inception = Inception::new(
            network(),
            PublicKey::of(&secret),
            digest(number + 100),
            digest(number + 150),
        );
        let partner = inception.partner();
        let event = KeyEvent::Inception(inception);
        let inception = sign_event(network(), partner, event, &secret).unwrap();
        let (record, proof) = inception.clone();
        let chain = KeyChain::begin(network(), record, proof).unwrap();
        Self {
            key: chain.in_force().unwrap(),
            secret,
            chain,
            partner,
            inception,
        }
    }

    /// Proves records that may share a tree.
    pub fn prove(&self, ids: &[RecordId]) -> Vec<(RecordId, Proof)> {
        SignedTree::sign(&self.key, &self.secret, ids)
            .unwrap()
            .proofs()
            .to_vec()
    }
}

/// Checks a record as a runtime does before it is put to the machine.
pub fn verified(author: &Identity, bytes: &[u8], proof: Proof) -> Received {
    let record = Signed::<ThreadBody>::read(&network(), bytes).unwrap();
    let claim = proof.claim(record.author(), record.id()).unwrap();
    let attested = claim.verify(&author.key).unwrap();
    let record: Verified<ThreadBody> = record.verify(&attested).unwrap();
    Received { record, proof }
}

/// A node: the production machine and what it keeps.
#[derive(Clone)]
pub struct Node {
    pub identity: Identity,
    pub machine: Machine,
    pub store: Store,
    /// Its clock.
    pub ms: u64,
    drawn: u64,
    /// All entries, to fold again.
    pub entries: Vec<Entry>,
}

impl Node {
    /// A node that never ran.
    pub fn new(number: u8, policy: Policy) -> Self {
        let identity = Identity::new(number);
        let store = Store::default();
        let machine = Machine::load(config(&identity, policy), &store);
        Self {
            identity,
            machine,
            store,
            ms: BEGINNING_MS,
            drawn: u64::from(number) << 32,
            entries: Vec::new(),
        }
    }

    /// A node in its first life.
    pub fn started(number: u8, policy: Policy) -> Self {
        let mut node = Self::new(number, policy);
        node.start();
        node
    }

    pub fn partner(&self) -> PartnerId {
        self.identity.partner
    }

    pub fn now(&self) -> Time {
        Time::new(self.ms).unwrap()
    }

    pub fn life(&self) -> Life {
        Life::new(self.machine.life()).unwrap()
    }

    /// Ends the process and begins another over what was kept.
    pub fn restart(&mut self, policy: Policy) {
        self.machine = Machine::load(config(&self.identity, policy), &self.store);
        self.start();
    }

    /// As `restart`, and then what a test does before it goes on.
    pub fn restart_with(&mut self, policy: Policy, then: impl FnOnce(&mut Self)) {
        self.restart(policy);
        then(self);
    }

    fn start(&mut self) {
        self.drawn += 1;
        let life = Life::new(self.drawn | 1 << 63).unwrap();
        self.put(Input::Start(life));
    }

    /// Decides, carries, proves what was signed, and writes it all.
    pub fn put(&mut self, input: Input) -> Step {
        self.drawn += 1;
        let mut entropy = [0; 32];
        entropy[..8].copy_from_slice(&self.drawn.to_be_bytes());
        let now = Now {
            time: self.now(),
            entropy,
        };
        let mut at_once = self.machine.clone();
        let both = at_once.decide_and_carry(input.clone(), &self.store, now);
        let step = self.machine.decide(input, &self.store, now);
        let writes = self.machine.carry(&step, &self.store);
        assert_eq!(
            both,
            (step.clone(), writes.clone()),
            "decided and carried at once"
        );
        assert_eq!(at_once, self.machine);
        self.store.write(writes);
        let mut groups: BTreeMap<ProofGroup, Vec<RecordId>> = BTreeMap::new();
        for entry in step.entries() {
            for (group, id) in proof_groups(entry) {
                groups.entry(group).or_default().push(id);
            }
            self.entries.push(entry.clone());
        }
        for ids in groups.values() {
            for (record, proof) in self.identity.prove(ids) {
                let proof = fence::to_bytes(&proof);
                self.store.0.insert(Key::Proof { record }, proof);
            }
        }
        step
    }

    /// As `put`, for what must not be refused.
    pub fn must(&mut self, input: Input) -> Step {
        let step = self.put(input);
        assert!(
            matches!(step.verdict, Verdict::Done | Verdict::Made(_)),
            "{:?}",
            step.verdict
        );
        step
    }

    /// Makes a partner of another node, with this much credit and budget.
    pub fn trust(&mut self, partner: PartnerId, limit: Money) {
        let standing = Standing::Partner;
        for grant in [
            Grant::Standing { partner, standing },
            Grant::Credit { partner, limit },
            Grant::Budget { partner, limit },
        ] {
            self.must(Input::Grant(grant));
        }
    }

    /// Who it is, as its machine has it.
    pub fn config(&self) -> Config {
        config(&self.identity, Policy::default())
    }

    /// Closes what was written with a signed checkpoint.
    pub fn sign_checkpoint(&mut self) {
        let checkpoint = self.machine.checkpoint(&self.store).unwrap();
        let signature = sign_bytes(&self.identity.secret, checkpoint.text().as_bytes());
        let key = self.identity.key.key().as_bytes();
        let note = checkpoint.signed(0, key, *signature.as_bytes());
        self.store
            .0
            .insert(Key::Checkpoint {}, note.text().into_bytes());
    }

    /// A kept record.
    pub fn record(&self, id: RecordId) -> Option<Signed<ThreadBody>> {
        Signed::read(&network(), self.store.read(&Key::Record { id })?).ok()
    }

    /// A kept record of `author` with its proof, as another node receives it.
    pub fn received(&self, id: RecordId, authors: &[&Identity]) -> Option<Received> {
        let bytes = self.store.read(&Key::Record { id })?;
        let author = self.record(id)?.author();
        let proof = self.store.read(&Key::Proof { record: id })?;
        let proof = fence::decode::<Proof>(&proof, 1024).unwrap();
        let author = authors.iter().find(|known| known.partner == author)?;
        Some(verified(author, &bytes, proof))
    }
}

fn config(identity: &Identity, policy: Policy) -> Config {
    Config {
        network: network(),
        partner: identity.partner,
        key_index: 0,
        policy,
    }
}

/// A greeting by which a partner of that life answers a life of the receiver.
pub fn greeting(from: PartnerId, to: PartnerId, life: Life, answers: Life) -> Greeting {
    Greeting {
        from,
        to,
        key_index: 0,
        life,
        answers: Answers::Life(answers),
        head: Head {
            epoch: 0,
            size: 1_000_000,
            last: EntryHash::NONE,
            at: Time::new(BEGINNING_MS).unwrap(),
        },
        seen: fence::List::default(),
        open_decisions: fence::List::default(),
        open_commits: fence::List::default(),
        at: Time::new(BEGINNING_MS).unwrap(),
    }
}

/// The names of what a step signed, a Refusal with its code.
pub fn signed(step: &Step) -> Vec<String> {
    let mut names = Vec::new();
    for change in &step.changes {
        let Change::Entry(entry) = change else {
            continue;
        };
        if !matches!(entry.body.payload, Payload::Signed(_)) {
            continue;
        }
        for carried in &entry.records {
            names.push(name_of(&carried.bytes));
        }
    }
    names
}

fn name_of(bytes: &[u8]) -> String {
    match Signed::<ThreadBody>::read(&network(), bytes) {
        Ok(record) => match record.body() {
            ThreadBody::Refusal(refusal) => format!("Refusal {}", refusal.code.name()),
            _ => record.kind().name().to_owned(),
        },
        Err(_) => omni_protocol::record::Envelope::read(&network(), bytes)
            .unwrap()
            .kind()
            .unwrap()
            .name()
            .to_owned(),
    }
}

/// What a step sends beside what it signed: `again X`, `stored`, `reject C`, `lost`.
pub fn answers(node: &Node, step: &Step) -> Vec<String> {
    let new: BTreeSet<RecordId> = step
        .entries()
        .filter(|entry| matches!(entry.body.payload, Payload::Signed(_)))
        .flat_map(|entry| entry.body.payload.records().to_vec())
        .collect();
    let mut names = Vec::new();
    for outgoing in step.sends.iter().chain(&step.replies) {
        match &outgoing.message {
            Message::Letter { records, .. } => {
                for id in records.iter().filter(|id| !new.contains(id)) {
                    let kind = node.record(*id).unwrap().kind().name();
                    names.push(format!("again {kind}"));
                }
            }
            Message::Stored { .. } => names.push("stored".into()),
            Message::Notice(notice) => names.push(match notice.what {
                omni_protocol::frame::NoticeWhat::Lost => "lost".into(),
                omni_protocol::frame::NoticeWhat::Rejected => {
                    format!("reject {}", notice.code.name())
                }
            }),
            Message::Greeting(_) | Message::WhatIs { .. } => {}
        }
    }
    names
}

/// The states to which a step brought deals.
pub fn deals_of(step: &Step) -> Vec<DealId> {
    step.events
        .iter()
        .filter_map(|event| match event {
            Event::Deal { deal, .. } => Some(*deal),
            _ => None,
        })
        .collect()
}
