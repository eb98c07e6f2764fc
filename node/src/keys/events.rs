//! The file `keys/key-events`: the partner's key events with their proofs, one a line. Nothing in
//! it is secret; without it a node that rotated can't show whose keys it has.

use omni_protocol::fence;
use omni_protocol::identity::{KeyChain, KeyEvent};
use omni_protocol::proof::Proof;
use omni_protocol::record::Signed;

use super::Identity;
use super::text::{all_bytes, hex};

const FIRST_LINE: &str = "omni key events, version 1";
/// A signature, and a path without hashes.
const PROOF_BYTES_MAX: usize = 512;

/// The lines for a chain.
pub(super) fn write(chain: &KeyChain) -> String {
    let head = format!(
        "{FIRST_LINE}\n\
         # Public: how the partner's market keys follow each other. The node needs this file.\n"
    );
    chain.events().fold(head, |text, (record, proof)| {
        let (record, proof) = (hex(record.bytes()), hex(&fence::to_bytes(proof)));
        text + "event: " + &record + " " + &proof + "\n"
    })
}

/// The chain in such lines, if it is that of `identity`.
pub(super) fn read(text: &str, identity: &Identity) -> Result<KeyChain, &'static str> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    if lines.next() != Some(FIRST_LINE) {
        return Err("the first line is not \"omni key events, version 1\"");
    }
    let network = identity.network().id();
    let event = |line: &str| {
        let (record, proof) = line.strip_prefix("event: ")?.split_once(' ')?;
        let record = Signed::<KeyEvent>::read(&network, all_bytes(record)?).ok()?;
        let proof = fence::decode::<Proof>(&all_bytes(proof)?, PROOF_BYTES_MAX).ok()?;
        Some((record, proof))
    };
    let events: Option<Vec<_>> = lines.map(event).collect();
    let events = events.ok_or("a line is no event")?;
    let chain = KeyChain::read(network, events).or(Err("its events do not follow each other"))?;
    if chain.partner() == identity.partner() {
        Ok(chain)
    } else {
        Err("its events are another partner's")
    }
}
