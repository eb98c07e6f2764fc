//! What commands print of texts that others wrote, and paths as arguments to type. Everything a
//! command prints of a partner goes through [`plain`].

use std::path::Path;

pub(super) use crate::plain::plain;

/// A path as an argument to type into a shell.
#[must_use]
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let harmless = |c: char| c.is_ascii_alphanumeric() || "/._-+:@=,".contains(c);
    if !text.is_empty() && text.chars().all(harmless) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_a_shell() {
        let check = |path: &str, expected: &str| assert_eq!(quoted(Path::new(path)), expected);
        check("/a/b-c_1.d", "/a/b-c_1.d");
        check("/a b", "'/a b'");
        check("it's", "'it'\\''s'");
        check("$(x)", "'$(x)'");
    }
}
