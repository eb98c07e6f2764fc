//! `omni offer publish`, `revise` and `withdraw`: what changes the own catalogue.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::Ctx;
use super::super::address::{segment, with_query};
use super::super::confirm::confirm;
use super::super::exit::{self, Exit};
use super::super::outcome::{CliError, Outcome, Report};
use super::super::plain::plain;
use super::super::table::{Side, table};
use super::fields::{Fields, document};
use crate::view::offer::{ArticleDoc, OfferDoc, OfferView, PublishAsk, PublishView, WithdrawAsk};
use crate::view::preview::{PreviewAsk, PreviewView};

/// Offers in one request, and articles in one withdrawal: what the node takes.
pub(in crate::cli) const OFFERS_MAX: usize = 256;
pub(in crate::cli) const ARTICLES_MAX: usize = 128;
/// A file of offers; larger ones are for `omni import`.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// Lines that are shown of many.
const SHOWN_MAX: usize = 20;

/// Publish an offer, or change the one of the same article number and list
///
/// From flags, or from a JSON file that holds one offer, a list of them, or what
/// `omni offer show --json` prints. It stands for 90 days unless it says otherwise.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
#[command(group(ArgGroup::new("what").required(true).args(["file", "sku"])))]
pub(super) struct PublishArgs {
    /// A JSON file, or - for the standard input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The own article number
    #[arg(long)]
    sku: Option<String>,
    /// The price list; else the general one
    #[arg(long, requires = "sku")]
    list: Option<String>,
    #[command(flatten)]
    fields: Fields,
    /// Do not ask where a price moves by a factor of 5 or more
    #[arg(long)]
    yes: bool,
}

/// Change fields of an own offer; what is not named stays
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct ReviseArgs {
    /// The own article number
    sku: String,
    /// The price list; else the general one
    #[arg(long)]
    list: Option<String>,
    #[command(flatten)]
    fields: Fields,
    /// Do not ask where the price moves by a factor of 5 or more
    #[arg(long)]
    yes: bool,
}

/// Withdraw own offers, and say so to everybody
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct WithdrawArgs {
    /// The own article numbers
    #[arg(required = true)]
    sku: Vec<String>,
    /// The price list; else the general one
    #[arg(long, default_value = "", hide_default_value = true)]
    list: String,
    /// ended, replaced or mistake
    #[arg(long, default_value = "ended")]
    reason: String,
}

/// What became of the own catalogue.
#[derive(Debug, serde::Serialize)]
struct ChangeReport {
    #[serde(flatten)]
    view: PublishView,
    #[serde(skip)]
    done: &'static str,
}

impl Report for ChangeReport {
    const SCHEMA: &'static str = "omni.offer.change/1";

    fn text(&self) -> String {
        let PublishView {
            published,
            unchanged,
        } = &self.view;
        let mut text = String::new();
        if !published.is_empty() {
            let shown = published.iter().take(SHOWN_MAX);
            let row = |p: &crate::view::offer::PublishedView| {
                vec![p.sku.clone(), p.list.clone(), short_id(&p.id)]
            };
            let rows: Vec<_> = shown.map(row).collect();
            let header = [
                (self.done, Side::Left),
                ("list", Side::Left),
                ("record", Side::Left),
            ];
            text.push_str(&table(&header, &rows));
            let more = published.len().saturating_sub(SHOWN_MAX);
            if more > 0 {
                text.push_str(&format!("and {more} more\n"));
            }
        }
        if *unchanged > 0 {
            text.push_str(&format!("{unchanged} unchanged: it stood so already\n"));
        }
        if text.is_empty() {
            text.push_str("nothing to do\n");
        }
        text
    }
}

/// The beginning of an id, which every command takes for the whole.
pub(super) fn short_id(id: &str) -> String {
    id.chars().take(12).collect()
}

pub(super) fn publish(ctx: &Ctx, args: &PublishArgs) -> Result<Outcome, CliError> {
    let mut docs = match &args.file {
        Some(file) => offers_in(file)?,
        None => vec![Map::new()],
    };
    for doc in &mut docs {
        if let Some(sku) = &args.sku {
            doc.insert("sku".to_owned(), json!(sku));
        }
        if let Some(list) = &args.list {
            doc.insert("list".to_owned(), json!(list));
        }
        args.fields.lay(doc)?;
    }
    let docs: Result<Vec<_>, _> = docs.into_iter().map(document).collect();
    send(ctx, docs?, args.yes, "published")
}

pub(super) fn revise(ctx: &Ctx, args: &ReviseArgs) -> Result<Outcome, CliError> {
    let path = format!("/v1/offers/{}", segment(&args.sku));
    let path = with_query(&path, &[("list", args.list.as_deref())]);
    let found: OfferView = ctx.client()?.get(&path).map_err(|e| ctx.asked(e))?;
    if !found.mine {
        let what = format!("{} is no own offer", plain(&args.sku));
        return Err(CliError::new(Exit::NotFound, "not-found", what)
            .why("only its author can revise an offer")
            .next(format!("see your own: {}", ctx.typed("offer ls --mine"))));
    }
    let Ok(Value::Object(mut fields)) = serde_json::to_value(&found.offer) else {
        return Err(CliError::new(
            Exit::Failure,
            "strange-answer",
            "the offer is no document",
        ));
    };
    // An end that was chosen stays, unless a flag says otherwise; else it is reckoned from now.
    if found.renewal.as_deref() != Some("ends") {
        fields.remove("valid_until_ms");
    }
    args.fields.lay(&mut fields)?;
    let doc = document(fields)?;
    if (&doc.sku, &doc.list) != (&found.offer.sku, &found.offer.list) {
        let what = "the article number and the list are what an offer is known by";
        return Err(CliError::new(Exit::Invalid, "invalid", what)
            .next("publish a new offer, and withdraw this one"));
    }
    send(ctx, vec![doc], args.yes, "revised")
}

fn send(
    ctx: &Ctx,
    docs: Vec<OfferDoc>,
    yes: bool,
    done: &'static str,
) -> Result<Outcome, CliError> {
    let client = ctx.client()?;
    if !yes {
        for offers in docs.chunks(OFFERS_MAX) {
            let offers = offers.to_vec();
            let counts = Vec::new();
            let ask = PreviewAsk { offers, counts };
            let view: Result<PreviewView, _> = client.post("/v1/previews", &ask);
            confirm_prices(ctx, &view.map_err(|e| ctx.asked(e))?)?;
        }
    }
    let mut view = PublishView::default();
    let mut docs = docs.into_iter().peekable();
    while docs.peek().is_some() {
        let offers = docs.by_ref().take(OFFERS_MAX).collect();
        let part: Result<PublishView, _> = client.post("/v1/offers", &PublishAsk { offers });
        add(&mut view, part.map_err(|e| ctx.asked(e))?);
    }
    Ok(Outcome::of(&ChangeReport { view, done }))
}

/// Asks where a price moves so far that it may be a slip.
fn confirm_prices(ctx: &Ctx, view: &PreviewView) -> Result<(), CliError> {
    let steep = view.changed.iter().filter(|change| change.steep);
    let lines = steep.map(|change| {
        let moves = change.fields.iter().filter(|field| field.field == "price");
        let moves = moves.map(|field| format!(" from {} to {}", field.from, field.to));
        format!(
            "The price of {} moves{}.",
            change.sku,
            moves.collect::<String>()
        )
    });
    let lines: Vec<_> = lines.take(SHOWN_MAX).collect();
    if lines.is_empty() {
        return Ok(());
    }
    let what = "That is a factor of 5 or more, and who accepts at it binds this node.";
    confirm(ctx, false, &format!("{}\n{what}", lines.join("\n")))
}

pub(super) fn withdraw(ctx: &Ctx, args: &WithdrawArgs) -> Result<Outcome, CliError> {
    let client = ctx.client()?;
    let mut view = PublishView::default();
    for skus in args.sku.chunks(ARTICLES_MAX) {
        let list = &args.list;
        let article = |sku: &String| ArticleDoc {
            sku: sku.clone(),
            list: list.clone(),
        };
        let ask = WithdrawAsk {
            articles: skus.iter().map(article).collect(),
            reason: args.reason.clone(),
        };
        let part: Result<PublishView, _> = client.post("/v1/withdrawals", &ask);
        add(&mut view, part.map_err(|e| ctx.asked(e))?);
    }
    let done = "withdrawn";
    Ok(Outcome::of(&ChangeReport { view, done }))
}

fn add(view: &mut PublishView, part: PublishView) {
    view.published.extend(part.published);
    view.unchanged = view.unchanged.saturating_add(part.unchanged);
}

/// The offers in a file: one, a list, `{"offers": […]}`, or `{"offer": …}` as `offer show` prints.
fn offers_in(file: &Path) -> Result<Vec<Map<String, Value>>, CliError> {
    let name = plain(&file.display().to_string());
    let failed = |what: String| CliError::new(Exit::Invalid, "invalid-file", what);
    let read = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if file.as_os_str() == "-" {
            std::io::stdin()
                .take(FILE_BYTES_MAX)
                .read_to_end(&mut bytes)?;
        } else {
            fs::File::open(file)?
                .take(FILE_BYTES_MAX)
                .read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    };
    let bytes = read().map_err(|e| {
        CliError::new(Exit::NotFound, "file", format!("can't read {name}")).why(e.to_string())
    })?;
    let mut json = serde_json::Deserializer::from_slice(&bytes);
    let value = Value::deserialize(&mut json).and_then(|value| json.end().map(|()| value));
    let value = value.map_err(|e| {
        failed(format!("{name} is no JSON document"))
            .why(e.to_string())
            .next("other catalogues are read by: omni import FILE")
    })?;
    let items = match value {
        Value::Array(items) => items,
        Value::Object(mut fields) => match (fields.remove("offers"), fields.remove("offer")) {
            (Some(Value::Array(items)), _) => items,
            (_, Some(one)) => vec![one],
            (_, None) => vec![Value::Object(fields)],
        },
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => vec![other],
    };
    let object = |(n, item): (usize, Value)| match item {
        Value::Object(mut fields) => {
            // What was shown before is published anew, not for what was left of its time.
            fields.remove("valid_until_ms");
            Ok(fields)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(failed(format!(
                "item {} of {name} is no object",
                n.saturating_add(1)
            ))
            .next("an offer looks like what this prints: omni offer show SKU --json"))
        }
    };
    items.into_iter().enumerate().map(object).collect()
}
