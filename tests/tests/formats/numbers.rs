//! Prices and quantities: exact from their text, refused where they may mean two things.

use omni_node::formats::{
    decimal::{Decimal, NumberFault, Separator},
    draft::Stock,
};

use crate::{options, read};

/// The number at six places, or why not.
fn text(written: &str, separator: Option<Separator>) -> Result<i64, NumberFault> {
    Decimal::from_text(written, separator).map(|d| d.at_places(6).expect(written))
}

#[test]
fn numbers_as_people_write_them() {
    for (written, expected) in [
        ("0", 0),
        ("12", 12_000_000),
        ("12.5", 12_500_000),
        ("12,5", 12_500_000),
        ("12.50", 12_500_000),
        ("0.125", 125_000),
        ("0,125", 125_000),
        ("1234.567", 1_234_567_000),
        (".5", 500_000),
        ("1,234.5", 1_234_500_000),
        ("1.234,5", 1_234_500_000),
        ("1,234,567", 1_234_567_000_000),
        ("1 234,567", 1_234_567_000),
        ("1\u{a0}234", 1_234_000_000),
        ("1\u{202f}234.5", 1_234_500_000),
        ("1'234.50", 1_234_500_000),
        ("-3", -3_000_000),
        ("\u{2212}3", -3_000_000),
    ] {
        assert_eq!(text(written, None), Ok(expected), "{written}");
    }
}

#[test]
fn numbers_that_are_unclear() {
    for (written, expected) in [
        ("1.234", NumberFault::Ambiguous),
        ("1,234", NumberFault::Ambiguous),
        ("999,999", NumberFault::Ambiguous),
        ("1,23,456", NumberFault::Grouping),
        ("12,34.5", NumberFault::Grouping),
        ("1 23", NumberFault::Grouping),
        ("1,234.567,8", NumberFault::NotANumber),
        ("1.234.56", NumberFault::Grouping),
        ("1234,567,890", NumberFault::Grouping),
        ("", NumberFault::NotANumber),
        (".", NumberFault::NotANumber),
        ("12.", NumberFault::NotANumber),
        ("--1", NumberFault::NotANumber),
        ("+1", NumberFault::NotANumber),
        ("1_000", NumberFault::NotANumber),
        ("4,01E+12", NumberFault::Shortened),
        (
            "1234567890123456789012345678901",
            NumberFault::TooManyDigits,
        ),
    ] {
        assert_eq!(text(written, None), Err(expected), "{written}");
    }
}

#[test]
fn a_given_separator_settles_it() {
    assert_eq!(text("1.234", Some(Separator::Point)), Ok(1_234_000));
    assert_eq!(text("1.234", Some(Separator::Comma)), Ok(1_234_000_000));
    assert_eq!(text("1,234", Some(Separator::Comma)), Ok(1_234_000));
    assert_eq!(text("1,234", Some(Separator::Point)), Ok(1_234_000_000));
    assert_eq!(
        text("12,50", Some(Separator::Point)),
        Err(NumberFault::Grouping)
    );
}

#[test]
fn json_numbers_are_taken_from_their_text() {
    for (written, expected) in [
        ("2219", Some(2_219_000_000)),
        ("0.1", Some(100_000)),
        ("1.234", Some(1_234_000)),
        ("1e3", Some(1_000_000_000)),
        ("1.5E-2", Some(15_000)),
        ("-0", Some(0)),
        ("4035.00", Some(4_035_000_000)),
    ] {
        let number = Decimal::from_json(written).expect(written);
        assert_eq!(number.at_places(6), expected, "{written}");
    }
    // A double holds 9007199254740993 as …992.
    let large = Decimal::from_json("9007199254740993").expect("fits");
    assert_eq!(large.at_places(0), Some(9_007_199_254_740_993));
}

/// Reads one row with this price cell; the result is `minor per currency`, or the code of the problem.
fn price(cell: &str, flags: &[&str]) -> String {
    let content = format!("sku\ttitle\tprice\nA\tT\t{cell}\n");
    let outcome = read("a.tsv", content, options(flags));
    match (outcome.drafts.first(), outcome.problems.first()) {
        (Some(d), None) => format!("{} {} {}", d.minor, d.per, d.currency),
        (None, Some(p)) => p.reason.code().to_owned(),
        other => panic!("{cell}: {other:?}"),
    }
}

#[test]
fn prices_and_their_currencies() {
    for (cell, flags, expected) in [
        ("12.5", &["currency=EUR"][..], "1250 1 EUR"),
        ("12.5", &["currency=eur"], "1250 1 EUR"),
        ("12.5", &["currency=THB"], "1250 1 THB"),
        ("1250", &["currency=JPY"], "1250 1 JPY"),
        ("1250.00", &["currency=JPY"], "1250 1 JPY"),
        ("1.5", &["currency=KWD"], "1500 1 KWD"),
        // Finer than the minor unit: the price of ten, of a hundred …
        ("12.5", &["currency=JPY"], "125 10 JPY"),
        ("0.0123", &["currency=EUR"], "123 100 EUR"),
        ("0.0000001", &["currency=EUR"], "too-fine"),
        ("€ 12,50", &[], "1250 1 EUR"),
        ("12,50 €", &["currency=EUR"], "1250 1 EUR"),
        ("£1,299.00", &[], "129900 1 GBP"),
        ("12.50 USD", &[], "1250 1 USD"),
        ("usd 12.50", &["currency=EUR"], "1250 1 USD"),
        ("$12.50", &["currency=CAD"], "1250 1 CAD"),
        ("$12.50", &[], "no-currency"),
        ("$12.50", &["currency=EUR"], "other-currency"),
        ("¥1250", &["currency=JPY"], "1250 1 JPY"),
        ("Fr. 12.50", &[], "1250 1 CHF"),
        ("12.50", &[], "no-currency"),
        ("12.50", &["currency=XXX"], "unknown-currency"),
        ("12.50", &["currency=XAU"], "unknown-currency"),
        ("12.50", &["currency=EURO"], "unknown-currency"),
        ("12.50 €/kg", &["currency=EUR"], "not-a-number"),
        ("€12.50€", &["currency=EUR"], "not-a-number"),
        (
            "10000000000000.00",
            &["currency=EUR"],
            "1000000000000000 1 EUR",
        ),
        ("10000000000000.01", &["currency=EUR"], "too-much"),
        ("2.5", &["currency=EUR", "per=100"], "250 100 EUR"),
        ("2.5", &["currency=EUR", "unit=KGM:3"], "250 1000 EUR"),
        ("2.5", &["currency=EUR", "unit=furlong"], "unknown-unit"),
    ] {
        assert_eq!(price(cell, flags), expected, "{cell} {flags:?}");
    }
}

#[test]
fn a_column_of_currencies_has_to_agree_with_the_price() {
    let read_with = |price: &str| {
        let content = format!("sku;title;price;currency\nA;T;{price};GBP\n");
        read("a.csv", content, options(&["currency=EUR"]))
    };
    assert_eq!(read_with("12.50").drafts[0].currency, "GBP");
    assert_eq!(read_with("£12.50").drafts[0].currency, "GBP");
    assert_eq!(read_with("€12.50").told(), ["2 price other-currency"]);
    assert_eq!(read_with("12.50 EUR").told(), ["2 price other-currency"]);
}

#[test]
fn tiers_and_suggested_prices_share_the_quantity_of_the_price() {
    let content = "sku;title;price;tiers;rrp\nA;T;2.50;10:2.255 100:2;3.99\n";
    let outcome = read("a.csv", content, options(&["currency=EUR"]));
    // Thousandths need a price for ten; `2.255` is ambiguous unless it is said what the point means.
    assert_eq!(outcome.told(), ["2 tiers ambiguous-number"]);
    let mut options = options(&["currency=EUR"]);
    options.separator = Some(Separator::Point);
    let outcome = read("a.csv", content, options);
    let draft = &outcome.drafts[0];
    assert_eq!(
        (draft.minor, draft.per, draft.suggested),
        (2500, 10, Some(3990))
    );
    assert_eq!(draft.tiers, [(10, 2255), (100, 2000)]);
}

#[test]
fn stock() {
    for (cell, flags, expected) in [
        ("12", &[][..], Ok(Stock::Counted(12))),
        ("0", &[], Ok(Stock::Counted(0))),
        ("1,200", &[], Err("ambiguous-number")),
        ("12.5", &[], Err("too-fine")),
        ("12.5", &["unit=HUR:1"], Ok(Stock::Counted(125))),
        ("in_stock", &[], Ok(Stock::Some)),
        ("In Stock", &[], Ok(Stock::Some)),
        ("out of stock", &[], Ok(Stock::Out)),
        ("", &[], Ok(Stock::Unsaid)),
        ("plenty", &[], Err("unknown-word")),
        ("9999999999999", &[], Err("out-of-range")),
    ] {
        let mut flags = flags.to_vec();
        flags.push("currency=EUR");
        let outcome = read(
            "a.csv",
            format!("sku;title;price;stock\nA;T;1;{cell}\n"),
            options(&flags),
        );
        let found = match outcome.drafts.first() {
            Some(draft) => Ok(draft.stock),
            None => Err(outcome.problems[0].reason.code()),
        };
        assert_eq!(found, expected, "{cell}");
    }
    let outcome = read(
        "a.csv",
        "sku,title,price,stock\nA,T,1,-3\n",
        options(&["currency=EUR"]),
    );
    assert_eq!(outcome.drafts[0].stock, Stock::Counted(0));
    assert_eq!(outcome.counts(), [1, 0, 0, 0, 0, 1], "said in a note");
}

#[test]
fn quantities() {
    for (increment, minimum, maximum, expected) in [
        ("", "", "", Ok((1, 1))),
        ("6", "", "", Ok((6, 6))),
        ("6", "12", "60", Ok((6, 12))),
        ("6", "8", "", Err("out-of-range")),
        ("", "5", "4", Err("out-of-range")),
        ("0", "", "", Err("out-of-range")),
        ("-1", "", "", Err("negative")),
        ("0.5", "", "", Err("too-fine")),
    ] {
        let row = format!(
            "sku;title;price;increment;minimum;maximum\nA;T;1;{increment};{minimum};{maximum}\n"
        );
        let outcome = read("a.csv", row, options(&["currency=EUR"]));
        let found = match outcome.drafts.first() {
            Some(draft) => Ok((draft.increment, draft.minimum)),
            None => Err(outcome.problems[0].reason.code()),
        };
        assert_eq!(found, expected, "{increment} {minimum} {maximum}");
    }
}

#[test]
fn gtins_need_their_check_digit() {
    for (cell, expected) in [
        ("4006381333931", Some(4_006_381_333_931)),
        ("4-006381-333931", Some(4_006_381_333_931)),
        ("04006381333931", Some(4_006_381_333_931)),
        ("96385074", Some(96_385_074)),
        ("036000291452", Some(36_000_291_452)),
        ("4006381333930", None),
        ("400638133393", None),
        ("4,00638E+12", None),
        ("n/a", None),
    ] {
        let outcome = read(
            "a.csv",
            format!("sku;title;price;ean\nA;T;1;{cell}\n"),
            options(&["currency=EUR"]),
        );
        assert_eq!(outcome.drafts[0].gtin, expected, "{cell}");
        assert_eq!(
            outcome.problems.len(),
            usize::from(expected.is_none()),
            "{cell}"
        );
    }
}
