//! What befalls several machines by chance: messages that are lost, repeated and late, clocks that
//! run, links that break, nodes that restart, and one that may fall back to an old copy of itself.

use omni_protocol::machine::{Input, Key};
use omni_tests::market::Node;

use omni_tests::party::{MINUTE_MS, Party};

/// Numbers that look random and are the same for one seed (xorshift, Marsaglia 2003).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % limit
    }

    pub fn one_in(&mut self, parts: usize) -> bool {
        self.below(parts) == 0
    }
}

/// Runs one storm for each of so many seeds, and says whether that came to an agreement: of them
/// all more than one in `parts` must, and not all.
pub fn storms(seeds: u64, parts: u64, run: impl Fn(u64) -> bool) {
    let mut agreed = 0;
    for seed in 0..seeds {
        println!("seed {seed}");
        agreed += u64::from(run(seed));
    }
    println!("{agreed} of {seeds} agreed");
    assert!(
        agreed > seeds / parts && agreed < seeds,
        "{agreed} of {seeds}"
    );
}

/// The chance, and who may lose what it wrote last.
pub struct Weather {
    pub chance: Chance,
    loser: Option<usize>,
    copy: Option<Node>,
    has_lost: bool,
}

impl Weather {
    pub fn new(mut chance: Chance, party: &Party) -> Self {
        let loses = chance.one_in(2);
        let loser = chance.below(party.nodes.len());
        Self {
            chance,
            loser: loses.then_some(loser),
            copy: None,
            has_lost: false,
        }
    }

    /// One thing befalls them, most often that a message arrives.
    pub fn strike(&mut self, party: &mut Party) {
        match self.chance.below(17) {
            0..=11 if !party.mail.is_empty() => self.carry(party),
            0..=12 => {
                let ms = [500, 3_000, 70_000, 6 * MINUTE_MS][self.chance.below(4)];
                let one = self.chance.below(2 * party.nodes.len());
                match party.nodes.get_mut(one) {
                    Some(node) => node.ms += ms,
                    None => party.nodes.iter_mut().for_each(|node| node.ms += ms),
                }
            }
            13 | 14 => {
                let at = self.chance.below(party.nodes.len());
                party.put(at, Input::Pulse);
            }
            15 => {
                let pairs = party.pairs();
                let (one, other) = pairs[self.chance.below(pairs.len())];
                if self.chance.one_in(3) {
                    party.disconnect(one, other);
                } else {
                    party.connect(one, other);
                }
            }
            _ => {
                let at = self.chance.below(party.nodes.len());
                if self.loser == Some(at) && self.chance.one_in(2) {
                    self.copy_or_put_back(party, at);
                } else if self.chance.one_in(2) {
                    party.restart(at);
                }
            }
        }
    }

    /// An old copy is made, or put back.
    fn copy_or_put_back(&mut self, party: &mut Party, at: usize) {
        match self.copy.take() {
            None => self.copy = Some(party.nodes[at].clone()),
            Some(copy) => {
                self.has_lost = true;
                party.put_back(at, copy);
            }
        }
    }

    /// One message arrives, once, twice, now and later, or never.
    fn carry(&mut self, party: &mut Party) {
        let index = self.chance.below(party.mail.len());
        let mail = party.mail.remove(index).unwrap();
        match self.chance.below(10) {
            0 => {}
            1 => {
                party.deliver(mail.clone());
                party.deliver(mail);
            }
            2 => {
                party.mail.push_back(mail.clone());
                party.deliver(mail);
            }
            _ => party.deliver(mail),
        }
    }

    /// All clocks agree again, everybody meets, and time passes.
    pub fn heal(&mut self, party: &mut Party) {
        let latest = party.nodes.iter().map(|node| node.ms).max().unwrap();
        for node in &mut party.nodes {
            node.ms = latest;
        }
        // A greeting that a session lost comes with the next one.
        for (one, other) in party.pairs() {
            party.disconnect(one, other);
        }
        for _ in 0..12 {
            party.connect_all();
            party.settle();
            party.open_epochs();
            party.wait(2 * MINUTE_MS);
        }
    }

    /// Nobody honest is accused. Who lost what it signed may contradict it unknowingly.
    pub fn judge(&self, party: &Party) {
        let loser = self.loser.filter(|_| self.has_lost);
        let loser = loser.map(|loser| party.partner(loser));
        for (at, node) in party.nodes.iter().enumerate() {
            let accuses =
                node.store.0.keys().any(
                    |key| matches!(key, Key::Evidence { accused, .. } if Some(*accused) != loser),
                );
            assert!(!accuses, "{at} accuses an honest partner");
        }
    }
}
