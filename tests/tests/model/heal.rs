//! What two sites come to once nothing befalls them any more: they meet, time passes, and all that
//! is open must end, the same on both sides.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use omni_protocol::{
    deal::{State, credit::Posting},
    machine::{Input, Key},
};

use crate::{
    site::Site,
    world::{Moment, PAST_ALL_MS, PROVIDER, REQUESTER, Word},
};

/// All that healing depends on: both sites, and whether something was lost.
type Begun = (u64, u64, bool);
/// What healing came to, so that it is tried once from each beginning.
static HEALED: LazyLock<Mutex<HashMap<Begun, Result<(), &'static str>>>> =
    LazyLock::new(Mutex::default);

impl Moment {
    /// Whether both sides end with the same decision once all works: whatever is under way is
    /// lost, they meet, time passes, and what waits for an operator is turned down.
    pub fn heals(&self) -> Result<(), &'static str> {
        let [requester, provider] = self.sites.each_ref().map(|site| site.digest());
        let begun = (requester, provider, self.has_lost);
        let healed = || HEALED.lock().unwrap_or_else(PoisonError::into_inner);
        let known = healed().get(&begun).copied();
        if let Some(known) = known {
            return known;
        }
        let mut moment = self.clone();
        moment.mail.clear();
        moment.disconnect();
        let outcome = moment.heal();
        healed().insert(begun, outcome);
        outcome
    }

    fn heal(&mut self) -> Result<(), &'static str> {
        for _ in 0..6 {
            let before = self.sites.each_ref().map(|site| site.head());
            if !self.connected {
                self.connect();
            }
            for at in [REQUESTER, PROVIDER] {
                self.sites[at] = Arc::new(self.sites[at].later(PAST_ALL_MS));
                self.put(at, Input::Pulse);
                if self.has_lost {
                    // Where a partner proves it, or only claims it; else it is refused.
                    self.put(at, Input::OpenEpoch);
                }
                if matches!(
                    self.states()[at],
                    Some(State::Kept | State::Asked | State::Offered)
                ) {
                    self.say(at, Word::Cancel);
                }
            }
            for _ in 0..200 {
                let Some((mail, ..)) = self.mail.first() else {
                    break;
                };
                self.deliver(*mail);
            }
            if !self.mail.is_empty() {
                return Err("two nodes drive each other");
            }
            if self.sites.each_ref().map(|site| site.head()) == before {
                break;
            }
        }
        if let Some(broken) = self.broken {
            return Err(broken);
        }
        self.same()
    }

    /// I12 and I13.
    fn same(&self) -> Result<(), &'static str> {
        match self.states() {
            [Some(State::Agreed), Some(State::Sold)]
            | [Some(State::Aborted), Some(State::Refused)] => {}
            // What never reached the other side, or was given back there.
            [None, None | Some(State::Refused)] => {}
            // Nothing is held. The requester has the Refusal that the provider lost, and no record
            // of its own in this deal with which to show it.
            [Some(State::Aborted), Some(State::Closed)] if self.has_lost => {}
            _ => return Err("they say different things"),
        }
        let postings = self.sites.each_ref().map(|site| {
            let (deal, _) = site.deal()?;
            let posting = Posting::read(&site.store, deal)?;
            posting.lines.first().map(|line| line.amount)
        });
        if postings[0] != postings[1] {
            return Err("they owe different things");
        }
        let asks = |site: &Arc<Site>| {
            site.store
                .0
                .keys()
                .any(|key| matches!(key, Key::Outbox { .. }))
        };
        if self.sites.iter().any(asks) {
            return Err("a question has no answer");
        }
        Ok(())
    }
}
