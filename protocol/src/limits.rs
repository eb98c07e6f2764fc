//! Every limit of the protocol (SPEC.md section 17), with its reason; the relations between them
//! are asserted when the crate compiles.
//!
//! A limit that only one field has stands in the type of that field. Limits of a node that no
//! partner can notice (queues, caches) are not here.

#![warn(clippy::arithmetic_side_effects)]

/// One line of the table in SPEC.md section 17, so that a test can compare the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The name of the constant.
    pub name: &'static str,
    /// Its value in `unit`.
    pub value: u64,
    /// What is counted; empty where the name says it.
    pub unit: &'static str,
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $value:literal $unit:literal;)*) => {
        $($(#[$doc])* pub const $name: $type = $value;)*

        /// All limits, in the order of SPEC.md.
        pub const ALL: &[Limit] = &[
            $(Limit { name: stringify!($name), value: $value, unit: $unit },)*
        ];
    };
}

limits! {
    /// Bytes of a record: an offer with long text and sixteen media fits, and 64 fill a page.
    RECORD_BYTES_MAX: usize = 16384 "bytes";
    /// Bytes of one gossip message: larger frames block a gossip queue.
    GOSSIP_FRAME_BYTES_MAX: usize = 65536 "bytes";
    /// Bytes of one frame of the direct stream: a page and its frame.
    DIRECT_FRAME_BYTES_MAX: usize = 1114112 "bytes";
    /// Compressed bytes of a page.
    PAGE_BYTES_MAX: usize = 1048576 "bytes";
    /// Bytes of an opened page; bounds what decompression may allocate.
    PAGE_PLAIN_BYTES_MAX: usize = 8388608 "bytes";
    /// Records under one signature, so that a path has at most eight hashes.
    BATCH_RECORDS_MAX: usize = 256 "records";
    /// Hashes of an inclusion path: the logarithm of the batch.
    PROOF_PATH_MAX: usize = 8 "hashes";
    /// Batches of a page: one batch a record at worst.
    PAGE_BATCHES_MAX: usize = 4096 "batches";
    /// Records pushed at once; more are announced and pulled.
    PUSH_RECORDS_MAX: usize = 32 "records";
    /// Events of a key chain: a rotation a month for five years.
    KEY_EVENTS_MAX: usize = 64 "events";
    /// Delegations in a Profile: the nodes and sealing keys of one partner.
    DELEGATIONS_MAX: usize = 8 "";
    /// Days that a delegation may last: a year, and a month to renew it.
    DELEGATION_DAYS_MAX: u64 = 400 "days";
    /// Addresses of a Profile or an invite.
    ADDRESSES_MAX: usize = 8 "";
    /// Bytes of an address: the longest multiaddr in use has about 100.
    ADDRESS_BYTES_MAX: usize = 128 "bytes";
    /// Bytes of the name of a network.
    NETWORK_NAME_BYTES_MAX: usize = 32 "bytes";
    /// Bytes of a partner's name.
    NAME_BYTES_MAX: usize = 128 "bytes";
    /// Bytes of an article number: the longest real name used as one has 124.
    SKU_BYTES_MAX: usize = 128 "bytes";
    /// Bytes of the name of a price list.
    LIST_BYTES_MAX: usize = 32 "bytes";
    /// Bytes of a title: the longest real one seen has 479.
    TITLE_BYTES_MAX: usize = 512 "bytes";
    /// Bytes of a description.
    PROSE_BYTES_MAX: usize = 4096 "bytes";
    /// Bytes of a location: the longest real one seen has 219.
    URL_BYTES_MAX: usize = 512 "bytes";
    /// Attributes of an offer.
    ATTRIBUTES_MAX: usize = 64 "";
    /// Media of an offer.
    MEDIA_MAX: usize = 16 "";
    /// Price tiers of an offer.
    TIERS_MAX: usize = 8 "";
    /// Regions that an offer names.
    REGIONS_MAX: usize = 64 "";
    /// Rights of an offer or of terms.
    RIGHTS_MAX: usize = 16 "";
    /// Partners that an offer names; for more it is public.
    AUDIENCE_MAX: usize = 64 "partners";
    /// Lines of terms; the record's own limit binds first where texts are long.
    LINES_MAX: usize = 32 "lines";
    /// Alternatives of a proposal.
    ALTERNATIVES_MAX: usize = 3 "";
    /// Bytes of a sealed ship-to.
    HANDOVER_BYTES_MAX: usize = 4096 "bytes";
    /// Bytes of the clear text of a ship-to with its length, filled so that each has as many.
    SHIPTO_BYTES: usize = 1536 "bytes";
    /// Records of a letter: a Release or Refusal, and what follows it.
    LETTER_RECORDS_MAX: usize = 4 "records";
    /// Legs of a bundle: a certificate is four letters.
    LEGS_MAX: usize = 16 "legs";
    /// Legs of a bundle that one partner provides: what it said of them, or their holds and what
    /// opened their deals, go along in one letter. More of one partner are lines of one deal.
    LEGS_OF_ONE_MAX: usize = 2 "legs";
    /// Members of a bundle: the requester and a provider for each leg.
    MEMBERS_MAX: usize = 17 "partners";
    /// Bytes of the body of a Manifest: two of them are one Evidence, and sixteen legs with
    /// inceptions and an address each fit.
    MANIFEST_BYTES_MAX: usize = 7168 "bytes";
    /// Deals that may rest on one, one below the other: each learns a price and adds a margin.
    CHAIN_DEPTH_MAX: u8 = 4 "deals";
    /// How much earlier a hold ends than the one below on which it rests: four times the longest
    /// pause between two sendings of a question, and 30 s.
    CHAIN_MARGIN_MS: u64 = 150000 "ms";
    /// How long a middle partner is away before those below it ask past it: a restart takes less, and
    /// the margin by which it waits less long than they is more than twice as much.
    CHAIN_SILENCE_MS: u64 = 60000 "ms";
    /// Largest amount either way: ten trillion of a currency with two digits; sums of 9,000 fit.
    MONEY_MINOR_MAX: i64 = 1000000000000000 "minor units";
    /// Largest number of steps: times the largest price it fits 128 bits.
    STEPS_MAX: u64 = 1000000000000 "steps";
    /// The end of the year 9999; fits the 48 bits of a revision.
    TIME_MS_MAX: u64 = 253402300799999 "ms";
    /// How far a revision may lie ahead: clocks without NTP drift by seconds a day.
    CLOCK_AHEAD_MS_MAX: u64 = 120000 "ms";
    /// Days that an offer may stand: what nobody renews goes.
    OFFER_DAYS_MAX: u64 = 90 "days";
    /// Days that a withdrawal stands: it outlives every offer that it withdraws.
    WITHDRAWAL_DAYS: u64 = 90 "days";
    /// Proposals in one thread.
    ROUNDS_MAX: u32 = 8 "proposals";
    /// Shortest validity of a proposal.
    PROPOSAL_MINUTES_MIN: u64 = 10 "minutes";
    /// Longest validity of a proposal.
    PROPOSAL_DAYS_MAX: u64 = 30 "days";
    /// How long a hold lasts where nobody says otherwise.
    HOLD_MINUTES_DEFAULT: u32 = 15 "minutes";
    /// Longest hold: 72 hours.
    HOLD_MINUTES_MAX: u32 = 4320 "minutes";
    /// Deals that one partner may hold at once.
    HOLDS_PER_PARTNER_MAX: usize = 256 "holds";
    /// Open questions at one partner: so the lists of a greeting stay whole.
    PENDING_MAX: usize = 256 "questions";
    /// Earlier lives of its receiver of which a greeting names how far they came.
    SEEN_MAX: usize = 16 "lives";
    /// Slots of one offer at a time: five a day for as long as an offer stands.
    SLOTS_MAX: usize = 512 "slots";
    /// Days ahead that a slot may begin: as long as an offer stands.
    SLOT_DAYS_MAX: u64 = 90 "days";
    /// Days that a decision is kept after the validity of what it decided.
    TOMBSTONE_DAYS: u64 = 90 "days";
    /// Records of one stranger's talk: a question or two, and proposals in some threads.
    STRANGER_TEXTS_MAX: u64 = 32 "records";
    /// Records of the talk of all strangers together: 16 MiB at worst.
    STRANGERS_TEXTS_MAX: u64 = 1024 "records";
    /// Records of all strangers together, in this version's default.
    STRANGER_RECORDS_MAX: usize = 100000 "records";
}

/// Bytes of the largest batch that its parts allow: 256 full records, each with at most 6 bytes of
/// index and length, as many cover hashes, and less than 128 bytes around them. What carries a
/// batch (a gossip message, a frame, a page) binds it further.
pub const BATCH_BYTES_MAX: usize = BATCH_RECORDS_MAX * (RECORD_BYTES_MAX + 6 + 32) + 128;

/// Bytes of a signed invite: 8 addresses and less than 256 bytes of keys, names and signature.
pub const INVITE_BYTES_MAX: usize = ADDRESSES_MAX * (ADDRESS_BYTES_MAX + 1) + 256;

/// Milliseconds of a minute.
pub const MINUTE_MS: u64 = 60_000;
/// Milliseconds of a day.
pub const DAY_MS: u64 = 86_400_000;

// What the reasons above promise. A changed limit that breaks one of them does not compile.
const _: () = {
    assert!(
        BATCH_RECORDS_MAX == 1 << PROOF_PATH_MAX,
        "a path is the logarithm of the batch"
    );
    assert!(
        RECORD_BYTES_MAX * 64 <= PAGE_BYTES_MAX,
        "64 records fill a page"
    );
    assert!(
        PAGE_BYTES_MAX + 65536 <= DIRECT_FRAME_BYTES_MAX,
        "a page fits a frame"
    );
    assert!(
        RECORD_BYTES_MAX * 2 <= GOSSIP_FRAME_BYTES_MAX,
        "a record and its proof fit a message"
    );
    assert!(
        BATCH_BYTES_MAX <= PAGE_PLAIN_BYTES_MAX,
        "a batch fits an opened page"
    );
    assert!(
        PUSH_RECORDS_MAX <= BATCH_RECORDS_MAX,
        "what is pushed at once is one batch at most"
    );
    // A record with its proof takes at most 512 bytes more than the record.
    assert!(
        2 * LETTER_RECORDS_MAX * (RECORD_BYTES_MAX + 512) <= DIRECT_FRAME_BYTES_MAX,
        "a letter and what it attaches fit a frame"
    );
    assert!(
        KEY_EVENTS_MAX * (RECORD_BYTES_MAX + 512) <= DIRECT_FRAME_BYTES_MAX,
        "a key chain fits the Hello"
    );
    assert!(
        LEGS_MAX == 4 * LETTER_RECORDS_MAX && MEMBERS_MAX == LEGS_MAX + 1,
        "a certificate is four letters, and each leg may have a provider of its own"
    );
    assert!(
        2 * LEGS_OF_ONE_MAX <= LETTER_RECORDS_MAX,
        "two records of each leg of one partner go along with a Manifest"
    );
    assert!(
        2 * (MANIFEST_BYTES_MAX + 512) <= RECORD_BYTES_MAX - 512,
        "two manifests with their proofs fit an Evidence"
    );
    assert!(
        HANDOVER_BYTES_MAX < RECORD_BYTES_MAX,
        "a sealed ship-to fits a record"
    );
    // HPKE adds the 16 bytes of its tag.
    assert!(
        SHIPTO_BYTES + 16 <= HANDOVER_BYTES_MAX,
        "a sealed ship-to fits its field"
    );
    assert!(
        PROSE_BYTES_MAX + TITLE_BYTES_MAX < RECORD_BYTES_MAX,
        "long texts fit a record"
    );
    assert!(
        2 * CHAIN_SILENCE_MS < CHAIN_MARGIN_MS,
        "below a silent partner is asked before what that partner promised above is over"
    );
    assert!(
        TIME_MS_MAX < 1 << 48,
        "a time fits the upper 48 bits of a revision"
    );
    assert!(
        MONEY_MINOR_MAX <= i64::MAX / 9000,
        "sums of 9,000 amounts fit"
    );
    assert!(
        (STEPS_MAX as i128) < i128::MAX / 4 / (MONEY_MINOR_MAX as i128),
        "steps times price, doubled for rounding, fit 128 bits"
    );
    assert!(
        SLOT_DAYS_MAX == OFFER_DAYS_MAX && SLOTS_MAX as u64 >= 5 * SLOT_DAYS_MAX,
        "five slots a day for as long as an offer stands"
    );
    assert!(
        WITHDRAWAL_DAYS >= OFFER_DAYS_MAX,
        "a withdrawal outlives what it withdraws"
    );
    assert!(
        HOLD_MINUTES_DEFAULT <= HOLD_MINUTES_MAX,
        "the default hold is allowed"
    );
    assert!(
        PROPOSAL_MINUTES_MIN * MINUTE_MS < PROPOSAL_DAYS_MAX * DAY_MS,
        "some validity is allowed"
    );
    assert!(
        HOLD_MINUTES_MAX as u64 * MINUTE_MS <= PROPOSAL_DAYS_MAX * DAY_MS,
        "a hold may last as long as the proposal that bears it"
    );
    assert!(
        HOLDS_PER_PARTNER_MAX <= PENDING_MAX,
        "held deals fit the lists of a greeting"
    );
};
