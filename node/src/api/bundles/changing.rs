//! Changing the orders that a bundle came to, all of them or none: what that would come to, leg by
//! leg, and the bundle of changes that is begun for it. What each provider grants is the core's
//! matter.

use std::collections::BTreeMap;

use omni_protocol::deal::order::Order;
use omni_protocol::fence::List;
use omni_protocol::hash::{BundleId, DealId};
use omni_protocol::machine::{
    Approval, Bundling, Draft, DraftLeg, Input, Requesting, Verb, Verdict, bundle_id,
};
use omni_protocol::thread::{ChangeWhat, Role, Terms};
use omni_protocol::value::{Currency, Minor, Text};

use super::joining::ask_leg;
use super::telling::{self, Known};
use super::{begun, invalid, said, taken};
use crate::api::deals::valid_until;
use crate::api::orders::effect::Effect;
use crate::api::orders::{amending, cancelling, telling as orders};
use crate::api::{ApiCode, Desk, Problem, Reading, done, partner};
use crate::view::change::{BundleChangeAsk, BundleChangePlanView, LegChangeAsk, LegChangeView};
use crate::view::money::MoneyView;
use crate::view::order::CancelAsk;
use crate::view::terms::money;

/// Bytes of the name of a bundle.
const NAME_BYTES_MAX: usize = 64;
/// Numbers that are tried for a name that is taken.
const NAMES_MAX: u32 = 100;

/// A leg whose order is to be changed.
struct Changed {
    /// From 1.
    number: u16,
    order: orders::Known,
    terms: Terms,
}

impl Changed {
    fn verb(&self, reading: &Reading) -> Verb {
        Verb::PlanPropose(cancelling::firm(
            reading,
            &self.order.order,
            self.terms.clone(),
        ))
    }
}

/// What is asked for, read out of what a bundle came to.
struct Asked {
    id: BundleId,
    draft: Draft,
    legs: Vec<Known>,
    changed: Vec<Changed>,
}

fn asked(reading: &Reading, name: &str, ask: &BundleChangeAsk) -> Result<Asked, Problem> {
    let (id, draft) = telling::named(reading, name)?;
    let legs = telling::legs(reading, &draft);
    let state = telling::row(reading, &draft).state;
    if state != "agreed" || draft.changes.is_some() {
        let detail = format!("\"{name}\" did not come to orders: only those are changed.");
        let problem = Problem::new(ApiCode::Conflict, detail);
        let next = "see it: omni bundle show BUNDLE";
        return Err(problem
            .next(next)
            .naming("BUNDLE", &crate::plain::quoted(name)));
    }
    let all: Vec<LegChangeAsk> = (1..)
        .zip(&legs)
        .filter(|(_, leg)| telling::is_open(reading, leg))
        .map(|(leg, _)| LegChangeAsk {
            leg,
            cancel: Some(CancelAsk::default()),
            amend: None,
        })
        .collect();
    let asks = if ask.legs.is_empty() { &all } else { &ask.legs };
    let mut changed: Vec<Changed> = Vec::new();
    for ask in asks {
        let one = leg(reading, &legs, ask)?;
        if changed.iter().any(|other| other.number == one.number) {
            let detail = format!("leg {}: it is named twice.", one.number);
            return Err(invalid(detail));
        }
        changed.push(one);
    }
    Ok(Asked {
        id,
        draft,
        legs,
        changed,
    })
}

fn leg(reading: &Reading, legs: &[Known], ask: &LegChangeAsk) -> Result<Changed, Problem> {
    let (number, there) = (ask.leg, legs.len());
    let index = usize::from(number).checked_sub(1);
    let known = index.and_then(|index| legs.get(index));
    let known =
        known.ok_or_else(|| invalid(format!("leg {number}: the legs are 1 to {there}.")))?;
    let of_leg = |problem: Problem| {
        let sentence = problem.sentence();
        problem.detail(format!("Leg {number}: {sentence}"))
    };
    let order = orders::known(reading, known.leg.deal).map_err(of_leg)?;
    let terms = match (&ask.amend, &ask.cancel) {
        (Some(amend), None) => amending::terms(reading, &order, amend),
        (None, Some(cancel)) => cancelling::terms(reading, &order, cancel),
        (Some(_), Some(_)) | (None, None) => {
            let detail = format!("leg {number}: say either amend or cancel.");
            return Err(invalid(detail));
        }
    };
    Ok(Changed {
        number,
        terms: terms.map_err(of_leg)?,
        order,
    })
}

/// What it would come to.
pub(super) async fn plan(
    desk: &Desk,
    name: String,
    ask: BundleChangeAsk,
) -> Result<BundleChangePlanView, Problem> {
    let read = move |reading: &Reading| {
        let asked = asked(reading, &name, &ask)?;
        let verbs = asked.changed.iter();
        let verbs: Vec<_> = verbs.map(|one| (one.number, one.verb(reading))).collect();
        Ok((view(reading, &asked)?, verbs))
    };
    let (mut plan, verbs) = desk.read(read).await?;
    // The core judges each as it would propose it alone.
    for (number, verb) in verbs {
        let verdict = desk.decide(Input::Verb(Box::new(verb))).await?;
        let why = match verdict {
            Verdict::Away => {
                Some("its partner has not greeted this run of the node yet".to_owned())
            }
            Verdict::Done | Verdict::Made(_) | Verdict::Refused(_) => {
                done(verdict).err().map(|problem| problem.sentence())
            }
        };
        plan.against
            .extend(why.map(|why| format!("Leg {number}: {why}")));
    }
    Ok(plan)
}

fn view(reading: &Reading, asked: &Asked) -> Result<BundleChangePlanView, Problem> {
    let mut legs = Vec::new();
    for (number, leg) in (1_u16..).zip(&asked.legs) {
        let changed = asked.changed.iter().find(|one| one.number == number);
        legs.push(leg_view(reading, (number, leg), changed)?);
    }
    let against = match asked.changed.as_slice() {
        [] => Some("Nothing of its orders is open any more.".to_owned()),
        [one] => Some(format!(
            "One order alone would change: see omni order show {}.",
            one.order.short()
        )),
        _ => None,
    };
    let sums = |of: fn(&LegChangeView) -> Option<&MoneyView>| {
        let mut sums: BTreeMap<&str, Vec<&MoneyView>> = BTreeMap::new();
        for amount in legs.iter().filter_map(of) {
            sums.entry(&amount.currency).or_default().push(amount);
        }
        sums.into_values().filter_map(|all| total(&all)).collect()
    };
    Ok(BundleChangePlanView {
        bundle: asked.draft.name.to_string(),
        differences: sums(|leg| leg.difference.as_ref()),
        fees: sums(|leg| leg.fee.as_ref()),
        against: against.into_iter().collect(),
        legs,
    })
}

fn total(amounts: &[&MoneyView]) -> Option<MoneyView> {
    let currency: Currency = amounts.first()?.currency.parse().ok()?;
    let minors = amounts.iter().map(|amount| Minor::new(amount.minor).ok());
    let sum = Minor::total(minors.collect::<Option<Vec<_>>>()?)?;
    Some(money(sum, currency))
}

fn leg_view(
    reading: &Reading,
    (number, leg): (u16, &Known),
    changed: Option<&Changed>,
) -> Result<LegChangeView, Problem> {
    let first = leg.terms.as_ref().and_then(|terms| terms.lines().first());
    let order = Order::read(reading, leg.leg.deal);
    let view = LegChangeView {
        number,
        partner: leg.deal.partner.to_string(),
        name: partner::name(reading, leg.deal.partner)?,
        title: first.map_or_else(String::new, |line| line.item().title.to_string()),
        status: match &order {
            Some(order) => order.status().name(),
            None => leg.deal.state.name(),
        }
        .to_owned(),
        what: None,
        order: order.map(|_| leg.leg.deal.to_string()),
        changes: Vec::new(),
        difference: None,
        fee: None,
        granted_fee: None,
        decides: None,
    };
    let Some(Changed { order, terms, .. }) = changed else {
        return Ok(view);
    };
    let Effect {
        changes,
        difference,
        fee,
        granted_fee,
        decides,
    } = Effect::of(reading, order, terms);
    let what = terms.conditions().on.map(|on| on.what.name().to_owned());
    Ok(LegChangeView {
        what,
        changes,
        difference: Some(difference),
        fee: Some(fee),
        granted_fee,
        decides: Some(decides),
        ..view
    })
}

/// Begins the bundle of changes and asks for a hold of each; gives back what was asked where one
/// can't be. Its name is handed back.
pub(super) async fn begin(
    desk: &Desk,
    name: String,
    ask: BundleChangeAsk,
) -> Result<String, Problem> {
    let of = name.clone();
    let read = move |reading: &Reading| {
        let asked = asked(reading, &of, &ask)?;
        if let Some(why) = view(reading, &asked)?.against.first() {
            return Err(Problem::new(ApiCode::Conflict, why.clone()));
        }
        let new = new_name(reading, &asked, ask.name.as_deref())?;
        let mut requests = Vec::new();
        for one in &asked.changed {
            requests.push((index_of(&asked, one), requesting(reading, one)?));
        }
        Ok((
            asked.id,
            new,
            requests,
            asked.legs.iter().map(|leg| leg.leg.clone()).collect(),
        ))
    };
    let (changes, new, requests, legs): (_, _, Vec<(usize, Requesting)>, Vec<DraftLeg>) =
        desk.read(read).await?;
    let bundle = bundle_id(&new);
    let word = Bundling::New {
        name: new.clone(),
        changes: Some(changes),
    };
    begun(desk, new.as_str(), word).await?;
    let taken = take_in(desk, (bundle, new.as_str()), requests, &legs).await;
    if let Err(problem) = taken {
        said(desk, new.as_str(), Bundling::Cancel { bundle }).await?;
        return Err(problem);
    }
    Ok(new.to_string())
}

fn index_of(asked: &Asked, one: &Changed) -> usize {
    let deals = asked.legs.iter();
    deals.take_while(|leg| leg.leg.deal != one.order.id).count()
}

/// Asks for each hold and takes it in, in the order of the legs that are changed.
async fn take_in(
    desk: &Desk,
    (bundle, name): (BundleId, &str),
    requests: Vec<(usize, Requesting)>,
    legs: &[DraftLeg],
) -> Result<(), Problem> {
    let mut asked: Vec<(DealId, DealId)> = Vec::new();
    let mut after = Vec::new();
    for (index, requesting) in requests {
        let deal = ask_leg(desk, (bundle, name), Box::new(requesting), Vec::new()).await?;
        if let Some(leg) = legs.get(index) {
            asked.push((leg.deal, deal));
            after.push((deal, leg.after.clone()));
        }
    }
    // What comes after what stays so among the changes.
    for (deal, before) in after {
        let now = asked.iter().filter(|(old, _)| before.contains(old));
        let now: Vec<DealId> = now.map(|(_, new)| *new).collect();
        if now.is_empty() {
            continue;
        }
        let leg = DraftLeg {
            deal,
            alternative: 0,
            after: List::new(now).map_err(|why| invalid(format!("after: {why}.")))?,
        };
        said(desk, name, Bundling::Add { bundle, leg }).await?;
    }
    Ok(())
}

fn requesting(reading: &Reading, one: &Changed) -> Result<Requesting, Problem> {
    Ok(Requesting {
        partner: one.order.order.partner,
        thread: None,
        proposal: None,
        valid_until: valid_until(reading, None, (Role::Requester, false))?,
        terms: one.terms.clone(),
        commit: Approval::Asked,
    })
}

/// The name of the bundle of changes: the one that was chosen, or the first that is free.
fn new_name(
    reading: &Reading,
    asked: &Asked,
    chosen: Option<&str>,
) -> Result<Text<NAME_BYTES_MAX, 1>, Problem> {
    let bad = |why: &dyn std::fmt::Display| invalid(format!("name: {why}."));
    if let Some(chosen) = chosen {
        let name = Text::new(chosen).map_err(|why| bad(&why))?;
        return match Draft::read(reading, bundle_id(&name)) {
            None => Ok(name),
            Some(_) => Err(taken(chosen)),
        };
    }
    let cancels = |one: &Changed| {
        let on = one.terms.conditions().on;
        on.is_some_and(|on| on.what == ChangeWhat::Cancel)
    };
    let what = if asked.changed.iter().all(cancels) {
        "cancel"
    } else {
        "amend"
    };
    let of = asked.draft.name.as_str();
    for number in 1..=NAMES_MAX {
        let end = if number == 1 {
            String::new()
        } else {
            format!(" {number}")
        };
        let name = Text::new(format!("{what} {of}{end}").as_str()).map_err(|why| bad(&why))?;
        if Draft::read(reading, bundle_id(&name)).is_none() {
            return Ok(name);
        }
    }
    Err(invalid("name: choose one."))
}
