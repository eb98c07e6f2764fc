//! The offers of these figures: drafts as a partner publishes them, and the signed catalogue of an
//! author that runs no node. Who stores them is kept out.

use ed25519_dalek::SigningKey;
use omni_node::store::market::{Arrival, Reach};
use omni_protocol::limits::BATCH_RECORDS_MAX;
use omni_protocol::proof::SignedTree;
use omni_protocol::public::{Offer, OfferDraft, PublicBody};
use omni_protocol::record::Signed;
use omni_protocol::slot::Revision;
use omni_protocol::value::{Prose, Text};
use omni_tests::goods::{now, offer};
use omni_tests::node::{chain, network};

/// Who signs [`arrivals`].
const AUTHOR: u8 = 9;

/// Drafts that are all different, with a line of description.
pub(crate) fn drafts(count: usize) -> impl Iterator<Item = OfferDraft> {
    (0..count).map(|number| OfferDraft {
        description: Prose::new(format!(
            "Drill number {number} for wood, stone and metal, 850 W, two speeds, with a case."
        ))
        .expect("short"),
        brand: Text::new("Brenner").expect("valid"),
        mpn: Text::new(format!("BD-{:05}", number % 977)).expect("valid"),
        ..offer(number)
    })
}

/// Records of the author, unsigned.
pub(crate) fn records(count: usize) -> impl Iterator<Item = Signed<PublicBody>> {
    let (network, author) = (network().id(), chain(AUTHOR).partner());
    let (now, mut last) = (now(), None);
    drafts(count).map(move |draft| {
        let revision = Revision::next(last, now).expect("in time");
        last = Some(revision);
        let offer = Box::new(Offer::new(revision, draft).expect("valid"));
        Signed::write(&network, author, PublicBody::Offer(offer)).expect("valid")
    })
}

/// The author's catalogue on its way into a store, a whole tree at a time.
pub(crate) fn arrivals(count: usize) -> impl Iterator<Item = Vec<Arrival>> {
    let key = chain(AUTHOR).in_force().expect("in force");
    let secret = SigningKey::from_bytes(&[AUTHOR; 32]);
    let mut records = records(count);
    std::iter::from_fn(move || {
        let part: Vec<_> = records.by_ref().take(BATCH_RECORDS_MAX).collect();
        let ids: Vec<_> = part.iter().map(Signed::id).collect();
        let tree = SignedTree::sign(&key, &secret, &ids).ok()?;
        let proved = part.into_iter().zip(tree.proofs());
        let arrivals = proved.map(|(record, (_, proof))| {
            let record = record.verify(tree.attested()).expect("its own");
            Arrival::of(&record, proof.clone(), Reach::Public).expect("it fills a slot")
        });
        Some(arrivals.collect())
    })
}
