//! `omni policy`: by which the node sources by itself what partners ask it for.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use super::Ctx;
use super::address::segment;
use super::exit;
use super::money::amounts;
use super::outcome::{CliError, Outcome, Report, pairs};
use super::peer::amount;
use super::plain::plain;
use super::sources::{asks, sources, tried};
use super::table::{Side, page};
use super::when::when;
use crate::view::peer::AmountAsk;
use crate::view::policy::{
    HoursDoc, PoliciesView, PolicyDoc, PolicyRemovedView, PolicyTrialView, PolicyTryAsk,
    PolicyView, SourceTrialView, WEEKDAYS,
};

/// Digits of an id by which it is named.
const DIGITS: usize = 12;

/// Let the node itself ask approved partners for what this one lacks
///
/// A partner that asks for more than is there is refused, or waits for you (stock.short). Where a
/// policy works for the articles, the node asks the partners that you approved, one after the other,
/// and holds when one of them does, as `omni deal source` does by your hand.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct PolicyArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Add(Box<AddArgs>),
    Ls(LsArgs),
    Show(ShowArgs),
    Rm(RmArgs),
}

/// Add a policy, which works from now on, also for requests that wait already
///
/// Without --sku and --list it works for all own articles, without limits for any amount, without
/// hours at all times. What is to be left is what the request brings less what the part costs.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct AddArgs {
    /// Its name: a to z, 0 to 9 and -; where several fit, the first by name is taken first
    name: String,
    /// Whom it may ask, by id or name, and for which of its articles where the number is not the own
    /// one; several are asked in this order
    #[arg(long, value_name = "PARTNER[=SKU]", required = true)]
    from: Vec<String>,
    /// An own article for which it works; may be repeated
    #[arg(long, value_name = "SKU")]
    sku: Vec<String>,
    /// The own price list for whose articles it works
    #[arg(long, value_name = "LIST", conflicts_with = "sku")]
    list: Option<String>,
    /// Source all requests, also where enough is here
    #[arg(long)]
    always: bool,
    /// What must be left at least, in percent of what the part costs: 10, 12.5
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true)]
    markup: Option<String>,
    /// What must be left at least, such as 5.00EUR; one for each currency
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    margin: Vec<AmountAsk>,
    /// What one part may cost at most, such as 500.00EUR; one for each currency
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    per_deal: Vec<AmountAsk>,
    /// What all parts of a day may cost at most, such as 2000.00EUR; one for each currency
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    per_day: Vec<AmountAsk>,
    /// At which times of the day it works: 08:00-18:00
    #[arg(long, value_name = "FROM-UNTIL")]
    hours: Option<String>,
    /// On which days it works: mon-fri, or mon,wed,sat
    #[arg(long, value_name = "DAYS")]
    days: Option<String>,
    /// Where its hours and days are meant: Europe/Berlin, +01:00; else UTC
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    zone: Option<String>,
    /// Add nothing, and say what it would do with the request in this thread
    #[arg(long, value_name = "THREAD")]
    dry_run: Option<String>,
}

/// List policies: for what they work, whom they ask, and what they spent today
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct LsArgs {}

/// Show a policy, and the parts that it asked for
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct ShowArgs {
    /// Its name
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    name: String,
    /// Say what it would do with the request in this thread, and do nothing
    #[arg(long, value_name = "THREAD")]
    dry_run: Option<String>,
}

/// Remove a policy; what it sourced goes on
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct RmArgs {
    /// Its name
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    name: String,
}

pub(super) fn run(ctx: &Ctx, args: &PolicyArgs) -> Result<Outcome, CliError> {
    match &args.verb {
        Verb::Add(args) => add(ctx, args),
        Verb::Ls(LsArgs {}) => ctx.report::<PoliciesView>(ctx.client()?.get("/v1/policies")),
        Verb::Show(args) => match &args.dry_run {
            Some(thread) => {
                let name = Some(args.name.clone());
                try_out(ctx, thread, &PolicyTryAsk { name, policy: None })
            }
            None => ctx.report::<PolicyView>(ctx.client()?.get(&path(&args.name))),
        },
        Verb::Rm(args) => ctx.report::<PolicyRemovedView>(ctx.client()?.delete(&path(&args.name))),
    }
}

fn path(name: &str) -> String {
    format!("/v1/policies/{}", segment(name))
}

fn add(ctx: &Ctx, args: &AddArgs) -> Result<Outcome, CliError> {
    let doc = doc(args)?;
    match &args.dry_run {
        Some(thread) => {
            let policy = Some(doc);
            try_out(ctx, thread, &PolicyTryAsk { name: None, policy })
        }
        None => ctx.report::<PolicyView>(ctx.client()?.post("/v1/policies", &doc)),
    }
}

fn try_out(ctx: &Ctx, thread: &str, ask: &PolicyTryAsk) -> Result<Outcome, CliError> {
    let path = format!("/v1/deals/{}/policy", segment(thread));
    ctx.report::<PolicyTrialView>(ctx.client()?.post(&path, ask))
}

fn doc(args: &AddArgs) -> Result<PolicyDoc, CliError> {
    let hours = match (&args.hours, &args.days) {
        (None, None) => None,
        (hours, days) => {
            let (from, until) = match hours {
                Some(text) => text.split_once('-').unwrap_or((text, "")),
                None => ("00:00", "24:00"),
            };
            Some(HoursDoc {
                days: days.as_deref().map(weekdays).unwrap_or_default(),
                from: from.to_owned(),
                until: until.to_owned(),
            })
        }
    };
    Ok(PolicyDoc {
        name: args.name.clone(),
        skus: args.sku.clone(),
        list: args.list.clone(),
        when: args.always.then(|| "always".to_owned()),
        from: sources(&args.from),
        markup: args.markup.clone(),
        margin: args.margin.clone(),
        per_deal: args.per_deal.clone(),
        per_day: args.per_day.clone(),
        hours,
        zone: args.zone.clone(),
    })
}

/// The days that a person means: single ones, and from one to another. What is no day is left as it is,
/// for the node to refuse.
fn weekdays(text: &str) -> Vec<String> {
    let place = |day: &str| WEEKDAYS.iter().position(|known| *known == day);
    let parts = text.split(',').flat_map(|part| {
        let ends = part.split_once('-');
        match ends.and_then(|(from, until)| place(from).zip(place(until))) {
            Some((from, until)) if from <= until => WEEKDAYS
                .iter()
                .take(until.saturating_add(1))
                .skip(from)
                .map(|day| (*day).to_owned())
                .collect(),
            _ => vec![part.to_owned()],
        }
    });
    parts.collect()
}

impl Report for PoliciesView {
    const SCHEMA: &'static str = "omni.policy.ls/1";

    fn text(&self) -> String {
        let header = [
            ("name", Side::Left),
            ("for", Side::Left),
            ("from", Side::Left),
            ("leaves", Side::Left),
            ("per deal", Side::Right),
            ("today", Side::Right),
            ("works", Side::Left),
        ];
        let rows: Vec<_> = self.policies.iter().map(row).collect();
        page("no policies", &header, &rows, None)
    }
}

fn row(view: &PolicyView) -> Vec<String> {
    let works = if view.works_now { "now" } else { "not now" };
    vec![
        view.policy.name.clone(),
        works_for(&view.policy),
        asks(&view.policy.from, &view.names),
        leaves(&view.policy),
        amounts(&view.policy.per_deal),
        today(view),
        works.to_owned(),
    ]
}

fn works_for(policy: &PolicyDoc) -> String {
    let what = match (&policy.list, policy.skus.as_slice()) {
        (Some(list), _) => format!("list {list}"),
        (None, []) => "all".to_owned(),
        (None, skus) => skus.join(", "),
    };
    match policy.when.as_deref() {
        Some("always") => format!("{what}, always"),
        _ => format!("{what}, if short"),
    }
}

fn leaves(policy: &PolicyDoc) -> String {
    let markup = policy.markup.iter().map(|markup| format!("{markup} %"));
    let margin = policy.margin.iter().map(ToString::to_string);
    amounts(&markup.chain(margin).collect::<Vec<_>>())
}

/// What was spent, of what may be.
fn today(view: &PolicyView) -> String {
    match view.policy.per_day.as_slice() {
        [] => amounts(&view.today),
        limits => {
            let of = limits.iter().map(|limit| {
                let spent = view.today.iter().find(|one| one.currency == limit.currency);
                let spent = spent.map_or("0", |one| one.text.as_str());
                format!("{spent} of {limit}")
            });
            of.collect::<Vec<_>>().join(", ")
        }
    }
}

impl Report for PolicyView {
    const SCHEMA: &'static str = "omni.policy/1";

    fn text(&self) -> String {
        let policy = &self.policy;
        let mut lines = vec![
            ("name", policy.name.clone()),
            ("for", works_for(policy)),
            ("from", asks(&policy.from, &self.names)),
            ("leaves", leaves(policy)),
            ("per deal", amounts(&policy.per_deal)),
            ("today", today(self)),
        ];
        lines.push(("hours", hours(policy)));
        lines.push((
            "works",
            if self.works_now { "now" } else { "not now" }.to_owned(),
        ));
        let mut text = pairs(&lines);
        if !self.used.is_empty() {
            text.push_str("\nit asked for\n");
            let header = [
                ("when", Side::Left),
                ("for", Side::Left),
                ("of", Side::Left),
                ("part", Side::Left),
                ("costs", Side::Right),
                ("state", Side::Left),
            ];
            let rows: Vec<_> = self
                .used
                .iter()
                .map(|one| {
                    let costs = one.costs.iter().cloned().collect::<Vec<_>>();
                    vec![
                        when(one.at_ms),
                        one.thread.chars().take(DIGITS).collect(),
                        plain(one.name.as_deref().unwrap_or(&one.partner)),
                        one.part.chars().take(DIGITS).collect(),
                        amounts(&costs),
                        one.state.clone(),
                    ]
                })
                .collect();
            text.push_str(&page("nothing", &header, &rows, None));
        }
        text
    }
}

fn hours(policy: &PolicyDoc) -> String {
    let zone = policy.zone.as_deref().unwrap_or("UTC");
    match &policy.hours {
        None => "always".to_owned(),
        Some(hours) => {
            let days = match hours.days.as_slice() {
                [] => String::new(),
                days => format!("{} ", days.join(", ")),
            };
            format!("{days}{}-{} {zone}", hours.from, hours.until)
        }
    }
}

impl Report for PolicyRemovedView {
    const SCHEMA: &'static str = "omni.policy.rm/1";

    fn text(&self) -> String {
        pairs(&[("removed", self.removed.clone())])
    }
}

impl Report for PolicyTrialView {
    const SCHEMA: &'static str = "omni.policy.trial/1";

    fn text(&self) -> String {
        let would = match (self.would.as_str(), &self.why) {
            ("source", _) => "ask the first that fits".to_owned(),
            ("wait", _) => "wait: a part is asked for already".to_owned(),
            (_, Some(why)) => format!("nothing: {why}"),
            (_, None) => "nothing: nobody fits".to_owned(),
        };
        let text = pairs(&[
            ("policy", self.policy.clone()),
            ("thread", self.thread.chars().take(DIGITS).collect()),
            ("would", would),
        ]);
        if self.sources.is_empty() {
            return text;
        }
        let header = [
            ("partner", Side::Left),
            ("costs", Side::Right),
            ("leaves", Side::Right),
            ("fits", Side::Left),
        ];
        let rows: Vec<_> = self.sources.iter().map(trial_row).collect();
        format!("{text}\n{}", page("nobody", &header, &rows, None))
    }
}

fn trial_row(source: &SourceTrialView) -> Vec<String> {
    let costs = source.costs.iter().cloned().collect::<Vec<_>>();
    let fits = source
        .why
        .as_ref()
        .map_or("yes".to_owned(), |why| format!("no: {}", plain(why)));
    vec![
        tried(source),
        amounts(&costs),
        amounts(&source.margin),
        fits,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_single_or_from_one_to_another() {
        let check = |text: &str, expected: &[&str]| assert_eq!(weekdays(text), expected, "{text}");
        check("mon", &["mon"]);
        check("mon-wed", &["mon", "tue", "wed"]);
        check("sat,mon-tue", &["sat", "mon", "tue"]);
        check("fri-mon", &["fri-mon"]);
        check("day", &["day"]);
        check("", &[""]);
    }
}
