//! What a page shows and what a run shows, held against each other: text is compared to the letter,
//! spaces by whether there are any; ids, keys, processes and slots are bound, one to one, for the whole
//! guide; times, ports and spans only have to be there.

use super::clock::{self, Clock};

/// Beginnings of ids that are not hexadecimal.
const NAMED: [&str; 3] = ["omni1", "omniinvite1", "12D3KooW"];
/// Fewer hexadecimal digits are a word or a number.
const DIGITS_MIN: usize = 8;
/// Before a number, these make it a port that is another at each start.
const PORTS: [&str; 2] = ["127.0.0.1:", "0.0.0.0:"];
/// Before a number, with or without spaces, these make it a port or a process that stays.
const NUMBERED: [&str; 4] = ["/tcp/", "/udp/", "process", "kill -9"];
/// Behind a number, these make it a span or a size that no two runs share.
const UNITS: [&str; 6] = [" s", " min", " h", " d", " ms", " MiB"];
const SPAN: Token = Token::Free("SPAN");
/// A mark that is there until the partner has answered.
const MARK: &str = "  [no answer yet]";
/// The heading of what was said so far, and what is told above it of where that stands.
const STORY: &str = "story";
const STANDING: [&str; 4] = ["order ", "recipient ", "state ", "until "];
/// Stands for anything within a line, and as a whole line for any lines.
const ANYTHING: &str = "[..]";
const ANY_LINES: &str = "...";

/// What of the pages is what of this run.
#[derive(Debug, Default)]
pub struct Bindings {
    pairs: Vec<(String, String)>,
    clock: Clock,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// Has to be the same.
    Text(String),
    /// Spaces.
    Gap,
    /// Stands for the same thing wherever it stands.
    Bound(String),
    /// Differs each time.
    Free(&'static str),
}

impl Bindings {
    /// Holds what the page says against what was said.
    ///
    /// # Errors
    /// The first line that differs.
    pub fn bind(&mut self, page: &str, run: &str) -> Result<(), String> {
        let page: Vec<&str> = page.trim_end().lines().collect();
        let run: Vec<&str> = run.trim_end().lines().collect();
        let mut new = Vec::new();
        if let Err(line) = self.lines(&page, &run, &mut new) {
            new.clear();
            let is_overtaken = overtaken(&page, &run)
                .is_some_and(|(page, run)| self.lines(&page, &run, &mut new).is_ok());
            if !is_overtaken {
                return Err(format!("it differs at: {line}"));
            }
        }
        self.pairs.extend(new);
        self.clock.hear(&page, &run);
        Ok(())
    }

    /// Takes from what a page said, and what is said now in its place, what is the same thing: the
    /// ids of the lines that are still alike, and what time it is in the page.
    pub fn learn(&mut self, page: &str, run: &str) {
        let page: Vec<&str> = page.lines().collect();
        let run: Vec<&str> = run.lines().collect();
        self.clock.hear(&page, &run);
        let mut rest = run.as_slice();
        for line in page {
            for (at, said) in rest.iter().enumerate() {
                let mut new = Vec::new();
                if self.line(line, said, &mut new) {
                    self.pairs.extend(new);
                    rest = rest.get(at + 1..).unwrap_or_default();
                    break;
                }
            }
        }
    }

    /// A command of the page with the ids of this run.
    #[must_use]
    pub fn as_run(&self, typed: &str) -> String {
        self.translated(typed, |(page, run)| (page, run))
    }

    /// What was said in this run with the ids of the pages, as far as they are bound, and as if it
    /// were said when the pages were written.
    #[must_use]
    pub fn as_page(&self, said: &str) -> String {
        let lines = said.lines().map(|line| {
            let line = self.translated(line, |(page, run)| (run, page));
            self.clock.as_page(&line)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn translated<'a>(
        &'a self,
        text: &str,
        way: impl Fn(&'a (String, String)) -> (&'a String, &'a String),
    ) -> String {
        let mut out = String::new();
        for (token, source) in tokens(text) {
            let found = match &token {
                Token::Bound(from) => self.pairs.iter().map(&way).find_map(|(one, other)| {
                    if one == from {
                        return Some(other.as_str());
                    }
                    let is_beginning = !is_number(from) && one.starts_with(from.as_str());
                    is_beginning.then(|| other.get(..from.len()))?
                }),
                Token::Text(_) | Token::Gap | Token::Free(_) => None,
            };
            out.push_str(found.unwrap_or(source));
        }
        out
    }

    fn lines(
        &self,
        page: &[&str],
        run: &[&str],
        new: &mut Vec<(String, String)>,
    ) -> Result<(), String> {
        let (Some((first, rest)), Some((said, others))) = (page.split_first(), run.split_first())
        else {
            let left = page
                .iter()
                .find(|line| line.trim() != ANY_LINES)
                .or(run.first());
            return left.map_or(Ok(()), |line| Err((*line).to_owned()));
        };
        if first.trim() == ANY_LINES {
            let mut tried = Err((*said).to_owned());
            for skipped in 0..=run.len() {
                let mut found = new.clone();
                let after = run.get(skipped..).unwrap_or_default();
                tried = self.lines(rest, after, &mut found);
                if tried.is_ok() {
                    *new = found;
                    break;
                }
            }
            return tried;
        }
        if !self.line(first, said, new) {
            return Err((*first).to_owned());
        }
        self.lines(rest, others, new)
    }

    fn line(&self, page: &str, run: &str, new: &mut Vec<(String, String)>) -> bool {
        if page.contains(ANYTHING) {
            return fits(&plain(page), &plain(run));
        }
        let (page, run) = (kinds(page), kinds(run));
        page.len() == run.len()
            && page
                .iter()
                .zip(&run)
                .all(|(one, other)| match (one, other) {
                    (Token::Bound(one), Token::Bound(other)) => self.same(one, other, new),
                    (one, other) => one == other,
                })
    }

    /// Whether an id of the page is this id of the run, by what is bound already.
    fn same(&self, page: &str, run: &str, new: &mut Vec<(String, String)>) -> bool {
        let alike = |one: &str, other: &str| match is_number(one) || is_number(other) {
            true => one == other,
            false => one.starts_with(other) || other.starts_with(one),
        };
        let known = self.pairs.iter().chain(new.iter());
        let mut known = known.filter(|(one, other)| alike(one, page) || alike(other, run));
        if known.any(|(one, other)| !(alike(one, page) && alike(other, run))) {
            return false;
        }
        new.push((page.to_owned(), run.to_owned()));
        page.len() == run.len() || is_number(page) || is_long(page)
    }
}

/// What of a page and of a run has to be alike where the page waits for an answer that the run has
/// already: the partner's node may be quicker than the command that tells what it did. That is all up
/// to the word that was answered, but for where the thread stands.
fn overtaken<'a>(page: &[&'a str], run: &[&'a str]) -> Option<(Vec<&'a str>, Vec<&'a str>)> {
    let awaited = page.iter().rposition(|line| line.ends_with(MARK))?;
    let story = |lines: &[&str]| lines.iter().position(|line| *line == STORY);
    let behind = awaited.checked_sub(story(page)?)?;
    let answered = story(run)?.checked_add(behind)?;
    if run.len() == answered + 1 || run.get(answered)?.ends_with(MARK) {
        return None;
    }
    let told = |lines: &[&'a str], last: usize| {
        let lines = lines.iter().take(last + 1).copied();
        let is_standing = |line: &str| STANDING.iter().any(|name| line.starts_with(name));
        lines.filter(|line| !is_standing(line)).collect()
    };
    Some((told(page, awaited), told(run, answered)))
}

/// Invites differ in length from run to run, since addresses do.
fn is_long(id: &str) -> bool {
    id.starts_with("omniinvite1")
}

/// Ports and processes: they have no beginnings that mean the same. An id can have decimal digits
/// alone, and more of them.
fn is_number(id: &str) -> bool {
    id.len() < DIGITS_MIN && id.chars().all(|c| c.is_ascii_digit())
}

/// The tokens of a line as they are compared: a span is one, whether it has one unit or two.
fn kinds(line: &str) -> Vec<Token> {
    let line = line.replace(MARK, "");
    let mut tokens = tokens(line.trim_end()).into_iter().map(|(token, _)| token);
    let mut found: Vec<Token> = Vec::new();
    while let Some(token) = tokens.next() {
        if token == SPAN {
            // Its unit stands behind the space.
            let _unit = tokens.nth(1);
            if let [.., SPAN, Token::Gap] = found[..] {
                found.pop();
                continue;
            }
        }
        found.push(token);
    }
    found
}

/// A line for the comparison with a wildcard, which binds nothing.
fn plain(line: &str) -> String {
    let text = |token: Token| match token {
        Token::Text(text) => text,
        Token::Gap => " ".to_owned(),
        Token::Bound(_) => "ID".to_owned(),
        Token::Free(kind) => kind.to_owned(),
    };
    kinds(line).into_iter().map(text).collect()
}

fn fits(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once(ANYTHING) else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(before.trim_end()) else {
        return false;
    };
    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    let after = after.trim_start();
    ends.filter_map(|at| rest.get(at..))
        .any(|rest| fits(after, rest.trim_start()))
}

/// The tokens of a line, each with its source.
fn tokens(line: &str) -> Vec<(Token, &str)> {
    let mut found: Vec<(Token, &str)> = Vec::new();
    let mut at = 0;
    while let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) {
        let before = line.get(..at).unwrap_or_default();
        let (token, length) = token(before, rest);
        let source = rest.get(..length).unwrap_or(rest);
        at += source.len();
        found.push((token, source));
    }
    found
}

fn token(before: &str, rest: &str) -> (Token, usize) {
    let span = |is: fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
    let spaces = span(|c| c == ' ');
    if spaces > 0 {
        return (Token::Gap, spaces);
    }
    if let Some(length) = clock::time(rest) {
        return (Token::Free("TIME"), length);
    }
    if let Some(length) = clock::local(rest) {
        let slot = rest.get(..length).unwrap_or_default();
        return (Token::Bound(slot.to_owned()), length);
    }
    let length = span(|c| c.is_ascii_alphanumeric());
    let Some(word) = rest.get(..length).filter(|word| !word.is_empty()) else {
        let length = rest.chars().next().map_or(1, char::len_utf8);
        return (Token::Text(rest.chars().take(1).collect()), length);
    };
    let behind = rest.get(length..).unwrap_or_default();
    let unit = |unit: &str| {
        let after = behind.strip_prefix(unit).map(|after| after.chars().next());
        after.is_some_and(|next| next.is_none_or(|c| !c.is_ascii_alphanumeric()))
    };
    let is_number = word.chars().all(|c| c.is_ascii_digit());
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let is_named = NAMED
        .iter()
        .any(|name| word.starts_with(name) && word.len() > name.len());
    let is_numbered = is_number
        && NUMBERED
            .iter()
            .any(|words| before.trim_end().ends_with(words));
    let token = if is_named || is_numbered {
        Token::Bound(word.to_owned())
    } else if is_number && PORTS.iter().any(|words| before.ends_with(words)) {
        Token::Free("PORT")
    } else if is_number && word.len() == 13 {
        Token::Free("MS")
    } else if is_number && UNITS.iter().any(|u| unit(u)) {
        SPAN
    } else if length >= DIGITS_MIN && word.chars().all(is_hex) {
        Token::Bound(word.to_owned())
    } else {
        Token::Text(word.to_owned())
    };
    (token, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_may_differ() {
        let check = |page: &str, run: &str, same: bool| {
            let bound = Bindings::default().bind(page, run);
            assert_eq!(bound.is_ok(), same, "{page:?} {run:?} {bound:?}");
        };
        check("at 2026-11-21 21:20:00Z", "at 2027-01-02 03:04:05Z", true);
        check("2026-11-21T21:20:00.123Z x", "2027-01-02T03:04:05Z x", true);
        check("http://127.0.0.1:41733/v1", "http://127.0.0.1:7/v1", true);
        check("up 3 s (14 min left)", "up 11 s (9 min left)", true);
        check("since 2 min 29 s, x", "since 39 s, x", true);
        check("since 2 min 29 s", "since 39 s, x", false);
        check("ready  process 123", "ready  process 4567", true);
        check("process     123", "process     4567", true);
        check("omni1abcdef  a", "omni1ghijkl   a", true);
        check(
            "deadbeef00 and deadbeef00",
            "0123456789 and 0123456789",
            true,
        );
        check(
            "deadbeef00 and deadbeef00",
            "0123456789 and 0123456788",
            false,
        );
        check(
            "deadbeef00 and feedbeef00",
            "0123456789 and 0123456789",
            false,
        );
        check("3 rows", "4 rows", false);
        check("12.00 EUR", "13.00 EUR", false);
        check("30 days", "31 days", false);
        check("a\n...\nz", "a\nb\nc\nz", true);
        check("a\n...\nz", "a\nb\nc", false);
        check("a", "a\nb", false);
        check("a [..] z", "a b c z", true);
        check("a [..] z", "a b c", false);
        check("said  [no answer yet]", "said", true);
        let told = |state: &str, story: &str| {
            format!("thread  deadbeef00\nstate  {state}\n\nstory\n  we asked\n{story}")
        };
        let page = told("doubt", "  we committed  [no answer yet]\n\nnext\n  wait");
        let quick = "  we committed\n  they wrote the Receipt\n\nnext\n  show";
        check(&page, &told("agreed", quick), true);
        check(
            &page,
            &told("agreed", "  we gave it back\n  they refused"),
            false,
        );
        check(&page, &told("agreed", "  we committed"), false);
        check(
            &page,
            &told("agreed", "  we committed  [no answer yet]\n  x"),
            false,
        );
        let slots = "2026-11-21T09:00 and 2026-11-22T09:00";
        check(slots, "2027-01-02T09:00 and 2027-01-03T09:00", true);
        check(slots, "2027-01-02T09:00 and 2027-01-02T09:00", false);
    }

    #[test]
    fn commands_mean_what_the_pages_showed() {
        let mut bindings = Bindings::default();
        let page = "thread  deadbeef00112233\nprocess 77";
        bindings
            .bind(page, "thread  0123456789abcdef\nprocess 4242")
            .unwrap();
        assert_eq!(
            bindings.as_run("omni show deadbeef0011"),
            "omni show 0123456789ab"
        );
        assert_eq!(bindings.as_run("kill -9 77"), "kill -9 4242");
        assert_eq!(bindings.as_page("a 0123456789ab"), "a deadbeef0011");
        assert!(bindings.bind("deadbeef00", "9999999999").is_err());
        assert!(bindings.bind("beefbeef00", "0123456789").is_err());
    }

    #[test]
    fn what_is_written_anew_keeps_the_ids_and_the_time_of_its_page() {
        let mut bindings = Bindings::default();
        let page = "thread  deadbeef00112233\nstate   doubt\nat 2026-11-21 21:20:00Z we said\n";
        let run =
            "thread  0123456789abcdef\nstate   doubt (more)\nat 2026-11-22 03:00:09Z we said\n";
        assert!(bindings.bind(page, run).is_err());
        bindings.learn(page, run);
        assert_eq!(
            bindings.as_page(run),
            "thread  deadbeef00112233\nstate   doubt (more)\nat 2026-11-21 21:20:00Z we said"
        );
    }
}
