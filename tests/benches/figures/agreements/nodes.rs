//! Two production runtimes with their stores and the real net on loopback, trading as fast as
//! they do.

use std::fs;
use std::path::Path;
use std::time::Instant;

use omni_node::store::{Owner, happened, ledger};
use omni_protocol::code::Code;
use omni_protocol::machine::{
    Approval, Count, Grant, Input, Publication, Requesting, Standing, Verb, Verdict,
};
use omni_protocol::value::{Minor, Money, Text};
use omni_tests::goods::{euro, now, offer, terms};
use omni_tests::node::{Node, Reach, network, wait_for};

/// What agreements cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Agreements per second, until the buyer's disk has the last.
    pub(crate) per_second: f64,
    /// Syncs of one node for one agreement.
    pub(crate) syncs: f64,
    /// Bytes in one node's ledger for one agreement.
    pub(super) bytes: f64,
}

/// Comes to `count` agreements, `in_flight` at once.
pub(crate) async fn agree(in_flight: usize, count: usize) -> Cost {
    let folder = tempfile::tempdir().expect("a folder");
    let homes = ["seller", "buyer"].map(|side| folder.path().join(side));
    for home in &homes {
        fs::create_dir(home).expect("made");
    }
    let seller = Node::start(&homes[0], 1, Reach::Loopback);
    let buyer = Node::start(&homes[1], 2, Reach::Loopback);
    prepare(&seller, &buyer).await;
    let in_ledgers = || {
        homes
            .iter()
            .map(|home| bytes_of(&home.join("ledger")))
            .sum::<u64>()
    };
    let before = in_ledgers();
    let took = trade(&buyer, &seller, in_flight, count).await;
    let after = in_ledgers();
    let mut syncs = 0;
    for (node, home) in [seller, buyer].into_iter().zip(&homes) {
        syncs += end(node, home).await;
    }
    let each = |both: u64| both as f64 / 2.0 / count as f64;
    Cost {
        per_second: count as f64 / took,
        syncs: each(syncs),
        bytes: each(after - before),
    }
}

/// Ends a node, and says how often it synced.
pub(crate) async fn end(node: Node, home: &Path) -> u64 {
    let owner = Owner {
        network: *network().id().as_bytes(),
        partner: *node.partner.as_bytes(),
    };
    node.end().await;
    let (_reader, appender) = ledger::open(home, owner, 99).expect("opens");
    appender.last().number
}

/// Makes partners of two, who may sell to each other and buy as much as they like.
pub(crate) async fn prepare(seller: &Node, buyer: &Node) {
    buyer.befriend(seller).await;
    let limit = Money {
        minor: Minor::new(1_000_000_000_000).expect("small"),
        currency: euro(),
    };
    let (partner, standing) = (buyer.partner, Standing::Partner);
    let count = Count {
        sku: Text::new("SKU-1").expect("valid"),
        list: Text::default(),
        steps: 1_000_000,
    };
    for input in [
        Input::Grant(Grant::Standing { partner, standing }),
        Input::Grant(Grant::Credit { partner, limit }),
        Input::Publish(vec![Publication::Offer(Box::new(offer(1)))]),
        Input::Count(count),
    ] {
        let verdict = seller.decide(input).await;
        assert!(
            matches!(verdict, Verdict::Done | Verdict::Made(_)),
            "{verdict:?}"
        );
    }
    let partner = seller.partner;
    let budget = Input::Grant(Grant::Budget { partner, limit });
    assert_eq!(buyer.decide(budget).await, Verdict::Done);
}

pub(crate) fn request(seller: &Node, commit: Approval) -> Input {
    Input::Verb(Box::new(Verb::Request(Requesting {
        partner: seller.partner,
        thread: None,
        proposal: None,
        valid_until: now().plus_ms(3_600_000),
        terms: terms(1),
        commit,
    })))
}

/// Seconds from the first request to the last agreement that is counted; one agreement before
/// them shows that both have greeted each other.
async fn trade(buyer: &Node, seller: &Node, in_flight: usize, count: usize) -> f64 {
    let mut agreed = Heard::new(buyer);
    wait_for("a greeting", async || {
        match buyer.decide(request(seller, Approval::Given)).await {
            Verdict::Away => None,
            verdict => {
                assert!(matches!(verdict, Verdict::Made(_)), "{verdict:?}");
                Some(())
            }
        }
    })
    .await;
    while count_agreed(&agreed.heard().await) == 0 {}
    let begun = Instant::now();
    let (mut asked, mut done) = (0, 0);
    let mut answers = Vec::new();
    while done < count {
        while asked < count && asked - done < in_flight {
            answers.push(buyer.ask(request(seller, Approval::Given)));
            asked += 1;
        }
        done += count_agreed(&agreed.heard().await);
        // Acks that wait for their answer count too among what a partner may be asked at once.
        answers.retain_mut(|answer| match answer.try_recv() {
            Ok(Verdict::Made(_)) => false,
            Ok(Verdict::Refused(Code::Overloaded)) => {
                asked -= 1;
                false
            }
            Ok(verdict) => panic!("{verdict:?}"),
            Err(_not_yet) => true,
        });
    }
    begun.elapsed().as_secs_f64()
}

fn count_agreed(events: &[Vec<u8>]) -> usize {
    let wanted = b"\"state\":\"agreed\"";
    let is_agreed = |event: &&Vec<u8>| event.windows(wanted.len()).any(|part| part == wanted);
    events.iter().filter(is_agreed).count()
}

/// The events of a node as they come.
pub(crate) struct Heard<'a> {
    node: &'a Node,
    told: tokio::sync::watch::Receiver<u64>,
    last: u64,
}

impl<'a> Heard<'a> {
    pub(crate) fn new(node: &'a Node) -> Self {
        let mut told = node.doors.told.clone();
        let last = *told.borrow_and_update();
        Self { node, told, last }
    }

    /// Waits for news.
    pub(crate) async fn heard(&mut self) -> Vec<Vec<u8>> {
        self.told.changed().await.expect("running");
        let events = happened::after(&self.node.reader, self.last, usize::MAX).expect("readable");
        self.last = events.last().map_or(self.last, |(number, _)| *number);
        events.into_iter().map(|(_, bytes)| bytes).collect()
    }
}

/// Bytes of the files in a folder.
pub(super) fn bytes_of(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).expect("there");
    files
        .map(|file| {
            file.and_then(|file| file.metadata())
                .map_or(0, |it| it.len())
        })
        .sum()
}
