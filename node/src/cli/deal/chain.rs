//! A deal's place in its chain for people: what it rests on, for what it is, and what is left
//! between them.

use super::super::money::amounts;
use super::super::outcome::pairs;
use crate::view::chain::{ChainDealView, ChainView};

/// The part of a thread's story that tells of its chain.
pub(super) fn chain_text(chain: &ChainView) -> String {
    let mut lines: Vec<(&str, String)> = Vec::new();
    lines.extend(chain.is_for.iter().map(|above| ("for", deal_text(above))));
    lines.extend(
        chain
            .rests_on
            .iter()
            .map(|part| ("rests on", deal_text(part))),
    );
    if !chain.margin.is_empty() {
        lines.push(("margin", amounts(&chain.margin)));
    }
    let depth = match chain.depth {
        0 => "no deal rests on this one".to_owned(),
        1 => "one deal rests on this one".to_owned(),
        more => format!("{more} deals rest on this one"),
    };
    lines.push(("depth", depth));
    lines.push(("all of it", chain.stands.clone()));
    let text = pairs(&lines);
    let lines = text.lines().map(|line| format!("  {line}\n"));
    format!("\nchain\n{}", lines.collect::<String>())
}

fn deal_text(deal: &ChainDealView) -> String {
    let thread: String = deal.thread.chars().take(12).collect();
    let whom = deal.name.as_deref().unwrap_or(&deal.partner);
    let total = deal.total.as_ref();
    let total = total.map(|total| format!(" for {total}"));
    let code = deal.code.as_ref().map(|code| format!(" ({code})"));
    let (total, code) = (total.unwrap_or_default(), code.unwrap_or_default());
    let (title, state) = (&deal.title, &deal.state);
    let policy = deal.policy.as_ref();
    let policy = policy.map(|policy| format!(", by the policy {policy}"));
    let policy = policy.unwrap_or_default();
    format!("{thread}  {whom}: {title}{total}, {state}{code}{policy}")
}
