//! What a simulated run shows to whoever judges it: plain data with the bytes that travelled, were
//! synced and were told. It keeps out the machine, its types, and every judgement.

/// A record with its proof as a ledger or a letter carries it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordBytes {
    /// The record's bytes (SPEC.md section 6).
    pub record: Vec<u8>,
    /// Its proof's bytes (SPEC.md section 7).
    pub proof: Vec<u8>,
}

/// An entry as it was synced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryBytes {
    /// Bytes of the header (SPEC.md section 14).
    pub header: Vec<u8>,
    /// Bytes of the body: salt and payload.
    pub body: Vec<u8>,
    /// The records that the payload names, in its order.
    pub records: Vec<RecordBytes>,
}

/// What an operator asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// To publish an offer.
    Publish,
    /// To withdraw an offer.
    EndOffer,
    /// A count of stock.
    Count,
    /// A grant to a partner.
    Grant,
    /// An inquiry.
    Inquire,
    /// A proposal that binds nobody.
    ProposeOpen,
    /// A proposal that binds.
    ProposeFirm,
    /// A Request.
    Request,
    /// To accept what stands in a thread, or the deal that is open there.
    Accept,
    /// To reject it.
    Reject,
    /// To take the own standing proposal back.
    Withdraw,
    /// To give a deal up.
    Cancel,
    /// To write a deal in doubt off.
    WriteOff,
    /// To say what happened to an order.
    Happen,
    /// A firm proposal that cancels an order, or part of it.
    CancelOrder,
    /// A change of an order's terms is proposed.
    AmendOrder,
    /// A word about a bundle.
    Bundle,
    /// To ask for a part on which a deal is to rest.
    Source,
    /// To open the next epoch.
    OpenEpoch,
}

/// What whoever asked was answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It is done, or there was nothing to do.
    Done,
    /// These records were made: their ids.
    Made(Vec<[u8; 32]>),
    /// It was refused: the number of the code (SPEC.md section 18).
    Refused(u16),
    /// The partner has not greeted the present life.
    Away,
}

/// A deal as a node has it at the end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredDeal {
    /// The deal id.
    pub deal: [u8; 32],
    /// The other side.
    pub partner: [u8; 32],
    /// Name of its state, as the deal tables of SPEC.md section 12 have it.
    pub state: &'static str,
    /// Whether the node is the provider.
    pub provides: bool,
    /// The alternative that was committed.
    pub alternative: u8,
    /// Id of the Receipt or Refusal.
    pub decision: Option<[u8; 32]>,
    /// Minor units reserved or posted.
    pub amount: i64,
    /// Currency of `amount`; none for a deal of which only its Release came.
    pub currency: Option<[u8; 3]>,
}

/// Steps of an article, or places of one of its slots, as a node has them at the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredStock {
    /// Subject of the offer.
    pub subject: [u8; 32],
    /// When the slot begins; none for the stock.
    pub begins: Option<u64>,
    /// Counted.
    pub counted: u64,
    /// Held by partners.
    pub held: u64,
    /// Sold since the count.
    pub sold: u64,
}

/// What a node and a partner owe each other in one currency at the end, in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredAccount {
    /// The partner.
    pub partner: [u8; 32],
    /// The currency.
    pub currency: [u8; 3],
    /// What the partner owes the node.
    pub receivable: i64,
    /// What the node owes the partner.
    pub payable: i64,
    /// What the partner's holds at the node amount to.
    pub held: i64,
    /// What the node is in doubt about at the partner.
    pub doubt: i64,
}

/// When a node's store is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// When all is quiet: nothing is in doubt, though holds and validities may stand.
    Quiet,
    /// When every hold and validity has ended, and all is quiet again.
    Over,
    /// After one more restart of each node, once all is quiet again.
    RestartedOnce,
    /// And after another.
    RestartedTwice,
}

/// One thing that happened in a run, in the order in which it happened. `node`, `from` and `to` are
/// numbers of nodes in the run, from 0. Times are milliseconds since 1970: `at_ms` by the one true
/// clock of the run, `clock_ms` by the node's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Observation {
    /// A node takes part. All are named before anything else happens.
    Node {
        /// Its number.
        node: usize,
        /// The network id.
        network: [u8; 32],
        /// Its partner id.
        partner: [u8; 32],
        /// Its market key, Ed25519, of index 0 in all of the run.
        key: [u8; 32],
    },
    /// A process begins over what is on the disk.
    Started {
        /// The node.
        node: usize,
        /// When.
        at_ms: u64,
        /// By its clock.
        clock_ms: u64,
        /// The life that begins.
        life: u64,
    },
    /// A frame left a node (SPEC.md section 15).
    Sent {
        /// Whose.
        from: usize,
        /// For whom.
        to: usize,
        /// When.
        at_ms: u64,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// A frame arrived: maybe late, more than once, or after later ones.
    Received {
        /// Whose.
        from: usize,
        /// At whom.
        to: usize,
        /// When.
        at_ms: u64,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// A batch with entries is on the disk: its sync ended.
    Synced {
        /// Whose.
        node: usize,
        /// When.
        at_ms: u64,
        /// By the node's clock.
        clock_ms: u64,
        /// The entries, in their order.
        entries: Vec<EntryBytes>,
        /// Deals that the batch changed, each with the state in which it leaves it.
        deals: Vec<([u8; 32], &'static str)>,
        /// The signed checkpoint that closes the batch.
        checkpoint: Vec<u8>,
    },
    /// An operator was answered.
    Told {
        /// By which node.
        node: usize,
        /// When.
        at_ms: u64,
        /// What was asked for.
        asked: Asked,
        /// The thread that it was about, if it named one.
        thread: Option<[u8; 32]>,
        /// The deal or order that it was about, if it named one.
        deal: Option<[u8; 32]>,
        /// What was answered.
        answer: Answer,
    },
    /// The stream of events told that a deal came to another state.
    Happened {
        /// At which node.
        node: usize,
        /// When.
        at_ms: u64,
        /// The deal.
        deal: [u8; 32],
        /// Name of the state, as in [`StoredDeal::state`].
        state: &'static str,
    },
    /// A process ended without notice. What was synced stays.
    Crashed {
        /// Whose.
        node: usize,
        /// When.
        at_ms: u64,
    },
    /// The disk of a node that does not run was put back to an older image. Of its synced entries
    /// only the first ones are left.
    Restored {
        /// Whose.
        node: usize,
        /// When.
        at_ms: u64,
        /// Synced entries that are left, over all epochs.
        entries: u64,
    },
    /// No more faults from now on, and operators start nothing new.
    Healed {
        /// When.
        at_ms: u64,
    },
    /// Nothing is on its way, and nobody has anything to say before a long pause ends.
    Quiet {
        /// When.
        at_ms: u64,
    },
    /// What a node has stored.
    Stored {
        /// The node.
        node: usize,
        /// When in the run.
        moment: Moment,
        /// All deals, by id.
        deals: Vec<StoredDeal>,
        /// All articles, by subject.
        stock: Vec<StoredStock>,
        /// All accounts, by partner and currency.
        accounts: Vec<StoredAccount>,
        /// Questions that still await their answer.
        questions: u64,
    },
}
