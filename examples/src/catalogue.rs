//! Makes the catalogues of the five partners of the example market out of word lists and a seed. The same seed gives the same bytes. All
//! partners, brands and articles are invented; article numbers of the world outside (GTINs) lie in the ranges that GS1 keeps free for use
//! within a company.

mod article;
mod carrier;
mod installer;
mod maker;
mod random;
mod retailer;
mod wholesaler;
mod words;
mod write;

use std::{fmt, io, str::FromStr};

pub use wholesaler::{STORY_SKU, WHOLESALER_OFFERS};

/// The seed of the committed catalogues.
pub const DEFAULT_SEED: u64 = 1;

/// The part that a partner plays in the example market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Retailer,
    Maker,
    Wholesaler,
    Carrier,
    Installer,
}

impl Role {
    /// All parts, in the order in which the story needs them.
    pub const ALL: [Self; 5] = [
        Self::Retailer,
        Self::Maker,
        Self::Wholesaler,
        Self::Carrier,
        Self::Installer,
    ];

    /// The word for it on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Retailer => "retailer",
            Self::Maker => "maker",
            Self::Wholesaler => "wholesaler",
            Self::Carrier => "carrier",
            Self::Installer => "installer",
        }
    }

    /// The name of the partner that plays it.
    #[must_use]
    pub fn partner(self) -> &'static str {
        match self {
            Self::Retailer => "Alderhaus",
            Self::Maker => "Fennmark Werkstatt",
            Self::Wholesaler => "Caldmoor & Rowe",
            Self::Carrier => "Nordlauf Spedition",
            Self::Installer => "Handfest Montage",
        }
    }

    /// The name of its catalogue's file.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Retailer => "alderhaus.csv",
            Self::Maker => "fennmark.json",
            Self::Wholesaler => "caldmoor.csv.gz",
            Self::Carrier => "nordlauf.jsonl",
            Self::Installer => "handfest.json",
        }
    }

    /// The catalogue before it is compressed.
    ///
    /// Each part has its own run of random numbers, so that a change to one catalogue leaves the others as they are.
    #[must_use]
    pub fn text(self, seed: u64) -> String {
        match self {
            Self::Retailer => retailer::text(seed),
            Self::Maker => maker::text(seed),
            Self::Wholesaler => wholesaler::text(seed),
            Self::Carrier => carrier::text(seed),
            Self::Installer => installer::text(seed),
        }
    }

    /// The catalogue's file.
    ///
    /// # Errors
    /// None that memory does not cause.
    pub fn bytes(self, seed: u64) -> io::Result<Vec<u8>> {
        let text = self.text(seed);
        if self.file().ends_with(".gz") {
            write::gzip(text.as_bytes())
        } else {
            Ok(text.into_bytes())
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let role = Self::ALL.into_iter().find(|r| r.word() == word);
        role.ok_or_else(|| {
            format!(
                "no role {word:?}; roles are {}",
                Self::ALL.map(Self::word).join(", ")
            )
        })
    }
}
