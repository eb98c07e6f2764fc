//! What the operator grants partners: standing, credit, budget, and invites whose token makes a
//! stranger a partner. It keeps out how the grants bind, which is the deals' matter.

use alloc::{format, string::String, vec::Vec};
use core::fmt::Write as _;

use super::{Key, Overlay, Stop, View, step::Event, stored, trial::Trial};
use crate::{
    code::Code,
    fence::List,
    hash::PartnerId,
    ledger::Payload,
    value::{Currency, Minor, Money, Prose, Time},
    wire, words,
};

/// Currencies in which one partner is granted credit or a budget.
const CURRENCIES_MAX: usize = 8;

words! {
    /// What a partner may do.
    #[derive(Default)]
    pub enum Standing {
        /// Nobody vouched for it: it may talk, and holds at most what the policy leaves strangers.
        #[default]
        1 Stranger "stranger",
        /// It may ask, hold, and owe up to its credit.
        2 Partner "partner",
        /// Nothing of it is taken.
        3 Blocked "blocked",
        /// It contradicted itself: its agreements go on, new deals are refused.
        4 Quarantined "quarantined",
        /// It may see what is public, and neither talk nor deal.
        5 Onlooker "onlooker",
    }
}

/// All that is granted to one partner.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Terms {
    /// What it may do.
    pub standing: Standing,
    /// What it may owe this node, a limit for each currency.
    pub credit: List<Money, CURRENCIES_MAX>,
    /// What this node lets itself owe it, a limit for each currency.
    pub budget: List<Money, CURRENCIES_MAX>,
}

wire!(Terms {
    standing,
    credit,
    budget,
});

impl Terms {
    /// What is granted to `partner`.
    #[must_use]
    pub fn read(view: &dyn View, partner: PartnerId) -> Self {
        stored(view, &Key::Grant { partner }).unwrap_or_default()
    }

    /// What it may owe in this currency.
    #[must_use]
    pub fn credit_in(&self, currency: Currency) -> Minor {
        limit_in(&self.credit, currency)
    }

    /// What this node lets itself owe it in this currency.
    #[must_use]
    pub fn budget_in(&self, currency: Currency) -> Minor {
        limit_in(&self.budget, currency)
    }
}

fn limit_in(limits: &[Money], currency: Currency) -> Minor {
    limits
        .iter()
        .find(|limit| limit.currency == currency)
        .map_or(Minor::ZERO, |limit| limit.minor)
}

/// One decision of the operator about partners.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Grant {
    /// What a partner may do.
    Standing {
        /// The partner.
        partner: PartnerId,
        /// From now on.
        standing: Standing,
    },
    /// A stranger showed the token of an invite, and is a partner from now on.
    Invited {
        /// Who showed it.
        partner: PartnerId,
        /// The token.
        token: [u8; 16],
    },
    /// What a partner may owe this node.
    Credit {
        /// The partner.
        partner: PartnerId,
        /// The limit, at least 0.
        limit: Money,
    },
    /// What this node lets itself owe a partner.
    Budget {
        /// The partner.
        partner: PartnerId,
        /// The limit, at least 0.
        limit: Money,
    },
    /// An invite was made, whose token is good for one partner.
    Invite {
        /// The token.
        token: [u8; 16],
        /// Last moment at which it may be shown.
        until: Time,
    },
}

/// A token of an invite.
struct Token {
    until: Time,
    shown_by: Option<PartnerId>,
}

wire!(Token { until, shown_by });

impl Grant {
    /// Whom it concerns; nobody in the case of a new invite.
    #[must_use]
    pub const fn partner(&self) -> Option<PartnerId> {
        match self {
            Self::Standing { partner, .. }
            | Self::Invited { partner, .. }
            | Self::Credit { partner, .. }
            | Self::Budget { partner, .. } => Some(*partner),
            Self::Invite { .. } => None,
        }
    }

    /// As the ledger and the API state it; the partner stands beside it.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Standing { standing, .. } => format!("standing {standing}"),
            Self::Invited { token, .. } => format!("invited {}", hexadecimal(token)),
            Self::Credit { limit, .. } => format!("credit {}", amount(limit)),
            Self::Budget { limit, .. } => format!("budget {}", amount(limit)),
            Self::Invite { token, until } => {
                format!("invite {} until {}", hexadecimal(token), until.ms())
            }
        }
    }

    /// The grant with this text to this partner.
    #[must_use]
    pub fn read(text: &str, partner: Option<PartnerId>) -> Option<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let grant = match (words.as_slice(), partner) {
            (["standing", standing], Some(partner)) => Self::Standing {
                partner,
                standing: Standing::from_name(standing)?,
            },
            (["invited", token], Some(partner)) => Self::Invited {
                partner,
                token: token_bytes(token)?,
            },
            (["credit", minor, currency], Some(partner)) => Self::Credit {
                partner,
                limit: money(minor, currency)?,
            },
            (["budget", minor, currency], Some(partner)) => Self::Budget {
                partner,
                limit: money(minor, currency)?,
            },
            (["invite", token, "until", until], None) => Self::Invite {
                token: token_bytes(token)?,
                until: Time::new(until.parse().ok()?).ok()?,
            },
            _ => return None,
        };
        (grant.text() == text).then_some(grant)
    }
}

/// Decides about a grant. What changes nothing writes nothing.
pub(super) fn grant(trial: &mut Trial<'_>, grant: &Grant) -> Result<(), Stop> {
    match grant {
        Grant::Credit { limit, .. } | Grant::Budget { limit, .. } if limit.minor < Minor::ZERO => {
            return Err(Code::Malformed.into());
        }
        Grant::Invited { partner, token } => {
            let known: Option<Token> = stored(&trial.view, &Key::Token { token: *token });
            let good = known.is_some_and(|known| {
                known.until >= trial.at() && known.shown_by.is_none_or(|by| by == *partner)
            });
            if !good {
                return Err(Code::NotTrusted.into());
            }
        }
        Grant::Standing { .. } | Grant::Credit { .. } | Grant::Budget { .. } => {}
        Grant::Invite { .. } => {}
    }
    let mut after = Overlay::new(&trial.view);
    granted(&mut after, grant);
    let changes = after
        .into_writes()
        .into_iter()
        .any(|write| trial.view.read(&write.key) != write.value);
    if changes {
        let text = Prose::new(grant.text()).map_err(Code::from)?;
        trial.enter(Payload::Granted(text), grant.partner(), Vec::new());
        trial.event(Event::Granted {
            partner: grant.partner(),
        });
    }
    Ok(())
}

/// What a grant changes.
pub(super) fn granted(view: &mut Overlay<'_>, grant: &Grant) {
    match *grant {
        Grant::Invite { token, until } => {
            let shown_by = None;
            view.put(Key::Token { token }, &Token { until, shown_by });
        }
        Grant::Invited { partner, token } => {
            if let Some(known) = stored::<Token>(view, &Key::Token { token }) {
                let shown_by = Some(partner);
                let until = known.until;
                view.put(Key::Token { token }, &Token { until, shown_by });
            }
            let mut terms = Terms::read(view, partner);
            if terms.standing == Standing::Stranger {
                terms.standing = Standing::Partner;
            }
            view.put(Key::Grant { partner }, &terms);
        }
        Grant::Standing { partner, standing } => {
            let mut terms = Terms::read(view, partner);
            terms.standing = standing;
            view.put(Key::Grant { partner }, &terms);
        }
        Grant::Credit { partner, limit } => {
            let mut terms = Terms::read(view, partner);
            terms.credit = with_limit(&terms.credit, limit);
            view.put(Key::Grant { partner }, &terms);
        }
        Grant::Budget { partner, limit } => {
            let mut terms = Terms::read(view, partner);
            terms.budget = with_limit(&terms.budget, limit);
            view.put(Key::Grant { partner }, &terms);
        }
    }
}

/// The limits with this one in the place of that of its currency. A ninth currency takes the place
/// of none: the limits stay as they are.
fn with_limit(limits: &List<Money, CURRENCIES_MAX>, limit: Money) -> List<Money, CURRENCIES_MAX> {
    let mut all: Vec<Money> = limits
        .iter()
        .filter(|other| other.currency != limit.currency)
        .copied()
        .collect();
    all.push(limit);
    all.sort_by_key(|limit| limit.currency);
    List::new(all).unwrap_or_else(|_| limits.clone())
}

fn amount(money: &Money) -> String {
    format!("{} {}", money.minor.get(), money.currency)
}

fn money(minor: &str, currency: &str) -> Option<Money> {
    Some(Money {
        minor: Minor::new(minor.parse().ok()?).ok()?,
        currency: currency.parse().ok()?,
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String can't fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn token_bytes(text: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}
