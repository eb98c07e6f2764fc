//! Makes cells fit the protocol's texts: one line or several, no control characters, white space off both ends. Knows no fields.

use std::borrow::Cow;

use super::problem::Reason;

/// One line: line breaks and tabs become single spaces.
pub(super) fn line(text: &str) -> Result<Cow<'_, str>, Reason> {
    let text = text.trim();
    judge(text)?;
    if !text.contains(is_break) {
        return Ok(Cow::Borrowed(text));
    }
    let parts: Vec<&str> = text
        .split(is_break)
        .map(str::trim)
        .filter(|p| !p.is_empty())
        .collect();
    Ok(Cow::Owned(parts.join(" ")))
}

/// Several lines: all line breaks become line feeds.
pub(super) fn prose(text: &str) -> Result<String, Reason> {
    judge(text)?;
    let text = text.replace("\r\n", "\n").replace(
        ['\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}'],
        "\n",
    );
    Ok(text.trim().to_owned())
}

/// The beginning of a text that has at most so many bytes, without white space at its end.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    let fits = text.floor_char_boundary(bytes);
    text.get(..fits).unwrap_or_default().trim_end()
}

/// Text of an HTML description: tags go, what ends a block ends a line, the common entities become what they stand for.
pub(super) fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let Some((tag, after_tag)) = after.split_once('>') else {
            // No tag after all: 'less than'.
            text.push('<');
            rest = after;
            continue;
        };
        let name = tag
            .trim_start_matches('/')
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default();
        if matches!(
            name.to_ascii_lowercase().as_str(),
            "br" | "p" | "div" | "li" | "tr" | "h1" | "h2" | "h3" | "h4"
        ) {
            text.push('\n');
        }
        rest = after_tag;
    }
    text.push_str(rest);
    for (entity, stands_for) in [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, stands_for);
    }
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    lines.join("\n")
}

fn is_break(c: char) -> bool {
    matches!(c, '\t'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn judge(text: &str) -> Result<(), Reason> {
    let bad = text.chars().find(|c| c.is_control() && !is_break(*c));
    bad.map_or(Ok(()), |c| Err(Reason::Control(u32::from(c))))
}

/// Whether a cell holds what a spreadsheet would compute, or could not.
pub(super) fn judge_formula(text: &str) -> Result<&str, Reason> {
    let text = text.trim();
    // ="00123" is how spreadsheets are made to keep zeros: a text after all.
    let quoted = text
        .strip_prefix("=\"")
        .and_then(|t| t.strip_suffix('"'))
        .filter(|t| !t.contains('"'));
    if let Some(inner) = quoted {
        return Ok(inner);
    }
    if text.starts_with('=') {
        return Err(Reason::Formula);
    }
    if matches!(
        text,
        "#REF!"
            | "#N/A"
            | "#NAME?"
            | "#VALUE!"
            | "#DIV/0!"
            | "#NULL!"
            | "#NUM!"
            | "#SPILL!"
            | "#CALC!"
    ) {
        return Err(Reason::SpreadsheetError);
    }
    Ok(text)
}
