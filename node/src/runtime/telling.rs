//! Telling: what happens becomes a numbered event in the very batch that makes it true, so that
//! the stream has no gap over a restart and a follower needs no place in memory. Who follows is
//! the API's matter.

use std::collections::{BTreeSet, VecDeque};

use omni_protocol::hash::{DealId, ManifestId, PartnerId};
use omni_protocol::machine::{BundleNews, Event, Verdict};

use crate::store::happened::{self, EVENTS_KEPT, EVENTS_TOGETHER};
use crate::view::event::{EventView, WhatView};

/// A write under a key of events.
pub(super) type Write = (Vec<u8>, Option<Vec<u8>>);

#[derive(Debug)]
pub(super) struct Telling {
    newest: u64,
    /// Those of the open batch, a line each.
    open: Vec<Vec<u8>>,
    /// The last numbers of the lots that are kept, ascending.
    lots: VecDeque<u64>,
    /// The partner that was named last, as it is shown: most events name one again and again, and
    /// the checksum takes long.
    named: Option<(PartnerId, String)>,
    /// Deals of which the log of this life says already that they fail.
    failing: BTreeSet<DealId>,
}

impl Telling {
    /// Goes on after the events that are kept in these lots.
    pub(super) fn after(lots: Vec<u64>) -> Self {
        Self {
            newest: lots.last().copied().unwrap_or_default(),
            open: Vec::new(),
            lots: lots.into(),
            named: None,
            failing: BTreeSet::new(),
        }
    }

    pub(super) const fn newest(&self) -> u64 {
        self.newest
    }

    /// Tells of the next event, with the open batch.
    pub(super) fn tell(&mut self, at_ms: u64, what: WhatView) {
        let number = self.newest.saturating_add(1);
        self.newest = number;
        let event = EventView {
            number,
            at_ms,
            what,
        };
        // Structs of texts and numbers always have a JSON form, which is one line.
        self.open
            .push(serde_json::to_vec(&event).unwrap_or_default());
    }

    /// Says of deals that were left out, once of each, that they fail: all others go on.
    pub(super) fn left_out(&mut self, deals: &[(DealId, Verdict)]) {
        for (deal, why) in deals {
            if self.failing.insert(*deal) {
                tracing::error!(%deal, ?why, "what is due of a deal fails: it is left out, please report it");
            }
        }
    }

    /// What the batch writes that is closed now: its events, and the end of lots of which none is
    /// among those that are kept.
    pub(super) fn close(&mut self) -> Vec<Write> {
        let told = std::mem::take(&mut self.open);
        let mut writes = Vec::new();
        let mut last = self
            .newest
            .saturating_sub(u64::try_from(told.len()).unwrap_or_default());
        for lot in told.chunks(EVENTS_TOGETHER) {
            last = last.saturating_add(u64::try_from(lot.len()).unwrap_or_default());
            self.lots.push_back(last);
            writes.push((happened::key(last), Some(lot.join(&b'\n'))));
        }
        let ended = self.newest.saturating_sub(EVENTS_KEPT);
        while let Some(lot) = self.lots.pop_front_if(|lot| *lot <= ended) {
            writes.push((happened::key(lot), None));
        }
        writes
    }

    /// As the stream tells it.
    pub(super) fn what(&mut self, event: &Event) -> WhatView {
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
                partner: partner.map(|partner| self.name(partner)),
            },
            Event::Said {
                partner,
                thread,
                record,
            } => WhatView::Said {
                partner: self.name(*partner),
                thread: thread.to_string(),
                record: record.to_string(),
            },
            Event::Deal {
                partner,
                deal,
                state,
            } => WhatView::Deal {
                partner: self.name(*partner),
                deal: deal.to_string(),
                state: state.name().to_owned(),
            },
            Event::Bundle {
                manifest,
                name,
                news,
            } => bundle(*manifest, name.as_ref().map(|name| name.as_str()), *news),
            Event::Rejected {
                partner,
                record,
                code,
            } => WhatView::Rejected {
                partner: self.name(*partner),
                record: record.to_string(),
                code: code.name().to_owned(),
            },
            Event::Accused {
                partner,
                claim,
                record,
            } => WhatView::Accused {
                partner: self.name(*partner),
                claim: claim.name().to_owned(),
                evidence: record.to_string(),
            },
            Event::Ahead { partner } => WhatView::Ahead {
                partner: self.name(*partner),
            },
            Event::Recovering => WhatView::Recovering,
        }
    }

    fn name(&mut self, partner: PartnerId) -> String {
        match &self.named {
            Some((named, text)) if *named == partner => text.clone(),
            Some(_) | None => {
                let text = partner.to_string();
                self.named = Some((partner, text.clone()));
                text
            }
        }
    }
}

fn bundle(manifest: ManifestId, name: Option<&str>, news: BundleNews) -> WhatView {
    WhatView::Bundle {
        bundle: name.map(str::to_owned),
        manifest: manifest.to_string(),
        state: news.name().to_owned(),
    }
}
