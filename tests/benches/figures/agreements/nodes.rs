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
pub(super) struct Cost {
    /// Agreements per second, until the buyer's disk has the last.
    pub(super) per_second: f64,
    /// Syncs of one node for one agreement.
    pub(super) syncs: f64,
    /// Bytes in one node's ledger for one agreement.
    pub(super) bytes: f64,
}

/// Comes to `count` agreements, `in_flight` at once.
pub(super) async fn agree(in_flight: usize, count: usize) -> Cost {
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
    let partners = [seller.partner, buyer.partner];
    seller.end().await;
    buyer.end().await;
    let syncs: u64 = homes
        .iter()
        .zip(partners)
        .map(|(home, partner)| {
            let owner = Owner {
                network: *network().id().as_bytes(),
                partner: *partner.as_bytes(),
            };
            let (_reader, appender) = ledger::open(home, owner, 99).expect("opens");
            appender.last().number
        })
        .sum();
    let each = |both: u64| both as f64 / 2.0 / count as f64;
    Cost {
        per_second: count as f64 / took,
        syncs: each(syncs),
        bytes: each(after - before),
    }
}

async fn prepare(seller: &Node, buyer: &Node) {
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

fn request(seller: &Node) -> Input {
    Input::Verb(Box::new(Verb::Request(Requesting {
        partner: seller.partner,
        thread: None,
        proposal: None,
        valid_until: now().plus_ms(3_600_000),
        terms: terms(1),
        commit: Approval::Given,
    })))
}

/// Seconds from the first request to the last agreement that is counted; one agreement before
/// them shows that both have greeted each other.
async fn trade(buyer: &Node, seller: &Node, in_flight: usize, count: usize) -> f64 {
    let mut agreed = Agreed::new(buyer);
    wait_for("a greeting", async || {
        match buyer.decide(request(seller)).await {
            Verdict::Away => None,
            verdict => {
                assert!(matches!(verdict, Verdict::Made(_)), "{verdict:?}");
                Some(())
            }
        }
    })
    .await;
    while agreed.heard().await == 0 {}
    let begun = Instant::now();
    let (mut asked, mut done) = (0, 0);
    let mut answers = Vec::new();
    while done < count {
        while asked < count && asked - done < in_flight {
            answers.push(buyer.ask(request(seller)));
            asked += 1;
        }
        done += agreed.heard().await;
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

/// The events of a node, of which only one kind counts here.
struct Agreed<'a> {
    node: &'a Node,
    told: tokio::sync::watch::Receiver<u64>,
    last: u64,
}

impl<'a> Agreed<'a> {
    fn new(node: &'a Node) -> Self {
        let mut told = node.doors.told.clone();
        let last = *told.borrow_and_update();
        Self { node, told, last }
    }

    /// Waits for news, and says how many agreements are among them.
    async fn heard(&mut self) -> usize {
        self.told.changed().await.expect("running");
        let events = happened::after(&self.node.reader, self.last, usize::MAX).expect("readable");
        let wanted = b"\"state\":\"agreed\"";
        let mut found = 0;
        for (number, bytes) in events {
            self.last = number;
            found += usize::from(bytes.windows(wanted.len()).any(|part| part == wanted));
        }
        found
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
