//! Text of others made fit for a terminal: nothing in it can move the cursor, change colours, or
//! turn the order of what is shown; and as an argument to type, nothing in it means anything to a
//! shell. Where it is shown is kept out.

/// The text with control characters, and those that only change how others are shown, written
/// as `\u{…}`.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// A text as one argument to type into a shell.
#[must_use]
pub fn quoted(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "/._-+:@=,".contains(c);
    if !text.is_empty() && text.chars().all(harmless) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Marks and overrides of direction (UAX 9), and isolates.
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Without width: two names that look the same.
            | '\u{00ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{feff}'
            // Other line ends, annotations, tags.
            | '\u{2028}' | '\u{2029}' | '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_escaped_and_other_text_is_not() {
        let check = |text: &str, expected: &str| assert_eq!(plain(text), expected);
        check("Żółw & Ко 日本 شركة", "Żółw & Ко 日本 شركة");
        check("\u{1b}[2Jgone", "\\u{1b}[2Jgone");
        check("a\r\nb\tc", "a\\r\\nb\\tc");
        check("\u{202e}evil", "\\u{202e}evil");
        check("pay\u{200b}pal", "pay\\u{200b}pal");
        check("\u{9b}31m", "\\u{9b}31m");
        check("\u{e0041}", "\\u{e0041}");
    }

    #[test]
    fn arguments_are_quoted_for_a_shell() {
        let check = |text: &str, expected: &str| assert_eq!(quoted(text), expected);
        check("/a/b-c_1.d", "/a/b-c_1.d");
        check("/a b", "'/a b'");
        check("it's", "'it'\\''s'");
        check("$(x)", "'$(x)'");
        check("", "''");
    }
}
