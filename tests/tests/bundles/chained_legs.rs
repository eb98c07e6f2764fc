//! Bundles between production machines of which one leg is a chain: it arms from the leaf up, and the
//! certificate of the whole decides all of it.

use omni_protocol::{
    bundle::BundleBody,
    deal::Deal,
    frame::NoticeWhat,
    hash::{BundleId, DealId, RecordId},
    limits::CHAIN_SILENCE_MS,
    machine::{Bundling, Input, Key, Policy, Received, Short, Verb, Verdict},
    thread::ThreadBody,
};
use omni_tests::market::Node;

use omni_tests::party::{MINUTE_MS, Mail, Party, What, made, policy};

/// The first asks the second, which has it, and the third, which asks on from node to node.
#[derive(Clone)]
struct Bunch {
    party: Party,
    bundle: BundleId,
    /// Each deal with its requester and its provider.
    deals: Vec<(usize, usize, DealId)>,
    /// Each node as it was before anything was asked.
    before: Vec<Node>,
}

impl Bunch {
    fn held(depth: usize) -> Self {
        let asking = Policy {
            short: Short::Ask,
            ..policy()
        };
        let mut party = Party::new(vec![asking; 3 + depth]);
        for at in 2..2 + depth {
            party.befriend(at, at + 1);
            party.count(at, 0);
        }
        party.settle();
        let before = party.nodes.clone();
        let (one, other) = (party.request(1, 1), party.request(2, 1));
        party.settle();
        let mut deals = vec![(0, 1, one), (0, 2, other)];
        for at in 2..2 + depth {
            let above = deals[at - 1].2;
            let part = made(&party.source(at, above, at + 1));
            deals.push((at, at + 1, part));
            party.settle();
        }
        let bundle = party.draft(&[one, other]);
        let bunch = Self {
            party,
            bundle,
            deals,
            before,
        };
        assert_eq!(bunch.states(), vec![("held", "held"); 2 + depth]);
        bunch
    }

    fn commit(&mut self) {
        let verdict = self.party.commit(self.bundle);
        assert!(matches!(verdict, Verdict::Made(_)), "{verdict:?}");
    }

    fn states(&self) -> Vec<(&'static str, &'static str)> {
        let state = |at, deal| self.party.state(at, deal);
        let deals = self.deals.iter();
        deals
            .map(|(asks, has, deal)| (state(*asks, *deal), state(*has, *deal)))
            .collect()
    }

    #[track_caller]
    fn ended(&mut self, agreed: bool) {
        let expected = if agreed {
            ("agreed", "sold")
        } else {
            ("aborted", "refused")
        };
        assert_eq!(self.states(), vec![expected; self.deals.len()]);
        let leaf = self.party.nodes.len() - 1;
        for at in 0..=leaf {
            let has_it = at == 1 || at == leaf;
            let stock = self.party.stock(at);
            let sold = u64::from(agreed && has_it);
            assert_eq!((stock.held, stock.sold), (0, sold), "stock of {at}");
            assert_eq!(self.party.questions(at), [""; 0], "asked by {at}");
        }
        for (asks, has, _) in self.deals.clone() {
            let (here, there) = (self.party.account(asks, has), self.party.account(has, asks));
            assert_eq!((here.doubt.get(), there.held.get()), (0, 0));
            assert_eq!(here.payable, there.receivable, "owed by {asks}");
        }
        self.party.verify();
    }

    /// How many records of another node one has.
    fn heard_from(&self, at: usize, other: usize) -> usize {
        let author = self.party.partner(other);
        let node = &self.party.nodes[at];
        let records = node.store.0.keys().filter_map(|key| match key {
            Key::Record { id } => node.record(*id),
            _ => None,
        });
        records.filter(|record| record.author() == author).count()
    }

    fn heal(&mut self) {
        for _ in 0..3 {
            self.party.connect_all();
            self.party.settle();
            self.party.open_epochs();
            self.party.wait(2 * MINUTE_MS);
        }
    }
}

#[test]
fn a_leg_that_is_a_chain_is_agreed_with_the_others() {
    for depth in 1..=3 {
        let mut bunch = Bunch::held(depth);
        bunch.commit();
        bunch.party.settle();
        bunch.ended(true);
    }
}

#[test]
fn whoever_refuses_ends_all_legs_and_all_parts() {
    for depth in 1..=2 {
        for late in 1..3 + depth {
            let mut bunch = Bunch::held(depth);
            // Its clock runs ahead, beyond the end of its hold.
            bunch.party.nodes[late].ms += 16 * MINUTE_MS;
            bunch.commit();
            bunch.party.settle();
            bunch.heal();
            bunch.ended(false);
        }
    }
}

/// Three have armed and the middle partner is gone; the other leg arms, and has a session with the leaf.
fn orphaned() -> Bunch {
    let mut bunch = Bunch::held(1);
    bunch.party.cut_off(1);
    bunch.commit();
    bunch.party.settle();
    let armed = [("doubt", "held"), ("doubt", "armed"), ("doubt", "armed")];
    assert_eq!(bunch.states(), armed);
    bunch.party.cut_off(2);
    bunch.party.connect(0, 1);
    bunch.party.connect(1, 3);
    bunch.party.settle();
    bunch
}

#[test]
fn i23_a_leaf_in_doubt_asks_the_members_of_the_whole() {
    let mut bunch = orphaned();
    bunch.party.wait(CHAIN_SILENCE_MS - 1);
    assert_eq!(bunch.party.state(3, bunch.deals[2].2), "armed");
    assert_eq!(bunch.heard_from(1, 3), 0);
    bunch.party.wait(1);
    assert_eq!(bunch.party.state(3, bunch.deals[2].2), "sold");
    bunch.heal();
    bunch.ended(true);
}

#[test]
fn a_restart_of_the_leaf_begins_the_silence_anew() {
    let mut bunch = orphaned();
    bunch.party.wait(CHAIN_SILENCE_MS - 1);
    bunch.party.restart(3);
    bunch.party.connect(1, 3);
    bunch.party.settle();
    bunch.party.wait(CHAIN_SILENCE_MS - 1);
    assert_eq!(bunch.party.state(3, bunch.deals[2].2), "armed");
    bunch.party.wait(1);
    assert_eq!(bunch.party.state(3, bunch.deals[2].2), "sold");
}

#[test]
fn a_leaf_in_recovery_does_not_look_without_end_whom_to_ask() {
    let mut bunch = orphaned();
    let copy = bunch.party.nodes[3].clone();
    bunch.party.count(3, 40);
    let later = &bunch.party.nodes[3];
    let shown = later.machine.checkpoint(&later.store).expect("kept");
    bunch.party.put_back(3, copy);
    bunch.party.put(3, Input::Shown(shown));
    bunch.party.wait(CHAIN_SILENCE_MS);
    // Nobody is here who could be asked.
    assert_eq!(bunch.party.put(3, Input::Pulse).wake, None);
    bunch.party.put(3, Input::OpenEpoch);
    bunch.party.connect(1, 3);
    bunch.party.settle();
    bunch.party.wait(1);
    assert_eq!(bunch.party.state(3, bunch.deals[2].2), "sold");
}

#[test]
fn who_meets_its_middle_partner_again_asks_it_alone() {
    let mut bunch = orphaned();
    bunch.party.cut_off(3);
    bunch.party.wait(CHAIN_SILENCE_MS);
    let asks = |bunch: &Bunch, of: usize| {
        let questions = bunch.party.questions(3);
        questions
            .iter()
            .any(|asked| asked.contains(&format!("of {of} ")))
    };
    assert!(asks(&bunch, 0) && asks(&bunch, 1) && asks(&bunch, 2));
    bunch.party.connect(2, 3);
    bunch.party.settle();
    assert!(!asks(&bunch, 0) && !asks(&bunch, 1) && asks(&bunch, 2));
    bunch.party.connect(1, 3);
    bunch.party.settle();
    bunch.party.wait(10 * MINUTE_MS);
    assert_eq!(bunch.party.state(3, bunch.deals[2].2), "armed");
    bunch.heal();
    bunch.ended(true);
}

/// All have sessions with each other, and whoever stands below a middle partner says nothing above it.
#[test]
fn nobody_above_a_middle_partner_hears_from_below() {
    for depth in 1..=3 {
        for late in [None, Some(1)] {
            let mut bunch = Bunch::held(depth);
            if let Some(late) = late {
                bunch.party.nodes[late].ms += 16 * MINUTE_MS;
            }
            bunch.commit();
            for _ in 0..5_000 {
                let Some(mail) = bunch.party.mail.pop_front() else {
                    break;
                };
                let is_hidden = mail.from > 2 && mail.to + 1 < mail.from;
                assert!(
                    !is_hidden,
                    "{} tells {}: {:?}",
                    mail.from, mail.to, mail.what
                );
                bunch.party.deliver(mail);
            }
            bunch.party.wait(2 * MINUTE_MS);
            bunch.ended(late.is_none());
            for below in 3..3 + depth {
                for above in 0..below - 1 {
                    assert_eq!(bunch.heard_from(above, below), 0, "{above} of {below}");
                }
            }
        }
    }
}

/// Whoever shows the Manifest of the whole around, or asks for it, is answered by the leaf as by
/// somebody who has no part in it.
#[test]
fn who_tries_finds_no_leaf() {
    for (open, from) in [(true, 0), (false, 0), (false, 1)] {
        let mut bunch = Bunch::held(1);
        if open {
            bunch.party.cut_off(1);
        }
        bunch.commit();
        bunch.party.settle();
        let asked = Deal::read(&bunch.party.nodes[0].store, bunch.deals[0].2);
        let manifest = asked.and_then(|deal| deal.manifest).unwrap().into();
        bunch.party.show(from, 3, manifest);
        bunch.party.ask_lost(from, 3, manifest);
        let says_no = |mail: &Mail| match &mail.what {
            What::Notice(notice) => notice.what == NoticeWhat::Rejected,
            _ => false,
        };
        assert_eq!(bunch.party.mail.len(), 2, "{:?}", bunch.party.mail);
        assert!(
            bunch.party.mail.iter().all(says_no),
            "{:?}",
            bunch.party.mail
        );
    }
}

#[test]
fn i23_everybody_restarts_while_a_chain_arms() {
    for node in 0..4 {
        for carried in 0..14 {
            let mut bunch = Bunch::held(1);
            bunch.commit();
            for _ in 0..carried {
                if let Some(mail) = bunch.party.mail.pop_front() {
                    bunch.party.deliver(mail);
                }
            }
            bunch.party.restart(node);
            bunch.heal();
            bunch.ended(true);
        }
    }
}

#[test]
fn a_part_whose_manifest_never_came_ends_with_the_whole() {
    let mut bunch = Bunch::held(1);
    bunch.party.cut_off(3);
    // The other leg refuses: its clock runs ahead, beyond the end of its hold.
    bunch.party.nodes[1].ms += 16 * MINUTE_MS;
    bunch.commit();
    bunch.party.settle();
    let ended = [("aborted", "refused"), ("aborted", "refused")];
    assert_eq!(bunch.states()[..2], ended);
    // In a new life the leaf closes its hold when that is over, and waits for what was committed.
    bunch.party.restart(3);
    bunch.party.wait(20 * MINUTE_MS);
    bunch.heal();
    bunch.ended(false);
}

/// A letter of its last record has no room for the Manifest of the whole, without which a leaf that
/// lost all of its part takes nothing of it.
#[test]
fn a_leaf_that_lost_a_part_is_shown_the_whole_with_it() {
    let mut bunch = Bunch::held(1);
    bunch.commit();
    bunch.party.settle();
    bunch.ended(true);
    let copy = bunch.before[3].clone();
    bunch.party.put_back(3, copy);
    bunch.heal();
    bunch.ended(true);
}

/// How all stands when so many messages have arrived since the commit, with what each node kept
/// after each of them.
struct Moment {
    bunch: Bunch,
    copies: Vec<(usize, Node)>,
}

fn moments() -> Vec<Moment> {
    let mut bunch = Bunch::held(1);
    let mut copies: Vec<(usize, Node)> = bunch.party.nodes.iter().cloned().enumerate().collect();
    bunch.commit();
    let mut moments = Vec::new();
    loop {
        for (at, node) in bunch.party.nodes.iter().enumerate() {
            let mut known = copies.iter().rev();
            let last = known.find(|(of, _)| *of == at);
            if last.is_some_and(|(_, last)| last.store != node.store) {
                copies.push((at, node.clone()));
            }
        }
        moments.push(Moment {
            bunch: bunch.clone(),
            copies: copies.clone(),
        });
        let Some(mail) = bunch.party.mail.pop_front() else {
            return moments;
        };
        bunch.party.deliver(mail);
    }
}

/// At each moment all that is under way is lost, one falls back to any copy of it, and meets one
/// other long before it meets the rest.
#[test]
fn i21_whoever_falls_back_while_a_chain_arms_ends_alike() {
    let mut agreed = 0;
    let mut runs = 0;
    for (carried, moment) in moments().into_iter().enumerate() {
        for (loser, copy) in &moment.copies {
            for first in [0, 3].into_iter().filter(|first| first != loser) {
                let mut bunch = moment.bunch.clone();
                bunch.party.put_back(*loser, copy.clone());
                (0..4).for_each(|at| bunch.party.cut_off(at));
                bunch.party.wait(30 * MINUTE_MS);
                bunch.party.connect(*loser, first);
                bunch.party.settle();
                bunch.heal();
                let states = bunch.states();
                let is_agreed = states == [("agreed", "sold"); 3];
                // Who lost its own Commit before anybody had it has a hold that is over.
                let mut refused = states
                    .iter()
                    .map(|(asks, has)| (asks.replace("held", "aborted"), *has));
                let is_good =
                    is_agreed || refused.all(|state| state == ("aborted".to_owned(), "refused"));
                let context = format!("{loser} falls back after {carried}, meets {first}");
                assert!(is_good, "{context}: {states:?}");
                bunch.party.verify();
                agreed += usize::from(is_agreed);
                runs += 1;
            }
        }
    }
    assert!(agreed > 0 && agreed < runs, "{agreed} of {runs}");
}

/// The middle partner has its hold back from above, and knows of no part: the leaf is away.
#[test]
fn a_leg_whose_part_is_lost_is_refused_before_its_hold_ends() {
    let mut bunch = Bunch::held(1);
    let before = bunch.before[2].clone();
    bunch.party.put_back(2, before);
    bunch.party.cut_off(3);
    bunch.party.connect(0, 2);
    bunch.party.connect(1, 2);
    bunch.party.settle();
    bunch.party.open_epochs();
    assert_eq!(bunch.states()[1..], [("held", "held"), ("none", "held")]);
    bunch.commit();
    bunch.party.wait(MINUTE_MS);
    assert_eq!(bunch.states()[..2], [("aborted", "refused"); 2]);
    bunch.heal();
    bunch.ended(false);
}

/// A middle partner asks its part of one that has a leg of the whole too, which refuses that before it
/// heard of the manifest of the part. Lost are the letters that ask by that; where the provider begins a
/// new life before, those too that bring it along. Handed back are the parties with the deals, and the
/// Refusal where a letter brought the manifest along.
fn refused_before_the_part_came(is_new_life: bool) -> (Party, [DealId; 3], Option<RecordId>) {
    let asking = Policy {
        short: Short::Ask,
        ..policy()
    };
    let mut party = Party::new(vec![asking; 3]);
    party.befriend(1, 2);
    party.count(1, 0);
    party.settle();
    let (one, other) = (party.request(2, 1), party.request(1, 1));
    party.settle();
    let part = made(&party.source(1, other, 2));
    party.settle();
    let bundle = party.draft(&[one, other]);
    // Its holds are over; those of an earlier life wait for what was committed by them.
    party.nodes[2].ms += 16 * MINUTE_MS;
    if is_new_life {
        party.cut_off(2);
    }
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    if is_new_life {
        party.settle();
        party.restart(2);
        party.connect_all();
    }
    let is_of_parts = |received: &Received| match received.record.body() {
        ThreadBody::Bundle(BundleBody::Manifest(manifest)) => manifest.whole().is_some(),
        _ => false,
    };
    let mut refusal = None;
    while let Some(mail) = party.mail.pop_front() {
        let What::Letter(_, asked, attached) = &mail.what else {
            party.deliver(mail);
            continue;
        };
        let asks = asked.iter().any(is_of_parts);
        let brings = attached.iter().any(is_of_parts);
        if brings && !asks {
            refusal = asked.first().map(|received| received.record.id());
        }
        if !(asks || brings && is_new_life) {
            party.deliver(mail);
        }
    }
    (party, [one, other, part], refusal)
}

fn assert_all_ended(party: &Party, [one, other, part]: [DealId; 3]) {
    for (asks, has, deal) in [(0, 2, one), (0, 1, other), (1, 2, part)] {
        let states = (party.state(asks, deal), party.state(has, deal));
        assert_eq!(states, ("aborted", "refused"), "{asks} asked {has}");
    }
}

#[test]
fn who_refused_the_whole_hears_of_the_part_that_it_ended() {
    let (party, deals, _) = refused_before_the_part_came(false);
    assert_all_ended(&party, deals);
}

/// Its provider stored the Refusal that came in a letter without it.
#[test]
fn a_part_is_asked_on_until_its_manifest_is_stored() {
    let (mut party, deals, refusal) = refused_before_the_part_came(true);
    party.show(1, 2, refusal.expect("it was sent"));
    party.settle();
    assert_eq!(party.state(2, deals[2]), "closed");
    party.wait(MINUTE_MS);
    assert_all_ended(&party, deals);
}

/// All of a chain lapsed, and the middle partner lost that the other leg armed, which nobody notices:
/// what it bought is decided by that all the same.
#[test]
fn a_middle_partner_whose_leg_lapsed_asks_what_its_part_waits_for() {
    let mut bunch = Bunch::held(1);
    bunch.party.cut_off(1);
    bunch.commit();
    bunch.party.settle();
    for at in [2, 3] {
        bunch.party.nodes[at].ms += 61 * MINUTE_MS;
    }
    for (_, has, deal) in bunch.deals.clone().into_iter().skip(1) {
        let lapse = Verb::Bundle(Bundling::Lapse { deal });
        let verdict = bunch.party.verb(has, lapse);
        assert!(matches!(verdict, Verdict::Made(_)), "{verdict:?}");
    }
    bunch.party.settle();
    let copy = bunch.party.nodes[2].clone();
    bunch.party.connect(0, 1);
    bunch.party.connect(1, 2);
    bunch.party.settle();
    let lapsed = ("aborted", "lapsed");
    assert_eq!(bunch.states(), [("agreed", "sold"), lapsed, lapsed]);
    bunch.party.put_back(2, copy);
    assert_eq!(bunch.states()[2], ("doubt", "lapsed"));
    bunch.party.connect_all();
    bunch.party.settle();
    bunch.party.put(2, Input::OpenEpoch);
    bunch.party.settle();
    bunch.party.wait(MINUTE_MS);
    assert_eq!(bunch.states(), [("agreed", "sold"), lapsed, lapsed]);
    bunch.party.verify();
}

/// It is shown its Manifest with that of the whole, and then what the leaf said of its part, for which the
/// letter has no room for the whole: that is taken at once.
#[test]
fn a_middle_partner_that_lost_its_part_keeps_the_whole_that_comes_with_it() {
    let mut bunch = Bunch::held(1);
    bunch.commit();
    bunch.party.settle();
    let copy = bunch.before[2].clone();
    bunch.party.put_back(2, copy);
    bunch.party.connect(2, 3);
    bunch.party.settle();
    bunch.party.put(2, Input::OpenEpoch);
    bunch.party.settle();
    assert_eq!(bunch.states()[2], ("agreed", "sold"));
    bunch.heal();
    bunch.ended(true);
}
