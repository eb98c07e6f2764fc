//! Two processes trade, and at each of 24 named points one of them is killed: before and after each
//! of the six syncs of a deal, the one that syncs or the other one. Afterwards both ledgers say
//! the same, and one unit of stock was sold once.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use omni_node::crash;
use omni_node::store::{Owner, ledger};
use omni_protocol::deal::credit::Account;
use omni_protocol::deal::stock::Stock;
use omni_protocol::deal::{Deal, State};
use omni_protocol::hash::{DealId, PartnerId};
use omni_protocol::machine::{
    Approval, Count, Grant, Input, Key, Publication, Requesting, Standing, Verb, Verdict, View,
};
use omni_protocol::slot;
use omni_protocol::value::{Minor, Money, Text};
use omni_tests::goods::{euro, now, offer, terms};
use omni_tests::node::{Node, Reach, Synced, chain, network, wait_for};

const HOMES: &str = "OMNI_TEST_POINTS_HOMES";
const ROLE: &str = "OMNI_TEST_POINTS_ROLE";
const PORTS: &str = "OMNI_TEST_POINTS_PORTS";

/// The two sides of the deal; the number is that of the partner's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Seller = 1,
    Buyer = 2,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Seller => Self::Buyer,
            Self::Buyer => Self::Seller,
        }
    }

    fn number(self) -> u8 {
        self as u8
    }

    fn index(self) -> usize {
        usize::from(self.number() - 1)
    }

    fn partner(self) -> PartnerId {
        chain(self.number()).partner()
    }
}

/// The six syncs: who syncs, and what.
const SYNCS: [(Side, &str); 6] = [
    (Side::Buyer, "signed-request"),
    (Side::Seller, "signed-hold"),
    (Side::Buyer, "signed-commit"),
    (Side::Seller, "signed-receipt"),
    (Side::Buyer, "signed-ack"),
    (Side::Seller, "taken-ack"),
];

/// Not a test: one of the two processes. It trades until its deal is over, says so in a file, and
/// goes on until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_trades_until_it_is_killed() {
    let Ok(homes) = std::env::var(HOMES) else {
        return;
    };
    crash::arm_from_environment();
    let side = if std::env::var(ROLE).expect("set") == "seller" {
        Side::Seller
    } else {
        Side::Buyer
    };
    let ports: Vec<u16> = std::env::var(PORTS)
        .expect("set")
        .split(',')
        .map(|port| port.parse().expect("a port"))
        .collect();
    let homes = homes_of(Path::new(&homes));
    let home = &homes[side.index()];
    let node = Node::start(home, side.number(), Reach::Port(ports[side.index()]));
    node.write_peer(home);
    prepare(&node, side).await;
    node.dial(&homes[side.other().index()], ports[side.other().index()])
        .await;
    if side == Side::Buyer && deals(&node.view()).is_empty() {
        request(&node).await;
    }
    let over = home.join("over");
    loop {
        // The outbox is empty too: nothing of the deal is still under way.
        let view = node.view();
        let is_over = deals(&view).iter().any(|(_, deal)| match side {
            Side::Seller => deal.state == State::Sold && deal.ack.is_some(),
            Side::Buyer => deal.state == State::Agreed && outbox_is_empty(&view),
        });
        if is_over {
            std::fs::write(&over, b"").expect("written");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Grants, offer and count; what is there already changes nothing.
async fn prepare(node: &Node, side: Side) {
    let partner = side.other().partner();
    let limit = Money {
        minor: Minor::new(1_000_000).expect("small"),
        currency: euro(),
    };
    node.decide(Input::Grant(Grant::Standing {
        partner,
        standing: Standing::Partner,
    }))
    .await;
    node.decide(Input::Grant(Grant::Credit { partner, limit }))
        .await;
    node.decide(Input::Grant(Grant::Budget { partner, limit }))
        .await;
    let subject = slot::subject(&Text::new("SKU-1").expect("valid"), &Text::default());
    if side == Side::Seller && Stock::read(&node.view(), subject).counted == 0 {
        node.decide(Input::Publish(vec![Publication::Offer(Box::new(offer(1)))]))
            .await;
        let count = Count {
            sku: Text::new("SKU-1").expect("valid"),
            list: Text::default(),
            steps: 1,
        };
        assert_eq!(node.decide(Input::Count(count)).await, Verdict::Done);
    }
}

async fn request(node: &Node) {
    let requesting = Requesting {
        partner: Side::Seller.partner(),
        thread: None,
        proposal: None,
        valid_until: now().plus_ms(3_600_000),
        terms: terms(1),
        commit: Approval::Given,
    };
    wait_for("a greeting", async || {
        match node
            .decide(Input::Verb(Box::new(Verb::Request(requesting.clone()))))
            .await
        {
            Verdict::Made(_) => Some(()),
            Verdict::Away => None,
            verdict @ (Verdict::Done | Verdict::Refused(_)) => panic!("{verdict:?}"),
        }
    })
    .await;
}

#[test]
fn killed_at_24_points_both_ledgers_say_the_same() {
    let begun = Instant::now();
    let (mut points, mut slowest) = (0, Duration::ZERO);
    for (side, what) in SYNCS {
        for moment in ["before-sync", "after-sync"] {
            for killed in [side, side.other()] {
                let took = trade(side, &format!("{moment}:{what}"), killed);
                slowest = slowest.max(took);
                points += 1;
            }
        }
    }
    println!(
        "{points} points, none lost, ledgers equal; slowest recovery {slowest:?}; all in {:?}",
        begun.elapsed()
    );
}

/// One trade, in which `killed` is killed when `syncing` passes `place`. Returns how long it took
/// from the restart until both were done.
fn trade(syncing: Side, place: &str, killed: Side) -> Duration {
    let folder = tempfile::tempdir().expect("folder");
    let homes = homes_of(folder.path());
    homes
        .iter()
        .for_each(|home| std::fs::create_dir_all(home).expect("made"));
    let ports = free_ports();
    let stop = folder.path().join("stopped");
    let armed = |side: Side| {
        (side == syncing).then_some((place, (killed != syncing).then_some(stop.as_path())))
    };
    let mut children =
        [Side::Seller, Side::Buyer].map(|side| start(folder.path(), side, ports, armed(side)));
    if killed == syncing {
        let status = wait_until(place, || {
            children[killed.index()].try_wait().expect("known")
        });
        assert!(!status.success(), "{place}");
    } else {
        wait_until(place, || stop.exists().then_some(()));
        children[killed.index()].kill().expect("killed");
        children[killed.index()].wait().expect("ended");
        std::fs::remove_file(&stop).expect("removed");
    }
    let begun = Instant::now();
    children[killed.index()] = start(folder.path(), killed, ports, None);
    wait_until(
        &format!("the end after {killed:?} was killed at {place}"),
        || {
            homes
                .iter()
                .all(|home| home.join("over").exists())
                .then_some(())
        },
    );
    let took = begun.elapsed();
    for child in &mut children {
        child.kill().expect("killed");
        child.wait().expect("ended");
    }
    compare(&homes, &format!("{killed:?} killed at {place}"));
    took
}

/// What must hold whatever was killed.
fn compare(homes: &[PathBuf; 2], case: &str) {
    let [seller, buyer] = [Side::Seller, Side::Buyer].map(|side| {
        let owner = Owner {
            network: *network().id().as_bytes(),
            partner: *side.partner().as_bytes(),
        };
        ledger::open(&homes[side.index()], owner, 99)
            .expect("opens")
            .0
    });
    let (seller, buyer) = (Synced(&seller), Synced(&buyer));
    let (sold, bought) = (deals(&seller), deals(&buyer));
    assert_eq!((sold.len(), bought.len()), (1, 1), "{case}");
    let ((sold_id, sold), (bought_id, bought)) = (&sold[0], &bought[0]);
    assert_eq!(sold_id, bought_id, "{case}");
    assert_eq!(
        (sold.state, bought.state),
        (State::Sold, State::Agreed),
        "{case}"
    );
    assert_eq!(sold.decision, bought.decision, "{case}");
    let receipt = Key::Record {
        id: sold.decision.expect("decided"),
    };
    assert_eq!(
        seller.read(&receipt).expect("kept"),
        buyer.read(&receipt).expect("kept"),
        "{case}"
    );
    let subject = slot::subject(&Text::new("SKU-1").expect("valid"), &Text::default());
    let stock = Stock::read(&seller, subject);
    assert_eq!((stock.counted, stock.held, stock.sold), (1, 0, 1), "{case}");
    let owed = Account::read(&seller, Side::Buyer.partner(), euro());
    let owing = Account::read(&buyer, Side::Seller.partner(), euro());
    assert_eq!(owed.receivable, owing.payable, "{case}");
    assert_eq!(owed.receivable.get(), 1999, "{case}");
    assert_eq!((owed.held.get(), owing.doubt.get()), (0, 0), "{case}");
}

fn deals(view: &impl View) -> Vec<(DealId, Deal)> {
    let mut found = Vec::new();
    let mut after = Key::Deal {
        deal: DealId::from_bytes([0; 32]),
    };
    while let Some((key @ Key::Deal { deal }, _)) = view.next(&after) {
        found.extend(Deal::read(view, deal).map(|read| (deal, read)));
        after = key;
    }
    found
}

fn outbox_is_empty(view: &impl View) -> bool {
    view.next(&Key::Outbox {
        partner: PartnerId::from_bytes([0; 32]),
        number: 0,
    })
    .is_none()
}

fn start(
    folder: &Path,
    side: Side,
    ports: [u16; 2],
    armed: Option<(&str, Option<&Path>)>,
) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("known"));
    command.args([
        "--exact",
        "points::child_trades_until_it_is_killed",
        "--nocapture",
    ]);
    command
        .env(HOMES, folder)
        .env(PORTS, format!("{},{}", ports[0], ports[1]));
    command.env(
        ROLE,
        if side == Side::Seller {
            "seller"
        } else {
            "buyer"
        },
    );
    if let Some((place, stop)) = armed {
        command.env("OMNI_CRASH", place);
        stop.map(|stop| command.env("OMNI_CRASH_STOP", stop));
    }
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("started")
}

fn homes_of(folder: &Path) -> [PathBuf; 2] {
    [folder.join("seller"), folder.join("buyer")]
}

fn free_ports() -> [u16; 2] {
    let sockets = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("bound"));
    sockets.map(|socket| socket.local_addr().expect("known").port())
}

fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "waited 60 s for {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
