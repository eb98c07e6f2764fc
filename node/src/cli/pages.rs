//! Lists that the node gives in pages: asks for as many pages as make up what was wanted. What a
//! list shows is kept out.

use clap::Args;
use serde::de::DeserializeOwned;

use super::Ctx;
use super::address::with_query;
use super::number::some;
use super::outcome::{CliError, Outcome, Report};
use crate::view::PAGE_MAX;

/// Which part of a list.
#[derive(Debug, Args)]
pub(super) struct Part {
    /// How many to show
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = some, allow_negative_numbers = true)]
    limit: u32,
    /// Where to go on, as the page before said
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

impl Part {
    /// How many rows are wanted.
    pub(super) fn limit(&self) -> u32 {
        self.limit
    }
}

/// A document that is one page of a list.
pub(super) trait Page: Report + DeserializeOwned {
    /// One line of the list.
    type Row;

    /// Its lines.
    fn rows(&mut self) -> &mut Vec<Self::Row>;

    /// The cursor of the page after it; absent at the end.
    fn next(&mut self) -> &mut Option<String>;
}

/// Asks for pages at `path` until there are as many rows as wanted, as one document.
pub(super) fn fetch<P: Page>(
    ctx: &Ctx,
    path: &str,
    params: &[(&str, Option<&str>)],
    part: &Part,
) -> Result<Outcome, CliError> {
    let client = ctx.client()?;
    let ask = |wanted: usize, cursor: Option<&str>| -> Result<P, CliError> {
        let limit = wanted.min(PAGE_MAX).to_string();
        let mut params = params.to_vec();
        params.extend([("limit", Some(limit.as_str())), ("cursor", cursor)]);
        let page = client.get(&with_query(path, &params));
        page.map_err(|e| ctx.asked(e))
    };
    let wanted = usize::try_from(part.limit).unwrap_or(usize::MAX);
    let mut all = ask(wanted, part.after.as_deref())?;
    loop {
        let missing = wanted.saturating_sub(all.rows().len());
        let Some(cursor) = all.next().take_if(|_| missing > 0) else {
            return Ok(Outcome::of(&all));
        };
        let mut page = ask(missing, Some(&cursor))?;
        all.rows().append(page.rows());
        *all.next() = page.next().take();
    }
}
