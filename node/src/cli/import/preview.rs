//! What a dry run tells of the offers that stand already: how many are new, and what `--apply` would
//! change of the rest. It asks nothing itself.

use serde::Serialize;

use super::super::plain::plain;
use crate::view::preview::{CountChangeView, OfferChangeView, PreviewView};

/// Examples that are kept of each kind.
const KEPT_MAX: usize = 500;
/// Characters of a value that are shown.
const VALUE_CHARS: usize = 40;

/// What would change.
#[derive(Debug, Default, Serialize)]
pub(super) struct Previewed {
    new: u64,
    unchanged: u64,
    changed: u64,
    /// Of `changed`, those that were withdrawn or have ended.
    again: u64,
    /// Of `changed`, those whose price moves by a factor of 5 or more.
    steep: u64,
    counts_replaced: u64,
    /// The first of them, the steep ones first.
    examples: Vec<OfferChangeView>,
    /// The first of them.
    counts: Vec<CountChangeView>,
}

impl Previewed {
    pub(super) fn add(&mut self, view: PreviewView) {
        let more = |sum: &mut u64, by: usize| {
            *sum = sum.saturating_add(u64::try_from(by).unwrap_or(u64::MAX));
        };
        self.new = self.new.saturating_add(view.new);
        self.unchanged = self.unchanged.saturating_add(view.unchanged);
        more(&mut self.changed, view.changed.len());
        let again = view.changed.iter().filter(|change| change.again.is_some());
        more(&mut self.again, again.count());
        let steep = view.changed.iter().filter(|change| change.steep);
        more(&mut self.steep, steep.count());
        more(&mut self.counts_replaced, view.counts.len());
        self.examples.extend(view.changed);
        self.examples.sort_by_key(|change| !change.steep);
        self.examples.truncate(KEPT_MAX);
        let room = KEPT_MAX.saturating_sub(self.counts.len());
        self.counts.extend(view.counts.into_iter().take(room));
    }

    /// The same for people, with so many examples of each kind.
    pub(super) fn text(&self, shown: usize) -> String {
        let mut text = String::new();
        if self.new > 0 || self.unchanged > 0 || self.changed > 0 {
            text.push_str(&format!(
                "Of these offers {} are new, {} stand so already, and {} change what stands.\n",
                self.new, self.unchanged, self.changed
            ));
        }
        if self.again > 0 {
            let again = self.again;
            text.push_str(&format!(
                "Of those, {again} were withdrawn or ended: offered again.\n"
            ));
        }
        if self.steep > 0 {
            text.push_str(&format!(
                "The price of {} moves by a factor of 5 or more: look whether that is meant.\n",
                self.steep
            ));
        }
        for change in self.examples.iter().take(shown) {
            text.push_str(&format!("  {}\n", plain(&of_offer(change))));
        }
        if self.counts_replaced > 0 {
            text.push_str(&format!(
                "{} counts of stock are replaced; --no-stock leaves them.\n",
                self.counts_replaced
            ));
        }
        for change in self.counts.iter().take(shown) {
            text.push_str(&format!("  {}\n", plain(&of_count(change))));
        }
        text
    }
}

fn article(sku: &str, list: &str) -> String {
    match list {
        "" => sku.to_owned(),
        list => format!("{sku} (list {list})"),
    }
}

fn of_offer(change: &OfferChangeView) -> String {
    let article = article(&change.sku, &change.list);
    if let Some(again) = &change.again {
        return format!("{article}: {again} before, offered again");
    }
    let short = |text: &str| match text.char_indices().nth(VALUE_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    };
    let fields = change.fields.iter();
    let fields = fields.map(|field| {
        format!(
            "{} {} -> {}",
            field.field,
            short(&field.from),
            short(&field.to)
        )
    });
    format!("{article}: {}", fields.collect::<Vec<_>>().join(", "))
}

fn of_count(change: &CountChangeView) -> String {
    let article = article(&change.sku, &change.list);
    let (counted, sold, to) = (&change.counted, &change.sold, &change.to);
    match sold.as_str() {
        "0" => format!("{article}: {counted} counted -> {to}"),
        sold => format!("{article}: {counted} counted, {sold} sold since -> {to}"),
    }
}
