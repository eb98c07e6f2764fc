//! Terms: what is agreed, in full, with totals that follow from the lines. What a provider grants,
//! and where terms rest on an offer, is judged elsewhere.

use alloc::vec::Vec;

use crate::{
    fence::{self, List},
    hash::{self, DealId, PartnerId, RecordId, Tag, TermsHash},
    limits::{LINES_MAX, LIST_BYTES_MAX, RIGHTS_MAX, SKU_BYTES_MAX, TITLE_BYTES_MAX},
    trade::{Destination, Method, Nature, Right},
    value::{Currency, Invalid, Minor, Price, Prose, Steps, Text, Time, Unit},
    wire, words,
};

/// What one line is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// The provider's article number.
    pub sku: Text<SKU_BYTES_MAX>,
    /// The provider's price list.
    pub list: Text<LIST_BYTES_MAX>,
    /// Id of the offer that the line rests on.
    pub offer: Option<RecordId>,
    /// Title, as both sides shall read it.
    pub title: Text<TITLE_BYTES_MAX>,
    /// What kind of thing it is.
    pub nature: Nature,
    /// Unit, and the size of a step.
    pub unit: Unit,
    /// How many steps.
    pub steps: Steps,
    /// Price.
    pub price: Price,
}

wire!(Item {
    sku,
    list,
    offer,
    title,
    nature,
    unit,
    steps,
    price
});

/// An item with what it costs. Lines that were read may state a wrong total; see
/// [`Terms::totals_hold`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    item: Item,
    total: Minor,
}

wire!(Line { item, total });

impl Line {
    /// What the line is about.
    #[must_use]
    pub const fn item(&self) -> &Item {
        &self.item
    }

    /// What it states to cost.
    #[must_use]
    pub const fn total(&self) -> Minor {
        self.total
    }
}

words! {
    /// What is done to an order.
    pub enum ChangeWhat {
        /// Its terms are replaced; what the total is more than the lines is the fee.
        1 Amend "amend",
        /// The lines named are cancelled; the total is the fee.
        2 Cancel "cancel",
    }
}

/// The change of an order at one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Change {
    /// The order: its deal id.
    pub order: DealId,
    /// The version that it changes.
    pub version: u32,
    /// What is done to it.
    pub what: ChangeWhat,
}

wire!(Change {
    order,
    version,
    what
});

/// A span in which it shall be fulfilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    from: Time,
    until: Time,
}

wire!(Window { from, until } check);

impl Window {
    /// # Errors
    /// `Rule` if it ends before it begins.
    pub fn new(from: Time, until: Time) -> Result<Self, Invalid> {
        let window = Self { from, until };
        window.check()?;
        Ok(window)
    }

    fn check(&self) -> Result<(), Invalid> {
        if self.from > self.until {
            return Err(Invalid::Rule("a window must not end before it begins"));
        }
        Ok(())
    }

    /// Its beginning.
    #[must_use]
    pub const fn from(self) -> Time {
        self.from
    }

    /// Its end.
    #[must_use]
    pub const fn until(self) -> Time {
        self.until
    }
}

/// What holds for all lines.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conditions {
    /// How it reaches the customer.
    pub method: Method,
    /// Where to, for price and feasibility; the address itself travels only sealed.
    pub region: Destination,
    /// Postcode; may be empty.
    pub postcode: Text<16>,
    /// When it shall be fulfilled.
    pub window: Option<Window>,
    /// Incoterms 2020; may be empty.
    pub incoterm: Text<3>,
    /// Days from fulfilment until payment is due.
    pub payment_days: u16,
    /// The requester's rights.
    pub rights: List<Right, RIGHTS_MAX>,
    /// Whether the provider does not show itself to the customer.
    pub white_label: bool,
    /// Whether the deal is part of a chain, so that nothing ships before the Ack.
    pub for_chain: bool,
    /// Who arbitrates.
    pub arbiter: Option<PartnerId>,
    /// A note to the other side.
    pub note: Prose<1024>,
    /// The change of an order; absent for a new one.
    pub on: Option<Change>,
}

wire!(Conditions {
    method,
    region,
    postcode,
    window,
    incoterm,
    payment_days,
    rights,
    white_label,
    for_chain,
    arbiter,
    note,
    on,
});

impl Conditions {
    /// Conditions with nothing special: no window, no rights, payment due at once.
    #[must_use]
    pub fn plain(method: Method, region: Destination) -> Self {
        Self {
            method,
            region,
            postcode: Text::default(),
            window: None,
            incoterm: Text::default(),
            payment_days: 0,
            rights: List::default(),
            white_label: false,
            for_chain: false,
            arbiter: None,
            note: Prose::default(),
            on: None,
        }
    }
}

/// Full terms. Those made here have the totals that their lines give; those that were read may
/// state others, for which they are refused by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Terms {
    lines: List<Line, LINES_MAX, 1>,
    currency: Currency,
    total: Minor,
    conditions: Conditions,
}

wire!(Terms {
    lines,
    currency,
    total,
    conditions
});

impl Terms {
    /// Terms of an order or of its amendment: the total is the sum of the line totals.
    ///
    /// # Errors
    /// `TooMany` or `TooFew` lines; `Rule` if an amount is too large or the change is a
    /// cancellation.
    pub fn new(
        items: Vec<Item>,
        currency: Currency,
        conditions: Conditions,
    ) -> Result<Self, Invalid> {
        if cancels(&conditions) {
            return Err(Invalid::Rule("a cancellation must state its fee"));
        }
        let lines = priced(items)?;
        let total = sum(&lines).ok_or(AMOUNT_TOO_LARGE)?;
        Ok(Self {
            lines,
            currency,
            total,
            conditions,
        })
    }

    /// Terms of a cancellation: the items are those cancelled, the total is the fee.
    ///
    /// # Errors
    /// `TooMany` or `TooFew` lines; `Rule` if a line's amount is too large or the change is no
    /// cancellation.
    pub fn cancellation(
        items: Vec<Item>,
        currency: Currency,
        fee: Minor,
        conditions: Conditions,
    ) -> Result<Self, Invalid> {
        if !cancels(&conditions) {
            return Err(Invalid::Rule("a fee must be that of a cancellation"));
        }
        Ok(Self {
            lines: priced(items)?,
            currency,
            total: fee,
            conditions,
        })
    }

    /// Terms of an amendment: the items are those of the order from then on, and the total is what
    /// they cost and the fee.
    ///
    /// # Errors
    /// `TooMany` or `TooFew` lines; `Rule` if an amount is too large, the fee is below zero, or the
    /// change is no amendment.
    pub fn amendment(
        items: Vec<Item>,
        currency: Currency,
        fee: Minor,
        conditions: Conditions,
    ) -> Result<Self, Invalid> {
        if !amends(&conditions) {
            return Err(Invalid::Rule("a fee must be that of an amendment"));
        }
        if fee < Minor::ZERO {
            return Err(Invalid::Rule("a fee must not be below zero"));
        }
        let terms = Self::new(items, currency, conditions)?;
        let total = terms.total.checked_add(fee).ok_or(AMOUNT_TOO_LARGE)?;
        Ok(Self { total, ..terms })
    }

    /// The lines, at least one.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The currency of all amounts.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// What the whole is stated to cost; of a cancellation, its fee.
    #[must_use]
    pub const fn total(&self) -> Minor {
        self.total
    }

    /// What the lines cost; zero where that is too large for an amount.
    #[must_use]
    pub fn worth(&self) -> Minor {
        sum(&self.lines).unwrap_or(Minor::ZERO)
    }

    /// What a change costs beside its lines; of a new order, nothing.
    #[must_use]
    pub fn fee(&self) -> Minor {
        if cancels(&self.conditions) {
            return self.total;
        }
        let fee = self.total.checked_sub(self.worth());
        fee.filter(|_| amends(&self.conditions))
            .unwrap_or(Minor::ZERO)
    }

    /// What holds for all lines.
    #[must_use]
    pub const fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// Whether the stated totals are those that the lines give. The total of a cancellation is a
    /// fee, which the lines do not give; in that of an amendment a fee may be added.
    #[must_use]
    pub fn totals_hold(&self) -> bool {
        let line_holds =
            |line: &Line| line.item.price.line_total(line.item.steps) == Some(line.total);
        let total_holds =
            |sum: Minor| sum == self.total || amends(&self.conditions) && sum < self.total;
        self.lines.iter().all(line_holds)
            && (cancels(&self.conditions) || sum(&self.lines).is_some_and(total_holds))
    }

    /// The terms hash, by which a Hold names them.
    #[must_use]
    pub fn hash(&self) -> TermsHash {
        TermsHash::from_bytes(hash::hash(Tag::Terms, &[&fence::to_bytes(self)]))
    }
}

const AMOUNT_TOO_LARGE: Invalid =
    Invalid::Rule("an amount must lie within the limit of money; split the order");

fn cancels(conditions: &Conditions) -> bool {
    conditions
        .on
        .is_some_and(|change| change.what == ChangeWhat::Cancel)
}

fn amends(conditions: &Conditions) -> bool {
    conditions
        .on
        .is_some_and(|change| change.what == ChangeWhat::Amend)
}

fn priced(items: Vec<Item>) -> Result<List<Line, LINES_MAX, 1>, Invalid> {
    let lines: Option<Vec<Line>> = items
        .into_iter()
        .map(|item| {
            Some(Line {
                total: item.price.line_total(item.steps)?,
                item,
            })
        })
        .collect();
    List::new(lines.ok_or(AMOUNT_TOO_LARGE)?)
}

fn sum(lines: &[Line]) -> Option<Minor> {
    Minor::total(lines.iter().map(Line::total))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::limits::{MONEY_MINOR_MAX, STEPS_MAX};

    fn item(minor: i64, per: u64, steps: u64) -> Item {
        let price = Price::new(Minor::new(minor).unwrap(), Steps::new(per).unwrap()).unwrap();
        Item {
            sku: "A-1".parse().unwrap(),
            list: Text::default(),
            offer: None,
            title: "Shelf".parse().unwrap(),
            nature: Nature::Product,
            unit: Unit::new("C62", 0).unwrap(),
            steps: Steps::new(steps).unwrap(),
            price,
        }
    }

    fn conditions(what: Option<ChangeWhat>) -> Conditions {
        let order = DealId::from_bytes([9; 32]);
        let on = what.map(|what| Change {
            order,
            version: 1,
            what,
        });
        Conditions {
            on,
            ..Conditions::plain(Method::Ship, Destination::default())
        }
    }

    fn eur() -> Currency {
        "EUR".parse().unwrap()
    }

    #[test]
    fn totals_follow_from_the_lines() {
        fn check(items: Vec<Item>, expected: Option<i64>) {
            let terms = Terms::new(items, eur(), conditions(None));
            assert_eq!(
                terms.as_ref().ok().map(|terms| terms.total().get()),
                expected,
                "{terms:?}"
            );
            assert!(terms.is_err() || terms.unwrap().totals_hold());
        }
        check(vec![item(1999, 1, 2)], Some(3998));
        // Each line is rounded by itself: 0.5 and 0.5 make 2, not 1.
        check(vec![item(1, 2, 1), item(1, 2, 1)], Some(2));
        check(vec![item(0, 1, 1); LINES_MAX], Some(0));
        check(vec![item(0, 1, 1); LINES_MAX + 1], None);
        check(vec![], None);
        check(vec![item(MONEY_MINOR_MAX, 1, 1)], Some(MONEY_MINOR_MAX));
        check(vec![item(MONEY_MINOR_MAX, 1, 1), item(1, 1, 1)], None);
        check(vec![item(MONEY_MINOR_MAX, 1, STEPS_MAX)], None);
    }

    #[test]
    fn wrong_totals_are_seen() {
        let terms =
            Terms::new(vec![item(10, 1, 2), item(5, 1, 1)], eur(), conditions(None)).unwrap();
        let mut wrong_sum = terms.clone();
        wrong_sum.total = Minor::new(26).unwrap();
        assert!(!wrong_sum.totals_hold());
        // Both lines wrong, and the sum right.
        let [first, second] = [21, 4].map(|total| Minor::new(total).unwrap());
        let mut lines = terms.lines().to_vec();
        (lines[0].total, lines[1].total) = (first, second);
        let wrong_lines = Terms {
            lines: List::new(lines).unwrap(),
            ..terms
        };
        assert!(!wrong_lines.totals_hold());
    }

    #[test]
    fn only_a_cancellation_states_a_fee() {
        fn check(what: Option<ChangeWhat>, terms_valid: bool, fee_valid: bool) {
            let items = || vec![item(10, 1, 2)];
            let terms = Terms::new(items(), eur(), conditions(what));
            assert_eq!(terms.is_ok(), terms_valid, "{what:?}");
            let fee = Minor::new(3).unwrap();
            let terms = Terms::cancellation(items(), eur(), fee, conditions(what));
            assert_eq!(terms.is_ok(), fee_valid, "{what:?}");
            assert!(terms.is_err() || terms.unwrap().totals_hold());
        }
        check(None, true, false);
        check(Some(ChangeWhat::Amend), true, false);
        check(Some(ChangeWhat::Cancel), false, true);
    }

    #[test]
    fn an_amendment_costs_its_lines_and_a_fee() {
        fn check(what: Option<ChangeWhat>, fee: i64, expected: Option<(i64, i64)>) {
            let fee = Minor::new(fee).unwrap();
            let terms = Terms::amendment(vec![item(10, 1, 2)], eur(), fee, conditions(what));
            let made = terms.as_ref().ok();
            let amounts = made.map(|terms| (terms.total().get(), terms.fee().get()));
            assert_eq!(amounts, expected, "{terms:?}");
            assert!(made.is_none_or(Terms::totals_hold));
        }
        check(Some(ChangeWhat::Amend), 3, Some((23, 3)));
        check(Some(ChangeWhat::Amend), 0, Some((20, 0)));
        check(Some(ChangeWhat::Amend), -1, None);
        check(Some(ChangeWhat::Cancel), 3, None);
        check(None, 0, None);
        let amended = conditions(Some(ChangeWhat::Amend));
        let mut terms = Terms::new(vec![item(10, 1, 2)], eur(), amended).unwrap();
        terms.total = Minor::new(19).unwrap();
        assert!(!terms.totals_hold(), "no fee is below zero");
    }

    #[test]
    fn a_window_ends_after_it_begins() {
        let [early, late] = [1, 2].map(|ms| Time::new(ms).unwrap());
        assert!(Window::new(early, late).is_ok() && Window::new(early, early).is_ok());
        assert!(Window::new(late, early).is_err());
    }
}
