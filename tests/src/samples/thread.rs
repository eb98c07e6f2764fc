//! Bodies of the records of a thread between the partners 1 and 2.

use omni_protocol::{
    code::Code,
    fence::{Bytes, List},
    hash::{ManifestId, PassedOn, ThreadId},
    thread::{
        Ack, Answer, AtFault, Chain, Change, ChangeWhat, Choice, CoLegs, Commit, Conditions, Event,
        EventLine, Handover, Happening, Header, Hold, HoldTerms, Inquiry, Item, LegName, Life,
        Proposal, Question, Receipt, Refusal, Reject, Release, Request, Role, Terms, ThreadBody,
        Window, Withdraw,
    },
    trade::{Absent, Destination, HundredthsOfPercent, Method, Nature, Right, RightState, RightTo},
    value::{Minor, Price, Unit},
};

use super::{deal, partner, record, steps, time};

/// A header of a record within a thread.
pub fn header() -> Header {
    Header {
        salt: [0xcd; 16],
        to: partner(2),
        life: Life::new(0x0123_4567_89ab_cdef).unwrap(),
        epoch: 1,
        sequence: 300,
        at: time(1_795_000_000_123),
        thread: Some(ThreadId::from_bytes([0x11; 32])),
        parent: Some(record(0x12)),
    }
}

/// The name of a leg that no sample has.
pub fn leg_name() -> LegName {
    LegName {
        manifest: ManifestId::from_bytes([0x1f; 32]),
        number: 300,
    }
}

pub(super) fn opening() -> Header {
    Header {
        thread: None,
        parent: None,
        ..header()
    }
}

fn minor(minor: i64) -> Minor {
    Minor::new(minor).unwrap()
}

fn item(sku: &str, amount: u64, price: i64) -> Item {
    Item {
        sku: sku.parse().unwrap(),
        list: "b2b".parse().unwrap(),
        offer: Some(record(0x13)),
        title: "Regal Eiche 180 cm".parse().unwrap(),
        nature: Nature::Product,
        unit: Unit::new("C62", 0).unwrap(),
        steps: steps(amount),
        price: Price::new(minor(price), steps(3)).unwrap(),
    }
}

fn conditions() -> Conditions {
    let region = Destination(Some("DE-BY".parse().unwrap()));
    let right = Right {
        state: RightState::Before,
        to: RightTo::Cancel,
        within_hours: 48,
        fee: HundredthsOfPercent::default(),
    };
    let window = Window::new(time(1_796_000_000_000), time(1_797_000_000_000)).unwrap();
    Conditions {
        postcode: "80331".parse().unwrap(),
        window: Some(window),
        incoterm: "DAP".parse().unwrap(),
        payment_days: 30,
        rights: List::new([right]).unwrap(),
        white_label: true,
        for_chain: true,
        arbiter: Some(partner(3)),
        note: "Ring twice.".parse().unwrap(),
        on: Some(Change {
            order: deal(0x14),
            version: 2,
            what: ChangeWhat::Amend,
        }),
        ..Conditions::plain(Method::Ship, region)
    }
}

/// Terms of two lines, the first of which is rounded.
pub fn terms() -> Terms {
    let items = vec![item("REG-180-E", 5, 1000), item("REG-90-E", 300, 299)];
    Terms::new(items, "EUR".parse().unwrap(), conditions()).unwrap()
}

/// Terms of a deal that is for no chain.
pub fn plain_terms() -> Terms {
    let conditions = Conditions::plain(Method::PickUp, Destination::default());
    let item = Item {
        list: "".parse().unwrap(),
        offer: None,
        ..item("A", 1, 3)
    };
    Terms::new(vec![item], "GBP".parse().unwrap(), conditions).unwrap()
}

fn cancellation() -> Terms {
    let on = Change {
        order: deal(0x14),
        version: 1,
        what: ChangeWhat::Cancel,
    };
    let conditions = Conditions {
        on: Some(on),
        ..conditions()
    };
    let items = vec![item("REG-180-E", 2, 1000)];
    Terms::cancellation(items, "EUR".parse().unwrap(), minor(250), conditions).unwrap()
}

fn hold_terms() -> HoldTerms {
    HoldTerms {
        until: time(1_795_000_900_000),
        passed_on: Some(PassedOn::from_bytes([0x15; 32])),
        patience_ms: 90_000,
        co_legs: CoLegs::Known,
        arm_last: true,
    }
}

pub(super) fn all() -> Vec<(&'static str, ThreadBody)> {
    [talk(), proposals(), decisions(), after()].concat()
}

fn talk() -> Vec<(&'static str, ThreadBody)> {
    let (header, text) = (header(), "When?\nAnd where?".parse().unwrap());
    vec![
        (
            "Inquiry",
            ThreadBody::Inquiry(Inquiry {
                header: opening(),
                text,
            }),
        ),
        ("Question", {
            ThreadBody::Question(Question {
                header,
                text: "Oiled?".parse().unwrap(),
            })
        }),
        (
            "Answer",
            ThreadBody::Answer(Answer {
                header,
                text: "Yes.".parse().unwrap(),
            }),
        ),
        (
            "Reject",
            ThreadBody::Reject(Reject {
                header,
                code: Code::PriceRefused,
            }),
        ),
        ("Withdraw", ThreadBody::Withdraw(Withdraw { header })),
    ]
}

fn proposals() -> Vec<(&'static str, ThreadBody)> {
    let until = time(1_795_100_000_000);
    let one = || List::new([terms()]).unwrap();
    let three = List::new([terms(), plain_terms(), plain_terms()]).unwrap();
    let change = List::new([cancellation()]).unwrap();
    let choice = Choice {
        proposal: record(0x16),
        alternative: 2,
    };
    let boxed = |proposal| ThreadBody::Proposal(Box::new(proposal));
    let request = |header, proposal, terms, chain| {
        ThreadBody::Request(Box::new(Request {
            header,
            proposal,
            valid_until: until,
            terms,
            chain,
        }))
    };
    let chain = Chain {
        id: deal(0x18),
        depth: 2,
    };
    vec![
        (
            "Proposal",
            boxed(Proposal::open(opening(), Role::Requester, until, three)),
        ),
        ("Proposal, requester's firm", {
            boxed(Proposal::firm_of_requester(header(), until, change))
        }),
        ("Proposal, provider's firm", {
            boxed(Proposal::firm_of_provider(header(), one(), hold_terms()))
        }),
        (
            "Request",
            request(header(), Some(choice), terms(), Some(chain)),
        ),
        (
            "Request that opens a thread",
            request(opening(), None, plain_terms(), None),
        ),
    ]
}

fn decisions() -> Vec<(&'static str, ThreadBody)> {
    let (header, deal) = (header(), deal(0x17));
    let hold = Hold {
        header,
        deal,
        terms: terms().hash(),
        hold: hold_terms(),
    };
    let plain_hold = Hold {
        hold: HoldTerms::alone(time(1_795_000_900_000)),
        ..hold
    };
    let commit = Commit {
        header,
        deal,
        hold: record(0x18),
        alternative: 0,
        manifest: Absent,
    };
    let receipt = Receipt {
        header,
        deal,
        commit: record(0x19),
        alternative: 0,
    };
    let code = Code::NoStock;
    let refusal = Refusal {
        header,
        deal,
        code,
        fault: AtFault::of(code),
        leg: None,
    };
    let of_leg = Refusal {
        code: Code::HoldOver,
        fault: AtFault::of(Code::HoldOver),
        leg: Some(leg_name()),
        ..refusal
    };
    let cosignature = Bytes::default();
    vec![
        ("Hold", ThreadBody::Hold(hold)),
        ("Hold of a deal between two", ThreadBody::Hold(plain_hold)),
        ("Commit", ThreadBody::Commit(commit)),
        ("Receipt", ThreadBody::Receipt(receipt)),
        ("Refusal", ThreadBody::Refusal(refusal)),
        ("Refusal of a leg", ThreadBody::Refusal(of_leg)),
        ("Release", ThreadBody::Release(Release { header, deal })),
        (
            "Ack",
            ThreadBody::Ack(Ack {
                header,
                receipt: record(0x1a),
                cosignature,
            }),
        ),
    ]
}

fn after() -> Vec<(&'static str, ThreadBody)> {
    let lines = [
        EventLine {
            line: 0,
            steps: steps(5),
        },
        EventLine {
            line: 1,
            steps: steps(300),
        },
    ];
    let event = Event {
        header: header(),
        deal: deal(0x1b),
        version: 1,
        what: Happening::HandedOver,
        occurred: time(1_795_200_000_000),
        lines: List::new(lines).unwrap(),
        reference: "1Z-999".parse().unwrap(),
        note: "Two parcels.".parse().unwrap(),
    };
    let handover = Handover {
        header: header(),
        deal: deal(0x1b),
        sealing_key: [0x1c; 32],
        encapsulated: [0x1d; 32],
        sealed: Bytes::new([0x1e; 300]).unwrap(),
    };
    vec![
        ("Event", ThreadBody::Event(Box::new(event))),
        ("Handover", ThreadBody::Handover(Box::new(handover))),
    ]
}
