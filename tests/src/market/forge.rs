//! A partner by hand: it signs whatever a test wants, in whatever order, which no honest machine
//! would.

use omni_protocol::{
    code::Code,
    fence::{Bytes, List},
    hash::{DealId, PartnerId, RecordId, TermsHash, ThreadId},
    machine::Received,
    record::Signed,
    thread::{
        Ack, AtFault, Choice, Commit, Header, Hold, HoldTerms, Inquiry, Life, Proposal, Receipt,
        Refusal, Release, Request, Terms, ThreadBody,
    },
    trade::Absent,
    value::{Prose, Time},
};

use super::{Identity, network, verified};

/// A partner by hand.
#[derive(Clone)]
pub struct Peer {
    pub identity: Identity,
    /// To whom it speaks.
    pub to: PartnerId,
    /// Its life.
    pub life: Life,
    /// Epoch that its records name.
    pub epoch: u32,
    /// Place that its next record names.
    pub sequence: u64,
    /// Its ledger time.
    pub ms: u64,
    /// The thread that its records name.
    pub thread: Option<ThreadId>,
    /// The record that they answer.
    pub parent: Option<RecordId>,
}

impl Peer {
    fn time(&self) -> Time {
        Time::new(self.ms).unwrap()
    }

    /// The header of its next record.
    pub fn header(&mut self) -> Header {
        self.sequence += 1;
        let mut salt = [7; 16];
        salt[..8].copy_from_slice(&self.sequence.to_be_bytes());
        Header {
            salt,
            to: self.to,
            life: self.life,
            epoch: self.epoch,
            sequence: self.sequence,
            at: self.time(),
            thread: self.thread,
            parent: self.parent,
        }
    }

    /// A signed record.
    pub fn sign(&self, body: ThreadBody) -> Received {
        let record = Signed::write(&network(), self.identity.partner, body).unwrap();
        let (_, proof) = self.identity.prove(&[record.id()]).remove(0);
        verified(&self.identity, record.bytes(), proof)
    }

    pub fn inquiry(&mut self, text: &str) -> Received {
        let header = self.header();
        let text = Prose::new(text).unwrap();
        self.sign(ThreadBody::Inquiry(Inquiry { header, text }))
    }

    pub fn request(
        &mut self,
        terms: Terms,
        minutes: u64,
        proposal: Option<(RecordId, u8)>,
    ) -> Received {
        let request = Request {
            header: self.header(),
            proposal: proposal.map(|(proposal, alternative)| Choice {
                proposal,
                alternative,
            }),
            valid_until: self.time().plus_ms(minutes * 60_000),
            terms,
            chain: None,
        };
        self.sign(ThreadBody::Request(Box::new(request)))
    }

    /// A firm proposal as requester.
    pub fn firm_of_requester(&mut self, terms: Vec<Terms>, minutes: u64) -> Received {
        let until = self.time().plus_ms(minutes * 60_000);
        let alternatives = List::new(terms).unwrap();
        let proposal = Proposal::firm_of_requester(self.header(), until, alternatives);
        self.sign(ThreadBody::Proposal(Box::new(proposal)))
    }

    /// A firm proposal as provider.
    pub fn firm_of_provider(&mut self, terms: Vec<Terms>, minutes: u64) -> Received {
        let until = self.time().plus_ms(minutes * 60_000);
        let alternatives = List::new(terms).unwrap();
        let hold = HoldTerms::alone(until);
        let proposal = Proposal::firm_of_provider(self.header(), alternatives, hold);
        self.sign(ThreadBody::Proposal(Box::new(proposal)))
    }

    pub fn hold(&mut self, deal: DealId, terms: TermsHash, minutes: u64) -> Received {
        let hold = Hold {
            header: self.header(),
            deal,
            terms,
            hold: HoldTerms::alone(self.time().plus_ms(minutes * 60_000)),
        };
        self.sign(ThreadBody::Hold(hold))
    }

    pub fn commit(&mut self, deal: DealId, hold: RecordId, alternative: u8) -> Received {
        let commit = Commit {
            header: self.header(),
            deal,
            hold,
            alternative,
            manifest: Absent,
        };
        self.sign(ThreadBody::Commit(commit))
    }

    pub fn receipt(&mut self, deal: DealId, commit: RecordId, alternative: u8) -> Received {
        let receipt = Receipt {
            header: self.header(),
            deal,
            commit,
            alternative,
        };
        self.sign(ThreadBody::Receipt(receipt))
    }

    pub fn refusal(&mut self, deal: DealId, code: Code) -> Received {
        let refusal = Refusal {
            header: self.header(),
            deal,
            code,
            fault: AtFault::of(code),
            leg: None,
        };
        self.sign(ThreadBody::Refusal(refusal))
    }

    pub fn release(&mut self, deal: DealId) -> Received {
        let release = Release {
            header: self.header(),
            deal,
        };
        self.sign(ThreadBody::Release(release))
    }

    pub fn ack(&mut self, receipt: RecordId) -> Received {
        let ack = Ack {
            header: self.header(),
            receipt,
            cosignature: Bytes::default(),
        };
        self.sign(ThreadBody::Ack(ack))
    }
}
