//! The one form in which the local API says no: problem details (RFC 9457) with a stable code.
//! Which refusals there are in the market is kept out; those codes stand in SPEC.md 18.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use omni_protocol::code::Code;

use crate::view::ProblemView;

/// Codes of the API itself. What a market rule refuses carries the code of SPEC.md 18 instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiCode {
    /// The `Host` of the request is not this node's: a web page tries to reach it by another name.
    WrongHost,
    /// A web page that is not on the list made a browser ask.
    WrongOrigin,
    /// No token, or a wrong one.
    Unauthorized,
    /// There is no such address.
    UnknownRoute,
    /// The address takes other methods.
    MethodNotAllowed,
    /// The body is larger than the address takes.
    TooLarge,
    /// The body or a parameter can't be read.
    Malformed,
    /// The body did not come in time.
    TimedOut,
    /// More is asked than the node can take just now; ask again later.
    Overloaded,
    /// The node is on its way down.
    Stopping,
    /// What was named does not exist.
    NotFound,
    /// A value in the body or a parameter is not what it should be.
    Invalid,
    /// It can't be done as things stand.
    Conflict,
    /// The partner has not greeted this run of the node yet.
    Away,
    /// What was asked for was kept for a while and is no longer.
    Gone,
    /// The disk did not give or take what it should.
    Store,
}

impl ApiCode {
    /// All of them, for documents and tests.
    pub const ALL: [Self; 16] = [
        Self::WrongHost,
        Self::WrongOrigin,
        Self::Unauthorized,
        Self::UnknownRoute,
        Self::MethodNotAllowed,
        Self::TooLarge,
        Self::Malformed,
        Self::TimedOut,
        Self::Overloaded,
        Self::Stopping,
        Self::NotFound,
        Self::Invalid,
        Self::Conflict,
        Self::Away,
        Self::Gone,
        Self::Store,
    ];

    /// The code as programs know it; it never changes.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::WrongHost => "wrong-host",
            Self::WrongOrigin => "wrong-origin",
            Self::Unauthorized => "unauthorized",
            Self::UnknownRoute => "unknown-route",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::TooLarge => "too-large",
            Self::Malformed => "malformed",
            Self::TimedOut => "timed-out",
            Self::Overloaded => "overloaded",
            Self::Stopping => "stopping",
            Self::NotFound => "not-found",
            Self::Invalid => "invalid",
            Self::Conflict => "conflict",
            Self::Away => "away",
            Self::Gone => "gone",
            Self::Store => "store",
        }
    }

    /// The HTTP status that goes with it.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::WrongHost | Self::WrongOrigin => StatusCode::FORBIDDEN,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::UnknownRoute => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::Overloaded | Self::Stopping | Self::Away => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Gone => StatusCode::GONE,
            Self::Store => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What it means, in one sentence that never changes.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::WrongHost => "The request names another host than this node.",
            Self::WrongOrigin => "This web page may not ask this node.",
            Self::Unauthorized => "The request shows no valid token.",
            Self::UnknownRoute => "There is nothing at this address.",
            Self::MethodNotAllowed => "This address takes other methods.",
            Self::TooLarge => "The body is larger than this address takes.",
            Self::Malformed => "The request can't be read.",
            Self::TimedOut => "The body did not come in time.",
            Self::Overloaded => "This node takes no more work just now.",
            Self::Stopping => "This node is on its way down.",
            Self::NotFound => "What was named does not exist.",
            Self::Invalid => "A value is not what it should be.",
            Self::Conflict => "It can't be done as things stand.",
            Self::Away => "The partner has not greeted this run of the node yet.",
            Self::Gone => "What was asked for is no longer kept.",
            Self::Store => "The disk did not give what it should.",
        }
    }
}

/// What an operator can do where a rule of the market refuses its word.
const ADVICE: &[(Code, &str)] = &[
    (
        Code::NotYourTurn,
        "wait for the other side: omni deal show THREAD",
    ),
    (Code::RoundsOver, "begin a new thread: omni deal propose"),
    (
        Code::DealOpen,
        "bring the open deal to its end first: omni deal show THREAD",
    ),
    (
        Code::HoldStands,
        "wait until the hold ends: omni deal show THREAD",
    ),
    (
        Code::InDoubt,
        "wait for the provider, or stop counting on it: omni deal write-off THREAD",
    ),
    (
        Code::PatienceRuns,
        "see how long it still waits: omni deal show THREAD",
    ),
    (
        Code::OtherManifest,
        "it is kept for a bundle: omni bundle ls",
    ),
    (
        Code::VersionBusy,
        "bring the open change to its end first: omni order show ORDER",
    ),
    (
        Code::VersionPast,
        "look at the order as it is now: omni order show ORDER",
    ),
    (
        Code::ValidityOver,
        "propose it anew: omni deal counter THREAD\nor from the beginning: omni deal propose",
    ),
    (Code::ValidityWrong, "choose another time: --valid 2h"),
    (
        Code::OfferUnknown,
        "see what stands: omni offer search WORDS",
    ),
    (
        Code::PriceRefused,
        "propose it without --firm, so that the other side may decide",
    ),
    (
        Code::QuantityStep,
        "see which quantities it takes: omni offer show SKU",
    ),
    (
        Code::QuantityRange,
        "see which quantities it takes: omni offer show SKU",
    ),
    (
        Code::NotServed,
        "see how and where it is delivered: omni offer show SKU",
    ),
    (
        Code::NotTrusted,
        "if it shall be: omni peer trust PARTNER hold",
    ),
    (
        Code::OverCredit,
        "see what is owed: omni ledger owed\nraise what the partner may owe: omni peer set PARTNER --credit AMOUNT\n\
         or what this node lets itself owe: omni peer set PARTNER --budget AMOUNT",
    ),
    (Code::OverHolds, "wait until a hold ends: omni deal ls"),
    (
        Code::NoStock,
        "see what is held and sold: omni stock ls SKU\ncount again: omni stock set SKU QUANTITY",
    ),
    (
        Code::SlotUnknown,
        "see its slots: omni offer slots SKU\nask for one of them: --slot LOCAL-TIME",
    ),
    (
        Code::SlotFull,
        "see what is held and sold: omni offer slots SKU",
    ),
    (
        Code::Quarantined,
        "talk to the partner; what it said twice is kept: omni events",
    ),
    (
        Code::Recovering,
        "wait until partners have shown what this node lacks: omni status",
    ),
    (Code::Overloaded, "ask again in a few seconds"),
];

/// A refusal as it leaves the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    next: Option<String>,
}

impl Problem {
    /// A refusal of the API itself.
    #[must_use]
    pub fn new(code: ApiCode, detail: impl Into<String>) -> Self {
        Self {
            status: code.status(),
            code: code.word(),
            title: code.title(),
            detail: detail.into(),
            next: None,
        }
    }

    /// The same refusal with what to do about it.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// The same refusal with a name in place of `word`, such as `THREAD`, in what to do about it.
    #[must_use]
    pub fn naming(mut self, word: &str, name: &str) -> Self {
        self.next = self.next.map(|next| next.replace(word, name));
        self
    }

    /// The same refusal with another detail.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// What is the matter in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        self.detail.clone()
    }

    /// Its code, of the market or of the API.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Whether it is this refusal of the market.
    #[must_use]
    pub fn is(&self, code: Code) -> bool {
        self.code == code.name()
    }

    /// Whether it is this refusal of the API.
    #[must_use]
    pub fn is_of(&self, code: ApiCode) -> bool {
        self.code == code.word()
    }

    /// A refusal by a rule of the market, with its code and sentence from SPEC.md 18.
    #[must_use]
    pub fn of_market(code: Code, detail: impl Into<String>) -> Self {
        let advice = ADVICE.iter().find(|(known, _)| *known == code);
        Self {
            status: StatusCode::CONFLICT,
            code: code.name(),
            title: code.sentence(),
            detail: detail.into(),
            next: advice.map(|(_, next)| (*next).to_owned()),
        }
    }

    /// The same refusal where what the caller sent is at fault, and not how things stand.
    #[must_use]
    pub fn unprocessable(mut self) -> Self {
        self.status = StatusCode::UNPROCESSABLE_ENTITY;
        self
    }
}

impl Problem {
    fn view(self) -> ProblemView {
        ProblemView {
            kind: format!("urn:omni:problem:{}", self.code),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            code: self.code.to_owned(),
            detail: self.detail,
            next: self.next,
        }
    }

    /// The document on one line, where it can't be a response of its own.
    #[must_use]
    pub fn json(&self) -> String {
        // A struct of texts and a number always has a JSON form.
        serde_json::to_string(&self.clone().view()).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status;
        let form = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, form, axum::Json(self.view())).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_differ_and_never_shadow_the_market() {
        let mut words: Vec<_> = ApiCode::ALL.map(ApiCode::word).to_vec();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), ApiCode::ALL.len());
    }
}
