//! Frames from the partner 1 to the partner 2, rightly signed.

use omni_protocol::{
    code::Code,
    fence::{Bytes, List},
    frame::{
        Answers, Bye, Envelope, Filter, Frame, Greeting, Head, Heads, HeadsAsk, Hello, Keys,
        KeysAsk, Known, Letter, Lives, Notice, NoticeWhat, Page, ProvedRecord, PullAsk, Stored,
        WhatIs,
    },
    hash::EntryHash,
    proof::Batch,
    public::Fingerprint,
    thread::Life,
};

use super::{
    chain, deal, delegation, inception, key, network, partner, public::revision, record, secret,
    time,
};

/// A record with its proof, as it travels.
pub fn proved(number: u8) -> ProvedRecord {
    let (record, proof) = inception(number);
    ProvedRecord::new(record.bytes(), proof).unwrap()
}

fn head(epoch: u32) -> Head {
    let last = EntryHash::from_bytes([0x21; 32]);
    Head {
        epoch,
        size: 70_000,
        last,
        at: time(1_795_000_000_000),
    }
}

/// A greeting that partner 1 may sign.
pub fn greeting() -> Greeting {
    Greeting {
        from: partner(1),
        to: partner(2),
        key_index: 0,
        life: Life::new(u64::MAX).unwrap(),
        answers: Answers::from_bits(7),
        head: head(1),
        seen: List::new([head(0), head(2)]).unwrap(),
        open_decisions: List::new([deal(0x22)]).unwrap(),
        open_commits: List::new([deal(0x23), deal(0x24)]).unwrap(),
        at: time(1_795_000_000_456),
    }
}

/// A notice that partner 1 may sign.
pub fn notice() -> Notice {
    Notice {
        what: NoticeWhat::Rejected,
        from: partner(1),
        to: partner(2),
        key_index: 0,
        life: Life::new(1).unwrap(),
        about: record(0x25),
        code: Code::HoldUnknown,
        at: time(1_795_000_000_789),
    }
}

fn known(number: u8) -> Known {
    Known {
        author: partner(number),
        highest: revision(),
        count: 2400,
        fingerprint: Fingerprint::from_bytes([0x26; 16]),
    }
}

/// A frame of each type, by the name of the type.
pub fn all() -> Vec<(&'static str, Frame)> {
    [session(), letters(), catchup()].concat()
}

fn session() -> Vec<(&'static str, Frame)> {
    let agent = "omni 0.1.0".parse().unwrap();
    let token = Some([0x27; 16]);
    let life = Life::new(0x27).unwrap();
    let hello = Hello {
        token,
        ..Hello::new(network(), &chain(1), life, delegation(1), agent).unwrap()
    };
    let greeting = greeting().sign(&key(1), &secret(1)).unwrap();
    let bye = Bye {
        code: Code::Malformed,
        text: "frame 9".parse().unwrap(),
    };
    vec![
        ("Hello", Frame::Hello(Box::new(hello))),
        ("Greeting", Frame::Greeting(Box::new(greeting))),
        ("Bye", Frame::Bye(bye)),
    ]
}

fn letters() -> Vec<(&'static str, Frame)> {
    let lives = Lives {
        from: Life::new(0x2b).unwrap(),
        to: Life::new(0x2c2c).unwrap(),
    };
    let envelope = Envelope {
        lives,
        checkpoint: Bytes::new(*b"a note").unwrap(),
        consistency: List::new([[0x28; 32]]).unwrap(),
        seen: Bytes::new(*b"another note").unwrap(),
    };
    let letter = Letter {
        envelope,
        records: List::new([proved(1), proved(2)]).unwrap(),
        attached: List::new([proved(3)]).unwrap(),
    };
    let what_is = WhatIs {
        deal: deal(0x29),
        records: List::new([proved(1)]).unwrap(),
    };
    let notice = notice().sign(&key(1), &secret(1)).unwrap();
    vec![
        ("Letter", Frame::Letter(Box::new(letter))),
        (
            "Stored",
            Frame::Stored(Stored {
                lives,
                record: record(0x2a),
                head: head(3),
            }),
        ),
        ("WhatIs", Frame::WhatIs(what_is)),
        ("Notice", Frame::Notice(Box::new(notice))),
    ]
}

fn catchup() -> Vec<(&'static str, Frame)> {
    let number = 300;
    let authors = || List::new([partner(1), partner(2)]).unwrap();
    let (record, proof) = inception(1);
    let parts = vec![(record.bytes().to_vec(), proof)];
    let batch = Batch::gather(&network(), partner(1), parts).unwrap();
    let ask = HeadsAsk {
        number,
        filter: Filter { authors: authors() },
        known: List::new([known(1)]).unwrap(),
    };
    let heads = Heads {
        number,
        known: List::new([known(1), known(2)]).unwrap(),
        more: true,
    };
    let page = Page {
        number,
        compressed: Bytes::new([0x2b; 260]).unwrap(),
        more: false,
    };
    vec![
        ("HeadsAsk", Frame::HeadsAsk(ask)),
        ("Heads", Frame::Heads(heads)),
        (
            "PullAsk",
            Frame::PullAsk(PullAsk {
                number,
                author: partner(1),
                after: revision(),
            }),
        ),
        ("Page", Frame::Page(page)),
        (
            "KeysAsk",
            Frame::KeysAsk(KeysAsk {
                number,
                authors: authors(),
            }),
        ),
        (
            "Keys",
            Frame::Keys(Keys {
                number,
                events: List::new([proved(1)]).unwrap(),
            }),
        ),
        ("Push", Frame::Push(Box::new(batch))),
    ]
}
