//! Frames of the direct stream between two nodes (SPEC.md section 15.1): what each of them says.
//! Lengths on the stream, compression, queues and what a frame brings about are kept out.

mod catchup;
mod greeting;
mod hello;
mod letter;
mod notice;

use alloc::{boxed::Box, vec::Vec};

pub use self::{
    catchup::{
        Filter, Heads, HeadsAsk, Keys, KeysAsk, Known, Page, PullAsk, decode_page, encode_page,
    },
    greeting::{Answers, Greeting, Head, SignedGreeting},
    hello::{Bye, Hello},
    letter::{Envelope, Letter, Lives, ProvedRecord, Stored, WhatIs},
    notice::{Notice, NoticeWhat, SignedNotice},
};
use crate::{
    choice, code::Code, fence, limits::DIRECT_FRAME_BYTES_MAX, proof::Batch, value::Invalid, words,
};

words! {
    /// The type of a frame.
    pub enum FrameType {
        /// Who this node is.
        1 Hello "Hello",
        /// Which lives meet, and what they have of each other.
        2 Greeting "Greeting",
        /// Why the session ends.
        3 Bye "Bye",
        /// Records of a thread.
        4 Letter "Letter",
        /// That a record of a thread is kept.
        5 Stored "Stored",
        /// A question about a deal.
        6 WhatIs "WhatIs",
        /// A signed word that is no record.
        7 Notice "Notice",
        /// What the asker has of others' catalogues.
        8 HeadsAsk "HeadsAsk",
        /// Where the answerer has something else.
        9 Heads "Heads",
        /// A request for an author's records.
        10 PullAsk "PullAsk",
        /// Some of an author's records.
        11 Page "Page",
        /// A request for key chains.
        12 KeysAsk "KeysAsk",
        /// Key events.
        13 Keys "Keys",
        /// Records for this partner alone.
        14 Push "Push",
    }
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Who this node is.
    Hello(Box<Hello>),
    /// Which lives meet, and what they have of each other.
    Greeting(Box<SignedGreeting>),
    /// Why the session ends.
    Bye(Bye),
    /// Records of a thread.
    Letter(Box<Letter>),
    /// That a record of a thread is kept.
    Stored(Stored),
    /// A question about a deal.
    WhatIs(WhatIs),
    /// A signed word that is no record.
    Notice(Box<SignedNotice>),
    /// What the asker has of others' catalogues.
    HeadsAsk(HeadsAsk),
    /// Where the answerer has something else.
    Heads(Heads),
    /// A request for an author's records.
    PullAsk(PullAsk),
    /// Some of an author's records.
    Page(Page),
    /// A request for key chains.
    KeysAsk(KeysAsk),
    /// Key events.
    Keys(Keys),
    /// At most 256 records for this partner alone.
    Push(Box<Batch>),
}

choice!(Frame {
    1 => Hello, 2 => Greeting, 3 => Bye, 4 => Letter, 5 => Stored, 6 => WhatIs, 7 => Notice,
    8 => HeadsAsk, 9 => Heads, 10 => PullAsk, 11 => Page, 12 => KeysAsk, 13 => Keys, 14 => Push,
});

/// What the bytes of a frame turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A frame.
    Frame(Frame),
    /// A frame of a type that this version does not know. It is skipped.
    Unknown(u16),
}

impl Frame {
    /// Its type.
    #[must_use]
    pub const fn frame_type(&self) -> FrameType {
        match self {
            Self::Hello(_) => FrameType::Hello,
            Self::Greeting(_) => FrameType::Greeting,
            Self::Bye(_) => FrameType::Bye,
            Self::Letter(_) => FrameType::Letter,
            Self::Stored(_) => FrameType::Stored,
            Self::WhatIs(_) => FrameType::WhatIs,
            Self::Notice(_) => FrameType::Notice,
            Self::HeadsAsk(_) => FrameType::HeadsAsk,
            Self::Heads(_) => FrameType::Heads,
            Self::PullAsk(_) => FrameType::PullAsk,
            Self::Page(_) => FrameType::Page,
            Self::KeysAsk(_) => FrameType::KeysAsk,
            Self::Keys(_) => FrameType::Keys,
            Self::Push(_) => FrameType::Push,
        }
    }

    /// The bytes that follow the length on the stream.
    ///
    /// # Errors
    /// `TooLarge` above [`DIRECT_FRAME_BYTES_MAX`], or the rule that a part breaks.
    pub fn encode(&self) -> Result<Vec<u8>, Invalid> {
        fence::encode(self, DIRECT_FRAME_BYTES_MAX)
    }

    /// Reads the bytes that followed the length on the stream.
    ///
    /// # Errors
    /// As [`fence::decode`]; the session ends with it.
    pub fn decode(bytes: &[u8]) -> Result<Received, Code> {
        if bytes.len() > DIRECT_FRAME_BYTES_MAX {
            return Err(Code::TooLarge);
        }
        match type_of(bytes) {
            Some(number) if FrameType::from_number(number).is_none() => {
                Ok(Received::Unknown(number))
            }
            _ => fence::decode(bytes, DIRECT_FRAME_BYTES_MAX).map(Received::Frame),
        }
    }
}

/// The type word, read before the rest so that a type of a later version can be skipped, whatever
/// follows it.
const fn type_of(bytes: &[u8]) -> Option<u16> {
    match bytes {
        [number @ 0..=250, ..] => Some(*number as u16),
        [251, low, high, ..] => Some(u16::from_le_bytes([*low, *high])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_types_are_told_from_broken_frames() {
        fn check(bytes: &[u8], expected: &Result<Received, Code>) {
            assert_eq!(&Frame::decode(bytes), expected, "{bytes:?}");
        }
        check(&[], &Err(Code::Malformed));
        check(&[0], &Ok(Received::Unknown(0)));
        check(&[15, 1, 2, 3], &Ok(Received::Unknown(15)));
        check(&[250], &Ok(Received::Unknown(250)));
        check(&[251, 251, 0], &Ok(Received::Unknown(251)));
        check(&[251, 255, 255, 9], &Ok(Received::Unknown(u16::MAX)));
        check(&[251, 251], &Err(Code::Malformed));
        check(&[252, 1, 0, 0, 0], &Err(Code::Malformed));
        check(&[253; 9], &Err(Code::Malformed));
        // A known type in a longer form: the frame is read, and then compared.
        let life = crate::thread::Life::new(7).unwrap();
        let stored = Frame::Stored(Stored {
            lives: Lives {
                from: life,
                to: life,
            },
            record: crate::hash::RecordId::from_bytes([7; 32]),
            head: (&crate::ledger::LedgerHead::empty()).into(),
        });
        let mut bytes = stored.encode().unwrap();
        check(&bytes, &Ok(Received::Frame(stored)));
        bytes.splice(..1, [251, 5, 0]);
        check(&bytes, &Err(Code::NotCanonical));
        check(
            &alloc::vec![15; DIRECT_FRAME_BYTES_MAX],
            &Ok(Received::Unknown(15)),
        );
        check(
            &alloc::vec![15; DIRECT_FRAME_BYTES_MAX + 1],
            &Err(Code::TooLarge),
        );
    }
}
