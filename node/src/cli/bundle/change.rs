//! `omni bundle cancel` and `amend`: giving a bundle up before its commit, and changing what it came
//! to afterwards, all of it or nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;
use serde_json::json;

use super::super::Ctx;
use super::super::confirm::confirm;
use super::super::exit::{self, Exit};
use super::super::money::{signed, sum};
use super::super::number::whole;
use super::super::order::amend::{sentence, window};
use super::super::outcome::{CliError, Outcome, Report, pairs};
use super::super::plain::plain;
use super::super::wait::PAUSE;
use super::{get, named, path, told};
use crate::client::Client;
use crate::view::bundle::BundleView;
use crate::view::change::{
    AmendAsk, AmendLine, BundleChangeAsk, BundleChangePlanView, LegChangeAsk, LegChangeView,
};
use crate::view::order::CancelAsk;
use crate::view::terms::WindowDoc;

/// How long the providers may take to hold their changes before the command ends without them.
const PATIENCE: Duration = Duration::from_secs(10);

/// Give a bundle up, or cancel what it came to: all of it or nothing
///
/// Before its commit all its holds go back. Of one that was agreed each order of which something is
/// open is cancelled, for the fee that its terms say: each provider is asked for a hold of that, and
/// when all hold, all are committed together. Whoever must be asked has time to answer; then the
/// bundle of changes waits, and is committed by hand.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct CancelArgs {
    /// The bundle
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    name: String,
    /// Only this leg, by its number; may be repeated; else all that is open
    #[arg(long, value_name = "LEG", value_parser = whole::<u16>)]
    leg: Vec<u16>,
    #[command(flatten)]
    common: Common,
}

/// Amend what a bundle came to: all the legs that are named, or none
///
/// Each provider is asked for a hold of its amendment, and when all hold, all are committed together.
/// Until then, and where one refuses, all terms stay as they are.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct AmendArgs {
    /// The bundle
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    name: String,
    /// In which other slot a leg shall be performed, as 2=2026-12-01T09:00; may be repeated
    #[arg(long, value_name = "LEG=TIME", value_parser = of_leg)]
    slot: Vec<(u16, String)>,
    /// When a leg shall be fulfilled, as 2=2026-12-01T08:00Z..2026-12-01T12:00Z; may be repeated
    #[arg(long, value_name = "LEG=FROM..UNTIL", value_parser = of_leg)]
    window: Vec<(u16, String)>,
    /// Another quantity of a line of a leg, as 2.1=3; 2.1=0 takes it out; may be repeated
    #[arg(long, value_name = "LEG.LINE=QUANTITY", value_parser = of_line)]
    line: Vec<(u16, AmendLine)>,
    /// Where a leg goes, as 2=DE-BY; may be repeated
    #[arg(long, value_name = "LEG=REGION", value_parser = of_leg)]
    region: Vec<(u16, String)>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Common {
    /// Another fee for a leg than its terms say, as 2=5.00; may be repeated
    #[arg(long, value_name = "LEG=AMOUNT", value_parser = of_leg)]
    fee: Vec<(u16, String)>,
    /// A note to the providers
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    note: String,
    /// How the bundle of changes is called; else a name is made from that of the bundle
    #[arg(long = "as", value_name = "NAME")]
    new_name: Option<String>,
    /// Say what would come of it, leg by leg, and ask nobody
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Reads `2=TEXT`: of leg 2.
fn of_leg(text: &str) -> Result<(u16, String), String> {
    let parts = text.split_once('=');
    let parts = parts.and_then(|(leg, rest)| Some((leg.parse().ok()?, rest.to_owned())));
    parts.ok_or_else(|| "write the number of the leg before it, such as 2=…".to_owned())
}

/// Reads `2.1=3`: of leg 2 and line 1 three.
fn of_line(text: &str) -> Result<(u16, AmendLine), String> {
    let parts = text.split_once('=').and_then(|(place, quantity)| {
        let (leg, line) = place.split_once('.')?;
        let line = AmendLine {
            line: line.parse().ok()?,
            quantity: Some(quantity.to_owned()),
            price: None,
        };
        Some((leg.parse().ok()?, line))
    });
    parts.ok_or_else(|| "write leg, line and quantity, such as 2.1=3".to_owned())
}

/// A plan for people.
#[derive(Debug, Serialize)]
struct Planned(BundleChangePlanView);

impl Report for Planned {
    const SCHEMA: &'static str = "omni.bundle.change/1";

    fn text(&self) -> String {
        let Self(plan) = self;
        let mut text = plan_text(plan);
        if plan.against.is_empty() {
            text.push_str("\nit can be asked for now\n");
        } else {
            text.push_str("\nit can't be asked for now\n");
            for why in &plan.against {
                text.push_str(&format!("  {}\n", plain(why)));
            }
        }
        text
    }
}

fn plan_text(plan: &BundleChangePlanView) -> String {
    let mut text = pairs(&[
        ("bundle", plan.bundle.clone()),
        ("difference", sum(&plan.differences)),
        ("fees in it", sum(&plan.fees)),
    ]);
    text.push_str("\nlegs\n");
    for leg in &plan.legs {
        text.push_str(&format!("  {}\n", plain(&leg_text(leg))));
        for change in &leg.changes {
            text.push_str(&format!("       {}\n", plain(&sentence(change))));
        }
    }
    text
}

fn leg_text(leg: &LegChangeView) -> String {
    let whom = leg.name.as_deref().unwrap_or(&leg.partner);
    let beginning = format!("{}  {whom}: {}, {}", leg.number, leg.title, leg.status);
    let Some(what) = &leg.what else {
        return format!("{beginning}: stays as it is");
    };
    let difference = leg.difference.as_ref().map(signed).unwrap_or_default();
    let fee = leg.fee.as_ref().map(ToString::to_string);
    let fee = fee.unwrap_or_default();
    let grants = match (&leg.granted_fee, leg.decides.as_deref()) {
        (_, Some("terms")) => "as its terms grant".to_owned(),
        (Some(granted), _) if Some(granted) != leg.fee.as_ref() => {
            format!("the terms say {granted}, and {whom} decides")
        }
        _ => format!("{whom} decides"),
    };
    format!("{beginning}: {what}, {difference} with a fee of {fee}, {grants}")
}

pub(super) fn cancel(ctx: &Ctx, args: &CancelArgs) -> Result<Outcome, CliError> {
    let bundle = get(ctx, &args.name)?;
    let is_of_legs =
        !args.leg.is_empty() || !args.common.fee.is_empty() || args.common.new_name.is_some();
    if bundle.row.state == "collecting" && (is_of_legs || args.common.dry_run) {
        let what = "a bundle that is not committed is given up whole";
        let name = named(&args.name);
        let next = format!(
            "take one leg out: {}\ngive it up: {}",
            ctx.typed(&format!("bundle remove {name} THREAD")),
            ctx.typed(&format!("bundle cancel {name}"))
        );
        return Err(CliError::new(Exit::Refused, "conflict", what)
            .why("its legs are no orders yet: all its holds go back, and nothing is owed for that")
            .next(next));
    }
    if bundle.row.state != "agreed" && !args.common.dry_run {
        let cancel = format!("{}/cancel", path(&args.name));
        return told(ctx, ctx.client()?.post(&cancel, &json!({})));
    }
    let open = bundle.legs.iter().filter(|leg| leg.open);
    let open = open.map(|leg| leg.number);
    let legs: Vec<u16> = if args.leg.is_empty() {
        open.collect()
    } else {
        args.leg.clone()
    };
    let fee = |leg: u16| {
        let mut fees = args.common.fee.iter();
        fees.find(|(of, _)| *of == leg).map(|(_, fee)| fee.clone())
    };
    let legs = legs.into_iter().map(|leg| LegChangeAsk {
        leg,
        amend: None,
        cancel: Some(CancelAsk {
            lines: Vec::new(),
            fee: fee(leg),
            note: args.common.note.clone(),
        }),
    });
    change(ctx, &args.name, &args.common, legs.collect())
}

pub(super) fn amend(ctx: &Ctx, args: &AmendArgs) -> Result<Outcome, CliError> {
    let mut legs: BTreeMap<u16, AmendAsk> = BTreeMap::new();
    for (leg, text) in &args.window {
        let window: WindowDoc = window(text)
            .map_err(|why| CliError::new(Exit::Usage, "usage", format!("leg {leg}: {why}")))?;
        legs.entry(*leg).or_default().window = Some(window);
    }
    for (leg, slot) in &args.slot {
        legs.entry(*leg).or_default().slot = Some(slot.clone());
    }
    for (leg, line) in &args.line {
        legs.entry(*leg).or_default().lines.push(line.clone());
    }
    for (leg, region) in &args.region {
        legs.entry(*leg).or_default().region = Some(region.clone());
    }
    if legs.is_empty() {
        let what = "what shall be another?";
        let next =
            "say it of a leg: --slot 2=TIME, --window 2=FROM..UNTIL, --line 2.1=3 or --region 2=DE";
        return Err(CliError::new(Exit::Usage, "usage", what).next(next));
    }
    for (leg, fee) in &args.common.fee {
        legs.entry(*leg).or_default().fee = Some(fee.clone());
    }
    let note = &args.common.note;
    let legs = legs.into_iter().map(|(leg, amend)| LegChangeAsk {
        leg,
        cancel: None,
        amend: Some(AmendAsk {
            note: note.clone(),
            ..amend
        }),
    });
    change(ctx, &args.name, &args.common, legs.collect())
}

fn change(
    ctx: &Ctx,
    name: &str,
    common: &Common,
    legs: Vec<LegChangeAsk>,
) -> Result<Outcome, CliError> {
    let ask = BundleChangeAsk {
        name: common.new_name.clone(),
        legs,
    };
    let change = format!("{}/change", path(name));
    let client = ctx.client()?;
    let plan: BundleChangePlanView = client
        .post(&format!("{change}/plan"), &ask)
        .map_err(|e| ctx.asked(e))?;
    if common.dry_run {
        let is_ready = plan.against.is_empty();
        let outcome = Outcome::of(&Planned(plan));
        return Ok(if is_ready {
            outcome
        } else {
            outcome.ending(Exit::Refused)
        });
    }
    if !plan.against.is_empty() {
        let what = "it can't be asked for now";
        let why = plain(plan.against.join(" ").trim_end_matches('.'));
        return Err(CliError::new(Exit::Refused, "conflict", what).why(why));
    }
    let what = format!(
        "{}\nEach provider is asked to hold its change. When all hold, this commits to all of them at \
         once; until all have armed, and where one refuses, all terms stay as they are.",
        plan_text(&plan)
    );
    confirm(ctx, common.yes, &what)?;
    let begun: BundleView = client.post(&change, &ask).map_err(|e| ctx.asked(e))?;
    settle(ctx, &client, begun)
}

/// Commits the changes when all are held, gives them back when one is refused, and leaves them where
/// somebody has to be asked.
fn settle(ctx: &Ctx, client: &Client, begun: BundleView) -> Result<Outcome, CliError> {
    let end = Instant::now() + PATIENCE;
    let mut view = begun;
    let place = path(&view.row.name);
    loop {
        let refused = view.legs.iter().find(|leg| leg.state == "aborted");
        if let Some(leg) = refused {
            let whom = leg.name.clone().unwrap_or_else(|| leg.partner.clone());
            let why = leg.code.clone().unwrap_or_default();
            let what = format!("{whom} refuses the change of leg {}", leg.number);
            let back: BundleView = client
                .post(&format!("{place}/cancel"), &json!({}))
                .map_err(|e| ctx.asked(e))?;
            let show = ctx.typed(&format!("bundle show {}", named(&back.row.name)));
            return Err(CliError::new(Exit::Refused, "refused", what)
                .why(format!(
                    "{why}; nothing was changed, and what was held is given back"
                ))
                .next(format!("see the changes: {show}")));
        }
        if view.legs.iter().all(|leg| leg.state == "held") {
            return told(ctx, client.post(&format!("{place}/commit"), &json!({})));
        }
        if Instant::now() > end {
            return told(ctx, Ok(view));
        }
        std::thread::sleep(PAUSE);
        view = client.get(&place).map_err(|e| ctx.asked(e))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legs_and_lines_are_named_by_numbers() {
        let leg = |text: &str| of_leg(text).ok();
        assert_eq!(leg("2=5.00"), Some((2, "5.00".to_owned())));
        assert_eq!(leg("two=5.00"), None);
        assert_eq!(leg("5.00"), None);
        let line = |text: &str| {
            let (leg, line) = of_line(text).ok()?;
            Some((leg, line.line, line.quantity?))
        };
        assert_eq!(line("2.1=3"), Some((2, 1, "3".to_owned())));
        for bad in ["2=3", "2.1", ".1=3", "2.=3", "x.1=3"] {
            assert_eq!(line(bad), None, "{bad}");
        }
    }
}
