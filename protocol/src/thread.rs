//! The bodies of the records that partners exchange in a thread (SPEC.md section 8.2). They
//! keep out what a record means where a thread or deal stands: that is the machine's.

mod deal;
mod header;
mod negotiation;
mod order;
mod terms;

use alloc::boxed::Box;

pub(crate) use self::header::within_a_thread;
pub use self::{
    deal::{
        Ack, AtFault, Chain, Choice, CoLegs, Commit, Hold, HoldTerms, LegName, Receipt, Refusal,
        Release, Request,
    },
    header::{Header, Life},
    negotiation::{Answer, Inquiry, Proposal, Question, Reject, Role, Withdraw},
    order::{Event, EventLine, Handover, Happening, Shipto},
    terms::{Change, ChangeWhat, Conditions, Item, Line, Terms, Window},
};
use crate::{bodies, bundle::BundleBody};

/// The body of a record of a thread, of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThreadBody {
    /// A first question.
    Inquiry(Inquiry),
    /// Full terms offered.
    Proposal(Box<Proposal>),
    /// A question.
    Question(Question),
    /// An answer.
    Answer(Answer),
    /// The other side's proposal declined.
    Reject(Reject),
    /// One's own proposal taken back.
    Withdraw(Withdraw),
    /// A hold asked for.
    Request(Box<Request>),
    /// A hold given.
    Hold(Hold),
    /// A deal bound by the requester.
    Commit(Commit),
    /// A deal agreed by the provider.
    Receipt(Receipt),
    /// A deal refused by the provider.
    Refusal(Refusal),
    /// A hold given back.
    Release(Release),
    /// A Receipt kept by the requester.
    Ack(Ack),
    /// Something that happened to an order.
    Event(Box<Event>),
    /// Sealed customer details.
    Handover(Box<Handover>),
    /// What all members of a bundle see, in the thread that its Manifest opens.
    Bundle(BundleBody),
}

bodies!(ThreadBody {
    Inquiry,
    Proposal,
    Question,
    Answer,
    Reject,
    Withdraw,
    Request,
    Hold,
    Commit,
    Receipt,
    Refusal,
    Release,
    Ack,
    Event,
    Handover,
} and Bundle(BundleBody));

impl ThreadBody {
    /// The header, with which each of them begins.
    #[must_use]
    pub fn header(&self) -> &Header {
        match self {
            Self::Inquiry(body) => &body.header,
            Self::Proposal(body) => body.header(),
            Self::Question(body) => &body.header,
            Self::Answer(body) => &body.header,
            Self::Reject(body) => &body.header,
            Self::Withdraw(body) => &body.header,
            Self::Request(body) => &body.header,
            Self::Hold(body) => &body.header,
            Self::Commit(body) => &body.header,
            Self::Receipt(body) => &body.header,
            Self::Refusal(body) => &body.header,
            Self::Release(body) => &body.header,
            Self::Ack(body) => &body.header,
            Self::Event(body) => &body.header,
            Self::Handover(body) => &body.header,
            Self::Bundle(body) => body.header(),
        }
    }
}
