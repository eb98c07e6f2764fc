//! The numbers of words, as section 8 and the tables of SPEC.md list them.

use omni_protocol::{
    public::{Band, Business, Claim, ExhibitForm, MediaRole, Period, WithdrawalReason},
    thread::{AtFault, ChangeWhat, CoLegs, Happening, Role},
    trade::{Method, Nature, RightState, RightTo},
};
use omni_tests::spec::table;

#[test]
fn events_are_those_of_the_specification() {
    let coded: Vec<_> = Happening::ALL
        .iter()
        .map(|what| {
            [
                what.number().to_string(),
                what.name().into(),
                what.by().name().into(),
            ]
        })
        .collect();
    let written: Vec<_> = table("events")
        .into_iter()
        .map(|row| [row[0].clone(), row[1].clone(), row[2].clone()])
        .collect();
    assert_eq!(coded, written);
}

/// What the numbers mean, in the words of the text where it lists them.
#[test]
fn words_have_the_numbers_of_the_specification() {
    macro_rules! check {
        ($($word:ident: $expected:literal;)*) => {
            $(
                let coded: Vec<_> = $word::ALL
                    .iter()
                    .map(|word| format!("{} {}", word.number(), word.name()))
                    .collect();
                assert_eq!(coded.join(", "), $expected, stringify!($word));
            )*
        };
    }
    check! {
        Business: "1 retailer, 2 maker, 3 wholesaler, 4 carrier, 5 installer, 6 service";
        Nature: "1 product, 2 service, 3 recurring";
        MediaRole: "1 image, 2 model, 3 document, 4 video";
        Method: "1 ship, 2 pick up, 3 deliver, 4 on site, 5 remote, 6 digital";
        Period: "1 day, 2 week, 3 month, 4 year";
        RightState: "1 before fulfilment, 2 in fulfilment, 3 after fulfilment";
        RightTo: "1 cancel, 2 return, 3 refund, 4 replace";
        Band: "1 out, 2 low, 3 some, 4 plenty";
        WithdrawalReason: "1 ended, 2 replaced, 3 mistake";
        Claim: "1 two decisions, 2 Release beside Commit, 3 two manifests over one hold, \
            4 ArmReceipt beside Refusal, 5 overspent allotment, 6 two entries at one place, \
            7 inconsistent checkpoints, 8 two key events at one index";
        ExhibitForm: "1 record, 2 entry header, 3 checkpoint";
        Role: "1 requester, 2 provider";
        CoLegs: "1 none, 2 known, 3 any";
        ChangeWhat: "1 amend, 2 cancel";
        AtFault: "1 provider, 2 requester, 3 nobody";
    }
}
