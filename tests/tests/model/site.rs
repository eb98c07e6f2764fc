//! A node as a value: the production machine over what it keeps. Two that went the same way are
//! equal, so that the checker meets each once. Real signatures, each made and checked once.

use std::{
    collections::{BTreeMap, HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use omni_protocol::{
    deal::Deal,
    fence,
    hash::{DealId, PartnerId, RecordId, sha256},
    machine::{
        Config, Input, Key, Machine, Now, Policy, ProofGroup, Received, Step, View, proof_groups,
    },
    proof::Proof,
    thread::Life,
    value::Time,
};
use omni_tests::market::{BEGINNING_MS, Identity, Store, network, verified};

static IDENTITIES: LazyLock<[Identity; 2]> = LazyLock::new(|| [Identity::new(1), Identity::new(2)]);
/// The proofs of records that share a tree.
type Proofs = Vec<(RecordId, Proof)>;

/// What a signature costs is paid once for each set of records.
static PROOFS: LazyLock<Mutex<HashMap<Vec<RecordId>, Proofs>>> = LazyLock::new(Mutex::default);
/// All records that were ever signed, as whoever gets them has checked them.
static RECORDS: LazyLock<Mutex<HashMap<RecordId, Received>>> = LazyLock::new(Mutex::default);

/// The partner of a site.
pub fn partner(at: usize) -> PartnerId {
    IDENTITIES[at].partner
}

/// A record as the other side has checked it.
pub fn received(id: RecordId) -> Option<Received> {
    let records = RECORDS.lock().unwrap_or_else(PoisonError::into_inner);
    records.get(&id).cloned()
}

#[derive(Clone, Debug)]
pub struct Site {
    at: usize,
    policy: Policy,
    pub machine: Machine,
    pub store: Store,
    /// Its clock.
    pub ms: u64,
    lives: u64,
    /// What it kept when a copy was made.
    image: Option<Arc<Store>>,
    /// What it kept before its latest step, for the variant that does not sync.
    before: Option<Arc<Store>>,
    digest: u64,
}

impl PartialEq for Site {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Hash for Site {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl Site {
    pub fn started(at: usize, policy: Policy) -> Self {
        let store = Store::default();
        let machine = Machine::load(config(at, &policy), &store);
        let site = Self {
            at,
            policy,
            machine,
            store,
            ms: BEGINNING_MS,
            lives: 0,
            image: None,
            before: None,
            digest: 0,
        };
        site.begun()
    }

    fn begun(mut self) -> Self {
        self.lives += 1;
        let life = (self.at as u64 + 1) << 32 | self.lives;
        let (site, _) = self.put(Input::Start(Life::new(life).unwrap()));
        site
    }

    /// Decides and keeps; gives what it is then.
    pub fn put(&self, input: Input) -> (Self, Step) {
        let head = self.machine.head();
        let place = [
            self.at as u64,
            self.lives,
            head.epoch.into(),
            head.size,
            self.ms,
        ];
        let place: Vec<u8> = place.iter().flat_map(|n| n.to_be_bytes()).collect();
        let now = Now {
            time: self.now(),
            entropy: sha256(&[&place]),
        };
        let mut site = self.clone();
        let step = site.machine.decide(input, &site.store, now);
        let writes = site.machine.carry(&step, &site.store);
        if writes.is_empty() {
            site.digest = site.digested();
            return (site, step);
        }
        if site.before.is_some() {
            site.before = Some(Arc::new(self.store.clone()));
        }
        site.store.write(writes);
        site.prove(&step);
        site.digest = site.digested();
        (site, step)
    }

    fn prove(&mut self, step: &Step) {
        let mut groups: BTreeMap<ProofGroup, Vec<RecordId>> = BTreeMap::new();
        for (group, id) in step.entries().flat_map(proof_groups) {
            groups.entry(group).or_default().push(id);
        }
        for (group, ids) in groups {
            let identity = &IDENTITIES[self.at];
            let mut proofs = PROOFS.lock().unwrap_or_else(PoisonError::into_inner);
            let made = proofs
                .entry(ids)
                .or_insert_with_key(|ids| identity.prove(ids))
                .clone();
            drop(proofs);
            for (record, proof) in made {
                let bytes = self.store.read(&Key::Record { id: record }).unwrap();
                let key = Key::Proof { record };
                self.store.0.insert(key, fence::to_bytes(&proof));
                if matches!(group, ProofGroup::Partner(_) | ProofGroup::Members(_)) {
                    let mut records = RECORDS.lock().unwrap_or_else(PoisonError::into_inner);
                    records
                        .entry(record)
                        .or_insert_with(|| verified(identity, &bytes, proof));
                }
            }
        }
    }

    /// Ends the process and begins another over what was kept.
    pub fn crashed(&self) -> Self {
        let kept = match &self.before {
            Some(before) => Store::clone(before),
            None => self.store.clone(),
        };
        self.over(kept)
    }

    fn over(&self, store: Store) -> Self {
        let machine = Machine::load(config(self.at, &self.policy), &store);
        let site = Self {
            store,
            machine,
            ..self.clone()
        };
        site.begun()
    }

    /// The same that loses its latest step in a crash, though all of it was sent.
    pub fn unsynced(mut self) -> Self {
        self.before = Some(Arc::new(self.store.clone()));
        self
    }

    /// The same with a copy made of what it keeps.
    pub fn copied(&self) -> Self {
        let mut site = self.clone();
        site.image = Some(Arc::new(site.store.clone()));
        site.digest = site.digested();
        site
    }

    /// The copy put back, and a process begun over it.
    pub fn put_back(&self) -> Option<Self> {
        let image = self.image.as_ref()?;
        let mut site = self.over(Store::clone(image));
        site.image = None;
        site.digest = site.digested();
        Some(site)
    }

    pub fn has_copy(&self) -> bool {
        self.image.is_some()
    }

    pub fn later(&self, ms: u64) -> Self {
        let mut site = self.clone();
        site.ms += ms;
        site.digest = site.digested();
        site
    }

    pub fn now(&self) -> Time {
        Time::new(self.ms).unwrap()
    }

    /// The one deal that this site knows.
    pub fn deal(&self) -> Option<(DealId, Deal)> {
        let after = Key::Deal {
            deal: DealId::from_bytes([0; 32]),
        };
        let (key, _) = self.store.next(&after)?;
        let Key::Deal { deal } = key else { return None };
        Some((deal, Deal::read(&self.store, deal)?))
    }

    /// Where its ledger ends.
    pub fn head(&self) -> (u32, u64) {
        let head = self.machine.head();
        (head.epoch, head.size)
    }

    pub fn is_recovering(&self) -> bool {
        self.store.0.contains_key(&Key::Recovery {})
    }

    /// What tells two sites apart.
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    fn digested(&self) -> u64 {
        // The same keys in each process.
        let mut hasher = DefaultHasher::new();
        (self.ms, self.lives, &self.machine, &self.store.0).hash(&mut hasher);
        for kept in [&self.image, &self.before].into_iter().flatten() {
            kept.0.hash(&mut hasher);
        }
        hasher.finish()
    }
}

fn config(at: usize, policy: &Policy) -> Config {
    Config {
        network: network(),
        partner: partner(at),
        key_index: 0,
        policy: policy.clone(),
    }
}
