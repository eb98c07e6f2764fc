//! The text form of secret keys: a few lines that a person can read, copy and type again. Which
//! keys a node has is kept out.
//!
//! ```text
//! omni secret key, version 1
//! # lines that begin with # are for people
//! use: market key 0
//! algorithm: ed25519
//! public: 64 hexadecimal digits
//! secret: 64 hexadecimal digits
//! ```
//!
//! A file may hold several such blocks, with an empty line between them.

use zeroize::Zeroizing;

use super::Secret;

/// The first line of each block; another version is another first line.
const FIRST_LINE: &str = "omni secret key, version 1";

/// Why a key file can't be used. Never quotes the line: it may be the secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {reason}")]
pub struct KeyTextError {
    /// Counted from 1.
    pub line: usize,
    /// What was expected there.
    pub reason: &'static str,
}

/// One key of a file: what it is for, its algorithm, and both its halves.
#[derive(Debug, PartialEq, Eq)]
pub struct KeyText {
    /// What it is for, such as `market key 0`.
    pub purpose: String,
    /// `ed25519` or `x25519`.
    pub algorithm: String,
    /// The public half as written, which must belong to the secret one.
    pub public: [u8; 32],
    /// The secret half.
    pub secret: Secret,
}

/// Writes the blocks of `keys` under the remarks of `advice`, one a line.
#[must_use]
pub fn write(advice: &[&str], keys: &[KeyText]) -> Zeroizing<String> {
    // As much as it will need, so that no copy of the secret stays behind when it grows.
    let mut text = Zeroizing::new(String::with_capacity(4096));
    for (at, key) in keys.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        push(&mut text, &[FIRST_LINE]);
        for line in advice.iter().filter(|_| at == 0) {
            push(&mut text, &["# ", line]);
        }
        push(&mut text, &["use: ", &key.purpose]);
        push(&mut text, &["algorithm: ", &key.algorithm]);
        push(&mut text, &["public: ", &hex(&key.public)]);
        push(&mut text, &["secret: ", &hex(key.secret.bytes())]);
    }
    text
}

fn push(text: &mut String, line: &[&str]) {
    text.extend(line.iter().copied());
    text.push('\n');
}

/// Reads all blocks of a file.
///
/// # Errors
/// For anything but blocks of this form; at least one is needed.
pub fn read(text: &str) -> Result<Vec<KeyText>, KeyTextError> {
    let remark = |(_, line): &(usize, &str)| line.starts_with('#') || line.is_empty();
    let numbered = text.lines().map(str::trim).enumerate();
    let mut lines = numbered.filter(|line| !remark(line)).peekable();
    let mut keys = Vec::new();
    while keys.is_empty() || lines.peek().is_some() {
        let mut next = |reason| match lines.next() {
            Some((at, line)) => Ok((at.saturating_add(1), line)),
            None => Err(KeyTextError {
                line: text.lines().count(),
                reason,
            }),
        };
        let mut field = |label: &str, reason: &'static str| {
            let (line, content) = next(reason)?;
            match content.strip_prefix(label) {
                Some(value) => Ok((line, value.trim())),
                None => Err(KeyTextError { line, reason }),
            }
        };
        field(
            FIRST_LINE,
            "expected the first line \"omni secret key, version 1\"",
        )?;
        let (_, purpose) = field("use:", "expected \"use:\"")?;
        let (_, algorithm) = field("algorithm:", "expected \"algorithm:\"")?;
        let (line, public) = field("public:", "expected \"public:\"")?;
        let public = bytes(public).ok_or(KeyTextError {
            line,
            reason: "expected 64 hexadecimal digits",
        })?;
        let (line, secret) = field("secret:", "expected \"secret:\"")?;
        let secret = bytes(secret).map(Secret::new).ok_or(KeyTextError {
            line,
            reason: "expected 64 hexadecimal digits",
        })?;
        keys.push(KeyText {
            purpose: purpose.to_owned(),
            algorithm: algorithm.to_owned(),
            public,
            secret,
        });
    }
    Ok(keys)
}

/// Bytes as lower-case hexadecimal digits, wiped when dropped.
#[must_use]
pub fn hex(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().saturating_mul(2)));
    for byte in bytes {
        for digit in [byte >> 4, byte & 0xf] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
    text
}

/// Hexadecimal digits as bytes, if there are exactly as many as wanted.
#[must_use]
pub fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut out = [0; N];
    for (to, pair) in out.iter_mut().zip(pairs) {
        *to = byte(*pair)?;
    }
    Some(out)
}

/// Hexadecimal digits as so many bytes as they are.
#[must_use]
pub fn all_bytes(hex: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let read = || pairs.iter().map(|pair| byte(*pair)).collect();
    if rest.is_empty() { read() } else { None }
}

fn byte([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |c: u8| {
        let digit = char::from(c).to_digit(16);
        digit.and_then(|digit| u8::try_from(digit).ok())
    };
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(purpose: &str, byte: u8) -> KeyText {
        KeyText {
            purpose: purpose.to_owned(),
            algorithm: "ed25519".to_owned(),
            public: [byte; 32],
            secret: Secret::new([byte ^ 0xff; 32]),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let text = write(&["Keep it."], &[key("a", 1), key("b", 0xab)]);
        assert!(text.starts_with("omni secret key, version 1\n# Keep it.\nuse: a\n"));
        assert_eq!(read(&text).unwrap(), [key("a", 1), key("b", 0xab)]);
    }

    #[test]
    fn hostile_key_files_are_refused_without_quoting_them() {
        let good = write(&[], &[key("a", 1)]);
        let check = |text: &str, line: usize, reason: &str| {
            let error = read(text).unwrap_err();
            assert_eq!((error.line, error.reason), (line, reason), "{text}");
        };
        check(
            "",
            0,
            "expected the first line \"omni secret key, version 1\"",
        );
        check(
            "\0\0",
            1,
            "expected the first line \"omni secret key, version 1\"",
        );
        check(
            &good.replace("version 1", "version 2"),
            1,
            "expected the first line \"omni secret key, version 1\"",
        );
        check(&good.replace("public", "pubic"), 4, "expected \"public:\"");
        check(
            &good.replace("secret: fe", "secret: xx"),
            5,
            "expected 64 hexadecimal digits",
        );
        check(
            &good.replace("secret: fe", "secret: "),
            5,
            "expected 64 hexadecimal digits",
        );
        check(
            &format!("{}more", good.as_str()),
            6,
            "expected the first line \"omni secret key, version 1\"",
        );
    }
}
