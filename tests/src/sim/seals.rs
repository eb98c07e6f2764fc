//! Signatures that are known to be good, so that each is checked once in a run and not once for
//! each node and copy. All keys are real and all signatures are made; nobody in a run forges one,
//! and what a forged one meets is the business of other tests.

use std::collections::BTreeSet;

use omni_protocol::{
    code::Code,
    frame::{Greeting, Notice, SignedGreeting, SignedNotice},
    hash::{NetworkId, PartnerId, RecordId},
    ledger::note::{Checkpoint, SignedCheckpoint},
    machine::Received,
    proof::{CheckedSeal, Proof, SignedTree},
    record::Signed,
    thread::ThreadBody,
};

use crate::market::Identity;

/// What was signed in a run, by whomever.
#[derive(Default)]
pub(super) struct Seals {
    trees: BTreeSet<CheckedSeal>,
    words: BTreeSet<Vec<u8>>,
    /// Whose keys are known to all, as the Manifests of bundles show them.
    people: Vec<Identity>,
}

impl Seals {
    /// Nothing signed yet by any of these.
    pub(super) fn of(people: Vec<Identity>) -> Self {
        Self {
            people,
            ..Self::default()
        }
    }

    /// The keys of a partner of the run.
    pub(super) fn person(&self, partner: PartnerId) -> Option<&Identity> {
        self.people.iter().find(|one| one.partner == partner)
    }

    /// Proves records that may share a tree.
    pub(super) fn prove(&mut self, author: &Identity, ids: &[RecordId]) -> Vec<(RecordId, Proof)> {
        let tree = SignedTree::sign(&author.key, &author.secret, ids)
            .expect("each record once, at most 256");
        self.trees.insert(tree.attested().checked().clone());
        tree.into_proofs()
    }

    /// Notes a greeting, notice or checkpoint that was signed just now.
    pub(super) fn signed(&mut self, words: &[u8]) {
        self.words.insert(words.to_vec());
    }

    /// A record of a thread, proved by its author's key.
    pub(super) fn record(
        &self,
        network: &NetworkId,
        author: &Identity,
        (bytes, proof): (&[u8], &Proof),
    ) -> Result<Received, Code> {
        let record = Signed::<ThreadBody>::read(network, bytes)?;
        if record.author() != author.partner {
            return Err(Code::NotAddressed);
        }
        let claim = proof.claim(author.partner, record.id())?;
        let attested = match self.trees.get(claim.seal()) {
            Some(checked) => claim.recall(checked, &author.key)?,
            None => claim.verify(&author.key)?,
        };
        Ok(Received {
            record: record.verify(&attested)?,
            proof: proof.clone(),
        })
    }

    /// A greeting, as its author signed it to `to`.
    pub(super) fn greeting(
        &self,
        author: &Identity,
        to: PartnerId,
        (greeting, frame): (&SignedGreeting, &[u8]),
    ) -> Result<Greeting, Code> {
        let claimed = greeting.claimed();
        if self.words.contains(frame) && (claimed.from, claimed.to) == (author.partner, to) {
            return Ok(claimed.clone());
        }
        greeting.check(to, &author.chain).cloned()
    }

    /// A notice, as its author signed it to `to`.
    pub(super) fn notice(
        author: &Identity,
        to: PartnerId,
        notice: &SignedNotice,
    ) -> Result<Notice, Code> {
        notice.check(to, &author.chain).copied()
    }

    /// A checkpoint of `own`, if it is one.
    pub(super) fn checkpoint(
        &self,
        network: NetworkId,
        own: &Identity,
        note: &[u8],
    ) -> Option<Checkpoint> {
        let text = std::str::from_utf8(note)
            .ok()
            .filter(|text| !text.is_empty())?;
        let signed = SignedCheckpoint::read(text, network, own.partner).ok()?;
        if !self.words.contains(note) {
            signed.verify(own.key.key().as_bytes()).ok()?;
        }
        Some(signed.checkpoint)
    }
}
