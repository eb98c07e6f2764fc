//! Lists of an author's offers, in the order of their subjects, and what it says of their number.
//! What the offers say is kept out.

use omni_protocol::hash::{NetworkId, PartnerId, SubjectId};
use omni_protocol::public::{CatalogueHead, PublicBody};
use omni_protocol::record::Signed;
use omni_protocol::slot::{Family, Slot};
use omni_protocol::value::Time;

use super::layout::{Standing, Table, family_bytes, slot_bytes, slot_of};
use super::{MarketReader, Shelved};
use crate::store::{Pair, StoreError};

impl MarketReader {
    /// What stands in an author's slots for offers, withdrawals too, after `after`: at most `max`.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn offers(
        &self,
        author: PartnerId,
        after: Option<SubjectId>,
        max: usize,
    ) -> Result<Vec<Shelved>, StoreError> {
        let (begin, end) = bounds(author);
        let from = match after {
            Some(subject) => {
                let slot = Slot {
                    author,
                    family: Family::Offer,
                    subject,
                };
                // The smallest key above that slot's own.
                Table::Slot.key(&[&slot_bytes(&slot), &[0]])
            }
            None => begin,
        };
        let moment = self.inner.db.snapshot();
        let mut offers = Vec::new();
        for pair in self.inner.walk_at(&moment, &from, &end).take(max) {
            let Pair { key, value } = pair?;
            let slot = key.get(1..).and_then(slot_of);
            let standing = slot.zip(Standing::read(&value));
            let (slot, standing) =
                standing.ok_or_else(|| self.inner.unreadable("what stands in a slot"))?;
            offers.push(self.inner.record_at(&moment, &slot, &standing)?);
        }
        Ok(offers)
    }

    /// The newest head that an author signed of its own catalogue.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn announced(
        &self,
        network: &NetworkId,
        author: PartnerId,
    ) -> Result<Option<CatalogueHead>, StoreError> {
        let slot = Slot {
            author,
            family: Family::CatalogueHead,
            subject: SubjectId::ONLY,
        };
        let Some(shelved) = self.shelved(&slot)? else {
            return Ok(None);
        };
        let record = Signed::<PublicBody>::read(network, shelved.record).ok();
        Ok(record.and_then(|record| match record.body() {
            PublicBody::CatalogueHead(head) => Some(*head),
            PublicBody::KeyEvent(_)
            | PublicBody::Profile(_)
            | PublicBody::Offer(_)
            | PublicBody::Availability(_)
            | PublicBody::Withdrawal(_)
            | PublicBody::Evidence(_) => None,
        }))
    }

    /// How many offers of an author stand at `at`. Those without a single word in them count as
    /// withdrawn; no real title is like that.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn count_offers(&self, author: PartnerId, at: Time) -> Result<u64, StoreError> {
        let (from, end) = bounds(author);
        let mut count = 0_u64;
        for pair in self.inner.walk(&from, &end) {
            let standing = Standing::read(&pair?.value);
            let standing =
                standing.ok_or_else(|| self.inner.unreadable("what stands in a slot"))?;
            let stands = standing.is_found && standing.until.is_none_or(|until| until >= at);
            count = count.saturating_add(u64::from(stands));
        }
        Ok(count)
    }
}

/// The first key of an author's offers, and the first after them.
fn bounds(author: PartnerId) -> (Vec<u8>, Vec<u8>) {
    let family = family_bytes(Family::Offer);
    let begin = Table::Slot.key(&[author.as_bytes(), &family]);
    let mut end = begin.clone();
    // Families are small numbers, so the next one has as many bytes.
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    (begin, end)
}
