//! Key chains (SPEC.md section 5): which key of a partner stands at which index. A chain holds the
//! events that stand and, in a conflict, one other branch that contradicts them.

use alloc::vec::Vec;

use super::{KeyEvent, PublicKey, Recovery, Rotation};
use crate::{
    code::Code,
    hash::{KeyDigest, NetworkId, PartnerId, RecordId},
    limits::KEY_EVENTS_MAX,
    proof::Proof,
    record::Signed,
};

/// A market key of a partner that stands at its index. Only a chain that was checked gives one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StandingKey {
    network: NetworkId,
    partner: PartnerId,
    index: u32,
    key: PublicKey,
}

impl StandingKey {
    pub(super) const fn new(
        network: NetworkId,
        partner: PartnerId,
        index: u32,
        key: PublicKey,
    ) -> Self {
        Self {
            network,
            partner,
            index,
            key,
        }
    }

    /// The network to which its signatures are bound.
    #[must_use]
    pub const fn network(&self) -> &NetworkId {
        &self.network
    }

    /// Whose it is.
    #[must_use]
    pub const fn partner(&self) -> PartnerId {
        self.partner
    }

    /// Its index.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }
}

/// What a key event changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Nothing: it was known.
    Known,
    /// The chain is longer.
    Grew,
    /// A recovery replaced the keys from this index on.
    Recovered {
        /// The index of the recovery.
        from: u32,
    },
    /// It contradicts an event of the chain: keys from this index on prove nothing.
    Conflict {
        /// The lowest index at which two events differ.
        from: u32,
    },
    /// A recovery had voided it before it came.
    Outdated,
}

/// A partner's key events, each proved by the key that it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChain {
    network: NetworkId,
    partner: PartnerId,
    /// The events that stand, the inception first.
    events: Vec<Proved>,
    /// A branch with as many recoveries that contradicts them, from the inception on. Of several
    /// it is the one that does so at the lowest index.
    rival: Option<Vec<Proved>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Proved {
    record: Signed<KeyEvent>,
    proof: Proof,
}

impl Proved {
    const fn id(&self) -> RecordId {
        self.record.id()
    }

    const fn event(&self) -> &KeyEvent {
        self.record.body()
    }
}

impl KeyChain {
    /// Begins a chain with its inception.
    ///
    /// # Errors
    /// `wrong-network`; `bad-keys` for another event, or one whose author is not the partner that
    /// it makes; `bad-proof` or `bad-signature`.
    pub fn begin(network: NetworkId, record: Signed<KeyEvent>, proof: Proof) -> Result<Self, Code> {
        let KeyEvent::Inception(inception) = record.body() else {
            return Err(Code::BadKeys);
        };
        if inception.network != network {
            return Err(Code::WrongNetwork);
        }
        let partner = inception.partner();
        if record.author() != partner {
            return Err(Code::BadKeys);
        }
        let first = check_proof(&network, record, proof)?;
        Ok(Self {
            network,
            partner,
            events: Vec::from([first]),
            rival: None,
        })
    }

    /// Reads the events of a partner, the inception first and each after the one that it follows,
    /// as [`events`](Self::events) gives them. Branches are judged when all of them are read, so
    /// one that only its last event makes stand is kept.
    ///
    /// # Errors
    /// `bad-keys` for an empty list or more than two chains can have, else those of
    /// [`begin`](Self::begin) and [`take`](Self::take).
    pub fn read(
        network: NetworkId,
        events: impl IntoIterator<Item = (Signed<KeyEvent>, Proof)>,
    ) -> Result<Self, Code> {
        let mut events = events.into_iter();
        let (record, proof) = events.next().ok_or(Code::BadKeys)?;
        let mut chain = Self::begin(network, record, proof)?;
        let mut branches = Vec::from([chain.events.clone()]);
        for (count, (record, proof)) in events.enumerate() {
            if count >= 2 * KEY_EVENTS_MAX {
                return Err(Code::BadKeys);
            }
            if let Some(branch) = chain.grow(branches.iter(), record, proof)? {
                branches.retain(|shorter| at(parting(shorter, &branch)) < shorter.len());
                branches.push(branch);
            }
        }
        for branch in branches {
            chain.judge(branch);
        }
        Ok(chain)
    }

    /// Takes in one more event.
    ///
    /// # Errors
    /// `bad-keys` where it breaks a rule of the chain; `unknown-keys` if the event that it follows
    /// is not known, so the whole chain should be asked for; `bad-proof` or `bad-signature`.
    pub fn take(&mut self, record: Signed<KeyEvent>, proof: Proof) -> Result<Change, Code> {
        let branches = [Some(&self.events), self.rival.as_ref()]
            .into_iter()
            .flatten();
        Ok(match self.grow(branches, record, proof)? {
            Some(branch) => self.judge(branch),
            None => Change::Known,
        })
    }

    /// The branch that an event makes by following one of these; nothing if one of them has it.
    fn grow<'a>(
        &self,
        branches: impl Iterator<Item = &'a Vec<Proved>> + Clone,
        record: Signed<KeyEvent>,
        proof: Proof,
    ) -> Result<Option<Vec<Proved>>, Code> {
        if record.author() != self.partner {
            return Err(Code::BadKeys);
        }
        if branches
            .clone()
            .flatten()
            .any(|event| event.id() == record.id())
        {
            return Ok(None);
        }
        let previous = record.body().previous().ok_or(Code::BadKeys)?;
        let before = branches
            .into_iter()
            .find_map(|branch| up_to(branch, previous));
        let mut branch = before.ok_or(Code::UnknownKeys)?.to_vec();
        check_rules(&branch, record.body())?;
        branch.push(check_proof(&self.network, record, proof)?);
        Ok(Some(branch))
    }

    /// Takes in what another chain of the same partner knows, as when a partner shows all it has.
    ///
    /// # Errors
    /// `bad-keys` for the chain of another partner.
    pub fn merge(&mut self, other: Self) -> Result<Change, Code> {
        if (other.network, other.partner) != (self.network, self.partner) {
            return Err(Code::BadKeys);
        }
        let first = self.judge(other.events);
        let second = other.rival.map_or(Change::Known, |rival| self.judge(rival));
        Ok(if matches!(second, Change::Known | Change::Outdated) {
            first
        } else {
            second
        })
    }

    /// Of two chains the one with more recoveries stands; with equally many the longer, if it
    /// extends the shorter; else they conflict from where they part.
    fn judge(&mut self, branch: Vec<Proved>) -> Change {
        match recoveries(&branch).cmp(&recoveries(&self.events)) {
            core::cmp::Ordering::Less => return Change::Outdated,
            core::cmp::Ordering::Greater => {
                let from = parting(&branch, &self.events);
                self.events = branch;
                self.rival = None;
                return Change::Recovered { from };
            }
            core::cmp::Ordering::Equal => {}
        }
        let from = parting(&branch, &self.events);
        if at(from) >= branch.len() {
            return Change::Known;
        }
        if at(from) >= self.events.len() {
            self.events = branch;
            return Change::Grew;
        }
        match self.rival.as_ref() {
            Some(rival) if at(parting(rival, &branch)) >= branch.len() => Change::Known,
            Some(rival) => {
                let rival_from = parting(rival, &self.events);
                let extends = at(parting(rival, &branch)) >= rival.len();
                if from < rival_from || extends {
                    self.rival = Some(branch);
                }
                Change::Conflict {
                    from: from.min(rival_from),
                }
            }
            None => {
                self.rival = Some(branch);
                Change::Conflict { from }
            }
        }
    }

    /// Whose chain it is.
    #[must_use]
    pub const fn partner(&self) -> PartnerId {
        self.partner
    }

    /// Its events with their proofs, in an order in which [`read`](Self::read) takes them: those
    /// that stand, then those that contradict them.
    pub fn events(&self) -> impl Iterator<Item = (&Signed<KeyEvent>, &Proof)> {
        let parted = self
            .rival
            .as_ref()
            .map(|rival| at(parting(rival, &self.events)));
        let rival = self
            .rival
            .iter()
            .flat_map(move |rival| rival.iter().skip(parted.unwrap_or_default()));
        self.events
            .iter()
            .chain(rival)
            .map(|event| (&event.record, &event.proof))
    }

    /// The lowest index at which two events contradict each other, if any do.
    #[must_use]
    pub fn conflict(&self) -> Option<u32> {
        self.rival
            .as_ref()
            .map(|rival| parting(rival, &self.events))
    }

    /// The rotation that would follow: it stands if `market_key` is the key that is committed to.
    #[must_use]
    pub fn rotation(&self, market_key: PublicKey, next: KeyDigest) -> Option<KeyEvent> {
        Some(KeyEvent::Rotation(Rotation {
            index: self.highest_index().checked_add(1)?,
            previous: self.events.last()?.id(),
            market_key,
            next,
        }))
    }

    /// The recovery that would follow: it stands if `recovery_key` is the one that is committed to.
    #[must_use]
    pub fn recovery(
        &self,
        recovery_key: PublicKey,
        market_key: PublicKey,
        (next, recovery): (KeyDigest, KeyDigest),
    ) -> Option<KeyEvent> {
        Some(KeyEvent::Recovery(Recovery {
            index: self.highest_index().checked_add(1)?,
            previous: self.events.last()?.id(),
            recovery_key,
            market_key,
            next,
            recovery,
        }))
    }

    /// The highest index of the chain.
    #[must_use]
    pub fn highest_index(&self) -> u32 {
        self.events.last().map_or(0, |event| event.event().index())
    }

    /// The key in force: it alone proves public records and delegations.
    ///
    /// # Errors
    /// `bad-keys` in a conflict.
    pub fn in_force(&self) -> Result<StandingKey, Code> {
        self.of_index(self.highest_index())
    }

    /// The key with an index, if it is in force.
    ///
    /// # Errors
    /// `unknown-keys` for an index that the chain has not reached; `bad-keys` from a conflict on;
    /// `stale-key` for one that another replaced.
    pub fn in_force_at(&self, index: u32) -> Result<StandingKey, Code> {
        let key = self.of_index(index)?;
        if index == self.highest_index() {
            Ok(key)
        } else {
            Err(Code::StaleKey)
        }
    }

    /// The key that stands at an index, in force or not: for thread records that came before its
    /// rotation was known, and for what rests on them.
    ///
    /// # Errors
    /// `unknown-keys` for an index that the chain has not reached; `bad-keys` from a conflict on.
    pub fn of_index(&self, index: u32) -> Result<StandingKey, Code> {
        let event = self.events.get(at(index)).ok_or(Code::UnknownKeys)?;
        if self.conflict().is_some_and(|from| index >= from) {
            return Err(Code::BadKeys);
        }
        let key = *event.event().market_key();
        Ok(StandingKey {
            network: self.network,
            partner: self.partner,
            index,
            key,
        })
    }
}

/// The part of a branch that ends with an event.
fn up_to(branch: &[Proved], last: RecordId) -> Option<&[Proved]> {
    let place = branch.iter().position(|event| event.id() == last)?;
    branch.get(..=place)
}

/// The first index at which two branches differ, or the length of the shorter.
fn parting(a: &[Proved], b: &[Proved]) -> u32 {
    let same = a
        .iter()
        .zip(b)
        .take_while(|(a, b)| a.id() == b.id())
        .count();
    u32::try_from(same).unwrap_or(u32::MAX)
}

fn at(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn recoveries(branch: &[Proved]) -> usize {
    branch
        .iter()
        .filter(|event| matches!(event.event(), KeyEvent::Recovery(_)))
        .count()
}

/// The rules of an event that follows a branch: its place, and the digest of the key that it
/// shows.
fn check_rules(before: &[Proved], event: &KeyEvent) -> Result<(), Code> {
    let last = before.last().ok_or(Code::BadKeys)?.event();
    let committed: Option<KeyDigest> = match event {
        KeyEvent::Inception(_) => None,
        KeyEvent::Rotation(_) => Some(last.next()),
        KeyEvent::Recovery(_) => before
            .iter()
            .rev()
            .find_map(|event| event.event().recovery()),
    };
    let follows = Some(event.index()) == last.index().checked_add(1);
    if !follows || before.len() >= KEY_EVENTS_MAX || committed != Some(event.proving_key().digest())
    {
        return Err(Code::BadKeys);
    }
    Ok(())
}

/// An event is proved by the key that it shows, under its own index.
fn check_proof(
    network: &NetworkId,
    record: Signed<KeyEvent>,
    proof: Proof,
) -> Result<Proved, Code> {
    let claim = proof.claim(record.author(), record.id())?;
    if claim.key_index() != record.body().index() {
        return Err(Code::BadProof);
    }
    claim.check_signature(network, record.body().proving_key())?;
    Ok(Proved { record, proof })
}
