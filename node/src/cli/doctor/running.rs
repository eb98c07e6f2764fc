//! What a running node says of itself, held against what it should say.

use std::thread;
use std::time::Duration;

use omni_protocol::code::Code;

use super::{FindingView, SET_CLOCK, STEP_MS_MAX, clock};
use crate::cli::when::{now_ms, span, when};
use crate::client::{Client, ClientError};
use crate::offline::look::{self, Depth};
use crate::plain::quoted;
use crate::view::deal::DealsView;
use crate::view::health::{EndingView, HealthView, ShortView, TwinsView};
use crate::view::ledger::VerificationView;
use crate::view::peer::{PeerView, PeersView};
use crate::view::{NodeState, StatusView};

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
/// A partner that takes longer to answer is away, or its node is stuck.
const ANSWER_MS_MAX: u64 = 60 * MINUTE_MS;
/// Messages under way are nothing to tell of.
const UNDER_WAY_MS_MAX: u64 = MINUTE_MS;
/// Two nodes that lost each other for a moment have met again after this time.
const MEETING_AGAIN: Duration = Duration::from_secs(2);
/// A partner that was not met for longer is worth a call.
const UNHEARD_MS_MAX: u64 = 3 * DAY_MS;

/// By these a node says that it does not take another's keys.
const KEYS: [Code; 6] = [
    Code::UnknownKeys,
    Code::BadKeys,
    Code::StaleKey,
    Code::BadDelegation,
    Code::BadProof,
    Code::BadSignature,
];

/// All that can be asked of it.
pub(super) fn look(client: &Client, status: &StatusView, depth: Depth) -> Vec<FindingView> {
    let now = now_ms();
    let mut found = vec![node(status), version(&status.version)];
    found.extend(moved(now, status.started_ms, status.up_s));
    found.push(clock(now, status.ledger.at_ms));
    if status.ledger.recovering {
        found.push(look::recovering());
    }
    if status.listening.is_empty() {
        let next =
            "look at its log, and choose addresses that are free: omni config set net.listen …";
        found.push(FindingView::fault(
            "ports",
            "the node listens nowhere",
            next,
        ));
    }
    found.extend(answered(client.get("/v1/health"), |health| {
        let mut found = outbox(now, &health);
        found.extend(health.ending.map(ending));
        found.extend(health.short.as_ref().map(promised));
        found.extend(health.twins.iter().map(twins));
        found
    }));
    found.extend(answered(settled_peers(client), |peers| {
        partners(now, &peers)
    }));
    found.extend(answered(
        client.get("/v1/deals?waits_for=us&limit=500"),
        |deals| ours(now, &deals),
    ));
    if status.requests > 0 {
        let what = format!("without an answer: {}", status.requests);
        found.push(FindingView::note(
            "requests",
            what,
            "see them: omni peer requests",
        ));
    }
    found.extend(match depth {
        Depth::Quick => Vec::new(),
        Depth::Whole => {
            let verified = |view: VerificationView| vec![look::verified(view.broken, view.entries)];
            answered(client.get("/v1/ledger/verification"), verified)
        }
    });
    found
}

fn answered<T>(
    answer: Result<T, ClientError>,
    told: impl Fn(T) -> Vec<FindingView>,
) -> Vec<FindingView> {
    match answer {
        Ok(answer) => told(answer),
        Err(error) => {
            let next = "ask again; if it stays so, look at the node's log";
            vec![FindingView::fault("node", error.to_string(), next)]
        }
    }
}

fn node(status: &StatusView) -> FindingView {
    match status.state {
        NodeState::Ready => {
            let what = format!(
                "it runs as process {}, since {}",
                status.pid,
                when(status.started_ms)
            );
            FindingView::good("node", what)
        }
        NodeState::Stopping => FindingView::note(
            "node",
            "it is on its way down",
            "wait, and start it: omni up",
        ),
    }
}

fn version(running: &str) -> FindingView {
    let own = env!("CARGO_PKG_VERSION");
    if running == own {
        return FindingView::good("version", own);
    }
    let what = format!("the node runs {running}, and this program is {own}");
    let next = "start it again with this program: omni down, omni up";
    FindingView::fault("version", what, next)
}

/// The clock against how long the node says that it runs, which no clock moves.
fn moved(now: u64, started_ms: u64, up_s: u64) -> Option<FindingView> {
    let should = started_ms.saturating_add(up_s.saturating_mul(1_000));
    let by = now.abs_diff(should);
    (by > STEP_MS_MAX).then(|| {
        let what = format!("it was moved by {} while the node ran", span(by / 1_000));
        FindingView::fault("clock", what, SET_CLOCK)
    })
}

fn outbox(now: u64, health: &HealthView) -> Vec<FindingView> {
    let mut found = Vec::new();
    for waiting in &health.waiting {
        let age = now.saturating_sub(waiting.since_ms);
        let whom = waiting.name.as_ref().unwrap_or(&waiting.partner);
        let messages = match waiting.messages {
            1 => "1 message has".to_owned(),
            messages => format!("{messages} messages have"),
        };
        let since = span(age / 1_000);
        let what = format!("{messages} no answer from {whom}, the oldest for {since}");
        if age > ANSWER_MS_MAX {
            let next = "call the partner; see what waits: omni deal ls";
            found.push(FindingView::fault("outbox", what, next));
        } else if age > UNDER_WAY_MS_MAX {
            let next = "nothing, if its node is away: they go when it is back";
            found.push(FindingView::note("outbox", what, next));
        }
    }
    found
}

/// Deals in which the other side waits for this one.
fn ours(now: u64, deals: &DealsView) -> Vec<FindingView> {
    let Some(oldest) = deals.deals.iter().map(|deal| deal.latest_ms).min() else {
        return Vec::new();
    };
    let count = match (deals.deals.len(), &deals.next) {
        (1, None) => "1 deal waits".to_owned(),
        (deals, None) => format!("{deals} deals wait"),
        (deals, Some(_)) => format!("{deals} deals and more wait"),
    };
    let age = span(now.saturating_sub(oldest) / 1_000);
    let what = format!("{count} for an answer from here, the oldest for {age}");
    let next = "see them: omni deal ls --mine";
    vec![FindingView::note("deals", what, next)]
}

/// Offers that end soon: such as the node does not renew.
fn ending(ending: EndingView) -> FindingView {
    let count = match ending.offers {
        1 => "1 offer ends".to_owned(),
        offers => format!("{offers} offers end"),
    };
    let what = format!("{count} soon, the first at {}", when(ending.first_ms));
    let next = match ending.renews {
        true => "that end was chosen; to go on: omni offer revise SKU, or omni import FILE --apply",
        false => {
            "let the node renew them: omni config set offers.renew on, then omni down and omni up\n\
             or publish them again: omni offer revise SKU, or omni import FILE --apply"
        }
    };
    FindingView::note("offers", what, next)
}

/// Stock and places of slots that are promised and not there.
fn promised(short: &ShortView) -> FindingView {
    let count = |number: u64, one: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    };
    let mut of = Vec::new();
    let mut next = Vec::new();
    if short.articles > 0 {
        of.push(count(short.articles, "article"));
        next.push("see them: omni stock ls --short".to_owned());
    }
    if short.slots > 0 {
        of.push(count(short.slots, "slot"));
        next.push(match &short.sku {
            Some(sku) => format!("see which: omni offer slots {}", quoted(sku)),
            None => "see the orders: omni order ls".to_owned(),
        });
    }
    let what = format!("more is promised than there is of {}", of.join(" and "));
    FindingView::note("stock", what, &next.join("\n"))
}

/// Things of which an author published two at one revision.
fn twins(twins: &TwinsView) -> FindingView {
    let sku = twins.sku.as_deref().map(|sku| format!(", such as {sku}"));
    let (of, sku) = (twins.records, sku.unwrap_or_default());
    let whose = match (&twins.name, twins.mine) {
        (_, true) => "this node's own keys",
        (Some(name), false) => name,
        (None, false) => &twins.partner,
    };
    let of = match of {
        1 => "1 record".to_owned(),
        of => format!("{of} records"),
    };
    let what = format!("{whose} published two versions at once of {of}{sku}: one stands");
    let next = if twins.mine {
        "if a copy of this home runs elsewhere, end it for good\n\
         see what stands: omni offer ls --mine"
            .to_owned()
    } else {
        let id = short(&twins.partner);
        format!(
            "see what stands: omni offer ls --partner {id}\n\
             ask the partner whether two nodes run with its keys"
        )
    };
    FindingView::note("offers", what, &next)
}

/// The peers, once those that meet just now have met.
fn settled_peers(client: &Client) -> Result<PeersView, ClientError> {
    let peers: PeersView = client.get("/v1/peers")?;
    if trusted(&peers).any(|peer| peer.connected) || trusted(&peers).next().is_none() {
        return Ok(peers);
    }
    thread::sleep(MEETING_AGAIN);
    client.get("/v1/peers")
}

fn trusted(peers: &PeersView) -> impl Iterator<Item = &PeerView> {
    peers.peers.iter().filter(|peer| peer.trust != "none")
}

fn partners(now: u64, peers: &PeersView) -> Vec<FindingView> {
    let all: Vec<_> = trusted(peers).collect();
    let up = all.iter().filter(|peer| peer.connected).count();
    let mut found: Vec<_> = all.iter().filter_map(|peer| refused(peer)).collect();
    found.push(match (all.len(), up) {
        (0, _) => FindingView::note("partners", "there are none", "invite one: omni peer invite"),
        // Whoever refuses was reached.
        (count, 0) if found.is_empty() => {
            let what = format!("none of {count} is reachable");
            let next = "look at this machine's network and firewall, and whether their nodes run: \
                        omni peer ls\nif one moved, ask it for an invite: omni peer add INVITE\n\
                        if a copy of this home runs elsewhere, end it for good";
            FindingView::fault("partners", what, next)
        }
        (count, up) => FindingView::good("partners", format!("{up} of {count} reachable")),
    });
    found.extend(all.into_iter().filter_map(|peer| unheard(now, peer)));
    let quarantined = peers.peers.iter();
    let quarantined = quarantined.filter(|peer| peer.standing == "quarantined");
    found.extend(quarantined.map(contradicted));
    found
}

/// The beginning of a partner's id, as commands take it.
fn short(partner: &str) -> &str {
    partner.get(..16).unwrap_or(partner)
}

/// By what the operator knows a partner.
fn whom(peer: &PeerView) -> &str {
    let name = peer.name.as_deref().filter(|name| !name.is_empty());
    let node = peer.nodes.first().map(|node| node.peer.as_str());
    let id = Some(peer.partner.as_str()).filter(|id| !id.is_empty());
    name.or(id).or(node).unwrap_or_default()
}

/// That a partner or this node did not take the other's introduction.
fn refused(peer: &PeerView) -> Option<FindingView> {
    let refused = peer.nodes.iter().find_map(|node| node.refused.as_ref());
    let refused = refused.filter(|_| !peer.connected)?;
    let code = Code::from_name(&refused.code)?;
    let (whom, why) = (whom(peer), code.sentence().trim_end_matches('.'));
    let clocks = "see that the clocks of both machines are right";
    let (what, next) = match (code, refused.by == "them") {
        (Code::WrongNetwork, _) => (
            format!("{whom} is in another network than this node"),
            "ask for an invite to the network of this node\n\
             to trade in that one too, make a second home: omni init --network …"
                .to_owned(),
        ),
        (Code::NotAddressed, _) => (
            format!("where {whom} should be, a node answers with the keys of this partner"),
            "if a copy of this home runs elsewhere, end it for good".to_owned(),
        ),
        (Code::NotTrusted, true) => (
            format!("{whom} has blocked this node"),
            "call the partner: its operator alone can lift that".to_owned(),
        ),
        (code, true) if KEYS.contains(&code) => (
            format!("{whom} does not take the keys of this node: {why}"),
            format!("see that this home is its newest copy\n{clocks}"),
        ),
        (code, false) if KEYS.contains(&code) => (
            format!("this node does not take the keys of {whom}: {why}"),
            format!("call the partner: its home may be an old copy\n{clocks}"),
        ),
        (_, is_them) => {
            let (one, other) = match is_them {
                true => (whom, "this node"),
                false => ("this node", whom),
            };
            (
                format!("{one} ended the talk with {other}: {why}"),
                format!("compare the versions of both: omni --version\n{clocks}"),
            )
        }
    };
    Some(FindingView::fault("partners", what, &next))
}

fn contradicted(peer: &PeerView) -> FindingView {
    let whom = whom(peer);
    let id = short(&peer.partner);
    let what = format!("{whom} contradicted itself: no new deal is begun with it");
    let next = format!(
        "see what it signed: omni peer evidence {id}\ncall it; to trust it again: omni peer trust {id}"
    );
    FindingView::fault("partners", what, &next)
}

fn unheard(now: u64, peer: &PeerView) -> Option<FindingView> {
    if peer.connected {
        return None;
    }
    let met = peer.nodes.iter().filter_map(|node| node.met_ms).max();
    let whom = whom(peer);
    let Some(met) = met else {
        let what = format!("{whom} was never met");
        let next = "ask for a new invite or another address: omni peer add";
        return Some(FindingView::note("partners", what, next));
    };
    let age = now.saturating_sub(met);
    (age > UNHEARD_MS_MAX).then(|| {
        let what = format!("{whom} was not heard of for {}", span(age / 1_000));
        FindingView::fault(
            "partners",
            what,
            "call the partner; its node may be down or moved",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::health::{FindingState, WaitingView};
    use crate::view::peer::{NodeView, RefusedView};

    const NOW: u64 = 2_000_000_000_000;

    fn peer(connected: bool, met_ms: Option<u64>) -> PeerView {
        PeerView {
            partner: "omni1x".to_owned(),
            name: Some("Brenner".to_owned()),
            country: None,
            standing: "partner".to_owned(),
            trust: "hold".to_owned(),
            connected,
            request: false,
            credit: Vec::new(),
            budget: Vec::new(),
            records: 0,
            nodes: vec![NodeView {
                peer: "12D3KooW".to_owned(),
                addresses: Vec::new(),
                met_ms,
                agent: String::new(),
                refused: None,
            }],
        }
    }

    /// The worst that is found, and whether it is told in these words.
    fn check(found: &[FindingView], state: FindingState, words: &str) {
        let worst = found.iter().max_by_key(|finding| finding.state);
        let is_it = worst.is_some_and(|worst| worst.state == state && worst.what.contains(words));
        assert!(is_it, "{state:?} {words}: {found:?}");
    }

    #[test]
    fn partners_that_are_away_are_named() {
        use FindingState::{Fault, Good, Note};
        let of = |peers: Vec<PeerView>| partners(NOW, &PeersView { peers });
        let long_ago = NOW - UNHEARD_MS_MAX - 1;
        check(&of(Vec::new()), Note, "there are none");
        check(&of(vec![peer(true, Some(long_ago))]), Good, "1 of 1");
        check(&of(vec![peer(false, Some(NOW))]), Fault, "none of 1");
        let one_up = |met| of(vec![peer(true, Some(NOW)), peer(false, met)]);
        check(&one_up(Some(NOW)), Good, "1 of 2");
        check(
            &one_up(Some(long_ago)),
            Fault,
            "Brenner was not heard of for 3 d 0 h",
        );
        check(&one_up(None), Note, "Brenner was never met");
        let refused = |by: &str, code: Code| {
            let mut peer = peer(false, Some(NOW));
            peer.nodes[0].refused = Some(RefusedView {
                by: by.to_owned(),
                code: code.name().to_owned(),
            });
            of(vec![peer])
        };
        for (by, code, words) in [
            ("them", Code::NotTrusted, "Brenner has blocked this node"),
            ("them", Code::WrongNetwork, "Brenner is in another network"),
            ("us", Code::WrongNetwork, "Brenner is in another network"),
            ("us", Code::NotAddressed, "where Brenner should be"),
            (
                "them",
                Code::StaleKey,
                "Brenner does not take the keys of this node: The key",
            ),
            (
                "us",
                Code::BadKeys,
                "this node does not take the keys of Brenner: The key",
            ),
            (
                "them",
                Code::TooLarge,
                "Brenner ended the talk with this node: It is larger",
            ),
            (
                "us",
                Code::Malformed,
                "this node ended the talk with Brenner: It can't",
            ),
        ] {
            let found = refused(by, code);
            check(&found, Fault, words);
            let faults = found.iter().filter(|finding| finding.state == Fault);
            assert_eq!(faults.count(), 1, "who answers is reachable: {found:?}");
        }
        let mut liar = peer(true, Some(NOW));
        (liar.standing, liar.trust) = ("quarantined".to_owned(), "none".to_owned());
        check(&of(vec![liar]), Fault, "Brenner contradicted itself");
    }

    #[test]
    fn messages_without_an_answer_are_named() {
        let of = |age: u64| {
            let waiting = vec![WaitingView {
                partner: "omni1x".to_owned(),
                name: None,
                messages: 2,
                since_ms: NOW - age,
            }];
            outbox(
                NOW,
                &HealthView {
                    waiting,
                    ..HealthView::default()
                },
            )
        };
        assert_eq!(of(UNDER_WAY_MS_MAX), []);
        check(&of(UNDER_WAY_MS_MAX + 1), FindingState::Note, "2 messages");
        check(
            &of(ANSWER_MS_MAX + 1),
            FindingState::Fault,
            "omni1x, the oldest for 1 h 0 min",
        );
    }

    #[test]
    fn offers_that_end_are_named_with_what_renews_them() {
        let of = |offers, renews| {
            ending(EndingView {
                offers,
                first_ms: NOW,
                renews,
            })
        };
        let check_ending = |found: FindingView, words: &str, next: &str| {
            check(std::slice::from_ref(&found), FindingState::Note, words);
            assert!(found.next.is_some_and(|text| text.contains(next)));
        };
        check_ending(of(1, true), "1 offer ends soon", "was chosen");
        check_ending(of(12, false), "12 offers end soon", "offers.renew on");
    }

    #[test]
    fn what_is_promised_and_not_there_is_named() {
        let check_short = |articles, slots, sku: Option<&str>, words: &str, next: &str| {
            let sku = sku.map(str::to_owned);
            let found = promised(&ShortView {
                articles,
                slots,
                sku,
            });
            check(std::slice::from_ref(&found), FindingState::Note, words);
            assert!(found.next.is_some_and(|text| text.ends_with(next)));
        };
        check_short(2, 0, None, "of 2 articles", "omni stock ls --short");
        check_short(0, 1, Some("A B"), "of 1 slot", "omni offer slots 'A B'");
        check_short(1, 3, None, "of 1 article and 3 slots", "omni order ls");
    }

    #[test]
    fn two_versions_at_once_are_named_with_their_author() {
        let of = |name: Option<&str>, mine: bool| {
            twins(&TwinsView {
                partner: "omni1x".to_owned(),
                name: name.map(str::to_owned),
                mine,
                records: 2,
                sku: Some("HTR".to_owned()),
            })
        };
        let check_twins = |found: FindingView, words: &str, next: &str| {
            check(std::slice::from_ref(&found), FindingState::Note, words);
            assert!(found.next.is_some_and(|text| text.contains(next)));
        };
        let of_two = "Brenner published two versions at once of 2 records, such as HTR";
        check_twins(of(Some("Brenner"), false), of_two, "--partner omni1x");
        check_twins(of(None, false), "omni1x published", "--partner omni1x");
        check_twins(of(None, true), "this node's own keys", "--mine");
    }

    #[test]
    fn a_clock_that_was_moved_and_an_older_node_are_named() {
        assert_eq!(moved(NOW, NOW - 60_000, 60), None);
        let check_moved = |now: u64| {
            check(
                &[moved(now, NOW - 60_000, 60).unwrap()],
                FindingState::Fault,
                "moved by 1 h",
            )
        };
        check_moved(NOW + 3_600_000);
        check_moved(NOW - 3_600_000);
        check(
            &[version("0.0.0")],
            FindingState::Fault,
            "the node runs 0.0.0",
        );
        check(
            &[version(env!("CARGO_PKG_VERSION"))],
            FindingState::Good,
            "",
        );
    }
}
