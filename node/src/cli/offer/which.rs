//! Which offer a command is about. What it asks of that offer is the command's matter.

use clap::Args;

use super::super::address::segment;

/// An offer by its id or its article number.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// An article number, a record's id, or at least 8 digits of its beginning
    #[arg(value_name = "ID|SKU")]
    name: String,
    /// The price list; else the general one
    #[arg(long)]
    list: Option<String>,
    /// Whose offer, by the partner's id or name
    #[arg(long)]
    partner: Option<String>,
}

impl Which {
    /// Where the API has it.
    pub(super) fn path(&self) -> String {
        format!("/v1/offers/{}", segment(&self.name))
    }

    /// What the API must know to find it.
    pub(super) fn params(&self) -> [(&'static str, Option<&str>); 2] {
        [
            ("list", self.list.as_deref()),
            ("partner", self.partner.as_deref()),
        ]
    }
}
