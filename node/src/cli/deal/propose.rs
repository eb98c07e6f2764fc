//! `omni deal propose` and `counter`: terms from flags or from a JSON file.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::Ctx;
use super::super::confirm::confirm;
use super::super::exit::{self, Exit};
use super::super::outcome::CliError;
use super::super::plain::plain;
use super::super::ship_to::ShipTo;
use super::super::wait::duration;
use super::what::What;
use super::{Outcome, get, path, told};
use crate::view::deal::{CounterAsk, DealView, LineChange, ProposeAsk};

/// A file of terms; a thousand lines fit.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Propose terms to a partner, in a new thread
///
/// The terms rest on offers that stand: of the partner, or your own with --as provider. Several
/// lines are written by repeating --sku, each followed by its --qty and, where another price than
/// the list's is proposed, its --price. Or a JSON file says it all, as POST /v1/deals takes it.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct ProposeArgs {
    /// The partner by its id or name, or an offer by its id
    #[arg(value_name = "PARTNER|OFFER", required_unless_present = "file")]
    whom: Option<String>,
    /// A JSON file with the whole proposal; - reads it from stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sku", "qty", "price"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    what: What,
    /// The own part: requester or provider
    #[arg(long = "as", value_name = "PART", value_parser = ["requester", "provider"])]
    role: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// What proposing and countering have in common.
#[derive(Debug, Args)]
struct Common {
    /// It binds: a requester's is a commitment, a provider's holds the stock
    #[arg(long)]
    firm: bool,
    /// How long it stands: 2h, 30m, 1d; a firm one of the provider 15m, else 2h
    #[arg(long, value_name = "TIME", value_parser = minutes)]
    valid: Option<u64>,
    /// A note to the other side
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Do not ask, although it binds
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    ship_to: ShipTo,
}

/// Answer terms with other terms; what is not named stays
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct CounterArgs {
    /// The thread, or at least 8 digits of its beginning
    thread: String,
    /// Another price: 122.00, or for line 2 of several: 2=122.00
    #[arg(long, value_name = "[LINE=]PRICE", allow_hyphen_values = true)]
    price: Vec<String>,
    /// Another quantity: 3, or for line 2 of several: 2=3
    #[arg(long, value_name = "[LINE=]QUANTITY", allow_hyphen_values = true)]
    qty: Vec<String>,
    /// Another slot, for a service: its local time as omni offer slots shows it
    #[arg(long, value_name = "TIME")]
    slot: Option<String>,
    /// Another fee, where the terms change an order
    #[arg(
        long,
        value_name = "AMOUNT",
        allow_hyphen_values = true,
        conflicts_with = "price"
    )]
    fee: Option<String>,
    /// The alternative to start from, where there are several
    #[arg(long, value_name = "NUMBER")]
    alternative: Option<u8>,
    /// Days from fulfilment until payment is due
    #[arg(long, value_name = "DAYS")]
    payment_days: Option<u16>,
    #[command(flatten)]
    common: Common,
}

/// Reads how long something stands, in whole minutes.
pub(in crate::cli) fn minutes(text: &str) -> Result<u64, String> {
    let wrong = || "a time is a whole number and m, h or d, such as 30m, 2h or 1d".to_owned();
    let (number, minutes) = match (text.strip_suffix('h'), text.strip_suffix('d')) {
        (Some(hours), _) => (hours, 60),
        (None, Some(days)) => (days, 1_440),
        (None, None) => {
            let span = duration(text).or(Err(wrong()))?;
            return Ok(span.as_secs() / 60);
        }
    };
    let number: u64 = number.parse().or(Err(wrong()))?;
    number.checked_mul(minutes).ok_or_else(wrong)
}

pub(in crate::cli) fn propose(ctx: &Ctx, args: &ProposeArgs) -> Result<Outcome, CliError> {
    let mut ask = match &args.file {
        Some(file) => from_file(file)?,
        None => from_flags(args)?,
    };
    if let Some(whom) = args.whom.as_ref().filter(|_| args.file.is_some()) {
        ask.partner = Some(whom.clone());
    }
    ask.firm |= args.common.firm;
    ask.valid_minutes = args.common.valid.or(ask.valid_minutes);
    ask.ship_to = args.common.ship_to.doc()?.or(ask.ship_to);
    if ask.firm {
        let provides = ask.role.as_deref() == Some("provider");
        confirm(ctx, args.common.yes, &firm_text(provides))?;
    }
    told(ctx, ctx.client()?.post("/v1/deals", &ask))
}

/// What a firm proposal to cancel binds to.
const CANCELLING_TEXT: &str = "A firm proposal to cancel can't be taken back: when the other side accepts before it ends, \
     what it cancels is neither delivered nor owed, and the requester owes the fee.";

/// What a firm proposal to amend binds to.
const AMENDING_TEXT: &str = "A firm proposal to amend can't be taken back: when the other side accepts before it ends, these \
     are the terms of the order, and the requester owes the difference and the fee.";

/// What a firm proposal binds to.
fn firm_text(provides: bool) -> String {
    let text = if provides {
        "A firm proposal of the provider holds the stock: the other side may take it until it \
         ends, and this node can't take it back."
    } else {
        "A firm proposal of the requester commits: when the provider accepts before it ends, this \
         node owes the total, and it can't take it back."
    };
    text.to_owned()
}

fn from_flags(args: &ProposeArgs) -> Result<ProposeAsk, CliError> {
    let whom = args.whom.clone().unwrap_or_default();
    let note = args.common.note.clone();
    let terms = args.what.terms(&whom, (&args.common.ship_to, note))?;
    Ok(ProposeAsk {
        partner: (!args.what.by_offer()).then_some(whom),
        role: args.role.clone(),
        alternatives: vec![terms],
        ..ProposeAsk::default()
    })
}

fn from_file(file: &Path) -> Result<ProposeAsk, CliError> {
    let name = plain(&file.display().to_string());
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin()
            .take(FILE_BYTES_MAX)
            .read_to_end(&mut bytes)
    } else {
        fs::File::open(file).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes))
    };
    read.map_err(|e| {
        CliError::new(Exit::Invalid, "invalid-file", format!("can't read {name}"))
            .why(e.to_string())
    })?;
    serde_json::from_slice(&bytes).map_err(|e| {
        let what = format!("{name} is no proposal in JSON");
        CliError::new(Exit::Invalid, "invalid-file", what)
            .why(e.to_string())
            .next(
                r#"{"partner": "…", "alternatives": [{"lines": [{"sku": "…", "quantity": "2"}]}]}"#,
            )
    })
}

pub(in crate::cli) fn counter(ctx: &Ctx, args: &CounterArgs) -> Result<Outcome, CliError> {
    let thread = get(ctx, &args.thread)?;
    let ask = CounterAsk {
        alternative: args.alternative,
        lines: changes(&args.price, &args.qty, &thread)?,
        slot: args.slot.clone(),
        fee: args.fee.clone(),
        note: args.common.note.clone().unwrap_or_default(),
        payment_days: args.payment_days,
        firm: args.common.firm,
        valid_minutes: args.common.valid,
        ship_to: args.common.ship_to.doc()?,
    };
    if ask.firm {
        let provides = thread.row.role.as_deref() == Some("provider");
        let what = match thread.row.change.as_deref() {
            Some("amend") => AMENDING_TEXT.to_owned(),
            Some(_) => CANCELLING_TEXT.to_owned(),
            None => firm_text(provides),
        };
        confirm(ctx, args.common.yes, &what)?;
    }
    told(
        ctx,
        ctx.client()?
            .post(&format!("{}/counter", path(&args.thread)), &ask),
    )
}

fn changes(
    prices: &[String],
    quantities: &[String],
    thread: &DealView,
) -> Result<Vec<LineChange>, CliError> {
    let lines = thread
        .alternatives
        .first()
        .map_or(1, |terms| terms.lines.len());
    let mut changes: Vec<LineChange> = Vec::new();
    let prices = prices.iter().map(|text| (text, true));
    let quantities = quantities.iter().map(|text| (text, false));
    for (text, is_price) in prices.chain(quantities) {
        let (line, value) = match text.split_once('=') {
            Some((line, value)) => (line.parse().ok(), value),
            None if lines == 1 => (Some(1), text.as_str()),
            None => (None, text.as_str()),
        };
        let line: u16 = line.ok_or_else(|| {
            let what = format!("\"{}\" does not say of which line it is", plain(text));
            CliError::new(Exit::Usage, "usage", what)
                .next("write the line's number before it: --price 2=122.00")
        })?;
        let known = changes.iter().position(|change| change.line == line);
        let mut change = known
            .map(|index| changes.swap_remove(index))
            .unwrap_or_default();
        change.line = line;
        let field = if is_price {
            &mut change.price
        } else {
            &mut change.quantity
        };
        *field = Some(value.to_owned());
        changes.push(change);
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(minutes(text).ok(), expected, "{text}");
        };
        check("30m", Some(30));
        check("2h", Some(120));
        check("1d", Some(1_440));
        check("90s", Some(1));
        for hostile in ["", "h", "-1h", "1.5h", "18446744073709551615d", "٢h"] {
            check(hostile, None);
        }
    }
}
