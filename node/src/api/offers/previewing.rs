//! What publishing and counting would change, told before anything is: which offers are new, which
//! say something else than what stands, and which counts differ. It changes nothing.

use omni_protocol::deal::stock::Stock;
use omni_protocol::machine::{Key, OwnSlot, View, own_offer, says_the_same};
use omni_protocol::public::{Offer, OfferDraft};
use omni_protocol::slot::{Family, Revision};
use omni_protocol::value::Unit;
use serde_json::Value;

use super::{drafts, subject_of};
use crate::api::{ApiCode, Problem, Reading};
use crate::view::draft::doc_of;
use crate::view::money::{parse_quantity, quantity_text};
use crate::view::offer::OfferDoc;
use crate::view::preview::{
    CountChangeView, FieldChangeView, OfferChangeView, PreviewAsk, PreviewView, STEEP,
};
use crate::view::stock::CountDoc;

/// What would change.
pub(super) fn preview(reading: &Reading, ask: &PreviewAsk) -> Result<PreviewView, Problem> {
    let mut view = PreviewView::default();
    let mut units: Vec<(&OfferDoc, Unit)> = Vec::new();
    let drafts = drafts(reading, &ask.offers)?;
    // After them: an end that was not asked for is counted from their moment.
    let revision = Revision::next(None, reading.now());
    for (doc, draft) in ask.offers.iter().zip(drafts) {
        let Some(revision) = revision else { continue };
        let new = Offer::new(revision, draft).map_err(|why| invalid(format!("{why}.")))?;
        units.push((doc, new.draft().unit.clone()));
        match change(reading, &new) {
            Change::New => view.new = view.new.saturating_add(1),
            Change::None => view.unchanged = view.unchanged.saturating_add(1),
            Change::Is(change) => view.changed.push(*change),
        }
    }
    for count in &ask.counts {
        let unit = units
            .iter()
            .find(|(doc, _)| (&doc.sku, &doc.list) == (&count.sku, &count.list));
        match count_change(reading, count, unit.map(|(_, unit)| unit))? {
            Some(change) => view.counts.push(change),
            None => view.counts_unchanged = view.counts_unchanged.saturating_add(1),
        }
    }
    Ok(view)
}

fn invalid(detail: String) -> Problem {
    Problem::new(ApiCode::Invalid, detail)
}

/// What becomes of an offer.
enum Change {
    New,
    None,
    Is(Box<OfferChangeView>),
}

fn change(reading: &Reading, new: &Offer) -> Change {
    let Some(slot) = OwnSlot::read(reading, Family::Offer, new.subject()) else {
        return Change::New;
    };
    let standing = own_offer(reading, &reading.network, new.subject(), reading.now());
    let mut view = OfferChangeView {
        sku: new.draft().sku.to_string(),
        list: new.draft().list.to_string(),
        again: standing.is_none().then(|| {
            let word = if slot.is_withdrawal {
                "withdrawn"
            } else {
                "ended"
            };
            word.to_owned()
        }),
        steep: false,
        fields: Vec::new(),
    };
    if let Some((_, old)) = standing {
        if says_the_same(&old, new) {
            return Change::None;
        }
        view.steep = is_steep(old.draft(), new.draft());
        view.fields = fields(&old, new);
    }
    Change::Is(Box::new(view))
}

/// The fields that differ, each with what it says before and after.
fn fields(old: &Offer, new: &Offer) -> Vec<FieldChangeView> {
    let members = |offer: &Offer| match serde_json::to_value(doc_of(offer.draft())) {
        Ok(Value::Object(members)) => members,
        Ok(_) | Err(_) => serde_json::Map::new(),
    };
    let (old_members, new_members) = (members(old), members(new));
    let open_ended = old.is_open_ended() && new.is_open_ended();
    let mut names: Vec<_> = old_members.keys().chain(new_members.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let changed = names.into_iter().filter(|name| {
        let is_end = open_ended && name.as_str() == "valid_until_ms";
        !is_end && old_members.get(*name) != new_members.get(*name)
    });
    let text = |value: Option<&Value>| match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let one = |name: &String| FieldChangeView {
        field: name.clone(),
        from: text(old_members.get(name)),
        to: text(new_members.get(name)),
    };
    changed.map(one).collect()
}

/// Whether the price of one unit moves by a factor of [`STEEP`] or more.
fn is_steep(old: &OfferDraft, new: &OfferDraft) -> bool {
    // In another currency or unit the numbers say nothing of each other.
    if old.currency != new.currency || old.unit != new.unit {
        return false;
    }
    let a_unit = |one: &OfferDraft, other: &OfferDraft| {
        let minor = u128::try_from(one.price.minor().get()).unwrap_or_default();
        minor.saturating_mul(u128::from(other.price.per().get()))
    };
    let (before, after) = (a_unit(old, new), a_unit(new, old));
    before >= after.saturating_mul(STEEP) || after >= before.saturating_mul(STEEP)
}

fn count_change(
    reading: &Reading,
    doc: &CountDoc,
    unit: Option<&Unit>,
) -> Result<Option<CountChangeView>, Problem> {
    let subject = subject_of(&doc.sku, &doc.list)?;
    let standing = own_offer(reading, &reading.network, subject, reading.now());
    let unit = unit
        .cloned()
        .or(standing.map(|(_, offer)| offer.draft().unit.clone()));
    let unit = unit.ok_or_else(|| invalid(format!("\"{}\" is not offered.", doc.sku)))?;
    let steps = parse_quantity(&doc.quantity, &unit)
        .map_err(|why| invalid(format!("The quantity of \"{}\": {why}.", doc.sku)))?;
    let is_known = reading.read(&Key::Stock { subject }).is_some();
    let before = Stock::read(reading, subject);
    let text = |steps: u64| quantity_text(steps, &unit);
    let differs = before.counted != steps || before.sold != 0;
    Ok((is_known && differs).then(|| CountChangeView {
        sku: doc.sku.clone(),
        list: doc.list.clone(),
        counted: text(before.counted),
        sold: text(before.sold),
        to: text(steps),
    }))
}

#[cfg(test)]
mod tests {
    use omni_protocol::value::{Minor, Price, Steps, Time};

    use super::*;

    #[test]
    fn a_price_that_moves_by_five_is_steep() {
        let draft = |minor: i64, per: u64, currency: &str| {
            let price = Price::new(Minor::new(minor).unwrap(), Steps::new(per).unwrap()).unwrap();
            let unit = Unit::new("C62", 0).unwrap();
            let (sku, title) = ("A".parse().unwrap(), "T".parse().unwrap());
            let priced = (price, currency.parse().unwrap());
            OfferDraft::product(sku, title, priced, unit, Time::default()).unwrap()
        };
        let check = |old: (i64, u64), new: (i64, u64), steep: bool| {
            let (old, new) = (draft(old.0, old.1, "EUR"), draft(new.0, new.1, "EUR"));
            assert_eq!(
                is_steep(&old, &new),
                steep,
                "{:?} {:?}",
                old.price,
                new.price
            );
            assert_eq!(is_steep(&new, &old), steep, "the other way");
        };
        check((12_900, 1), (12_900, 1), false);
        check((12_900, 1), (2_581, 1), false);
        check((12_900, 1), (2_580, 1), true);
        check((12_900, 1), (129, 1), true);
        check((100, 1), (10_000, 100), false);
        check((100, 1), (100, 5), true);
        assert!(!is_steep(&draft(100, 1, "EUR"), &draft(10_000, 1, "JPY")));
    }
}
