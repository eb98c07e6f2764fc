//! What commands print of texts that others wrote, and paths as arguments to type. Everything a
//! command prints of a partner goes through [`plain`].

use std::path::Path;

pub(super) use crate::plain::plain;

/// A path as an argument to type into a shell.
#[must_use]
pub(super) fn quoted(path: &Path) -> String {
    crate::plain::quoted(&path.display().to_string())
}
