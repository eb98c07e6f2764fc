//! A production machine in some state of a deal, and a partner whose records a test forges.

use omni_protocol::{
    code::Code,
    deal::Deal,
    fence::List,
    frame::{Head, Lives, Notice, NoticeWhat},
    hash::{DealId, RecordId, ThreadId},
    ledger::LedgerHead,
    machine::{Approval, Grant, Input, Key, Policy, Received, Standing, Step, Verb},
    thread::{Life, Terms},
    value::{Minor, Money},
};
use omni_tests::market::{BEGINNING_MS, Identity, Node, Peer, article, greeting, terms};

pub const MINUTE_MS: u64 = 60_000;
pub const DAY_MS: u64 = 86_400_000;

/// Which record opens the deal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Via {
    /// A Request.
    Request,
    /// The partner's firm proposal.
    TheirProposal,
    /// This node's own firm proposal.
    OwnProposal,
}

/// One deal in one state.
#[derive(Clone)]
pub struct Scene {
    pub us: Node,
    pub them: Peer,
    pub deal: Option<DealId>,
    /// The partner's record that opened the deal, or its Hold.
    pub first: Option<Received>,
    pub hold: Option<Received>,
    pub commit: Option<Received>,
    pub decision: Option<Received>,
}

pub fn goods() -> Terms {
    terms("A", 1000, 2)
}

impl Scene {
    /// A node with an article on sale and a partner that has greeted it.
    pub fn new(policy: Policy) -> Self {
        let mut us = Node::started(1, policy);
        article(&mut us, "A", 1000, 10);
        let them = Peer {
            identity: Identity::new(2),
            to: us.partner(),
            life: Life::new(77).unwrap(),
            epoch: 0,
            sequence: 0,
            ms: BEGINNING_MS,
            thread: None,
            parent: None,
        };
        let mut scene = Self {
            us,
            them,
            deal: None,
            first: None,
            hold: None,
            commit: None,
            decision: None,
        };
        scene.grant_all();
        scene.greet(&[]);
        scene
    }

    fn grant_all(&mut self) {
        let partner = self.them.identity.partner;
        let standing = Standing::Partner;
        self.us
            .must(Input::Grant(Grant::Standing { partner, standing }));
        self.limit(100_000);
    }

    /// Sets credit and budget.
    pub fn limit(&mut self, minor: i64) {
        let partner = self.them.identity.partner;
        let limit = Money {
            minor: Minor::new(minor).unwrap(),
            currency: "EUR".parse().unwrap(),
        };
        self.us.must(Input::Grant(Grant::Credit { partner, limit }));
        self.us.must(Input::Grant(Grant::Budget { partner, limit }));
    }

    /// The partner greets the present life, and names these deals as decided here.
    pub fn greet(&mut self, decided: &[DealId]) -> Step {
        let partner = self.them.identity.partner;
        self.us.put(Input::Met(partner));
        let (life, own) = (self.them.life, self.us.life());
        let mut greeting = greeting(partner, self.us.partner(), life, own);
        greeting.open_decisions = List::new(decided).unwrap();
        self.us.put(Input::Greeting(Box::new(greeting)))
    }

    pub fn gone(&mut self) {
        self.us.put(Input::Gone(self.them.identity.partner));
    }

    pub fn letter(&mut self, records: &[&Received]) -> Step {
        self.letter_with(records, &[])
    }

    pub fn letter_with(&mut self, records: &[&Received], attached: &[&Received]) -> Step {
        let owned = |list: &[&Received]| list.iter().map(|one| (*one).clone()).collect();
        self.us.put(Input::Letter {
            from: self.them.identity.partner,
            lives: self.lives(),
            records: owned(records),
            attached: owned(attached),
        })
    }

    pub fn what_is(&mut self, record: &Received) -> Step {
        self.us.put(Input::WhatIs {
            from: self.them.identity.partner,
            records: vec![record.clone()],
        })
    }

    /// The partner says that it stored a record, with a ledger of so many entries.
    pub fn stored(&mut self, record: RecordId, size: u64) -> Step {
        self.us.put(Input::Stored {
            from: self.them.identity.partner,
            lives: self.lives(),
            record,
            head: Head {
                size,
                ..(&LedgerHead::empty()).into()
            },
        })
    }

    /// Between which lives the partner sends.
    fn lives(&self) -> Lives {
        Lives {
            from: self.them.life,
            to: self.us.life(),
        }
    }

    pub fn verb(&mut self, verb: Verb) -> Step {
        self.us.put(Input::Verb(Box::new(verb)))
    }

    pub fn lost(&mut self) -> Step {
        self.notice(NoticeWhat::Lost, Code::Lost)
    }

    /// The partner's notice about the deal.
    pub fn notice(&mut self, what: NoticeWhat, code: Code) -> Step {
        let notice = Notice {
            what,
            from: self.them.identity.partner,
            to: self.us.partner(),
            key_index: 0,
            life: self.them.life,
            about: self.deal_id().into(),
            code,
            at: self.us.now(),
        };
        self.us.put(Input::Notice(notice))
    }

    /// Both clocks go on.
    pub fn wait(&mut self, ms: u64) {
        self.us.ms += ms;
        self.them.ms += ms;
    }

    /// Time is noticed while nobody is connected, so that nothing is sent again.
    pub fn pulse(&mut self) -> Step {
        self.gone();
        self.us.put(Input::Pulse)
    }

    pub fn deal_id(&self) -> DealId {
        self.deal.expect("the scene has a deal")
    }

    pub fn kept(&self) -> Option<Deal> {
        Deal::read(&self.us.store, self.deal?)
    }

    /// The name of the deal's state.
    pub fn state(&self) -> String {
        self.kept()
            .map_or("none".into(), |deal| deal.state.name().into())
    }

    pub fn thread(&self) -> ThreadId {
        self.them.thread.expect("the scene has a thread")
    }

    /// From now on the partner speaks in the thread that this record opened.
    pub fn opened_by(&mut self, record: RecordId) {
        self.deal = Some(record.into());
        self.them.thread = Some(record.into());
        self.them.parent = Some(record);
    }

    /// The record that this node signed last in the deal, by its id.
    pub fn own_hold(&self) -> RecordId {
        self.kept().unwrap().hold.unwrap()
    }

    pub fn own_commit(&self) -> RecordId {
        self.kept().unwrap().commit.unwrap()
    }

    /// Whether this node says that it recovers.
    pub fn recovers(&self) -> bool {
        self.us.store.0.contains_key(&Key::Recovery {})
    }

    /// Gives a hold for these terms and loses all that it kept; what the partner can show of it: its
    /// Commit, the hold and its Request.
    pub fn lose_a_hold(&mut self, terms: Terms) -> [Received; 3] {
        let request = self.them.request(terms, 60, None);
        self.opened_by(request.record.id());
        self.letter(&[&request]);
        let (deal, hold) = (self.deal_id(), self.own_hold());
        let shown = self.us.received(hold, &[&self.us.identity]).unwrap();
        let commit = self.them.commit(deal, hold, 0);
        self.forget_all();
        [commit, shown, request]
    }

    /// The same node after it lost all that it kept.
    pub fn forget_all(&mut self) {
        let policy = Policy::default();
        let ms = self.us.ms;
        self.us = Node::started(1, policy);
        self.us.ms = ms;
        self.grant_all();
        self.greet(&[]);
    }
}

/// This node's own hand, for records that it has lost.
pub fn own_hand(scene: &Scene) -> Peer {
    Peer {
        identity: scene.us.identity.clone(),
        to: scene.them.identity.partner,
        life: scene.us.life(),
        ..scene.them.clone()
    }
}

pub fn asking() -> Policy {
    Policy {
        requests: Approval::Asked,
        ..Policy::default()
    }
}

pub fn accepting() -> Policy {
    Policy {
        proposals: Approval::Given,
        ..Policy::default()
    }
}
