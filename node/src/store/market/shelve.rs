//! How the market store changes: records arrive and replace, end, or are forgotten, and every
//! index follows in the same write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use omni_protocol::hash::{PartnerId, RecordId};
use omni_protocol::public::PublicBody;
use omni_protocol::record::Verified;
use omni_protocol::slot::{Meeting, Revision, Slot, meet};
use omni_protocol::value::Time;

use super::draft::Draft;
use super::index::is_enough;
use super::layout::{Standing, Table, Tally, slot_bytes, slot_of, until_number};
use super::row::Row;
use super::tree::Proved;
use super::words::{put_id_word, spaced};
use super::{Inner, is_counted};
use crate::store::{Pair, StoreError};

/// Records removed in one write.
const FORGOTTEN_STEP: usize = 1_024;

/// Bytes that are written of most records beside themselves and their words.
const BESIDE_BYTES: usize = 512;

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
        let slots = arrivals.iter().map(|arrival| &arrival.slot);
        let mut before = self.inner.all_standing(slots)?;
        let room = |arrival: &Arrival| arrival.record.len() + arrival.words.len() + BESIDE_BYTES;
        let room = arrivals.iter().map(room).sum();
        let mut draft = Draft::with_room(&self.inner, self.tally, room);
        let mut outcomes = Vec::with_capacity(arrivals.len());
        for (place, arrival) in arrivals.into_iter().enumerate() {
            let standing = match (draft.changed(&arrival.slot), before.get(place)) {
                (Some(standing), _) | (None, Some(&standing)) => standing,
                (None, None) => self.inner.standing(&arrival.slot)?,
            };
            let meeting = standing.map_or(Meeting::Replaces, |standing| {
                meet(
                    (arrival.revision, arrival.id),
                    (standing.revision, standing.id),
                )
            });
            if matches!(meeting, Meeting::TwinReplaces | Meeting::TwinYields) {
                // Twins are moved as they are stored, and what was seen before is of the past then.
                self.tally = draft.write()?;
                draft = Draft::new(&self.inner, self.tally);
                before.clear();
            }
            outcomes.push(self.take_one(&mut draft, &arrival, (meeting, standing))?);
        }
        if is_enough(&draft.tally) {
            self.inner.gather(&mut draft)?;
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
        let mut slots = Vec::new();
        for standing in self.inner.all_of(author) {
            let (slot, standing) = standing?;
            let is_unnamed = standing.revision.get() <= highest && !named.contains(&standing.id);
            if is_unnamed && is_counted(slot.family, standing.reach) {
                slots.push(slot);
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
        let mut keys = BTreeMap::new();
        let mut slots = Vec::new();
        for standing in self.inner.all_of(author) {
            let (slot, Standing { tree, .. }) = standing?;
            let key = match keys.get(&tree) {
                Some(key) => *key,
                None => self.inner.tree(tree)?.map(|tree| tree.key_index),
            };
            keys.insert(tree, key);
            if key.is_none() || key != in_force {
                slots.push(slot);
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
                draft.put(&twin_key(&arrival.slot), &arrival.record);
                Ok(Becomes::Twin)
            }
            Meeting::Replaces => {
                replace(draft, arrival, standing)?;
                Ok(Becomes::Stands)
            }
            Meeting::TwinReplaces => {
                if let Some(old) = &standing {
                    let old = self.inner.record(&arrival.slot, old)?;
                    let old = old.ok_or_else(|| self.inner.unreadable("a kept record"))?;
                    draft.put(&twin_key(&arrival.slot), &old.record);
                }
                replace(draft, arrival, standing)?;
                Ok(Becomes::Twin)
            }
        }
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

/// The key of a twin, which takes the place of an older one: an author who makes many fills no disk
/// with them.
fn twin_key(slot: &Slot) -> Vec<u8> {
    Table::Twin.key(&[&slot_bytes(slot)])
}

/// Removes what stands in slots, and writes the draft.
pub(super) fn remove_all(mut draft: Draft<'_>, slots: &[Slot]) -> Result<Tally, StoreError> {
    for slot in slots {
        if let Some(standing) = draft.standing(slot)? {
            remove(&mut draft, slot, &standing)?;
            draft.stands(*slot, None);
        }
    }
    draft.write()
}

fn replace(
    draft: &mut Draft<'_>,
    arrival: &Arrival,
    before: Option<Standing>,
) -> Result<(), StoreError> {
    let Arrival {
        slot, until, words, ..
    } = arrival;
    if let Some(before) = before {
        remove(draft, slot, &before)?;
    }
    let standing = draft.keep(arrival)?;
    let mut words = words.as_bytes().to_vec();
    put_id_word(arrival.id.as_bytes(), &mut words);
    words.push(b' ');
    draft.row(Row {
        number: standing.number(),
        place: &slot_bytes(slot),
        until: until_number(*until),
        words: &words,
    });
    draft.stands(*slot, Some(standing));
    Ok(())
}

/// Takes a record out of all that names it, and leaves the slot to the caller. Its row is of the past
/// from then on.
fn remove(draft: &mut Draft<'_>, slot: &Slot, standing: &Standing) -> Result<(), StoreError> {
    if is_counted(slot.family, standing.reach) {
        draft.sum(slot.author)?.remove(standing.id);
    }
    draft.release(slot.author, standing)?;
    draft.tally.gone = draft.tally.gone.saturating_add(1);
    Ok(())
}

impl Inner {
    /// All that stands in an author's slots.
    pub(super) fn all_of(
        &self,
        author: PartnerId,
    ) -> impl Iterator<Item = Result<(Slot, Standing), StoreError>> {
        let from = Table::Slot.key(&[author.as_bytes()]);
        let lines = self.walk(&from, &Table::Slot.end_of(author.as_bytes()));
        lines.map(|pair| {
            let Pair { key, value } = pair?;
            let slot = key.get(1..).and_then(slot_of);
            slot.zip(Standing::read(&value))
                .ok_or_else(|| self.unreadable("what stands in a slot"))
        })
    }
}
