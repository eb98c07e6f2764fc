//! The header with which every body of a thread begins: whom it is for, where its author recorded
//! it, and what it answers.

use core::num::NonZeroU64;

use crate::{
    fence::{Reader, Wire, Writer},
    hash::{PartnerId, RecordId, ThreadId},
    value::{Invalid, Time},
    wire,
};

/// One run of a node: 64 random bits, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Life(NonZeroU64);

impl Life {
    /// # Errors
    /// `Rule` for 0, which stands for a life that is not known.
    pub const fn new(bits: u64) -> Result<Self, Invalid> {
        match NonZeroU64::new(bits) {
            Some(bits) => Ok(Self(bits)),
            None => Err(Invalid::Rule("a life must not be 0")),
        }
    }

    /// The bits.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl Wire for Life {
    fn put(&self, writer: &mut Writer<'_>) {
        self.get().put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        Self::new(u64::take(reader)?)
    }
}

/// What every body of a thread begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// Random, so that the id tells nothing of the content. It goes when the body goes.
    pub salt: [u8; 16],
    /// The partner addressed.
    pub to: PartnerId,
    /// The author's life.
    pub life: Life,
    /// Epoch of the author's ledger entry that records this record.
    pub epoch: u32,
    /// Number of that entry.
    pub sequence: u64,
    /// The author's ledger time.
    pub at: Time,
    /// The thread, absent in the record that opens it.
    pub thread: Option<ThreadId>,
    /// The record of this thread that this one answers, absent where there is none.
    pub parent: Option<RecordId>,
}

wire!(Header { salt, to, life, epoch, sequence, at, thread, parent } check);

impl Header {
    fn check(&self) -> Result<(), Invalid> {
        if self.thread.is_none() && self.parent.is_some() {
            return Err(Invalid::Rule(
                "a record that opens a thread must answer none",
            ));
        }
        Ok(())
    }

    /// For the kinds that can't open a thread.
    pub(crate) fn check_within(&self) -> Result<(), Invalid> {
        if self.thread.is_none() {
            return Err(Invalid::Rule(
                "only an Inquiry, a Proposal, a Request or a Manifest may open a thread; name the thread",
            ));
        }
        Ok(())
    }
}

/// Implements the `check` of bodies that can't open a thread and have no other rule.
macro_rules! within_a_thread {
    ($($body:ident),*) => {
        $(impl $body {
            fn check(&self) -> Result<(), $crate::value::Invalid> {
                self.header.check_within()
            }
        })*
    };
}

pub(crate) use within_a_thread;
