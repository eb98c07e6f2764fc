//! Frames of the direct stream, written field by field from section 15 of SPEC.md.

use omni_protocol::{
    fence,
    frame::{
        Envelope, Frame, Greeting, Head, HeadsAsk, Hello, Known, Lives, Notice, ProvedRecord,
        SignedGreeting, SignedNotice,
    },
    proof::Batch,
};

use super::{Naive, bodies};

/// The bytes that follow the length on the stream.
pub fn frame(frame: &Frame) -> Vec<u8> {
    let naive = Naive::new();
    match frame {
        Frame::Hello(frame) => hello(naive.unsigned(1), frame),
        Frame::Greeting(frame) => signed_greeting(naive.unsigned(2), frame),
        Frame::Bye(frame) => naive
            .unsigned(3)
            .unsigned(frame.code.number().into())
            .text(&frame.text),
        Frame::Letter(frame) => envelope(naive.unsigned(4), &frame.envelope)
            .list(&*frame.records, proved)
            .list(&*frame.attached, proved),
        Frame::Stored(frame) => head(
            lives(naive.unsigned(5), &frame.lives).fixed(frame.record.as_bytes()),
            &frame.head,
        ),
        Frame::WhatIs(frame) => naive
            .unsigned(6)
            .fixed(frame.deal.as_bytes())
            .list(&*frame.records, proved),
        Frame::Notice(frame) => signed_notice(naive.unsigned(7), frame),
        Frame::HeadsAsk(frame) => heads_ask(naive.unsigned(8), frame),
        Frame::Heads(frame) => naive
            .unsigned(9)
            .unsigned(frame.number.into())
            .list(&*frame.known, known)
            .bool(frame.more),
        Frame::PullAsk(frame) => naive
            .unsigned(10)
            .unsigned(frame.number.into())
            .fixed(frame.author.as_bytes())
            .unsigned(frame.after.get()),
        Frame::Page(frame) => naive
            .unsigned(11)
            .unsigned(frame.number.into())
            .bytes(&frame.compressed)
            .bool(frame.more),
        Frame::KeysAsk(frame) => naive
            .unsigned(12)
            .unsigned(frame.number.into())
            .list(&*frame.authors, |naive, author| {
                naive.fixed(author.as_bytes())
            }),
        Frame::Keys(frame) => naive
            .unsigned(13)
            .unsigned(frame.number.into())
            .list(&*frame.events, proved),
        Frame::Push(batch) => push(naive.unsigned(14), batch),
    }
    .0
}

/// A batch keeps its fields to itself and is encoded anew, naively, where batches are tested.
fn push(naive: Naive, batch: &Batch) -> Naive {
    naive.fixed(&fence::to_bytes(batch))
}

fn hello(naive: Naive, hello: &Hello) -> Naive {
    let naive = naive
        .fixed(hello.network.as_bytes())
        .fixed(hello.partner.as_bytes())
        .unsigned(hello.life.get())
        .list(&*hello.events, proved);
    bodies::delegation(naive, &hello.delegation)
        .text(&hello.agent)
        .option(hello.token, |naive, token| naive.fixed(&token))
}

pub(super) fn proved(naive: Naive, proved: &ProvedRecord) -> Naive {
    bodies::proof(naive.bytes(&proved.record), &proved.proof)
}

fn envelope(naive: Naive, envelope: &Envelope) -> Naive {
    lives(naive, &envelope.lives)
        .bytes(&envelope.checkpoint)
        .list(&*envelope.consistency, |naive, node| naive.fixed(node))
        .bytes(&envelope.seen)
}

fn lives(naive: Naive, lives: &Lives) -> Naive {
    naive.unsigned(lives.from.get()).unsigned(lives.to.get())
}

fn heads_ask(naive: Naive, ask: &HeadsAsk) -> Naive {
    naive
        .unsigned(ask.number.into())
        .list(&*ask.filter.authors, |naive, author| {
            naive.fixed(author.as_bytes())
        })
        .list(&*ask.known, known)
}

fn known(naive: Naive, known: &Known) -> Naive {
    naive
        .fixed(known.author.as_bytes())
        .unsigned(known.highest.get())
        .unsigned(known.count.into())
        .fixed(known.fingerprint.as_bytes())
}

/// What is signed: the greeting without its signature.
pub fn greeting(naive: Naive, greeting: &Greeting) -> Naive {
    let naive = naive
        .fixed(greeting.from.as_bytes())
        .fixed(greeting.to.as_bytes())
        .unsigned(greeting.key_index.into())
        .unsigned(greeting.life.get())
        .unsigned(greeting.answers.bits());
    head(naive, &greeting.head)
        .list(&*greeting.seen, head)
        .list(&*greeting.open_decisions, |naive, deal| {
            naive.fixed(deal.as_bytes())
        })
        .list(&*greeting.open_commits, |naive, deal| {
            naive.fixed(deal.as_bytes())
        })
        .unsigned(greeting.at.ms())
}

fn head(naive: Naive, head: &Head) -> Naive {
    naive
        .unsigned(head.epoch.into())
        .unsigned(head.size)
        .fixed(head.last.as_bytes())
        .unsigned(head.at.ms())
}

/// What is signed: the notice without its signature.
pub fn notice(naive: Naive, notice: &Notice) -> Naive {
    naive
        .unsigned(notice.what.number().into())
        .fixed(notice.from.as_bytes())
        .fixed(notice.to.as_bytes())
        .unsigned(notice.key_index.into())
        .unsigned(notice.life.get())
        .fixed(notice.about.as_bytes())
        .unsigned(notice.code.number().into())
        .unsigned(notice.at.ms())
}

/// Signatures are not shown by their types, so they are taken from the end of what was written.
fn signature(written: &[u8]) -> &[u8] {
    &written[written.len() - 64..]
}

fn signed_greeting(naive: Naive, signed: &SignedGreeting) -> Naive {
    greeting(naive, signed.claimed()).fixed(signature(&fence::to_bytes(signed)))
}

fn signed_notice(naive: Naive, signed: &SignedNotice) -> Naive {
    notice(naive, signed.claimed()).fixed(signature(&fence::to_bytes(signed)))
}
