//! A node for tests: keys that are the same in every run, a home in a temporary folder, ledger,
//! market, runtime, and, where wanted, the real net on loopback.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use omni_node::api::{Invitation, NetNow};
use omni_node::clock::{Clock, new_life};
use omni_node::net::{self, HEADS_EVERY, NetLimits, OwnHello};
use omni_node::runtime::shelf::{Shelf, Standing};
use omni_node::runtime::{Call, Doors, Runtime, Setup, Shelver, ShelverSetup, Signer};
use omni_node::store::happened;
use omni_node::store::market::{self, MarketReader};
use omni_node::store::{LedgerReader, Owner, SpaceLimits, SpaceWatch, abort_process, ledger};
use omni_node::view::event::EventView;
use omni_protocol::fence::List;
use omni_protocol::frame::Hello;
use omni_protocol::hash::{NetworkId, NetworkName, PartnerId};
use omni_protocol::identity::{
    Delegation, Inception, Invite, KeyChain, KeyEvent, PublicKey, Role, SignedInvite, sign_event,
};
use omni_protocol::limits::BATCH_RECORDS_MAX;
use omni_protocol::machine::{
    Config, Grant, Input, Key, Policy, Publication, Standing as MayDo, Verdict, View,
};
use omni_protocol::public::OfferDraft;
use omni_protocol::thread::Life;
use omni_protocol::value::{Text, Time};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// The network of all tests.
#[must_use]
pub fn network() -> NetworkName {
    NetworkName::new("test").expect("valid")
}

/// The key chain of partner `number`: an inception and nothing else.
#[must_use]
pub fn chain(number: u8) -> KeyChain {
    let public = |seed| PublicKey::of(&secret(seed));
    let spare = |offset: u8| public(number.wrapping_add(offset)).digest();
    let inception = Inception::new(network().id(), public(number), spare(100), spare(200));
    let event = KeyEvent::Inception(inception);
    let (record, proof) = sign_event(
        network().id(),
        PartnerId::from_bytes(*partner_of(&event).as_bytes()),
        event,
        &secret(number),
    )
    .expect("signed");
    KeyChain::begin(network().id(), record, proof).expect("a chain")
}

fn partner_of(event: &KeyEvent) -> PartnerId {
    match event {
        KeyEvent::Inception(inception) => inception.partner(),
        KeyEvent::Rotation(_) | KeyEvent::Recovery(_) => panic!("a chain begins with an inception"),
    }
}

fn secret(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// Whether a node meets others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It has no net.
    Alone,
    /// It listens on loopback, where the machine chooses.
    Loopback,
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    /// Who it is.
    pub partner: PartnerId,
    number: u8,
    /// The ways to its loop.
    pub doors: Doors,
    /// Its synced ledger.
    pub reader: LedgerReader,
    /// Its market store.
    pub market: MarketReader,
    thread: JoinHandle<()>,
}

impl Node {
    /// Starts partner `number` in `home`, and makes the ledger if there is none. Call it inside a
    /// tokio runtime.
    ///
    /// # Panics
    /// When anything of it fails.
    #[must_use]
    pub fn start(home: &Path, number: u8, reach: Reach) -> Self {
        let chain = chain(number);
        let partner = chain.partner();
        let network_id: NetworkId = network().id();
        let owner = Owner {
            network: *network_id.as_bytes(),
            partner: *partner.as_bytes(),
        };
        if !home.join("ledger.head").exists() {
            ledger::create(home, owner).expect("made");
        }
        let life = new_life().expect("entropy");
        let (reader, appender) = ledger::open(home, owner, life.get()).expect("opened");
        let (market, market_writer) = market::open(home, network_id).expect("opened");
        let standing = Arc::new(Standing::default());
        let limits = SpaceLimits::new(3 << 20, 2 << 20, 1 << 20).expect("in order");
        let space = SpaceWatch::new(home, limits);
        let shelver = Shelver::start(ShelverSetup {
            ledger: &reader,
            chain: &chain,
            market: (market.clone(), market_writer),
            space,
            clock: Clock::System,
            standing: Arc::clone(&standing),
        })
        .expect("started");
        let net = (reach != Reach::Alone).then(|| {
            let shelf = Arc::new(Shelf::new(
                market.clone(),
                network_id,
                Arc::clone(&standing),
            ));
            net::start(net_setup(number, &chain, life), shelf).expect("started")
        });
        let config = Config {
            network: network_id,
            partner,
            key_index: 0,
            policy: Policy::default(),
        };
        let signer =
            Signer::new(chain.in_force().expect("in force"), secret(number)).expect("own key");
        let (runtime, doors) = Runtime::begin(Setup {
            config,
            signer,
            chain,
            clock: Clock::System,
            life,
            ledger: (reader.clone(), appender),
            market: market.clone(),
            shelver,
            standing,
            net,
            halt: abort_process,
        })
        .expect("begun");
        let handle = Handle::current();
        let thread = std::thread::spawn(move || handle.block_on(runtime.run()));
        Self {
            partner,
            number,
            doors,
            reader,
            market,
            thread,
        }
    }

    /// Puts an input to the loop; the answer comes after its sync.
    ///
    /// # Panics
    /// When the loop's queue is full.
    #[must_use]
    pub fn ask(&self, input: Input) -> oneshot::Receiver<Verdict> {
        let (reply, answer) = oneshot::channel();
        self.doors
            .calls
            .try_send(Call::Decide {
                input: Box::new(input),
                reply,
            })
            .expect("room");
        answer
    }

    /// Puts an input to the loop and waits for the answer.
    ///
    /// # Panics
    /// When the loop ends without an answer.
    pub async fn decide(&self, input: Input) -> Verdict {
        self.ask(input).await.expect("answered")
    }

    /// Ends the node in order.
    ///
    /// # Panics
    /// When the loop panicked.
    pub async fn end(self) {
        self.doors.calls.send(Call::Stop).await.expect("running");
        let thread = self.thread;
        tokio::task::spawn_blocking(|| thread.join().expect("ended well"))
            .await
            .expect("joined");
        let home = self.reader.home().to_owned();
        drop((self.reader, self.market));
        // Threads of the net may still hold the market store for a moment.
        wait_for("the market store's lock", async || {
            market::open(&home, network().id()).is_ok().then_some(())
        })
        .await;
    }

    /// What the net says of itself.
    ///
    /// # Panics
    /// When the loop ends without an answer.
    pub async fn status(&self) -> NetNow {
        let (reply, answer) = oneshot::channel();
        let call = Call::Net(reply);
        self.doors.calls.send(call).await.expect("running");
        answer.await.expect("answered")
    }

    /// The newest event, and all before it that are kept.
    ///
    /// # Panics
    /// When the ledger can't be read.
    #[must_use]
    pub fn events(&self) -> Vec<EventView> {
        let kept = happened::after(&self.reader, 0, usize::MAX).expect("readable");
        let events = kept.iter().map(|(_, bytes)| serde_json::from_slice(bytes));
        events.collect::<Result<_, _>>().expect("events")
    }

    /// Makes `self` and `other` partners, and lets `self` dial `other` by an invite.
    ///
    /// # Panics
    /// When either refuses.
    pub async fn befriend(&self, other: &Self) {
        let token = [7; 16];
        let until = Time::new(Clock::System.now_ms() + 3_600_000).expect("valid");
        let standing = Grant::Standing {
            partner: other.partner,
            standing: MayDo::Partner,
        };
        assert_eq!(self.decide(Input::Grant(standing)).await, Verdict::Done);
        assert_eq!(
            other
                .decide(Input::Grant(Grant::Invite { token, until }))
                .await,
            Verdict::Done
        );
        let status = wait_for("an address", async || {
            let status = other.status().await;
            (status.listening.len() > 1).then_some(status)
        })
        .await;
        let invite = Invite {
            network: network(),
            partner: other.partner,
            transport_key: PublicKey::of(&secret(other.number.wrapping_add(50))),
            addresses: List::new(
                status
                    .listening
                    .iter()
                    .map(|address| Text::new(address.as_str()).expect("short"))
                    .collect::<Vec<_>>(),
            )
            .expect("few"),
            not_after: until,
            token,
        };
        let key = chain(other.number).in_force().expect("in force");
        let invite = SignedInvite::sign(invite, &key, &secret(other.number)).expect("signed");
        self.meet(invite).await;
        wait_for("a session", async || {
            let met = self.status().await.partners.contains(&other.partner)
                && other.status().await.partners.contains(&self.partner);
            met.then_some(())
        })
        .await;
    }

    /// Dials whoever gave the invite.
    ///
    /// # Panics
    /// When the invite is refused.
    pub async fn meet(&self, invite: SignedInvite) {
        let claimed = invite.claimed();
        let addresses = claimed.addresses.iter();
        let invitation = Box::new(Invitation {
            transport_key: *claimed.transport_key.as_bytes(),
            addresses: addresses.map(|address| address.to_string()).collect(),
            invite: Some(invite),
        });
        let (reply, answer) = oneshot::channel();
        let call = Call::Meet { invitation, reply };
        self.doors.calls.send(call).await.expect("running");
        assert_eq!(answer.await.expect("answered"), Verdict::Done);
    }

    /// Publishes offers, as many at once as one entry takes.
    ///
    /// # Panics
    /// When one of them changes nothing.
    pub async fn publish(&self, drafts: impl Iterator<Item = OfferDraft>) {
        let drafts = drafts.map(|draft| Publication::Offer(Box::new(draft)));
        let drafts: Vec<_> = drafts.collect();
        let parts = drafts.chunks(BATCH_RECORDS_MAX);
        let asked: Vec<_> = parts
            .map(|part| (part.len(), self.ask(Input::Publish(part.to_vec()))))
            .collect();
        for (count, answer) in asked {
            let made = answer.await.expect("answered");
            assert!(
                matches!(&made, Verdict::Made(ids) if ids.len() == count),
                "{made:?}"
            );
        }
    }

    /// The synced ledger as the core reads it.
    #[must_use]
    pub fn view(&self) -> impl View + '_ {
        Synced(&self.reader)
    }
}

/// A synced ledger as the core reads it.
#[derive(Debug)]
pub struct Synced<'a>(pub &'a LedgerReader);

impl View for Synced<'_> {
    fn read(&self, key: &Key) -> Option<Vec<u8>> {
        self.0.read(&key.to_bytes()).expect("readable")
    }

    fn next(&self, after: &Key) -> Option<(Key, Vec<u8>)> {
        let found = self
            .0
            .next(&after.to_bytes(), &[after.family() + 1])
            .expect("readable")?;
        Some((Key::from_bytes(&found.key).expect("a key"), found.value))
    }
}

/// Asks again every 20 ms until there is an answer.
///
/// # Panics
/// After 30 s, naming what was waited for.
pub async fn wait_for<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "waited 30 s for {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn net_setup(number: u8, chain: &KeyChain, life: Life) -> net::Setup {
    let listen = ["/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"];
    let transport = secret(number.wrapping_add(50));
    let now = Clock::System.now_ms();
    let time = |ms| Time::new(ms).expect("valid");
    let delegation = Delegation::new(
        Role::Transport,
        *PublicKey::of(&transport).as_bytes(),
        0,
        time(now - 60_000),
        time(now + 86_400_000),
    )
    .expect("valid");
    let delegation = delegation
        .sign(&chain.in_force().expect("in force"), &secret(number))
        .expect("signed");
    let agent = Text::new("omni-tests").expect("valid");
    let hello = Hello::new(network().id(), chain, life, delegation, agent).expect("valid");
    net::Setup {
        network: network(),
        own: chain.partner(),
        transport_seed: [number.wrapping_add(50); 32],
        listen: listen
            .iter()
            .map(|address| address.parse().expect("an address"))
            .collect(),
        hello: OwnHello::new(hello),
        clock: Clock::System,
        limits: NetLimits::default(),
        heads_every: HEADS_EVERY,
    }
}
