//! What holds for any value and any bytes.

use std::fmt::Debug;

use omni_protocol::{
    code::Code,
    fence::{self, Set, Wire},
    limits::{MONEY_MINOR_MAX, STEPS_MAX},
    slot::{Meeting, Revision, meet},
    value::{Gtin, Minor, Price, Prose, Steps, Text, Time},
};
use proptest::prelude::*;

fn round_trip<T: Wire + PartialEq + Debug>(value: &T) -> Result<(), TestCaseError> {
    let bytes = fence::encode(value, 1 << 20).expect("a valid value is encoded");
    let read = fence::decode::<T>(&bytes, 1 << 20);
    prop_assert_eq!(read.as_ref(), Ok(value));
    Ok(())
}

proptest! {
    #[test]
    fn texts_are_read_as_written(text in any::<String>()) {
        if let Ok(text) = Text::<300>::new(text.as_str()) {
            round_trip(&text)?;
        }
        if let Ok(text) = Prose::<300>::new(text.as_str()) {
            round_trip(&text)?;
        }
    }

    #[test]
    fn sets_have_one_form_whatever_the_order(mut items in prop::collection::vec(any::<u16>(), 0..8)) {
        let set = Set::<u16, 8>::new(items.as_slice()).expect("at most eight");
        round_trip(&set)?;
        items.reverse();
        prop_assert_eq!(Set::<u16, 8>::new(items), Ok(set));
    }

    /// I16: totals are integers, rounded half up, and never overflow.
    #[test]
    fn i16_totals_round_half_up(
        minor in 0..=MONEY_MINOR_MAX,
        per in 1..=STEPS_MAX,
        steps in 1..=STEPS_MAX,
    ) {
        let price = Price::new(Minor::new(minor).unwrap(), Steps::new(per).unwrap()).unwrap();
        round_trip(&price)?;
        let exact = i128::from(minor) * i128::from(steps);
        let (whole, rest) = (exact / i128::from(per), exact % i128::from(per));
        let expected = if rest * 2 >= i128::from(per) { whole + 1 } else { whole };
        let total = price.line_total(Steps::new(steps).unwrap()).map(|total| total.get().into());
        prop_assert_eq!(total, Some(expected).filter(|total| *total <= MONEY_MINOR_MAX.into()));
    }

    #[test]
    fn one_wrong_digit_of_a_gtin_is_noticed(number in 0..10_000_000_000_000_u64, place in 0..14_u32, by in 1..10_u64) {
        let valid = (0..10).filter_map(|check| Gtin::new(number * 10 + check).ok()).collect::<Vec<_>>();
        prop_assert_eq!(valid.len(), 1);
        let right = valid[0].get();
        let digit = right / 10_u64.pow(place) % 10;
        let wrong = right - digit * 10_u64.pow(place) + (digit + by) % 10 * 10_u64.pow(place);
        prop_assert!(Gtin::new(wrong).is_err(), "{} for {}", wrong, right);
    }

    /// I5: whatever arrives in whatever order, the same record stands.
    #[test]
    fn i5_the_same_record_stands_in_any_order(
        records in prop::collection::vec((0..4_u64, any::<u8>()), 1..8).prop_shuffle(),
    ) {
        use omni_protocol::hash::RecordId;
        let record = |(revision, id): (u64, u8)| {
            let now = Time::new(revision).unwrap();
            (Revision::next(None, now).unwrap(), RecordId::from_bytes([id; 32]))
        };
        let standing = records.iter().map(|pair| record(*pair)).reduce(|standing, arriving| {
            match meet(arriving, standing) {
                Meeting::Replaces | Meeting::TwinReplaces => arriving,
                Meeting::Same | Meeting::Outdated | Meeting::TwinYields => standing,
            }
        });
        prop_assert_eq!(standing, records.iter().map(|pair| record(*pair)).max());
    }

    #[test]
    fn revisions_ascend(start in any::<u32>(), clocks in prop::collection::vec(any::<u32>(), 1..50)) {
        let mut last = Revision::next(None, Time::new(start.into()).unwrap());
        for clock in clocks {
            let next = Revision::next(last, Time::new(clock.into()).unwrap());
            prop_assert!(next > last);
            prop_assert!(next.unwrap().time() >= Time::new(clock.into()).unwrap());
            last = next;
        }
    }

    #[test]
    fn codes_are_read_by_number(number in any::<u16>()) {
        let bytes = fence::to_bytes(&number);
        let expected = Code::from_number(number).ok_or(Code::Malformed);
        prop_assert_eq!(fence::decode::<Code>(&bytes, 3), expected);
    }
}
