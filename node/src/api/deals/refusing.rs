//! A refusal of the operator's word as the operator needs it: the thread, order and partner by
//! name, and the limit that would be passed in numbers. Whether it is refused is the core's matter.

use omni_protocol::code::Code;
use omni_protocol::deal::Deal;
use omni_protocol::deal::credit::Account;
use omni_protocol::deal::order::Difference;
use omni_protocol::deal::stock::Stock;
use omni_protocol::hash::{DealId, PartnerId, ThreadId};
use omni_protocol::machine::{Bundling, GrantTerms, Sourcing, Standing, Verb};
use omni_protocol::thread::{Item, Line, Role, Terms};
use omni_protocol::value::{Currency, Minor};

use super::telling;
use crate::api::offers::subject_of;
use crate::api::{Problem, Reading, partner};
use crate::plain::quoted;
use crate::view::money::amount_text;

/// Digits by which an id is named, as in lists.
const SHORT_DIGITS: usize = 12;
/// Characters of a partner's id that name it, as in lists.
const PARTNER_CHARS: usize = 16;

/// What was to be done.
#[derive(Default)]
struct Meant {
    partner: Option<PartnerId>,
    thread: Option<ThreadId>,
    order: Option<DealId>,
    /// What rests on the deal that is accepted.
    above: Option<ThreadId>,
    /// What it would come to, and the own part in it.
    would: Option<(Role, Terms)>,
}

/// The beginning of an id, which every command takes for the whole.
pub(in crate::api) fn short(id: &impl ToString) -> String {
    id.to_string().chars().take(SHORT_DIGITS).collect()
}

/// The refusal of this word of the operator, told with names and numbers.
pub(super) fn told(reading: &Reading, problem: Problem, verb: &Verb) -> Problem {
    let Some(meant) = meant(reading, verb) else {
        return problem;
    };
    let mut problem = problem;
    if problem.is(Code::OverCredit)
        && let (Some(partner), Some((role, terms))) = (meant.partner, &meant.would)
    {
        problem = over_credit(reading, problem, partner, (*role, terms));
    }
    if problem.is(Code::InChain)
        && let Some(above) = meant.above
    {
        problem = problem
            .detail(
                "Another deal rests on it: with that it is committed or given back, and not alone.",
            )
            .next("see that: omni deal show ABOVE")
            .naming("ABOVE", &short(&above));
    }
    if let Some((role, terms)) = &meant.would
        && let Some(article) = article(reading, &problem, *role, terms)
    {
        problem = problem.naming("SKU", &article);
    }
    if let Some(thread) = meant.thread {
        problem = problem.naming("THREAD", &short(&thread));
    }
    if let Some(order) = meant.order {
        problem = problem.naming("ORDER", &short(&order));
    }
    match meant.partner {
        Some(partner) => problem.naming("PARTNER", &beginning(partner)),
        None => problem,
    }
}

fn beginning(partner: PartnerId) -> String {
    partner.to_string().chars().take(PARTNER_CHARS).collect()
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "words that bind nobody pass no limit and need no name"
)]
fn meant(reading: &Reading, verb: &Verb) -> Option<Meant> {
    match verb {
        Verb::Propose(proposing) | Verb::PlanPropose(proposing) => {
            let dearest = proposing.alternatives.iter().max_by_key(|t| t.total())?;
            Some(Meant {
                partner: Some(proposing.partner),
                thread: proposing.thread,
                order: dearest.conditions().on.map(|change| change.order),
                would: Some((proposing.role, dearest.clone())),
                ..Meant::default()
            })
        }
        Verb::Accept {
            thread,
            alternative,
        } => {
            let situation = telling::situation(reading, *thread).ok()?;
            let terms = situation.alternatives.get(usize::from(*alternative));
            Some(Meant {
                partner: Some(situation.thread.partner),
                thread: Some(*thread),
                above: situation
                    .links
                    .above
                    .as_ref()
                    .map(|(_, above)| above.thread),
                would: situation.role.zip(terms.cloned()),
                ..Meant::default()
            })
        }
        Verb::Question { thread, .. }
        | Verb::Answer { thread, .. }
        | Verb::Reject { thread }
        | Verb::Withdraw { thread } => Some(Meant {
            thread: Some(*thread),
            ..Meant::default()
        }),
        Verb::Bundle(Bundling::Ask { requesting, .. }) => Some(Meant {
            partner: Some(requesting.partner),
            thread: requesting.thread,
            would: Some((Role::Requester, requesting.terms.clone())),
            ..Meant::default()
        }),
        Verb::Source(sourcing) | Verb::PlanSource(sourcing) => Some(sourced(reading, sourcing)),
        Verb::WriteOff { deal } | Verb::Bundle(Bundling::Lapse { deal }) => Some(Meant {
            thread: Some(Deal::read(reading, *deal)?.thread),
            ..Meant::default()
        }),
        _ => None,
    }
}

/// Which of the two sides of a deal that is sourced passes a limit: the partner that asked for it,
/// unless it is the one that is to provide it.
fn sourced(reading: &Reading, sourcing: &Sourcing) -> Meant {
    let above = Deal::read(reading, sourcing.deal);
    let asked = above.as_ref().and_then(|above| {
        let terms = above.terms(reading, &reading.network, sourcing.deal)?;
        Some((above.partner, (Role::Provider, terms)))
    });
    let part = (sourcing.partner, (Role::Requester, sourcing.terms.clone()));
    let exceeds = |(partner, (role, terms)): &(PartnerId, (Role, Terms))| {
        let (sum, limit) =
            Limit::of(reading, *partner, (*role, terms.currency())).with(more_by(reading, terms));
        sum.is_none_or(|sum| sum > limit)
    };
    let standing = GrantTerms::read(reading, sourcing.partner).standing;
    let is_shut_out = !matches!(standing, Standing::Stranger | Standing::Partner);
    let is_below = is_shut_out || exceeds(&part);
    let (partner, would) = match asked {
        Some(asked) if exceeds(&asked) || !is_below => asked,
        _ => part,
    };
    Meant {
        partner: Some(partner),
        thread: above.map(|above| above.thread),
        would: Some(would),
        ..Meant::default()
    }
}

/// The article that a refusal is about, as commands take it: the own number of what this node sells,
/// the offer's id of what it buys.
fn article(reading: &Reading, problem: &Problem, role: Role, terms: &Terms) -> Option<String> {
    let lacks = |item: &&Item| {
        let subject = subject_of(&item.sku, &item.list);
        subject.is_ok_and(|own| Stock::read(reading, own).available() < item.steps.get())
    };
    let items = || terms.lines().iter().map(Line::item);
    let item = match (role, problem.is(Code::NoStock)) {
        (Role::Provider, true) => items().find(lacks),
        (Role::Provider | Role::Requester, _) => None,
    };
    let item = item.or_else(|| items().next())?;
    match role {
        Role::Provider => Some(quoted(&item.sku)),
        Role::Requester => item.offer.map(|offer| short(&offer)),
    }
}

/// A limit with what counts against it: of a partner's debt as its provider, of the own as its
/// requester.
struct Limit {
    owed: Minor,
    open: Minor,
    limit: Minor,
}

impl Limit {
    fn of(reading: &Reading, id: PartnerId, (role, currency): (Role, Currency)) -> Self {
        let account = Account::read(reading, id, currency);
        let granted = GrantTerms::read(reading, id);
        match role {
            Role::Provider => Self {
                owed: account.receivable,
                open: account.held,
                limit: granted.credit_in(currency),
            },
            Role::Requester => Self {
                owed: account.payable,
                open: account.doubt,
                limit: granted.budget_in(currency),
            },
        }
    }

    /// What so much more would bring it to, and the limit.
    fn with(&self, more: Minor) -> (Option<Minor>, Minor) {
        (Minor::total([self.owed, self.open, more]), self.limit)
    }
}

/// What the requester would owe more by these terms: of a change the difference.
fn more_by(reading: &Reading, terms: &Terms) -> Minor {
    let difference = Difference::of(reading, &reading.network, terms);
    difference.map_or(terms.total(), |difference| difference.amount)
}

/// Which limit is too low, by how much, and the command that raises it.
fn over_credit(
    reading: &Reading,
    problem: Problem,
    id: PartnerId,
    (role, terms): (Role, &Terms),
) -> Problem {
    let currency: Currency = terms.currency();
    let at = Limit::of(reading, id, (role, currency));
    let more = more_by(reading, terms);
    let (Some(sum), limit) = at.with(more) else {
        return problem;
    };
    let Limit { owed, open, .. } = at;
    let name = partner::name(reading, id).ok().flatten();
    let name = name.unwrap_or_else(|| beginning(id));
    let text = |amount: Minor| format!("{} {currency}", amount_text(amount, currency));
    let (more, owed, open) = (text(more), text(owed), text(open));
    let limit = text(limit);
    let (detail, flag) = match role {
        Role::Provider => (
            format!(
                "{name} owes this node {owed}, {open} is held for it, and this is {more} more; \
                 its credit here is {limit}."
            ),
            "credit",
        ),
        Role::Requester => (
            format!(
                "This node owes {name} {owed}, {open} is in doubt, and this is {more} more; the \
                 budget for it is {limit}."
            ),
            "budget",
        ),
    };
    let enough = amount_text(sum, currency);
    problem.detail(detail).next(format!(
        "see what is owed: omni ledger owed\n\
         raise that limit, at least so far: omni peer set PARTNER --{flag} {enough}{currency}"
    ))
}
