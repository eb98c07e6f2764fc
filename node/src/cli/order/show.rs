//! An order for people: what was agreed, how far it is, what is owed, who receives it.

use super::super::deal::recipient;
use super::super::money::signed;
use super::super::outcome::{Report, pairs};
use super::super::plain::plain;
use super::super::table::{Side, table};
use super::super::when::when;
use super::amend::sentence as amended;
use super::short;
use crate::formats::units::word;
use crate::view::change::VersionView;
use crate::view::deal::HandOverState;
use crate::view::order::{OrderView, StepView};
use crate::view::ship_to::ShipToDoc;

impl Report for OrderView {
    const SCHEMA: &'static str = "omni.order/1";

    fn text(&self) -> String {
        let row = &self.row;
        let whom = row.name.as_deref().unwrap_or(&row.partner);
        let mut lines = vec![
            ("order", row.order.clone()),
            ("with", format!("{whom}  {}", row.partner)),
            ("we are", row.side.clone()),
            (
                "status",
                format!("{} (version {})", row.status, self.version),
            ),
            ("agreed", when(row.agreed_ms)),
        ];
        if let Some(owed) = &row.owed {
            let who = if row.side == "requester" {
                "we owe"
            } else {
                "they owe"
            };
            lines.push((who, owed.to_string()));
        }
        if let Some(terms) = &self.terms {
            let place = [terms.method.as_str(), &terms.region, &terms.postcode];
            let place = place.iter().filter(|part| !part.is_empty());
            lines.push(("delivery", place.copied().collect::<Vec<_>>().join(" ")));
        }
        if let Some(fee) = &self.cancellation_fee {
            let open = self.progress.iter().any(|line| line.open != "0");
            if open {
                lines.push(("cancelling", format!("costs {fee} now")));
            }
        }
        if let Some(change) = &self.change {
            lines.push(("change", format!("open: omni deal show {}", short(change))));
        }
        if self.hand_over != HandOverState::NotNeeded {
            lines.push(("recipient", recipient(self.hand_over).to_owned()));
        }
        if let Some(why) = &self.ship_to_error {
            lines.push(("", why.clone()));
        }
        if let Some(ship_to) = &self.ship_to {
            lines.extend(address(ship_to));
        }
        let mut text = pairs(&lines);
        text.push('\n');
        text.push_str(&progress(self));
        if self.versions.len() > 1 {
            text.push_str("\nversions\n");
            for version in &self.versions {
                text.push_str(&format!("  {}\n", plain(&version_line(version))));
            }
        }
        if !self.steps.is_empty() {
            text.push_str("\nevents\n");
            for step in &self.steps {
                text.push_str(&format!("  {}\n", plain(&sentence(step))));
            }
        }
        text
    }
}

fn address(to: &ShipToDoc) -> Vec<(&'static str, String)> {
    let city = [&to.postcode, &to.city, &to.region, &to.country];
    let city: Vec<_> = city
        .iter()
        .filter(|part| !part.is_empty())
        .map(|s| s.as_str())
        .collect();
    let mut parts = vec![to.name.clone()];
    parts.extend(to.lines.iter().cloned());
    parts.push(city.join(" "));
    parts.extend([to.phone.clone(), to.email.clone(), to.note.clone()]);
    parts.retain(|part| !part.is_empty());
    parts.into_iter().map(|part| ("", part)).collect()
}

fn progress(order: &OrderView) -> String {
    let header = [
        ("line", Side::Left),
        ("sku", Side::Left),
        ("title", Side::Left),
        ("unit", Side::Left),
        ("ordered", Side::Right),
        ("shipped", Side::Right),
        ("fulfilled", Side::Right),
        ("cancelled", Side::Right),
        ("open", Side::Right),
    ];
    let rows: Vec<Vec<String>> = (1_u32..)
        .zip(&order.progress)
        .map(|(number, line)| {
            vec![
                number.to_string(),
                line.sku.clone(),
                line.title.clone(),
                word(&line.unit).to_owned(),
                line.ordered.clone(),
                line.shipped.clone(),
                line.fulfilled.clone(),
                line.cancelled.clone(),
                line.open.clone(),
            ]
        })
        .collect();
    table(&header, &rows)
}

/// `2  2026-11-22 00:18:57Z  amend  +79.90 EUR  BR-PAR-35: 2 pc at 79.90 -> 3 pc at 79.90`.
fn version_line(version: &VersionView) -> String {
    let mut text = format!(
        "{}  {}  {}  {}",
        version.version,
        when(version.at_ms),
        version.what,
        signed(&version.difference)
    );
    for (number, change) in version.changes.iter().enumerate() {
        text.push_str(if number == 0 { "  " } else { ", " });
        text.push_str(&amended(change));
    }
    text
}

fn sentence(step: &StepView) -> String {
    let mut text = format!("{}  {}", when(step.occurred_ms), step.what);
    if step.what == "Changed" && step.version > 0 {
        text.push_str(&format!(" to version {}", step.version));
    }
    for line in &step.lines {
        text.push_str(&format!(", line {}: {}", line.line, line.quantity));
    }
    if !step.reference.is_empty() {
        text.push_str(&format!("  {}", step.reference));
    }
    if !step.note.is_empty() {
        text.push_str(&format!("  ({})", step.note));
    }
    text
}
