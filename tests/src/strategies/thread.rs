//! Bodies of the records of a thread.

use omni_protocol::{
    code::Code,
    fence::List,
    hash::{ManifestId, PassedOn, TermsHash},
    limits::CHAIN_DEPTH_MAX,
    thread::{
        Ack, Answer, AtFault, Chain, Change, ChangeWhat, Choice, CoLegs, Commit, Conditions, Event,
        EventLine, Handover, Happening, Header, Hold, HoldTerms, Inquiry, Item, LegName, Proposal,
        Question, Receipt, Refusal, Reject, Release, Request, Role, Shipto, Terms, ThreadBody,
        Window, Withdraw,
    },
    trade::{Absent, Method, Nature},
    value::{Minor, Price, Steps},
};
use proptest::{option, prelude::*};

use super::values::*;

/// The body of a record of a thread.
pub fn thread_body() -> BoxedStrategy<ThreadBody> {
    let text = || (within(), prose());
    prop_oneof![
        (header(), prose())
            .prop_map(|(header, text)| ThreadBody::Inquiry(Inquiry { header, text })),
        text().prop_map(|(header, text)| ThreadBody::Question(Question { header, text })),
        text().prop_map(|(header, text)| ThreadBody::Answer(Answer { header, text })),
        proposal().prop_map(|body| ThreadBody::Proposal(Box::new(body))),
        (within(), word(Code::ALL))
            .prop_map(|(header, code)| ThreadBody::Reject(Reject { header, code })),
        within().prop_map(|header| ThreadBody::Withdraw(Withdraw { header })),
        request().prop_map(|body| ThreadBody::Request(Box::new(body))),
        deal_body(),
        event().prop_map(|body| ThreadBody::Event(Box::new(body))),
        handover().prop_map(|body| ThreadBody::Handover(Box::new(body))),
    ]
    .boxed()
}

fn deal_body() -> BoxedStrategy<ThreadBody> {
    prop_oneof![
        (within(), deal(), any::<[u8; 32]>(), hold_terms()).prop_map(
            |(header, deal, terms, hold)| {
                ThreadBody::Hold(Hold {
                    header,
                    deal,
                    terms: TermsHash::from_bytes(terms),
                    hold,
                })
            }
        ),
        (within(), deal(), record(), any::<u8>()).prop_map(|(header, deal, hold, alternative)| {
            ThreadBody::Commit(Commit {
                header,
                deal,
                hold,
                alternative,
                manifest: Absent,
            })
        }),
        (within(), deal(), record(), any::<u8>()).prop_map(
            |(header, deal, commit, alternative)| {
                ThreadBody::Receipt(Receipt {
                    header,
                    deal,
                    commit,
                    alternative,
                })
            }
        ),
        (
            within(),
            deal(),
            word(Code::ALL),
            word(AtFault::ALL),
            option::of(leg_name())
        )
            .prop_map(|(header, deal, code, fault, leg)| {
                ThreadBody::Refusal(Refusal {
                    header,
                    deal,
                    code,
                    fault,
                    leg,
                })
            }),
        (within(), deal()).prop_map(|(header, deal)| ThreadBody::Release(Release { header, deal })),
        (within(), record(), bytes()).prop_map(|(header, receipt, cosignature)| {
            ThreadBody::Ack(Ack {
                header,
                receipt,
                cosignature,
            })
        }),
    ]
    .boxed()
}

/// The name of a leg.
pub fn leg_name() -> impl Strategy<Value = LegName> {
    (any::<[u8; 32]>(), any::<u16>()).prop_map(|(manifest, number)| LegName {
        manifest: ManifestId::from_bytes(manifest),
        number,
    })
}

/// A header of a record that may open its thread.
pub fn header() -> BoxedStrategy<Header> {
    let place = prop_oneof![
        Just((None, None)),
        (thread(), option::of(record())).prop_map(|(thread, parent)| (Some(thread), parent)),
    ];
    (
        any::<[u8; 16]>(),
        partner(),
        life(),
        any::<u32>(),
        any::<u64>(),
        time(),
        place,
    )
        .prop_map(
            |(salt, to, life, epoch, sequence, at, (thread, parent))| Header {
                salt,
                to,
                life,
                epoch,
                sequence,
                at,
                thread,
                parent,
            },
        )
        .boxed()
}

/// A header of a record within a thread.
pub fn within() -> impl Strategy<Value = Header> {
    (header(), thread()).prop_map(|(header, thread)| Header {
        thread: header.thread.or(Some(thread)),
        ..header
    })
}

fn item() -> BoxedStrategy<Item> {
    let texts = (text(), text(), option::of(record()), text());
    // Small enough for any sum of lines.
    let amounts = (0..=1_000_000_i64, steps(), 1..=1_000_000_u64);
    (texts, word(Nature::ALL), unit(), amounts)
        .prop_map(
            |((sku, list, offer, title), nature, unit, (minor, per, steps))| Item {
                sku,
                list,
                offer,
                title,
                nature,
                unit,
                steps: Steps::new(steps).unwrap(),
                price: Price::new(Minor::new(minor).unwrap(), per).unwrap(),
            },
        )
        .boxed()
}

fn conditions() -> BoxedStrategy<Conditions> {
    let window = option::of((time(), time()))
        .prop_map(|times| times.map(|(a, b)| Window::new(a.min(b), a.max(b)).unwrap()));
    let change =
        (deal(), any::<u32>(), word(ChangeWhat::ALL)).prop_map(|(order, version, what)| Change {
            order,
            version,
            what,
        });
    let place = (word(Method::ALL), destination(), text(), window, text());
    let rest = (
        any::<(u16, bool, bool)>(),
        list(right()),
        option::of(partner()),
        prose(),
        option::of(change),
    );
    (place, rest)
        .prop_map(|((method, region, postcode, window, incoterm), rest)| {
            let ((payment_days, white_label, for_chain), rights, arbiter, note, on) = rest;
            Conditions {
                method,
                region,
                postcode,
                window,
                incoterm,
                payment_days,
                rights,
                white_label,
                for_chain,
                arbiter,
                note,
                on,
            }
        })
        .boxed()
}

/// Terms whose totals hold.
pub fn terms() -> BoxedStrategy<Terms> {
    (
        prop::collection::vec(item(), 1..=4),
        currency(),
        minor(),
        conditions(),
    )
        .prop_map(|(items, currency, fee, conditions)| {
            let cancels = conditions
                .on
                .is_some_and(|change| change.what == ChangeWhat::Cancel);
            if cancels {
                Terms::cancellation(items, currency, fee, conditions).unwrap()
            } else {
                Terms::new(items, currency, conditions).unwrap()
            }
        })
        .boxed()
}

/// What a hold promises.
pub fn hold_terms() -> impl Strategy<Value = HoldTerms> {
    (
        time(),
        option::of(any::<[u8; 32]>()),
        any::<u64>(),
        word(CoLegs::ALL),
        any::<bool>(),
    )
        .prop_map(
            |(until, passed_on, patience_ms, co_legs, arm_last)| HoldTerms {
                until,
                passed_on: passed_on.map(PassedOn::from_bytes),
                patience_ms,
                co_legs,
                arm_last,
            },
        )
}

fn proposal() -> BoxedStrategy<Proposal> {
    let alternatives =
        prop::collection::vec(terms(), 1..=3).prop_map(|all| List::new(all).unwrap());
    (header(), alternatives, hold_terms(), 0..4_u8)
        .prop_map(|(header, alternatives, hold, which)| match which {
            0 => Proposal::open(header, Role::Requester, hold.until, alternatives),
            1 => Proposal::open(header, Role::Provider, hold.until, alternatives),
            2 => Proposal::firm_of_requester(header, hold.until, alternatives),
            _ => Proposal::firm_of_provider(header, alternatives, hold),
        })
        .boxed()
}

fn request() -> BoxedStrategy<Request> {
    let choice = (record(), any::<u8>()).prop_map(|(proposal, alternative)| Choice {
        proposal,
        alternative,
    });
    let chain = (deal(), 1..=CHAIN_DEPTH_MAX).prop_map(|(id, depth)| Chain { id, depth });
    (header(), option::of(choice), time(), terms(), chain)
        .prop_map(|(header, proposal, valid_until, terms, chain)| Request {
            header,
            proposal,
            valid_until,
            chain: terms.conditions().for_chain.then_some(chain),
            terms,
        })
        .boxed()
}

fn event() -> BoxedStrategy<Event> {
    let line = (any::<u16>(), steps()).prop_map(|(line, steps)| EventLine { line, steps });
    let what = (deal(), any::<u32>(), word(Happening::ALL), time());
    (within(), what, list(line), text(), prose())
        .prop_map(
            |(header, (deal, version, what, occurred), lines, reference, note)| Event {
                header,
                deal,
                version,
                what,
                occurred,
                lines,
                reference,
                note,
            },
        )
        .boxed()
}

fn handover() -> BoxedStrategy<Handover> {
    (
        within(),
        deal(),
        any::<[u8; 32]>(),
        any::<[u8; 32]>(),
        bytes(),
    )
        .prop_map(
            |(header, deal, sealing_key, encapsulated, sealed)| Handover {
                header,
                deal,
                sealing_key,
                encapsulated,
                sealed,
            },
        )
        .boxed()
}

/// The clear text of a hand-over.
pub fn shipto() -> BoxedStrategy<Shipto> {
    let place = (text(), list(text()), text(), text(), destination());
    (place, text(), text(), text(), prose())
        .prop_map(
            |((name, lines, city, postcode, region), country, phone, email, note)| Shipto {
                name,
                lines,
                city,
                postcode,
                region,
                country,
                phone,
                email,
                note,
            },
        )
        .boxed()
}
