//! `omni import`: reads catalogue files, says what they would publish, and with `--apply` hands it to the node. Without `--apply` nothing is
//! changed, and this works without a node; one that answers says what stands already.

mod apply;
mod preview;
mod problems;
mod report;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use self::apply::{Apply, Counting, Doing, Missing};
use self::problems::ProblemsFile;
use self::report::{ImportReport, Speed};
use super::Ctx;
use super::exit::{self, Exit};
use super::outcome::{CliError, Outcome};
use super::plain::plain;
use crate::formats::decimal::Separator;
use crate::formats::field::Field;
use crate::formats::options::{Assignment, Attributes, Options};
use crate::formats::{Found, Import};

/// Read catalogue files, and publish what their rows offer
///
/// Reads CSV (also with `;`, tab or `|`), JSON (a list of objects, or an object that holds one) and JSON Lines, each also gzipped. Columns are
/// recognised by their names; the flags say what the names do not. Without --apply nothing is published: what would be, and what is wrong with the
/// rest, is shown by file, row and column. With --apply offers are published as they are read, and their stock is counted. Done twice, or begun again
/// after it was interrupted, it publishes only what is not published yet. Columns that give no field are left out unless --attribute or --attributes takes them.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct ImportArgs {
    /// Files, read in this order: where an article stands twice, the first stands
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    applying: Applying,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    values: Values,
    /// Publish this column as an attribute; may be given several times
    #[arg(long, value_name = "COLUMN", conflicts_with = "attributes")]
    attribute: Vec<String>,
    /// Publish every column that gives no field as an attribute
    #[arg(long)]
    attributes: bool,
    /// The decimal separator, where numbers such as 1.234 may mean two
    #[arg(long, value_enum)]
    decimal: Option<Decimal>,
    /// What divides the cells of a table: , ; | or tab [default: the likeliest]
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// The key of a JSON object whose list holds the rows
    #[arg(long, value_name = "KEY")]
    rows_from: Option<String>,
    /// How many problems to show
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    show: usize,
    /// Write all problems into this file, as CSV
    #[arg(long, value_name = "FILE")]
    problems: Option<PathBuf>,
}

/// What is done with the offers.
#[derive(Debug, Args)]
struct Applying {
    /// Publish the offers, and count their stock where the files say it
    #[arg(long)]
    apply: bool,
    /// Leave stock as it is: an old file knows nothing of what was sold since
    #[arg(long)]
    no_stock: bool,
    /// Withdraw own offers of the same price lists that the files do not hold; only if every row could be read
    #[arg(long, requires = "apply")]
    withdraw_missing: bool,
}

/// Which column gives what.
#[derive(Debug, Args)]
struct Columns {
    /// The column of the article number
    #[arg(long, value_name = "COLUMN")]
    sku_from: Option<String>,
    /// The column of the title
    #[arg(long, value_name = "COLUMN")]
    title_from: Option<String>,
    /// The column of the price
    #[arg(long, value_name = "COLUMN")]
    price_from: Option<String>,
    /// The column of the price list
    #[arg(long, value_name = "COLUMN")]
    list_from: Option<String>,
    /// The column of any field, as brand=Vendor; may be given several times
    #[arg(long, value_name = "FIELD=COLUMN")]
    map: Vec<Assignment>,
}

/// What rows are taken to say that say nothing.
#[derive(Debug, Args)]
struct Values {
    /// The currency of prices that name none
    #[arg(long, value_name = "CURRENCY")]
    currency: Option<String>,
    /// The price list of rows that name none
    #[arg(long, value_name = "LIST")]
    list: Option<String>,
    /// The unit of rows that name none, with its scale where steps are finer: h, kg:3
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
    /// The language of the texts (BCP 47), and of which of several texts to take
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<String>,
    /// Any field of rows that say nothing of it, as lead=24-72; may be given several times
    #[arg(long, value_name = "FIELD=VALUE")]
    set: Vec<Assignment>,
}

/// A decimal separator.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Decimal {
    Point,
    Comma,
}

pub(super) fn run(ctx: &Ctx, args: &ImportArgs) -> Result<Outcome, CliError> {
    let options = options(args);
    options.check().map_err(|problem| {
        let what = format!(
            "{} can't be {}",
            plain(&problem.column),
            plain(&problem.value)
        );
        CliError::new(Exit::Invalid, problem.reason.code(), what)
            .why(plain(&problem.reason.to_string()))
            .next("nothing was read; say it again with another value")
    })?;
    let mut apply = begin(ctx, &args.applying)?;
    let mut problems = args
        .problems
        .as_deref()
        .map(|path| ProblemsFile::create(path, &args.files))
        .transpose()?;
    let begun = Instant::now();
    let mut report = read(ctx, args, options, (problems.as_mut(), apply.as_mut()));
    if let Some(problems) = problems {
        problems.finish()?;
    }
    let previewing = apply.take_if(|apply| apply.doing() == Doing::Previewing);
    report.previewed = previewing.and_then(Apply::previewed);
    if let Some(apply) = apply {
        // A row that could not be read may be an article that is still sold.
        let (applied, failed) = apply.finish(report.is_whole() && !report.has_refused());
        if let Some(e) = failed {
            let what = format!("the import was broken off. {}", report::said(&applied));
            return Err(ctx.asked(e).after(&what));
        }
        report.applied(applied, args.applying.withdraw_missing);
    }
    report.speed = Speed::of(report.rows(), begun.elapsed());
    let exit = if report.is_done() {
        Exit::Ok
    } else {
        Exit::Invalid
    };
    Ok(Outcome::of(&report).ending(exit))
}

fn begin(ctx: &Ctx, applying: &Applying) -> Result<Option<Apply>, CliError> {
    // Before a long file is read: whether anybody answers.
    let answering = ctx.client().and_then(|client| {
        let status: Result<crate::view::StatusView, _> = client.get("/v1/status");
        status.map_err(|e| ctx.asked(e)).map(|_status| client)
    });
    let (client, doing) = match (answering, applying.apply) {
        (Ok(client), true) => (client, Doing::Applying),
        (Ok(client), false) => (client, Doing::Previewing),
        (Err(error), true) => return Err(error),
        (Err(_), false) => return Ok(None),
    };
    let counting = if applying.no_stock {
        Counting::No
    } else {
        Counting::Yes
    };
    let missing = if applying.withdraw_missing {
        Missing::Withdrawn
    } else {
        Missing::Stays
    };
    Ok(Some(Apply::new(client, doing, counting, missing)))
}

fn read(
    ctx: &Ctx,
    args: &ImportArgs,
    options: Options,
    (mut problems, mut apply): (Option<&mut ProblemsFile>, Option<&mut Apply>),
) -> ImportReport {
    let mut report = ImportReport::new(args.show);
    let mut import = Import::new(options);
    let bar = if ctx.json {
        ProgressBar::hidden()
    } else {
        bar(&args.files)
    };
    let mut bytes_before = 0;
    for path in &args.files {
        let mut of_file = 0;
        bar.set_message(plain(&path.display().to_string()));
        let read = import.read(path, &mut |found| match found {
            Found::Offer(draft) => {
                if let Some(apply) = &mut apply {
                    apply.take(&draft);
                }
            }
            Found::Problem(problem) => {
                if let Some(file) = &mut problems {
                    file.write(&problem);
                }
                report.problem(problem);
            }
            Found::Progress(progress) => {
                of_file = progress.of_bytes;
                bar.set_position(bytes_before + progress.bytes);
            }
        });
        bytes_before += of_file;
        report.file(read);
    }
    bar.finish_and_clear();
    report
}

/// A bar over the bytes of all files; it hides itself where stderr is no terminal.
fn bar(files: &[PathBuf]) -> ProgressBar {
    let bytes = files
        .iter()
        .filter_map(|f| std::fs::metadata(f).ok())
        .map(|m| m.len())
        .sum();
    let bar = ProgressBar::new(bytes);
    match ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}  {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn options(args: &ImportArgs) -> Options {
    let ImportArgs {
        columns, values, ..
    } = args;
    let short = |pairs: &[(Field, &Option<String>)], long: &[Assignment]| {
        let short = pairs
            .iter()
            .filter_map(|(field, given)| Some((*field, (*given).clone()?)));
        let long = long.iter().map(|a| (a.field, a.given.clone()));
        short.chain(long).collect::<BTreeMap<_, _>>()
    };
    Options {
        columns: short(
            &[
                (Field::Sku, &columns.sku_from),
                (Field::Title, &columns.title_from),
                (Field::Price, &columns.price_from),
                (Field::List, &columns.list_from),
            ],
            &columns.map,
        ),
        values: short(
            &[
                (Field::Currency, &values.currency),
                (Field::List, &values.list),
                (Field::Unit, &values.unit),
                (Field::Language, &values.language),
            ],
            &values.set,
        ),
        attributes: match (args.attributes, args.attribute.as_slice()) {
            (true, _) => Attributes::All,
            (false, []) => Attributes::None,
            (false, named) => Attributes::Named(named.to_vec()),
        },
        separator: args.decimal.map(|d| match d {
            Decimal::Point => Separator::Point,
            Decimal::Comma => Separator::Comma,
        }),
        delimiter: args.delimiter,
        rows_from: args.rows_from.clone(),
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "," | ";" | "|" => text.bytes().next().ok_or_else(String::new),
        "tab" | "\t" | "\\t" => Ok(b'\t'),
        _ => Err("a delimiter is , ; | or tab".to_owned()),
    }
}
