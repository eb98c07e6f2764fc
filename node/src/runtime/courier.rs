//! The courier: makes frames of what the core wants sent, from synced records alone. It decides
//! nothing.

use omni_protocol::code::Code;
use omni_protocol::fence::{self, Bytes, List};
use omni_protocol::frame::{Envelope, Frame, Letter, Lives, ProvedRecord, Stored, WhatIs};
use omni_protocol::hash::{PartnerId, RecordId};
use omni_protocol::machine::{Key, Message};
use omni_protocol::proof::Proof;
use omni_protocol::value::Invalid;

use super::keeper::Keeper;
use super::news;
use super::shelf::PROOF_BYTES_MAX;
use super::signer::Signer;
use crate::net::NetCommand;
use crate::store::{LedgerReader, StoreError};

/// Why a frame could not be made up.
#[derive(Debug, thiserror::Error)]
pub(super) enum CourierError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the record {0} or its proof is not in the ledger")]
    Absent(RecordId),
    #[error("the partner has not greeted this life, so nothing goes to it that names both")]
    Unmet,
    #[error("the message breaks a limit: {0}")]
    Invalid(#[from] Invalid),
    #[error("the stored proof can't be read: {0}")]
    Unreadable(Code),
}

#[derive(Debug)]
pub(super) struct Courier {
    synced: LedgerReader,
    signer: Signer,
}

impl Courier {
    pub(super) fn new(synced: LedgerReader, signer: Signer) -> Self {
        Self { synced, signer }
    }

    /// The frame that carries a message to this partner. `seen` is its newest checkpoint that is
    /// known.
    pub(super) fn frame(
        &self,
        to: PartnerId,
        message: Message,
        keeper: &Keeper,
        seen: &[u8],
    ) -> Result<Frame, CourierError> {
        Ok(match message {
            Message::Letter { records, attached } => {
                let lives = keeper.lives(to).ok_or(CourierError::Unmet)?;
                Frame::Letter(Box::new(Letter {
                    envelope: envelope(lives, keeper, seen)?,
                    records: List::new(proved(&records, keeper)?)?,
                    attached: List::new(those_here(&attached, keeper)?)?,
                }))
            }
            Message::Stored { record, head } => Frame::Stored(Stored {
                lives: keeper.lives(to).ok_or(CourierError::Unmet)?,
                record,
                head,
            }),
            Message::WhatIs { deal, records } => Frame::WhatIs(WhatIs {
                deal,
                records: List::new(proved(&records, keeper)?)?,
            }),
            Message::Notice(notice) => Frame::Notice(Box::new(self.signer.notice(notice)?)),
            Message::Greeting(greeting) => {
                Frame::Greeting(Box::new(self.signer.greeting(*greeting)?))
            }
        })
    }

    /// The own offers for a partner among others, as they are sent at a meeting.
    pub(super) fn named_for(&self, partner: PartnerId) -> Result<Vec<NetCommand>, StoreError> {
        let key = self.signer.key();
        news::named_for(partner, key.network(), key.partner(), &self.synced)
    }
}

/// The sender's checkpoint, fresh at each sending. A consistency proof travels once partners
/// cosign; its field is there.
fn envelope(lives: Lives, keeper: &Keeper, seen: &[u8]) -> Result<Envelope, CourierError> {
    let checkpoint = keeper.synced(&Key::Checkpoint {})?.unwrap_or_default();
    Ok(Envelope {
        lives,
        checkpoint: Bytes::new(checkpoint)?,
        consistency: List::default(),
        seen: Bytes::new(seen)?,
    })
}

fn proved(ids: &[RecordId], keeper: &Keeper) -> Result<Vec<ProvedRecord>, CourierError> {
    ids.iter()
        .map(|id| one(*id, keeper)?.ok_or(CourierError::Absent(*id)))
        .collect()
}

/// What a letter rests on goes along where it is at hand.
fn those_here(ids: &[RecordId], keeper: &Keeper) -> Result<Vec<ProvedRecord>, CourierError> {
    ids.iter()
        .filter_map(|id| one(*id, keeper).transpose())
        .collect()
}

fn one(id: RecordId, keeper: &Keeper) -> Result<Option<ProvedRecord>, CourierError> {
    let record = keeper.synced(&Key::Record { id })?;
    let proof = keeper.synced(&Key::Proof { record: id })?;
    let Some((record, proof)) = record.zip(proof) else {
        return Ok(None);
    };
    let proof: Proof = fence::decode(&proof, PROOF_BYTES_MAX).map_err(CourierError::Unreadable)?;
    Ok(Some(ProvedRecord::new(&record, proof)?))
}
