//! From bytes of a public batch to records that their author signed, cheapest doubt first
//! (SPEC 6). It runs on the pool's threads and stores nothing.

mod aside;
mod memory;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use omni_protocol::{
    code::Code,
    fence::{self, List},
    frame::{Filter, Known},
    hash::{NetworkId, PartnerId, RecordId},
    identity::{KeyChain, KeyEvent},
    limits::GOSSIP_FRAME_BYTES_MAX,
    proof::{Attested, Batch, Claim, Paths, Proof},
    public::{CatalogueHead, PublicBody},
    record::{Signed, Verified},
    slot::{Meeting, Revision, meet},
    value::Time,
};

pub(super) use self::aside::{Aside, BATCHES_MAX as ASIDE_MAX, Message, Waiting};
use self::memory::Ring;
pub use self::memory::Seals;
use super::{
    catchup::{Head, Want, Word},
    shelf::Shelf,
};
use crate::clock::Clock;

/// Public records of one author that it signed, each with its place in the tree under its signature.
/// Key events are not among them: they come as a chain.
#[derive(Debug, Clone)]
pub struct VerifiedBatch {
    author: PartnerId,
    records: Vec<(Verified<PublicBody>, u16)>,
    paths: Paths,
}

impl VerifiedBatch {
    /// Who signed them.
    #[must_use]
    pub const fn author(&self) -> PartnerId {
        self.author
    }

    /// The records that were not known, not expired, and not from the future.
    #[must_use]
    pub fn records(&self) -> &[(Verified<PublicBody>, u16)] {
        &self.records
    }

    /// What proves each of them.
    #[must_use]
    pub const fn paths(&self) -> &Paths {
        &self.paths
    }
}

/// Why a batch is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// A correct peer could not have sent it.
    Refused(Code),
    /// It is of no use here, which is nobody's fault.
    Ignored(Code),
    /// The author's key chain must be asked for.
    UnknownKeys(PartnerId),
}

/// A batch that brought something.
#[derive(Debug)]
pub(super) struct Fresh {
    pub(super) batch: VerifiedBatch,
    /// A key chain that is new or longer.
    pub(super) keys: Option<Box<KeyChain>>,
    /// Catalogues that are announced in it and not here.
    pub(super) wants: Vec<Want>,
}

/// For whom a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    Everybody,
    ThisNode,
}

/// What can be said of a batch without its signature.
#[derive(Debug)]
pub(super) struct Sifted {
    author: PartnerId,
    claim: Claim,
    paths: Paths,
    fresh: Vec<(Signed<PublicBody>, u16)>,
    key_events: Vec<(Signed<KeyEvent>, Proof)>,
    /// Why the first of the others is of no use.
    useless: Option<Code>,
    /// Of all its records, whether they are of use or not.
    pub(super) highest: Revision,
    /// Of those that its author's catalogue counts.
    pub(super) counted: Counted,
}

/// Records of one author that its catalogue counts, without its Profile and heads: a head is newer
/// than all that it announces, and says nothing of what its sender has.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) ids: Vec<RecordId>,
    pub(super) highest: Revision,
}

impl Counted {
    pub(super) fn append(&mut self, mut other: Self) {
        self.ids.append(&mut other.ids);
        self.highest = self.highest.max(other.highest);
    }
}

/// The checks with what they remember.
pub(super) struct Checks {
    network: NetworkId,
    own: PartnerId,
    clock: Clock,
    shelf: Arc<dyn Shelf>,
    seals: Mutex<Seals>,
    ring: Mutex<Ring>,
}

impl Checks {
    pub(super) fn new(
        network: NetworkId,
        own: PartnerId,
        clock: Clock,
        shelf: Arc<dyn Shelf>,
    ) -> Self {
        Self {
            network,
            own,
            clock,
            shelf,
            seals: Mutex::default(),
            ring: Mutex::default(),
        }
    }

    pub(super) const fn network(&self) -> NetworkId {
        self.network
    }

    pub(super) fn shelf(&self) -> &dyn Shelf {
        &*self.shelf
    }

    pub(super) fn now(&self) -> Time {
        Time::new(self.clock.now_ms()).unwrap_or(Time::MAX)
    }

    /// A gossip message, or one that was set aside.
    pub(super) fn gossip(&self, bytes: &[u8]) -> Result<Fresh, Unfit> {
        let batch: Batch = fence::decode(bytes, GOSSIP_FRAME_BYTES_MAX).map_err(Unfit::Refused)?;
        let sifted = self.sift(batch, Audience::Everybody, None)?;
        self.prove(sifted)
    }

    /// All that costs no signature check. `newest` is as [`Self::newest_of`] gives it, where the
    /// caller asked for it.
    pub(super) fn sift(
        &self,
        batch: Batch,
        audience: Audience,
        newest: Option<Revision>,
    ) -> Result<Sifted, Unfit> {
        let author = batch.author();
        let opened = batch.open(&self.network).map_err(Unfit::Refused)?;
        let mut sifted = Sifted {
            author,
            claim: opened.claim,
            paths: opened.paths,
            fresh: Vec::with_capacity(opened.records.len()),
            key_events: vec![],
            useless: None,
            highest: Revision::default(),
            counted: Counted::default(),
        };
        let now = self.now();
        for (envelope, place) in opened.records.into_iter().zip(opened.places) {
            if envelope.kind().is_none() {
                sifted.useless = sifted.useless.or(Some(Code::UnknownKind));
                continue;
            }
            let record: Signed<PublicBody> = envelope.open().map_err(Unfit::Refused)?;
            if let PublicBody::KeyEvent(_) = record.body() {
                let event = Signed::read(&self.network, record.bytes());
                let event = event.map_err(Unfit::Refused)?;
                let proof = sifted.paths.proof(place);
                let proof = proof.ok_or(Unfit::Refused(Code::BadProof))?;
                sifted.key_events.push((event, proof));
                continue;
            }
            let revision = record.body().revision().unwrap_or_default();
            sifted.highest = sifted.highest.max(revision);
            let is_counted = record.body().is_counted() && record.body().audience().is_empty();
            if is_counted {
                sifted.counted.ids.push(record.id());
                sifted.counted.highest = sifted.counted.highest.max(revision);
            }
            let newest = newest.filter(|_| is_counted);
            match self.use_of(&record, (audience, newest), now) {
                None => sifted.fresh.push((record, place)),
                Some(code) => sifted.useless = sifted.useless.or(Some(code)),
            }
        }
        Ok(sifted)
    }

    /// The highest revision of what is here of an author's catalogue: what is newer stands in no
    /// slot. Dearer than one look into a slot, and cheaper than those of a page.
    pub(super) fn newest_of(&self, author: PartnerId) -> Option<Revision> {
        let authors = List::new([author]).ok()?;
        let known = self.shelf.known(&Filter { authors }, 1);
        Some(known.first().map(|known| known.highest).unwrap_or_default())
    }

    /// Why a record is of no use, if it is not: time, then what is known already.
    fn use_of(
        &self,
        record: &Signed<PublicBody>,
        (audience, newest): (Audience, Option<Revision>),
        now: Time,
    ) -> Option<Code> {
        let body = record.body();
        let named = body.audience();
        let is_for_us =
            named.is_empty() || (audience == Audience::ThisNode && named.contains(&self.own));
        if !is_for_us {
            return Some(Code::NotAddressed);
        }
        let revision = body.revision();
        if revision.is_some_and(|r| r.is_from_future(now)) {
            return Some(Code::FromFuture);
        }
        if body.valid_until().is_some_and(|until| until < now) {
            return Some(Code::Expired);
        }
        if newest.is_some_and(|newest| revision > Some(newest)) {
            return None;
        }
        let slot = body.slot(record.author())?;
        let standing = self.shelf.standing(&slot)?;
        match meet((revision?, record.id()), standing) {
            Meeting::Same | Meeting::Outdated => Some(Code::Outdated),
            Meeting::Replaces | Meeting::TwinReplaces | Meeting::TwinYields => None,
        }
    }

    /// The signature, once for the whole tree, and only if something in it is of use.
    pub(super) fn prove(&self, sifted: Sifted) -> Result<Fresh, Unfit> {
        let author = sifted.author;
        if sifted.fresh.is_empty() && sifted.key_events.is_empty() {
            return Err(Unfit::Ignored(sifted.useless.unwrap_or(Code::Outdated)));
        }
        let count = sifted.fresh.len().saturating_add(sifted.key_events.len());
        if !self.shelf.has_room(&author, count) {
            return Err(Unfit::Ignored(Code::OverBudget));
        }
        let keys = self.take_key_events(author, sifted.key_events)?;
        let mut records = Vec::with_capacity(sifted.fresh.len());
        let mut wants = vec![];
        if !sifted.fresh.is_empty() {
            let attested = self.attest(author, sifted.claim)?;
            for (record, place) in sifted.fresh {
                let record = record.verify(&attested).map_err(Unfit::Refused)?;
                if let PublicBody::CatalogueHead(head) = record.body() {
                    wants.extend(self.want(author, Head::from(head), Word::Author));
                }
                records.push((record, place));
            }
        } else if keys.is_none() {
            return Err(Unfit::Ignored(Code::Outdated));
        }
        let batch = VerifiedBatch {
            author,
            records,
            paths: sifted.paths,
        };
        Ok(Fresh { batch, keys, wants })
    }

    fn attest(&self, author: PartnerId, claim: Claim) -> Result<Attested, Unfit> {
        let chain = self.chain(&author).ok_or(Unfit::UnknownKeys(author))?;
        let key = chain.in_force_at(claim.key_index()).map_err(|code| {
            if code == Code::UnknownKeys {
                Unfit::UnknownKeys(author)
            } else {
                // A forwarder may not have heard of the rotation yet.
                Unfit::Ignored(code)
            }
        })?;
        // Not kept locked over a check: other threads check meanwhile.
        let known = lock(&self.seals).find(claim.seal());
        if let Some(checked) = known
            && let Ok(attested) = claim.clone().recall(&checked, &key)
        {
            return Ok(attested);
        }
        let attested = claim.verify(&key).map_err(Unfit::Refused)?;
        lock(&self.seals).remember(attested.checked().clone());
        Ok(attested)
    }

    /// Key events prove themselves and each other. Answers with the chain if it changed.
    fn take_key_events(
        &self,
        author: PartnerId,
        mut events: Vec<(Signed<KeyEvent>, Proof)>,
    ) -> Result<Option<Box<KeyChain>>, Unfit> {
        if events.is_empty() {
            return Ok(None);
        }
        events.sort_by_key(|(event, _)| event.body().index());
        let unfit = |code| {
            if code == Code::UnknownKeys {
                Unfit::UnknownKeys(author)
            } else if matches!(code, Code::BadKeys | Code::WrongNetwork) {
                // A forwarder may know less of the chain, or more.
                Unfit::Ignored(code)
            } else {
                Unfit::Refused(code)
            }
        };
        let mut events = events.into_iter();
        let mut chain = match self.chain(&author) {
            Some(chain) => (*chain).clone(),
            None => match events.next() {
                Some((event, _)) if event.body().previous().is_some() => {
                    return Err(Unfit::UnknownKeys(author));
                }
                Some((event, proof)) => {
                    KeyChain::begin(self.network, event, proof).map_err(unfit)?
                }
                None => return Ok(None),
            },
        };
        for (event, proof) in events {
            chain.take(event, proof).map_err(unfit)?;
        }
        Ok(self.learn(chain).map(Box::new))
    }

    /// The chain of an author as far as this node knows it.
    pub(super) fn chain(&self, author: &PartnerId) -> Option<Arc<KeyChain>> {
        if let Some(chain) = lock(&self.ring).find(author) {
            return Some(chain);
        }
        let chain = Arc::new(self.shelf.key_chain(author)?);
        lock(&self.ring).put(chain.clone());
        Some(chain)
    }

    /// Remembers a chain. Answers with what is now known of it, if that is more than before.
    pub(super) fn learn(&self, chain: KeyChain) -> Option<KeyChain> {
        let merged = match self.chain(&chain.partner()) {
            None => chain,
            Some(before) => {
                let mut merged = (*before).clone();
                // Only the chain of another partner is refused, and it is the same one.
                merged.merge(chain).ok()?;
                if merged == *before {
                    return None;
                }
                merged
            }
        };
        lock(&self.ring).put(Arc::new(merged.clone()));
        Some(merged)
    }

    /// Of the catalogues that a neighbour has those that are not here, or are otherwise here.
    pub(super) fn missing(&self, neighbour: PartnerId, theirs: &[Known]) -> Vec<Want> {
        let others = theirs.iter().filter(|k| k.author != self.own);
        others
            .filter_map(|known| {
                let head = Head::from(known);
                let word = if known.author == neighbour {
                    Word::Author
                } else {
                    Word::Neighbour
                };
                self.want(known.author, head, word)
            })
            .collect()
    }

    /// A neighbour's word of the same age as what is here says only who of the two lacks
    /// something: a liar could name any set.
    fn want(&self, author: PartnerId, head: Head, word: Word) -> Option<Want> {
        let authors = List::new([author]).ok()?;
        let filter = Filter { authors };
        let known = self.shelf.known(&filter, 1);
        let own = known.first().map(Head::from);
        if own.is_some_and(|own| own == head || own.highest > head.highest) {
            return None;
        }
        let announced = self.shelf.announced(&author);
        let announced = announced.as_ref().map(Head::from);
        let word = if announced == Some(head) {
            Word::Author
        } else {
            word
        };
        let after = match own {
            Some(own) if own.highest == head.highest => {
                let is_enough = announced == Some(own) || own.count > head.count;
                if word == Word::Neighbour && is_enough {
                    return None;
                }
                Revision::default()
            }
            Some(own) => own.highest,
            None => Revision::default(),
        };
        self.shelf.has_room(&author, 1).then(|| Want {
            author,
            head,
            word,
            after,
            needs_keys: self.chain(&author).is_none(),
        })
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checks").finish_non_exhaustive()
    }
}

impl From<&CatalogueHead> for Head {
    fn from(head: &CatalogueHead) -> Self {
        Self {
            highest: head.highest,
            count: head.count,
            fingerprint: head.fingerprint,
        }
    }
}

impl From<&Known> for Head {
    fn from(known: &Known) -> Self {
        Self {
            highest: known.highest,
            count: known.count,
            fingerprint: known.fingerprint,
        }
    }
}

/// Nothing that is remembered here is ever half changed.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
