//! Pages of lists: how many rows a request wants, behind which it goes on, and filling a page. What
//! a row shows, and which are meant, is the noun's matter.

use std::str::FromStr;

use super::{ApiCode, Problem};
use crate::view::PAGE_MAX;

/// Rows where nobody says how many.
const PAGE: usize = 50;

/// How many rows a page shall have.
///
/// # Errors
/// `invalid` for what is no number from 1 to [`PAGE_MAX`].
pub(super) fn limit(text: Option<&str>) -> Result<usize, Problem> {
    let Some(text) = text else { return Ok(PAGE) };
    let limit = text.parse().ok();
    limit
        .filter(|limit| (1..=PAGE_MAX).contains(limit))
        .ok_or_else(|| invalid(format!("limit is a number from 1 to {PAGE_MAX}.")))
}

/// Behind which id a page begins; `first` for the first page.
///
/// # Errors
/// `invalid` for what no page ends with.
pub(super) fn after<T: FromStr>(cursor: Option<&str>, first: T) -> Result<T, Problem> {
    cursor.map_or(Ok(first), |cursor| {
        let bad =
            || invalid("A list goes on at what the page before gave as next (cursor, --after).");
        cursor.parse().map_err(|_why| bad())
    })
}

/// The rows of the first `limit` ids that are meant, and behind which id the next page begins, where
/// one more is meant.
///
/// # Errors
/// Those of `row`.
pub(super) fn fill<I: ToString, R>(
    ids: impl Iterator<Item = I>,
    limit: usize,
    mut row: impl FnMut(&I) -> Result<Option<R>, Problem>,
) -> Result<(Vec<R>, Option<String>), Problem> {
    let (mut rows, mut last) = (Vec::new(), None);
    for id in ids {
        if let Some(found) = row(&id)? {
            if rows.len() >= limit {
                return Ok((rows, last));
            }
            rows.push(found);
        }
        last = Some(id.to_string());
    }
    Ok((rows, None))
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(ApiCode::Invalid, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_on_only_where_more_follows() {
        let check = |limit: usize, rows: &[u32], next: Option<&str>| {
            let even = |n: &u32| Ok(n.is_multiple_of(2).then_some(*n));
            let page = fill([1, 2, 3, 4, 5].into_iter(), limit, even);
            let expected = (rows.to_vec(), next.map(str::to_owned));
            assert_eq!(page, Ok(expected), "{limit}");
        };
        check(1, &[2], Some("3"));
        check(2, &[2, 4], None);
        check(3, &[2, 4], None);
    }

    #[test]
    fn hostile_limits_and_cursors_are_refused() {
        for text in ["", "0", "501", "-1", "1.5", "18446744073709551616"] {
            assert!(limit(Some(text)).is_err(), "{text}");
        }
        assert_eq!(limit(Some("500")), Ok(500));
        assert_eq!(limit(None), Ok(PAGE));
        assert_eq!(after(Some("7"), 0), Ok(7));
        assert_eq!(after(None, 0), Ok(0));
        assert!(after(Some("x"), 0).is_err());
    }
}
