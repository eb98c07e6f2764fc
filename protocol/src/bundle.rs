//! Bundles and chains (SPEC.md sections 20 and 21): deals of one requester that end alike. Here
//! stand the bodies by which the members come to one end, what they prove, and the tables as steps
//! from one state to the next. It keeps out what a node stores and sends, which is
//! `machine::bundle`'s and `machine::chain`'s.

mod act;
pub mod chain;
mod judge;
mod leg;
mod manifest;
pub mod middle;
mod requester;
mod tally;

use alloc::boxed::Box;

pub use self::{
    act::{Act, Kept},
    leg::{
        Backing, Greeted, LegFacts, LegInput, LegState, Naming, Place, ProviderLeg, Span, Turn,
        Units,
    },
    manifest::{ArmReceipt, Lapse, Leg, Manifest, Member},
    requester::{BundleInput, BundleState, Decides, RequesterBundle},
    tally::{Outcome, Tally},
};
use crate::{bodies, thread::Header};

/// The body of a record that all members of a bundle see, of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BundleBody {
    /// A leg armed.
    ArmReceipt(ArmReceipt),
    /// A leg lapsed.
    Lapse(Lapse),
    /// All legs committed by the requester.
    Manifest(Box<Manifest>),
}

bodies!(BundleBody {
    ArmReceipt,
    Lapse,
    Manifest,
});

impl BundleBody {
    /// The header, with which each of them begins.
    #[must_use]
    pub fn header(&self) -> &Header {
        match self {
            Self::ArmReceipt(body) => &body.header,
            Self::Lapse(body) => &body.header,
            Self::Manifest(body) => body.header(),
        }
    }
}
