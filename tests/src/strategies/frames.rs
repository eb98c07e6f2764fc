//! Frames of the direct stream. Their signatures are nobody's, but for those of samples.

use omni_protocol::{
    code::Code,
    fence::{Bytes, List, decode, to_bytes},
    frame::{
        Answers, Bye, Envelope, Filter, Frame, Greeting, Head, Heads, HeadsAsk, Hello, Keys,
        KeysAsk, Known, Letter, Lives, Notice, NoticeWhat, Page, ProvedRecord, PullAsk,
        SignedGreeting, SignedNotice, Stored, WhatIs,
    },
    hash::{EntryHash, NetworkId},
    limits::DIRECT_FRAME_BYTES_MAX,
    public::Fingerprint,
};
use proptest::{option, prelude::*};

use super::{
    public::{delegation, proof},
    values::*,
};

/// A frame of any type but `Push`, whose batch must hang together.
pub fn any_frame() -> impl Strategy<Value = Frame> {
    prop_oneof![
        hello().prop_map(|frame| Frame::Hello(Box::new(frame))),
        greeting().prop_map(|frame| Frame::Greeting(Box::new(frame))),
        (word(Code::ALL), text()).prop_map(|(code, text)| Frame::Bye(Bye { code, text })),
        letter().prop_map(|frame| Frame::Letter(Box::new(frame))),
        (lives(), record(), head()).prop_map(|(lives, record, head)| {
            Frame::Stored(Stored {
                lives,
                record,
                head,
            })
        }),
        (deal(), records()).prop_map(|(deal, records)| Frame::WhatIs(WhatIs { deal, records })),
        notice().prop_map(|frame| Frame::Notice(Box::new(frame))),
        catchup(),
    ]
}

fn catchup() -> impl Strategy<Value = Frame> {
    prop_oneof![
        (any::<u32>(), list(partner()), list(known())).prop_map(|(number, authors, known)| {
            Frame::HeadsAsk(HeadsAsk {
                number,
                filter: Filter { authors },
                known,
            })
        }),
        (any::<u32>(), list(known()), any::<bool>()).prop_map(
            |(number, known, more)| Frame::Heads(Heads {
                number,
                known,
                more
            })
        ),
        (any::<u32>(), partner(), revision()).prop_map(|(number, author, after)| Frame::PullAsk(
            PullAsk {
                number,
                author,
                after
            }
        )),
        (any::<u32>(), bytes(), any::<bool>()).prop_map(|(number, compressed, more)| Frame::Page(
            Page {
                number,
                compressed,
                more
            }
        )),
        (any::<u32>(), list(partner()))
            .prop_map(|(number, authors)| Frame::KeysAsk(KeysAsk { number, authors })),
        (any::<u32>(), list(proved()))
            .prop_map(|(number, events)| Frame::Keys(Keys { number, events })),
    ]
}

fn hello() -> impl Strategy<Value = Hello> {
    let ids = (any::<[u8; 32]>().prop_map(NetworkId::from_bytes), partner());
    (
        ids,
        life(),
        list(proved()),
        delegation(),
        text(),
        option::of(any::<[u8; 16]>()),
    )
        .prop_map(
            |((network, partner), life, events, delegation, agent, token)| Hello {
                network,
                partner,
                life,
                events,
                delegation,
                agent,
                token,
            },
        )
}

fn lives() -> impl Strategy<Value = Lives> {
    (life(), life()).prop_map(|(from, to)| Lives { from, to })
}

fn head() -> impl Strategy<Value = Head> {
    (any::<u32>(), any::<u64>(), any::<[u8; 32]>(), time()).prop_map(|(epoch, size, last, at)| {
        Head {
            epoch,
            size,
            last: EntryHash::from_bytes(last),
            at,
        }
    })
}

fn greeting() -> impl Strategy<Value = SignedGreeting> {
    let parties = (partner(), partner(), any::<u32>(), life(), any::<u64>());
    let lists = (list(deal()), list(deal()));
    (parties, head(), list(head()), lists, time(), signature()).prop_map(
        |((from, to, key_index, life, answers), head, seen, lists, at, signature)| {
            let (open_decisions, open_commits) = lists;
            let answers = Answers::from_bits(answers);
            let greeting = Greeting {
                from,
                to,
                key_index,
                life,
                answers,
                head,
                seen,
                open_decisions,
                open_commits,
                at,
            };
            let bytes = [to_bytes(&greeting), to_bytes(&signature)].concat();
            decode(&bytes, DIRECT_FRAME_BYTES_MAX).unwrap()
        },
    )
}

fn notice() -> impl Strategy<Value = SignedNotice> {
    let parties = (partner(), partner(), any::<u32>(), life());
    let rest = (record(), word(Code::ALL), time());
    (word(NoticeWhat::ALL), parties, rest, signature()).prop_map(
        |(what, (from, to, key_index, life), (about, code, at), signature)| {
            let notice = Notice {
                what,
                from,
                to,
                key_index,
                life,
                about,
                code,
                at,
            };
            let bytes = [to_bytes(&notice), to_bytes(&signature)].concat();
            decode(&bytes, DIRECT_FRAME_BYTES_MAX).unwrap()
        },
    )
}

/// A record with its proof, neither of which means anything.
pub fn proved() -> impl Strategy<Value = ProvedRecord> {
    (prop::collection::vec(any::<u8>(), 0..300), proof()).prop_map(|(record, proof)| ProvedRecord {
        record: Bytes::new(record).unwrap(),
        proof,
    })
}

fn records() -> impl Strategy<Value = List<ProvedRecord, 4, 1>> {
    list(proved())
}

fn letter() -> impl Strategy<Value = Letter> {
    let envelope = (lives(), bytes(), list(any::<[u8; 32]>()), bytes()).prop_map(
        |(lives, checkpoint, consistency, seen)| Envelope {
            lives,
            checkpoint,
            consistency,
            seen,
        },
    );
    (envelope, records(), list(proved())).prop_map(|(envelope, records, attached)| Letter {
        envelope,
        records,
        attached,
    })
}

fn known() -> impl Strategy<Value = Known> {
    (partner(), revision(), any::<u32>(), any::<[u8; 16]>()).prop_map(
        |(author, highest, count, fingerprint)| Known {
            author,
            highest,
            count,
            fingerprint: Fingerprint::from_bytes(fingerprint),
        },
    )
}
