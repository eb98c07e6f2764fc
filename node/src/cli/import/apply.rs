//! What is done with the drafts: with `--apply` they are published in parts, their stock is counted,
//! and at the end what the files no longer hold is withdrawn; without it the node is asked what that
//! would change. What a row says is not judged here.

use std::collections::BTreeSet;
use std::time::Duration;

use omni_protocol::value::Time;
use serde::Serialize;

use super::super::offer::{ARTICLES_MAX, OFFERS_MAX};
use super::preview::Previewed;
use crate::client::{Client, ClientError};
use crate::formats::draft::{Draft, Stock};
use crate::view::draft::doc_of;
use crate::view::money::quantity_text;
use crate::view::offer::{ArticleDoc, OfferDoc, OffersView, PublishAsk, PublishView, WithdrawAsk};
use crate::view::preview::{PreviewAsk, PreviewView};
use crate::view::stock::{CountDoc, CountsAsk, CountsView};

/// Below the largest body that the node takes, with room for what stands around the offers.
const PART_BYTES_MAX: usize = 700 * 1024;
/// When the node says that it is busy: pauses before the same part is offered again.
const PATIENCE: [Duration; 6] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// What changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Applied {
    /// Offers that were published or changed.
    pub(super) published: u64,
    /// Offers that stood so already.
    pub(super) unchanged: u64,
    /// Counts of stock that changed something.
    pub(super) counted: u64,
    /// Counts that said what was so already.
    pub(super) counts_unchanged: u64,
    /// Articles of which the files say that there are some, and not how many.
    pub(super) uncounted: u64,
    /// Offers that the files no longer hold.
    pub(super) withdrawn: u64,
}

/// Whether stock is counted too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counting {
    Yes,
    No,
}

/// Whether what the files no longer hold is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Stays,
    Withdrawn,
}

/// What the node is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// To publish and count.
    Applying,
    /// To say what that would change.
    Previewing,
}

/// Drafts on their way to the node.
#[derive(Debug)]
pub(super) struct Apply {
    client: Client,
    doing: Doing,
    counting: Counting,
    missing: Missing,
    offers: Vec<OfferDoc>,
    counts: Vec<CountDoc>,
    bytes: usize,
    seen: BTreeSet<ArticleDoc>,
    done: Applied,
    previewed: Previewed,
    failed: Option<ClientError>,
}

impl Apply {
    pub(super) fn new(client: Client, doing: Doing, counting: Counting, missing: Missing) -> Self {
        Self {
            client,
            doing,
            counting,
            missing,
            offers: Vec::new(),
            counts: Vec::new(),
            bytes: 0,
            seen: BTreeSet::new(),
            done: Applied::default(),
            previewed: Previewed::default(),
            failed: None,
        }
    }

    pub(super) fn doing(&self) -> Doing {
        self.doing
    }

    /// Takes one more draft. After a failure nothing more is sent.
    pub(super) fn take(&mut self, draft: &Draft) {
        if self.failed.is_some() {
            return;
        }
        // The reader made the offer once already, to see that it can be made.
        let Ok(offer) = draft.offer(Time::default()) else {
            return;
        };
        let doc = doc_of(&offer);
        let bytes = serde_json::to_vec(&doc).map_or(0, |json| json.len());
        if self.offers.len() >= OFFERS_MAX || self.bytes.saturating_add(bytes) > PART_BYTES_MAX {
            self.send();
        }
        if self.missing == Missing::Withdrawn {
            self.seen.insert(ArticleDoc {
                sku: doc.sku.clone(),
                list: doc.list.clone(),
            });
        }
        self.count(draft, &doc);
        self.bytes = self.bytes.saturating_add(bytes);
        self.offers.push(doc);
    }

    fn count(&mut self, draft: &Draft, doc: &OfferDoc) {
        let steps = match (self.counting, draft.stock) {
            (Counting::No, _) | (Counting::Yes, Stock::Unsaid) => return,
            (Counting::Yes, Stock::Some) => {
                self.done.uncounted = self.done.uncounted.saturating_add(1);
                return;
            }
            (Counting::Yes, Stock::Counted(steps)) => steps,
            (Counting::Yes, Stock::Out) => 0,
        };
        self.counts.push(CountDoc {
            sku: doc.sku.clone(),
            list: doc.list.clone(),
            quantity: quantity_text(steps, &draft.unit),
        });
    }

    fn send(&mut self) {
        self.bytes = 0;
        let offers = std::mem::take(&mut self.offers);
        let counts = std::mem::take(&mut self.counts);
        if self.failed.is_none()
            && let Err(e) = self.send_part(offers, counts)
        {
            self.failed = Some(e);
        }
    }

    fn send_part(
        &mut self,
        offers: Vec<OfferDoc>,
        counts: Vec<CountDoc>,
    ) -> Result<(), ClientError> {
        if self.doing == Doing::Previewing {
            let ask = PreviewAsk { offers, counts };
            let view: PreviewView = patiently(|| self.client.post("/v1/previews", &ask))?;
            self.previewed.add(view);
            return Ok(());
        }
        if !offers.is_empty() {
            let ask = PublishAsk { offers };
            let view: PublishView = patiently(|| self.client.post("/v1/offers", &ask))?;
            self.done.published = self.done.published.saturating_add(length(&view.published));
            self.done.unchanged = self.done.unchanged.saturating_add(view.unchanged);
        }
        if !counts.is_empty() {
            let ask = CountsAsk { counts };
            let view: CountsView = patiently(|| self.client.post("/v1/stock", &ask))?;
            self.done.counted = self.done.counted.saturating_add(view.changed);
            self.done.counts_unchanged = self.done.counts_unchanged.saturating_add(view.unchanged);
        }
        Ok(())
    }

    /// What all of it would change; none where the node could not be asked to the end.
    pub(super) fn previewed(mut self) -> Option<Previewed> {
        self.send();
        self.failed.is_none().then_some(self.previewed)
    }

    /// Sends what is left. With `whole`, what the files no longer hold is withdrawn if that was
    /// wanted.
    pub(super) fn finish(mut self, whole: bool) -> (Applied, Option<ClientError>) {
        self.send();
        if self.failed.is_none() && self.missing == Missing::Withdrawn && whole {
            self.failed = self.withdraw_missing().err();
        }
        (self.done, self.failed)
    }

    /// Withdraws own offers in the lists of the files that the files do not hold.
    fn withdraw_missing(&mut self) -> Result<(), ClientError> {
        let lists: BTreeSet<String> = self.seen.iter().map(|a| a.list.clone()).collect();
        let mut missing = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut path = "/v1/offers?mine=true&limit=500".to_owned();
            if let Some(cursor) = &cursor {
                path.push_str(&format!("&cursor={cursor}"));
            }
            let page: OffersView = self.client.get(&path)?;
            for offer in page.offers {
                let article = ArticleDoc {
                    sku: offer.sku,
                    list: offer.list,
                };
                if lists.contains(&article.list) && !self.seen.contains(&article) {
                    missing.push(article);
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        for articles in missing.chunks(ARTICLES_MAX) {
            let ask = WithdrawAsk {
                articles: articles.to_vec(),
                reason: "ended".to_owned(),
            };
            let view: PublishView = patiently(|| self.client.post("/v1/withdrawals", &ask))?;
            self.done.withdrawn = self.done.withdrawn.saturating_add(length(&view.published));
        }
        Ok(())
    }
}

fn length<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

/// Asks again while the node says that it is busy. A part that was taken twice changes nothing.
fn patiently<T>(ask: impl Fn() -> Result<T, ClientError>) -> Result<T, ClientError> {
    for pause in PATIENCE {
        match ask() {
            Err(ClientError::Refused(problem)) if problem.code == "overloaded" => {
                std::thread::sleep(pause);
            }
            answer => return answer,
        }
    }
    ask()
}
