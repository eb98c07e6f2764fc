//! The token of the local API: who can read the file may ask the node. Requests and answers are
//! kept out.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::files::{self, FileError, Reach};

/// 32 bytes in hexadecimal digits.
const TOKEN_DIGITS: usize = 64;

/// Why a token file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not what `omni up` writes. What it is, is not quoted: it may be another secret.
    #[error("{} is not a token: expected {TOKEN_DIGITS} hexadecimal digits", .0.display())]
    Broken(PathBuf),
    /// Others on this machine can read it.
    #[error("{} can be read by other users of this machine", .0.display())]
    Open(PathBuf),
    /// The system gave no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Entropy(getrandom::Error),
}

/// A secret that lets its bearer ask the node. Prints as dots.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// Reads the token of a home.
    ///
    /// # Errors
    /// If it can't be read, has another form, or is open to others.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let text = Zeroizing::new(files::read_text(path, 1024)?);
        if files::reach(path)? == Reach::Others {
            return Err(TokenError::Open(path.to_owned()));
        }
        let digits = text.trim();
        if digits.len() != TOKEN_DIGITS || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(TokenError::Broken(path.to_owned()));
        }
        Ok(Self(Zeroizing::new(digits.to_owned())))
    }

    /// Reads the token of a home, or makes one if there is none: so removing the file and
    /// starting the node again gives a new one.
    ///
    /// # Errors
    /// As for [`Token::read`], and if a new one can't be written.
    pub fn read_or_make(path: &Path) -> Result<Self, TokenError> {
        match Self::read(path) {
            Err(TokenError::File(e)) if e.is_absent() => Self::make(path),
            read => read,
        }
    }

    fn make(path: &Path) -> Result<Self, TokenError> {
        let mut bytes = Zeroizing::new([0; TOKEN_DIGITS / 2]);
        getrandom::fill(bytes.as_mut()).map_err(TokenError::Entropy)?;
        let token = Self(crate::keys::text::hex(bytes.as_ref()));
        let mut line = Zeroizing::new(String::with_capacity(TOKEN_DIGITS + 1));
        line.push_str(&token.0);
        line.push('\n');
        files::write_private(path, line.as_bytes())?;
        Ok(token)
    }

    /// Whether `shown` is this token. Takes the same time wherever they differ, and whatever
    /// their lengths, since hashes are compared.
    #[must_use]
    pub fn admits(&self, shown: &str) -> bool {
        let own = Sha256::digest(self.0.as_bytes());
        let shown = Sha256::digest(shown.as_bytes());
        own.as_slice().ct_eq(shown.as_slice()).into()
    }

    /// The token, for a request's header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
