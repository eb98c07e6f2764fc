//! Bodies of the records of a bundle.

use omni_protocol::{
    bundle::{ArmReceipt, BundleBody, Lapse, Leg, Manifest, Member},
    fence::List,
    hash::{DealId, RecordId},
    thread::Header,
};
use proptest::{option, prelude::*};

use super::{
    frames::proved,
    thread::{header, leg_name, within},
    values::*,
};

/// The body of a record of a bundle.
pub fn bundle_body() -> BoxedStrategy<BundleBody> {
    prop_oneof![
        (within(), deal(), leg_name()).prop_map(|(header, deal, leg)| BundleBody::ArmReceipt(
            ArmReceipt { header, deal, leg }
        )),
        (within(), deal(), leg_name()).prop_map(|(header, deal, leg)| BundleBody::Lapse(Lapse {
            header,
            deal,
            leg
        })),
        manifest().prop_map(|body| BundleBody::Manifest(Box::new(body))),
    ]
    .boxed()
}

fn member() -> impl Strategy<Value = Member> {
    let keys = prop::collection::vec(proved(), 0..=1);
    let addresses = prop::collection::vec(text(), 0..=1);
    let mailboxes = prop::collection::vec(partner(), 0..=2);
    (partner(), keys, addresses, mailboxes).prop_map(|(partner, keys, addresses, mailboxes)| {
        Member {
            partner,
            keys: List::new(keys).unwrap(),
            addresses: List::new(addresses).unwrap(),
            mailboxes: List::new(mailboxes).unwrap(),
        }
    })
}

/// A manifest in which every member provides one leg, or the first provider two.
pub fn manifest() -> impl Strategy<Value = Manifest> {
    let members = prop::collection::vec(member(), 2..=5);
    let legs = prop::collection::vec((any::<[u8; 32]>(), any::<[u8; 32]>(), any::<u8>()), 5);
    let rest = (option::of(leg_name()), option::of(any::<u16>()));
    (header(), members, legs, rest).prop_map(|(header, members, drawn, (whole, last))| {
        let header = Header {
            thread: None,
            parent: None,
            ..header
        };
        let places = (1..members.len()).chain([1]).zip(drawn);
        let legs: Vec<Leg> = places
            .map(|(member, (deal, hold, alternative))| Leg {
                member: u16::try_from(member).unwrap(),
                deal: DealId::from_bytes(deal),
                hold: RecordId::from_bytes(hold),
                alternative,
            })
            .collect();
        let last = last.map(|last| last % u16::try_from(legs.len()).unwrap());
        let (members, legs) = (List::new(members).unwrap(), List::new(legs).unwrap());
        match whole {
            Some(whole) => Manifest::of_parts(header, whole, members, legs),
            None => Manifest::new(header, members, legs, last),
        }
        .unwrap()
    })
}
