//! What `omni up` hands to the daemon, and what the daemon says when it can't begin. It stands
//! between the two, so that neither needs to know the other.

use std::error::Error;
use std::io;

use crate::config::Config;
use crate::home::endpoint::{Endpoint, EndpointError};
use crate::home::socket::NoSocketFolder;
use crate::home::token::TokenError;
use crate::home::{Environment, Home, HomeError};
use crate::keys::KeyError;

/// Everything that a daemon begins with.
pub struct Launch {
    /// Its home, made by `omni init`.
    pub home: Home,
    /// Its settings, all layers together.
    pub config: Config,
    /// Where the temp folders of this user are.
    pub env: Environment,
    /// Called once, when the daemon can be asked.
    pub ready: Box<dyn FnOnce(&Endpoint)>,
}

impl std::fmt::Debug for Launch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Launch")
            .field("home", &self.home)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Why a daemon can't begin, or ended otherwise than asked.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The home is missing or taken.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The keys can't be used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The token can't be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// There is no place for the socket.
    #[error(transparent)]
    Socket(#[from] NoSocketFolder),
    /// The local API can't be opened.
    #[error("{0}")]
    Api(#[source] Box<dyn Error + Send + Sync>),
    /// The ledger or the market store can't be used.
    #[error("{0}")]
    Ledger(#[source] Box<dyn Error + Send + Sync>),
    /// The node can't meet others.
    #[error("{0}")]
    Net(#[source] Box<dyn Error + Send + Sync>),
    /// `api.json` can't be written.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The system refuses something that every program needs.
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
}

impl LaunchError {
    /// The ledger or the market store can't be used.
    pub fn ledger(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Ledger(why.into())
    }

    /// The node can't meet others.
    pub fn net(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Net(why.into())
    }
}

/// The daemon's way in, which `main` passes to the commands.
pub type Daemon = fn(Launch) -> Result<(), LaunchError>;
