//! The tables of SPEC.md, row by row, against the code.

use omni_protocol::{
    code::Code,
    hash::Tag,
    limits,
    record::{Audience, Kind, Replaces},
};
use omni_tests::spec::table;

#[test]
fn limits_are_those_of_the_specification() {
    let written: Vec<_> = table("limits")
        .into_iter()
        .map(|row| row[..3].to_vec())
        .collect();
    let coded: Vec<_> = limits::ALL
        .iter()
        .map(|limit| {
            vec![
                limit.name.to_owned(),
                limit.value.to_string(),
                limit.unit.to_owned(),
            ]
        })
        .collect();
    assert_eq!(coded, written);
}

#[test]
fn codes_are_those_of_the_specification() {
    let coded: Vec<_> = Code::ALL
        .iter()
        .map(|code| {
            vec![
                code.number().to_string(),
                code.name().to_owned(),
                code.fault().name().to_owned(),
                code.sentence().to_owned(),
            ]
        })
        .collect();
    assert_eq!(coded, table("codes"));
}

#[test]
fn tags_are_those_of_the_specification() {
    let written: Vec<_> = table("tags")
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    let coded: Vec<_> = Tag::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(coded, written);
}

#[test]
fn kinds_are_those_of_the_specification() {
    let coded: Vec<_> = Kind::ALL
        .iter()
        .map(|kind| {
            let audience = match kind.audience() {
                Audience::Public => "public",
                Audience::PublicOrNamed => "public or named",
                Audience::Named => "named",
                Audience::AsWithdrawn => "as the withdrawn",
                Audience::Thread => "thread",
                Audience::Members => "members",
            };
            let slot = match kind.replaces() {
                _ if kind.is_reserved() => "reserved",
                Replaces::OfAuthor => "one per author",
                Replaces::OfSubject => "subject",
                Replaces::Withdrawn => "the withdrawn record's",
                Replaces::Nothing
                    if matches!(kind.audience(), Audience::Thread | Audience::Members) =>
                {
                    ""
                }
                Replaces::Nothing => "none: never replaced",
            };
            vec![
                kind.number().to_string(),
                kind.name().into(),
                audience.into(),
                slot.into(),
            ]
        })
        .collect();
    assert_eq!(coded, table("kinds"));
}

/// SPEC.md: a table whose name is misspelled in a test must not pass as an empty one.
#[test]
#[should_panic(expected = "no table")]
fn a_table_that_is_missing_is_noticed() {
    table("nonsense");
}
