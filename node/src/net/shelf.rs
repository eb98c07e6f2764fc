//! What the net reads of the stores, without seeing them: key chains, what stands, and pages to
//! serve. It writes nothing.

use std::fmt;

use omni_protocol::{
    frame::{Filter, Known},
    hash::{PartnerId, RecordId},
    identity::KeyChain,
    proof::Batch,
    public::CatalogueHead,
    slot::{Revision, Slot},
};

/// One page's worth of an author's standing public records.
#[derive(Debug, Clone, Default)]
pub struct Shelved {
    /// In ascending order of revision; gathered by tree, so that each signature travels once.
    pub batches: Vec<Batch>,
    /// Whether there are more after these.
    pub more: bool,
}

/// Reads for the net. All of it is called from threads that may wait for a disk, several at once.
pub trait Shelf: fmt::Debug + Send + Sync + 'static {
    /// The chain of an author, if its inception is known.
    fn key_chain(&self, author: &PartnerId) -> Option<KeyChain>;

    /// The verified record that stands in a slot.
    fn standing(&self, slot: &Slot) -> Option<(Revision, RecordId)>;

    /// Whether so many more records of this author may be kept. Partners have room; all others
    /// share one budget.
    fn has_room(&self, author: &PartnerId, records: usize) -> bool;

    /// The catalogues that are known, one's own included, ascending by author.
    fn known(&self, filter: &Filter, max: usize) -> Vec<Known>;

    /// The newest head that an author signed of its own catalogue.
    fn announced(&self, author: &PartnerId) -> Option<CatalogueHead>;

    /// Standing public records of an author that follow a revision, at least one if there is one,
    /// else about `bytes_aim` bytes of them.
    fn page(&self, author: &PartnerId, after: Revision, bytes_aim: usize) -> Shelved;
}
