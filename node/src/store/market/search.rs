//! Plain search: every word asked for must begin some word of the offer. No ranking, no stemming;
//! a better index comes with a later issue.

use std::collections::BTreeSet;

use omni_protocol::hash::{PartnerId, SubjectId};
use omni_protocol::slot::{Family, Slot};

use super::layout::{Kept, Table, slot_bytes};
use super::{MarketReader, More, Shelved};
use crate::store::StoreError;

/// Longer words are cut: what follows tells no two articles apart.
const WORD_BYTES_MAX: usize = 32;
/// Words kept of one offer. The longest real title seen has 70.
const WORDS_MAX: usize = 96;
/// Lines of the index that one search reads, so that a search for "a" ends.
const LINES_MAX: usize = 100_000;

/// One offer that was found.
pub type Found = Shelved;

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The offers, in the order of the index.
    pub found: Vec<Found>,
    /// Whether there are more.
    pub more: More,
}

impl MarketReader {
    /// Offers of which every word of `query` begins a word: `max` of them after the first `skip`.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn search(&self, query: &str, skip: usize, max: usize) -> Result<Page, StoreError> {
        let mut page = Page {
            found: Vec::new(),
            more: More::No,
        };
        let words = words_of([query]);
        // The longest word is likely the rarest; its part of the index is read, the others are
        // looked for in what that gives.
        let Some(rarest) = words.iter().max_by_key(|word| word.len()) else {
            return Ok(page);
        };
        let from = Table::Word.key(&[rarest.as_bytes()]);
        let end = end_of_beginning(&from);
        let (mut seen, mut skipped) = (BTreeSet::new(), 0);
        for (read, pair) in self.inner.walk(&from, &end).enumerate() {
            if read >= LINES_MAX {
                page.more = More::Yes;
                break;
            }
            let slot = slot_of_line(&pair?.key)
                .ok_or_else(|| self.inner.unreadable("a line of the index"))?;
            if !seen.insert(slot) {
                continue;
            }
            let Some(kept) = self.kept_with(&slot, &words)? else {
                continue;
            };
            if skipped < skip {
                skipped += 1;
            } else if page.found.len() < max {
                page.found.push(kept.shelved(slot));
            } else {
                page.more = More::Yes;
                break;
            }
        }
        Ok(page)
    }

    /// The offer in a slot, if each of `words` begins one of its own.
    fn kept_with(&self, slot: &Slot, words: &BTreeSet<String>) -> Result<Option<Kept>, StoreError> {
        let Some(bytes) = self.inner.get(&Table::Slot.key(&[&slot_bytes(slot)]))? else {
            return Ok(None);
        };
        let kept = Kept::read(&bytes).ok_or_else(|| self.inner.unreadable("a kept record"))?;
        let all = words.iter().all(|word| {
            kept.words
                .split(' ')
                .any(|own| own.starts_with(word.as_str()))
        });
        Ok(all.then_some(kept))
    }
}

/// The words by which texts are found: runs of letters and digits, in lower case, each once.
#[must_use]
pub fn words_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    texts
        .into_iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .map(|word| {
            let mut word = word.to_lowercase();
            let mut end = WORD_BYTES_MAX.min(word.len());
            while !word.is_char_boundary(end) {
                end -= 1;
            }
            word.truncate(end);
            word
        })
        .take(WORDS_MAX)
        .collect()
}

/// The first key that does not begin with `beginning`, which holds no byte 255: UTF-8 has none.
fn end_of_beginning(beginning: &[u8]) -> Vec<u8> {
    let mut end = beginning.to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

fn slot_of_line(key: &[u8]) -> Option<Slot> {
    let (rest, subject) = key.split_last_chunk::<32>()?;
    let (_, author) = rest.split_last_chunk::<32>()?;
    Some(Slot {
        author: PartnerId::from_bytes(*author),
        family: Family::Offer,
        subject: SubjectId::from_bytes(*subject),
    })
}
