//! News: what becomes of own public records once they are synced. Few are gossiped, many are
//! announced by one catalogue head and pulled, and those for named partners are sent to them.

use std::collections::BTreeMap;

use omni_protocol::fence;
use omni_protocol::frame::Frame;
use omni_protocol::hash::{NetworkId, PartnerId, RecordId, SubjectId};
use omni_protocol::limits::{GOSSIP_FRAME_BYTES_MAX, PUSH_RECORDS_MAX};
use omni_protocol::machine::{Key, OwnSlot, ProofGroup};
use omni_protocol::proof::{Batch, Proof};
use omni_protocol::public::PublicBody;
use omni_protocol::record::Signed;

use super::shelf::PROOF_BYTES_MAX;
use super::signer::{Audience, Proved};
use crate::net::{NetCommand, Shard, Topic};
use crate::store::market::{Arrival, Reach};
use crate::store::{LedgerReader, StoreError};

/// Bytes of records in one message: half of what it may hold, since proofs come on top.
const MESSAGE_BYTES_AIM: usize = GOSSIP_FRAME_BYTES_MAX / 2;

/// A stored own slot: two ids, two numbers and two flags.
const SLOT_BYTES_MAX: usize = 128;

/// What a synced batch publishes.
#[derive(Debug, Default)]
pub(super) struct News {
    /// For the market store, from which others pull.
    pub(super) shelved: Vec<Arrival>,
    /// For the net.
    pub(super) commands: Vec<NetCommand>,
    /// Whether the catalogue is to be announced instead of gossiped record by record.
    pub(super) head: Announce,
}

/// Whether a catalogue head is due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Announce {
    /// Many records changed at once.
    Due,
    /// Few did, or none.
    #[default]
    No,
}

/// Records that travel in one message, of one tree.
type Parts = Vec<(Vec<u8>, Proof)>;

impl News {
    pub(super) fn of(network: &NetworkId, own: PartnerId, proved: &[Proved]) -> Self {
        let mut news = Self::default();
        let mut public: BTreeMap<Topic, Vec<&Proved>> = BTreeMap::new();
        let mut named: BTreeMap<PartnerId, Vec<&Proved>> = BTreeMap::new();
        let mut catalogue = 0_usize;
        for record in proved {
            let Some(body) = &record.body else { continue };
            match &record.audience {
                Audience::Group(ProofGroup::Public) | Audience::Passing => {
                    let topic = topic(body.body());
                    catalogue = catalogue.saturating_add(usize::from(body.body().is_counted()));
                    public.entry(topic).or_default().push(record);
                    // On the own shelf it takes away what it withdraws, and is served to nobody.
                    let reach = match record.audience {
                        Audience::Passing => Reach::Named,
                        Audience::Group(_) | Audience::Alone(_) => Reach::Public,
                    };
                    news.shelved
                        .extend(Arrival::of(body, record.proof.clone(), reach));
                }
                Audience::Group(ProofGroup::Named(partners)) => {
                    for partner in partners {
                        named.entry(*partner).or_default().push(record);
                    }
                }
                Audience::Group(ProofGroup::Partner(_) | ProofGroup::Members(_))
                | Audience::Alone(_) => {}
            }
        }
        if catalogue > PUSH_RECORDS_MAX {
            news.head = Announce::Due;
            for records in public.values_mut() {
                records.retain(|record| {
                    record
                        .body
                        .as_ref()
                        .is_some_and(|body| !body.body().is_counted())
                });
            }
        }
        for (topic, records) in public {
            for batch in batches(network, own, parts(&records)) {
                news.commands.push(NetCommand::Publish {
                    topic,
                    batch: fence::to_bytes(&batch),
                });
            }
        }
        for (partner, records) in named {
            for batch in batches(network, own, parts(&records)) {
                let frame = Frame::Push(Box::new(batch));
                news.commands.push(NetCommand::Send { partner, frame });
            }
        }
        news
    }
}

/// The standing own offers for this partner among others, and the withdrawals of such, as it is sent
/// them at each meeting: what was sent before may have been lost, and nobody can pull them.
pub(super) fn named_for(
    partner: PartnerId,
    network: &NetworkId,
    own: PartnerId,
    synced: &LedgerReader,
) -> Result<Vec<NetCommand>, StoreError> {
    let mut records = Vec::new();
    for standing in left_slots(synced).chain(own_slots(synced)) {
        let standing = standing?;
        let Some(by) = standing.named_by else {
            continue;
        };
        let is_for_it = match own_record(network, synced, by)? {
            Some((offer, _)) => offer.body().audience().contains(&partner),
            None => false,
        };
        if !is_for_it {
            continue;
        }
        if let Some((record, proof)) = own_record(network, synced, standing.record)? {
            records.push((record.bytes().to_vec(), proof));
        }
    }
    let batches = batches(network, own, records);
    Ok(batches
        .into_iter()
        .map(|batch| NetCommand::Send {
            partner,
            frame: Frame::Push(Box::new(batch)),
        })
        .collect())
}

/// What stands in the own slots, in the order of the keys.
pub(super) fn own_slots(
    synced: &LedgerReader,
) -> impl Iterator<Item = Result<OwnSlot, StoreError>> + '_ {
    slots_from(
        synced,
        Key::Slot {
            family: 0,
            subject: SubjectId::from_bytes([0; 32]),
        },
    )
}

/// The own withdrawals that are kept for those whom later offers in their slots leave out.
pub(super) fn left_slots(
    synced: &LedgerReader,
) -> impl Iterator<Item = Result<OwnSlot, StoreError>> + '_ {
    slots_from(
        synced,
        Key::Left {
            subject: SubjectId::from_bytes([0; 32]),
            revision: 0,
        },
    )
}

fn slots_from(
    synced: &LedgerReader,
    first: Key,
) -> impl Iterator<Item = Result<OwnSlot, StoreError>> + '_ {
    let end = [first.family().saturating_add(1)];
    synced
        .walk(&first.to_bytes(), &end)
        .filter_map(|pair| match pair {
            Ok(pair) => fence::decode(&pair.value, SLOT_BYTES_MAX).ok().map(Ok),
            Err(error) => Some(Err(error)),
        })
}

/// An own record with its proof, where both are in the ledger.
pub(super) fn own_record(
    network: &NetworkId,
    synced: &LedgerReader,
    id: RecordId,
) -> Result<Option<(Signed<PublicBody>, Proof)>, StoreError> {
    let record = synced.read(&Key::Record { id }.to_bytes())?;
    let proof = synced.read(&Key::Proof { record: id }.to_bytes())?;
    Ok(record.zip(proof).and_then(|(record, proof)| {
        let record = Signed::<PublicBody>::read(network, record).ok()?;
        Some((record, fence::decode(&proof, PROOF_BYTES_MAX).ok()?))
    }))
}

/// The records in as few messages as trees and sizes allow.
fn batches(network: &NetworkId, own: PartnerId, records: Parts) -> Vec<Batch> {
    let mut messages: Vec<Parts> = Vec::new();
    let mut bytes = 0_usize;
    for part in records {
        bytes = bytes.saturating_add(part.0.len());
        match messages.last_mut() {
            Some(parts) if bytes <= MESSAGE_BYTES_AIM && is_same_tree(parts, &part.1) => {
                parts.push(part)
            }
            Some(_) | None => {
                bytes = part.0.len();
                messages.push(vec![part]);
            }
        }
    }
    messages
        .into_iter()
        .filter_map(|parts| Batch::gather(network, own, parts).ok())
        .collect()
}

/// Bytes and proofs of proved records.
fn parts(records: &[&Proved]) -> Parts {
    let parts = records.iter().filter_map(|record| {
        let body = record.body.as_ref()?;
        Some((body.bytes().to_vec(), record.proof.clone()))
    });
    parts.collect()
}

fn is_same_tree(parts: &Parts, proof: &Proof) -> bool {
    parts.last().is_some_and(|(_, last)| {
        last.signature == proof.signature && last.tree_size == proof.tree_size
    })
}

fn topic(body: &PublicBody) -> Topic {
    match body {
        PublicBody::Offer(offer) => {
            let category = offer
                .category
                .as_ref()
                .map_or("", |category| &*category.code);
            Topic::Offers(Shard::of_category(category))
        }
        PublicBody::KeyEvent(_) | PublicBody::Profile(_) | PublicBody::Evidence(_) => {
            Topic::Profiles
        }
        PublicBody::CatalogueHead(_) | PublicBody::Availability(_) | PublicBody::Withdrawal(_) => {
            Topic::Offers(Shard::of_category(""))
        }
    }
}
