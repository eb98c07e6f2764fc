//! What two partners owe each other (SPEC.md section 12): agreed, in doubt and held amounts of each
//! currency, limits that bind granting only, and postings whose lines sum to zero. Payment is
//! outside; so is how many deals a partner may hold, which stands in `holds`.

use alloc::vec::Vec;

use crate::{
    code::Code,
    fence::List,
    hash::{DealId, PartnerId},
    machine::{GrantTerms, Key, Overlay, View, stored},
    value::{Currency, Minor, Time},
    wire, words,
};

/// What this node and one partner owe each other in one currency. In the books of the partner the
/// same amounts stand on the other side.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Account {
    /// Agreed and unpaid, owed to this node.
    pub receivable: Minor,
    /// Held for the partner, so that it may come to owe it.
    pub held: Minor,
    /// Agreed and unpaid, owed by this node.
    pub payable: Minor,
    /// Committed by this node and not decided.
    pub doubt: Minor,
}

wire!(Account {
    receivable,
    held,
    payable,
    doubt,
});

impl Account {
    /// The account with `partner` in `currency`.
    #[must_use]
    pub fn read(view: &dyn View, partner: PartnerId, currency: Currency) -> Self {
        stored(view, &Key::Account { partner, currency }).unwrap_or_default()
    }
}

/// Whether `partner` may come to owe this much more.
pub(crate) fn may_owe_us(
    view: &dyn View,
    partner: PartnerId,
    currency: Currency,
    amount: Minor,
) -> Result<(), Code> {
    let account = Account::read(view, partner, currency);
    let limit = GrantTerms::read(view, partner).credit_in(currency);
    within(limit, [account.receivable, account.held, amount], amount)
}

/// Whether this node lets itself owe `partner` this much more.
pub(crate) fn may_owe_them(
    view: &dyn View,
    partner: PartnerId,
    currency: Currency,
    amount: Minor,
) -> Result<(), Code> {
    let account = Account::read(view, partner, currency);
    let limit = GrantTerms::read(view, partner).budget_in(currency);
    within(limit, [account.payable, account.doubt, amount], amount)
}

/// What costs nothing, or gives back, needs no credit.
fn within(limit: Minor, parts: [Minor; 3], amount: Minor) -> Result<(), Code> {
    if amount <= Minor::ZERO || Minor::total(parts).is_some_and(|sum| sum <= limit) {
        Ok(())
    } else {
        Err(Code::OverCredit)
    }
}

/// A change of an account by one deal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Shift {
    pub(crate) receivable: i64,
    pub(crate) held: i64,
    pub(crate) payable: i64,
    pub(crate) doubt: i64,
}

/// Changes an account.
pub(crate) fn shift(
    view: &mut Overlay<'_>,
    partner: PartnerId,
    currency: Option<Currency>,
    shift: Shift,
) {
    let Some(currency) = currency else { return };
    let mut account = Account::read(view, partner, currency);
    account.receivable = moved(account.receivable, shift.receivable);
    account.held = moved(account.held, shift.held);
    account.payable = moved(account.payable, shift.payable);
    account.doubt = moved(account.doubt, shift.doubt);
    view.put(Key::Account { partner, currency }, &account);
}

/// Nothing is granted beyond a limit, and limits lie far below the range, so the sum stays in it.
fn moved(amount: Minor, by: i64) -> Minor {
    Minor::new(amount.get().saturating_add(by)).unwrap_or(amount)
}

words! {
    /// The accounts to which a deal posts.
    pub enum Ledger {
        /// What the partner owes this node.
        1 Receivable "receivable",
        /// What this node owes the partner.
        2 Payable "payable",
        /// What this node sold.
        3 Sales "sales",
        /// What this node bought.
        4 Purchases "purchases",
    }
}

/// One line of a posting: debits are positive, credits negative.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PostingLine {
    /// The account.
    pub account: Ledger,
    /// The amount.
    pub amount: Minor,
}

wire!(PostingLine { account, amount });

/// What a deal posted. Its lines sum to zero.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Posting {
    /// When.
    pub at: Time,
    /// With whom.
    pub partner: PartnerId,
    /// In which currency.
    pub currency: Currency,
    /// The lines.
    pub lines: List<PostingLine, 4>,
}

wire!(Posting {
    at,
    partner,
    currency,
    lines,
});

impl Posting {
    /// What `deal` posted, if it was agreed.
    #[must_use]
    pub fn read(view: &dyn View, deal: DealId) -> Option<Self> {
        stored(view, &Key::Posting { deal })
    }
}

/// Books an agreed amount to two accounts, the first debited.
pub(crate) fn post(
    view: &mut Overlay<'_>,
    deal: DealId,
    (at, partner, currency): (Time, PartnerId, Option<Currency>),
    (debit, credit, amount): (Ledger, Ledger, Minor),
) {
    let Some(currency) = currency else { return };
    let negative = Minor::ZERO.checked_sub(amount).unwrap_or(Minor::ZERO);
    let lines = Vec::from([
        PostingLine {
            account: debit,
            amount,
        },
        PostingLine {
            account: credit,
            amount: negative,
        },
    ]);
    let lines = List::new(lines).unwrap_or_default();
    view.put(
        Key::Posting { deal },
        &Posting {
            at,
            partner,
            currency,
            lines,
        },
    );
}
