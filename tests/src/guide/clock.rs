//! What time it is in the pages: a page that is written anew in part shows the times of the rest,
//! as if all of it were typed in one run.

use jiff::{SignedDuration, Timestamp};

/// How far this run is from the one that the pages show.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// From the time of the run to that of the page.
    shift: SignedDuration,
}

impl Clock {
    /// Looks at two texts that tell the same: the last of their times are the same moment.
    pub(super) fn hear(&mut self, page: &[&str], run: &[&str]) {
        let (page, run) = (times(page), times(run));
        if page.len() == run.len()
            && let (Some(page), Some(run)) = (page.last(), run.last())
        {
            self.shift = page.duration_since(*run);
        }
    }

    /// A line of this run with the times of the pages.
    pub(super) fn as_page(&self, line: &str) -> String {
        let (mut out, mut rest) = (String::new(), line);
        while let Some(c) = rest.chars().next() {
            let length = time(rest).unwrap_or(c.len_utf8());
            let (token, after) = rest.split_at(length);
            match read(token) {
                Some(at) => out.push_str(&as_written(at + self.shift, token)),
                None => out.push_str(token),
            }
            rest = after;
        }
        out
    }
}

/// The length of a time such as `2026-11-21 21:20:00Z`, with or without parts of a second.
pub(super) fn time(rest: &str) -> Option<usize> {
    const FORM: &str = "0000-00-00 00:00:00";
    let head = rest.get(..FORM.len())?;
    let fits = head.chars().zip(FORM.chars()).all(|(c, form)| match form {
        '0' => c.is_ascii_digit(),
        ' ' => c == ' ' || c == 'T',
        form => c == form,
    });
    let tail = rest.get(FORM.len()..)?;
    let parts = tail.find(|c: char| c != '.' && !c.is_ascii_digit())?;
    (fits && tail.get(parts..)?.starts_with('Z')).then_some(FORM.len() + parts + 1)
}

/// The length of a time as slots are named by, such as `2026-11-21T09:00`, or of one of UTC.
pub(super) fn local(rest: &str) -> Option<usize> {
    const FORM: &str = "0000-00-00T00:00";
    let head = rest.get(..FORM.len())?;
    let fits = head.chars().zip(FORM.chars()).all(|(c, form)| match form {
        '0' => c.is_ascii_digit(),
        form => c == form,
    });
    let behind = rest.get(FORM.len()..)?;
    let (length, behind) = match behind.strip_prefix('Z') {
        Some(behind) => (FORM.len() + 1, behind),
        None => (FORM.len(), behind),
    };
    let next = behind.chars().next();
    let ends = next.is_none_or(|c| !c.is_ascii_alphanumeric() && c != ':');
    (fits && ends).then_some(length)
}

fn read(token: &str) -> Option<Timestamp> {
    time(token).and_then(|_length| token.parse().ok())
}

/// A time in the form of another.
fn as_written(at: Timestamp, form: &str) -> String {
    let between = if form.contains('T') { "T" } else { " " };
    let parts = if form.contains('.') { "%.3f" } else { "" };
    at.strftime(&format!("%Y-%m-%d{between}%H:%M:%S{parts}Z"))
        .to_string()
}

fn times(lines: &[&str]) -> Vec<Timestamp> {
    let starts = |line: &'_ str| line.char_indices().map(|(at, _)| at).collect::<Vec<_>>();
    let all = lines.iter().flat_map(|line| {
        let tokens = starts(line).into_iter().filter_map(|at| {
            let rest = line.get(at..)?;
            read(rest.get(..time(rest)?)?)
        });
        tokens.collect::<Vec<_>>()
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_on_the_clock_of_the_page() {
        let mut clock = Clock::default();
        assert_eq!(
            clock.as_page("at 2027-01-01 00:00:00Z"),
            "at 2027-01-01 00:00:00Z"
        );
        clock.hear(&["a 2026-11-21 21:20:00Z"], &["a 2027-01-01 00:00:00Z, é"]);
        clock.hear(&["a 2026-11-21 21:20:00Z"], &["none"]);
        let check = |run: &str, page: &str| assert_eq!(clock.as_page(run), page);
        check("é 2027-01-01 00:00:10Z x", "é 2026-11-21 21:20:10Z x");
        check("2027-01-01T02:40:00.125Z", "2026-11-22T00:00:00.125Z");
        check("9999-99-99 00:00:00Z", "9999-99-99 00:00:00Z");
    }
}
