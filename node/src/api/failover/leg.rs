//! A leg of a bundle as its failover sees it: whether it has failed, and what is to be found anew then.
//! Whom to ask for it is kept out.

use omni_protocol::deal::order::Order;
use omni_protocol::hash::{BundleId, DealId};
use omni_protocol::machine::{Draft, legs_before};
use omni_protocol::thread::{Conditions, Item, Terms, Window};
use omni_protocol::value::{Gtin, Time};

use super::conflict;
use crate::api::bundles::telling::{self, Known, has_lapsed, is_open, window_of};
use crate::api::offers::of_author;
use crate::api::orders::taking_back::taken_back;
use crate::api::{Problem, Reading};
use crate::plain::quoted;
use crate::view::failover::{FailoverDoc, LegArticleDoc};

/// A leg of a bundle that was begun here.
pub(super) struct Leg {
    /// The bundle's name.
    pub(super) bundle: String,
    /// From 1.
    pub(super) number: u16,
    draft: Draft,
    known: Known,
    /// When the legs that come before it have ended, and when those after it begin.
    between: (Option<Time>, Option<Time>),
}

/// How a leg failed, and what of it is to be found anew.
pub(super) struct Failure {
    /// As [`FailedView::why`](crate::view::failover::FailedView::why) has it.
    pub(super) why: &'static str,
    items: Vec<Item>,
}

impl Leg {
    /// The leg with this number, from 1.
    pub(super) fn named(reading: &Reading, bundle: &str, number: u16) -> Result<Self, Problem> {
        let (_, draft) = telling::named(reading, bundle)?;
        let legs = telling::legs(reading, &draft);
        let there = legs.len();
        let index = usize::from(number).checked_sub(1);
        let found = index.and_then(|index| Self::of(draft, legs, index));
        found.ok_or_else(|| {
            let detail = match there {
                0 => format!("Leg {number} is none: the bundle has no legs yet."),
                _ => format!("Leg {number} is none: the legs are 1 to {there}."),
            };
            super::invalid(detail)
                .next("see its legs: omni bundle show BUNDLE")
                .naming("BUNDLE", &quoted(bundle))
        })
    }

    /// The leg of which this is kept, if its bundle still has it.
    pub(super) fn of_doc(reading: &Reading, deal: DealId, doc: &FailoverDoc) -> Option<Self> {
        let (_, draft): (BundleId, Draft) = telling::named(reading, &doc.bundle).ok()?;
        let legs = telling::legs(reading, &draft);
        let index = legs.iter().position(|leg| leg.leg.deal == deal)?;
        Self::of(draft, legs, index)
    }

    fn of(draft: Draft, mut legs: Vec<Known>, index: usize) -> Option<Self> {
        let deal = legs.get(index)?.leg.deal;
        let number = u16::try_from(index.checked_add(1)?).ok()?;
        let before = legs_before(&draft.legs, deal);
        let earlier = legs.iter().filter(|leg| before.contains(&leg.leg.deal));
        let ended = earlier.filter_map(window_of).map(Window::until).max();
        let later = legs
            .iter()
            .filter(|leg| legs_before(&draft.legs, leg.leg.deal).contains(&deal));
        let begins = later.filter_map(window_of).map(Window::from).min();
        Some(Self {
            bundle: draft.name.to_string(),
            number,
            between: (ended, begins),
            known: legs.swap_remove(index),
            draft,
        })
    }

    pub(super) fn deal(&self) -> DealId {
        self.known.leg.deal
    }

    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    /// Between when the legs before it have ended and those after it begin.
    pub(super) const fn between(&self) -> (Option<Time>, Option<Time>) {
        self.between
    }

    /// Refuses an envelope for what can't fail any more.
    pub(super) fn check_settable(&self, reading: &Reading) -> Result<(), Problem> {
        let Self { number, bundle, .. } = self;
        let Some(why) = self.why_not_settable(reading) else {
            return Ok(());
        };
        let detail = format!("Leg {number} of \"{bundle}\" needs no envelope: {why}.");
        Err(conflict(detail)
            .next("see it: omni bundle show BUNDLE")
            .naming("BUNDLE", &quoted(bundle)))
    }

    /// Why it can't fail any more, if it can't.
    pub(super) fn why_not_settable(&self, reading: &Reading) -> Option<String> {
        let state = telling::row(reading, &self.draft).state;
        if self.draft.changes.is_some() {
            Some("its legs change orders, and an order is not changed by somebody else".to_owned())
        } else if !matches!(state.as_str(), "collecting" | "doubt" | "agreed") {
            Some(format!("it is {state}, so none of its legs can fail"))
        } else if state == "agreed"
            && !is_open(reading, &self.known)
            && self.failure(reading).is_none()
        {
            let why = "nothing of its order is open any more, and its provider did not cancel it";
            Some(why.to_owned())
        } else {
            None
        }
    }

    /// How it failed, if it has.
    pub(super) fn failure(&self, reading: &Reading) -> Option<Failure> {
        if telling::row(reading, &self.draft).state != "agreed" || self.draft.changes.is_some() {
            return None;
        }
        if has_lapsed(&self.known) {
            return Some(Failure {
                why: "lapsed",
                items: items(self.known.terms.as_ref()?),
            });
        }
        let items = taken_back(reading, self.deal())?;
        Some(Failure {
            why: "cancelled",
            items,
        })
    }

    /// The terms that are to be had from somebody else: those in force, of what failed or, where
    /// nothing has, of all of it.
    pub(super) fn wanted(&self, reading: &Reading, failure: Option<&Failure>) -> Option<Terms> {
        let order = Order::read(reading, self.deal());
        let in_force = order.and_then(|order| order.in_force(reading, &reading.network));
        let terms = in_force.or_else(|| self.known.terms.clone())?;
        let items = failure.map_or_else(|| items(&terms), |failure| failure.items.clone());
        let conditions = Conditions {
            on: None,
            ..terms.conditions().clone()
        };
        Terms::new(items, terms.currency(), conditions).ok()
    }

    /// What is known of its articles: now or, of offers that stand no more, before.
    pub(super) fn articles(
        &self,
        reading: &Reading,
        before: Option<&FailoverDoc>,
    ) -> Result<Vec<LegArticleDoc>, Problem> {
        let terms = self.known.terms.as_ref();
        let mut articles = Vec::new();
        for line in terms.map(Terms::lines).unwrap_or_default() {
            let item = line.item();
            let known = of_author(reading, self.known.deal.partner, &item.sku, &item.list)?;
            let kept = before.and_then(|before| article(&before.articles, item));
            articles.push(match (known, kept) {
                (Some(known), _) => LegArticleDoc {
                    sku: item.sku.to_string(),
                    gtin: known.offer.gtin.map(|gtin| gtin.to_string()),
                    lead_hours: Some(known.offer.lead.to_hours()).filter(|hours| *hours > 0),
                },
                (None, Some(kept)) => kept.clone(),
                (None, None) => LegArticleDoc {
                    sku: item.sku.to_string(),
                    ..LegArticleDoc::default()
                },
            });
        }
        Ok(articles)
    }
}

fn items(terms: &Terms) -> Vec<Item> {
    let lines = terms.lines().iter();
    lines.map(|line| line.item().clone()).collect()
}

/// What is known of the article of an item.
pub(super) fn article<'a>(articles: &'a [LegArticleDoc], item: &Item) -> Option<&'a LegArticleDoc> {
    articles.iter().find(|known| known.sku == item.sku.as_str())
}

/// The GTIN of an article, where it has one.
pub(super) fn gtin(article: Option<&LegArticleDoc>) -> Option<Gtin> {
    article?.gtin.as_deref()?.parse().ok()
}
