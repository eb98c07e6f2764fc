//! A running node from start to end: it takes the home, opens the doors, answers until it is
//! asked to stop, and leaves nothing behind. What it does for the market is the runtime's matter.

mod availability;
mod engine;
mod profile;
mod renewal;
mod timetables;

use std::sync::Arc;
use std::time::{Duration, Instant};

use omni_protocol::identity::PublicKey;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing_subscriber::EnvFilter;

use self::engine::{Engine, Stores};
use self::profile::Publisher;
use crate::api::server::{Doors, own_uid};
use crate::api::{About, Desk, Signing, failover, hand_over, policies, pruning};
use crate::clock::Clock;
use crate::config::{Config, LogFormat};
use crate::hand_over::Sealing;
use crate::home::Home;
use crate::home::endpoint::Endpoint;
use crate::home::socket;
use crate::home::token::Token;
use crate::keys::Keys;
use crate::keys::text::hex;
use crate::launch::{Launch, LaunchError};
use crate::view::IdentityView;

/// For tasks that are still under way when everything else has ended.
const END_TIME_MAX: Duration = Duration::from_secs(2);

/// Runs a node until a signal or a request ends it.
///
/// # Errors
/// If it can't begin: see [`LaunchError`].
pub fn run(launch: Launch) -> Result<(), LaunchError> {
    launch.home.existing()?;
    let _lock = launch.home.lock()?;
    begin_log(&launch.config);
    abort_on_panic();
    let keys = Arc::new(Keys::load(&launch.home)?);
    let token = Token::read_or_make(&launch.home.token_file())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(live(launch, &keys, token));
    runtime.shutdown_timeout(END_TIME_MAX);
    result
}

#[expect(
    clippy::cognitive_complexity,
    reason = "the macros of tracing count as branches; it is one list from start to end"
)]
async fn live(launch: Launch, keys: &Arc<Keys>, token: Token) -> Result<(), LaunchError> {
    // First, so that a signal during the start is not lost.
    let mut signals = Signals::listen()?;
    let Launch {
        home,
        config,
        env,
        ready,
    } = launch;
    let uid = own_uid()?;
    let socket = socket::place(home.root(), uid, &env)?;
    let doors = Doors::open(&socket, uid, config.api.http)
        .await
        .map_err(|e| LaunchError::Api(e.into()))?;
    let endpoint = Endpoint {
        pid: std::process::id(),
        socket,
        http: doors.http(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let stores = Stores::open(&home, keys)?;
    let reading = stores.reading.clone();
    let delegations = profile::delegations(&reading, keys)?;
    let [transport, _] = delegations.clone();
    let life = stores.life;
    let engine = Engine::begin(stores, (&home, &config, keys), transport)?;
    let (stop, mut stopped) = watch::channel(false);
    let about = about(&home, &config, keys, &endpoint)?;
    let desk = Desk::new(
        engine.calls.clone(),
        about,
        reading,
        engine.told.clone(),
        stop,
    );
    let publisher = Publisher::new(config.clone(), Arc::clone(keys), life, delegations);
    let addresses = publisher.begin(&desk).await?;
    let tasks = [
        tokio::spawn(publisher.go_on(desk.clone(), addresses)),
        tokio::spawn(hand_over::keep_sending(desk.clone())),
        tokio::spawn(policies::keep_sourcing(desk.clone(), config.stock.short)),
        tokio::spawn(failover::keep_replacing(desk.clone())),
        tokio::spawn(pruning::keep_pruning(desk.clone())),
        tokio::spawn(availability::keep(desk.clone(), config.stock.signal)),
        tokio::spawn(renewal::keep(desk.clone(), config.offers.renew)),
        tokio::spawn(timetables::keep(desk.clone())),
    ];
    // Whoever has an answer looks here for the addresses; after a kill it finds the old ones.
    let published = endpoint.publish(&home.endpoint_file())?;
    let (serving, ending, origins) = (desk.clone(), desk.stopping(), config.api.origins.clone());
    let served = tokio::spawn(async move { doors.serve(serving, token, &origins, ending).await });
    tracing::info!(partner = %keys.identity().partner(), http = %endpoint.http, "ready");
    ready(&endpoint);
    tokio::select! {
        name = signals.next() => tracing::info!(signal = name, "stopping"),
        asked = stopped.wait_for(|&stop| stop) => drop(asked),
    }
    // Clients look here first: nobody begins to ask a node that ends.
    drop(published);
    signals.end_at_the_next();
    desk.stop();
    tasks.iter().for_each(JoinHandle::abort);
    if served.await.is_err() {
        tracing::warn!("the local API ended by itself");
    }
    // Last, so that every request that was taken has its answer, and all of them are synced.
    engine.end().await;
    tracing::info!("stopped");
    Ok(())
}

/// What the node says of itself.
fn about(
    home: &Home,
    config: &Config,
    keys: &Keys,
    endpoint: &Endpoint,
) -> Result<About, LaunchError> {
    let (identity, standing) = (keys.identity(), keys.standing());
    let transport = keys.transport().public().try_into_ed25519();
    let transport = transport.map_err(LaunchError::net)?.to_bytes();
    let transport = PublicKey::from_bytes(transport).map_err(LaunchError::net)?;
    Ok(About {
        identity: IdentityView {
            partner: identity.partner().to_string(),
            network: identity.network().to_string(),
            key_index: standing.index(),
            market_key: hex(standing.key().as_bytes()).to_string(),
            peer: keys.peer().to_string(),
            sealing_key: hex(keys.sealing_public()).to_string(),
        },
        name: config.partner.name.as_str().to_owned(),
        network: identity.network().clone(),
        home: home.clone(),
        pid: endpoint.pid,
        version: endpoint.version.clone(),
        started_ms: Clock::System.now_ms(),
        started: Instant::now(),
        socket: endpoint.socket.clone(),
        http: endpoint.http,
        announce: config
            .net
            .announce
            .iter()
            .map(ToString::to_string)
            .collect(),
        chain: keys.chain().clone(),
        renew: config.offers.renew,
        signing: Signing::new(transport, standing.clone(), keys.market().clone()),
        sealing: Sealing::new(keys.sealing().clone(), *keys.sealing_public()),
    })
}

/// The signals that ask a process to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> Result<Self, std::io::Error> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.hang_up.recv() => "SIGHUP",
        }
    }

    /// Who asks twice does not want to wait for a graceful end.
    fn end_at_the_next(mut self) {
        tokio::spawn(async move {
            let name = self.next().await;
            tracing::warn!(signal = name, "ending at once");
            std::process::exit(1);
        });
    }
}

fn begin_log(config: &Config) {
    let filter = EnvFilter::new(&config.log.filter);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // Tests of this crate may have begun a log already, and then that one stays.
    let begun = match config.log.format {
        LogFormat::Json => lines.json().try_init(),
        LogFormat::Text => {
            let to_person = std::io::IsTerminal::is_terminal(&std::io::stderr());
            lines.with_ansi(to_person).try_init()
        }
    };
    if let Err(e) = begun {
        tracing::debug!(error = %e, "another log is in use");
    }
}

/// After a panic nothing may go on with half-changed state: the process ends, and its supervisor
/// starts it again. In the release profile a panic aborts anyhow.
fn abort_on_panic() {
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        say(panic);
        std::process::abort();
    }));
}
