//! The ledger of a node that is down: its check, its export, and what it says of the node. It is
//! opened for reading alone, and nothing there is changed.

use omni_protocol::hash::NetworkId;
use omni_protocol::ledger::LedgerHead;

use crate::audit::export::{self, NoPlace, Place};
use crate::audit::{self, Still};
use crate::home::{Home, HomeError, HomeLock};
use crate::keys::{KeyError, Keys};
use crate::store::{LedgerReader, Owner, StoreError, ledger, market};
use crate::view::PAGE_MAX;
use crate::view::ledger::{ExportView, VerificationView};

/// Why a ledger can't be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is none, or a node holds it.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The keys can't be read, and they say whose ledger it is.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The disk fails, or the ledger is not what its head file says.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The place from which to go on is none.
    #[error(transparent)]
    Place(#[from] NoPlace),
}

/// The open ledger of a home whose node is down; nobody else can take it meanwhile.
#[derive(Debug)]
pub struct Opened {
    home: Home,
    keys: Keys,
    network: NetworkId,
    reader: LedgerReader,
    _lock: HomeLock,
}

impl Opened {
    /// Opens it.
    ///
    /// # Errors
    /// See [`CheckError`].
    pub fn of(home: &Home) -> Result<Self, CheckError> {
        home.existing()?;
        let lock = home.lock()?;
        let keys = Keys::load(home)?;
        let network = keys.identity().network().id();
        let owner = Owner {
            network: *network.as_bytes(),
            partner: *keys.identity().partner().as_bytes(),
        };
        Ok(Self {
            home: home.clone(),
            reader: ledger::open_to_read(home.root(), owner)?,
            keys,
            network,
            _lock: lock,
        })
    }

    /// Checks it. A ledger that does not hold is no error but the answer.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn check(&self) -> Result<VerificationView, StoreError> {
        let shelf = market::open_to_read(self.home.root(), self.network);
        let own = self.keys.chain();
        audit::check(&self.reader, shelf.as_ref(), own, self.network)
    }

    /// The end of the ledger, and whether the node recovers.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn head(&self) -> Result<(Option<LedgerHead>, bool), StoreError> {
        Still::of(&self.reader).head()
    }

    /// One page of its export, as the running node gives it.
    ///
    /// # Errors
    /// If the disk fails, or `after` is no place.
    pub fn export(&self, after: Option<&str>) -> Result<ExportView, CheckError> {
        let after: Option<Place> = after.map(str::parse).transpose()?;
        let still = Still::of(&self.reader);
        Ok(still.sound(export::page(&still, after, PAGE_MAX))?)
    }
}
