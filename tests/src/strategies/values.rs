//! Values and ids.

use std::fmt::Debug;

use omni_protocol::{
    fence::{Bytes, List, Set, Wire},
    hash::{DealId, PartnerId, RecordId, SubjectId, ThreadId},
    identity::{PublicKey, Signature},
    limits::{MONEY_MINOR_MAX, STEPS_MAX, TIME_MS_MAX},
    slot::Revision,
    thread::Life,
    trade::{Destination, HundredthsOfPercent, Lead, Right, RightState, RightTo},
    value::{Country, Currency, Gtin, Minor, Price, Prose, Region, Steps, Text, Time, Unit},
};
use proptest::{
    collection::{self, SizeRange},
    option,
    prelude::*,
    sample::select,
};

/// Characters of one to four bytes, none of them white space.
const LETTERS: &[char] = &[
    'a', 'Z', '7', '-', '>', 'ß', 'م', '漢', '🪑', '\u{301}', '\u{202e}',
];

/// Some items between `min` and `max`, mostly few, now and then as many as there may be.
fn some_of<T>(item: T, min: usize, max: usize) -> impl Strategy<Value = Vec<T::Value>>
where
    T: Strategy + 'static,
{
    let item = item.boxed();
    let size = |range: SizeRange| collection::vec(item.clone(), range);
    prop_oneof![
        9 => size((min..=max.min(min + 3)).into()),
        1 => size((max.min(64)..=max.min(64)).into()),
    ]
}

/// A text that follows the rules of its type.
pub fn text<const MAX: usize, const MIN: usize>() -> impl Strategy<Value = Text<MAX, MIN>> {
    let drawn = collection::vec(select(LETTERS), MIN..=MAX.min(24)).prop_map(|letters| {
        let (mut text, mut length) = (String::new(), 0);
        for letter in letters {
            length += letter.len_utf8();
            if length <= MAX {
                text.push(letter);
            }
        }
        text
    });
    prop_oneof![
        9 => drawn.prop_filter_map("too short", |text| Text::new(text).ok()),
        1 => Just(Text::new("x".repeat(MAX)).unwrap()),
    ]
}

/// A prose with a line feed and a tab now and then.
pub fn prose<const MAX: usize>() -> impl Strategy<Value = Prose<MAX>> {
    prop_oneof![
        Just(Prose::default()),
        Just("one\n\ttwo".parse().unwrap()),
        Just(Prose::new("x".repeat(MAX)).unwrap()),
    ]
}

/// A list of some items.
pub fn list<T, const MAX: usize, const MIN: usize>(
    item: T,
) -> impl Strategy<Value = List<T::Value, MAX, MIN>>
where
    T: Strategy + 'static,
{
    some_of(item, MIN, MAX).prop_map(|items| List::new(items).unwrap())
}

/// A set of some items.
pub fn set<T, const MAX: usize, const MIN: usize>(
    item: T,
) -> impl Strategy<Value = Set<T::Value, MAX, MIN>>
where
    T: Strategy + 'static,
    T::Value: Wire,
{
    some_of(item, MIN, MAX).prop_map(|items| Set::new(items).unwrap())
}

/// Some bytes.
pub fn bytes<const MAX: usize>() -> impl Strategy<Value = Bytes<MAX>> {
    some_of(any::<u8>(), 0, MAX).prop_map(|bytes| Bytes::new(bytes).unwrap())
}

/// Any of the words of an enum: `word(Method::ALL)`.
pub fn word<T: Copy + Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    select(all)
}

macro_rules! ids {
    ($($function:ident $id:ident),*) => {
        $(
            /// An id.
            pub fn $function() -> impl Strategy<Value = $id> {
                any::<[u8; 32]>().prop_map($id::from_bytes)
            }
        )*
    };
}

ids!(partner PartnerId, record RecordId, deal DealId, thread ThreadId, subject SubjectId);

/// A time within the years that there are.
pub fn time() -> impl Strategy<Value = Time> {
    prop_oneof![
        0..1000_u64,
        1_700_000_000_000..1_800_000_000_000_u64,
        TIME_MS_MAX - 9..=TIME_MS_MAX
    ]
    .prop_map(|ms| Time::new(ms).unwrap())
}

/// A revision of a time before 2100.
pub fn revision() -> impl Strategy<Value = Revision> {
    (0..1_u64 << 58).prop_map(|revision| Revision::new(revision).unwrap())
}

/// Steps, few or many.
pub fn steps() -> impl Strategy<Value = Steps> {
    prop_oneof![1..=300_u64, 1..=STEPS_MAX].prop_map(|steps| Steps::new(steps).unwrap())
}

/// An amount, small or large, of either sign.
pub fn minor() -> impl Strategy<Value = Minor> {
    prop_oneof![-300..=300_i64, -MONEY_MINOR_MAX..=MONEY_MINOR_MAX]
        .prop_map(|minor| Minor::new(minor).unwrap())
}

/// An amount of at least 0.
pub fn minor_from_zero() -> impl Strategy<Value = Minor> {
    minor().prop_map(|minor| Minor::new(minor.get().abs()).unwrap())
}

/// A price.
pub fn price() -> impl Strategy<Value = Price> {
    (minor_from_zero(), steps()).prop_map(|(minor, per)| Price::new(minor, per).unwrap())
}

/// A currency.
pub fn currency() -> impl Strategy<Value = Currency> {
    select(&["EUR", "GBP", "JPY", "XXX"][..]).prop_map(|code| code.parse().unwrap())
}

/// A unit.
pub fn unit() -> impl Strategy<Value = Unit> {
    (select(&["C62", "HUR", "MC", "2N"][..]), 0..=Unit::SCALE_MAX)
        .prop_map(|(code, scale)| Unit::new(code, scale).unwrap())
}

/// A GTIN.
pub fn gtin() -> impl Strategy<Value = Gtin> {
    (0..10_000_000_000_000_u64).prop_map(|number| {
        (0..10)
            .find_map(|check| Gtin::new(number * 10 + check).ok())
            .unwrap()
    })
}

/// A country.
pub fn country() -> impl Strategy<Value = Country> {
    select(&["DE", "GB"][..]).prop_map(|code| code.parse().unwrap())
}

/// A region.
pub fn region() -> impl Strategy<Value = Region> {
    select(&["DE", "GB", "GB-SCT", "FR-75", "JP-1"][..]).prop_map(|code| code.parse().unwrap())
}

/// A destination, named or not.
pub fn destination() -> impl Strategy<Value = Destination> {
    option::of(region()).prop_map(Destination)
}

/// A lead time.
pub fn lead() -> impl Strategy<Value = Lead> {
    any::<(u32, u32)>().prop_map(|(a, b)| Lead::new(a.min(b), a.max(b)).unwrap())
}

/// A share.
pub fn share() -> impl Strategy<Value = HundredthsOfPercent> {
    (0..=10_000_u16).prop_map(|share| HundredthsOfPercent::new(share).unwrap())
}

/// A right.
pub fn right() -> impl Strategy<Value = Right> {
    (
        word(RightState::ALL),
        word(RightTo::ALL),
        any::<u32>(),
        share(),
    )
        .prop_map(|(state, to, within_hours, fee)| Right {
            state,
            to,
            within_hours,
            fee,
        })
}

/// A life.
pub fn life() -> impl Strategy<Value = Life> {
    (1..=u64::MAX).prop_map(|bits| Life::new(bits).unwrap())
}

/// A public key, one of a few.
pub fn public_key() -> impl Strategy<Value = PublicKey> {
    (1..9_u8)
        .prop_map(|number| PublicKey::of(&ed25519_dalek::SigningKey::from_bytes(&[number; 32])))
}

/// Bytes in the place of a signature.
pub fn signature() -> impl Strategy<Value = Signature> {
    any::<[[u8; 32]; 2]>().prop_map(|halves| {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&halves[0]);
        bytes[32..].copy_from_slice(&halves[1]);
        Signature::from_bytes(bytes)
    })
}
