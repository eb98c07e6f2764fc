//! People with keys and catalogues, a shelf in memory, and a loop that keeps what it is told.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use ed25519_dalek::SigningKey;
use libp2p::{Multiaddr, PeerId};
use omni_protocol::{
    fence::{self, List, Set},
    frame::{Filter, Frame, Hello, Known, Lives, Stored},
    hash::{NetworkName, PartnerId, RecordId},
    identity::{
        Delegation, Inception, KeyChain, KeyEvent, PublicKey, Role, StandingKey, sign_event,
    },
    ledger::LedgerHead,
    limits::PAGE_PLAIN_BYTES_MAX,
    proof::{Batch, Proof, SignedTree},
    public::{CatalogueHead, Fingerprint, IdSum, Offer, OfferDraft, Profile, PublicBody},
    record::Signed,
    slot::{Revision, Slot},
    thread::Life,
    value::{Currency, Minor, Price, Prose, Steps, Text, Time, Unit},
};
use tokio::{sync::mpsc, time::timeout};

use super::{Over, SOON};
use crate::{
    clock::{Clock, new_life},
    net::{
        HEADS_EVERY, KnownPartner, Net, NetCommand, NetEvent, NetLimits, NetStatus, Node, OwnHello,
        Setup, Shelf, Shelved, Topic, start,
    },
};

pub(super) const NETWORK: &str = "nettest";

pub(super) fn network() -> NetworkName {
    NetworkName::new(NETWORK).unwrap()
}

/// A partner with all its keys.
pub(super) struct Person {
    pub(super) seed: [u8; 32],
    market: SigningKey,
    pub(super) chain: KeyChain,
    last: Mutex<Revision>,
    life: Life,
}

impl Person {
    pub(super) fn new(n: u8) -> Self {
        Self::of_network(n, &network())
    }

    pub(super) fn of_network(n: u8, network: &NetworkName) -> Self {
        let secret = |role: u8| {
            let mut seed = [n; 32];
            seed[0] = role;
            SigningKey::from_bytes(&seed)
        };
        let digest = |role| PublicKey::of(&secret(role)).digest();
        let market = secret(1);
        let key = PublicKey::of(&market);
        let inception = Inception::new(network.id(), key, digest(2), digest(3));
        let partner = inception.partner();
        let event = KeyEvent::Inception(inception);
        let (record, proof) = sign_event(network.id(), partner, event, &market).unwrap();
        Self {
            seed: [n; 32],
            market,
            chain: KeyChain::begin(network.id(), record, proof).unwrap(),
            last: Mutex::default(),
            life: new_life().unwrap(),
        }
    }

    pub(super) fn id(&self) -> PartnerId {
        self.chain.partner()
    }

    fn key(&self) -> StandingKey {
        self.chain.in_force().unwrap()
    }

    pub(super) fn peer(&self) -> PeerId {
        let pair = libp2p::identity::Keypair::ed25519_from_bytes(self.seed).unwrap();
        pair.public().to_peer_id()
    }

    pub(super) fn hello(&self) -> Hello {
        self.hello_for(self.seed)
    }

    /// A Hello that delegates another node's key.
    pub(super) fn hello_for(&self, transport_seed: [u8; 32]) -> Hello {
        let key = SigningKey::from_bytes(&transport_seed)
            .verifying_key()
            .to_bytes();
        let now = Time::new(Clock::System.now_ms()).unwrap();
        let (from, until) = (now.minus_ms(60_000), now.plus_ms(86_400_000));
        let delegation = Delegation::new(Role::Transport, key, 0, from, until).unwrap();
        let delegation = delegation.sign(&self.key(), &self.market).unwrap();
        let agent = Text::new("test/1").unwrap();
        let network = *self.key().network();
        Hello::new(network, &self.chain, self.life, delegation, agent).unwrap()
    }

    pub(super) fn hello_bytes(&self) -> Vec<u8> {
        Frame::Hello(Box::new(self.hello())).encode().unwrap()
    }

    fn revision(&self) -> Revision {
        let mut last = self.last.lock().unwrap();
        let now = Time::new(Clock::System.now_ms()).unwrap();
        *last = Revision::next(Some(*last), now).unwrap();
        *last
    }

    pub(super) fn offer(&self, sku: &str) -> PublicBody {
        let revision = self.revision();
        let price = Price::new(Minor::new(1_999).unwrap(), Steps::new(1).unwrap()).unwrap();
        let draft = OfferDraft::product(
            Text::new(sku).unwrap(),
            Text::new(format!("A thing called {sku}, as good as any other")).unwrap(),
            (price, Currency::new(*b"EUR").unwrap()),
            Unit::new("C62", 0).unwrap(),
            revision.time().plus_ms(3_600_000),
        );
        PublicBody::Offer(Box::new(Offer::new(revision, draft.unwrap()).unwrap()))
    }

    /// An offer for these partners alone.
    pub(super) fn offer_for(&self, sku: &str, partners: &[PartnerId]) -> PublicBody {
        let PublicBody::Offer(offer) = self.offer(sku) else {
            panic!("an offer is one");
        };
        let revision = offer.revision();
        let mut draft = offer.into_draft();
        draft.audience = Set::new(partners).unwrap();
        PublicBody::Offer(Box::new(Offer::new(revision, draft).unwrap()))
    }

    pub(super) fn profile(&self, name: &str) -> PublicBody {
        PublicBody::Profile(Box::new(Profile {
            revision: self.revision(),
            name: Text::new(name).unwrap(),
            country: None,
            about: Prose::default(),
            website: Text::default(),
            roles: Set::default(),
            languages: List::default(),
            addresses: List::default(),
            delegations: List::default(),
            mailboxes: List::default(),
        }))
    }

    /// Records with their proofs, under one signature.
    pub(super) fn sign(&self, bodies: Vec<PublicBody>) -> Vec<(Signed<PublicBody>, Proof)> {
        let write = |body| Signed::write(self.key().network(), self.id(), body).unwrap();
        let records: Vec<Signed<PublicBody>> = bodies.into_iter().map(write).collect();
        let ids: Vec<RecordId> = records.iter().map(Signed::id).collect();
        records.into_iter().zip(self.prove(&ids)).collect()
    }

    pub(super) fn prove(&self, ids: &[RecordId]) -> Vec<Proof> {
        let tree = SignedTree::sign(&self.key(), &self.market, ids).unwrap();
        let proofs = tree.into_proofs().into_iter();
        proofs.map(|(_, proof)| proof).collect()
    }

    /// The bytes of a gossip message with these records.
    pub(super) fn batch(&self, bodies: Vec<PublicBody>) -> Vec<u8> {
        encode(&gather(self.id(), &self.sign(bodies)))
    }
}

pub(super) fn encode(batch: &Batch) -> Vec<u8> {
    fence::encode(batch, PAGE_PLAIN_BYTES_MAX).unwrap()
}

pub(super) fn gather(author: PartnerId, records: &[(Signed<PublicBody>, Proof)]) -> Batch {
    let parts = records.iter().map(|(r, p)| (r.bytes().to_vec(), p.clone()));
    Batch::gather(&network().id(), author, parts.collect()).unwrap()
}

#[derive(Debug, Default)]
struct Kept {
    chains: BTreeMap<PartnerId, KeyChain>,
    slots: BTreeMap<Slot, (Signed<PublicBody>, Proof)>,
}

/// What a market store would hold.
#[derive(Debug, Default)]
pub(super) struct MemoryShelf(Mutex<Kept>);

impl MemoryShelf {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }

    pub(super) fn keep(&self, record: Signed<PublicBody>, proof: Proof) {
        let Some(slot) = record.body().slot(record.author()) else {
            return;
        };
        let mut kept = self.kept();
        let standing = kept.slots.get(&slot).and_then(|(r, _)| r.body().revision());
        if standing < record.body().revision() {
            kept.slots.insert(slot, (record, proof));
        }
    }

    pub(super) fn learn(&self, chain: KeyChain) {
        self.kept().chains.insert(chain.partner(), chain);
    }

    pub(super) fn copy(&self, from: &Self, author: &PartnerId) {
        for (record, proof) in from.all(author) {
            self.keep(record, proof);
        }
    }

    pub(super) fn forget(&self, author: PartnerId, sku: &str) {
        let subject = omni_protocol::slot::subject(&Text::new(sku).unwrap(), &Text::default());
        self.kept()
            .slots
            .retain(|s, _| s.author != author || s.subject != subject);
    }

    /// All that is kept of an author, its Profile and head too.
    fn all(&self, author: &PartnerId) -> Vec<(Signed<PublicBody>, Proof)> {
        let kept = self.kept();
        let of_author = kept.slots.iter().filter(|(slot, _)| slot.author == *author);
        let mut found: Vec<_> = of_author.map(|(_, kept)| kept.clone()).collect();
        found.sort_by_key(|(record, _)| record.body().revision());
        found
    }

    fn catalogue(&self, author: &PartnerId) -> Vec<(Signed<PublicBody>, Proof)> {
        let mut found = self.all(author);
        found.retain(|(record, _)| record.body().is_counted());
        found
    }

    pub(super) fn count(&self, author: &PartnerId) -> usize {
        let kept = self.kept();
        let of_author = kept.slots.iter().filter(|(slot, _)| slot.author == *author);
        of_author
            .filter(|(_, (record, _))| record.body().is_counted())
            .count()
    }

    pub(super) fn head(&self, author: PartnerId) -> Known {
        let catalogue = self.catalogue(&author);
        let ids = catalogue.iter().map(|(record, _)| record.id());
        let fingerprint: Fingerprint = ids.collect::<IdSum>().fingerprint();
        let last = catalogue.last();
        Known {
            author,
            highest: last
                .and_then(|(record, _)| record.body().revision())
                .unwrap_or_default(),
            count: u32::try_from(catalogue.len()).unwrap(),
            fingerprint,
        }
    }

    pub(super) fn has_profile(&self, author: &PartnerId) -> bool {
        self.name(author).is_some()
    }

    /// As its Profile says it.
    pub(super) fn name(&self, author: &PartnerId) -> Option<String> {
        let all = self.all(author);
        all.iter().find_map(|(record, _)| match record.body() {
            PublicBody::Profile(profile) => Some(profile.name.to_string()),
            _ => None,
        })
    }
}

impl Shelf for MemoryShelf {
    fn key_chain(&self, author: &PartnerId) -> Option<KeyChain> {
        self.kept().chains.get(author).cloned()
    }

    fn standing(&self, slot: &Slot) -> Option<(Revision, RecordId)> {
        let kept = self.kept();
        let (record, _) = kept.slots.get(slot)?;
        Some((record.body().revision()?, record.id()))
    }

    fn has_room(&self, _author: &PartnerId, _records: usize) -> bool {
        true
    }

    fn known(&self, filter: &Filter, max: usize) -> Vec<Known> {
        let mut authors: Vec<PartnerId> = self.kept().slots.keys().map(|s| s.author).collect();
        authors.dedup();
        authors.retain(|a| filter.admits(*a));
        let heads = authors.into_iter().map(|a| self.head(a));
        heads.filter(|k| k.count > 0).take(max).collect()
    }

    fn announced(&self, author: &PartnerId) -> Option<CatalogueHead> {
        let kept = self.kept();
        let mut of_author = kept.slots.iter().filter(|(slot, _)| slot.author == *author);
        of_author.find_map(|(_, (record, _))| match record.body() {
            PublicBody::CatalogueHead(head) => Some(*head),
            _ => None,
        })
    }

    fn page(&self, author: &PartnerId, after: Revision, bytes_aim: usize) -> Shelved {
        let mut catalogue = self.all(author);
        catalogue.retain(|(record, _)| record.body().revision() > Some(after));
        let mut bytes = 0;
        let fits = catalogue.iter().take_while(|(record, _)| {
            bytes += record.bytes().len();
            bytes <= bytes_aim
        });
        let taken = fits.count().max(1).min(catalogue.len());
        let more = taken < catalogue.len();
        catalogue.truncate(taken);
        let batches = catalogue
            .chunk_by(|(_, a), (_, b)| a.signature == b.signature)
            .map(|tree| gather(*author, tree))
            .collect();
        Shelved { batches, more }
    }
}

/// A running net with a loop that keeps what it is told and tells the test.
pub(super) struct TestNode {
    pub(super) person: Arc<Person>,
    pub(super) net: Net,
    pub(super) shelf: Arc<MemoryShelf>,
    pub(super) address: Multiaddr,
    events: mpsc::Receiver<NetEvent>,
}

impl TestNode {
    pub(super) async fn start(n: u8, over: Over) -> Self {
        Self::with(Person::new(n), over, |_| {}).await
    }

    pub(super) async fn with(
        person: Person,
        over: Over,
        change: impl FnOnce(&mut Setup) + Send,
    ) -> Self {
        let shelf = Arc::new(MemoryShelf::default());
        shelf.learn(person.chain.clone());
        let mut setup = Setup {
            network: network(),
            own: person.id(),
            transport_seed: person.seed,
            listen: vec![over.address().parse().unwrap()],
            hello: OwnHello::new(person.hello()),
            clock: Clock::System,
            limits: NetLimits::default(),
            heads_every: HEADS_EVERY,
        };
        change(&mut setup);
        let (net, mut from_net) = start(setup, shelf.clone()).unwrap();
        let Some(NetEvent::Listening(address)) = from_net.recv().await else {
            panic!("the first event is the address");
        };
        let (to_test, events) = mpsc::channel(100_000);
        let keeper = shelf.clone();
        tokio::spawn(async move {
            while let Some(event) = from_net.recv().await {
                match &event {
                    NetEvent::Records { batch, .. } => {
                        for (record, place) in batch.records() {
                            let proof = batch.paths().proof(*place).expect("it came");
                            keeper.keep((**record).clone(), proof);
                        }
                    }
                    NetEvent::Keys { chain } => keeper.learn((**chain).clone()),
                    _ => {}
                }
                if to_test.send(event).await.is_err() {
                    break;
                }
            }
        });
        let person = Arc::new(person);
        Self {
            person,
            net,
            shelf,
            address,
            events,
        }
    }

    pub(super) fn id(&self) -> PartnerId {
        self.person.id()
    }

    pub(super) fn node(&self) -> Node {
        Node::new(self.net.peer(), [self.address.clone()])
    }

    pub(super) fn known(&self) -> KnownPartner {
        let (partner, nodes) = (self.id(), vec![self.node()]);
        KnownPartner { partner, nodes }
    }

    pub(super) fn offer(&self, command: NetCommand) {
        self.net.offer(command).unwrap();
    }

    pub(super) fn befriend(&self, others: &[&Self]) {
        let known = others.iter().map(|o| o.known()).collect();
        self.offer(NetCommand::Partners(known));
    }

    /// Waits for an event that `pick` makes something of; others are passed over.
    pub(super) async fn wait<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(NetEvent) -> Option<T>,
    ) -> T {
        let found = async {
            loop {
                let event = self.events.recv().await.expect("the net runs");
                if let Some(found) = pick(event) {
                    return found;
                }
            }
        };
        timeout(SOON, found)
            .await
            .unwrap_or_else(|_| panic!("{what} within {SOON:?}"))
    }

    pub(super) async fn meets(&mut self, other: &Self) {
        let id = other.id();
        self.wait("a session", |event| match event {
            NetEvent::SessionUp { partner, .. } if partner == id => Some(()),
            _ => None,
        })
        .await;
    }

    pub(super) async fn status(&self) -> NetStatus {
        let (answer, status) = tokio::sync::oneshot::channel();
        self.offer(NetCommand::Status(answer));
        status.await.unwrap()
    }

    /// Publishes and keeps what it published.
    pub(super) fn publish(&self, topic: Topic, bodies: Vec<PublicBody>) {
        let signed = self.person.sign(bodies);
        let batch = encode(&gather(self.id(), &signed));
        for (record, proof) in signed {
            self.shelf.keep(record, proof);
        }
        self.offer(NetCommand::Publish { topic, batch });
    }

    /// Fills the catalogue without telling anybody.
    pub(super) fn stock(&self, skus: impl IntoIterator<Item = String>) {
        let offers: Vec<PublicBody> = skus.into_iter().map(|s| self.person.offer(&s)).collect();
        for some in offers.chunks(256) {
            self.keep(some.to_vec());
        }
    }

    /// Signs and keeps, without telling anybody.
    pub(super) fn keep(&self, bodies: Vec<PublicBody>) {
        for (record, proof) in self.person.sign(bodies) {
            self.shelf.keep(record, proof);
        }
    }

    /// A head of what is in stock.
    pub(super) fn head(&self) -> PublicBody {
        let known = self.shelf.head(self.id());
        PublicBody::CatalogueHead(CatalogueHead {
            revision: self.person.revision(),
            count: known.count,
            fingerprint: known.fingerprint,
            highest: known.highest,
        })
    }
}

/// A frame that tests tell from others by a number.
pub(super) fn stored(n: u64) -> Frame {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&n.to_be_bytes());
    let life = Life::new(1).unwrap();
    Frame::Stored(Stored {
        lives: Lives {
            from: life,
            to: life,
        },
        record: RecordId::from_bytes(id),
        head: (&LedgerHead::empty()).into(),
    })
}

pub(super) fn number(frame: &Frame) -> Option<u64> {
    let Frame::Stored(stored) = frame else {
        return None;
    };
    let (first, _) = stored.record.as_bytes().split_first_chunk()?;
    Some(u64::from_be_bytes(*first))
}

/// Looks again until it holds.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < SOON, "{what} within {SOON:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
