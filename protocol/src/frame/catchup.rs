//! Catch-up (SPEC.md section 16): how two nodes find out what one has and the other lacks of the
//! public records of others, and how it is handed over. Compressing a page is the shell's.

use alloc::vec::Vec;

use crate::{
    code::Code,
    fence::{self, Bytes, List},
    frame::ProvedRecord,
    hash::PartnerId,
    limits::{PAGE_BATCHES_MAX, PAGE_BYTES_MAX, PAGE_PLAIN_BYTES_MAX},
    proof::Batch,
    public::Fingerprint,
    slot::Revision,
    value::Invalid,
    wire,
};

/// Of whom the asker wants to hear.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// These authors; empty: all.
    pub authors: List<PartnerId, 64>,
}

wire!(Filter { authors });

impl Filter {
    /// Whether the asker wants to hear of this author.
    #[must_use]
    pub fn admits(&self, author: PartnerId) -> bool {
        self.authors.is_empty() || self.authors.contains(&author)
    }
}

/// What somebody has of one author's public standing records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Known {
    /// The author.
    pub author: PartnerId,
    /// The highest revision among them; 0 if there are none.
    pub highest: Revision,
    /// How many.
    pub count: u32,
    /// Their fingerprint.
    pub fingerprint: Fingerprint,
}

wire!(Known {
    author,
    highest,
    count,
    fingerprint
});

/// What the asker has, changed since the two last met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadsAsk {
    /// Number of the question, which the answer repeats.
    pub number: u32,
    /// Of whom it wants to hear.
    pub filter: Filter,
    /// What it has.
    pub known: List<Known, 1024>,
}

wire!(HeadsAsk {
    number,
    filter,
    known
});

/// The authors of whom the answerer has something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Number of the question.
    pub number: u32,
    /// What the answerer has.
    pub known: List<Known, 1024>,
    /// Whether another answer to the question follows.
    pub more: bool,
}

wire!(Heads {
    number,
    known,
    more
});

/// Asks for an author's records after a revision, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PullAsk {
    /// Number of the question.
    pub number: u32,
    /// The author.
    pub author: PartnerId,
    /// The revision after which it wants all; 0 for all.
    pub after: Revision,
}

wire!(PullAsk {
    number,
    author,
    after
});

/// Some records of the author asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Number of the question.
    pub number: u32,
    /// A zstd frame over the bytes that [`decode_page`] reads.
    pub compressed: Bytes<PAGE_BYTES_MAX>,
    /// Whether another page follows.
    pub more: bool,
}

wire!(Page {
    number,
    compressed,
    more
});

/// Asks for the key chains of authors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysAsk {
    /// Number of the question.
    pub number: u32,
    /// The authors.
    pub authors: List<PartnerId, 64>,
}

wire!(KeysAsk { number, authors });

/// Key events of the authors asked for, each inception first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Number of the question.
    pub number: u32,
    /// The events.
    pub events: List<ProvedRecord, 256>,
}

wire!(Keys { number, events });

/// The bytes of a page before they are compressed.
///
/// # Errors
/// `TooLarge` above [`PAGE_PLAIN_BYTES_MAX`], `TooMany` above [`PAGE_BATCHES_MAX`] batches.
pub fn encode_page(batches: Vec<Batch>) -> Result<Vec<u8>, Invalid> {
    fence::encode(
        &List::<Batch, PAGE_BATCHES_MAX>::new(batches)?,
        PAGE_PLAIN_BYTES_MAX,
    )
}

/// Reads the bytes of a page after it was opened.
///
/// # Errors
/// As [`fence::decode`].
pub fn decode_page(bytes: &[u8]) -> Result<Vec<Batch>, Code> {
    fence::decode::<List<Batch, PAGE_BATCHES_MAX>>(bytes, PAGE_PLAIN_BYTES_MAX).map(List::into_vec)
}
