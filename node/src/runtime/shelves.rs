//! The shelver: a thread that changes the market store and looks after the room on the disk, so
//! that the loop waits for neither.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use omni_protocol::frame::Known;
use omni_protocol::hash::{PartnerId, RecordId};
use omni_protocol::identity::KeyChain;
use omni_protocol::value::Time;
use tokio::sync::Notify;

use super::news::{own_record, own_slots};
use super::room::RoomCell;
use super::shelf::{Standing, chain_bytes};
use crate::clock::Clock;
use crate::net::Seals;
use crate::store::market::{Arrival, MarketReader, MarketWriter, Reach};
use crate::store::{LedgerReader, Room, SpaceWatch, StoreError};

/// Errands that the thread has before it.
const ERRANDS_MAX: usize = 64;
/// Errands that wait for a place in that queue; beyond it the loop takes nothing new.
const WAITING_MAX: usize = 64;
/// Between two looks at the disk, and two clearings of ended records.
const ROUND: Duration = Duration::from_secs(5);
/// Ended records cleared in one write.
const ENDED_MAX: usize = 1024;
/// Records after which a write takes no more that wait: as many as a segment of the index has, which
/// is then made of them at once.
const TAKEN_TOGETHER: usize = 4096;
/// Own records put back in one write.
const RESTOCK_STEP: usize = 256;
/// A record is served for so long after its end (SPEC.md 9).
const SERVED_AFTER_END_MS: u64 = 120_000;

/// Something for the market store.
#[derive(Debug)]
pub enum Shelve {
    /// Verified records.
    Take(Vec<Arrival>),
    /// The key events of an author, with their proofs.
    Chain {
        /// Whose.
        author: PartnerId,
        /// As they are read back.
        events: Vec<u8>,
        /// Index of the key in force; none in a conflict.
        in_force: Option<u32>,
    },
    /// What an author no longer counts, after its whole catalogue was pulled.
    Forget {
        /// Whose.
        author: PartnerId,
        /// What is still there.
        named: BTreeSet<RecordId>,
        /// What the source said of that catalogue.
        head: Known,
    },
}

/// What the shelver needs to begin.
#[derive(Debug)]
pub struct ShelverSetup<'a> {
    /// The synced ledger, where own records are.
    pub ledger: &'a LedgerReader,
    /// The own key chain.
    pub chain: &'a KeyChain,
    /// The open market store.
    pub market: (MarketReader, MarketWriter),
    /// What looks after the room on the disk.
    pub space: SpaceWatch,
    /// Time, for what ends.
    pub clock: Clock,
    /// Who counts as a partner.
    pub standing: Arc<Standing>,
}

/// The loop's end of the thread.
#[derive(Debug)]
pub struct Shelver {
    errands: Option<SyncSender<Shelve>>,
    thread: Option<JoinHandle<()>>,
    room: Arc<RoomCell>,
    waiting: VecDeque<Shelve>,
    /// Told whenever an errand is done.
    done: Arc<Notify>,
}

impl Shelver {
    /// Starts the thread, after a first look at the disk, and after own records that the market
    /// store lacks were put back into it.
    ///
    /// # Errors
    /// When the disk can't be looked at, the ledger can't be read, or the system gives no thread.
    pub fn start(setup: ShelverSetup<'_>) -> Result<Self, StoreError> {
        let ShelverSetup {
            ledger,
            chain,
            market,
            space,
            clock,
            standing,
        } = setup;
        let room = RoomCell::new(space.look()?);
        let (reader, mut writer) = market;
        match restock(ledger, chain, &reader, &mut writer) {
            // What can't be read now is made anew at the next start, and holds up nothing.
            Err(error @ StoreError::Market { .. }) => {
                tracing::warn!(%error, "the market store is made anew at the next start");
            }
            restocked => restocked?,
        }
        let (errands, queue) = sync_channel(ERRANDS_MAX);
        let done = Arc::new(Notify::new());
        let worker = Worker {
            reader,
            writer,
            space,
            clock,
            standing,
            room: Arc::clone(&room),
            done: Arc::clone(&done),
        };
        let thread = std::thread::Builder::new()
            .name("market-shelver".to_owned())
            .spawn(move || worker.run(&queue))
            .map_err(|source| StoreError::Io {
                what: "start the shelver of",
                path: ledger.home().to_owned(),
                source,
            })?;
        Ok(Self {
            errands: Some(errands),
            thread: Some(thread),
            room,
            waiting: VecDeque::new(),
            done,
        })
    }

    /// The room on the disk, as it was looked at last.
    #[must_use]
    pub fn room(&self) -> Room {
        self.room.get()
    }

    /// Hands over an errand, after those that wait. None is dropped: what was pulled would be
    /// taken for known, and own records are pulled from here.
    pub(super) fn offer(&mut self, errand: Shelve) {
        self.waiting.push_back(errand);
        self.offer_waiting();
    }

    /// Hands over own public records.
    pub(super) fn shelve_own(&mut self, records: Vec<Arrival>) {
        if !records.is_empty() {
            self.offer(Shelve::Take(records));
        }
    }

    /// Tries again to hand over what waits.
    pub(super) fn offer_waiting(&mut self) {
        while let Some(errand) = self.waiting.pop_front() {
            if let Err(errand) = self.try_hand_over(errand) {
                self.waiting.push_front(errand);
                return;
            }
        }
    }

    /// Without room the loop listens to nobody, so that those who have records for it wait.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < WAITING_MAX
    }

    /// Resolves when something that waits may be handed over; not before, and never without.
    pub(super) async fn ready_for_more(&self) {
        if self.waiting.is_empty() {
            return std::future::pending().await;
        }
        self.done.notified().await;
    }

    fn try_hand_over(&self, errand: Shelve) -> Result<(), Shelve> {
        match &self.errands {
            Some(errands) => errands.try_send(errand).map_err(|error| match error {
                TrySendError::Full(errand) | TrySendError::Disconnected(errand) => errand,
            }),
            None => Err(errand),
        }
    }
}

impl Drop for Shelver {
    fn drop(&mut self) {
        self.errands = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the shelver had ended before");
        }
    }
}

/// Puts own public records into the market store where it differs from the ledger: it was made
/// anew, or the process ended between the two writes.
fn restock(
    ledger: &LedgerReader,
    chain: &KeyChain,
    reader: &MarketReader,
    writer: &mut MarketWriter,
) -> Result<(), StoreError> {
    let own = chain.partner();
    let in_force = chain.in_force().ok().map(|key| key.index());
    learn(reader, writer, (own, chain_bytes(chain)), in_force)?;
    let Ok(key) = chain.in_force() else {
        return Ok(());
    };
    let network = *key.network();
    // Of one tree the signature is checked once.
    let mut seals = Seals::default();
    let shelved = reader.ids(own)?;
    let mut arrivals = Vec::new();
    let mut named = BTreeSet::new();
    for standing in own_slots(ledger) {
        let standing = standing?;
        if standing.is_named {
            continue;
        }
        named.insert(standing.record);
        if shelved.contains(&standing.record) {
            continue;
        }
        let Some((record, proof)) = own_record(&network, ledger, standing.record)? else {
            continue;
        };
        let Ok(claim) = proof.claim(own, record.id()) else {
            continue;
        };
        // A record under an older key waits until its author proves it again.
        let Ok(attested) = seals.attest(claim, &key) else {
            continue;
        };
        let arrival = record.verify(&attested).ok();
        arrivals.extend(arrival.and_then(|record| Arrival::of(&record, proof, Reach::Public)));
        if arrivals.len() >= RESTOCK_STEP {
            writer.take(std::mem::take(&mut arrivals))?;
        }
    }
    writer.take(arrivals)?;
    writer.forget_unnamed(own, &named, u64::MAX)?;
    Ok(())
}

/// Keeps the key events of an author. Where they are news, what another key than the one in force
/// proved is no longer proved: it goes, and is fetched again as its author proves it now.
fn learn(
    reader: &MarketReader,
    writer: &mut MarketWriter,
    (author, events): (PartnerId, Vec<u8>),
    in_force: Option<u32>,
) -> Result<(), StoreError> {
    if reader.chain(author)?.as_ref() == Some(&events) {
        return Ok(());
    }
    writer.keep_chain(author, &events)?;
    let gone = writer.forget_unproved(author, in_force)?;
    if gone > 0 {
        tracing::info!(%author, records = gone, "a replaced key proved them: they are fetched again");
    }
    Ok(())
}

/// Records that wait one after the other go into one write; what follows them is carried out next.
fn together(errand: Shelve, queue: &Receiver<Shelve>) -> (Shelve, Option<Shelve>) {
    let Shelve::Take(mut records) = errand else {
        return (errand, None);
    };
    while records.len() < TAKEN_TOGETHER {
        match queue.try_recv() {
            Ok(Shelve::Take(more)) => records.extend(more),
            Ok(other) => return (Shelve::Take(records), Some(other)),
            Err(_) => break,
        }
    }
    (Shelve::Take(records), None)
}

struct Worker {
    reader: MarketReader,
    writer: MarketWriter,
    space: SpaceWatch,
    clock: Clock,
    standing: Arc<Standing>,
    room: Arc<RoomCell>,
    done: Arc<Notify>,
}

impl Worker {
    fn run(mut self, queue: &Receiver<Shelve>) {
        let mut last_round = Instant::now();
        loop {
            match queue.recv_timeout(ROUND.saturating_sub(last_round.elapsed())) {
                Ok(errand) => {
                    let mut next = Some(errand);
                    while let Some(errand) = next {
                        let (errand, after) = together(errand, queue);
                        let done = self.carry_out(errand);
                        self.note(done);
                        self.done.notify_one();
                        next = after;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if last_round.elapsed() >= ROUND {
                self.look_after();
                last_round = Instant::now();
            }
        }
    }

    fn carry_out(&mut self, errand: Shelve) -> Result<(), StoreError> {
        match errand {
            Shelve::Take(arrivals) => self.writer.take(arrivals).map(drop),
            Shelve::Chain {
                author,
                events,
                in_force,
            } => learn(&self.reader, &mut self.writer, (author, events), in_force),
            Shelve::Forget {
                author,
                named,
                head,
            } => self.forget(author, &named, &head),
        }
    }

    /// Only where this store still differs from what the source has: news may have come meanwhile.
    fn forget(
        &mut self,
        author: PartnerId,
        named: &BTreeSet<RecordId>,
        head: &Known,
    ) -> Result<(), StoreError> {
        let ids = self.reader.catalogue(author)?.ids;
        if ids.count() == u64::from(head.count) && ids.fingerprint() == head.fingerprint {
            return Ok(());
        }
        self.writer
            .forget_unnamed(author, named, head.highest.get())
            .map(drop)
    }

    fn look_after(&mut self) {
        // A disk that can't be measured may be full.
        let room = self.space.look().unwrap_or_else(|error| {
            tracing::warn!(%error, "the room on the disk is not known");
            Room::Low
        });
        self.room.set(room);
        self.note(self.standing.recount(&self.reader));
        let ended = self.clock.now_ms().saturating_sub(SERVED_AFTER_END_MS);
        let cleared = Time::new(ended).map(|ended| self.writer.end(ended, ENDED_MAX));
        if let Ok(cleared) = cleared {
            self.note(cleared.map(drop));
        }
    }

    /// Nothing is lost that can't be fetched again, so a fault here ends nothing.
    fn note(&self, done: Result<(), StoreError>) {
        let Err(error) = done else { return };
        tracing::warn!(%error, "the market store did not take a change");
        if matches!(
            error,
            StoreError::Damaged { .. } | StoreError::Market { .. }
        ) {
            self.reader.condemn();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_handed_over_is_dropped() {
        let (errands, queue) = sync_channel(ERRANDS_MAX);
        let mut shelver = Shelver {
            errands: Some(errands),
            thread: None,
            room: RoomCell::new(Room::Ample),
            waiting: VecDeque::new(),
            done: Arc::new(Notify::new()),
        };
        let mut taken = vec![];
        let mut given = 0_u8;
        while shelver.has_room() {
            let author = PartnerId::from_bytes([given; 32]);
            let events = vec![];
            let in_force = None;
            shelver.offer(Shelve::Chain {
                author,
                events,
                in_force,
            });
            given += 1;
        }
        assert_eq!(usize::from(given), ERRANDS_MAX + WAITING_MAX);
        while let Ok(Shelve::Chain { author, .. }) = queue.try_recv() {
            taken.push(author.as_bytes()[0]);
            shelver.offer_waiting();
        }
        assert_eq!(taken, (0..given).collect::<Vec<_>>());
        assert!(shelver.has_room());
    }
}
