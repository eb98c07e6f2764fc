//! `omni offer slots`: when a service can be had, and of own ones what is left.

use clap::Args;

use super::super::Ctx;
use super::super::address::with_query;
use super::super::exit;
use super::super::outcome::{CliError, Outcome, Report};
use super::super::plain::plain;
use super::super::table::{Side, table};
use super::which::Which;
use crate::view::slot::{PlacesView, SlotView, SlotsView};

/// List the slots of a service: when it can be had
///
/// Of an own offer with the places of each: free, held for open deals, sold, and promised beyond what
/// there is. Of a partner's the times that its calendar gives; what is free is told by asking for it:
/// omni deal propose PARTNER --sku SKU --qty 1 --slot SLOT.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct SlotsArgs {
    #[command(flatten)]
    which: Which,
    /// From this day or local time on, 2027-03-01 or 2027-03-01T08:00; else from now on
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Up to this day or local time, at most 90 days later
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

impl Report for SlotsView {
    const SCHEMA: &'static str = "omni.offer.slots/1";

    fn text(&self) -> String {
        let zone = plain(&self.zone);
        if self.slots.is_empty() {
            return format!("no slot in this time, in {zone}\n");
        }
        let minutes = format!("slot of {} min, {zone}", self.duration_minutes);
        let mut header = vec![(minutes.as_str(), Side::Left)];
        if self.mine {
            let of_places = ["places", "free", "held", "sold", "short"];
            header.extend(of_places.map(|name| (name, Side::Right)));
        }
        let rows: Vec<_> = self.slots.iter().map(row).collect();
        let more = match self.slots.last() {
            Some(last) if self.more => format!("more: --from {}\n", last.slot),
            Some(_) | None => String::new(),
        };
        table(&header, &rows) + &more
    }
}

fn row(slot: &SlotView) -> Vec<String> {
    let mut row = vec![slot.slot.clone()];
    if let Some(places) = &slot.places {
        let PlacesView {
            all,
            held,
            sold,
            free,
            short,
        } = places;
        row.extend([all, free, held, sold, short].map(ToString::to_string));
    }
    row
}

pub(super) fn run(ctx: &Ctx, args: &SlotsArgs) -> Result<Outcome, CliError> {
    let path = format!("{}/slots", args.which.path());
    let [list, partner] = args.which.params();
    let from = ("from", args.from.as_deref());
    let params = [list, partner, from, ("to", args.to.as_deref())];
    ctx.report::<SlotsView>(ctx.client()?.get(&with_query(&path, &params)))
}
