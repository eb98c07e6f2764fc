//! Telling: what happens becomes a numbered event in the very batch that makes it true, so that
//! the stream has no gap over a restart and a follower needs no place in memory. Who follows is
//! the API's matter.

use omni_protocol::machine::Event;

use crate::store::happened::{self, EVENTS_KEPT};
use crate::view::event::{EventView, WhatView};

/// Writes under the keys of events.
pub(super) type Writes = [(Vec<u8>, Option<Vec<u8>>); 2];

#[derive(Debug)]
pub(super) struct Telling {
    newest: u64,
}

impl Telling {
    /// Goes on after the newest event that is kept.
    pub(super) const fn after(newest: u64) -> Self {
        Self { newest }
    }

    pub(super) const fn newest(&self) -> u64 {
        self.newest
    }

    /// The next event, and the end of the one that is no longer kept.
    pub(super) fn write(&mut self, at_ms: u64, what: WhatView) -> Writes {
        let number = self.newest.saturating_add(1);
        self.newest = number;
        let event = EventView {
            number,
            at_ms,
            what,
        };
        // Structs of texts and numbers always have a JSON form.
        let bytes = serde_json::to_vec(&event).unwrap_or_default();
        let ended = number.saturating_sub(EVENTS_KEPT);
        [
            (happened::key(number), Some(bytes)),
            (happened::key(ended), None),
        ]
    }
}

/// As the stream tells it.
pub(super) fn what(event: &Event) -> WhatView {
    match event {
        Event::Published {
            record,
            family,
            subject,
        } => WhatView::Published {
            record: record.to_string(),
            family: family.name().to_owned(),
            subject: subject.to_string(),
        },
        Event::Counted {
            subject,
            counted,
            short,
        } => WhatView::Counted {
            subject: subject.to_string(),
            counted: *counted,
            short: *short,
        },
        Event::Granted { partner } => WhatView::Granted {
            partner: partner.map(|partner| partner.to_string()),
        },
        Event::Said {
            partner,
            thread,
            record,
        } => WhatView::Said {
            partner: partner.to_string(),
            thread: thread.to_string(),
            record: record.to_string(),
        },
        Event::Deal {
            partner,
            deal,
            state,
        } => WhatView::Deal {
            partner: partner.to_string(),
            deal: deal.to_string(),
            state: state.name().to_owned(),
        },
        Event::Rejected {
            partner,
            record,
            code,
        } => WhatView::Rejected {
            partner: partner.to_string(),
            record: record.to_string(),
            code: code.name().to_owned(),
        },
        Event::Accused {
            partner,
            claim,
            record,
        } => WhatView::Accused {
            partner: partner.to_string(),
            claim: claim.name().to_owned(),
            evidence: record.to_string(),
        },
        Event::Ahead { partner } => WhatView::Ahead {
            partner: partner.to_string(),
        },
        Event::Recovering => WhatView::Recovering,
    }
}
