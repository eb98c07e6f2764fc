//! The flags that say what is traded: articles with quantities and prices, and how they come.

use clap::Args;

use super::super::exit::Exit;
use super::super::outcome::CliError;
use super::super::ship_to::ShipTo;
use super::begins_id;
use crate::view::deal::{LineAsk, TermsAsk};

/// What is traded. The flags that are repeated belong together in their order.
#[derive(Debug, Args)]
pub(in crate::cli) struct What {
    /// An article number of the provider; may be repeated
    #[arg(long)]
    sku: Vec<String>,
    /// How much, in the offer's unit: 2, 7.5; one for each line
    #[arg(long, value_name = "QUANTITY", allow_hyphen_values = true)]
    qty: Vec<String>,
    /// The price for one, or for the offer's per; the list's if left out; else one for each line
    #[arg(long, allow_hyphen_values = true)]
    price: Vec<String>,
    /// The price list; else the general one
    #[arg(long, default_value = "", hide_default_value = true)]
    list: String,
    /// How it reaches the customer: ship, "pick up", deliver, "on site", remote, digital
    #[arg(long)]
    method: Option<String>,
    /// In which slot, for a service: its local time as omni offer slots shows it
    #[arg(long, value_name = "TIME")]
    slot: Option<String>,
    /// Days from fulfilment until payment is due
    #[arg(long, value_name = "DAYS")]
    payment_days: Option<u16>,
    /// Nothing ships before the Receipt is acknowledged
    #[arg(long)]
    for_chain: bool,
}

impl What {
    /// Whether an offer's id says what is traded, in place of article numbers.
    pub(in crate::cli) fn by_offer(&self) -> bool {
        self.sku.is_empty()
    }

    /// The terms that the flags say. `whom` is the partner, or an offer's id.
    pub(in crate::cli) fn terms(
        &self,
        whom: &str,
        (ship_to, note): (&ShipTo, Option<String>),
    ) -> Result<TermsAsk, CliError> {
        let usage = |what: &str, next: &str| CliError::new(Exit::Usage, "usage", what).next(next);
        let by_offer = self.by_offer();
        if by_offer && !begins_id(whom) {
            return Err(usage(
                "what shall be traded?",
                "name the partner's article: --sku SKU --qty 2, or an offer's id in place of the partner",
            ));
        }
        let lines = if by_offer { 1 } else { self.sku.len() };
        if self.qty.len() != lines {
            return Err(usage(
                "each line takes one --qty",
                if by_offer {
                    "say how much of the offer: --qty 2"
                } else {
                    "--sku A --qty 2 --sku B --qty 1"
                },
            ));
        }
        if !self.price.is_empty() && self.price.len() != lines {
            return Err(usage(
                "say a --price for each line, or none",
                "prices that are left out are those of the list: omni offer show",
            ));
        }
        let line = |index: usize| LineAsk {
            offer: by_offer.then(|| whom.to_owned()),
            sku: self.sku.get(index).cloned(),
            list: if by_offer {
                String::new()
            } else {
                self.list.clone()
            },
            quantity: self.qty.get(index).cloned().unwrap_or_default(),
            price: self.price.get(index).cloned(),
            per: None,
        };
        Ok(TermsAsk {
            lines: (0..lines).map(line).collect(),
            method: self.method.clone(),
            slot: self.slot.clone(),
            region: ship_to.region(),
            postcode: ship_to.postcode(),
            payment_days: self.payment_days.unwrap_or_default(),
            for_chain: self.for_chain,
            note: note.unwrap_or_default(),
            ..TermsAsk::default()
        })
    }
}
