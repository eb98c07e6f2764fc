//! Approved partners: whom the node may ask by itself, for which of their articles, and what that may
//! cost, as policies and the envelopes of legs say it in the same words. What for, and when, is kept
//! out.

use omni_protocol::code::Code;
use omni_protocol::hash::PartnerId;
use omni_protocol::limits::{MINUTE_MS, PROPOSAL_MINUTES_MIN};
use omni_protocol::value::{Currency, Minor, Money, Time};

use super::deals::VALID_MINUTES;
use super::offers::{of_author, subject_of};
use super::{ApiCode, Problem, Reading, partner};
use crate::view::money::{amount, parse_amount};
use crate::view::peer::AmountAsk;
use crate::view::policy::SourceDoc;

/// Partners that may be named at once.
const SOURCES_MAX: usize = 16;

/// Whom the node may ask.
pub(super) struct Source {
    pub(super) partner: PartnerId,
    /// The partner's article, where it is not the one that follows from what is wanted.
    pub(super) sku: Option<String>,
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(ApiCode::Invalid, detail)
}

/// The partners that `whose` word names, such as `a policy`.
///
/// # Errors
/// `invalid` for none or too many of them, and as for each.
pub(super) fn read(
    reading: &Reading,
    docs: &[SourceDoc],
    whose: &str,
) -> Result<Vec<Source>, Problem> {
    if docs.is_empty() || docs.len() > SOURCES_MAX {
        let detail = format!("from: {whose} asks 1 to {SOURCES_MAX} partners.");
        let next = "name whom it may ask: --from PARTNER, or --from PARTNER=SKU";
        return Err(invalid(detail).next(next));
    }
    docs.iter().map(|doc| read_one(reading, doc)).collect()
}

fn read_one(reading: &Reading, doc: &SourceDoc) -> Result<Source, Problem> {
    let partner = partner::find(reading, &doc.partner)?;
    if partner == reading.partner {
        let detail = "from: this node's own partner gives from its stock, and is not asked.";
        return Err(invalid(detail).next("name another partner: omni peer ls"));
    }
    if let Some(sku) = &doc.sku {
        subject_of(sku, "")?;
    }
    Ok(Source {
        partner,
        sku: doc.sku.clone(),
    })
}

/// Names partners by their ids, since names change.
pub(super) fn with_ids(docs: &mut [SourceDoc], known: &[Source]) {
    for (doc, known) in docs.iter_mut().zip(known) {
        doc.partner = known.partner.to_string();
    }
}

/// The names of the partners that are kept so, as far as they are known.
///
/// # Errors
/// `store` if the disk fails.
pub(super) fn names(reading: &Reading, sources: &[Source]) -> Result<Vec<Option<String>>, Problem> {
    let names = sources.iter();
    names
        .map(|source| partner::name(reading, source.partner))
        .collect()
}

/// Refuses articles that nobody offers: a wrong number more often than not.
///
/// # Errors
/// `not-found`; `store` if the disk fails.
pub(super) fn check_offers(reading: &Reading, sources: &[Source]) -> Result<(), Problem> {
    for source in sources {
        if let Some(sku) = &source.sku
            && of_author(reading, source.partner, sku, "")?.is_none()
        {
            let name = partner::name(reading, source.partner)?;
            let whose = name.unwrap_or_else(|| source.partner.to_string());
            return Err(unknown(&whose, sku).next("look for it: omni offer search WORDS"));
        }
    }
    Ok(())
}

/// That nobody offers an article.
pub(super) fn unknown(whose: &str, sku: &str) -> Problem {
    let detail = format!("No offer of {whose} with the sku \"{sku}\" is known here.");
    Problem::new(ApiCode::NotFound, detail)
}

/// Amounts of 0 or more, one for each currency.
///
/// # Errors
/// `invalid`, with the field.
pub(super) fn amounts(field: &str, asks: &[AmountAsk]) -> Result<Vec<Money>, Problem> {
    let mut all: Vec<Money> = Vec::new();
    for ask in asks {
        let amount = parse_amount(&ask.amount, &ask.currency)
            .map_err(|why| invalid(format!("{field}: {why}.")))?;
        if amount.minor < Minor::ZERO {
            return Err(invalid(format!("{field}: an amount is 0 or more.")));
        }
        if all.iter().any(|known| known.currency == amount.currency) {
            let detail = format!(
                "{field}: one amount for each currency, and {} has two.",
                amount.currency
            );
            return Err(invalid(detail));
        }
        all.push(amount);
    }
    Ok(all)
}

/// The amount in a currency, if there is one.
pub(super) fn of_currency(amounts: &[Money], currency: Currency) -> Option<Money> {
    amounts.iter().find(|one| one.currency == currency).copied()
}

/// The limit in the currency of a cost, of which `whose` word may spend no other.
pub(super) fn limit(limits: &[Money], currency: Currency, whose: &str) -> Result<Money, String> {
    of_currency(limits, currency).ok_or_else(|| format!("{whose} spends nothing in {currency}"))
}

/// Whether one deal stays within what one may cost.
pub(super) fn affords_one(
    limits: &[Money],
    (cost, currency): (Minor, Currency),
    whose: &str,
) -> Result<(), String> {
    let most = limit(limits, currency, whose)?;
    if cost > most.minor {
        return Err(format!(
            "it costs more than {} {currency}",
            amount(&most).text
        ));
    }
    Ok(())
}

/// A fair share of the time that is left, where so many partners fit.
pub(super) fn share_ms(left_ms: u64, fit: usize) -> u64 {
    left_ms
        .checked_div(u64::try_from(fit.max(1)).unwrap_or(1))
        .unwrap_or(left_ms)
}

/// Until when a Request stands that is to be answered in so long a time, as far as the market lets it.
pub(super) fn valid_until(now: Time, share_ms: u64) -> Time {
    // The core counts from its own time, which may be a moment later.
    let least = PROPOSAL_MINUTES_MIN.saturating_add(1);
    let minutes = (share_ms / MINUTE_MS).clamp(least, VALID_MINUTES);
    now.plus_ms(minutes.saturating_mul(MINUTE_MS))
}

/// A refusal as the end of a sentence.
pub(super) fn sentence(problem: &Problem) -> String {
    let text = problem.sentence();
    text.strip_suffix('.').map(str::to_owned).unwrap_or(text)
}

/// Whether what was refused may be otherwise the next time.
pub(super) fn is_passing(problem: &Problem) -> bool {
    let codes = [Code::Recovering, Code::Overloaded, Code::InDoubt];
    problem.is_of(ApiCode::Away)
        || problem.is_of(ApiCode::Stopping)
        || problem.is_of(ApiCode::Overloaded)
        || codes.iter().any(|code| problem.is(*code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_shared_among_those_that_fit() {
        let check =
            |left_ms: u64, fit: usize, share: u64| assert_eq!(share_ms(left_ms, fit), share);
        check(60_000, 2, 30_000);
        check(60_000, 1, 60_000);
        check(60_000, 0, 60_000);
        check(0, 3, 0);
        let check = |share: u64, minutes: u64| {
            let until = valid_until(Time::default(), share).ms();
            assert_eq!(until, minutes * MINUTE_MS, "{share}");
        };
        check(0, PROPOSAL_MINUTES_MIN + 1);
        check(30 * MINUTE_MS, 30);
        check(u64::MAX, VALID_MINUTES);
    }

    #[test]
    fn a_cost_keeps_within_the_limit_of_its_currency() {
        let ask = |amount: &str, currency: &str| AmountAsk {
            amount: amount.to_owned(),
            currency: currency.to_owned(),
        };
        let limits = amounts("most", &[ask("90.00", "EUR"), ask("0", "GBP")]).expect("amounts");
        let affords = |minor: i64, currency: &str| {
            let cost = Minor::new(minor).expect("an amount");
            affords_one(&limits, (cost, currency.parse().expect("a currency")), "it")
        };
        assert_eq!(affords(9_000, "EUR"), Ok(()));
        assert_eq!(
            affords(9_001, "EUR"),
            Err("it costs more than 90.00 EUR".to_owned())
        );
        assert_eq!(affords(0, "GBP"), Ok(()));
        assert!(affords(1, "GBP").is_err());
        assert_eq!(
            affords(1, "USD"),
            Err("it spends nothing in USD".to_owned())
        );
        for bad in [
            &[ask("-1", "EUR")][..],
            &[ask("1", "EUR"), ask("2", "EUR")],
            &[ask("x", "EUR")],
            &[ask("1", "eur")],
        ] {
            assert!(amounts("most", bad).is_err(), "{bad:?}");
        }
    }
}
