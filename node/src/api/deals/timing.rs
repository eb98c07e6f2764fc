//! When what is asked for shall be fulfilled: the slot of a service by its local time, or a window.
//! Whether a place of the slot is left is the provider's matter.

use omni_protocol::code::Code;
use omni_protocol::limits::MINUTE_MS;
use omni_protocol::thread::Window;
use omni_protocol::value::Time;

use super::building::{self, Article};
use crate::api::offers::calendar;
use crate::api::{ApiCode, Problem};
use crate::calendar::Calendar;
use crate::view::deal::TermsAsk;

/// The window of terms for these articles. Those that have a calendar are all performed in it, so
/// each must have it as a slot that is still to come.
pub(super) fn window(
    ask: &TermsAsk,
    articles: &[Article<'_>],
    now: Time,
) -> Result<Option<Window>, Problem> {
    let mut calendars = Vec::new();
    for article in articles {
        if let Some(calendar) = calendar(article.offer())? {
            calendars.push((article, calendar));
        }
    }
    let window = match (&ask.slot, ask.window, calendars.first()) {
        (Some(_), Some(_), _) => {
            return Err(invalid("Terms name a slot or a window, not both."));
        }
        (Some(_), None, None) => {
            return Err(invalid("slot: none of these articles has a calendar."));
        }
        (Some(text), None, Some((article, calendar))) => Some(slot(text, article, calendar)?),
        (None, Some(doc), _) => Some(building::window(doc)?),
        (None, None, Some((article, _))) => {
            let why = "it is performed in slots, and this names none";
            return Err(article.refused(Code::SlotUnknown, why));
        }
        (None, None, None) => None,
    };
    for (article, calendar) in &calendars {
        if window.is_some_and(|window| !has(calendar, window, now)) {
            let why = "it has no slot that begins and ends then and is still to come";
            return Err(article.refused(Code::SlotUnknown, why));
        }
    }
    Ok(window)
}

fn slot(text: &str, article: &Article<'_>, calendar: &Calendar) -> Result<Window, Problem> {
    let begins = calendar.read(text).ok_or_else(|| {
        let why = format!(
            "a slot is named by its local time in {}, such as 2027-03-01T08:00",
            calendar.zone()
        );
        article.refused(Code::SlotUnknown, &why)
    })?;
    Window::new(begins, ends(calendar, begins)).map_err(|why| invalid(&format!("slot: {why}.")))
}

fn ends(calendar: &Calendar, begins: Time) -> Time {
    begins.plus_ms(u64::from(calendar.minutes()).saturating_mul(MINUTE_MS))
}

fn has(calendar: &Calendar, window: Window, now: Time) -> bool {
    let begins = window.from();
    begins > now
        && window.until() == ends(calendar, begins)
        && calendar.begins((begins.minus_ms(1), begins), 1) == [begins]
}

fn invalid(detail: &str) -> Problem {
    Problem::new(ApiCode::Invalid, detail)
}
