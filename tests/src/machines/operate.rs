//! What operators say: anything that a deal, thread or order may hear, fitting or not.

use omni_protocol::{
    deal::{
        Deal, Side, State,
        order::{Order, cancellation_fee},
    },
    fence::Bytes,
    hash::{DealId, PartnerId, ThreadId},
    machine::{Approval, Binding, Count, Input, Key, Proposing, Requesting, Verb},
    thread::{Change, ChangeWhat, Happening, Role, Terms},
    value::{Minor, Prose, Text},
};

use super::{MINUTE_MS, Machines, cancellation, judge::states, network, sold_by, withdrawable};

/// Hundredths of a percent that a cancellation costs.
const FEE: u16 = 1_000;

impl Machines<'_> {
    /// The operator of a node says something.
    pub(super) fn operate(&mut self) {
        let at = self.node();
        let mut with = self.choices.below(self.nodes.len() - 1);
        with += usize::from(with >= at);
        let kind = self.choices.below(16);
        let thread = self.thread(at);
        let deal = self.deal(at);
        let verb = match (kind, thread, deal) {
            (0 | 1, thread, _) => {
                let thread = thread.filter(|_| self.choices.one_in(2));
                Some(self.request(at, with, thread))
            }
            (2..=4, thread, _) => {
                let thread = thread.filter(|_| !self.choices.one_in(3));
                Some(self.propose(at, with, thread))
            }
            (5..=7, Some(thread), _) => {
                let alternative = u8::from(self.choices.one_in(4));
                Some(Verb::Accept {
                    thread,
                    alternative,
                })
            }
            (8, Some(thread), _) => Some(Verb::Reject { thread }),
            (9, _, Some(deal)) => Some(Verb::Cancel { deal }),
            (10, _, Some(deal)) => Some(Verb::WriteOff { deal }),
            (11, _, Some(deal)) => self.about_order(at, deal),
            (12, Some(thread), _) => Some(Verb::Withdraw { thread }),
            (13, Some(thread), _) => Some(self.talk(at, thread)),
            (14, _, Some(deal)) => Some(hand_over(deal)),
            (15, ..) => return self.count(at),
            _ => None,
        };
        if let Some(verb) = verb {
            self.tell(format!("{at} says {}", name_of(&verb)));
            self.put(at, Input::Verb(Box::new(verb)));
        }
    }

    fn thread(&mut self, at: usize) -> Option<ThreadId> {
        let threads = self.nodes[at].store.0.keys().filter_map(|key| match key {
            Key::Thread { thread } => Some(*thread),
            _ => None,
        });
        let threads: Vec<_> = threads.collect();
        threads.get(self.choices.below(threads.len())).copied()
    }

    fn deal(&mut self, at: usize) -> Option<DealId> {
        let deals: Vec<_> = states(&self.nodes[at]).into_keys().collect();
        deals.get(self.choices.below(deals.len())).copied()
    }

    fn partner(&self, at: usize) -> PartnerId {
        self.nodes[at].partner()
    }

    fn terms(&mut self, provider: usize) -> Terms {
        let (sku, price) = sold_by(provider);
        let price = price - [0, 0, 100][self.choices.below(3)];
        let steps = 1 + self.choices.below(4) as u64;
        withdrawable(sku, price, steps, FEE)
    }

    fn request(&mut self, at: usize, with: usize, thread: Option<ThreadId>) -> Verb {
        Verb::Request(Requesting {
            partner: self.partner(with),
            thread,
            proposal: None,
            valid_until: self.nodes[at].now().plus_ms(30 * MINUTE_MS),
            terms: self.terms(with),
            commit: [Approval::Given, Approval::Asked][self.choices.below(2)],
        })
    }

    fn propose(&mut self, at: usize, with: usize, thread: Option<ThreadId>) -> Verb {
        let (role, provider) =
            [(Role::Requester, with), (Role::Provider, at)][self.choices.below(2)];
        let binding = [Binding::Firm, Binding::Open][self.choices.below(2)];
        let mut alternatives = vec![self.terms(provider)];
        if self.choices.one_in(3) {
            alternatives.push(self.terms(provider));
        }
        Verb::Propose(Proposing {
            partner: self.partner(with),
            thread,
            role,
            binding,
            valid_until: self.nodes[at].now().plus_ms(25 * MINUTE_MS),
            alternatives,
        })
    }

    fn talk(&mut self, at: usize, thread: ThreadId) -> Verb {
        let text: Prose<2048> = "Is it blue?".parse().unwrap();
        match self.choices.below(3) {
            0 => Verb::Question { thread, text },
            1 => Verb::Answer { thread, text },
            _ => Verb::Inquire {
                partner: self.partner((at + 1) % self.nodes.len()),
                thread: None,
                text,
            },
        }
    }

    /// An event of an order, or its cancellation.
    fn about_order(&mut self, at: usize, deal: DealId) -> Option<Verb> {
        let store = &self.nodes[at].store;
        let order = Order::read(store, deal)?;
        if order.side == Side::Provider {
            return Some(Verb::Happen {
                order: deal,
                what: [Happening::Packed, Happening::Completed][self.choices.below(2)],
                occurred: self.nodes[at].now(),
                lines: Vec::new(),
                reference: Text::default(),
                note: Prose::default(),
            });
        }
        let known = Deal::read(store, deal)?;
        let agreed = known.terms(store, &network(), deal)?;
        let item = agreed.lines()[0].item();
        let on = Change {
            order: deal,
            version: order.version,
            what: ChangeWhat::Cancel,
        };
        let article = (item.sku.as_str(), item.price.minor().get(), 1);
        let free = cancellation(article, 0, on);
        let now = self.nodes[at].now();
        let fee = cancellation_fee(store, &network(), deal, &free, now).map_or(0, Minor::get);
        Some(Verb::Propose(Proposing {
            partner: known.partner,
            thread: None,
            role: Role::Requester,
            binding: Binding::Firm,
            valid_until: now.plus_ms(25 * MINUTE_MS),
            alternatives: vec![cancellation(article, fee, on)],
        }))
    }

    /// Goods arrive.
    fn count(&mut self, at: usize) {
        self.tell(format!("{at} counts"));
        let count = Count {
            sku: sold_by(at).0.parse().unwrap(),
            list: Text::default(),
            steps: 40,
        };
        self.put(at, Input::Count(count));
    }

    /// What is kept and not committed is given back.
    pub(super) fn give_back(&mut self, at: usize) {
        for (deal, state) in states(&self.nodes[at]) {
            if state == State::Kept {
                self.put(at, Input::Verb(Box::new(Verb::Cancel { deal })));
            }
        }
    }
}

fn hand_over(deal: DealId) -> Verb {
    Verb::Handover {
        deal,
        sealing_key: [3; 32],
        encapsulated: [4; 32],
        sealed: Bytes::new(vec![5; 64]).unwrap(),
    }
}

fn name_of(verb: &Verb) -> String {
    let told = format!("{verb:?}");
    told.split([' ', '(']).take(2).collect::<Vec<_>>().join(" ")
}
