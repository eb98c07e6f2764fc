//! `omni bundle failover`: whom the node itself asks for a leg that fails after the commit, and what
//! came of it.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;
use serde::Serialize;

use super::super::Ctx;
use super::super::deal::{recipient, window_text};
use super::super::exit::{self, Exit};
use super::super::money::amounts;
use super::super::order::amend::window;
use super::super::outcome::{CliError, Outcome, Report, pairs};
use super::super::peer::amount;
use super::super::plain::plain;
use super::super::sources::{asks, sources, tried};
use super::super::table::{Side, page};
use super::super::when::{left, now_ms, when};
use super::{named, path, told};
use crate::view::deal::HandOverState;
use crate::view::failover::{AskedView, FailoverAsk, FailoverPlanView, FailoverView};
use crate::view::peer::AmountAsk;
use crate::view::policy::SourceTrialView;
use crate::view::terms::WindowDoc;

/// Let the node itself find somebody else for a leg that fails after the commit
///
/// A leg fails when its provider cancels the order, or when it lapses and the bundle is agreed. Then
/// the node asks the partners that you name here, one after the other and the cheapest first, for the
/// same within the price and the time that you set, and commits to the first that holds. Without
/// --from it shows where that stands.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct FailoverArgs {
    /// The bundle
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    name: String,
    /// The leg, by its number
    #[arg(value_parser = number)]
    leg: u16,
    /// Whom it may ask, by id or name, and for which article; else for the one with the same GTIN; may
    /// be repeated
    #[arg(long, value_name = "PARTNER[=SKU]", requires = "most")]
    from: Vec<String>,
    /// What it may cost at most in all, such as 90.00EUR; one for each currency
    #[arg(long, value_name = "AMOUNT", value_parser = amount, requires = "from", allow_hyphen_values = true)]
    most: Vec<AmountAsk>,
    /// Until when it must be agreed, such as 2026-12-01T08:00Z; else until the leg was to begin, or a
    /// day from when it failed
    #[arg(long, value_name = "TIME", value_parser = time, requires = "from")]
    until: Option<u64>,
    /// When it may be fulfilled instead; else when the leg was to be
    #[arg(long, value_name = "FROM..UNTIL", value_parser = window, requires = "from")]
    window: Option<WindowDoc>,
    /// Say whom it would ask, in which order and at which price, and keep nothing
    #[arg(long)]
    dry_run: bool,
    /// Take the envelope away; what is asked and not committed is given back
    #[arg(long, conflicts_with_all = ["from", "most", "until", "window", "dry_run"])]
    off: bool,
}

fn number(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "a leg is named by its number, such as 2".to_owned())
}

/// Reads a time with its zone.
fn time(text: &str) -> Result<u64, String> {
    let at: Option<Timestamp> = text.parse().ok();
    let ms = at.and_then(|at| u64::try_from(at.as_millisecond()).ok());
    ms.ok_or_else(|| "write a time with its zone, such as 2026-12-01T08:00Z".to_owned())
}

pub(super) fn run(ctx: &Ctx, args: &FailoverArgs) -> Result<Outcome, CliError> {
    let place = format!("{}/legs/{}/failover", path(&args.name), args.leg);
    let client = ctx.client()?;
    if args.off {
        return told(ctx, client.delete(&place));
    }
    let ask = (!args.from.is_empty()).then(|| FailoverAsk {
        from: sources(&args.from),
        most: args.most.clone(),
        until_ms: args.until,
        window: args.window,
    });
    if args.dry_run {
        let plan = format!("{place}/plan");
        let plan: Result<FailoverPlanView, _> = match ask {
            Some(ask) => client.post(&plan, &ask),
            None => client.get(&plan),
        };
        let plan = plan.map_err(|e| ctx.asked(e))?;
        let fits = plan.sources.iter().any(|source| source.why.is_none());
        let outcome = Outcome::of(&Planned(plan));
        return Ok(if fits {
            outcome
        } else {
            outcome.ending(Exit::Refused)
        });
    }
    let answer: Result<FailoverView, _> = match ask {
        Some(ask) => client.put(&place, &ask),
        None => client.get(&place),
    };
    let view = answer.map_err(|e| ctx.asked(e))?;
    Ok(Outcome::of(&Story::of(ctx, view)))
}

/// A plan for people.
#[derive(Debug, Serialize)]
struct Planned(FailoverPlanView);

impl Report for Planned {
    const SCHEMA: &'static str = "omni.bundle.failover.plan/1";

    fn text(&self) -> String {
        let Self(plan) = self;
        let total: Vec<_> = plan.total.iter().cloned().collect();
        let fits = plan.sources.iter().any(|source| source.why.is_none());
        let would = match (fits, plan.has_failed) {
            (false, _) => "ask nobody: nobody fits",
            (true, true) => "ask the first now, since the leg has failed",
            (true, false) => "ask the first, should the leg fail",
        };
        let text = pairs(&[
            ("bundle", plan.bundle.clone()),
            (
                "leg",
                format!(
                    "{}: {} for {}",
                    plan.leg,
                    plain(&plan.title),
                    amounts(&total)
                ),
            ),
            ("would", would.to_owned()),
        ]);
        let header = [
            ("partner", Side::Left),
            ("costs", Side::Right),
            ("less than the leg", Side::Right),
            ("fits", Side::Left),
        ];
        let rows: Vec<_> = plan.sources.iter().map(source_row).collect();
        format!("{text}\n{}", page("nobody", &header, &rows, None))
    }
}

fn source_row(source: &SourceTrialView) -> Vec<String> {
    let costs: Vec<_> = source.costs.iter().cloned().collect();
    let fits = match (&source.why, source.window) {
        (Some(why), _) => format!("no: {}", plain(why)),
        (None, Some(window)) => format!("yes, {}", window_text(window)),
        (None, None) => "yes".to_owned(),
    };
    vec![
        tried(source),
        amounts(&costs),
        amounts(&source.margin),
        fits,
    ]
}

/// The failover of a leg with the commands to type next.
#[derive(Debug, Serialize)]
struct Story {
    #[serde(flatten)]
    view: FailoverView,
    next: Vec<String>,
}

impl Story {
    fn of(ctx: &Ctx, view: FailoverView) -> Self {
        let next = next(&view);
        let next = next.iter().map(|command| ctx.typed(command)).collect();
        Self { view, next }
    }
}

impl Report for Story {
    const SCHEMA: &'static str = "omni.bundle.failover/1";

    fn text(&self) -> String {
        let view = &self.view;
        let mut lines = vec![
            ("bundle", view.bundle.clone()),
            ("leg", view.leg.to_string()),
            ("state", means(&view.state).to_owned()),
            ("asks", asks(&view.envelope.from, &view.names)),
            ("at most", amounts(&view.envelope.most)),
        ];
        lines.extend(
            view.envelope
                .window
                .map(|window| ("within", window_text(window))),
        );
        let until = view.failed.as_ref().map(|failed| failed.until_ms);
        lines.extend(until.or(view.envelope.until_ms).map(|until| {
            let until = format!("{} ({})", when(until), left(until, now_ms()));
            ("until", until)
        }));
        lines.extend(view.failed.as_ref().map(|failed| {
            let failed = format!("{} at {}", plain(&failed.why), when(failed.at_ms));
            ("failed", failed)
        }));
        if view.order.is_some() && view.hand_over != HandOverState::NotNeeded {
            lines.push(("recipient", recipient(view.hand_over).to_owned()));
        }
        let mut text = pairs(&lines);
        if !view.asked.is_empty() {
            text.push_str("\nit asked\n");
        }
        for asked in &view.asked {
            text.push_str(&format!("  {}\n", plain(&asked_text(asked))));
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

/// Where a failover stands, in words.
fn means(state: &str) -> &str {
    match state {
        "set" => "set: the leg has not failed",
        "asking" => "asking, since the leg has failed",
        "committed" => "committed: the partner's Receipt or Refusal is to come",
        "replaced" => "replaced: somebody stands in for the leg",
        "nobody" => "nobody is left to ask: it is your turn",
        "over" => "over: the leg can't fail any more",
        other => other,
    }
}

fn asked_text(asked: &AskedView) -> String {
    let whom = asked.name.as_deref().unwrap_or(&asked.partner);
    let costs: Vec<_> = asked.costs.iter().cloned().collect();
    let Some(thread) = asked.thread.as_deref().map(short) else {
        let why = asked.over.as_deref().unwrap_or("-");
        return format!("{:12}  {whom}: this node can't ask it ({why})", "-");
    };
    let over = match asked.over.as_deref() {
        None => asked.state.clone().unwrap_or_default(),
        Some("silent") => "no answer in time".to_owned(),
        Some("released") => "given back".to_owned(),
        Some("cancelled") => "stood in, and cancelled".to_owned(),
        Some(code) => format!("refused ({code})"),
    };
    format!("{thread}  {whom} for {}, {over}", amounts(&costs))
}

fn short(thread: &str) -> String {
    thread.chars().take(12).collect()
}

/// A leg's failover in the line of the leg; nothing where the leg can't fail any more.
pub(super) fn leg_text(view: &FailoverView) -> Option<String> {
    let asked = view.asked.last();
    let whom = asked.map(|asked| asked.name.as_deref().unwrap_or(&asked.partner));
    let whom = whom.unwrap_or_default();
    Some(match (view.state.as_str(), asked) {
        ("replaced", Some(asked)) => format!("replaced by {}", asked_text(asked)),
        ("committed", _) => format!("committed to {whom} instead"),
        ("asking", Some(asked)) if asked.over.is_none() => format!("{whom} is asked instead"),
        ("asking", _) => "somebody else is sought".to_owned(),
        ("nobody", _) => "nobody is left to ask instead".to_owned(),
        ("over", _) => return None,
        _ => format!("failover to {} set", asks(&view.envelope.from, &view.names)),
    })
}

/// What an operator may type next about a leg's failover, the likeliest first.
pub(super) fn next(view: &FailoverView) -> Vec<String> {
    let (name, leg) = (named(&view.bundle), view.leg);
    let mut all = Vec::new();
    match (view.state.as_str(), &view.order) {
        ("replaced", Some(thread)) => {
            if view.hand_over == HandOverState::Missing {
                all.push(format!("order hand-over {} --ship-to FILE", short(thread)));
            }
            all.push(format!("order show {}", short(thread)));
        }
        ("nobody", _) => all.push(format!(
            "bundle failover {name} {leg} --from PARTNER=SKU --most AMOUNT"
        )),
        ("over", _) => {}
        ("set", _) => {
            all.push(format!("bundle failover {name} {leg} --dry-run"));
            all.push(format!("bundle failover {name} {leg} --off"));
        }
        _ => {
            let thread = view.asked.last().and_then(|asked| asked.thread.as_deref());
            all.extend(thread.map(|thread| format!("deal show {}", short(thread))));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_its_zone() {
        assert_eq!(time("1970-01-01T00:00:01Z"), Ok(1_000));
        assert_eq!(time("1970-01-01T01:00+01:00"), Ok(0));
        assert_eq!(number("2"), Ok(2));
        for bad in ["", "0", "-1", "two", "70000"] {
            assert!(number(bad).is_err(), "{bad}");
        }
        for bad in [
            "",
            "tomorrow",
            "2026-12-01",
            "2026-12-01T08:00",
            "1960-01-01T00:00Z",
        ] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}
