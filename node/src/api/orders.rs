//! The routes about orders: how far they are, what happened to them, their changes, and who
//! receives them. What an event or a change may be is the core's matter.

pub(super) mod amending;
pub(super) mod cancelling;
pub(super) mod effect;
pub(super) mod taking_back;
pub(super) mod telling;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use omni_protocol::code::Code;
use omni_protocol::deal::Side;
use omni_protocol::hash::{DealId, ThreadId};
use omni_protocol::machine::{Input, Key, Proposing, Verb, Verdict};
use omni_protocol::thread::{EventLine, Happening};
use omni_protocol::value::{Steps, Time};
use serde::Deserialize;

use self::telling::Known;
use super::deals;
use super::deals::naming::Named;
use super::deals::refusing::short;
use super::deals::telling::needs_address;
use super::offers::{Params, params, word};
use super::{ApiCode, Desk, Problem, Reading, done, json, page, partner};
use crate::view::change::{AmendAsk, AmendPlanView};
use crate::view::deal::DealView;
use crate::view::order::{CancelAsk, EventAsk, HandOverAsk, ORDER_STATUSES, OrderView, OrdersView};

/// The routes of this noun.
pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/v1/orders", get(list))
        .route("/v1/orders/{order}", get(show))
        .route("/v1/orders/{order}/ship", post(ship))
        .route("/v1/orders/{order}/complete", post(complete))
        .route("/v1/orders/{order}/events", post(happen))
        .route("/v1/orders/{order}/cancel", post(cancel))
        .route("/v1/orders/{order}/amend", post(amend))
        .route("/v1/orders/{order}/amend/plan", post(plan_amend))
        .route("/v1/orders/{order}/hand-over", post(hand_over))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    limit: Option<String>,
    cursor: Option<String>,
    /// One of [`ORDER_STATUSES`].
    status: Option<String>,
    partner: Option<String>,
}

async fn list(State(desk): State<Desk>, given: Params) -> Result<Json<OrdersView>, Problem> {
    let query: ListQuery = params(given)?;
    desk.read(move |reading| listed(reading, &query))
        .await
        .map(Json)
}

fn listed(reading: &Reading, query: &ListQuery) -> Result<OrdersView, Problem> {
    let limit = page::limit(query.limit.as_deref())?;
    let order = page::after(query.cursor.as_deref(), DealId::from_bytes([0; 32]))?;
    let whose = partner::named(reading, query.partner.as_deref())?;
    let orders = reading.after(Key::Order { order });
    let orders = orders.map_while(|(key, _)| {
        let Key::Order { order } = key else {
            return None;
        };
        Some(order)
    });
    let status = word("status", query.status.as_deref(), &ORDER_STATUSES)?;
    let row = |order: &DealId| {
        let known = telling::known(reading, *order)?;
        let row = telling::row(reading, &known)?;
        let is_meant = status.is_none_or(|status| status == row.status)
            && whose.is_none_or(|whose| whose == known.order.partner);
        Ok(is_meant.then_some(row))
    };
    let (orders, next) = page::fill(orders, limit, row)?;
    Ok(OrdersView { orders, next })
}

async fn show(
    State(desk): State<Desk>,
    Named(order): Named<DealId>,
) -> Result<Json<OrderView>, Problem> {
    told(&desk, order).await
}

async fn told(desk: &Desk, order: DealId) -> Result<Json<OrderView>, Problem> {
    let sealing = desk.about().sealing.clone();
    desk.read(move |reading| telling::view(reading, order, &sealing))
        .await
        .map(Json)
}

async fn ship(
    State(desk): State<Desk>,
    Named(order): Named<DealId>,
    body: Bytes,
) -> Result<Json<OrderView>, Problem> {
    say(&desk, order, &body, Some(Happening::HandedOver)).await
}

async fn complete(
    State(desk): State<Desk>,
    Named(order): Named<DealId>,
    body: Bytes,
) -> Result<Json<OrderView>, Problem> {
    say(&desk, order, &body, Some(Happening::Completed)).await
}

async fn happen(
    State(desk): State<Desk>,
    Named(order): Named<DealId>,
    body: Bytes,
) -> Result<Json<OrderView>, Problem> {
    say(&desk, order, &body, None).await
}

/// Says what happened to an order: what the body names, else `otherwise`.
async fn say(
    desk: &Desk,
    order: DealId,
    body: &Bytes,
    otherwise: Option<Happening>,
) -> Result<Json<OrderView>, Problem> {
    let ask: EventAsk = deals::optional(body)?;
    let verb = desk
        .read(move |reading| event(reading, order, &ask, otherwise))
        .await?;
    let verdict = desk.decide(Input::Verb(Box::new(verb))).await?;
    if let Verdict::Refused(code) = verdict
        && let Some(problem) = waits(order, code)
    {
        return Err(problem);
    }
    done(verdict)?;
    told(desk, order).await
}

/// For what an event waits.
fn waits(order: DealId, code: Code) -> Option<Problem> {
    let (detail, until) = if code == Code::InDoubt {
        let detail = "The partner's node has not confirmed the agreement yet, and this order waits \
                      for that: it is for a chain, or above orders.ship_gate.";
        (detail, "it has")
    } else if code == Code::HoldStands {
        let detail = "A change of this order is held for the partner, and would take away what is \
                      fulfilled by that.";
        (detail, "that is decided, or its hold is over")
    } else {
        return None;
    };
    let next = format!("wait until {until}: omni order show {}", short(&order));
    Some(Problem::of_market(code, detail).next(next))
}

fn event(
    reading: &Reading,
    order: DealId,
    ask: &EventAsk,
    otherwise: Option<Happening>,
) -> Result<Verb, Problem> {
    let invalid = |detail: String| Problem::new(ApiCode::Invalid, detail);
    let what = match (&ask.what, otherwise) {
        (None, Some(what)) => what,
        (Some(name), _) => named_event(name)?,
        (None, None) => return Err(invalid("what: name the event.".to_owned())),
    };
    let known = telling::known(reading, order)?;
    if known.order.side == Side::Requester {
        let detail = "Events are the provider's to say, and this node is the requester.";
        return Err(Problem::new(ApiCode::Conflict, detail));
    }
    let lines = cancelling::lines_of(&known.terms, &ask.lines)?;
    let is_open = known.order.lines.iter().any(|line| line.open() > 0);
    if what == Happening::Completed && !is_open {
        return Err(cancelling::nothing_open());
    }
    let most = if what == Happening::Completed {
        cancelling::OPEN
    } else {
        cancelling::ORDERED
    };
    cancelling::check_within(&known, &lines, most)?;
    if leaves(what) {
        check_address(reading, &known)?;
    }
    let lines = lines.into_iter().map(|(index, steps)| {
        let steps = Steps::new(steps).map_err(|why| invalid(format!("lines: {why}.")))?;
        let line = u16::try_from(index).unwrap_or(u16::MAX);
        Ok(EventLine { line, steps })
    });
    let occurred = match ask.occurred_ms {
        None => reading.now(),
        Some(ms) => Time::new(ms).map_err(|why| invalid(format!("occurred_ms: {why}.")))?,
    };
    Ok(Verb::Happen {
        order,
        what,
        occurred,
        lines: lines.collect::<Result<_, Problem>>()?,
        reference: ask
            .reference
            .parse()
            .map_err(|why| invalid(format!("reference: {why}.")))?,
        note: ask
            .note
            .parse()
            .map_err(|why| invalid(format!("note: {why}.")))?,
    })
}

fn named_event(name: &str) -> Result<Happening, Problem> {
    Happening::from_name(name).ok_or_else(|| {
        let names: Vec<_> = Happening::ALL.iter().map(|what| what.name()).collect();
        let detail = format!("what is one of: {}.", names.join(", "));
        Problem::new(ApiCode::Invalid, detail)
    })
}

/// Whether with this the goods leave the provider or the work is done at the customer's place.
const fn leaves(what: Happening) -> bool {
    matches!(
        what,
        Happening::HandedOver
            | Happening::InTransit
            | Happening::OutForDelivery
            | Happening::Delivered
            | Happening::EnRoute
            | Happening::Performed
            | Happening::Completed
    )
}

/// What goes to somebody can't go before it is known to whom.
fn check_address(reading: &Reading, known: &Known) -> Result<(), Problem> {
    if needs_address(&known.terms) && telling::handed(reading, known).is_none() {
        let detail = "The requester has not handed over yet who receives it.";
        let next = "wait: it comes sealed, after the Receipt\nor ask the requester, who hands it over \
                    with: order hand-over";
        return Err(Problem::new(ApiCode::Conflict, detail).next(next));
    }
    Ok(())
}

async fn cancel(
    State(desk): State<Desk>,
    Named(order): Named<DealId>,
    body: Bytes,
) -> Result<Json<DealView>, Problem> {
    let ask: CancelAsk = deals::optional(&body)?;
    let proposing = desk
        .read(move |reading| cancelling::proposing(reading, &telling::known(reading, order)?, &ask))
        .await?;
    propose(&desk, proposing).await
}

/// Puts a proposal about an order to the core, and tells its thread.
async fn propose(desk: &Desk, proposing: Proposing) -> Result<Json<DealView>, Problem> {
    let thread = proposing.thread;
    let made = deals::made(desk, Verb::Propose(proposing)).await?;
    let thread = thread.or_else(|| made.last().copied().map(ThreadId::from));
    let thread = thread.ok_or_else(deals::nothing_made)?;
    desk.read(move |reading| deals::telling::view(reading, thread))
        .await
        .map(Json)
}

async fn amend(
    State(desk): State<Desk>,
    Named(order): Named<DealId>,
    body: Bytes,
) -> Result<Json<DealView>, Problem> {
    let ask: AmendAsk = json(&body)?;
    let proposing = desk
        .read(move |reading| amending::proposing(reading, &telling::known(reading, order)?, &ask))
        .await?;
    propose(&desk, proposing).await
}

async fn plan_amend(
    State(desk): State<Desk>,
    Named(order): Named<DealId>,
    body: Bytes,
) -> Result<Json<AmendPlanView>, Problem> {
    let ask: AmendAsk = json(&body)?;
    let read = move |reading: &Reading| {
        let known = telling::known(reading, order)?;
        let proposing = amending::proposing(reading, &known, &ask)?;
        Ok((amending::plan(reading, &known, &proposing)?, proposing))
    };
    let (plan, proposing) = desk.read(read).await?;
    // The core judges it as it would propose it.
    deals::made(&desk, Verb::PlanPropose(proposing)).await?;
    Ok(Json(plan))
}

async fn hand_over(
    State(desk): State<Desk>,
    Named(order): Named<DealId>,
    body: Bytes,
) -> Result<Json<OrderView>, Problem> {
    let HandOverAsk { ship_to } = json(&body)?;
    let clear = deals::clear(Some(ship_to))?;
    let thread = desk
        .read(move |reading| {
            let known = telling::known(reading, order)?;
            let conflict = |detail| Err(Problem::new(ApiCode::Conflict, detail));
            let thread = known.order.thread;
            match known.order.side {
                Side::Provider => {
                    conflict("Who receives is the requester's to say, and this node provides.")
                }
                Side::Requester if super::hand_over::is_sent(reading, thread, order) => {
                    conflict("It was handed over already; tell the provider what changed.")
                }
                Side::Requester => Ok(thread),
            }
        })
        .await?;
    deals::keep(&desk, thread, clear).await?;
    super::hand_over::send(&desk, thread).await?;
    told(&desk, order).await
}
