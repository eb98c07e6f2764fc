//! How the market store changes: records arrive and replace, end, or are forgotten, and every
//! index follows in the same write.

use std::collections::BTreeSet;
use std::sync::Arc;

use omni_protocol::fence;
use omni_protocol::hash::{PartnerId, RecordId};
use omni_protocol::proof::Proof;
use omni_protocol::public::{IdSum, PublicBody};
use omni_protocol::record::Verified;
use omni_protocol::slot::{Family, Meeting, Revision, Slot, meet};
use omni_protocol::value::Time;

use super::draft::Draft;
use super::layout::{Kept, Table, family_bytes, ids_of, slot_bytes, slot_of, slot_of_log_value};
use super::search::words_of;
use super::{Inner, is_counted};
use crate::store::{Pair, StoreError};

/// Longest stored proof: eight hashes, a signature and four short fields.
const PROOF_BYTES_MAX: usize = 512;
/// Records removed in one write.
const FORGOTTEN_STEP: usize = 1_024;

/// A verified public record on its way into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The slot that it fills.
    pub slot: Slot,
    /// Its revision.
    pub revision: Revision,
    /// Its id.
    pub id: RecordId,
    /// End of its validity, if it has one.
    pub until: Option<Time>,
    /// What it is found by: title, brand, article numbers. Empty for all but offers.
    pub texts: Vec<String>,
    /// Whom it is for.
    pub reach: Reach,
    /// Its bytes, as received.
    pub record: Vec<u8>,
    /// Its proof's bytes.
    pub proof: Vec<u8>,
}

/// Whom a record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Everybody: it is counted in its author's catalogue and served to whoever pulls.
    Public,
    /// This partner alone, or a few: it is found here and served to nobody.
    Named,
}

impl Arrival {
    /// What the store keeps of a record; `None` for those that fill no slot.
    ///
    /// `came` says whether it came to this node alone. An offer that names its audience is
    /// [`Reach::Named`] however it came; a withdrawal is for whom it came.
    #[must_use]
    pub fn of(record: &Verified<PublicBody>, proof: &Proof, came: Reach) -> Option<Self> {
        let body = record.body();
        let texts = match body {
            PublicBody::Offer(offer) => {
                let gtin = offer.gtin.map(|gtin| gtin.to_string());
                let texts =
                    [&*offer.title, &*offer.brand, &*offer.sku, &*offer.mpn].map(str::to_owned);
                texts.into_iter().chain(gtin).collect()
            }
            PublicBody::KeyEvent(_)
            | PublicBody::Profile(_)
            | PublicBody::CatalogueHead(_)
            | PublicBody::Availability(_)
            | PublicBody::Withdrawal(_)
            | PublicBody::Evidence(_) => Vec::new(),
        };
        Some(Self {
            slot: body.slot(record.author())?,
            revision: body.revision()?,
            id: record.id(),
            until: body.valid_until(),
            texts,
            reach: if body.audience().is_empty() {
                came
            } else {
                Reach::Named
            },
            record: record.bytes().to_vec(),
            proof: fence::to_bytes(proof),
        })
    }
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Becomes {
    /// It stands in its slot from now on.
    Stands,
    /// It stood there already.
    Known,
    /// A newer one stands.
    Outdated,
    /// Another record has the same revision. The larger id stands, both are kept.
    Twin,
}

/// Changes the market. There is one for each open store.
#[derive(Debug)]
pub struct MarketWriter {
    inner: Arc<Inner>,
}

impl MarketWriter {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// Takes records, all of them in one write.
    ///
    /// # Errors
    /// When the store is damaged or the disk is full. Nothing of it was taken then.
    pub fn take(&mut self, arrivals: Vec<Arrival>) -> Result<Vec<Becomes>, StoreError> {
        let mut draft = Draft::new(&self.inner);
        let mut outcomes = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            outcomes.push(self.take_one(&mut draft, arrival)?);
        }
        draft.write()?;
        Ok(outcomes)
    }

    /// Removes records whose validity ended before `before`, at most `max` of them; returns how many.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn end(&mut self, before: Time, max: usize) -> Result<usize, StoreError> {
        let from = Table::End.key(&[]);
        let end = Table::End.key(&[&before.ms().to_be_bytes()]);
        let mut slots = Vec::new();
        for pair in self.inner.walk(&from, &end).take(max) {
            let slot = pair?.key.get(9..).and_then(slot_of);
            slots.push(slot.ok_or_else(|| self.inner.unreadable("an end of validity"))?);
        }
        self.remove_all(&slots)
    }

    /// Removes what an author no longer counts: records of its catalogue up to `highest` that are
    /// not among `named`. Returns how many.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn forget_unnamed(
        &mut self,
        author: PartnerId,
        named: &BTreeSet<RecordId>,
        highest: u64,
    ) -> Result<usize, StoreError> {
        let from = Table::Log.key(&[author.as_bytes()]);
        let end = Table::Log.key(&[author.as_bytes(), &highest.saturating_add(1).to_be_bytes()]);
        let mut slots = Vec::new();
        for pair in self.inner.walk(&from, &end) {
            let Pair { key, value } = pair?;
            let line = super::log_key_parts(&key).zip(slot_of_log_value(author, &value));
            let ((_, id), slot) = line.ok_or_else(|| self.inner.unreadable("a log line"))?;
            if is_counted(slot.family, Reach::Public) && !named.contains(&id) {
                slots.push(slot);
            }
        }
        self.remove_all(&slots)
    }

    /// Removes what another key of its author than the one with this index proved. Returns how
    /// many records that were.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn forget_unproved(
        &mut self,
        author: PartnerId,
        in_force: Option<u32>,
    ) -> Result<usize, StoreError> {
        let from = Table::Slot.key(&[author.as_bytes()]);
        let end = Table::Slot.end_of_author(author);
        let mut slots = Vec::new();
        for pair in self.inner.walk(&from, &end) {
            let Pair { key, value } = pair?;
            let kept = Kept::read(&value).zip(key.get(1..).and_then(slot_of));
            let (kept, slot) = kept.ok_or_else(|| self.inner.unreadable("a kept record"))?;
            let proof = fence::decode::<Proof>(&kept.proof, PROOF_BYTES_MAX);
            if proof.ok().map(|proof| proof.key_index) != in_force {
                slots.push(slot);
            }
        }
        for part in slots.chunks(FORGOTTEN_STEP) {
            self.remove_all(part)?;
        }
        Ok(slots.len())
    }

    /// Keeps the key events of an author.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn keep_chain(&mut self, author: PartnerId, events: Vec<u8>) -> Result<(), StoreError> {
        let mut draft = Draft::new(&self.inner);
        draft.put(Table::Chain.key(&[author.as_bytes()]), events);
        draft.write()
    }

    fn take_one(&self, draft: &mut Draft<'_>, arrival: Arrival) -> Result<Becomes, StoreError> {
        let standing = self.kept(draft, &arrival.slot)?;
        let meeting = match &standing {
            Some(standing) => meet(
                (arrival.revision, arrival.id),
                (standing.revision, standing.id),
            ),
            None => Meeting::Replaces,
        };
        match (meeting, standing) {
            (Meeting::Same, _) => Ok(Becomes::Known),
            (Meeting::Outdated, _) => Ok(Becomes::Outdated),
            (Meeting::TwinYields, _) => {
                let (slot, kept) = to_keep(arrival);
                keep_twin(draft, &slot, &kept);
                Ok(Becomes::Twin)
            }
            (Meeting::Replaces, standing) => {
                self.replace(draft, arrival, standing)?;
                Ok(Becomes::Stands)
            }
            (Meeting::TwinReplaces, standing) => {
                if let Some(standing) = &standing {
                    keep_twin(draft, &arrival.slot, standing);
                }
                self.replace(draft, arrival, standing)?;
                Ok(Becomes::Twin)
            }
        }
    }

    fn replace(
        &self,
        draft: &mut Draft<'_>,
        arrival: Arrival,
        standing: Option<Kept>,
    ) -> Result<(), StoreError> {
        if let Some(standing) = standing {
            self.unlist(draft, &arrival.slot, &standing)?;
        }
        let (slot, kept) = to_keep(arrival);
        let place = slot_bytes(&slot);
        if kept.reach == Reach::Public {
            draft.put(log_key(&slot, &kept), family_and_subject(&slot));
        }
        draft.put(Table::Id.key(&[kept.id.as_bytes()]), place.clone());
        if let Some(until) = kept.until {
            draft.put(
                Table::End.key(&[&until.ms().to_be_bytes(), &place]),
                Vec::new(),
            );
        }
        for word in kept.words.split_whitespace() {
            draft.put(word_key(word, &slot), Vec::new());
        }
        if is_counted(slot.family, kept.reach) {
            self.count(draft, slot.author, |ids| ids.add(kept.id))?;
        } else if draft
            .get(&Table::Author.key(&[slot.author.as_bytes()]))?
            .is_none()
        {
            // An author without a catalogue is an author too.
            self.count(draft, slot.author, |_| ())?;
        }
        draft.put(Table::Slot.key(&[&place]), kept.to_bytes());
        Ok(())
    }

    /// Takes a record out of every index, and leaves the slot to the caller.
    fn unlist(&self, draft: &mut Draft<'_>, slot: &Slot, kept: &Kept) -> Result<(), StoreError> {
        draft.delete(log_key(slot, kept));
        draft.delete(Table::Id.key(&[kept.id.as_bytes()]));
        if let Some(until) = kept.until {
            draft.delete(Table::End.key(&[&until.ms().to_be_bytes(), &slot_bytes(slot)]));
        }
        for word in kept.words.split_whitespace() {
            draft.delete(word_key(word, slot));
        }
        if is_counted(slot.family, kept.reach) {
            self.count(draft, slot.author, |ids| ids.remove(kept.id))?;
        }
        Ok(())
    }

    fn remove_all(&self, slots: &[Slot]) -> Result<usize, StoreError> {
        let mut draft = Draft::new(&self.inner);
        for slot in slots {
            if let Some(kept) = self.kept(&draft, slot)? {
                self.unlist(&mut draft, slot, &kept)?;
                draft.delete(Table::Slot.key(&[&slot_bytes(slot)]));
            }
        }
        draft.write()?;
        Ok(slots.len())
    }

    fn kept(&self, draft: &Draft<'_>, slot: &Slot) -> Result<Option<Kept>, StoreError> {
        let Some(bytes) = draft.get(&Table::Slot.key(&[&slot_bytes(slot)]))? else {
            return Ok(None);
        };
        Kept::read(&bytes)
            .ok_or_else(|| self.inner.unreadable("a kept record"))
            .map(Some)
    }

    fn count(
        &self,
        draft: &mut Draft<'_>,
        author: PartnerId,
        change: impl FnOnce(&mut IdSum),
    ) -> Result<(), StoreError> {
        let key = Table::Author.key(&[author.as_bytes()]);
        let mut ids = match draft.get(&key)? {
            Some(bytes) => {
                ids_of(&bytes).ok_or_else(|| self.inner.unreadable("a catalogue's sum"))?
            }
            None => IdSum::default(),
        };
        change(&mut ids);
        draft.put(key, fence::to_bytes(&ids));
        Ok(())
    }
}

fn to_keep(arrival: Arrival) -> (Slot, Kept) {
    let Arrival {
        slot,
        revision,
        id,
        until,
        texts,
        reach,
        record,
        proof,
    } = arrival;
    let mut words = String::new();
    if slot.family == Family::Offer {
        for word in words_of(texts.iter().map(String::as_str)) {
            words.push_str(&word);
            words.push(' ');
        }
    }
    (
        slot,
        Kept {
            revision,
            id,
            until,
            reach,
            words,
            proof,
            record,
        },
    )
}

fn keep_twin(draft: &mut Draft<'_>, slot: &Slot, kept: &Kept) {
    draft.put(
        Table::Twin.key(&[&slot_bytes(slot), kept.id.as_bytes()]),
        kept.to_bytes(),
    );
}

fn log_key(slot: &Slot, kept: &Kept) -> Vec<u8> {
    Table::Log.key(&[
        slot.author.as_bytes(),
        &kept.revision.get().to_be_bytes(),
        kept.id.as_bytes(),
    ])
}

fn family_and_subject(slot: &Slot) -> Vec<u8> {
    let mut bytes = family_bytes(slot.family).to_vec();
    bytes.extend_from_slice(slot.subject.as_bytes());
    bytes
}

fn word_key(word: &str, slot: &Slot) -> Vec<u8> {
    Table::Word.key(&[
        word.as_bytes(),
        &[0],
        slot.author.as_bytes(),
        slot.subject.as_bytes(),
    ])
}
