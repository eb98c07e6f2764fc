//! Whether a policy fits a request, and what asking each of its partners would come to: hours, articles,
//! margin and limits. It only reads; whether the part may be asked for at all is the core's to say.

use omni_protocol::bundle::Backing;
use omni_protocol::deal::{Deal, Side, State};
use omni_protocol::hash::{DealId, PartnerId, RecordId, ThreadId};
use omni_protocol::limits::CHAIN_DEPTH_MAX;
use omni_protocol::machine::{Sourcing, When, deals_below};
use omni_protocol::thread::Terms;
use omni_protocol::value::{Currency, Minor, Money};

use super::rule::Rule;
use crate::api::bundles::telling::refusal_code;
use crate::api::deals::chains::{is_short, margin};
use crate::api::deals::sourcing::asked;
use crate::api::sources::{
    Source, affords_one, limit, of_currency, sentence, share_ms, valid_until,
};
use crate::api::{Problem, Reading, partner};
use crate::store::policy;
use crate::view::chain::SourceAsk;
use crate::view::deal::{LineAsk, TermsAsk};
use crate::view::money::{MoneyView, amount, quantity_text};
use crate::view::policy::{PolicyUse, SourceTrialView};
use crate::view::terms::money;

/// Hundredths of a percent in the whole.
const WHOLE: i128 = 10_000;

/// What a partner asks this node for, and what was asked for it so far.
pub(super) struct Wanted {
    pub(super) thread: ThreadId,
    pub(super) deal: Deal,
    terms: Terms,
    parts: Vec<(DealId, Deal)>,
}

/// One partner that a policy may ask.
pub(super) struct Tried {
    partner: PartnerId,
    sku: Option<String>,
    costs: Option<(Minor, Currency)>,
    margin: Vec<MoneyView>,
    /// What is to be asked, or why it is not.
    pub(super) outcome: Result<Sourcing, String>,
}

impl Wanted {
    /// The deal of a thread in which a partner waits for an answer; none where nobody does.
    pub(super) fn of(reading: &Reading, id: DealId) -> Option<Self> {
        let deal = Deal::read(reading, id)?;
        if deal.side() != Side::Provider || deal.state != State::Asked {
            return None;
        }
        Some(Self {
            thread: deal.thread,
            terms: deal.terms(reading, &reading.network, id)?,
            parts: deals_below(reading, (id, &deal)),
            deal,
        })
    }

    /// Whether a part is asked for, or held.
    pub(super) fn is_sourced(&self) -> bool {
        self.parts.iter().any(|(_, part)| !part.state.is_over())
    }

    /// Whether somebody refused a part of it.
    pub(super) fn was_refused(&self) -> bool {
        self.deal.backing == Backing::Parts && !self.parts.is_empty()
    }

    /// Whether more is asked for than is there.
    pub(super) fn is_short(&self, reading: &Reading) -> bool {
        is_short(reading, &self.deal)
    }

    /// Whether a policy works for all that is asked for.
    pub(super) fn is_for(&self, rule: &Rule) -> bool {
        rule.works_for.covers(&self.terms)
    }

    /// Why a policy does nothing with it, whomever it may ask.
    pub(super) fn why_not(&self, reading: &Reading, rule: &Rule) -> Option<String> {
        if !self.is_for(rule) {
            return Some("it asks for an article for which the policy does not work".to_owned());
        }
        if self.deal.order.is_some() {
            return Some("it changes an order, and no part is asked for that".to_owned());
        }
        if self
            .deal
            .chain
            .is_some_and(|chain| chain.depth >= CHAIN_DEPTH_MAX)
        {
            return Some(format!("{CHAIN_DEPTH_MAX} deals rest on it already"));
        }
        if rule.works_for.when == When::Short && !self.is_short(reading) {
            return Some("there is enough of it here".to_owned());
        }
        if !rule.works_at(reading.now().ms()) {
            return Some("the policy does not work at this time".to_owned());
        }
        None
    }

    /// What asking each partner of a policy would come to, in its order. The time that is left is
    /// shared among those that fit.
    pub(super) fn tried(&self, reading: &Reading, rule: &Rule) -> Result<Vec<Tried>, Problem> {
        let spent = spent(reading, rule)?;
        let sources = rule.sources.iter();
        let tried = sources.map(|source| self.try_source(reading, (rule, source), &spent));
        let mut tried: Vec<Tried> = tried.collect::<Result<_, _>>()?;
        let fit = tried.iter().filter(|one| one.outcome.is_ok()).count();
        let share = share_ms(self.deal.until.ms_since(reading.now()), fit);
        for sourcing in tried.iter_mut().filter_map(|one| one.outcome.as_mut().ok()) {
            sourcing.valid_until = valid_until(reading.now(), share);
        }
        Ok(tried)
    }

    fn try_source(
        &self,
        reading: &Reading,
        (rule, source): (&Rule, &Source),
        spent: &[Money],
    ) -> Result<Tried, Problem> {
        let mut tried = Tried {
            partner: source.partner,
            sku: source.sku.clone(),
            costs: None,
            margin: Vec::new(),
            outcome: Err(String::new()),
        };
        if let Some(why) = self.refused_by(reading, source) {
            tried.outcome = Err(why);
            return Ok(tried);
        }
        let Some(ask) = self.ask(source) else {
            tried.outcome = Err("it has no line".to_owned());
            return Ok(tried);
        };
        let asked = match asked(reading, self.thread, &ask, None) {
            Ok(asked) => asked,
            Err(problem) => {
                tried.outcome = Err(sentence(&problem));
                return Ok(tried);
            }
        };
        let cost = (
            asked.sourcing.terms.total(),
            asked.sourcing.terms.currency(),
        );
        let price = (self.terms.total(), self.terms.currency());
        tried.costs = Some(cost);
        tried.margin = margin(Some(price), Some(cost));
        let same_units = self.units().eq(units(&asked.sourcing.terms));
        tried.outcome = if !same_units {
            Err("it is sold there in another unit".to_owned())
        } else {
            match earns(rule, price, cost).and_then(|()| affords(rule, cost, spent)) {
                Ok(()) => Ok(asked.sourcing),
                Err(why) => Err(why),
            }
        };
        Ok(tried)
    }

    fn units(&self) -> impl Iterator<Item = &str> {
        units(&self.terms)
    }

    /// Why it is not asked again, where it was asked for the same and said no.
    fn refused_by(&self, reading: &Reading, source: &Source) -> Option<String> {
        let is_same = |part: &&(DealId, Deal)| {
            let terms = part.1.terms(reading, &reading.network, part.0);
            let theirs = terms.as_ref().and_then(|terms| terms.lines().first());
            let theirs = theirs.map(|line| line.item().sku.as_str());
            let own = self
                .terms
                .lines()
                .first()
                .map(|line| line.item().sku.as_str());
            part.1.partner == source.partner && theirs == source.sku.as_deref().or(own)
        };
        let (_, part) = self.parts.iter().find(is_same)?;
        Some(match refusal_code(reading, part) {
            Some(code) => format!("it was asked and refused: {code}"),
            None => "it was asked already".to_owned(),
        })
    }

    /// The same for the other partner's articles.
    fn ask(&self, source: &Source) -> Option<SourceAsk> {
        let lines = self.terms.lines().iter().map(|line| {
            let item = line.item();
            LineAsk {
                sku: Some(source.sku.clone().unwrap_or_else(|| item.sku.to_string())),
                quantity: quantity_text(item.steps.get(), &item.unit),
                ..LineAsk::default()
            }
        });
        let conditions = self.terms.conditions();
        let terms = TermsAsk {
            lines: lines.collect(),
            method: Some(conditions.method.name().to_owned()),
            ..TermsAsk::default()
        };
        (!terms.lines.is_empty()).then(|| SourceAsk {
            partner: Some(source.partner.to_string()),
            terms,
            valid_minutes: None,
            ship_to: None,
        })
    }
}

impl Tried {
    /// As a document.
    pub(super) fn view(&self, reading: &Reading) -> Result<SourceTrialView, Problem> {
        Ok(SourceTrialView {
            partner: self.partner.to_string(),
            name: partner::name(reading, self.partner)?,
            sku: self.sku.clone(),
            costs: self.costs.map(|(minor, currency)| money(minor, currency)),
            margin: self.margin.clone(),
            window: None,
            why: self.outcome.as_ref().err().cloned(),
        })
    }
}

fn units(terms: &Terms) -> impl Iterator<Item = &str> {
    let lines = terms.lines().iter();
    lines.map(|line| line.item().unit.code())
}

/// Whether enough is left between a price and what the part costs.
fn earns(
    rule: &Rule,
    (price, currency): (Minor, Currency),
    (cost, spends): (Minor, Currency),
) -> Result<(), String> {
    if rule.markup.is_none() && rule.margin.is_empty() {
        return Ok(());
    }
    if currency != spends {
        return Err(format!(
            "it costs {spends} and brings {currency}: what is left between two currencies nobody knows"
        ));
    }
    let left = i128::from(price.get()) - i128::from(cost.get());
    let least = rule.markup.unwrap_or_default();
    let too_little =
        left.saturating_mul(WHOLE) < i128::from(cost.get()).saturating_mul(least.into());
    if too_little && rule.markup.is_some() {
        let (whole, part) = (least / 100, least % 100);
        return Err(format!(
            "less is left than {whole}.{part:02} percent of what it costs"
        ));
    }
    let Some(least) = of_currency(&rule.margin, currency) else {
        return if rule.margin.is_empty() {
            Ok(())
        } else {
            Err(format!("the policy says no least margin in {currency}"))
        };
    };
    if left < i128::from(least.minor.get()) {
        let least = amount(&least);
        return Err(format!("less is left than {} {currency}", least.text));
    }
    Ok(())
}

/// Whether a part stays within what a policy may spend.
fn affords(
    rule: &Rule,
    (cost, currency): (Minor, Currency),
    spent: &[Money],
) -> Result<(), String> {
    const WHOSE: &str = "the policy";
    if !rule.per_deal.is_empty() {
        affords_one(&rule.per_deal, (cost, currency), WHOSE)?;
    }
    if rule.per_day.is_empty() {
        return Ok(());
    }
    let before = of_currency(spent, currency).map_or(Minor::ZERO, |spent| spent.minor);
    let today = before.checked_add(cost);
    let most = limit(&rule.per_day, currency, WHOSE)?;
    if today.is_none_or(|today| today > most.minor) {
        let (most, before) = (amount(&most).text, money(before, currency).text);
        return Err(format!(
            "it would pass {most} {currency} a day, of which {before} are spent"
        ));
    }
    Ok(())
}

/// What a policy asked for since its day began, oldest first, with the parts.
pub(super) fn today(
    reading: &Reading,
    rule: &Rule,
) -> Result<Vec<(PolicyUse, DealId, Deal)>, Problem> {
    let began = rule.day_began(reading.now().ms());
    used(reading, &rule.name, began)
}

/// What the policy with this name asked for since a time, oldest first, with the parts.
pub(super) fn used(
    reading: &Reading,
    name: &str,
    since_ms: u64,
) -> Result<Vec<(PolicyUse, DealId, Deal)>, Problem> {
    let kept = policy::uses_since(&reading.ledger, since_ms)?.into_iter();
    let uses = kept.filter_map(|bytes| serde_json::from_slice::<PolicyUse>(&bytes).ok());
    let uses = uses.filter(|one| one.policy == name);
    let with_part = uses.filter_map(|one| {
        let part = DealId::from(one.part.parse::<RecordId>().ok()?);
        let deal = Deal::read(reading, part)?;
        Some((one, part, deal))
    });
    Ok(with_part.collect())
}

/// What the parts of today cost, but for those that came to nothing.
pub(super) fn spent(reading: &Reading, rule: &Rule) -> Result<Vec<Money>, Problem> {
    let parts = today(reading, rule)?;
    let mut sums: Vec<Money> = Vec::new();
    for (_, _, part) in parts {
        let Some(currency) = part.currency.filter(|_| !came_to_nothing(part.state)) else {
            continue;
        };
        match sums.iter_mut().find(|sum| sum.currency == currency) {
            Some(sum) => sum.minor = sum.minor.checked_add(part.amount).unwrap_or(sum.minor),
            None => sums.push(Money {
                minor: part.amount,
                currency,
            }),
        }
    }
    Ok(sums)
}

/// Whether nothing is owed for a part, and never will be.
const fn came_to_nothing(state: State) -> bool {
    matches!(state, State::Aborted | State::Released)
}
