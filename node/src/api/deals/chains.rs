//! Where a deal stands in a chain: on which own deal it rests, which own deal rests on it, for whom
//! it waits therefore, and what is left between them. It decides nothing.

use omni_protocol::bundle::Backing;
use omni_protocol::deal::stock::Stock;
use omni_protocol::deal::{Deal, Side, State};
use omni_protocol::hash::{DealId, RecordId};
use omni_protocol::limits::CHAIN_DEPTH_MAX;
use omni_protocol::machine::{deal_above, deal_below, deals_below};
use omni_protocol::value::{Currency, Minor};

use super::naming;
use crate::api::bundles::telling::refusal_code;
use crate::api::{Problem, Reading, partner, policies};
use crate::view::chain::{ChainDealView, ChainStand, ChainView};
use crate::view::money::MoneyView;
use crate::view::terms::money;

/// The other deals of this node between which a deal stands in its chain.
#[derive(Default)]
pub(super) struct Links {
    /// The one that rests on it.
    pub(super) above: Option<(DealId, Deal)>,
    /// The one on which it rests.
    pub(super) below: Option<(DealId, Deal)>,
}

impl Links {
    pub(super) fn of(reading: &Reading, (id, deal): (DealId, &Deal)) -> Self {
        match (deal.side(), deal.backing) {
            (Side::Requester, _) => Self {
                above: deal_above(reading, deal),
                below: None,
            },
            (Side::Provider, Backing::Parts) => Self {
                above: None,
                below: deal_below(reading, &reading.network, (id, deal)),
            },
            (Side::Provider, Backing::Stock) => Self::default(),
        }
    }

    /// For whom an open deal waits where that is another deal of its chain, or where it may be
    /// sourced, and what its operator may do then.
    pub(super) fn open(
        &self,
        reading: &Reading,
        deal: &Deal,
    ) -> Option<(&'static str, &'static [&'static str])> {
        let above = self.above.as_ref().map(|(_, above)| above);
        let above = above.filter(|above| above.backing == Backing::Parts);
        Some(match (deal.state, above.map(|above| above.state)) {
            (State::Asked, _) if self.below.is_some() => ("chain", &["reject"]),
            (State::Asked, _) if !may_source(deal) => return None,
            (State::Asked, _) if is_short(reading, deal) => ("us", &["source", "reject"]),
            (State::Asked, _) => ("us", &["accept", "source", "reject"]),
            (State::Passed, _) => ("chain", &[]),
            (State::Waiting, _) if deal.backing == Backing::Parts => ("chain", &[]),
            // What is over above is given back as soon as its provider greets.
            (State::Kept, Some(above)) if above == State::Asked || above.is_over() => {
                ("chain", &["reject"])
            }
            (State::Kept, Some(_)) => ("chain", &[]),
            _ => return None,
        })
    }
}

/// Whether a deal may rest on another: no change of an order does, and chains end.
fn may_source(deal: &Deal) -> bool {
    let depth = deal.chain.map_or(0, |chain| chain.depth);
    deal.order.is_none() && depth < CHAIN_DEPTH_MAX
}

/// Whether less is there of an article than a deal would take.
pub(in crate::api) fn is_short(reading: &Reading, deal: &Deal) -> bool {
    let lacks = |subject, steps| Stock::read(reading, subject).available() < steps;
    deal.reserved
        .iter()
        .any(|one| lacks(one.subject, one.steps))
}

/// The place of a deal in its chain; none for one that is in no chain here.
///
/// # Errors
/// `store` if the disk fails.
pub(super) fn view(
    reading: &Reading,
    (id, deal): (DealId, &Deal),
    links: &Links,
) -> Result<Option<ChainView>, Problem> {
    if deal.chain.is_none() && deal.backing == Backing::Stock {
        return Ok(None);
    }
    let is_for = links.above.as_ref();
    let is_for = is_for.map(|(id, deal)| deal_view(reading, (*id, deal)));
    let mut parts = match deal.side() {
        Side::Provider => deals_below(reading, (id, deal)),
        Side::Requester => Vec::new(),
    };
    parts.sort_by_key(|(part, _)| {
        let request = naming::record(reading, (*part).into());
        request.map(|request| request.body().header().at)
    });
    let parts = parts.iter();
    let rests_on: Result<_, _> = parts
        .map(|(id, part)| deal_view(reading, (*id, part)))
        .collect();
    let margin = match (&links.above, &links.below) {
        (Some((_, above)), _) => margin(amount(above), amount(deal)),
        (_, Some((_, below))) => margin(amount(deal), amount(below)),
        (None, None) => Vec::new(),
    };
    let upper = links.above.as_ref().map_or(deal, |(_, above)| above);
    Ok(Some(ChainView {
        depth: deal.chain.map_or(0, |chain| chain.depth),
        stands: stand(upper.state).name().to_owned(),
        is_for: is_for.transpose()?,
        rests_on: rests_on?,
        margin,
    }))
}

/// How a chain stands of which this node's upper deal stands so.
const fn stand(state: State) -> ChainStand {
    match state {
        State::Asked | State::Offered | State::Requested => ChainStand::Asking,
        State::Held | State::Closed | State::Kept => ChainStand::Held,
        State::Waiting | State::Armed | State::Passed | State::Doubt | State::Written => {
            ChainStand::Committed
        }
        State::Sold | State::Agreed => ChainStand::Agreed,
        State::Refused | State::Released | State::Aborted => ChainStand::Refused,
        State::Lapsed => ChainStand::Lapsed,
    }
}

fn amount(deal: &Deal) -> Option<(Minor, Currency)> {
    deal.currency.map(|currency| (deal.amount, currency))
}

/// What is received less what is paid: no currency is converted.
pub(in crate::api) fn margin(
    received: Option<(Minor, Currency)>,
    paid: Option<(Minor, Currency)>,
) -> Vec<MoneyView> {
    let less = |from: Minor, (paid, currency)| {
        let left = from.checked_sub(paid);
        left.map(|left| money(left, currency))
    };
    match (received, paid) {
        (Some((received, currency)), Some(paid)) if currency == paid.1 => {
            less(received, paid).into_iter().collect()
        }
        (Some((received, currency)), Some(paid)) => {
            let paid = less(Minor::ZERO, paid);
            std::iter::once(money(received, currency))
                .chain(paid)
                .collect()
        }
        _ => Vec::new(),
    }
}

fn deal_view(reading: &Reading, (id, deal): (DealId, &Deal)) -> Result<ChainDealView, Problem> {
    let terms = deal.terms(reading, &reading.network, id);
    let line = terms.as_ref().and_then(|terms| terms.lines().first());
    Ok(ChainDealView {
        thread: deal.thread.to_string(),
        deal: id.to_string(),
        partner: deal.partner.to_string(),
        name: partner::name(reading, deal.partner)?,
        title: line.map_or_else(String::new, |line| line.item().title.to_string()),
        total: amount(deal).map(|(minor, currency)| money(minor, currency)),
        state: deal.state.name().to_owned(),
        code: refusal_code(reading, deal),
        until_ms: deal.until.ms(),
        policy: policies::asked_by(reading, RecordId::from(id).as_bytes())?,
    })
}
