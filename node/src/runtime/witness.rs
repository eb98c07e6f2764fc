//! The witness: the highest checkpoint of a partner that its letters showed, and what contradicts
//! it. Signatures are checked only where one does not follow the other, so that a letter costs no
//! check: what is kept of an unsigned one misleads nobody but its author, who is shown it.

use omni_protocol::hash::{NetworkId, PartnerId};
use omni_protocol::identity::KeyChain;
use omni_protocol::ledger::note::SignedCheckpoint;

/// The highest checkpoint of one partner.
#[derive(Debug, Default)]
pub(super) struct Witness {
    highest: Option<(SignedCheckpoint, Vec<u8>)>,
}

/// What a letter's checkpoint is beside the highest that was shown before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nothing new: the same, a smaller one, or none.
    Nothing,
    /// The highest from now on.
    Higher,
    /// No one ledger has both, and both are signed.
    Contradiction(Box<[SignedCheckpoint; 2]>),
}

impl Witness {
    /// Goes on from what was kept.
    pub(super) fn kept(note: Option<Vec<u8>>, network: NetworkId, partner: PartnerId) -> Self {
        let highest = note.and_then(|note| Some((read(&note, network, partner)?, note)));
        Self { highest }
    }

    /// The highest, as its author wrote it; empty if none is known.
    pub(super) fn text(&self) -> &[u8] {
        self.highest.as_ref().map_or(&[], |(_, text)| text)
    }

    /// A letter of the partner with this key chain showed a checkpoint.
    pub(super) fn shown(&mut self, note: &[u8], network: NetworkId, chain: &KeyChain) -> Shown {
        if note == self.text() {
            return Shown::Nothing;
        }
        let Some(new) = read(note, network, chain.partner()) else {
            return Shown::Nothing;
        };
        let place = |note: &SignedCheckpoint| (note.checkpoint.epoch, note.checkpoint.size);
        if let Some((highest, _)) = &self.highest {
            let is_signed = |note: &SignedCheckpoint| {
                let key = chain.of_index(note.key_index);
                key.is_ok_and(|key| note.verify(key.key().as_bytes()).is_ok())
            };
            if highest.checkpoint.contradicts(&new.checkpoint)
                && is_signed(highest)
                && is_signed(&new)
            {
                return Shown::Contradiction(Box::new([*highest, new]));
            }
            // An unsigned one in its place would hide what comes below it.
            if place(&new) <= place(highest) && (is_signed(highest) || !is_signed(&new)) {
                return Shown::Nothing;
            }
        }
        self.highest = Some((new, note.to_vec()));
        Shown::Higher
    }
}

fn read(note: &[u8], network: NetworkId, partner: PartnerId) -> Option<SignedCheckpoint> {
    let text = std::str::from_utf8(note).ok()?;
    SignedCheckpoint::read(text, network, partner).ok()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use omni_protocol::hash::NetworkName;
    use omni_protocol::identity::{Inception, KeyEvent, PublicKey, sign_bytes, sign_event};
    use omni_protocol::ledger::note::Checkpoint;
    use omni_protocol::value::Time;

    use super::*;

    fn chain(secret: &SigningKey, network: NetworkId) -> KeyChain {
        let digest = PublicKey::of(&SigningKey::from_bytes(&[9; 32])).digest();
        let inception = Inception::new(network, PublicKey::of(secret), digest, digest);
        let partner = inception.partner();
        let event = KeyEvent::Inception(inception);
        let (record, proof) = sign_event(network, partner, event, secret).unwrap();
        KeyChain::begin(network, record, proof).unwrap()
    }

    #[test]
    fn the_highest_is_kept_and_only_signed_contradictions_count() {
        let network = NetworkName::new("test").unwrap().id();
        let (secret, forger) = ([1, 2]).map(|n| SigningKey::from_bytes(&[n; 32])).into();
        let chain = chain(&secret, network);
        let partner = chain.partner();
        let note = |(epoch, size): (u32, u64), root: u8, signer: &SigningKey| {
            let checkpoint = Checkpoint {
                network,
                partner,
                epoch,
                size,
                root: [root; 32],
                at: Time::new(1_700_000_000_000).unwrap(),
                life: 7,
            };
            let signature = sign_bytes(signer, checkpoint.text().as_bytes());
            let key = PublicKey::of(&secret);
            let note = checkpoint.signed(0, key.as_bytes(), *signature.as_bytes());
            note.text().into_bytes()
        };
        let first = note((0, 5), 1, &secret);
        let mut witness = Witness::kept(None, network, partner);
        let mut check = |new: &[u8], expected: &str, text: &[u8]| {
            let shown = witness.shown(new, network, &chain);
            assert!(format!("{shown:?}").starts_with(expected), "{shown:?}");
            assert_eq!(witness.text(), text);
        };
        check(&first, "Higher", &first);
        check(&first, "Nothing", &first);
        check(b"", "Nothing", &first);
        check(b"no note", "Nothing", &first);
        check(&note((0, 4), 1, &secret), "Nothing", &first);
        check(&note((0, 5), 2, &forger), "Nothing", &first);
        check(&note((0, 5), 2, &secret), "Contradiction", &first);
        let next = note((1, 1), 3, &secret);
        check(&next, "Higher", &next);
        // A forged one that is higher stands only until a signed one comes.
        let forged = note((9, 9), 9, &forger);
        check(&forged, "Higher", &forged);
        check(&note((1, 1), 8, &forger), "Nothing", &forged);
        check(&next, "Higher", &next);
        check(&note((1, 1), 4, &secret), "Contradiction", &next);

        // Kept over a restart, and that of another partner is none.
        let mut again = Witness::kept(Some(next.clone()), network, partner);
        let other = note((1, 1), 4, &secret);
        let shown = again.shown(&other, network, &chain);
        assert!(matches!(shown, Shown::Contradiction(_)), "{shown:?}");
        let stranger = PartnerId::from_bytes([3; 32]);
        assert_eq!(Witness::kept(Some(next), network, stranger).text(), b"");
    }
}
