//! Words by which texts are found: runs of letters and digits, in lower case.

use std::collections::BTreeSet;

/// Longer words are cut: what follows tells no two articles apart.
pub(super) const WORD_BYTES_MAX: usize = 32;
/// Bytes of an id in its word: as many as tell a million of them apart.
const ID_BYTES: usize = 8;
/// Most offers have fewer bytes of words.
const TEXT_BYTES: usize = 128;
/// Words kept of one offer. The longest real title seen has 70.
const WORDS_MAX: usize = 96;

/// The words by which texts are found: runs of letters and digits, in lower case, each once.
#[must_use]
pub fn words_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let words = spaced(texts);
    words.split_terminator(' ').map(str::to_owned).collect()
}

/// The same in their order, with a space after each, which none of them holds.
#[must_use]
pub fn spaced<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut words = String::with_capacity(TEXT_BYTES);
    let runs = texts
        .into_iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
        .filter(|run| !run.is_empty());
    for run in runs.take(WORDS_MAX) {
        let begin = words.len();
        if run.is_ascii() {
            words.push_str(run);
            if let Some(word) = words.get_mut(begin..) {
                word.make_ascii_lowercase();
            }
        } else {
            words.push_str(&run.to_lowercase());
        }
        let mut end = words.len().min(begin + WORD_BYTES_MAX);
        while !words.is_char_boundary(end) {
            end -= 1;
        }
        words.truncate(end);
        words.push(' ');
    }
    words
}

/// Appends the word by which a record is found whose id begins so. No text has such a word.
pub(super) fn put_id_word(beginning: &[u8], words: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    words.push(b'#');
    for byte in beginning.iter().take(ID_BYTES) {
        for half in [byte >> 4, byte & 15] {
            words.extend(DIGITS.get(usize::from(half)));
        }
    }
}
