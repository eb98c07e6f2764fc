//! What makes a node a node of the market: its stores, the loop on its own thread, and the net.
//! Who asks it, and what it says of itself, is kept out.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use omni_protocol::frame::Hello;
use omni_protocol::identity::SignedDelegation;
use omni_protocol::machine::{Config as Core, Policy};
use omni_protocol::thread::Life;
use omni_protocol::value::Text;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use crate::api::{Call, Reading, policies};
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::home::Home;
use crate::keys::Keys;
use crate::launch::LaunchError;
use crate::net::{self, HEADS_EVERY, NetLimits, OwnHello};
use crate::runtime::shelf::{Shelf, Standing};
use crate::runtime::{Runtime, Setup, Shelver, ShelverSetup, Signer, prove_again};
use crate::store::{Appender, Owner, SpaceLimits, SpaceWatch, abort_process, ledger, market};

/// The program as it names itself to others.
const AGENT: &str = concat!("omni/", env!("CARGO_PKG_VERSION"));
/// The loop ends when it has synced what was begun; longer means that the disk is stuck.
const END_TIME_MAX: Duration = Duration::from_secs(20);

/// The stores of a home, open.
pub(super) struct Stores {
    pub(super) reading: Reading,
    appender: Appender,
    writer: market::MarketWriter,
    pub(super) life: Life,
}

impl Stores {
    /// Opens both for a new life.
    pub(super) fn open(home: &Home, keys: &Keys) -> Result<Self, LaunchError> {
        let network = keys.identity().network().id();
        let partner = keys.identity().partner();
        let owner = Owner {
            network: *network.as_bytes(),
            partner: *partner.as_bytes(),
        };
        let life = clock::new_life().map_err(LaunchError::ledger)?;
        let (reader, appender) =
            ledger::open(home.root(), owner, life.get()).map_err(LaunchError::ledger)?;
        let (shelf, writer) = market::open(home.root(), network).map_err(LaunchError::ledger)?;
        Ok(Self {
            reading: Reading::new(reader, shelf, (network, partner), Clock::System),
            appender,
            writer,
            life,
        })
    }
}

/// The running node without its API.
pub(super) struct Engine {
    pub(super) calls: mpsc::Sender<Call>,
    pub(super) told: watch::Receiver<u64>,
    thread: JoinHandle<()>,
    ended: tokio::sync::oneshot::Receiver<()>,
}

impl Engine {
    /// Starts net and loop. Call it inside the tokio runtime that is to carry them.
    pub(super) fn begin(
        stores: Stores,
        (home, config, keys): (&Home, &Config, &Keys),
        transport: SignedDelegation,
    ) -> Result<Self, LaunchError> {
        let Stores {
            reading,
            mut appender,
            writer,
            life,
        } = stores;
        let signer = signer(keys, &reading, &mut appender)?;
        let (network, clock) = (reading.network, Clock::System);
        let standing = Arc::new(Standing::default());
        let shelf = Shelf::new(reading.market.clone(), network, Arc::clone(&standing));
        let net = net::start(
            net_setup(config, keys, hello(keys, life, transport)?)?,
            Arc::new(shelf),
        )
        .map_err(LaunchError::net)?;
        let shelver = Shelver::start(ShelverSetup {
            ledger: &reading.ledger,
            chain: keys.chain(),
            market: (reading.market.clone(), writer),
            space: SpaceWatch::new(home.root(), SpaceLimits::default()),
            clock: clock.clone(),
            standing: Arc::clone(&standing),
        })
        .map_err(LaunchError::ledger)?;
        let (runtime, doors) = Runtime::begin(Setup {
            config: core(&reading, config, keys)?,
            signer,
            chain: keys.chain().clone(),
            clock,
            life,
            ledger: (reading.ledger, appender),
            market: reading.market,
            shelver,
            standing,
            net: Some(net),
            halt: abort_process,
        })
        .map_err(LaunchError::ledger)?;
        let handle = Handle::current();
        let (end, ended) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("runtime".to_owned())
            .spawn(move || {
                handle.block_on(runtime.run());
                // Nobody waits where the process is ended at once.
                end.send(()).ok();
            })?;
        Ok(Self {
            calls: doors.calls,
            told: doors.told,
            thread,
            ended,
        })
    }

    /// Ends the loop when all that was begun is synced and answered, and with it the net.
    pub(super) async fn end(self) {
        let stop = self.calls.send(Call::Stop).await;
        let in_time = tokio::time::timeout(END_TIME_MAX, self.ended).await;
        match (stop, in_time) {
            (Ok(()), Ok(Ok(()))) if self.thread.join().is_ok() => {}
            _ => tracing::error!("the loop did not end in order; what was acknowledged is synced"),
        }
    }
}

/// What the core is told of this node and of what its operator wants.
fn core(reading: &Reading, config: &Config, keys: &Keys) -> Result<Core, LaunchError> {
    let sourced = policies::sourced(reading);
    Ok(Core {
        network: reading.network,
        partner: reading.partner,
        key_index: keys.standing().index(),
        policy: Policy {
            ship_gate: config.orders.ship_gate.clone(),
            waits: config.bundles,
            short: config.stock.short,
            sourced: sourced.map_err(|problem| LaunchError::ledger(problem.sentence()))?,
            ..Policy::default()
        },
    })
}

/// The market key at work, once it has proved again what an earlier one had.
fn signer(keys: &Keys, reading: &Reading, appender: &mut Appender) -> Result<Signer, LaunchError> {
    let key = keys.standing().clone();
    let index = key.index();
    let signer = Signer::new(key, keys.market().clone()).map_err(LaunchError::ledger)?;
    let proved = prove_again(&reading.ledger, appender, &signer).map_err(LaunchError::ledger)?;
    if proved > 0 {
        tracing::info!(records = proved, key = index, "proved anew");
    }
    Ok(signer)
}

/// What this node says of itself in each session.
pub(super) fn hello(
    keys: &Keys,
    life: Life,
    transport: SignedDelegation,
) -> Result<Hello, LaunchError> {
    let network = keys.identity().network().id();
    let agent = Text::new(AGENT).map_err(LaunchError::net)?;
    Hello::new(network, keys.chain(), life, transport, agent).map_err(LaunchError::net)
}

fn net_setup(config: &Config, keys: &Keys, hello: Hello) -> Result<net::Setup, LaunchError> {
    let identity = keys.identity();
    let pair = keys.transport().clone().try_into_ed25519();
    let seed = pair.map_err(LaunchError::net)?.secret();
    let mut transport_seed = [0; 32];
    transport_seed
        .iter_mut()
        .zip(seed.as_ref())
        .for_each(|(to, from)| *to = *from);
    Ok(net::Setup {
        network: identity.network().clone(),
        own: identity.partner(),
        transport_seed,
        listen: config.net.listen.clone(),
        hello: OwnHello::new(hello),
        clock: Clock::System,
        limits: NetLimits::default(),
        heads_every: HEADS_EVERY,
    })
}
