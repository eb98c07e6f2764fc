//! The market key at work: one proof for each audience when a batch closes, and the
//! checkpoint that signs its entries. The key never enters the core.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use omni_protocol::frame::{Greeting, Notice, SignedGreeting, SignedNotice};
use omni_protocol::hash::RecordId;
use omni_protocol::identity::{PublicKey, StandingKey, sign_bytes};
use omni_protocol::ledger::note::Checkpoint;
use omni_protocol::ledger::{Entry, Payload};
use omni_protocol::limits::BATCH_RECORDS_MAX;
use omni_protocol::machine::{
    OwnSlot, ProofGroup, View, WithdrawnFor, proof_groups, withdrawn_for,
};
use omni_protocol::proof::{CheckedSeal, Proof, SignedTree};
use omni_protocol::public::PublicBody;
use omni_protocol::record::{Envelope, Signed, Verified};
use omni_protocol::value::Invalid;

/// The market key in force, public and secret half.
#[derive(Clone)]
pub struct Signer {
    key: StandingKey,
    secret: SigningKey,
}

impl std::fmt::Debug for Signer {
    /// Without the secret half.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The secret key is not the one that the key chain names.
#[derive(Debug, thiserror::Error)]
#[error(
    "the market key in the home is not the one in force in the key chain: put the right key file back"
)]
pub struct NotOurKey;

/// An own record that waits for its proof.
#[derive(Debug)]
pub(super) struct Own {
    id: RecordId,
    audience: Audience,
    body: Option<Signed<PublicBody>>,
}

/// Who may see a record. A tree never mixes two: a path tells how much else was signed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Audience {
    /// A group that the core names.
    Group(ProofGroup),
    /// Everybody, for the moment: a withdrawal in whose place an offer for named partners stands.
    Passing,
    /// Nobody now, so that it shares no tree: a withdrawal whose partners have what took its place,
    /// or one that is only proved anew.
    Alone(RecordId),
}

/// An own record with its proof.
#[derive(Debug)]
pub(super) struct Proved {
    pub(super) id: RecordId,
    pub(super) proof: Proof,
    pub(super) audience: Audience,
    /// What it says, unless it is a record of a thread.
    pub(super) body: Option<Verified<PublicBody>>,
}

/// What the market key signed for one batch.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    pub(super) records: Vec<Proved>,
    /// Those over records of threads, which partners show again with theirs.
    pub(super) seals: Vec<CheckedSeal>,
}

impl Signer {
    /// Binds the secret half to the key in force.
    ///
    /// # Errors
    /// [`NotOurKey`] if they do not belong together.
    pub fn new(key: StandingKey, secret: SigningKey) -> Result<Self, NotOurKey> {
        if PublicKey::of(&secret) == *key.key() {
            Ok(Self { key, secret })
        } else {
            Err(NotOurKey)
        }
    }

    /// The key in force.
    pub(super) const fn key(&self) -> &StandingKey {
        &self.key
    }

    /// The own records that an entry signs. `view` has the entry applied.
    pub(super) fn own(&self, entry: &Entry, view: &dyn View) -> Vec<Own> {
        let groups = proof_groups(entry);
        let bytes: BTreeMap<_, _> = entry
            .body
            .payload
            .records()
            .iter()
            .zip(&entry.records)
            .collect();
        let own = groups.into_iter().map(|(group, id)| {
            let record = bytes.get(&id).and_then(|record| {
                is_public(&group).then(|| {
                    Signed::<PublicBody>::read(self.key.network(), record.bytes.to_vec()).ok()
                })?
            });
            let body = record.as_ref().map(Signed::body);
            let audience = match body {
                Some(PublicBody::Withdrawal(withdrawal)) => {
                    match withdrawn_for(view, self.key.network(), (id, withdrawal)) {
                        WithdrawnFor::Everybody => Audience::Group(group),
                        WithdrawnFor::Others => Audience::Passing,
                        WithdrawnFor::Named(out) => Audience::Group(ProofGroup::Named(out)),
                        WithdrawnFor::Nobody => Audience::Alone(id),
                    }
                }
                Some(_) | None => Audience::Group(group),
            };
            Own {
                id,
                audience,
                body: record,
            }
        });
        own.collect()
    }

    /// A public record that stands in its slot, to be proved again.
    pub(super) fn standing(&self, record: Signed<PublicBody>, slot: &OwnSlot) -> Own {
        let is_alone = slot.is_named && slot.is_withdrawal;
        let audience = match record.body().audience() {
            _ if is_alone => Audience::Alone(record.id()),
            [] => Audience::Group(ProofGroup::Public),
            named => Audience::Group(ProofGroup::Named(named.to_vec())),
        };
        Own {
            id: record.id(),
            audience,
            body: Some(record),
        }
    }

    /// Proves records: one signature for each audience and 256 records.
    ///
    /// # Panics
    /// When the core made a record twice in one batch.
    #[expect(
        clippy::expect_used,
        reason = "an own record without a proof could not be shown to anybody"
    )]
    pub(super) fn prove(&self, records: Vec<Own>) -> Proofs {
        let mut groups: BTreeMap<Audience, Vec<Own>> = BTreeMap::new();
        for own in records {
            groups.entry(own.audience.clone()).or_default().push(own);
        }
        let mut proofs = Proofs::default();
        for (audience, mut group) in groups {
            let is_shown_again = matches!(&audience, Audience::Group(group) if !is_public(group));
            while !group.is_empty() {
                let rest = group.split_off(group.len().min(BATCH_RECORDS_MAX));
                let part = std::mem::replace(&mut group, rest);
                let ids: Vec<_> = part.iter().map(|own| own.id).collect();
                let tree = SignedTree::sign(&self.key, &self.secret, &ids)
                    .expect("each record once, own key");
                if is_shown_again {
                    proofs.seals.push(tree.attested().checked().clone());
                }
                for (own, (id, proof)) in part.into_iter().zip(tree.proofs()) {
                    let body = own
                        .body
                        .and_then(|record| record.verify(tree.attested()).ok());
                    proofs.records.push(Proved {
                        id: *id,
                        proof: proof.clone(),
                        audience: own.audience,
                        body,
                    });
                }
            }
        }
        proofs
    }

    /// The signed note of a checkpoint.
    pub(super) fn checkpoint(&self, checkpoint: Checkpoint) -> String {
        let signature = sign_bytes(&self.secret, checkpoint.text().as_bytes());
        checkpoint
            .signed(
                self.key.index(),
                self.key.key().as_bytes(),
                *signature.as_bytes(),
            )
            .text()
    }

    pub(super) fn greeting(&self, greeting: Greeting) -> Result<SignedGreeting, Invalid> {
        greeting.sign(&self.key, &self.secret)
    }

    pub(super) fn notice(&self, notice: Notice) -> Result<SignedNotice, Invalid> {
        notice.sign(&self.key, &self.secret)
    }

    /// How the named places of tests call an entry: `signed-commit`, `taken-receipt`, `counted`.
    pub(super) fn places(&self, entry: &Entry) -> Vec<String> {
        let state = entry.body.payload.kind().name().to_lowercase();
        if !matches!(&entry.body.payload, Payload::Signed(_) | Payload::Taken(_)) {
            return vec![state];
        }
        let kinds = entry.records.iter().filter_map(|record| {
            Envelope::read(self.key.network(), record.bytes.to_vec())
                .ok()?
                .kind()
        });
        kinds
            .map(|kind| format!("{state}-{}", kind.name().to_lowercase()))
            .collect()
    }
}

/// Whether its records are for the market, not of threads.
const fn is_public(group: &ProofGroup) -> bool {
    match group {
        ProofGroup::Public | ProofGroup::Named(_) => true,
        ProofGroup::Partner(_) | ProofGroup::Members(_) => false,
    }
}
