//! A buyer and a seller as real daemons that can be killed and started again, what they do in one
//! trade, and what they say of it afterwards. When they are killed is kept out.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use omni_tests::disk::Disk;
use omni_tests::omni::{Node, PATIENCE, Place, faulty_binary, wait_for};
use serde_json::Value;

const PRICE_CENTS: u64 = 1999;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Seller,
    Buyer,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Seller, Self::Buyer];

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Seller => Self::Buyer,
            Self::Buyer => Self::Seller,
        }
    }
}

/// A daemon, or the place where it will run again.
enum Daemon {
    Up(Node),
    Down(Place),
}

/// Two partners who trust each other; the seller has one unit of each article.
pub(crate) struct Pair {
    seller: Option<Daemon>,
    buyer: Option<Daemon>,
    ids: [String; 2],
    sold: u64,
}

/// What one node says of everything that it ever traded.
pub(crate) struct Account {
    deals: Value,
    owed: Value,
    stock: Value,
    thread: Value,
}

impl Account {
    /// Where another account says something else.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let parts = |account: &Self| {
            [
                &account.deals,
                &account.owed,
                &account.stock,
                &account.thread,
            ]
            .map(Clone::clone)
        };
        for (one, other) in parts(self).iter().zip(&parts(other)) {
            differences(one, other, "", &mut found);
        }
        found
    }
}

fn differences(one: &Value, other: &Value, path: &str, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(these), Value::Object(those)) if these.len() == those.len() => {
            for (name, this) in these {
                let that = those.get(name).unwrap_or(&Value::Null);
                differences(this, that, &format!("{path}/{name}"), found);
            }
        }
        (Value::Array(these), Value::Array(those)) if these.len() == those.len() => {
            for (n, (this, that)) in these.iter().zip(those).enumerate() {
                differences(this, that, &format!("{path}/{n}"), found);
            }
        }
        _ if one == other => {}
        _ => found.push(format!("{path}: {one}, then {other}")),
    }
}

impl Pair {
    /// Makes both homes, with `articles` articles at the seller's.
    pub(crate) fn begin(articles: u64) -> Self {
        let (seller, buyer) = (Node::named("Seller"), Node::named("Buyer"));
        buyer.befriend(&seller);
        let ids = [seller.partner(), buyer.partner()];
        let rows = (1..=articles).map(|n| format!("UNIT-{n},Unit {n},19.99,GBP,GB,1\n"));
        let file = seller.place().path().join("units.csv");
        let head = "sku,title,price,currency,regions,stock\n";
        let text = std::iter::once(head.to_owned()).chain(rows);
        std::fs::write(&file, text.collect::<String>()).expect("a file");
        seller.json(&["import", &file.display().to_string(), "--apply"]);
        seller.json(&["peer", "set", &ids[1], "--credit", "100000.00GBP"]);
        buyer.json(&["peer", "set", &ids[0], "--budget", "100000.00GBP"]);
        Self {
            seller: Some(Daemon::Up(seller)),
            buyer: Some(Daemon::Up(buyer)),
            ids,
            sold: 0,
        }
    }

    fn slot(&mut self, side: Side) -> &mut Option<Daemon> {
        match side {
            Side::Seller => &mut self.seller,
            Side::Buyer => &mut self.buyer,
        }
    }

    pub(crate) fn node(&self, side: Side) -> &Node {
        let slot = match side {
            Side::Seller => &self.seller,
            Side::Buyer => &self.buyer,
        };
        match slot {
            Some(Daemon::Up(node)) => node,
            Some(Daemon::Down(_)) | None => panic!("{side:?} is down"),
        }
    }

    fn take(&mut self, side: Side) -> Node {
        match self.slot(side).take() {
            Some(Daemon::Up(node)) => node,
            Some(Daemon::Down(_)) | None => panic!("{side:?} is down"),
        }
    }

    /// Kills a side with SIGKILL.
    pub(crate) fn kill(&mut self, side: Side) {
        let place = self.take(side).killed();
        *self.slot(side) = Some(Daemon::Down(place));
    }

    /// Waits until a side has ended by itself, and not in order.
    pub(crate) fn await_crash(&mut self, side: Side) {
        let (status, place) = self.take(side).end();
        assert!(!status.success(), "{side:?} ended in order");
        *self.slot(side) = Some(Daemon::Down(place));
    }

    /// Starts a side again: as `omni-faulty` where it has `faults`, else as `omni`. Returns how long
    /// it took until it served.
    pub(crate) fn start(&mut self, side: Side, faults: &[(&str, &str)]) -> Duration {
        let place = self.take_down(side);
        let begun = Instant::now();
        let node = if faults.is_empty() {
            place.up(&[])
        } else {
            place.up_faulty(faults)
        };
        *self.slot(side) = Some(Daemon::Up(node));
        begun.elapsed()
    }

    /// Starts a side again on a disk that is followed from now on, with what that needs in the empty
    /// folder `beside`.
    pub(crate) fn start_on_disk(
        &mut self,
        side: Side,
        faults: &[(&str, &str)],
        beside: &Path,
    ) -> Disk {
        let place = self.take_down(side);
        let disk = Disk::follow(&place.home(), beside);
        let mut up = place.command_of(&faulty_binary(), &["up"]);
        up.envs(faults.iter().copied());
        disk.carry(&mut up, None);
        *self.slot(side) = Some(Daemon::Up(place.up_by(up)));
        disk
    }

    fn take_down(&mut self, side: Side) -> Place {
        match self.slot(side).take() {
            Some(Daemon::Down(place)) => place,
            Some(Daemon::Up(_)) | None => panic!("{side:?} is not down"),
        }
    }

    /// The ledger of a side that is down verifies.
    pub(crate) fn verify(&mut self, side: Side) {
        let Some(Daemon::Down(place)) = self.slot(side) else {
            panic!("{side:?} is not down");
        };
        let text = place.ok(&["ledger", "verify", "--json"]);
        let found: Value = serde_json::from_str(&text).expect("one document");
        assert_eq!(found["good"], true, "{side:?}: {found}");
    }

    pub(crate) fn meet(&self) {
        self.node(Side::Buyer)
            .wait_for_session(self.node(Side::Seller));
    }

    /// The seller proposes one unit of the next article; gives the thread when the buyer has it.
    pub(crate) fn propose(&mut self) -> String {
        self.sold += 1;
        let sku = format!("UNIT-{}", self.sold);
        let what = ["--as", "provider", "--sku", &sku, "--qty", "1"];
        let whom = ["deal", "propose", &self.ids[1], "--ship-country", "GB"];
        let proposed = self.node(Side::Seller).json(&[&whom[..], &what].concat());
        let thread = proposed["thread"].as_str().expect("a text").to_owned();
        let wait = ["deal", "wait", &thread, "--for", "to-answer"];
        self.node(Side::Buyer).json(&wait);
        thread
    }

    /// Types the buyer's acceptance, which asks for a hold and commits when it comes. The node may
    /// end before it answers.
    pub(crate) fn accept(&self, thread: &str) -> Child {
        let accept = ["deal", "accept", thread, "--yes", "--json"];
        let mut command = self.node(Side::Buyer).place().command(&accept);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("omni runs")
    }

    /// Brings a deal to its end, whatever was killed. `first` is the acceptance that was typed
    /// before: what it acknowledged must be there, and else the operator types it again.
    pub(crate) fn finish(&self, thread: &str, mut first: Child, case: &str) {
        let mut was_acknowledged = first.wait().expect("it ends").success();
        wait_for(&format!("the end of the deal: {case}"), PATIENCE, || {
            let [bought, sold] = [Side::Buyer, Side::Seller]
                .map(|side| self.node(side).json(&["deal", "show", thread]));
            if bought["state"] == "to-answer" {
                assert!(!was_acknowledged, "{case}: acknowledged and lost: {bought}");
                was_acknowledged = self.accept(thread).wait().expect("it ends").success();
                return None;
            }
            let is_acknowledged = said(&sold, "Ack").count() == 1;
            let waits = |side: &Value| records(side).any(|record| record["waiting"] == true);
            let is_over = bought["state"] == "agreed" && sold["state"] == "sold";
            (is_over && is_acknowledged && !waits(&bought) && !waits(&sold)).then_some(())
        });
    }

    /// What both say of all deals, after checking that they say the same.
    pub(crate) fn account(&self, thread: &str) -> [Account; 2] {
        let accounts = Side::BOTH.map(|side| {
            let node = self.node(side);
            let mut stock = node.json(&["stock", "ls"]);
            // It is published at drawn times.
            for article in stock["stock"].as_array_mut().expect("a list") {
                article["band"].take();
            }
            Account {
                deals: node.json(&["deal", "ls"]),
                owed: node.json(&["ledger", "owed"]),
                stock,
                thread: node.json(&["deal", "show", thread]),
            }
        });
        let [seller, buyer] = &accounts;
        for decision in ["Hold", "Commit", "Receipt", "Ack"] {
            let [one, other] = [seller, buyer].map(|account| {
                let ids = said(&account.thread, decision).map(|record| &record["record"]);
                ids.collect::<Vec<_>>()
            });
            assert_eq!((one.len(), &one), (1, &other), "{decision} of {thread}");
        }
        assert_eq!(said(&seller.thread, "Refusal").count(), 0);
        let total = self.sold * PRICE_CENTS;
        let total = format!("{}.{:02}", total / 100, total % 100);
        self.check_money(seller, ["they_owe", "we_owe"], &total);
        self.check_money(buyer, ["we_owe", "they_owe"], &total);
        self.check_stock(seller);
        accounts
    }

    fn check_money(&self, account: &Account, [owed, other]: [&str; 2], total: &str) {
        let accounts = &account.owed["accounts"];
        let says = |member: &str| accounts[0][member]["text"].as_str().unwrap_or_default();
        assert_eq!(accounts.as_array().map(Vec::len), Some(1), "{accounts}");
        let found = [owed, other, "held", "in_doubt"].map(says);
        assert_eq!(found, [total, "0.00", "0.00", "0.00"], "{accounts}");
    }

    /// One unit of each article was there, and those that were traded were sold once.
    fn check_stock(&self, account: &Account) {
        let stock = account.stock["stock"].as_array().expect("a list");
        let sold = stock.iter().filter(|article| article["sold"] == "1");
        assert_eq!(sold.count() as u64, self.sold, "{stock:?}");
        for article in stock {
            let says = |member: &str| article[member].as_str().unwrap_or_default();
            assert_eq!(
                [says("counted"), says("held"), says("short")],
                ["1", "0", "0"]
            );
        }
    }
}

fn records(thread: &Value) -> impl Iterator<Item = &Value> {
    thread["said"].as_array().expect("a list").iter()
}

fn said<'a>(thread: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    records(thread).filter(move |record| record["kind"] == kind)
}
