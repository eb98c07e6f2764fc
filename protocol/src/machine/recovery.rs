//! Recovery (SPEC.md section 14): a node that is shown something of its own that it lacks signs
//! nothing until the operator opens the next epoch; then what partners show is taken in and
//! confirmed by an entry of the present life. Backups and checkpoints of files are the shell's.

use alloc::vec::Vec;

use super::{
    Key, Overlay, Stop,
    letter::{Case, No, Received},
    life,
    step::{Event, Mark, Message},
    trial::{Trial, carried},
};
use crate::{
    code::Code,
    fence::{self, List},
    frame::{Notice, NoticeWhat},
    hash::{DealId, PartnerId, RecordId},
    ledger::{ENTRY_IDS_MAX, Payload, Reason, note::Checkpoint},
    thread::{Life, ThreadBody},
};

impl Trial<'_> {
    /// Takes in what came along: own records of an earlier epoch that this node lacks. One of the
    /// present epoch means that something was lost.
    pub(super) fn import_shown(&mut self, case: Case<'_>) -> Result<(), No> {
        let own = self.machine.config.partner;
        for shown in case.attached {
            if shown.record.author() != own || self.knows(shown.record.id()) {
                continue;
            }
            let header = shown.record.body().header();
            let rests = rests_on(shown, case);
            if header.to != case.from || rests.is_none() {
                continue;
            }
            if header.epoch >= self.machine.head.epoch || self.machine.recovering {
                return Err(No::Lost(rests.unwrap_or(shown.record.id().into())));
            }
            for theirs in case.attached {
                if theirs.record.author() == case.from && !self.knows(theirs.record.id()) {
                    self.keep(Case {
                        received: theirs,
                        ..case
                    });
                }
            }
            let listed = List::new([shown.record.id()]).map_err(Code::from)?;
            let bytes = Vec::from(shown.record.bytes());
            let proof = Some(fence::to_bytes(&shown.proof));
            self.enter(
                Payload::Recovered(listed),
                Some(case.from),
                Vec::from([carried(bytes, proof)]),
            );
        }
        Ok(())
    }

    /// Enters recovery, and says that something is lost.
    pub(super) fn lose(&mut self, from: PartnerId, about: DealId) {
        if !self.machine.recovering {
            self.mark(Mark::Recovering {
                about: about.into(),
            });
            self.event(Event::Recovering);
        }
        self.notice(from, NoticeWhat::Lost, about.into(), Code::Lost);
    }

    /// A notice to be signed when the step is synced.
    pub(super) fn notice(&mut self, to: PartnerId, what: NoticeWhat, about: RecordId, code: Code) {
        let Ok(life) = Life::new(self.machine.life) else {
            return;
        };
        let config = &self.machine.config;
        let notice = Notice {
            what,
            from: config.partner,
            to,
            key_index: config.key_index,
            life,
            about,
            code,
            at: self.at(),
        };
        self.reply(to, Message::Notice(notice));
    }
}

/// The deal of an own record that came along, if it is one by which a deal stands.
fn rests_on(shown: &Received, case: Case<'_>) -> Option<DealId> {
    match shown.record.body() {
        ThreadBody::Hold(hold) => Some(hold.deal),
        ThreadBody::Commit(commit) => Some(commit.deal),
        ThreadBody::Receipt(receipt) => Some(receipt.deal),
        ThreadBody::Refusal(refusal) => Some(refusal.deal),
        ThreadBody::Release(release) => Some(release.deal),
        ThreadBody::Request(_) => Some(shown.record.id().into()),
        ThreadBody::Proposal(proposal) if proposal.is_firm() => Some(shown.record.id().into()),
        ThreadBody::Proposal(_)
        | ThreadBody::Inquiry(_)
        | ThreadBody::Question(_)
        | ThreadBody::Answer(_)
        | ThreadBody::Reject(_)
        | ThreadBody::Withdraw(_)
        | ThreadBody::Ack(_)
        | ThreadBody::Event(_)
        | ThreadBody::Handover(_) => None,
    }
    .filter(|_| case.from == shown.record.body().header().to)
}

/// A checkpoint of this node's own was shown, its signature checked.
pub(super) fn shown(trial: &mut Trial<'_>, checkpoint: &Checkpoint) {
    let config = &trial.machine.config;
    if checkpoint.partner != config.partner || checkpoint.network != config.network {
        return;
    }
    let head = trial.machine.head;
    let beyond = (checkpoint.epoch, checkpoint.size) > (head.epoch, head.size);
    let beside = !beyond
        && super::fold::root_at(&trial.view, checkpoint.epoch, checkpoint.size)
            .is_some_and(|root| root != checkpoint.root);
    if (beyond || beside) && !trial.machine.recovering {
        trial.mark(Mark::Recovering {
            about: RecordId::from_bytes(checkpoint.root),
        });
        trial.event(Event::Recovering);
    }
}

/// The operator opens the next epoch: what can't be filled stays a gap.
pub(super) fn open_epoch(trial: &mut Trial<'_>) -> Result<(), Stop> {
    if !trial.machine.recovering {
        return Err(Code::Outdated.into());
    }
    let mut open = Vec::new();
    let partners: Vec<PartnerId> = trial.machine.sessions.keys().copied().collect();
    for partner in partners {
        open.extend(life::open_deals(&trial.view, partner));
    }
    open.truncate(ENTRY_IDS_MAX);
    let open = List::new(open).map_err(Code::from)?;
    trial.machine.head.epoch += 1;
    trial.machine.head.size = 0;
    let reason = Reason::Recovery;
    trial.enter(Payload::Opened { reason, open }, None, Vec::new());
    Ok(())
}

/// What an opened epoch ends.
pub(super) fn opened(view: &mut Overlay<'_>) {
    view.delete(Key::Recovery {});
}
