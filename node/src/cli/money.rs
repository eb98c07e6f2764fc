//! Amounts of money in the lines of a text, several of them too. How one is written is its own matter.

use std::fmt::Display;

use crate::view::money::MoneyView;

/// An amount with its sign.
pub(super) fn signed(amount: &MoneyView) -> String {
    let plus = if amount.minor > 0 { "+" } else { "" };
    format!("{plus}{amount}")
}

/// What several currencies come to together.
pub(super) fn sum(amounts: &[MoneyView]) -> String {
    joined(amounts, " + ")
}

/// Limits, or other amounts in their order; a dash where there is none.
pub(super) fn amounts(amounts: &[impl Display]) -> String {
    match amounts {
        [] => "-".to_owned(),
        amounts => joined(amounts, ", "),
    }
}

fn joined(amounts: &[impl Display], between: &str) -> String {
    let texts: Vec<_> = amounts.iter().map(ToString::to_string).collect();
    texts.join(between)
}
