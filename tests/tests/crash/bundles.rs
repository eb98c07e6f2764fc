//! A retailer and four firms as real daemons agree bundles, one leg of which a firm passes on to a crew
//! of its own, by policy. In each bundle one of the six is killed: at sixteen steps from the first leg to
//! the last Ack, before and after the sync. Afterwards no bundle is partial: all six say the same of it,
//! and starting all once more changes nothing.

use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Instant;

use omni_tests::effort::number_from;
use omni_tests::omni::{Node, PATIENCE, Place, wait_for, wait_to_see};
use serde_json::Value;

/// Places among the nodes; the firms follow.
const RETAILER: usize = 0;
const CARRIER: usize = 2;
const FITTER: usize = 3;
const CREW: usize = 5;
const FIRMS: [&str; 4] = ["Maker", "Carrier", "Fitter", "Store"];
const PARTIES: usize = 6;

/// The steps: who syncs, and what of it for the how-manieth time. A later turn is that of a bundle
/// in full swing.
const STEPS: [(usize, &str); 16] = [
    (RETAILER, "signed-request@3"),
    (CARRIER, "signed-hold@1"),
    (FITTER, "signed-request@1"),
    (CREW, "signed-hold@1"),
    (FITTER, "signed-hold@1"),
    (RETAILER, "signed-manifest@1"),
    (CARRIER, "signed-armreceipt@1"),
    (FITTER, "signed-manifest@1"),
    (CREW, "signed-armreceipt@1"),
    (FITTER, "signed-armreceipt@1"),
    (RETAILER, "taken-armreceipt@2"),
    (CARRIER, "taken-armreceipt@2"),
    (RETAILER, "signed-ack@1"),
    (CARRIER, "taken-ack@1"),
    (FITTER, "signed-ack@1"),
    (CREW, "taken-ack@1"),
];
const MOMENTS: [&str; 2] = ["before-sync", "after-sync"];
/// Each step at each moment with each victim.
const POINTS: u64 = 16 * 2 * 6;

/// Who is killed where.
#[derive(Debug)]
struct Fault {
    syncing: usize,
    place: String,
    victim: usize,
}

impl Fault {
    /// The points in an order of which any sixteen in a row have all steps and all victims, and any
    /// thirty-two both moments of each step.
    fn number(number: u64) -> Self {
        let part = |of: u64, count: usize| usize::try_from(of).expect("it is small") % count;
        let (step, moment) = (part(number, 16), part(number + number / 16, 2));
        let victim = part(number / 32, PARTIES) + step;
        let (syncing, what) = STEPS[step];
        Self {
            syncing,
            place: format!("{}:{what}", MOMENTS[moment]),
            victim: victim % PARTIES,
        }
    }
}

/// A daemon, or the place where it will run again.
enum Daemon {
    Up(Node),
    Down(Place),
}

/// The six. Each firm has one article, of which each bundle takes one; the fitter's is done by the crew.
struct Market {
    daemons: Vec<Option<Daemon>>,
    agreed: u64,
}

/// What one firm and the retailer say of a leg; or the crew and the fitter of the part.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Leg {
    /// States of the deal: at the retailer, at the firm.
    states: [String; 2],
    manifests: [String; 2],
    owed: [String; 2],
    /// Of the article, at whoever has it: held, sold.
    stock: [String; 2],
}

#[test]
fn killed_at_each_step_of_a_bundle_with_a_chain_all_say_the_same() {
    let kills = number_from("OMNI_BUNDLE_KILLS", 16);
    let begun = Instant::now();
    // Two markets, since most of it is waiting until nodes meet again.
    thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            scope.spawn(move || {
                let mut market = Market::open(kills);
                for number in (0..kills).filter(|number| number % 2 == half) {
                    market.agree(&Fault::number(number % POINTS));
                }
                market.stays();
            })
        });
        for half in halves {
            half.join().expect("all of its bundles end");
        }
    });
    println!(
        "{kills} kills at {POINTS} points of a bundle of four legs, one of them a chain, 0 partial, 0 lapsed, ledgers equal; {:?}",
        begun.elapsed()
    );
}

#[test]
fn all_points_are_met() {
    let all: Vec<_> = (0..POINTS).map(Fault::number).collect();
    for (a, fault) in all.iter().enumerate() {
        let same = |other: &&Fault| {
            (&other.place, other.syncing, other.victim)
                == (&fault.place, fault.syncing, fault.victim)
        };
        assert_eq!(all.iter().filter(same).count(), 1, "{a}: {fault:?}");
    }
    let share: Vec<_> = all.iter().take(16).collect();
    for victim in 0..PARTIES {
        assert!(share.iter().any(|fault| fault.victim == victim), "{victim}");
    }
}

#[test]
fn a_partial_bundle_is_found() {
    let pair = |one: &str, other: &str| [one.to_owned(), other.to_owned()];
    let leg = Leg {
        states: pair("agreed", "sold"),
        manifests: pair("aa", "aa"),
        owed: pair("10.00", "10.00"),
        stock: pair("0", "1"),
    };
    let judged = |change: &dyn Fn(&mut Leg)| {
        let mut legs = vec![leg.clone(); 5];
        change(&mut legs[2]);
        complaints(&legs, 1)
    };
    assert_eq!(judged(&|_| ()), [""; 0]);
    let changes: [&dyn Fn(&mut Leg); 6] = [
        &|leg| leg.states = pair("agreed", "aborted"),
        &|leg| leg.states = pair("aborted", "refused"),
        &|leg| leg.manifests = pair("aa", "bb"),
        &|leg| leg.manifests = pair("bb", "bb"),
        &|leg| leg.owed = pair("10.00", "0.00"),
        &|leg| leg.stock = pair("1", "1"),
    ];
    for change in changes {
        assert_eq!(judged(change).len(), 1);
    }
}

/// What is wrong with the legs of a bundle, after so many bundles.
fn complaints(legs: &[Leg], bundles: u64) -> Vec<String> {
    let mut found = Vec::new();
    for (number, leg) in legs.iter().enumerate() {
        let is_whole = leg.states == ["agreed", "sold"]
            && leg.manifests == [legs[0].manifests[0].as_str(); 2]
            && leg.owed[0] == leg.owed[1]
            && leg.stock == ["0", &bundles.to_string()];
        if !is_whole {
            found.push(format!("leg {}: {leg:?}", number + 1));
        }
    }
    found
}

impl Market {
    fn open(units: u64) -> Self {
        let retailer = Node::named("Retailer");
        let firms = FIRMS.map(|name| {
            let firm = Node::named(name);
            let has = if name == FIRMS[FITTER - 1] { 0 } else { units };
            sells((&firm, name), &retailer, has);
            firm
        });
        let crew = Node::named("Crew");
        let fitter = &firms[FITTER - 1];
        sells((&crew, "Crew"), fitter, units);
        let policy = ["policy", "add", "crew", "--from", "Crew=Crew"];
        fitter.json(&policy);
        let nodes = [retailer].into_iter().chain(firms).chain([crew]);
        Self {
            daemons: nodes.map(|node| Some(Daemon::Up(node))).collect(),
            agreed: 0,
        }
    }

    fn node(&self, party: usize) -> &Node {
        match &self.daemons[party] {
            Some(Daemon::Up(node)) => node,
            Some(Daemon::Down(_)) | None => panic!("{party} is down"),
        }
    }

    /// Kills a party, or buries it where it ended by itself.
    fn kill(&mut self, party: usize) {
        let Some(Daemon::Up(node)) = self.daemons[party].take() else {
            panic!("{party} is down");
        };
        self.daemons[party] = Some(Daemon::Down(node.killed()));
    }

    /// Starts a party again: as `omni-faulty` where it has `faults`, else as `omni`.
    fn start(&mut self, party: usize, faults: &[(&str, &str)]) {
        let Some(Daemon::Down(place)) = self.daemons[party].take() else {
            panic!("{party} is not down");
        };
        let node = if faults.is_empty() {
            place.up(&[])
        } else {
            place.up_faulty(faults)
        };
        self.daemons[party] = Some(Daemon::Up(node));
    }

    /// One bundle, in which the victim is killed where the fault says.
    fn agree(&mut self, fault: &Fault) {
        let folder = tempfile::tempdir().expect("a folder");
        let stop = folder.path().join("stopped");
        let stop_text = stop.display().to_string();
        let mut armed = vec![("OMNI_CRASH", fault.place.as_str())];
        if fault.victim != fault.syncing {
            armed.push(("OMNI_CRASH_STOP", &stop_text));
        }
        self.kill(fault.syncing);
        self.start(fault.syncing, &armed);
        self.agreed += 1;
        let mut desk = Desk::new(format!("bundle {}", self.agreed));
        let case = format!("{fault:?}, {}", desk.bundle);
        wait_for(&format!("the place: {case}"), 2 * PATIENCE, || {
            desk.work(self.node(RETAILER), &case);
            let is_met = if fault.victim == fault.syncing {
                has_ended(self.node(fault.victim))
            } else {
                stop.exists()
            };
            is_met.then_some(())
        });
        self.kill(fault.victim);
        if fault.victim != fault.syncing {
            std::fs::remove_file(&stop).expect("it is ours");
        }
        self.start(fault.victim, &[]);
        let what = format!("the end of all legs: {case}");
        let (found, _) = wait_to_see(&what, 2 * PATIENCE, || {
            desk.work(self.node(RETAILER), &case);
            // The others are asked when the retailer has nothing to wait for any more.
            let states = self.states(&desk.bundle);
            if states.len() < FIRMS.len() || states.iter().any(|state| is_open(state)) {
                return Err(format!("{states:?}"));
            }
            let legs = self.legs(&desk.bundle);
            if !legs.iter().all(Leg::is_over) {
                return Err(format!("{legs:#?}"));
            }
            // What they have is read after each has said that it is over: a state that is read
            // later than a stock says nothing of it.
            Ok(complaints(&self.legs(&desk.bundle), self.agreed))
        });
        assert!(found.is_empty(), "{case}: {found:#?}");
    }

    /// How the retailer says that the legs stand.
    fn states(&self, bundle: &str) -> Vec<String> {
        let shown = self.node(RETAILER).json(&["bundle", "show", bundle]);
        let legs = shown["legs"].as_array().expect("legs").iter();
        legs.map(|leg| word(&leg["state"])).collect()
    }

    /// What both sides say of each leg, and at last of the part.
    fn legs(&self, bundle: &str) -> Vec<Leg> {
        let retailer = self.node(RETAILER);
        let shown = retailer.json(&["bundle", "show", bundle]);
        let whole = word(&shown["manifest"]);
        let legs = shown["legs"].as_array().expect("legs").iter().zip(1..);
        let mut found: Vec<Leg> = legs
            .map(|(leg, firm)| {
                let thread = word(&leg["thread"]);
                let has = if firm == FITTER { CREW } else { firm };
                let deal = self.deal(firm, &thread);
                Leg {
                    states: [word(&leg["state"]), word(&deal["state"])],
                    manifests: [whole.clone(), word(&deal["bundle"]["manifest"])],
                    owed: self.owed(RETAILER, firm),
                    stock: self.stock(has),
                }
            })
            .collect();
        if let Some(leg) = shown["legs"].get(FITTER - 1) {
            found.push(self.part(&word(&leg["thread"]), &whole));
        }
        found
    }

    /// What the fitter and the crew say of the part on which a leg rests.
    fn part(&self, leg: &str, whole: &str) -> Leg {
        let above = self.deal(FITTER, leg);
        let parts = above["chain"]["rests_on"].as_array();
        let thread = parts
            .and_then(|parts| parts.last())
            .map(|part| word(&part["thread"]));
        let thread = thread.unwrap_or_default();
        let sides = [FITTER, CREW].map(|party| self.deal(party, &thread));
        let [ours, theirs] = sides
            .each_ref()
            .map(|deal| word(&deal["bundle"]["manifest"]));
        // A part has a Manifest of its own, which both must know.
        let manifests = if ours == theirs && !ours.is_empty() {
            [whole.to_owned(), whole.to_owned()]
        } else {
            [ours, theirs]
        };
        Leg {
            states: sides.each_ref().map(|deal| word(&deal["state"])),
            manifests,
            owed: self.owed(FITTER, CREW),
            stock: self.stock(CREW),
        }
    }

    /// A thread as a party shows it; null where it does not know it yet.
    fn deal(&self, party: usize, thread: &str) -> Value {
        let shown = self.node(party).place();
        let shown = shown.run(&["deal", "show", thread, "--json"]);
        serde_json::from_slice(&shown.stdout).unwrap_or_default()
    }

    /// What one says that it owes another, and what that says that it is owed.
    fn owed(&self, by: usize, to: usize) -> [String; 2] {
        let sides = [(by, to, "we_owe"), (to, by, "they_owe")];
        sides.map(|(at, with, which)| {
            let owed = self.node(at).json(&["ledger", "owed"]);
            let accounts = owed["accounts"].as_array().expect("accounts");
            let mut accounts = accounts.iter();
            let account = accounts.find(|account| account["name"] == name(with));
            word(&account.unwrap_or(&Value::Null)[which]["text"])
        })
    }

    fn stock(&self, party: usize) -> [String; 2] {
        let article = &self.node(party).json(&["stock", "ls"])["stock"][0];
        [word(&article["held"]), word(&article["sold"])]
    }

    /// All are killed, their ledgers verify, and after one more start all say what they said.
    fn stays(&mut self) {
        let bundles = || (1..=self.agreed).map(|number| format!("bundle {number}"));
        let before: Vec<_> = bundles().map(|name| self.legs(&name)).collect();
        let names: Vec<_> = bundles().collect();
        for party in 0..self.daemons.len() {
            self.kill(party);
            let Some(Daemon::Down(place)) = &self.daemons[party] else {
                panic!("{party} is not down");
            };
            let text = place.ok(&["ledger", "verify", "--json"]);
            let found: Value = serde_json::from_str(&text).expect("one document");
            assert_eq!(found["good"], true, "{party}: {found}");
        }
        for party in 0..self.daemons.len() {
            self.start(party, &[]);
        }
        for (name, before) in names.iter().zip(before) {
            assert_eq!(self.legs(name), before, "another start changed {name}");
        }
    }
}

/// How a party is called.
fn name(party: usize) -> &'static str {
    match party {
        RETAILER => "Retailer",
        CREW => "Crew",
        firm => FIRMS[firm - 1],
    }
}

/// One sells an article that is called as it is itself to another, who knows the offer then.
fn sells((seller, name): (&Node, &str), buyer: &Node, units: u64) {
    buyer.befriend(seller);
    let offer = ["offer", "publish", "--sku", name, "--title", name];
    let terms = ["--price", "10.00", "--currency", "EUR", "--region", "DE"];
    seller.json(&[&offer[..], &terms].concat());
    seller.json(&["stock", "set", name, &units.to_string()]);
    let (us, them) = (buyer.partner(), seller.partner());
    seller.json(&["peer", "set", &us, "--credit", "100000.00EUR"]);
    buyer.json(&["peer", "set", &them, "--budget", "100000.00EUR"]);
    wait_for("the offer and the name", PATIENCE, || {
        let shown = buyer.place().run(&["offer", "show", name]);
        let named = [(buyer, &them), (seller, &us)];
        let named = named.map(|(node, other)| node.peer(other)["name"].is_string());
        (shown.status.success() && named == [true; 2]).then_some(())
    });
}

impl Leg {
    /// Whether neither side has anything to wait for.
    fn is_over(&self) -> bool {
        !self.states.iter().any(|state| is_open(state))
    }
}

/// Whether a side with its deal in this state waits for something.
fn is_open(state: &str) -> bool {
    let open = [
        "",
        "requested",
        "asked",
        "held",
        "closed",
        "waiting",
        "doubt",
        "armed",
    ];
    open.contains(&state)
}

/// The retailer's operator, who types again what was not acknowledged, and first looks what came of it.
struct Desk {
    bundle: String,
    typing: Option<(Child, Typed)>,
    acknowledged: Vec<Typed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Typed {
    New,
    Leg(usize),
    Commit,
}

impl Desk {
    fn new(bundle: String) -> Self {
        Self {
            bundle,
            typing: None,
            acknowledged: Vec::new(),
        }
    }

    /// Types what comes next, if the last command has ended. The node may end before it answers.
    fn work(&mut self, retailer: &Node, case: &str) {
        if let Some((child, typed)) = &mut self.typing {
            let Some(status) = child.try_wait().expect("it is ours") else {
                return;
            };
            if status.success() {
                self.acknowledged.push(*typed);
            }
            self.typing = None;
        }
        let Some(next) = self.next(retailer, case) else {
            return;
        };
        assert!(
            !self.acknowledged.contains(&next),
            "{case}: acknowledged and lost: {next:?}"
        );
        let bundle = self.bundle.as_str();
        let asked;
        let command = match next {
            Typed::New => vec!["bundle", "new", bundle],
            Typed::Leg(firm) => {
                let (name, to) = (FIRMS[firm], ["--ship-country", "DE"]);
                asked = asked_before(retailer, name);
                let what = match &asked {
                    Some(thread) => vec!["--thread", thread],
                    None => [&[name, "--sku", name, "--qty", "1"][..], &to].concat(),
                };
                [&["bundle", "add", bundle][..], &what].concat()
            }
            Typed::Commit => vec!["bundle", "commit", bundle, "--yes"],
        };
        let mut command = retailer.place().command(&command);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.typing = Some((command.spawn().expect("omni runs"), next));
    }

    /// What is to be typed, by what the node shows; nothing where it does not answer.
    fn next(&self, retailer: &Node, case: &str) -> Option<Typed> {
        let show = ["bundle", "show", &self.bundle, "--json"];
        let shown = retailer.place().run(&show);
        match shown.status.code() {
            Some(0) => {}
            Some(4) => return Some(Typed::New),
            _ => return None,
        }
        let shown: Value = serde_json::from_slice(&shown.stdout).expect("one document");
        let legs = shown["legs"].as_array().map_or(0, Vec::len);
        let is_open = shown["state"] == "collecting";
        if legs < FIRMS.len() {
            assert!(is_open, "{case}: committed without all legs: {shown}");
            return Some(Typed::Leg(legs));
        }
        (is_open && shown["waits_for"] == "us").then_some(Typed::Commit)
    }
}

/// The thread in which a firm was asked for a hold that is no leg, since the node ended in between:
/// no other deal with it is open.
fn asked_before(retailer: &Node, firm: &str) -> Option<String> {
    let listed = ["deal", "ls", "--partner", firm, "--json"];
    let listed = retailer.place().run(&listed);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap_or_default();
    let mut deals = listed["deals"].as_array().into_iter().flatten();
    let open = deals.find(|deal| deal["state"] == "requested" || deal["state"] == "held");
    open.map(|deal| word(&deal["thread"]))
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Whether a daemon is no more than an entry in the table of processes.
fn has_ended(node: &Node) -> bool {
    let stat = Path::new("/proc").join(node.pid().to_string()).join("stat");
    let stat = std::fs::read_to_string(stat).unwrap_or_default();
    let state = stat.rsplit_once(") ").map_or("Z", |(_, rest)| rest);
    state.starts_with('Z')
}
