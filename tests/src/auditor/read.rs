//! Records, entries, frames and checkpoints as plain structures, read as SPEC.md sections 6 to 8, 14
//! and 15 list them, as far as the auditor looks. What it makes of them is not decided here.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    bytes::{Id, Reader, hash, record_id},
    read_ledger,
};

/// A record.
#[derive(Clone, Debug)]
pub struct Record {
    pub id: Id,
    pub author: Id,
    pub body: Body,
    /// Of a record of a thread.
    pub header: Option<Header>,
}

/// What each body of a thread begins with.
#[derive(Clone, Debug)]
pub struct Header {
    pub salt: [u8; 16],
    pub to: Id,
    pub life: u64,
    pub epoch: u64,
    pub sequence: u64,
    pub at: u64,
}

#[derive(Clone, Debug)]
pub enum Body {
    /// A public record with its slot, for the kinds that have one.
    Public {
        revision: u64,
        family: u64,
        subject: Id,
    },
    Proposal {
        provides: bool,
        firm: bool,
        valid_until: u64,
        terms: Vec<Terms>,
        /// What the provider's firm proposal promises for a bundle.
        waits: Option<Waits>,
    },
    Request {
        valid_until: u64,
        terms: Terms,
        /// The chain in which another deal of its author's rests on it.
        chain: Option<Id>,
    },
    Hold {
        deal: Id,
        terms_hash: Id,
        until: u64,
        waits: Waits,
    },
    Commit {
        deal: Id,
        hold: Id,
        alternative: usize,
    },
    Receipt {
        deal: Id,
        commit: Id,
        alternative: usize,
    },
    Refusal {
        deal: Id,
        code: u64,
        /// Of a bundle: the manifest and the number of the leg.
        leg: Option<(Id, u64)>,
    },
    Manifest {
        /// The manifest whose certificate decides it, where its legs are parts.
        whole: Option<Id>,
        legs: Vec<Leg>,
        /// The number of the leg that arms last.
        last: Option<u64>,
    },
    /// A leg of a bundle armed.
    Armed {
        deal: Id,
        leg: (Id, u64),
    },
    /// An armed leg waits no longer.
    Lapsed {
        deal: Id,
        leg: (Id, u64),
    },
    Release {
        deal: Id,
    },
    Evidence {
        accused: Id,
    },
    /// Text, acknowledgements, events, addresses, keys: they move neither stock nor money.
    Other,
}

impl Body {
    /// The deal that the record names or, for those that open one, its own id.
    pub fn deal(&self, id: Id) -> Option<Id> {
        match self {
            Self::Request { .. } | Self::Proposal { firm: true, .. } => Some(id),
            Self::Hold { deal, .. }
            | Self::Commit { deal, .. }
            | Self::Receipt { deal, .. }
            | Self::Refusal { deal, .. }
            | Self::Armed { deal, .. }
            | Self::Lapsed { deal, .. }
            | Self::Release { deal } => Some(*deal),
            Self::Public { .. }
            | Self::Proposal { .. }
            | Self::Manifest { .. }
            | Self::Evidence { .. }
            | Self::Other => None,
        }
    }

    /// Whether all members of a bundle see it, and any of them may bring it.
    pub const fn is_for_members(&self) -> bool {
        matches!(
            self,
            Self::Manifest { .. }
                | Self::Armed { .. }
                | Self::Lapsed { .. }
                | Self::Refusal { leg: Some(_), .. }
        )
    }
}

/// What a hold promises for a bundle, and that others hold it in turn.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// The commitment to the deals on which it rests.
    pub passed_on: Option<Id>,
    pub patience_ms: u64,
    /// With whose legs, by its word: 1 nobody's, 2 known partners', 3 anybody's.
    pub co_legs: u64,
}

/// A leg of a Manifest.
#[derive(Clone, Debug)]
pub struct Leg {
    pub provider: Id,
    pub deal: Id,
    pub hold: Id,
    pub alternative: usize,
}

#[derive(Clone, Debug)]
pub struct Terms {
    pub lines: Vec<Line>,
    pub currency: [u8; 3],
    pub total: i128,
    /// When its window begins.
    pub begins: Option<u64>,
    /// What it changes, if it changes an order.
    pub on: Option<On>,
    pub hash: Id,
}

/// What terms take of: an article's stock, or the slot of it that begins then.
pub type Taken = (Id, Option<u64>);

/// A change of an order.
#[derive(Clone, Copy, Debug)]
pub struct On {
    pub order: Id,
    pub version: u64,
    /// Whether it cancels; else it amends.
    pub cancels: bool,
}

#[derive(Clone, Debug)]
pub struct Line {
    /// Subject of the article; none if it names no article.
    pub subject: Option<Id>,
    /// Whether it is of a service.
    pub serves: bool,
    pub steps: i128,
    pub minor: i128,
    pub per: i128,
    pub total: i128,
}

impl Terms {
    /// Whether each total is what section 4 makes of it: rounded half up, once a line.
    pub fn adds_up(&self) -> bool {
        let good =
            |line: &Line| line.total == (2 * line.steps * line.minor + line.per) / (2 * line.per);
        let sum: i128 = self.lines.iter().map(|line| line.total).sum();
        // The total of a cancellation is its fee; in that of an amendment a fee may be added.
        let is_fee = self.on.is_some_and(|on| on.cancels);
        let total = sum == self.total || self.on.is_some() && sum < self.total;
        self.lines.iter().all(good) && (is_fee || total)
    }

    /// What its lines cost.
    pub fn worth(&self) -> i128 {
        self.lines.iter().map(|line| line.total).sum()
    }

    /// The articles that are services.
    pub fn services(&self) -> BTreeSet<Id> {
        let services = self.lines.iter().filter(|line| line.serves);
        services.filter_map(|line| line.subject).collect()
    }

    /// Steps of each article over all lines.
    pub fn steps(&self) -> BTreeMap<Id, i128> {
        let mut steps = BTreeMap::new();
        for line in &self.lines {
            if let Some(subject) = line.subject {
                *steps.entry(subject).or_default() += line.steps;
            }
        }
        steps
    }
}

/// A record of this network.
pub fn record(network: &Id, bytes: &[u8]) -> Option<Record> {
    let mut reader = Reader::new(bytes);
    let (kind, author) = (reader.number()?, reader.id()?);
    let mut inner = Reader::new(reader.counted()?);
    let (header, body) = body(kind, &mut inner)?;
    reader.is_at_end().then(|| Record {
        id: record_id(network, bytes),
        author,
        body,
        header,
    })
}

fn body(kind: u64, reader: &mut Reader<'_>) -> Option<(Option<Header>, Body)> {
    if kind < 32 {
        return Some((None, public(kind, reader)?));
    }
    let header = header(reader)?;
    let body = match kind {
        33 => {
            let (role, firm) = (reader.number()?, reader.bool()?);
            Body::Proposal {
                provides: role == 2,
                firm,
                valid_until: reader.number()?,
                terms: reader.list(terms)?,
                waits: reader.option(hold_terms)?.map(|(_, waits)| waits),
            }
        }
        38 => {
            reader.option(|reader| Some((reader.id()?, reader.u8()?)))?;
            Body::Request {
                valid_until: reader.number()?,
                terms: terms(reader)?,
                chain: reader
                    .option(|reader| Some((reader.id()?, reader.u8()?)))?
                    .map(|(id, _)| id),
            }
        }
        39 => {
            let (deal, terms_hash) = (reader.id()?, reader.id()?);
            let (until, waits) = hold_terms(reader)?;
            Body::Hold {
                deal,
                terms_hash,
                until,
                waits,
            }
        }
        40 => Body::Commit {
            deal: reader.id()?,
            hold: reader.id()?,
            alternative: reader.u8()?.into(),
        },
        41 => Body::Receipt {
            deal: reader.id()?,
            commit: reader.id()?,
            alternative: reader.u8()?.into(),
        },
        42 => Body::Refusal {
            deal: reader.id()?,
            code: reader.number()?,
            leg: {
                reader.number()?; // fault
                reader.option(leg_name)?
            },
        },
        44 => Body::Armed {
            deal: reader.id()?,
            leg: leg_name(reader)?,
        },
        45 => Body::Lapsed {
            deal: reader.id()?,
            leg: leg_name(reader)?,
        },
        49 => manifest(reader)?,
        43 => Body::Release { deal: reader.id()? },
        _ => Body::Other,
    };
    Some((Some(header), body))
}

/// The end of a hold, and what it promises.
fn hold_terms(reader: &mut Reader<'_>) -> Option<(u64, Waits)> {
    let until = reader.number()?;
    let waits = Waits {
        passed_on: reader.option(Reader::id)?,
        patience_ms: reader.number()?,
        co_legs: reader.number()?,
    };
    reader.bool()?; // wishes to arm last
    Some((until, waits))
}

fn leg_name(reader: &mut Reader<'_>) -> Option<(Id, u64)> {
    Some((reader.id()?, reader.number()?))
}

fn manifest(reader: &mut Reader<'_>) -> Option<Body> {
    let whole = reader.option(leg_name)?.map(|(whole, _)| whole);
    let members = reader.list(|reader| {
        let partner = reader.id()?;
        reader.list(read_ledger::proved)?; // keys
        reader.list(|reader| reader.counted().map(<[u8]>::len))?; // addresses
        reader.list(Reader::id)?; // mailboxes
        Some(partner)
    })?;
    let legs = reader.list(|reader| {
        let member = usize::try_from(reader.number()?).ok()?;
        Some(Leg {
            provider: *members.get(member)?,
            deal: reader.id()?,
            hold: reader.id()?,
            alternative: reader.u8()?.into(),
        })
    })?;
    let last = reader.option(Reader::number)?;
    Some(Body::Manifest { whole, legs, last })
}

fn public(kind: u64, reader: &mut Reader<'_>) -> Option<Body> {
    if kind == 9 {
        let accused = reader.id()?;
        return Some(Body::Evidence { accused });
    }
    if !(2..=7).contains(&kind) {
        return Some(Body::Other);
    }
    let revision = reader.number()?;
    let (family, subject) = match kind {
        4 => (4, subject(reader)?),
        5 => (5, reader.id()?),
        7 => (reader.number()?, reader.id()?),
        _ => (kind, [0; 32]),
    };
    Some(Body::Public {
        revision,
        family,
        subject,
    })
}

/// `sku` and `list` make the subject of an article.
fn subject(reader: &mut Reader<'_>) -> Option<Id> {
    let (_, bytes) = reader.with_bytes(|reader| Some((reader.counted()?, reader.counted()?)))?;
    Some(hash("omni/1/subject", &[bytes]))
}

fn header(reader: &mut Reader<'_>) -> Option<Header> {
    let header = Header {
        salt: reader.fixed()?,
        to: reader.id()?,
        life: reader.number()?,
        epoch: reader.number()?,
        sequence: reader.number()?,
        at: reader.number()?,
    };
    reader.option(Reader::id)?;
    reader.option(Reader::id)?;
    Some(header)
}

fn terms(reader: &mut Reader<'_>) -> Option<Terms> {
    let (mut terms, bytes) = reader.with_bytes(terms_fields)?;
    terms.hash = hash("omni/1/terms", &[bytes]);
    Some(terms)
}

fn terms_fields(reader: &mut Reader<'_>) -> Option<Terms> {
    let lines = reader.list(line)?;
    let (currency, total) = (reader.fixed()?, reader.signed()?);
    reader.number()?; // method
    reader.counted()?; // region
    reader.counted()?; // postcode
    let window = reader.option(|reader| Some((reader.number()?, reader.number()?)))?;
    reader.counted()?; // incoterm
    reader.number()?; // payment days
    reader.list(|reader| {
        let words = (reader.number()?, reader.number()?);
        Some((words, reader.number()?, reader.number()?))
    })?; // rights
    reader.bool()?; // white label
    reader.bool()?; // for a chain
    reader.option(Reader::id)?; // arbiter
    reader.counted()?; // note
    let on = reader.option(|reader| {
        Some(On {
            order: reader.id()?,
            version: reader.number()?,
            cancels: reader.number()? == 2,
        })
    })?;
    Some(Terms {
        lines,
        currency,
        total,
        begins: window.map(|(begins, _)| begins),
        on,
        hash: [0; 32],
    })
}

fn line(reader: &mut Reader<'_>) -> Option<Line> {
    let mut ahead = *reader;
    let names_article = !ahead.counted()?.is_empty();
    let subject = subject(reader)?;
    reader.option(Reader::id)?; // offer
    reader.counted()?; // title
    let nature = reader.number()?;
    reader.counted()?; // unit
    reader.u8()?; // scale
    Some(Line {
        subject: names_article.then_some(subject),
        serves: nature == 2,
        steps: reader.number()?.into(),
        minor: reader.signed()?,
        per: reader.number()?.into(),
        total: reader.signed()?,
    })
}

/// A proof, and the size of the tree as it is signed.
#[derive(Clone, Debug)]
pub struct Proof {
    pub key_index: u64,
    pub size: u64,
    pub index: u64,
    pub path: Vec<Id>,
    pub signature: [u8; 64],
}

pub fn proof(bytes: &[u8]) -> Option<Proof> {
    let mut reader = Reader::new(bytes);
    let proof = Proof {
        key_index: reader.number()?,
        size: reader.number()?,
        index: reader.number()?,
        path: reader.list(Reader::id)?,
        signature: reader.fixed()?,
    };
    reader.is_at_end().then_some(proof)
}
