//! How the market store changes: records arrive and replace, end, or are forgotten, and every
//! index follows in the same write.

use std::collections::BTreeSet;
use std::sync::Arc;

use omni_protocol::hash::{PartnerId, RecordId};
use omni_protocol::public::PublicBody;
use omni_protocol::record::Verified;
use omni_protocol::slot::{Meeting, Revision, Slot, meet};
use omni_protocol::value::Time;

use super::draft::Draft;
use super::layout::{
    Kept, PLACE_BYTES, Standing, Table, Tally, record_key, record_key_parts, slot_bytes,
    until_number,
};
use super::row::Row;
use super::tree::Proved;
use super::words::{id_word, spaced};
use super::{Inner, is_counted};
use crate::store::{Pair, StoreError};

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
    /// The words by which it is found, as [`spaced`] gives them. Empty for all but offers.
    pub words: String,
    /// Whom it is for.
    pub reach: Reach,
    /// Its bytes, as received.
    pub record: Vec<u8>,
    /// What proves it.
    pub proof: Proved,
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
    pub fn of(
        record: &Verified<PublicBody>,
        proof: impl Into<Proved>,
        came: Reach,
    ) -> Option<Self> {
        let body = record.body();
        let words = match body {
            PublicBody::Offer(offer) => {
                let gtin = offer.gtin.map(|gtin| gtin.to_string());
                let texts = [&*offer.title, &*offer.brand, &*offer.sku, &*offer.mpn];
                spaced(texts.into_iter().chain(gtin.as_deref()))
            }
            PublicBody::KeyEvent(_)
            | PublicBody::Profile(_)
            | PublicBody::CatalogueHead(_)
            | PublicBody::Availability(_)
            | PublicBody::Withdrawal(_)
            | PublicBody::Evidence(_) => String::new(),
        };
        Some(Self {
            slot: body.slot(record.author())?,
            revision: body.revision()?,
            id: record.id(),
            until: body.valid_until(),
            words,
            reach: if body.audience().is_empty() {
                came
            } else {
                Reach::Named
            },
            record: record.bytes().to_vec(),
            proof: proof.into(),
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
    /// Another record has the same revision. The larger id stands, and the other is kept beside it.
    Twin,
}

/// Changes the market. There is one for each open store.
#[derive(Debug)]
pub struct MarketWriter {
    pub(super) inner: Arc<Inner>,
    pub(super) tally: Tally,
}

impl MarketWriter {
    pub(super) fn new(inner: Arc<Inner>, tally: Tally) -> Self {
        Self { inner, tally }
    }

    /// Takes records, all of them in one write, or in a few where there are twins among them.
    ///
    /// # Errors
    /// When the store is damaged or the disk is full. What was not taken then is fetched again.
    pub fn take(&mut self, arrivals: Vec<Arrival>) -> Result<Vec<Becomes>, StoreError> {
        self.settle()?;
        let mut draft = Draft::new(&self.inner, self.tally);
        let mut outcomes = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            let standing = draft.standing(&arrival.slot)?;
            let meeting = standing.map_or(Meeting::Replaces, |standing| {
                meet(
                    (arrival.revision, arrival.id),
                    (standing.revision, standing.id),
                )
            });
            if matches!(meeting, Meeting::TwinReplaces | Meeting::TwinYields) {
                // Twins are moved as they are stored.
                self.tally = draft.write()?;
                draft = Draft::new(&self.inner, self.tally);
            }
            outcomes.push(self.take_one(&mut draft, &arrival, (meeting, standing))?);
        }
        self.tally = draft.write()?;
        Ok(outcomes)
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
            let line = record_key_parts(&key).zip(Kept::read(&value));
            let ((_, id), kept) = line.ok_or_else(|| self.inner.unreadable("a kept record"))?;
            if is_counted(kept.family, Reach::Public) && !named.contains(&id) {
                slots.push(kept.slot(author));
            }
        }
        self.forget(&slots)
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
        let mut slots = Vec::new();
        for table in [Table::Log, Table::Named] {
            let from = table.key(&[author.as_bytes()]);
            for pair in self.inner.walk(&from, &table.end_of(author.as_bytes())) {
                let value = pair?.value;
                let kept =
                    Kept::read(&value).ok_or_else(|| self.inner.unreadable("a kept record"))?;
                if Some(kept.key_index) != in_force {
                    slots.push(kept.slot(author));
                }
            }
        }
        self.forget(&slots)
    }

    /// Keeps the key events of an author.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn keep_chain(&mut self, author: PartnerId, events: &[u8]) -> Result<(), StoreError> {
        let mut draft = Draft::new(&self.inner, self.tally);
        draft.put(&Table::Chain.key(&[author.as_bytes()]), events);
        self.tally = draft.write()?;
        Ok(())
    }

    fn take_one(
        &self,
        draft: &mut Draft<'_>,
        arrival: &Arrival,
        (meeting, standing): (Meeting, Option<Standing>),
    ) -> Result<Becomes, StoreError> {
        match meeting {
            Meeting::Same => Ok(Becomes::Known),
            Meeting::Outdated => Ok(Becomes::Outdated),
            Meeting::TwinYields => {
                let tree = draft.prove(arrival.slot.author, &arrival.proof);
                self.keep_twin(draft, &arrival.slot, &kept(arrival, tree).to_bytes())?;
                Ok(Becomes::Twin)
            }
            Meeting::Replaces => {
                replace(draft, arrival, standing)?;
                Ok(Becomes::Stands)
            }
            Meeting::TwinReplaces => {
                if let Some(old) = &standing {
                    self.put_by(draft, &arrival.slot, old)?;
                }
                replace(draft, arrival, None)?;
                Ok(Becomes::Twin)
            }
        }
    }

    /// Makes what stands in a slot a twin. The slot is left to the caller.
    fn put_by(&self, draft: &mut Draft<'_>, slot: &Slot, old: &Standing) -> Result<(), StoreError> {
        let bytes = self
            .inner
            .get(&record_key(old.reach, slot.author, (old.revision, old.id)))?;
        let bytes = bytes.ok_or_else(|| self.inner.unreadable("a kept record"))?;
        self.keep_twin(draft, slot, &bytes)?;
        unlist(draft, slot, old)
    }

    /// Keeps a twin with its proof in the place of an older one: an author who makes many fills no
    /// disk with them.
    fn keep_twin(
        &self,
        draft: &mut Draft<'_>,
        slot: &Slot,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let key = Table::Twin.key(&[&slot_bytes(slot)]);
        if let Some(older) = self.inner.get(&key)? {
            let older = Kept::read(&older);
            let older = older.ok_or_else(|| self.inner.unreadable("a kept record"))?;
            draft.release(older.tree);
        }
        draft.put(&key, bytes);
        Ok(())
    }

    /// Removes what stands in slots, some at a time. Returns how many those are.
    fn forget(&mut self, slots: &[Slot]) -> Result<usize, StoreError> {
        for part in slots.chunks(FORGOTTEN_STEP) {
            self.settle()?;
            self.tally = remove_all(Draft::new(&self.inner, self.tally), part)?;
        }
        Ok(slots.len())
    }
}

/// Removes what stands in slots, and writes the draft.
pub(super) fn remove_all(mut draft: Draft<'_>, slots: &[Slot]) -> Result<Tally, StoreError> {
    for slot in slots {
        if let Some(standing) = draft.standing(slot)? {
            unlist(&mut draft, slot, &standing)?;
            draft.release(standing.tree);
            draft.stands(*slot, None);
        }
    }
    draft.write()
}

fn replace(
    draft: &mut Draft<'_>,
    arrival: &Arrival,
    standing: Option<Standing>,
) -> Result<(), StoreError> {
    let Arrival {
        slot,
        revision,
        id,
        until,
        words,
        reach,
        ..
    } = arrival;
    if let Some(standing) = standing {
        unlist(draft, slot, &standing)?;
        draft.release(standing.tree);
    }
    let place = slot_bytes(slot);
    let number = draft.number();
    let tree = draft.prove(slot.author, &arrival.proof);
    if let Some(place) = place.first_chunk::<PLACE_BYTES>() {
        draft.row(Row {
            number,
            place,
            until: until_number(*until),
            words: format!("{words}{} ", id_word(id.as_bytes())).as_bytes(),
        });
    }
    let key = record_key(*reach, slot.author, (*revision, *id));
    draft.put(&key, &kept(arrival, tree).to_bytes());
    let ids = draft.sum(slot.author)?;
    if is_counted(slot.family, *reach) {
        ids.add(*id);
    }
    let standing = Standing {
        revision: *revision,
        id: *id,
        number,
        tree,
        until: *until,
        reach: *reach,
        is_found: !words.is_empty(),
    };
    draft.stands(*slot, Some(standing));
    Ok(())
}

/// Takes a record out of all that names it, and leaves slot and proof to the caller. Its row is of the
/// past from then on.
fn unlist(draft: &mut Draft<'_>, slot: &Slot, standing: &Standing) -> Result<(), StoreError> {
    let Standing {
        revision,
        id,
        reach,
        ..
    } = *standing;
    draft.delete(&record_key(reach, slot.author, (revision, id)));
    if is_counted(slot.family, reach) {
        draft.sum(slot.author)?.remove(id);
    }
    draft.tally.gone = draft.tally.gone.saturating_add(1);
    Ok(())
}

fn kept(arrival: &Arrival, tree: u64) -> Kept<'_> {
    Kept {
        family: arrival.slot.family,
        subject: arrival.slot.subject,
        until: arrival.until,
        key_index: arrival.proof.key_index(),
        tree,
        leaf: arrival.proof.leaf_index(),
        record: &arrival.record,
    }
}
