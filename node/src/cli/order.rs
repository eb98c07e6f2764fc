//! `omni order`: what was agreed, and what happens to it.

pub(in crate::cli) mod amend;
mod show;

use clap::{Args, Subcommand};

use super::Ctx;
use super::address::segment;
use super::confirm::confirm;
use super::deal::told;
use super::exit::{self, Exit};
use super::outcome::{CliError, Outcome, Report};
use super::pages::{Page, Part, fetch};
use super::plain::plain;
use super::ship_to::ShipTo;
use super::table::{Side, page};
use super::when::when;
use crate::view::order::{
    CancelAsk, EventAsk, HandOverAsk, ORDER_STATUSES, OrderRow, OrderView, OrdersView, StepLine,
};

/// See what was agreed, say what happens to it, amend it, cancel it
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct OrderArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Ls(LsArgs),
    Show(ShowArgs),
    Ship(ShipArgs),
    Complete(CompleteArgs),
    Amend(amend::AmendArgs),
    Cancel(CancelArgs),
    HandOver(HandOverArgs),
}

/// List orders: what, with whom, how far, and what is owed for it
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct LsArgs {
    /// Only those that are ordered, in-fulfilment, completed or cancelled
    #[arg(long, value_parser = ORDER_STATUSES)]
    status: Option<String>,
    /// Only those with this partner, by id or name
    #[arg(long)]
    partner: Option<String>,
    #[command(flatten)]
    part: Part,
}

/// Show an order; at the provider with the recipient, opened
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct ShowArgs {
    /// The order or its thread, or at least 8 digits of its beginning
    order: String,
}

/// Say that the goods are on their way
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct ShipArgs {
    /// The order or its thread, or at least 8 digits of its beginning
    order: String,
    /// Another event: `Packed`, `InTransit`, `OutForDelivery`, `Delivered`, `FailedAttempt` …
    #[arg(long, value_name = "EVENT", default_value = "HandedOver")]
    what: String,
    #[command(flatten)]
    event: EventFlags,
}

/// Say that all is fulfilled, or the lines that are named
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct CompleteArgs {
    /// The order or its thread, or at least 8 digits of its beginning
    order: String,
    #[command(flatten)]
    event: EventFlags,
}

#[derive(Debug, Args)]
struct EventFlags {
    /// The carrier's reference, or another
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    reference: String,
    /// A note
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    note: String,
    /// Part of the order: line and quantity, as 1=2; may be repeated; else all of it
    #[arg(long, value_name = "LINE=QUANTITY", value_parser = line)]
    line: Vec<StepLine>,
}

/// Ask to cancel an order, bindingly; the fee is what its terms say, else none
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct CancelArgs {
    /// The order or its thread, or at least 8 digits of its beginning
    order: String,
    /// Part of the order: line and quantity, as 1=2; may be repeated; else all that is open
    #[arg(long, value_name = "LINE=QUANTITY", value_parser = line)]
    line: Vec<StepLine>,
    #[command(flatten)]
    change: ChangeFlags,
}

/// What every change of an order takes.
#[derive(Debug, Args)]
struct ChangeFlags {
    /// Another fee than the terms say, for the other side to decide
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    fee: Option<String>,
    /// A note to the other side
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    note: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Say who receives an order, sealed for the provider; for orders that were accepted without
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct HandOverArgs {
    /// The order or its thread, or at least 8 digits of its beginning
    order: String,
    #[command(flatten)]
    ship_to: ShipTo,
}

/// Reads `1=2`: line 1, two of it.
fn line(text: &str) -> Result<StepLine, String> {
    let parts = text.split_once('=');
    let parts = parts.and_then(|(line, quantity)| Some((line.parse().ok()?, quantity)));
    let (line, quantity) = parts.ok_or("write line and quantity, such as 1=2")?;
    Ok(StepLine {
        line,
        quantity: quantity.to_owned(),
    })
}

impl Report for OrdersView {
    const SCHEMA: &'static str = "omni.order.ls/1";

    fn text(&self) -> String {
        let header = [
            ("order", Side::Left),
            ("partner", Side::Left),
            ("we are", Side::Left),
            ("about", Side::Left),
            ("owed", Side::Right),
            ("status", Side::Left),
            ("latest", Side::Left),
            ("agreed", Side::Left),
        ];
        let mut orders: Vec<_> = self.orders.iter().collect();
        orders.sort_by_key(|order| std::cmp::Reverse(order.agreed_ms));
        let rows: Vec<_> = orders.into_iter().map(row).collect();
        page("no orders", &header, &rows, self.next.as_deref())
    }
}

impl Page for OrdersView {
    type Row = OrderRow;

    fn rows(&mut self) -> &mut Vec<OrderRow> {
        &mut self.orders
    }

    fn next(&mut self) -> &mut Option<String> {
        &mut self.next
    }
}

fn row(order: &OrderRow) -> Vec<String> {
    let more = match order.lines {
        0 | 1 => String::new(),
        lines => format!(" and {} more", lines.saturating_sub(1)),
    };
    let owed = order.owed.as_ref();
    vec![
        order.order.chars().take(12).collect(),
        order
            .name
            .clone()
            .unwrap_or_else(|| order.partner.chars().take(16).collect()),
        order.side.clone(),
        format!("{}{more}", order.title),
        owed.map(ToString::to_string).unwrap_or_default(),
        order.status.clone(),
        order.latest.clone().unwrap_or_default(),
        when(order.agreed_ms),
    ]
}

pub(super) fn run(ctx: &Ctx, args: &OrderArgs) -> Result<Outcome, CliError> {
    match &args.verb {
        Verb::Ls(args) => ls(ctx, args),
        Verb::Show(args) => ctx.report::<OrderView>(ctx.client()?.get(&path(&args.order))),
        Verb::Ship(args) => {
            let what = Some(args.what.clone());
            event(ctx, &args.order, "ship", &ask(&args.event, what))
        }
        Verb::Complete(args) => event(ctx, &args.order, "complete", &ask(&args.event, None)),
        Verb::Amend(args) => amend::run(ctx, args),
        Verb::Cancel(args) => cancel(ctx, args),
        Verb::HandOver(args) => hand_over(ctx, args),
    }
}

fn path(order: &str) -> String {
    format!("/v1/orders/{}", segment(order))
}

fn ask(flags: &EventFlags, what: Option<String>) -> EventAsk {
    EventAsk {
        what,
        occurred_ms: None,
        reference: flags.reference.clone(),
        note: flags.note.clone(),
        lines: flags.line.clone(),
    }
}

fn event(ctx: &Ctx, order: &str, verb: &str, ask: &EventAsk) -> Result<Outcome, CliError> {
    let path = format!("{}/{verb}", path(order));
    ctx.report::<OrderView>(ctx.client()?.post(&path, ask))
}

fn ls(ctx: &Ctx, args: &LsArgs) -> Result<Outcome, CliError> {
    let params = [
        ("status", args.status.as_deref()),
        ("partner", args.partner.as_deref()),
    ];
    fetch::<OrdersView>(ctx, "/v1/orders", &params, &args.part)
}

fn cancel(ctx: &Ctx, args: &CancelArgs) -> Result<Outcome, CliError> {
    let client = ctx.client()?;
    let order: OrderView = client.get(&path(&args.order)).map_err(|e| ctx.asked(e))?;
    let fee = fee(ctx, args, &order)?;
    let what = format!(
        "Cancelling binds: a firm proposal to cancel goes to the other side with {fee}. When it is \
         accepted, what was cancelled is neither delivered nor owed."
    );
    confirm(ctx, args.change.yes, &what)?;
    let ask = CancelAsk {
        lines: args.line.clone(),
        fee: args.change.fee.clone(),
        note: args.change.note.clone(),
    };
    told(
        ctx,
        client.post(&format!("{}/cancel", path(&args.order)), &ask),
    )
}

/// The fee of a cancellation in words. Of what has nothing open nobody is asked to say yes.
fn fee(ctx: &Ctx, args: &CancelArgs, order: &OrderView) -> Result<String, CliError> {
    if order.progress.iter().all(|line| line.open == "0") {
        let what = "nothing of this order is open any more";
        let show = ctx.typed(&format!("order show {}", short(&order.row.order)));
        return Err(CliError::new(Exit::Refused, "conflict", what).next(format!("see it: {show}")));
    }
    match (&args.change.fee, &order.cancellation_fee) {
        (Some(fee), _) => Ok(format!("a fee of {fee}")),
        (None, _) if order.row.side == "provider" => Ok("no fee".to_owned()),
        (None, Some(fee)) if args.line.is_empty() => {
            Ok(format!("a fee of {fee}, as the terms say"))
        }
        (None, Some(fee)) => Ok(format!(
            "the fee that the terms say; for all that is open it would be {fee}"
        )),
        (None, None) => Ok(
            "no fee; the terms grant no cancellation as things stand, so the \
                            provider decides, and may want one (--fee AMOUNT)"
                .to_owned(),
        ),
    }
}

fn short(id: &str) -> String {
    id.chars().take(12).collect()
}

fn hand_over(ctx: &Ctx, args: &HandOverArgs) -> Result<Outcome, CliError> {
    let ship_to = args.ship_to.doc()?.ok_or_else(|| {
        CliError::new(Exit::Usage, "usage", "who receives it?").next(format!(
            "name a file: {}",
            ctx.typed(&format!(
                "order hand-over {} --ship-to FILE",
                plain(&args.order)
            ))
        ))
    })?;
    let ask = HandOverAsk { ship_to };
    let path = format!("{}/hand-over", path(&args.order));
    ctx.report::<OrderView>(ctx.client()?.post(&path, &ask))
}
