//! Bodies of the records of a bundle whose requester is the partner 1.

use omni_protocol::{
    bundle::{ArmReceipt, BundleBody, Lapse, Leg, Manifest, Member},
    fence::List,
};

use super::{
    deal, partner, proved, record,
    thread::{header, leg_name, opening},
};

fn member(number: u8) -> Member {
    Member {
        partner: partner(number),
        keys: List::new([proved(number)]).unwrap(),
        addresses: List::new(["/ip4/192.0.2.7/tcp/4001".parse().unwrap()]).unwrap(),
        mailboxes: List::default(),
    }
}

fn leg(member: u16, number: u8) -> Leg {
    Leg {
        member,
        deal: deal(0x40 + number),
        hold: record(0x60 + number),
        alternative: number % 3,
    }
}

pub(super) fn all() -> Vec<(&'static str, BundleBody)> {
    let (header, leg_name) = (header(), leg_name());
    let deal = deal(0x41);
    let members = |last: u8| List::new((1..=last).map(member).collect::<Vec<_>>()).unwrap();
    let three = List::new([leg(2, 0), leg(1, 1), leg(2, 2)]).unwrap();
    let bundle = Manifest::new(opening(), members(3), three, Some(1)).unwrap();
    let part = List::new([leg(1, 3)]).unwrap();
    let part = Manifest::of_parts(opening(), leg_name, members(2), part).unwrap();
    vec![
        (
            "ArmReceipt",
            BundleBody::ArmReceipt(ArmReceipt {
                header,
                deal,
                leg: leg_name,
            }),
        ),
        (
            "Lapse",
            BundleBody::Lapse(Lapse {
                header,
                deal,
                leg: leg_name,
            }),
        ),
        ("Manifest", BundleBody::Manifest(Box::new(bundle))),
        ("Manifest of a part", BundleBody::Manifest(Box::new(part))),
    ]
}
