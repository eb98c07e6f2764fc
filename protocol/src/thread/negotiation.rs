//! The records that lead to a deal: text, proposals, and what takes a proposal off the table. Whose
//! turn it is, and how many rounds are left, is the machine's.

use crate::{
    body,
    code::Code,
    fence::List,
    limits::ALTERNATIVES_MAX,
    thread::{Header, HoldTerms, Terms, header::within_a_thread},
    value::{Invalid, Prose, Time},
    wire, words,
};

/// The longest text of an Inquiry, a Question or an Answer, in bytes.
const TEXT_BYTES_MAX: usize = 2048;

/// A first question, which may open a thread.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inquiry {
    /// Header.
    pub header: Header,
    /// What is asked.
    pub text: Prose<TEXT_BYTES_MAX>,
}

wire!(Inquiry { header, text });
body!(Inquiry);

/// A question within a thread.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// Header.
    pub header: Header,
    /// What is asked.
    pub text: Prose<TEXT_BYTES_MAX>,
}

wire!(Question { header, text } check);
body!(Question);

/// An answer within a thread.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// Header.
    pub header: Header,
    /// What is answered.
    pub text: Prose<TEXT_BYTES_MAX>,
}

wire!(Answer { header, text } check);
body!(Answer);

words! {
    /// The part that a partner plays in one deal.
    pub enum Role {
        /// Wants the thing.
        1 Requester "requester",
        /// Owns the scarce thing and decides.
        2 Provider "provider",
    }
}

impl Role {
    /// The part of the other side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Requester => Self::Provider,
            Self::Provider => Self::Requester,
        }
    }
}

/// Full terms that one side offers to the other, in up to three alternatives.
///
/// A provider's firm proposal is a hold and says what it promises; no other proposal is one. So
/// the fields are private, and there is one constructor for each of the three.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proposal {
    header: Header,
    role: Role,
    firm: bool,
    valid_until: Time,
    alternatives: List<Terms, ALTERNATIVES_MAX, 1>,
    hold: Option<HoldTerms>,
}

wire!(Proposal { header, role, firm, valid_until, alternatives, hold } check);
body!(Proposal);

impl Proposal {
    /// A proposal that binds nobody.
    #[must_use]
    pub const fn open(
        header: Header,
        role: Role,
        valid_until: Time,
        alternatives: List<Terms, ALTERNATIVES_MAX, 1>,
    ) -> Self {
        Self {
            header,
            role,
            firm: false,
            valid_until,
            alternatives,
            hold: None,
        }
    }

    /// A firm proposal of the requester: a Commit without a hold.
    #[must_use]
    pub const fn firm_of_requester(
        header: Header,
        valid_until: Time,
        alternatives: List<Terms, ALTERNATIVES_MAX, 1>,
    ) -> Self {
        Self {
            header,
            role: Role::Requester,
            firm: true,
            valid_until,
            alternatives,
            hold: None,
        }
    }

    /// A firm proposal of the provider: a Hold, valid as long as the hold stands.
    #[must_use]
    pub const fn firm_of_provider(
        header: Header,
        alternatives: List<Terms, ALTERNATIVES_MAX, 1>,
        hold: HoldTerms,
    ) -> Self {
        let valid_until = hold.until;
        Self {
            header,
            role: Role::Provider,
            firm: true,
            valid_until,
            alternatives,
            hold: Some(hold),
        }
    }

    fn check(&self) -> Result<(), Invalid> {
        let bears_hold = self.firm && self.role == Role::Provider;
        if self.hold.is_some() != bears_hold {
            return Err(Invalid::Rule(
                "a proposal must bear a hold exactly when it is the provider's and firm",
            ));
        }
        if self.hold.is_some_and(|hold| hold.until != self.valid_until) {
            return Err(Invalid::Rule(
                "a hold must end when the proposal that bears it does",
            ));
        }
        Ok(())
    }

    /// Header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The part that its author plays.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Whether it binds its author.
    #[must_use]
    pub const fn is_firm(&self) -> bool {
        self.firm
    }

    /// Until when it may be accepted.
    #[must_use]
    pub const fn valid_until(&self) -> Time {
        self.valid_until
    }

    /// The terms, one to three times.
    #[must_use]
    pub fn alternatives(&self) -> &[Terms] {
        &self.alternatives
    }

    /// The alternative with this number, counted from 0, if it has so many.
    #[must_use]
    pub fn alternative(&self, number: u8) -> Option<&Terms> {
        self.alternatives.get(usize::from(number))
    }

    /// What it promises as a hold, exactly when it is the provider's and firm.
    #[must_use]
    pub const fn hold(&self) -> Option<&HoldTerms> {
        self.hold.as_ref()
    }
}

/// Declines the standing proposal, if it is not firm, and gives the turn back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reject {
    /// Header.
    pub header: Header,
    /// Why.
    pub code: Code,
}

wire!(Reject { header, code } check);
body!(Reject);

/// Takes back its author's own standing proposal, if it is not firm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Withdraw {
    /// Header.
    pub header: Header,
}

wire!(Withdraw { header } check);
body!(Withdraw);

within_a_thread!(Question, Answer, Reject, Withdraw);
