//! Whom an envelope lets the node ask first, and what is the same quality: the parts of the judgement
//! that need no store.

use omni_protocol::hash::PartnerId;
use omni_protocol::thread::{Conditions, Item, Terms, Window};
use omni_protocol::trade::{
    Destination, HundredthsOfPercent, Method, Nature, Right, RightState, RightTo,
};
use omni_protocol::value::{Minor, Money, Price, Steps, Text, Time, Unit};

use super::{Tried, fits_between, in_order, is_milder, keeps_rights};

fn minor(minor: i64) -> Minor {
    Minor::new(minor).expect("an amount")
}

fn terms(rights: Vec<Right>) -> Terms {
    let item = Item {
        sku: Text::new("SETUP").expect("a number"),
        list: Text::default(),
        offer: None,
        title: Text::new("Set-up").expect("a title"),
        nature: Nature::Service,
        unit: Unit::new("C62", 0).expect("a unit"),
        steps: Steps::new(1).expect("a step"),
        price: Price::new(minor(100), Steps::new(1).expect("a step")).expect("a price"),
    };
    let mut conditions = Conditions::plain(Method::OnSite, Destination::default());
    conditions.rights = omni_protocol::fence::List::new(rights).expect("few");
    Terms::new(vec![item], "EUR".parse().expect("a currency"), conditions).expect("terms")
}

fn right(to: RightTo, within_hours: u32, fee: u16) -> Right {
    Right {
        state: RightState::ALL.first().copied().expect("a state"),
        to,
        within_hours,
        fee: HundredthsOfPercent::new(fee).expect("a share"),
    }
}

#[test]
fn the_cheapest_that_fits_is_asked_first() {
    let one = |number: u8, costs: Option<(i64, &str)>, fits: bool| Tried {
        partner: PartnerId::from_bytes([number; 32]),
        sku: None,
        costs: costs
            .map(|(amount, currency)| (minor(amount), currency.parse().expect("a currency"))),
        outcome: if fits {
            Ok(terms(Vec::new()))
        } else {
            Err("no".to_owned())
        },
    };
    let most = ["EUR", "GBP"].map(|currency| Money {
        minor: minor(1_000),
        currency: currency.parse().expect("a currency"),
    });
    let mut tried = vec![
        one(1, None, false),
        one(2, Some((1, "GBP")), true),
        one(3, Some((900, "EUR")), true),
        one(4, Some((100, "EUR")), false),
        one(5, Some((700, "EUR")), true),
        one(6, Some((900, "EUR")), true),
    ];
    in_order(&mut tried, &most);
    let order: Vec<u8> = tried.iter().map(|one| one.partner.as_bytes()[0]).collect();
    assert_eq!(order, [5, 3, 6, 2, 1, 4]);
}

#[test]
fn a_right_is_as_good_that_lasts_as_long_and_costs_as_little() {
    let asked = right(RightTo::Cancel, 24, 500);
    let check = |other: Right, is_good: bool| assert_eq!(is_milder(&other, &asked), is_good);
    check(asked, true);
    check(right(RightTo::Cancel, 48, 0), true);
    check(right(RightTo::Cancel, 23, 500), false);
    check(right(RightTo::Cancel, 24, 501), false);
    check(right(RightTo::Return, 24, 500), false);
    let with = |rights: &[Right]| terms(rights.to_vec());
    let none = with(&[]);
    assert!(keeps_rights(&none, &with(&[asked])).is_ok());
    assert!(keeps_rights(&none, &none).is_ok());
    let lost = keeps_rights(&with(&[asked]), &none).expect_err("it is stricter");
    assert!(lost.contains("right to cancel"), "{lost}");
    let both = with(&[asked, right(RightTo::Return, 1, 0)]);
    assert!(keeps_rights(&both, &with(&[asked])).is_err());
}

#[test]
fn it_fits_what_comes_before_and_after() {
    let time = |ms| Time::new(ms).expect("a time");
    let window = |from, until| Window::new(time(from), time(until)).ok();
    let fits = |window, before: Option<u64>, after: Option<u64>| {
        fits_between(window, (before.map(time), after.map(time))).is_ok()
    };
    assert!(fits(None, Some(9), Some(1)));
    assert!(fits(window(10, 20), None, None));
    assert!(fits(window(10, 20), Some(10), Some(20)));
    assert!(!fits(window(10, 20), Some(11), None));
    assert!(!fits(window(10, 20), None, Some(19)));
}
