//! `omni order amend`: the terms of an order are to be others from now on.

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::super::Ctx;
use super::super::confirm::confirm;
use super::super::deal::told;
use super::super::exit;
use super::super::money::signed;
use super::super::outcome::{CliError, Outcome, Report, pairs};
use super::{ChangeFlags, line, path, short};
use crate::view::change::{AmendAsk, AmendLine, AmendPlanView};
use crate::view::deal::LineAsk;
use crate::view::order::StepLine;
use crate::view::preview::FieldChangeView;
use crate::view::terms::WindowDoc;

/// Ask to amend an order, bindingly: other quantities, prices, lines, another time or place
///
/// What is not named stays as it is. The other side decides; until it has agreed, and where it does
/// not, the terms before stand. A requester that only gives something up, for the fee that the terms
/// say, needs nobody's consent.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct AmendArgs {
    /// The order or its thread, or at least 8 digits of its beginning
    order: String,
    /// Another quantity of a line, as 1=2, with what is fulfilled; 1=0 takes it out; may be repeated
    #[arg(long, value_name = "LINE=QUANTITY", value_parser = line)]
    line: Vec<StepLine>,
    /// Another price of a line, as 1=79.90; may be repeated
    #[arg(long, value_name = "LINE=PRICE", value_parser = line)]
    price: Vec<StepLine>,
    /// An article of the provider that it has not yet, with its quantity, as SKU=2; may be repeated
    #[arg(long, value_name = "SKU=QUANTITY", value_parser = article)]
    add: Vec<(String, String)>,
    /// In which other slot, for a service: its local time as omni offer slots shows it
    #[arg(long, value_name = "TIME", conflicts_with = "window")]
    slot: Option<String>,
    /// When it shall be fulfilled, as 2026-12-01T08:00Z..2026-12-01T12:00Z
    #[arg(long, value_name = "FROM..UNTIL", value_parser = window)]
    window: Option<WindowDoc>,
    /// Where to: a country or a part of it, such as GB or DE-BY
    #[arg(long)]
    region: Option<String>,
    /// Another postcode
    #[arg(long)]
    postcode: Option<String>,
    /// How it reaches the customer: ship, "pick up", deliver, "on site", remote, digital
    #[arg(long)]
    method: Option<String>,
    #[command(flatten)]
    change: ChangeFlags,
    /// Say what would come of it, and propose nothing
    #[arg(long)]
    dry_run: bool,
}

/// Reads `SKU=2`: two of it. Numbers of articles may have a sign of equality in them.
fn article(text: &str) -> Result<(String, String), String> {
    let parts = text.rsplit_once('=');
    let parts = parts.filter(|(sku, quantity)| !sku.is_empty() && !quantity.is_empty());
    let (sku, quantity) = parts.ok_or("write article and quantity, such as SKU=2")?;
    Ok((sku.to_owned(), quantity.to_owned()))
}

/// Reads two times with their zone.
pub(in crate::cli) fn window(text: &str) -> Result<WindowDoc, String> {
    let wanted = "write two times with their zone, such as 2026-12-01T08:00Z..2026-12-01T12:00Z";
    let time = |text: &str| {
        let at: Option<Timestamp> = text.parse().ok();
        at.and_then(|at| u64::try_from(at.as_millisecond()).ok())
    };
    let times = text.split_once("..");
    let times = times.and_then(|(from, until)| Some((time(from)?, time(until)?)));
    let (from_ms, until_ms) = times.ok_or(wanted)?;
    Ok(WindowDoc { from_ms, until_ms })
}

/// A plan for people.
#[derive(Debug, Serialize)]
struct Planned(AmendPlanView);

impl Report for Planned {
    const SCHEMA: &'static str = "omni.order.amend/1";

    fn text(&self) -> String {
        format!("{}\nit can be proposed now\n", plan_text(&self.0))
    }
}

fn plan_text(plan: &AmendPlanView) -> String {
    let whom = plan.name.as_deref().unwrap_or(&plan.partner);
    let order = short(&plan.order);
    let mut lines = vec![(
        "order",
        format!("{order} version {}, with {whom}", plan.version),
    )];
    lines.extend(
        plan.changes
            .iter()
            .map(|change| ("change", sentence(change))),
    );
    lines.push(("owed now", plan.owed.to_string()));
    lines.push(("difference", signed(&plan.difference)));
    let granted = match &plan.granted_fee {
        Some(fee) if fee == &plan.fee && fee.minor == 0 => String::new(),
        Some(fee) if fee == &plan.fee => " (as the terms say)".to_owned(),
        Some(fee) => format!(" (the terms say {fee})"),
        None => " (the terms grant nothing of it as things stand)".to_owned(),
    };
    lines.push(("fee in it", format!("{}{granted}", plan.fee)));
    lines.push((
        "decides",
        match plan.decides.as_str() {
            "terms" => "nobody: the terms of the order grant it".to_owned(),
            _ => whom.to_owned(),
        },
    ));
    pairs(&lines)
}

/// `PAR-35: 3 pc at 79.90 -> 2 pc at 79.90`.
pub(in crate::cli) fn sentence(change: &FieldChangeView) -> String {
    let text = |text: &String| match text.as_str() {
        "" => "nothing".to_owned(),
        text => text.to_owned(),
    };
    let (from, to) = (text(&change.from), text(&change.to));
    format!("{}: {from} -> {to}", change.field)
}

pub(super) fn run(ctx: &Ctx, args: &AmendArgs) -> Result<Outcome, CliError> {
    let ask = ask(args);
    let amend = format!("{}/amend", path(&args.order));
    let client = ctx.client()?;
    let plan: AmendPlanView = client
        .post(&format!("{amend}/plan"), &ask)
        .map_err(|e| ctx.asked(e))?;
    if args.dry_run {
        return Ok(Outcome::of(&Planned(plan)));
    }
    let what = format!(
        "{}Amending binds: a firm proposal goes to the other side. With the Receipt these are the \
         terms of the order; until then, and where it is refused, the terms before stand.",
        plan_text(&plan)
    );
    confirm(ctx, args.change.yes, &what)?;
    told(ctx, client.post(&amend, &ask))
}

fn ask(args: &AmendArgs) -> AmendAsk {
    let mut lines: Vec<AmendLine> = Vec::new();
    let quantities = args.line.iter().map(|one| (one, true));
    for (one, is_quantity) in quantities.chain(args.price.iter().map(|one| (one, false))) {
        let text = Some(one.quantity.clone());
        let known = lines.iter().position(|line| line.line == one.line);
        let (quantity, price) = if is_quantity {
            (text, None)
        } else {
            (None, text)
        };
        match known.and_then(|at| lines.get_mut(at)) {
            Some(line) => {
                line.quantity = quantity.or(line.quantity.take());
                line.price = price.or(line.price.take());
            }
            None => lines.push(AmendLine {
                line: one.line,
                quantity,
                price,
            }),
        }
    }
    let add = args.add.iter().map(|(sku, quantity)| LineAsk {
        sku: Some(sku.clone()),
        quantity: quantity.clone(),
        ..LineAsk::default()
    });
    AmendAsk {
        lines,
        add: add.collect(),
        method: args.method.clone(),
        region: args.region.clone(),
        postcode: args.postcode.clone(),
        slot: args.slot.clone(),
        window: args.window,
        fee: args.change.fee.clone(),
        note: args.change.note.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_two_times() {
        let check = |text: &str, expected: Option<(u64, u64)>| {
            let read = window(text).ok();
            assert_eq!(read.map(|w| (w.from_ms, w.until_ms)), expected, "{text:?}");
        };
        check("1970-01-01T00:00Z..1970-01-01T00:00:01Z", Some((0, 1_000)));
        check(
            "1970-01-01T01:00+01:00..1970-01-01T01:00Z",
            Some((0, 3_600_000)),
        );
        check("1970-01-01T00:00Z", None);
        check("1970-01-01..1970-01-02", None);
        check("tomorrow..later", None);
        check("1969-01-01T00:00Z..1970-01-01T00:00Z", None);
    }

    #[test]
    fn an_article_is_named_with_its_quantity() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let read = article(text).ok();
            let read = read.as_ref().map(|(sku, of)| (&**sku, &**of));
            assert_eq!(read, expected, "{text:?}");
        };
        check("A=2", Some(("A", "2")));
        check("A=B=2", Some(("A=B", "2")));
        check("A", None);
        check("=2", None);
        check("A=", None);
    }
}
