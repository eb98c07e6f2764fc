//! A thread as a story for people: who said what, on which terms, where it stands, until when, and
//! what to type next.

use clap::Args;
use serde::Serialize;

use super::super::Ctx;
use super::super::exit;
use super::super::offer::per;
use super::super::outcome::{CliError, Outcome, Report, pairs};
use super::super::plain::plain;
use super::super::when::{left, minute, now_ms, span, when};
use super::chain::chain_text;
use super::get;
use crate::formats::units::word;
use crate::plain::quoted;
use crate::view::bundle::{InBundleView, LegSaid};
use crate::view::deal::{DealRow, DealView, HandOverState, SaidView};
use crate::view::failover::OfFailoverView;
use crate::view::terms::{LineView, TermsView, WindowDoc};

/// Show a thread: who said what, the terms, where it stands, and what to type next
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct ShowArgs {
    /// The thread, or at least 8 digits of its beginning
    thread: String,
}

pub(in crate::cli) fn run(ctx: &Ctx, args: &ShowArgs) -> Result<Outcome, CliError> {
    let view = get(ctx, &args.thread)?;
    Ok(Outcome::of(&Story::of(ctx, view)))
}

/// A thread with the commands to type next.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Story {
    #[serde(flatten)]
    view: DealView,
    next: Vec<String>,
}

impl Story {
    pub(in crate::cli) fn of(ctx: &Ctx, view: DealView) -> Self {
        let next = next(&view)
            .iter()
            .map(|command| ctx.typed(command))
            .collect();
        Self { view, next }
    }
}

impl Report for Story {
    const SCHEMA: &'static str = "omni.deal/1";

    fn text(&self) -> String {
        let view = &self.view;
        let row = &view.row;
        let whom = row.name.as_deref().unwrap_or(&row.partner);
        let mut lines = vec![
            ("thread", row.thread.clone()),
            ("with", format!("{whom}  {}", row.partner)),
        ];
        lines.extend(row.role.clone().map(|role| ("we are", role)));
        lines.push(("state", state(view)));
        if let Some(status) = &view.order_status {
            lines.push(("order", status.clone()));
        }
        lines.extend(view.drafted.clone().map(|name| ("kept for", name)));
        if view.passed_on {
            let through = "passed through to a partner of theirs, who stays unseen";
            lines.push(("provided", through.to_owned()));
        }
        lines.extend(
            view.failover
                .as_ref()
                .map(|of| ("failover", failover(row, of))),
        );
        if let Some(until) = view.until_ms.filter(|_| row.waits_for != "nobody") {
            lines.push((
                "until",
                format!("{} ({})", when(until), left(until, now_ms())),
            ));
        }
        // Who would receive what was never agreed is nobody's question.
        let is_over = row.waits_for == "nobody" && view.order_status.is_none();
        if view.hand_over != HandOverState::NotNeeded && !is_over {
            lines.push(("recipient", recipient(view.hand_over).to_owned()));
        }
        let mut text = pairs(&lines);
        if !view.alternatives.is_empty() {
            text.push_str("\nterms\n");
        }
        let several = view.alternatives.len() > 1;
        for (number, terms) in (1_u32..).zip(&view.alternatives) {
            if several {
                text.push_str(&format!("  alternative {number}\n"));
            }
            text.push_str(&terms_text(terms));
        }
        if let Some(bundle) = &view.bundle {
            text.push_str(&bundle_text(bundle));
        }
        if let Some(chain) = &view.chain {
            text.push_str(&chain_text(chain));
        }
        text.push_str("\nstory\n");
        for said in &view.said {
            text.push_str(&format!("  {}\n", plain(&sentence(said, whom))));
        }
        if !self.next.is_empty() {
            text.push_str("\nnext\n");
            for command in &self.next {
                text.push_str(&format!("  {command}\n"));
            }
        }
        text
    }
}

/// What a deal has to do with the failover of a leg.
fn failover(row: &DealRow, of: &OfFailoverView) -> String {
    let leg = format!("leg {} of {}", of.leg, plain(&of.bundle));
    let short = |thread: &str| thread.chars().take(12).collect::<String>();
    match &of.order {
        Some(order) if *order == row.thread => format!("stands in for {leg}"),
        _ if of.thread != row.thread => format!("asked in place of {leg}"),
        Some(order) => format!("{leg}, replaced by {}", short(order)),
        None => format!("{leg}, {}", of.state),
    }
}

fn state(view: &DealView) -> String {
    let waits = match view.row.waits_for.as_str() {
        "us" => ", waits for you",
        "them" => ", waits for the partner",
        "chain" => ", waits for the rest of its chain",
        _ => "",
    };
    let late = view.deals.last().is_some_and(|deal| deal.late);
    let late = if late {
        ", late: cancelling is free"
    } else {
        ""
    };
    let means = match view.row.state.as_str() {
        "doubt" if view.bundle.is_some() => " (committed as a leg of a bundle)",
        "doubt" => " (committed; the provider's Receipt or Refusal is to come)",
        "armed" => " (a leg of a bundle; it no longer ends by time)",
        "waiting" if view.row.rests_on.is_some() => {
            " (a leg of a bundle; it arms after what it rests on)"
        }
        "waiting" => " (a leg of a bundle; it arms after the others)",
        "asked" if view.row.rests_on.is_some() => {
            " (for a hold, which is asked of another partner)"
        }
        "asked" if !view.may.iter().any(|verb| verb == "accept") => {
            " (for a hold on more than is here)"
        }
        "passed" => " (committed, and so is what it rests on, which decides)",
        "requested" if view.row.is_for.is_some() => {
            " (asked for a hold, on which another deal is to rest)"
        }
        "requested" if view.drafted.is_some() || view.failover.is_some() => " (asked for a hold)",
        "requested" => " (asked for a hold; commits when it comes)",
        _ => "",
    };
    format!("{}{means}{waits}{late}", view.row.state)
}

/// The bundle of which a deal is a leg: what each of its members said.
fn bundle_text(bundle: &InBundleView) -> String {
    let mut text = String::from("\nbundle\n");
    for leg in &bundle.legs {
        let whom = leg.name.as_deref().unwrap_or(&leg.partner);
        let said = match leg.said {
            LegSaid::Nothing => "has not answered",
            LegSaid::Armed | LegSaid::Refused | LegSaid::Lapsed => leg.said.word(),
        };
        let last = if leg.arms_last { ", arms last" } else { "" };
        let line = format!("  {}  {whom}: {said}{last}", leg.number);
        text.push_str(&format!("{}\n", plain(&line)));
    }
    if let Some(ended) = &bundle.ended {
        text.push_str(&format!("  all of it is {}\n", plain(ended)));
    } else if let Some(until) = bundle.patience_until_ms {
        let patience = format!("{} ({})", when(until), left(until, now_ms()));
        text.push_str(&format!("  may lapse from {patience}\n"));
    }
    text
}

/// What became of the recipient's address, in words.
pub(in crate::cli) const fn recipient(state: HandOverState) -> &'static str {
    match state {
        HandOverState::NotNeeded => "not needed",
        HandOverState::Missing => "not said yet",
        HandOverState::Kept => "kept here; goes sealed after the Receipt",
        HandOverState::Sent => "sealed and sent",
        HandOverState::Received => "here, sealed for this node",
    }
}

/// What an operator may type next, the likeliest first.
fn next(view: &DealView) -> Vec<String> {
    let row = &view.row;
    let thread: String = row.thread.chars().take(12).collect();
    let requests = row.role.as_deref() == Some("requester");
    let asks_address = requests && view.hand_over == HandOverState::Missing;
    let waits = matches!(row.state.as_str(), "requested" | "doubt");
    let mut all: Vec<String> = Vec::new();
    let bundle = view.drafted.iter();
    all.extend(bundle.map(|name| format!("bundle show {}", quoted(name))));
    if waits && !view.over {
        all.push(format!("deal wait {thread} --for agreed"));
    }
    // Whoever just committed is not to be told first how to stop counting on it.
    let may = view
        .may
        .iter()
        .filter(|verb| verb.as_str() != "write-off" || view.over)
        .filter(|verb| verb.as_str() != "lapse" || is_impatient(view));
    all.extend(may.map(|verb| match verb.as_str() {
        "accept" if asks_address => format!("deal accept {thread} --ship-to FILE"),
        "counter" if row.change.as_deref() == Some("cancel") => {
            format!("deal counter {thread} --fee AMOUNT")
        }
        "counter" => format!("deal counter {thread} --price PRICE"),
        "answer" => format!("deal answer {thread} TEXT"),
        "source" => format!("deal source {thread} PARTNER --sku SKU --qty QUANTITY"),
        verb => format!("deal {} {thread}", plain(verb)),
    }));
    if matches!(row.state.as_str(), "agreed" | "sold") {
        if asks_address {
            all.push(format!("order hand-over {thread} --ship-to FILE"));
        }
        all.push(format!("order show {thread}"));
    }
    all
}

/// Whether an armed leg has waited as long as its hold said.
fn is_impatient(view: &DealView) -> bool {
    let bundle = view.bundle.as_ref();
    let until = bundle.and_then(|bundle| bundle.patience_until_ms);
    until.is_some_and(|until| until <= now_ms())
}

/// The terms on one line: `2 pc x Heater at 122.00 = 244.00 GBP`.
pub(in crate::cli) fn terms_line(terms: &TermsView) -> String {
    let lines: Vec<_> = terms.lines.iter().map(line_text).collect();
    let total = &terms.total;
    let lines = lines.join(", ");
    match terms.on.as_ref().map(|change| change.what.as_str()) {
        None => format!("{lines} = {total}"),
        Some("amend") => format!("amend to {lines} = {total}{}", with_fee(terms)),
        Some(what) => format!("{what} {lines} for a fee of {total}"),
    }
}

/// The fee in the total of an amendment, in words.
fn with_fee(terms: &TermsView) -> String {
    match &terms.fee {
        Some(fee) if fee.minor > 0 => format!(" with a fee of {fee}"),
        Some(_) | None => String::new(),
    }
}

fn line_text(line: &LineView) -> String {
    let per = match line.per.as_str() {
        "1" => String::new(),
        more => format!(" {}", per(more, &line.unit)),
    };
    format!(
        "{} {} x {} ({}) at {}{per}",
        line.quantity,
        word(&line.unit),
        line.title,
        line.sku,
        line.price
    )
}

fn terms_text(terms: &TermsView) -> String {
    let mut text = String::new();
    for line in &terms.lines {
        let total = &line.total.text;
        text.push_str(&format!("  {} = {total}\n", plain(&line_text(line))));
    }
    let cancels = terms.on.as_ref().is_some_and(|on| on.what == "cancel");
    let label = if cancels { "fee" } else { "total" };
    let fee = if cancels {
        String::new()
    } else {
        with_fee(terms)
    };
    let mut more = vec![format!("{label} {}{fee}", terms.total)];
    let place = [
        terms.method.as_str(),
        &terms.region,
        &terms.postcode,
        &terms.incoterm,
    ];
    more.push(
        place
            .iter()
            .filter(|part| !part.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join(" "),
    );
    more.extend(terms.window.map(window_text));
    if terms.payment_days > 0 {
        more.push(format!(
            "payment {} days after fulfilment",
            terms.payment_days
        ));
    }
    if terms.white_label {
        more.push("the provider does not show itself".to_owned());
    }
    if let Some(change) = &terms.on {
        let order: String = change.order.chars().take(12).collect();
        more.push(format!(
            "{} of order {order} version {}",
            change.what, change.version
        ));
    }
    text.push_str(&format!("  {}\n", plain(&more.join(", "))));
    if !terms.note.is_empty() {
        text.push_str(&format!("  note: {}\n", plain(&terms.note)));
    }
    text
}

/// A window for people: a time of UTC, and how long it lasts.
pub(in crate::cli) fn window_text(window: WindowDoc) -> String {
    let WindowDoc { from_ms, until_ms } = window;
    let seconds = until_ms.saturating_sub(from_ms) / 1_000;
    format!("at {} for {}", minute(from_ms), span(seconds))
}

/// One record in a sentence.
fn sentence(said: &SaidView, whom: &str) -> String {
    let who = if said.by == "us" { "we" } else { whom };
    let what = match said.kind.as_str() {
        "Proposal" | "Request" => {
            let terms: Vec<_> = said.alternatives.iter().map(terms_line).collect();
            let firm = if said.firm == Some(true) {
                " firmly"
            } else {
                ""
            };
            let verb = if said.kind == "Request" {
                "asked for a hold on"
            } else {
                "proposed"
            };
            format!("{verb}{firm}: {}", terms.join(" | or "))
        }
        "Inquiry" | "Question" => format!("asked: {}", said.text.as_deref().unwrap_or("-")),
        "Answer" => format!("answered: {}", said.text.as_deref().unwrap_or("-")),
        "Reject" => "declined the proposal".to_owned(),
        "Withdraw" => "took the proposal back".to_owned(),
        "Hold" if said.passed_on == Some(true) => {
            "held it, resting on another partner's hold".to_owned()
        }
        "Hold" => "held the stock".to_owned(),
        "Commit" => "committed".to_owned(),
        "Receipt" => "wrote the Receipt: agreed".to_owned(),
        "Refusal" => format!("refused: {}", said.code.as_deref().unwrap_or("-")),
        "Release" => "gave the deal back".to_owned(),
        "Ack" => "acknowledged the Receipt".to_owned(),
        "Event" => format!("said: {}", said.text.as_deref().unwrap_or("-")),
        "Handover" => "handed the recipient over, sealed".to_owned(),
        other => other.to_owned(),
    };
    let mut text = format!("{}  {who} {what}", when(said.at_ms));
    if said.waiting {
        text.push_str("  [no answer yet]");
    }
    if let Some(code) = &said.rejected {
        text.push_str(&format!("  [not taken: {code}]"));
    }
    text
}
