//! The check of a ledger whose node is down.

use crate::audit;
use crate::home::{Home, HomeError};
use crate::keys::{KeyError, Keys};
use crate::store::{Owner, StoreError, ledger, market};
use crate::view::ledger::VerificationView;

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
}

/// Checks the ledger of a home. It changes nothing there.
///
/// # Errors
/// See [`CheckError`]. A ledger that does not hold is no error but the answer.
pub fn ledger_of(home: &Home) -> Result<VerificationView, CheckError> {
    home.existing()?;
    let _lock = home.lock()?;
    let keys = Keys::load(home)?;
    let network = keys.identity().network().id();
    let owner = Owner {
        network: *network.as_bytes(),
        partner: *keys.identity().partner().as_bytes(),
    };
    let reader = ledger::open_to_read(home.root(), owner)?;
    let shelf = market::open_to_read(home.root(), network);
    Ok(audit::check(
        &reader,
        shelf.as_ref(),
        keys.standing(),
        network,
    )?)
}
