//! One line of text for each thing that happened, for people who look at a run.

use omni_protocol::{
    bundle::BundleBody,
    frame::{Frame, Head, ProvedRecord, Received},
    hash::RecordId,
    ledger::{EntryBody, EntryHeader, Payload},
    record::{Envelope, Signed},
    thread::{LegName, ThreadBody},
};

use crate::{
    market::{BEGINNING_MS, network},
    observation::{EntryBytes, Observation},
};

/// What happened, with seconds since the beginning; empty for what a reader would not miss.
#[must_use]
pub fn line(what: &Observation) -> String {
    match what {
        Observation::Sent {
            from,
            to,
            at_ms,
            bytes,
        } => format!("{} {from} sends {to} {}", at(*at_ms), frame(bytes)),
        Observation::Received {
            from,
            to,
            at_ms,
            bytes,
        } => format!("{} {to} hears {from} {}", at(*at_ms), frame(bytes)),
        Observation::Synced {
            node,
            at_ms,
            entries,
            ..
        } => {
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{} {node} synced {}", at(*at_ms), entries.join(" · "))
        }
        Observation::Told {
            node,
            at_ms,
            asked,
            deal,
            thread,
            answer,
        } => {
            let about = deal.or(*thread).map(short).unwrap_or_default();
            let answer = format!("{answer:?}");
            let answer: String = answer.chars().take(40).collect();
            format!("{} {node} told {asked:?} {about}: {answer}", at(*at_ms))
        }
        Observation::Happened {
            node,
            at_ms,
            deal,
            state,
        } => format!("{} {node} deal {} is {state}", at(*at_ms), short(*deal)),
        Observation::Started {
            node,
            at_ms,
            clock_ms,
            life,
        } => format!(
            "{} {node} STARTS life {life:016x} clock {}",
            at(*at_ms),
            at(*clock_ms)
        ),
        Observation::Crashed { node, at_ms } => format!("{} {node} CRASHES", at(*at_ms)),
        Observation::Restored {
            node,
            at_ms,
            entries,
        } => format!("{} {node} RESTORED to {entries} entries", at(*at_ms)),
        Observation::Healed { at_ms } => format!("{} HEALED", at(*at_ms)),
        Observation::Quiet { at_ms } => format!("{} QUIET", at(*at_ms)),
        Observation::Node { .. } | Observation::Stored { .. } => String::new(),
    }
}

fn at(ms: u64) -> String {
    let ms = i128::from(ms) - i128::from(BEGINNING_MS);
    format!("{:>6}.{:03}", ms / 1_000, ms.rem_euclid(1_000))
}

fn short(id: [u8; 32]) -> String {
    RecordId::from_bytes(id).to_string()[..6].to_owned()
}

fn frame(bytes: &[u8]) -> String {
    let Ok(Received::Frame(frame)) = Frame::decode(bytes) else {
        return "?".to_owned();
    };
    match frame {
        Frame::Letter(letter) => {
            let list = |records: &[ProvedRecord]| {
                let records = records.iter().map(|one| record(&one.record));
                records.collect::<Vec<_>>().join(", ")
            };
            let seen = if letter.envelope.seen.is_empty() {
                ""
            } else {
                " +seen"
            };
            let attached = list(&letter.attached);
            format!("[{}] with [{attached}]{seen}", list(&letter.records))
        }
        Frame::Stored(stored) => format!("Stored {}", short(*stored.record.as_bytes())),
        Frame::Greeting(greeting) => {
            let said = greeting.claimed();
            let place = |head: &Head| format!("{}/{}", head.epoch, head.size);
            let seen: Vec<_> = said.seen.iter().map(place).collect();
            format!(
                "Greeting life {:016x} answers {:016x} head {} seen [{}]",
                said.life.get(),
                said.answers.bits(),
                place(&said.head),
                seen.join(", ")
            )
        }
        Frame::Notice(notice) => {
            let said = notice.claimed();
            let about = short(*said.about.as_bytes());
            format!("{:?} {about} {}", said.what, said.code.name())
        }
        other => format!("{:?}", other.frame_type()),
    }
}

fn record(bytes: &[u8]) -> String {
    let Ok(envelope) = Envelope::read(&network(), bytes) else {
        return "?".to_owned();
    };
    let id = short(*envelope.id().as_bytes());
    let Ok(record) = Signed::<ThreadBody>::read(&network(), bytes) else {
        return format!("{:?} {id}", envelope.kind());
    };
    let kind = record.kind().name();
    match record.body() {
        ThreadBody::Request(body) => body.chain.map_or_else(
            || format!("{kind} {id}"),
            |chain| format!("{kind} {id} for {}", short(*chain.id.as_bytes())),
        ),
        ThreadBody::Hold(body) => format!("{kind} {id} of {}", short(*body.deal.as_bytes())),
        ThreadBody::Commit(body) => format!("{kind} {id} of {}", short(*body.deal.as_bytes())),
        ThreadBody::Receipt(body) => format!("{kind} {id} of {}", short(*body.deal.as_bytes())),
        ThreadBody::Release(body) => format!("{kind} {id} of {}", short(*body.deal.as_bytes())),
        ThreadBody::Refusal(body) => {
            let deal = short(*body.deal.as_bytes());
            let leg = body.leg.map(leg).unwrap_or_default();
            format!("{kind} {id} of {deal} {}{leg}", body.code.name())
        }
        ThreadBody::Bundle(BundleBody::ArmReceipt(body)) => format!("{kind} {id}{}", leg(body.leg)),
        ThreadBody::Bundle(BundleBody::Lapse(body)) => format!("{kind} {id}{}", leg(body.leg)),
        ThreadBody::Proposal(body) => {
            let firm = if body.is_firm() { "firm " } else { "" };
            format!("{firm}{kind} {id} {:?}", body.role())
        }
        _ => format!("{kind} {id}"),
    }
}

fn leg(named: LegName) -> String {
    let manifest = short(*RecordId::from(named.manifest).as_bytes());
    format!(" for leg {} of {manifest}", named.number)
}

fn entry(bytes: &EntryBytes) -> String {
    let header = EntryHeader::from_bytes(&bytes.header).expect("a header");
    let body = EntryBody::from_bytes(header.kind, &bytes.body).expect("a body");
    let (epoch, sequence) = (header.epoch, header.sequence);
    let records: Vec<String> = bytes
        .records
        .iter()
        .map(|one| record(&one.record))
        .collect();
    let about = match &body.payload {
        Payload::Closed(deal) | Payload::WrittenOff(deal) => short(*deal.as_bytes()),
        Payload::Counted { steps, .. } => steps.to_string(),
        Payload::Granted(text) => text.as_str().to_owned(),
        _ => records.join(", "),
    };
    format!("{epoch}/{sequence} {} {about}", header.kind.name())
}
