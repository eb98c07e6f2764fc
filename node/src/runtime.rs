//! The runtime: one loop that puts everything that happens to the core and carries out what it
//! decides. It makes no rule of the market, and nothing leaves it before the batch that causes it
//! is synced.
//!
//! Everything that can wake the loop is a [`Wake`]. The loop waits for nothing else: not for a
//! peer, not for a disk, not for a client. Each queue to and from it has a bound, and what happens
//! at the bound stands beside it.

mod acting;
mod contacts;
mod courier;
mod door;
mod keeper;
mod members;
mod news;
mod proving;
pub mod room;
mod roster;
pub mod shelf;
mod shelves;
mod signer;
mod telling;
mod witness;

use std::ops::ControlFlow as Flow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use omni_protocol::hash::PartnerId;
use omni_protocol::identity::KeyChain;
use omni_protocol::machine::{
    Config, Grant, Input, Outgoing, Publication, Standing as MayDo, Verb, Verdict,
};
use omni_protocol::thread::Life;
use omni_protocol::value::Time;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

pub use self::proving::prove_again;
pub use self::shelves::{Shelve, Shelver, ShelverSetup};
pub use self::signer::{NotOurKey, Signer};
pub use crate::api::Call;

use self::contacts::{Contacts, Meeting};
use self::courier::{Courier, CourierError};
use self::door::{Door, Meaning};
use self::keeper::{Asker, Changed, Keeper, Promise};
use self::news::Announce;
use self::room::Gate;
use self::roster::Roster;
use self::shelf::Standing;
use crate::api::{Act, CALLS_MAX, Invitation};
use crate::clock::Clock;
use crate::net::{Introduced, Net, NetCommand, NetEvent};
use crate::store::market::MarketReader;
use crate::store::witnessed;
use crate::store::{Appender, Halt, LedgerReader, Report, StoreError, Writer};
use crate::view::event::WhatView;

/// What is taken before the open batch is closed: enough that its proofs and its sync cost each
/// little, and few enough that the disk and the partners work while the next ones are decided.
const TURN_MAX: usize = 16;
/// One batch flies at a time.
const REPORTS_MAX: usize = 1;
/// Longest pause between two pulses, when nothing is due before.
const PULSE_MAX: Duration = Duration::from_secs(1);
/// How long the net may take to end.
const FAREWELL_MAX: Duration = Duration::from_secs(3);
/// Pulses between two looks at partners' addresses, which change without a grant.
const ROSTER_PULSES: u32 = 30;

/// Everything that wakes the loop.
#[derive(Debug)]
pub enum Wake {
    /// The local API asks for something.
    Called(Call),
    /// The net heard something.
    Heard(NetEvent),
    /// The batch under way is on the disk.
    Synced(Report),
    /// The market store can take more.
    Shelved,
    /// Time passed.
    Pulse,
    /// All that could ask is gone, or the process is to end.
    Stop,
}

/// What the loop needs to begin.
#[derive(Debug)]
pub struct Setup {
    /// Who the machine is and how its operator wants it to decide.
    pub config: Config,
    /// The market key.
    pub signer: Signer,
    /// The own key chain.
    pub chain: KeyChain,
    /// Time.
    pub clock: Clock,
    /// The life that begins; [`crate::clock::new_life`].
    pub life: Life,
    /// The open ledger.
    pub ledger: (LedgerReader, Appender),
    /// The market store.
    pub market: MarketReader,
    /// What changes the market store.
    pub shelver: Shelver,
    /// Who counts as a partner, as the shelf of the net has it.
    pub standing: Arc<Standing>,
    /// The running net and what it hears; none for a node that meets nobody, as in tests.
    pub net: Option<(Net, mpsc::Receiver<NetEvent>)>,
    /// What ends the process when the ledger can't be kept.
    pub halt: Halt,
}

/// The ways to a running loop.
#[derive(Debug, Clone)]
pub struct Doors {
    /// For the local API. When the last one is gone, the loop ends.
    pub calls: mpsc::Sender<Call>,
    /// The number of the newest synced event. Events are read from the ledger's database, so a
    /// follower that lags costs no memory here, and none is waited for.
    pub told: watch::Receiver<u64>,
}

/// Why the loop can't begin.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The ledger's writer can't be started.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The first decision of a life was refused.
    #[error(
        "the core refuses to begin a life ({verdict}): the ledger in {home:?} can't be continued by this program"
    )]
    NotBegun {
        /// What it said.
        verdict: String,
        /// The home.
        home: PathBuf,
    },
}

/// The loop with all that it owns.
#[derive(Debug)]
pub struct Runtime {
    keeper: Keeper,
    courier: Courier,
    shelver: Shelver,
    door: Door,
    roster: Roster,
    gate: Gate,
    clock: Clock,
    calls: mpsc::Receiver<Call>,
    heard: Option<mpsc::Receiver<NetEvent>>,
    reports: mpsc::Receiver<Report>,
    told: watch::Sender<u64>,
    contacts: Contacts,
    due: Option<Time>,
    last_pulse: Instant,
    roster_in: u32,
    announce: Announce,
}

impl Runtime {
    /// Begins a life: its first entry is decided, and is synced as soon as the loop runs. Call it
    /// inside a tokio runtime.
    ///
    /// # Errors
    /// [`RuntimeError`] says what to do.
    pub fn begin(setup: Setup) -> Result<(Self, Doors), RuntimeError> {
        let Setup {
            config,
            signer,
            chain,
            clock,
            life,
            ledger,
            market,
            shelver,
            standing,
            net,
            halt,
        } = setup;
        let (reader, appender) = ledger;
        let (calls_in, calls) = mpsc::channel(CALLS_MAX);
        let (reports_in, reports) = mpsc::channel(REPORTS_MAX);
        let (net, heard) = net.unzip();
        let writer = Writer::start(appender, reports_in, halt)?;
        let home = reader.home().to_owned();
        let contacts = Contacts::load(&reader)?;
        let courier = Courier::new(reader.clone(), signer.clone());
        let door = Door::new(net, config.network, chain, (reader.clone(), market.clone()));
        let roster = Roster::new(config.network, reader.clone(), market, standing);
        let keeper = Keeper::new(config, signer, reader, writer, clock.clone(), halt)?;
        let (told, told_out) = watch::channel(keeper.told());
        let mut runtime = Self {
            courier,
            gate: Gate::new(shelver.room()),
            door,
            roster,
            keeper,
            shelver,
            clock,
            calls,
            heard,
            reports,
            told,
            contacts,
            due: None,
            last_pulse: Instant::now(),
            roster_in: 0,
            announce: Announce::No,
        };
        let verdict = runtime.keeper.decide(Input::Start(life), Asker::Nobody);
        if verdict != Verdict::Done {
            return Err(RuntimeError::NotBegun {
                verdict: format!("{verdict:?}"),
                home,
            });
        }
        let began = WhatView::Began {
            life: format!("{:016x}", life.get()),
        };
        runtime.keeper.note(None, vec![began], Asker::Nobody);
        Ok((
            runtime,
            Doors {
                calls: calls_in,
                told: told_out,
            },
        ))
    }

    /// Runs until told to stop; then what was begun is synced and answered.
    ///
    /// It reads the ledger's disk, so give it a thread of its own:
    /// `handle.block_on(runtime.run())`.
    pub async fn run(mut self) {
        self.tell_roster();
        self.submit();
        while let Flow::Continue(()) = self.turn().await {
            self.submit();
        }
        self.finish().await;
    }

    /// Waits for one thing, and takes with it what waits beside it: that shares its batch, and so
    /// its proofs, its checkpoint and its sync.
    async fn turn(&mut self) -> Flow<()> {
        let first = self.next().await;
        self.take(first)?;
        for _ in 1..TURN_MAX {
            match self.waiting() {
                Some(wake) => self.take(wake)?,
                None => break,
            }
        }
        Flow::Continue(())
    }

    fn take(&mut self, wake: Wake) -> Flow<()> {
        match wake {
            Wake::Called(Call::Decide { input, reply }) => self.called(*input, reply),
            Wake::Called(Call::Meet { invitation, reply }) => self.meet(*invitation, reply),
            Wake::Called(Call::ByItself { verb, act, reply }) => self.by_itself(verb, *act, reply),
            Wake::Called(Call::Policies {
                write,
                works,
                reply,
            }) => self.keeper.set_policies(write, works, Asker::Client(reply)),
            Wake::Called(Call::Net(reply)) => self.door.ask_net(reply),
            Wake::Called(Call::Introduce(hello)) => self.door.introduce(*hello),
            Wake::Heard(event) => self.heard(event),
            Wake::Synced(report) => self.synced(report),
            Wake::Shelved => self.shelver.offer_waiting(),
            Wake::Pulse => self.pulse(),
            Wake::Stop | Wake::Called(Call::Stop) => return Flow::Break(()),
        }
        Flow::Continue(())
    }

    /// The one place where the loop waits. All of it may be given up at any moment without loss.
    ///
    /// With much undone, neither clients nor peers are listened to: the batch under way comes
    /// first, and their queues fill.
    async fn next(&mut self) -> Wake {
        let has_room = self.keeper.has_room() && self.shelver.has_room();
        let pulse = self.next_pulse();
        tokio::select! {
            Some(report) = self.reports.recv() => Wake::Synced(report),
            () = self.shelver.ready_for_more() => Wake::Shelved,
            () = tokio::time::sleep_until(pulse) => Wake::Pulse,
            call = self.calls.recv(), if has_room => call.map_or(Wake::Stop, Wake::Called),
            Some(event) = hear(&mut self.heard), if has_room => Wake::Heard(event),
        }
    }

    /// What is there without waiting. A synced batch comes first, since others wait for it.
    fn waiting(&mut self) -> Option<Wake> {
        if let Ok(report) = self.reports.try_recv() {
            return Some(Wake::Synced(report));
        }
        if !self.keeper.has_room() || !self.shelver.has_room() {
            return None;
        }
        if let Ok(call) = self.calls.try_recv() {
            return Some(Wake::Called(call));
        }
        let event = self.heard.as_mut()?.try_recv().ok()?;
        Some(Wake::Heard(event))
    }

    fn next_pulse(&self) -> Instant {
        let latest = self
            .last_pulse
            .checked_add(PULSE_MAX)
            .unwrap_or(self.last_pulse);
        let Some(due) = self.due else { return latest };
        let wait = Duration::from_millis(due.ms().saturating_sub(self.clock.now_ms()));
        Instant::now()
            .checked_add(wait)
            .map_or(latest, |due| due.min(latest))
    }

    fn called(&mut self, input: Input, reply: oneshot::Sender<Verdict>) {
        match self.gate.refuses(&input) {
            Some(code) => answer(reply, Verdict::Refused(code)),
            None => self.decide(input, Asker::Client(reply)),
        }
    }

    /// What the node asks for by itself is kept with what it asks by, in one batch.
    fn by_itself(&mut self, verb: Option<Box<Verb>>, act: Act, reply: oneshot::Sender<Verdict>) {
        let Some(verb) = verb else {
            return self.keeper.acted(act, &[], Asker::Client(reply));
        };
        let input = Input::Verb(verb);
        if let Some(code) = self.gate.refuses(&input) {
            return answer(reply, Verdict::Refused(code));
        }
        let verdict = self.keeper.decide(input, Asker::Client(reply));
        self.due = self.keeper.due().or(self.due);
        if let Verdict::Made(records) = verdict {
            self.keeper.acted(act, &records, Asker::Nobody);
        }
    }

    /// While room is low nothing new is stored for a peer, and so nothing answered: it asks again.
    fn heard(&mut self, event: NetEvent) {
        let met = match &event {
            NetEvent::SessionUp { partner, hello, .. } => Some((*partner, hello.clone())),
            NetEvent::SessionDown {
                partner, session, ..
            } if self.door.is_current(*partner, *session) => {
                let partner = partner.to_string();
                let events = vec![WhatView::Parted { partner }];
                self.keeper.note(None, events, Asker::Nobody);
                None
            }
            NetEvent::SessionDown { .. }
            | NetEvent::Listening(_)
            | NetEvent::Frame { .. }
            | NetEvent::Records { .. }
            | NetEvent::Keys { .. }
            | NetEvent::PullBegan { .. }
            | NetEvent::PullEnded { .. } => None,
        };
        let Meaning {
            inputs,
            errands,
            checkpoint,
        } = self.door.hear(event, |record| self.keeper.keeps(record));
        for errand in errands {
            self.shelver.offer(errand);
        }
        for input in inputs {
            if self.gate.refuses(&input).is_none() {
                self.decide(input, Asker::Nobody);
            }
        }
        // In the batch of what it came with.
        if let Some((partner, note)) = checkpoint {
            self.keeper.keep(witnessed::key(partner), note);
        }
        // After a token was judged: whoever showed a good one is no stranger.
        if let Some((partner, hello)) = met {
            self.note_session(partner, &hello);
            self.push_named(partner);
        }
    }

    /// Remembers whom the operator wants to meet; dialled when that is synced. An invite of a
    /// partner whose keys are known is judged at once, any other when its giver has shown them.
    fn meet(&mut self, invitation: Invitation, reply: oneshot::Sender<Verdict>) {
        let invite = invitation.invite.as_ref();
        let giver = invite.map(|invite| invite.claimed().partner);
        let known = giver.and_then(|giver| self.roster.chain(giver));
        let checked = invite
            .zip(known)
            .map(|(invite, chain)| invite.check(&chain, self.keeper.time()).map(drop));
        if let Some(Err(code)) = checked {
            return answer(reply, Verdict::Refused(code));
        }
        let contact = self.contacts.name(invitation);
        self.keeper
            .note(Some(&contact), Vec::new(), Asker::Client(reply));
        if let Some(giver) = giver.filter(|_| checked.is_some()) {
            self.befriend(giver);
        }
    }

    /// Whom the operator named is a partner, unless something was granted or refused before.
    fn befriend(&mut self, partner: PartnerId) {
        if self.keeper.is_stranger(partner) {
            let standing = MayDo::Partner;
            let grant = Grant::Standing { partner, standing };
            self.decide(Input::Grant(grant), Asker::Nobody);
        }
    }

    /// What of a session outlives it: who it was, and that a stranger asks.
    fn note_session(&mut self, partner: PartnerId, hello: &Introduced) {
        let now = self.keeper.time();
        let keeper = &self.keeper;
        // Whom a bundle admits asks for nothing else.
        let is_stranger = |who| keeper.is_stranger(who) && !keeper.is_member(who);
        let meeting = self.contacts.met(hello, is_stranger, now);
        let who = || partner.to_string();
        let mut events = vec![WhatView::Met { partner: who() }];
        if matches!(meeting, Meeting::Request(_)) {
            events.push(WhatView::Requested { partner: who() });
        }
        let is_named = matches!(meeting, Meeting::Named(_));
        self.keeper.note(meeting.contact(), events, Asker::Nobody);
        if is_named {
            self.befriend(partner);
        }
    }

    /// What is offered to this partner and not to everybody.
    fn push_named(&self, partner: PartnerId) {
        match self.courier.named_for(partner) {
            Ok(commands) => commands
                .into_iter()
                .for_each(|command| self.door.tell(command)),
            Err(error) => tracing::error!(%error, "own offers could not be read"),
        }
    }

    fn decide(&mut self, input: Input, asker: Asker) {
        self.keeper.decide(input, asker);
        if let Some(due) = self.keeper.due() {
            self.due = Some(due);
        }
    }

    fn pulse(&mut self) {
        self.last_pulse = Instant::now();
        self.due = None;
        self.gate.set(self.shelver.room());
        self.shelver.offer_waiting();
        if self.announce == Announce::Due {
            self.announce = Announce::No;
            self.decide(
                Input::Publish(vec![Publication::CatalogueHead]),
                Asker::Nobody,
            );
        }
        self.roster_in = self.roster_in.saturating_sub(1);
        if self.roster_in == 0 {
            self.tell_roster();
        }
        self.decide(Input::Pulse, Asker::Nobody);
    }

    /// Tells the net who partners are. Should it have no room now, the next look tells it again.
    fn tell_roster(&mut self) {
        self.roster_in = ROSTER_PULSES;
        match self.roster.read(&self.contacts) {
            Ok(commands) => {
                let new = self.contacts.invitations(self.keeper.time());
                for command in commands.into_iter().chain(new).chain(self.members()) {
                    self.door.tell(command);
                }
            }
            Err(error) => tracing::warn!(%error, "the list of partners could not be read"),
        }
    }

    /// The other members of open bundles that are no partners.
    fn members(&self) -> Vec<NetCommand> {
        self.roster
            .members(self.door.partner())
            .unwrap_or_else(|error| {
                tracing::warn!(%error, "the members of bundles could not be read");
                Vec::new()
            })
    }

    fn synced(&mut self, report: Report) {
        let landed = self.keeper.landed(report);
        self.door.remember(landed.seals, landed.checkpoint);
        // First what has the longest way before it.
        for command in landed.news.commands {
            self.door.tell(command);
        }
        self.release(landed.promises);
        self.shelver.shelve_own(landed.news.shelved);
        if landed.news.head == Announce::Due {
            self.announce = Announce::Due;
        }
    }

    /// Closes the open batch if the writer is idle. What waits for no write is released at once.
    fn submit(&mut self) {
        let promises = self.keeper.submit();
        self.release(promises);
    }

    /// Carries out what was decided, from top to bottom. All of it rests on synced batches.
    fn release(&mut self, promises: Vec<Promise>) {
        let mut roster = Changed::No;
        for promise in promises {
            let Promise {
                asker,
                verdict,
                sends,
                replies,
                told,
                roster: changed,
            } = promise;
            if let Asker::Client(reply) = asker {
                answer(reply, verdict);
            }
            for outgoing in sends.into_iter().chain(replies) {
                self.send(outgoing);
            }
            self.told
                .send_if_modified(|newest| std::mem::replace(newest, told) != told);
            if changed == Changed::Yes {
                roster = Changed::Yes;
            }
        }
        if roster == Changed::Yes {
            self.tell_roster();
        }
    }

    fn send(&self, outgoing: Outgoing) {
        let Outgoing { to, message } = outgoing;
        let seen = self.door.checkpoint_of(to);
        match self.courier.frame(to, message, &self.keeper, seen) {
            Ok(frame) => self.door.tell(NetCommand::Send { partner: to, frame }),
            // It is asked when it does.
            Err(CourierError::Unmet) => tracing::debug!(%to, "a partner has not greeted this life"),
            Err(error) => tracing::error!(%error, %to, "a message could not be made up"),
        }
    }

    /// Syncs and answers what was begun, and lets the net say its farewells.
    async fn finish(mut self) {
        self.calls.close();
        self.submit();
        while self.keeper.is_busy() {
            let Some(report) = self.reports.recv().await else {
                return;
            };
            self.synced(report);
            self.submit();
        }
        self.door.tell(NetCommand::Shutdown);
        let farewells = async { while hear(&mut self.heard).await.is_some() {} };
        if tokio::time::timeout(FAREWELL_MAX, farewells).await.is_err() {
            tracing::warn!("the net did not end in time: it is left behind");
        }
    }
}

/// What the net hears next; never anything where there is no net, or where it has ended.
async fn hear(heard: &mut Option<mpsc::Receiver<NetEvent>>) -> Option<NetEvent> {
    match heard {
        Some(heard) => heard.recv().await,
        None => None,
    }
}

fn answer(reply: oneshot::Sender<Verdict>, verdict: Verdict) {
    // Whoever asked may have gone; what was decided stands.
    drop(reply.send(verdict));
}
