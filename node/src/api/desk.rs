//! The desk: the one way from a request to the runtime's loop and to the stores. It decides
//! nothing; what it reads is synced.

use std::sync::Arc;

use omni_protocol::code::Code;
use omni_protocol::deal::negotiation::Who;
use omni_protocol::hash::{DealId, PartnerId, RecordId};
use omni_protocol::machine::{Input, Sourced, Verb, Verdict};
use tokio::sync::{Mutex, MutexGuard, mpsc, oneshot, watch};

use super::{About, ApiCode, Problem, Reading};
use crate::view::failover::FailoverDoc;

/// Calls that may wait for the loop. More than this and the loop is stuck or flooded; the next
/// request is refused with `overloaded` instead of growing the queue.
pub const CALLS_MAX: usize = 256;

/// Everything that a request can ask of the runtime's loop, each with the way back.
#[derive(Debug)]
pub enum Call {
    /// To decide about something; the answer comes when its batch is synced.
    Decide {
        /// What.
        input: Box<Input>,
        /// The way back. Dropped unanswered only when the node ends.
        reply: Reply<Verdict>,
    },
    /// To remember where a partner's node is reached, and to meet it now.
    Meet {
        /// Who and where.
        invitation: Box<Invitation>,
        /// Comes when it is synced.
        reply: Reply<Verdict>,
    },
    /// To do what the node does by itself, in its operator's place.
    ByItself {
        /// The word to the core; none where something is kept or told alone.
        verb: Option<Box<Verb>>,
        /// What is kept and told of it, unless the core refuses.
        act: Box<Act>,
        /// As for [`Call::Decide`].
        reply: Reply<Verdict>,
    },
    /// To keep a policy or forget it.
    Policies {
        /// Where it is kept, and what; nothing to forget it.
        write: (Vec<u8>, Option<Vec<u8>>),
        /// For which Requests all policies work then.
        works: Vec<Sourced>,
        /// Comes when it is synced.
        reply: Reply<Verdict>,
    },
    /// What the net knows at this moment.
    Net(Reply<NetNow>),
    /// To introduce this node by other words in the sessions to come.
    Introduce(Box<omni_protocol::frame::Hello>),
    /// To end once everything begun is synced.
    Stop,
}

/// The way back of a call. Dropping it tells the asker that the node is on its way down.
pub type Reply<T> = oneshot::Sender<T>;

/// What the node does by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// By a policy.
    Policy(PolicyAct),
    /// For a leg of a bundle, within the envelope of its failover.
    Failover(Box<FailoverAct>),
    /// What is kept beside the ledger is moved, or forgotten where there is no value. Nothing is told.
    Keep(Vec<(Vec<u8>, Option<Vec<u8>>)>),
}

/// What is done for a leg of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailoverAct {
    /// The leg's deal.
    pub leg: DealId,
    /// What is kept of its failover from now on; nothing to forget it. Where its last deal has no id
    /// yet, that is the one that the core makes.
    pub doc: Option<FailoverDoc>,
    /// What is told of it, if anything is.
    pub news: Option<News>,
}

/// What is told of the failover of a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// See the event `failover`.
    pub did: &'static str,
    /// With whom the last deal is, where it is about that.
    pub partner: Option<PartnerId>,
    /// Why.
    pub code: Option<String>,
}

/// What a policy does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyAct {
    /// Its name.
    pub policy: String,
    /// The thread of the request.
    pub thread: String,
    /// `sourced`, `given` or `refused`.
    pub did: &'static str,
    /// Why it was refused.
    pub code: Option<Code>,
}

/// Whom to meet, as an invite or the operator names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The transport key of the node.
    pub transport_key: [u8; 32],
    /// Where it may be reached: multiaddrs without the peer part.
    pub addresses: Vec<String>,
    /// The invite, whose token the node is shown and whose signature its key chain proves.
    /// Without one the other side is asked as by a stranger.
    pub invite: Option<omni_protocol::identity::SignedInvite>,
}

/// The net at one moment, as far as the API tells of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetNow {
    /// Addresses that are bound.
    pub listening: Vec<String>,
    /// Connected peers, whoever they speak for.
    pub peers: u64,
    /// Partners with a session.
    pub partners: Vec<PartnerId>,
    /// Nodes whose latest talk with this one was refused.
    pub refusals: Vec<Refusal>,
    /// Catalogues that are being caught up.
    pub catalogues_wanted: u64,
    /// Messages that wait to be published.
    pub news_waiting: u64,
}

/// A talk that one side refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The other node, by its libp2p peer id.
    pub peer: String,
    /// Who did.
    pub by: Who,
    /// Why.
    pub code: Code,
}

/// Where requests hand in their calls and read the stores.
#[derive(Debug, Clone)]
pub struct Desk {
    calls: mpsc::Sender<Call>,
    about: Arc<About>,
    reading: Reading,
    told: watch::Receiver<u64>,
    stop: Arc<watch::Sender<bool>>,
    changing: Arc<Changing>,
}

/// What one at a time changes, by what it read before.
#[derive(Debug, Default)]
struct Changing {
    policies: Mutex<()>,
    failovers: Mutex<()>,
}

impl Desk {
    /// A desk over the calls that a loop takes. `told` is the number of the newest event;
    /// setting `stop` to true asks the node to end.
    #[must_use]
    pub fn new(
        calls: mpsc::Sender<Call>,
        about: About,
        reading: Reading,
        told: watch::Receiver<u64>,
        stop: watch::Sender<bool>,
    ) -> Self {
        Self {
            calls,
            about: Arc::new(about),
            reading,
            told,
            stop: Arc::new(stop),
            changing: Arc::default(),
        }
    }

    /// Waits until nobody else changes policies; until the guard is dropped nobody does.
    pub(super) async fn changing_policies(&self) -> MutexGuard<'_, ()> {
        self.changing.policies.lock().await
    }

    /// As [`Self::changing_policies`] of what is kept of the failover of legs, so that nobody is asked
    /// twice.
    pub(super) async fn changing_failovers(&self) -> MutexGuard<'_, ()> {
        self.changing.failovers.lock().await
    }

    /// What does not change while the node runs.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The number of the newest synced event; changes wake a follower.
    #[must_use]
    pub fn told(&self) -> watch::Receiver<u64> {
        self.told.clone()
    }

    /// Whether the node is to end.
    #[must_use]
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Asks the node to end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Hands in a call and waits for the reply.
    ///
    /// # Errors
    /// `overloaded` if the queue is full, `stopping` if the loop has ended.
    pub async fn ask<T>(&self, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, Problem> {
        let stopping = || {
            Problem::new(ApiCode::Stopping, "It takes no more requests.")
                .next("start it again: omni up")
        };
        let (reply, answer) = oneshot::channel();
        match self.calls.try_send(call(reply)) {
            Ok(()) => answer.await.map_err(|_gone| stopping()),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Problem::new(
                ApiCode::Overloaded,
                format!("{CALLS_MAX} requests wait already."),
            )
            .next("ask again in a few seconds")),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(stopping()),
        }
    }

    /// Hands in a call that has no answer; a full queue drops it.
    pub fn tell(&self, call: Call) {
        if self.calls.try_send(call).is_err() {
            tracing::warn!("the loop takes no more calls: one is dropped");
        }
    }

    /// Puts `input` to the core. The answer comes when what it changed is synced.
    ///
    /// # Errors
    /// As [`Self::ask`]. What the core says, a refusal too, is the verdict.
    pub async fn decide(&self, input: Input) -> Result<Verdict, Problem> {
        let input = Box::new(input);
        self.ask(|reply| Call::Decide { input, reply }).await
    }

    /// Puts `input` to the core and wants it done: the records that it made, in their order.
    ///
    /// # Errors
    /// As [`Self::ask`]; the code of SPEC.md 18 where the core refuses; `away` where the partner
    /// has to greet this run of the node first.
    pub async fn made(&self, input: Input) -> Result<Vec<RecordId>, Problem> {
        done(self.decide(input).await?)
    }

    /// Reads the stores on a thread that may wait for the disk.
    ///
    /// # Errors
    /// Those of `read`; `store` if the disk fails; `stopping` if the node ends meanwhile.
    pub async fn read<T, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Reading) -> Result<T, Problem> + Send + 'static,
    {
        let reading = self.reading.fresh();
        let task = tokio::task::spawn_blocking(move || {
            let found = read(&reading);
            // Rules read through a view that can't fail, so what they made of nothing is void.
            reading.fault()?;
            found
        });
        task.await
            .map_err(|_gone| Problem::new(ApiCode::Stopping, "The read was given up; ask again."))?
    }
}

/// The records of a verdict.
///
/// # Errors
/// The refusal in it.
pub fn done(verdict: Verdict) -> Result<Vec<RecordId>, Problem> {
    match verdict {
        Verdict::Done => Ok(Vec::new()),
        Verdict::Made(records) => Ok(records),
        Verdict::Refused(code @ Code::Recovering) => Err(Problem::of_market(
            code,
            "Its ledger lacks what it once signed. Put back the newest copy of its home, or give up what is lost.",
        )
        .next("omni ledger recover")),
        Verdict::Refused(code) => {
            let detail = format!("{}: nothing was changed or sent.", code.name());
            Err(Problem::of_market(code, detail))
        }
        Verdict::Away => Err(Problem::new(ApiCode::Away, "Nothing was signed or sent.")
            .next("ask again when its session is up, and of a bundle those of its other partners: omni peer ls")),
    }
}
