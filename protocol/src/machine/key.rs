//! Where a node keeps what it knows: one key for each durable value, with bytes that sort as the
//! keys do. It keeps out what the values mean; their owners stand beside the rules that read them.
//!
//! The first byte names the family and is below 128; a store may use the others for itself.
//! Families below [`LOCAL`] are projections: `apply` alone writes them, and folding the entries
//! again gives the same bytes. The others are bookkeeping that no entry states.

use alloc::vec::Vec;

use crate::{
    hash::{BundleId, DealId, ManifestId, PartnerId, RecordId, SubjectId, ThreadId},
    value::{Currency, Time},
};

/// Room for most keys, so that few grow as they are written.
const BYTES_AIM: usize = 48;
/// First family that is no projection.
const LOCAL: u8 = 64;

/// A field of a key, written so that bytes sort as values do.
trait Part: Sized {
    fn put(&self, bytes: &mut Vec<u8>);
    fn take(bytes: &mut &[u8]) -> Option<Self>;
    /// The least value.
    fn least() -> Self;
}

macro_rules! number_part {
    ($($number:ty),*) => {$(
        impl Part for $number {
            fn put(&self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_be_bytes());
            }
            fn take(bytes: &mut &[u8]) -> Option<Self> {
                bytes.split_off(..size_of::<$number>())
                    .and_then(|part| part.try_into().ok())
                    .map(<$number>::from_be_bytes)
            }
            fn least() -> Self {
                0
            }
        }
    )*};
}

number_part!(u8, u16, u32, u64);

impl<const N: usize> Part for [u8; N] {
    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        bytes.split_off(..N).and_then(|part| part.try_into().ok())
    }

    fn least() -> Self {
        [0; N]
    }
}

macro_rules! id_part {
    ($($id:ty),*) => {$(
        impl Part for $id {
            fn put(&self, bytes: &mut Vec<u8>) {
                self.as_bytes().put(bytes);
            }
            fn take(bytes: &mut &[u8]) -> Option<Self> {
                Part::take(bytes).map(Self::from_bytes)
            }
            fn least() -> Self {
                Self::from_bytes([0; 32])
            }
        }
    )*};
}

id_part!(
    PartnerId, RecordId, ThreadId, DealId, ManifestId, BundleId, SubjectId
);

impl Part for Time {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.ms().put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        u64::take(bytes).and_then(|ms| Self::new(ms).ok())
    }

    fn least() -> Self {
        Self::default()
    }
}

impl Part for Currency {
    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.as_str().as_bytes());
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Part::take(bytes).and_then(|code| Self::new(code).ok())
    }

    fn least() -> Self {
        Self::FIRST
    }
}

macro_rules! keys {
    ($($(#[$about:meta])* $family:literal $name:ident { $($(#[$field_about:meta])* $field:ident: $kind:ty),* $(,)? })*) => {
        /// The place of one durable value.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Key {
            $($(#[$about])* $name { $($(#[$field_about])* $field: $kind),* },)*
        }

        impl Key {
            /// The family's number, which is the first byte of [`Key::to_bytes`].
            #[must_use]
            pub const fn family(&self) -> u8 {
                match self { $(Self::$name { .. } => $family,)* }
            }

            /// The bytes under which a store keeps the value; they sort as keys do.
            #[must_use]
            pub fn to_bytes(&self) -> Vec<u8> {
                let mut bytes = Vec::with_capacity(BYTES_AIM);
                bytes.push(self.family());
                match self { $(Self::$name { $($field),* } => { $($field.put(&mut bytes);)* })* }
                bytes
            }

            /// The least key of each family, where a walk begins.
            pub fn families() -> impl Iterator<Item = Self> {
                [$(Self::$name { $($field: Part::least()),* },)*].into_iter()
            }

            /// The key with these bytes; `None` if no key has them.
            #[must_use]
            pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
                let (family, mut rest) = bytes.split_first()?;
                let rest = &mut rest;
                let key = match *family {
                    $($family => Self::$name { $($field: Part::take(rest)?),* },)*
                    _ => return None,
                };
                rest.is_empty().then_some(key)
            }
        }
    };
}

keys! {
    /// The ledger's head, as [`LedgerHead`](crate::ledger::LedgerHead).
    1 Head {}
    /// An entry's header bytes.
    2 Entry {
        /// Epoch.
        epoch: u32,
        /// Number within the epoch.
        sequence: u64,
    }
    /// An entry's body bytes: salt and payload.
    3 Body {
        /// Epoch.
        epoch: u32,
        /// Number within the epoch.
        sequence: u64,
    }
    /// The hash of a whole subtree of the tree over an epoch's entries, from two entries on.
    4 Node {
        /// Epoch.
        epoch: u32,
        /// Height above the leaves.
        level: u8,
        /// Position in its level.
        index: u64,
    }
    /// The bytes of a record, as received or made.
    5 Record {
        /// Its id.
        id: RecordId,
    }
    /// What fills a slot of this partner's own.
    6 Slot {
        /// Family of the slot.
        family: u16,
        /// Subject within the family.
        subject: SubjectId,
    }
    /// When a record in an own slot ends, to find the ended without looking at all.
    7 SlotEnd {
        /// End of validity.
        end: Time,
        /// Family of the slot.
        family: u16,
        /// Subject within the family.
        subject: SubjectId,
    }
    /// Count, sum of ids and highest revision of the own standing catalogue.
    8 Catalogue {}
    /// Counted, held and sold steps of an article.
    9 Stock {
        /// Subject of the offer.
        subject: SubjectId,
    }
    /// What the operator grants a partner.
    10 Grant {
        /// The partner.
        partner: PartnerId,
    }
    /// An invite's token: until when it is good, and who showed it.
    11 Token {
        /// The token.
        token: [u8; 16],
    }
    /// What this node and a partner owe each other in one currency.
    12 Account {
        /// The partner.
        partner: PartnerId,
        /// The currency.
        currency: Currency,
    }
    /// How many deals a partner holds, and how many more it may.
    13 Allowance {
        /// The partner.
        partner: PartnerId,
    }
    /// Where a thread stands.
    14 Thread {
        /// Id of the record that opened it.
        thread: ThreadId,
    }
    /// The records of a thread in the order in which they were recorded.
    15 ThreadRecord {
        /// Id of the record that opened the thread.
        thread: ThreadId,
        /// Count of the records before it.
        number: u64,
    }
    /// A deal's state.
    16 Deal {
        /// The deal id.
        deal: DealId,
    }
    /// The deals with a partner that are not decided, those that await an Ack, and those refused alone
    /// whose Refusal is yet to name the leg.
    17 OpenDeal {
        /// The partner.
        partner: PartnerId,
        /// The deal id.
        deal: DealId,
    }
    /// When a hold or a validity ends.
    18 Due {
        /// The end.
        end: Time,
        /// The deal id.
        deal: DealId,
    }
    /// The decision of a deal: the id of its Receipt or Refusal, or a close. Written once.
    19 Decision {
        /// The deal id.
        deal: DealId,
    }
    /// Decided deals by the end of their validity, in the order in which they are forgotten.
    20 Tombstone {
        /// End of validity.
        end: Time,
        /// The deal id.
        deal: DealId,
    }
    /// The latest end of validity that was forgotten.
    21 Horizon {}
    /// An order's version and lines.
    22 Order {
        /// The deal id of the order.
        order: DealId,
    }
    /// The events and changes of an order as they were recorded.
    23 OrderStep {
        /// The deal id of the order.
        order: DealId,
        /// Count of the steps before it.
        number: u64,
    }
    /// What a deal posted, as lines whose sum is zero.
    24 Posting {
        /// The deal id.
        deal: DealId,
    }
    /// The furthest place in a partner's ledger that a record taken from one of its lives names.
    25 Reached {
        /// The partner.
        partner: PartnerId,
        /// The life.
        life: u64,
    }
    /// An Evidence of this node against a partner: when it was signed.
    26 Evidence {
        /// The accused.
        accused: PartnerId,
        /// The Evidence.
        record: RecordId,
    }
    /// How much a stranger may still say.
    27 Texts {
        /// The stranger.
        partner: PartnerId,
    }
    /// How much all strangers together may still say.
    28 StrangersTexts {}
    /// What is known of a manifest: its legs, and the records that decide it.
    29 Bundle {
        /// The manifest id.
        manifest: ManifestId,
    }
    /// The manifests in which this node and another are members, those that are not decided first.
    30 Joint {
        /// The other member.
        partner: PartnerId,
        /// 0 while it is not decided, then 1.
        decided: u8,
        /// The manifest id.
        manifest: ManifestId,
    }
    /// The manifest that names a deal of which this node's own Request or hold was not here when
    /// that was booked.
    31 Leg {
        /// The deal id.
        deal: DealId,
    }
    /// The deals of a chain here, but for that at its top.
    32 Chain {
        /// The deal at its top.
        chain: DealId,
        /// The deal id.
        deal: DealId,
    }
    /// The manifests of parts on which a leg of another manifest rests.
    33 PartsOf {
        /// The manifest that decides them.
        whole: ManifestId,
        /// The manifest of the parts.
        manifest: ManifestId,
    }
    /// The slots of an article, as they were entered last.
    34 Timetable {
        /// Subject of the offer.
        subject: SubjectId,
    }
    /// Counted, held and sold places of a slot of which some are held or sold.
    35 Places {
        /// Subject of the offer.
        subject: SubjectId,
        /// When the slot begins.
        begins: Time,
    }
    /// An order as it was before a change that a bundle agreed: one that lapses is taken back.
    36 Before {
        /// The deal id of the change.
        deal: DealId,
    }
    /// The proof of a record.
    64 Proof {
        /// The record's id.
        record: RecordId,
    }
    /// The latest checkpoint with its signature, as text.
    65 Checkpoint {}
    /// A question that awaits its answer.
    66 Outbox {
        /// Whom it is for.
        partner: PartnerId,
        /// Count of the questions to this partner before it.
        number: u64,
    }
    /// Where the question by this record to this partner stands in the outbox.
    67 Question {
        /// The record that asks.
        record: RecordId,
        /// Who is asked. What all members of a bundle see is asked of each.
        partner: PartnerId,
    }
    /// How many questions a partner owes an answer to, and the next number.
    68 Pending {
        /// The partner.
        partner: PartnerId,
    }
    /// That the operator approved a Commit before the Hold came.
    69 Approval {
        /// The deal id.
        deal: DealId,
    }
    /// The latest life of a partner that named the present one of this node.
    70 Greeted {
        /// The partner.
        partner: PartnerId,
    }
    /// That a later life of a partner has greeted.
    71 PastLife {
        /// The partner.
        partner: PartnerId,
        /// The life.
        life: u64,
    }
    /// A question that a partner rejected, for the operator.
    72 Inbox {
        /// The partner.
        partner: PartnerId,
        /// The record that was rejected.
        record: RecordId,
    }
    /// Present while the node recovers: what it was shown and lacks.
    73 Recovery {}
    /// How far a partner that fell back was shown what it may have lost.
    74 Showing {
        /// The partner.
        partner: PartnerId,
    }
    /// The epoch in which the partner last spoke of a deal that an earlier one opened.
    75 Spoken {
        /// The deal id.
        deal: DealId,
    }
    /// A bundle that the operator puts together, before and after its Manifest.
    76 Draft {
        /// Which: the hash of its name.
        bundle: BundleId,
    }
    /// The bundle for which a deal is kept, so that nothing else commits it.
    77 Drafted {
        /// The deal id.
        deal: DealId,
    }
    /// That the requester of a hold of an earlier life says that it committed it: it is refused
    /// only after its Manifest or Commit.
    78 Committed {
        /// The deal id.
        deal: DealId,
    }
    /// The epoch in which a member last said what it knows of a manifest.
    79 SpokenOf {
        /// The manifest id.
        manifest: ManifestId,
        /// The member.
        partner: PartnerId,
    }
    /// That the requester of a hold says that it was decided: it is not refused before the decision
    /// is shown, or a later greeting says nothing of it.
    80 Decided {
        /// The deal id.
        deal: DealId,
    }
    /// The bundle of this node's own that a Manifest commits.
    81 BundleOf {
        /// The manifest id.
        manifest: ManifestId,
    }
    /// An own withdrawal whose slot an offer for fewer has taken: whom that leaves out is told it.
    82 Left {
        /// Subject of the offer.
        subject: SubjectId,
        /// Revision of the withdrawal.
        revision: u64,
    }
    /// When such a withdrawal ends.
    83 LeftEnd {
        /// Until when it stands.
        end: Time,
        /// Subject of the offer.
        subject: SubjectId,
        /// Revision of the withdrawal.
        revision: u64,
    }
    /// The latest life of a partner that said something after it had greeted.
    84 Heard {
        /// The partner.
        partner: PartnerId,
    }
    /// The furthest head of its ledger that a partner announced in a life, until a later one was told.
    85 Announced {
        /// The partner.
        partner: PartnerId,
        /// The life.
        life: u64,
    }
    /// That a partner was told how far the records of a life of its own reach.
    86 Told {
        /// The partner.
        partner: PartnerId,
        /// The life.
        life: u64,
    }
    /// The furthest head of its ledger that a partner named in a life with what it stored, until a later
    /// one was told.
    87 Stored {
        /// The partner.
        partner: PartnerId,
        /// The life.
        life: u64,
    }
}

impl Key {
    /// Whether folding the entries again gives this value.
    #[must_use]
    pub const fn is_projection(&self) -> bool {
        self.family() < LOCAL
    }
}
