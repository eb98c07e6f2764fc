//! Availability: a coarse signal whether an offer can be had. It names no count, and is published
//! at times drawn beforehand, so that a listener does not learn single sales.

use crate::{body, hash::SubjectId, slot::Revision, trade::Lead, value::Time, wire, words};

words! {
    /// How much there is.
    pub enum Band {
        /// Nothing.
        1 Out "out",
        /// Little.
        2 Low "low",
        /// Some.
        3 Some "some",
        /// Plenty.
        4 Plenty "plenty",
    }
}

/// Whether an offer can be had, and how soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Availability {
    /// Revision.
    pub revision: Revision,
    /// The subject of the offer.
    pub subject: SubjectId,
    /// How much there is.
    pub band: Band,
    /// How soon.
    pub lead: Lead,
    /// Until when this is known.
    pub valid_until: Time,
}

wire!(Availability {
    revision,
    subject,
    band,
    lead,
    valid_until
});
body!(Availability);
