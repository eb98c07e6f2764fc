//! What this partner publishes: revisions, own slots, and the sums by which others compare its
//! catalogue. It keeps out how records spread, and what others publish.

mod left;

pub use left::{WithdrawnFor, withdrawn_for};

use alloc::{boxed::Box, vec::Vec};

use super::{
    Key, Overlay, Stop, View,
    fold::{Read, read},
    step::Event,
    stored,
    trial::Trial,
};
use crate::{
    code::Code,
    deal::timetable,
    fence::List,
    hash::{ManifestId, NetworkId, PartnerId, RecordId, SubjectId},
    ledger::{Entry, Payload},
    limits::{BATCH_RECORDS_MAX, DAY_MS},
    public::{
        Availability, CatalogueHead, IdSum, Offer, OfferDraft, Profile, PublicBody, Withdrawal,
        WithdrawalReason,
    },
    record::Signed,
    slot::{Family, Revision},
    value::Time,
    wire,
};

/// Renewing an offer that says the same is worth a record once a week.
const RENEWAL_MS_MIN: u64 = 7 * DAY_MS;
/// Most ended records that one entry clears away, so that no entry takes long.
const ENDED_MAX: usize = 64;

/// Something to publish, before it has a revision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Publication {
    /// Who this partner is; its revision is not read.
    Profile(Box<Profile>),
    /// What it would sell.
    Offer(Box<OfferDraft>),
    /// The offer that stands, until this time; nothing where none does. What it says is read when
    /// its turn comes, so that no change of it is undone.
    RenewOffer(SubjectId, Time),
    /// Whether an offer can be had; its revision is not read.
    Availability(Availability),
    /// The times at which the slots of an own offer's calendar begin that are still to come; what it
    /// says of them is read when its turn comes, after the offers before it.
    Timetable(SubjectId, Vec<Time>),
    /// The end of an offer.
    WithdrawOffer(SubjectId, WithdrawalReason),
    /// The end of an availability.
    WithdrawAvailability(SubjectId, WithdrawalReason),
    /// How large the catalogue is, reckoned when its turn comes.
    CatalogueHead,
}

/// What stands in an own slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct OwnSlot {
    /// The record.
    pub record: RecordId,
    /// Its revision.
    pub revision: Revision,
    /// Until when it stands, if it ends by itself.
    pub end: Option<Time>,
    /// Whether it is a Withdrawal.
    pub is_withdrawal: bool,
    /// Whether it is for named partners alone.
    pub is_named: bool,
    /// The own Offer that names them.
    pub named_by: Option<RecordId>,
}

wire!(OwnSlot {
    record,
    revision,
    end,
    is_withdrawal,
    is_named,
    named_by,
});

impl OwnSlot {
    /// What stands in the own slot of this family and subject.
    #[must_use]
    pub fn read(view: &dyn View, family: Family, subject: SubjectId) -> Option<Self> {
        let family = family.number();
        stored(view, &Key::Slot { family, subject })
    }
}

impl OwnSlot {
    /// The partners for whom alone the record is; empty for what is public.
    #[must_use]
    pub fn audience(&self, view: &dyn View, network: &NetworkId) -> Vec<PartnerId> {
        let offer = self.named_by.and_then(|id| public_body(view, network, id));
        offer.map_or_else(Vec::new, |body| Vec::from(body.audience()))
    }
}

/// Sums over the own public standing offers, availabilities and withdrawals.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct OwnCatalogue {
    /// Their ids.
    pub ids: IdSum,
    /// The highest revision ever among them.
    pub highest: Revision,
}

wire!(OwnCatalogue { ids, highest });

impl OwnCatalogue {
    /// The sums as they stand.
    #[must_use]
    pub fn read(view: &dyn View) -> Self {
        stored(view, &Key::Catalogue {}).unwrap_or_default()
    }
}

/// The own offer that stands at `at`, with the id of its record.
#[must_use]
pub fn own_offer(
    view: &dyn View,
    network: &NetworkId,
    subject: SubjectId,
    at: Time,
) -> Option<(RecordId, Offer)> {
    let slot = OwnSlot::read(view, Family::Offer, subject)?;
    if slot.end.is_some_and(|end| end < at) {
        return None;
    }
    match public_body(view, network, slot.record)? {
        PublicBody::Offer(offer) => Some((slot.record, *offer)),
        PublicBody::KeyEvent(_)
        | PublicBody::Profile(_)
        | PublicBody::CatalogueHead(_)
        | PublicBody::Availability(_)
        | PublicBody::Withdrawal(_)
        | PublicBody::Evidence(_) => None,
    }
}

fn public_body(view: &dyn View, network: &NetworkId, id: RecordId) -> Option<PublicBody> {
    let bytes = view.read(&Key::Record { id })?;
    let record = Signed::<PublicBody>::read(network, bytes).ok()?;
    Some(record.body().clone())
}

/// Which own records may share a proof's tree: those of one audience.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ProofGroup {
    /// Those for everybody.
    Public,
    /// Those for these partners alone.
    Named(Vec<PartnerId>),
    /// Those of all threads with this partner, as far as nobody else sees them.
    Partner(PartnerId),
    /// Those that all members of a bundle see.
    Members(ManifestId),
}

/// The own records that an entry signs, each with its group: make one tree, of at most
/// `BATCH_RECORDS_MAX` records, for each group of a batch.
#[must_use]
pub fn proof_groups(entry: &Entry) -> Vec<(ProofGroup, RecordId)> {
    if !matches!(entry.body.payload, Payload::Signed(_)) {
        return Vec::new();
    }
    let ids = entry.body.payload.records().iter();
    ids.zip(&entry.records)
        .filter_map(|(id, carried)| {
            let group = match read(&entry.header.network, &carried.bytes)? {
                Read::Thread(record) => super::bundle::audience_of(&record),
                Read::Public(record) => match record.body().audience() {
                    [] => ProofGroup::Public,
                    named => ProofGroup::Named(Vec::from(named)),
                },
            };
            Some((group, *id))
        })
        .collect()
}

/// Publishes what changes something, in one entry unless withdrawals for those whom offers leave out
/// make it more, and enters the timetables that go with it.
pub(super) fn publish(trial: &mut Trial<'_>, publications: Vec<Publication>) -> Result<(), Stop> {
    let is_timetable = |one: &&Publication| matches!(one, Publication::Timetable(..));
    let tables = publications.iter().filter(is_timetable).count();
    if tables.max(publications.len() - tables) > BATCH_RECORDS_MAX {
        return Err(Code::TooLarge.into());
    }
    let mut last = Revision::new(trial.machine.head.revision).ok();
    let (mut records, mut timetables) = (Vec::new(), Vec::new());
    let config = trial.machine.config.clone();
    let write = |body| Signed::write(&config.network, config.partner, body).map_err(Code::from);
    for publication in publications {
        if let Publication::Timetable(subject, begins) = publication {
            timetables.push((subject, begins));
            continue;
        }
        let mut revision = Revision::next(last, trial.now.time).ok_or(Code::Malformed)?;
        let Some(mut body) = body(trial, publication, revision, &records)? else {
            continue;
        };
        if let PublicBody::Offer(offer) = &mut body {
            for ended in left::leaves_out(&trial.view, &config.network, offer) {
                records.push(write(left::withdrawal(revision, ended, offer.subject()))?);
                revision = Revision::next(Some(revision), trial.now.time).ok_or(Code::Malformed)?;
            }
            if offer.revision() != revision {
                let draft = offer.draft().clone();
                **offer = Offer::new(revision, draft).map_err(|error| error.code)?;
            }
        }
        records.push(write(body)?);
        last = Some(revision);
    }
    for part in records.chunks(BATCH_RECORDS_MAX) {
        trial.sign_public(part);
    }
    for record in &records {
        if let PublicBody::Offer(offer) = record.body() {
            timetable::end(trial, offer);
        }
    }
    for (subject, begins) in timetables {
        timetable::enter(trial, subject, begins)?;
    }
    Ok(())
}

/// The record's body, unless it would change nothing.
fn body(
    trial: &Trial<'_>,
    publication: Publication,
    revision: Revision,
    before: &[Signed<PublicBody>],
) -> Result<Option<PublicBody>, Stop> {
    let standing = |family, subject| {
        let slot = OwnSlot::read(&trial.view, family, subject)?;
        let body = public_body(&trial.view, &trial.machine.config.network, slot.record)?;
        Some((slot, body))
    };
    Ok(match publication {
        Publication::Profile(mut profile) => {
            profile.revision = revision;
            let same = standing(Family::Profile, SubjectId::ONLY).is_some_and(|(slot, body)| {
                let mut profile = profile.clone();
                profile.revision = slot.revision;
                body == PublicBody::Profile(profile)
            });
            (!same).then_some(PublicBody::Profile(profile))
        }
        Publication::Offer(draft) => {
            let offer = Offer::new(revision, *draft).map_err(|error| error.code)?;
            let same = standing(Family::Offer, offer.subject()).is_some_and(
                |(_, body)| matches!(body, PublicBody::Offer(old) if says_the_same(&old, &offer)),
            );
            (!same).then(|| PublicBody::Offer(Box::new(offer)))
        }
        Publication::RenewOffer(subject, valid_until) => {
            let network = &trial.machine.config.network;
            match own_offer(&trial.view, network, subject, trial.at()) {
                Some((_, old)) if old.valid_until < valid_until => {
                    let mut draft = old.draft().clone();
                    draft.valid_until = valid_until;
                    let offer = Offer::new(revision, draft).map_err(|error| error.code)?;
                    Some(PublicBody::Offer(Box::new(offer)))
                }
                Some(_) | None => None,
            }
        }
        Publication::Availability(mut availability) => {
            availability.revision = revision;
            Some(PublicBody::Availability(availability))
        }
        Publication::WithdrawOffer(subject, reason) => {
            let (slot, _) = standing(Family::Offer, subject).ok_or(Code::OfferUnknown)?;
            (!slot.is_withdrawal)
                .then(|| PublicBody::Withdrawal(Withdrawal::of_offer(revision, subject, reason)))
        }
        Publication::WithdrawAvailability(subject, reason) => {
            let (slot, _) = standing(Family::Availability, subject).ok_or(Code::OfferUnknown)?;
            (!slot.is_withdrawal).then(|| {
                PublicBody::Withdrawal(Withdrawal::of_availability(revision, subject, reason))
            })
        }
        // It is no record: an entry states it.
        Publication::Timetable(..) => None,
        Publication::CatalogueHead => Some(PublicBody::CatalogueHead(head_after(
            trial, revision, before,
        ))),
    })
}

/// Whether a new offer says what the standing one says, and renews it by little, so that it is not
/// published. An end that is chosen is what the offer says.
#[must_use]
pub fn says_the_same(old: &Offer, new: &Offer) -> bool {
    let mut renewed = old.draft().clone();
    if old.is_open_ended()
        && new.is_open_ended()
        && new.valid_until.ms_since(old.valid_until) < RENEWAL_MS_MIN
    {
        renewed.valid_until = new.valid_until;
    }
    renewed == *new.draft()
}

/// The head of the catalogue with the records that are published before it in the same entry.
fn head_after(
    trial: &Trial<'_>,
    revision: Revision,
    before: &[Signed<PublicBody>],
) -> CatalogueHead {
    let mut view = trial.view.clone();
    for record in before {
        published(&mut view, &trial.machine.config.network, record);
    }
    let catalogue = OwnCatalogue::read(&view);
    CatalogueHead {
        revision,
        count: u32::try_from(catalogue.ids.count()).unwrap_or(u32::MAX),
        fingerprint: catalogue.ids.fingerprint(),
        highest: catalogue.highest,
    }
}

impl Trial<'_> {
    /// Signs public records of this partner in one entry.
    pub(crate) fn sign_public(&mut self, records: &[Signed<PublicBody>]) {
        let ids: Vec<RecordId> = records.iter().map(Signed::id).collect();
        let Ok(listed) = List::new(ids.clone()) else {
            return;
        };
        if ids.is_empty() {
            return;
        }
        let carried = records
            .iter()
            .map(|record| super::trial::carried(Vec::from(record.bytes()), None))
            .collect();
        self.enter(Payload::Signed(listed), None, carried);
        for record in records {
            self.made(record.id());
            if let Some(slot) = record.body().slot(record.author()) {
                self.event(Event::Published {
                    record: record.id(),
                    family: slot.family,
                    subject: slot.subject,
                });
            }
        }
    }
}

/// What an own public record changes.
pub(super) fn published(view: &mut Overlay<'_>, network: &NetworkId, record: &Signed<PublicBody>) {
    let body = record.body();
    let (Some(slot), Some(revision)) = (body.slot(record.author()), body.revision()) else {
        return;
    };
    let (family, subject) = (slot.family, slot.subject);
    let key = Key::Slot {
        family: family.number(),
        subject,
    };
    let old = stored::<OwnSlot>(view, &key);
    if let Some(old) = &old {
        if old.revision >= revision {
            return;
        }
        leave(view, family, subject, old);
    }
    let is_withdrawal = matches!(body, PublicBody::Withdrawal(_));
    let named_by = match body {
        PublicBody::Offer(offer) if !offer.audience.is_empty() => Some(record.id()),
        // A Withdrawal is for whom the withdrawn was, an Availability for whom its offer is.
        PublicBody::Withdrawal(_) => old.and_then(|old| old.named_by),
        PublicBody::Availability(_) => {
            OwnSlot::read(view, Family::Offer, subject).and_then(|offer| offer.named_by)
        }
        PublicBody::Offer(_)
        | PublicBody::Profile(_)
        | PublicBody::CatalogueHead(_)
        | PublicBody::KeyEvent(_)
        | PublicBody::Evidence(_) => None,
    };
    let new = OwnSlot {
        record: record.id(),
        revision,
        end: body.valid_until(),
        is_withdrawal,
        is_named: named_by.is_some(),
        named_by,
    };
    view.put(key, &new);
    if family == Family::Offer {
        left::follow(view, network, subject, (old, body));
    }
    if let Some(end) = new.end {
        let family = family.number();
        view.put_bytes(
            Key::SlotEnd {
                end,
                family,
                subject,
            },
            Vec::new(),
        );
    }
    if counts(family, &new) {
        let mut catalogue = OwnCatalogue::read(view);
        catalogue.ids.add(new.record);
        catalogue.highest = catalogue.highest.max(revision);
        view.put(Key::Catalogue {}, &catalogue);
    }
}

/// Clears away own records that have ended by ledger time.
pub(super) fn clear_ended(view: &mut Overlay<'_>, at: Time) {
    left::clear_ended(view, at);
    let mut after = Key::SlotEnd {
        end: Time::default(),
        family: 0,
        subject: SubjectId::ONLY,
    };
    for _ in 0..ENDED_MAX {
        let Some((
            key @ Key::SlotEnd {
                end,
                family,
                subject,
            },
            _,
        )) = view.next(&after)
        else {
            return;
        };
        if end >= at {
            return;
        }
        let slot = Key::Slot { family, subject };
        if let (Some(family), Some(old)) =
            (Family::from_number(family), stored::<OwnSlot>(view, &slot))
        {
            leave(view, family, subject, &old);
            view.delete(slot);
        }
        after = key;
    }
}

/// Takes a record out of the sums and out of the order of ends.
fn leave(view: &mut Overlay<'_>, family: Family, subject: SubjectId, old: &OwnSlot) {
    if let Some(end) = old.end {
        let family = family.number();
        view.delete(Key::SlotEnd {
            end,
            family,
            subject,
        });
    }
    if counts(family, old) {
        let mut catalogue = OwnCatalogue::read(view);
        catalogue.ids.remove(old.record);
        view.put(Key::Catalogue {}, &catalogue);
    }
}

/// Whether a record is one of those that the head of the catalogue counts.
const fn counts(family: Family, slot: &OwnSlot) -> bool {
    matches!(family, Family::Offer | Family::Availability) && !slot.is_named
}
