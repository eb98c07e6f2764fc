//! Traces by hand: nodes, mostly two, whose ledgers are written as a test wants them, signed and chained as
//! an honest node's are, whatever they say.

use omni_protocol::{
    fence::{Bytes, List, to_bytes},
    frame::{Answers, Envelope, Frame, Head, Letter, Lives, ProvedRecord},
    hash::{DealId, EntryHash, PartnerId, RecordId},
    identity::sign_bytes,
    ledger::{EntryBody, EntryHeader, Payload, Reason, Version, note::Checkpoint},
    machine::Received,
    proof::Proof,
    record::record_id,
    slot,
    thread::{Life, Terms},
    tree,
    value::Time,
};
use omni_tests::{
    auditor::{Check, Finding, audit},
    market::{self, BEGINNING_MS, Identity, Peer, network},
    observation::{
        EntryBytes, Moment, Observation, RecordBytes, StoredAccount, StoredDeal, StoredStock,
    },
};

/// The requester and the provider of every trace.
pub const A: usize = 0;
pub const B: usize = 1;
/// Who provides to B, where there is a third.
pub const C: usize = 2;

/// A signed record.
#[derive(Clone, Debug)]
pub struct Paper {
    pub id: RecordId,
    pub bytes: Vec<u8>,
    pub proof: Proof,
    /// Between which lives it is sent.
    lives: Lives,
}

impl Paper {
    pub fn deal(&self) -> DealId {
        self.id.into()
    }
}

/// One node and its ledger.
pub struct Scribe {
    pub identity: Identity,
    pub life: u64,
    pub epoch: u32,
    pub sequence: u64,
    last: EntryHash,
    leaves: Vec<[u8; 32]>,
    pub checkpoint: Vec<u8>,
}

/// What is shown, and who writes it.
pub struct Trace {
    pub nodes: Vec<Scribe>,
    pub run: Vec<Observation>,
    pub ms: u64,
    /// Between whom records are made and sent now.
    pub talk: [usize; 2],
}

impl Trace {
    /// Two nodes that began; the provider counted ten of article A.
    pub fn new() -> Self {
        Self::of(2)
    }

    /// So many nodes that began; all but the requester counted ten of article A.
    pub fn of(nodes: u8) -> Self {
        let mut trace = Self {
            nodes: (1..=nodes).map(Scribe::new).collect(),
            run: vec![],
            ms: BEGINNING_MS,
            talk: [A, B],
        };
        for (node, scribe) in trace.nodes.iter().enumerate() {
            trace.run.push(Observation::Node {
                node,
                network: *network().as_bytes(),
                partner: *scribe.identity.partner.as_bytes(),
                key: *scribe.identity.key.key().as_bytes(),
            });
        }
        for node in A..trace.nodes.len() {
            trace.start(node);
            let opened = Payload::Opened {
                reason: Reason::New,
                open: List::default(),
            };
            trace.enter(node, opened, None, &[]);
        }
        let subject = slot::subject(&"A".parse().unwrap(), &"".parse().unwrap());
        for node in B..trace.nodes.len() {
            trace.enter(node, Payload::Counted { subject, steps: 10 }, None, &[]);
        }
        trace
    }

    /// With whom a node speaks now.
    fn other(&self, node: usize) -> usize {
        let [one, other] = self.talk;
        if node == one { other } else { one }
    }

    /// The next life of a node begins.
    pub fn start(&mut self, node: usize) {
        self.nodes[node].life += 1;
        self.run.push(Observation::Started {
            node,
            at_ms: self.ms,
            clock_ms: self.ms,
            life: self.nodes[node].life,
        });
    }

    pub fn partner(&self, node: usize) -> PartnerId {
        self.nodes[node].identity.partner
    }

    /// One entry, synced in a batch of its own.
    pub fn enter(&mut self, node: usize, payload: Payload, with: Option<usize>, papers: &[&Paper]) {
        let counterparty = with.map(|with| self.partner(with));
        let time = Time::new(self.ms).unwrap();
        let entry = self.nodes[node].write(payload, counterparty, time, papers);
        let checkpoint = self.nodes[node].close(time);
        self.run.push(Observation::Synced {
            node,
            at_ms: self.ms,
            clock_ms: self.ms,
            entries: vec![entry],
            deals: vec![],
            checkpoint,
        });
    }

    /// A record as `node` makes it for the other, not yet in its ledger.
    pub fn make(&self, node: usize, make: impl FnOnce(&mut Peer) -> Received) -> Paper {
        let scribe = &self.nodes[node];
        let mut peer = Peer {
            identity: scribe.identity.clone(),
            to: self.partner(self.other(node)),
            life: Life::new(scribe.life).unwrap(),
            epoch: scribe.epoch,
            sequence: scribe.sequence.wrapping_sub(1),
            ms: self.ms,
            thread: None,
            parent: None,
        };
        // Only what opens a thread may be without one.
        peer.thread = Some(omni_protocol::hash::ThreadId::from_bytes([5; 32]));
        let received = make(&mut peer);
        Paper {
            id: received.record.id(),
            bytes: received.record.bytes().to_vec(),
            proof: received.proof,
            lives: Lives {
                from: Life::new(scribe.life).unwrap(),
                to: Life::new(self.nodes[self.other(node)].life).unwrap(),
            },
        }
    }

    /// A record that `node` makes and syncs.
    pub fn sign(&mut self, node: usize, make: impl FnOnce(&mut Peer) -> Received) -> Paper {
        let paper = self.make(node, make);
        self.keep(node, &paper);
        paper
    }

    pub fn keep(&mut self, node: usize, paper: &Paper) {
        let signed = Payload::Signed(List::new([paper.id]).unwrap());
        self.enter(node, signed, Some(self.other(node)), &[paper]);
    }

    /// The record as it is sent between those who speak now.
    pub fn again(&self, from: usize, paper: &Paper) -> Paper {
        let life = |node: usize| Life::new(self.nodes[node].life).unwrap();
        let lives = Lives {
            from: life(from),
            to: life(self.other(from)),
        };
        Paper {
            lives,
            ..paper.clone()
        }
    }

    /// The record with its bytes changed, signed anew.
    pub fn forged(&self, node: usize, paper: &Paper, change: impl FnOnce(&mut Vec<u8>)) -> Paper {
        let mut bytes = paper.bytes.clone();
        change(&mut bytes);
        let id = record_id(&network(), &bytes);
        let (_, proof) = self.nodes[node].identity.prove(&[id]).remove(0);
        Paper {
            id,
            bytes,
            proof,
            lives: paper.lives,
        }
    }

    /// A letter leaves.
    pub fn send(&mut self, from: usize, paper: &Paper) {
        let bytes = self.letter(from, paper);
        self.run.push(Observation::Sent {
            from,
            to: self.other(from),
            at_ms: self.ms,
            bytes,
        });
    }

    /// A letter arrives.
    pub fn arrive(&mut self, to: usize, paper: &Paper) {
        let bytes = self.letter(self.other(to), paper);
        self.run.push(Observation::Received {
            from: self.other(to),
            to,
            at_ms: self.ms,
            bytes,
        });
    }

    fn letter(&self, from: usize, paper: &Paper) -> Vec<u8> {
        let proved = ProvedRecord::new(&paper.bytes, paper.proof.clone()).unwrap();
        let envelope = Envelope {
            lives: paper.lives,
            checkpoint: Bytes::new(self.nodes[from].checkpoint.clone()).unwrap(),
            consistency: List::default(),
            seen: Bytes::default(),
        };
        let letter = Letter {
            envelope,
            records: List::new([proved]).unwrap(),
            attached: List::default(),
        };
        Frame::Letter(Box::new(letter)).encode().unwrap()
    }

    /// It is synced by `to` as taken.
    pub fn take(&mut self, to: usize, paper: &Paper) {
        self.enter(to, Payload::Taken(paper.id), Some(self.other(to)), &[paper]);
    }

    /// It leaves, arrives and is taken.
    pub fn pass(&mut self, from: usize, paper: &Paper) {
        self.send(from, paper);
        self.ms += 10;
        let to = self.other(from);
        self.arrive(to, paper);
        self.take(to, paper);
    }

    /// A greeting of `from` that arrives, with the head that it has or claims.
    pub fn greet(&mut self, from: usize, size: u64, sent: bool) {
        let scribe = &self.nodes[from];
        let mut greeting = market::greeting(
            scribe.identity.partner,
            self.partner(self.other(from)),
            Life::new(scribe.life).unwrap(),
            Life::new(self.nodes[self.other(from)].life).unwrap(),
        );
        greeting.answers = Answers::Life(Life::new(self.nodes[self.other(from)].life).unwrap());
        greeting.head = Head {
            epoch: scribe.epoch,
            size,
            last: scribe.last,
            at: Time::new(self.ms).unwrap(),
        };
        let signed = greeting.sign(&scribe.identity.key, &scribe.identity.secret);
        let bytes = Frame::Greeting(Box::new(signed.unwrap())).encode().unwrap();
        let (to, at_ms) = (self.other(from), self.ms);
        self.run.push(if sent {
            Observation::Sent {
                from,
                to,
                at_ms,
                bytes,
            }
        } else {
            Observation::Received {
                from,
                to,
                at_ms,
                bytes,
            }
        });
    }

    /// The disk is put back to its first entries, and the node starts anew.
    pub fn restore(&mut self, node: usize, entries: u64) {
        self.run.push(Observation::Restored {
            node,
            at_ms: self.ms,
            entries,
        });
        self.nodes[node].restore(entries, &self.run, node);
        self.start(node);
        let life = self.nodes[node].life;
        self.enter(node, Payload::Lived { life }, None, &[]);
    }

    /// A request for so many of article A at 10.00, and that both have it.
    pub fn request(&mut self, steps: u64) -> Paper {
        let request = self.sign(A, |peer| {
            peer.thread = None;
            peer.request(terms(steps), 60, None)
        });
        self.pass(A, &request);
        request
    }

    /// As `request`, and held for ten minutes.
    pub fn held(&mut self, steps: u64) -> (Paper, Paper) {
        let request = self.request(steps);
        let hold = self.hold(&request, steps);
        self.pass(B, &hold);
        (request, hold)
    }

    pub fn hold(&mut self, request: &Paper, steps: u64) -> Paper {
        let hash = terms(steps).hash();
        self.sign(B, |peer| peer.hold(request.deal(), hash, 10))
    }

    /// As `held`, and committed; the Commit is with the provider.
    pub fn committed(&mut self, steps: u64) -> (Paper, Paper) {
        let (request, hold) = self.held(steps);
        let commit = self.sign(A, |peer| peer.commit(request.deal(), hold.id, 0));
        self.pass(A, &commit);
        (request, commit)
    }

    /// A whole trade of two pieces.
    pub fn traded(&mut self) -> (Paper, Paper) {
        let (request, commit) = self.committed(2);
        let receipt = self.sign(B, |peer| peer.receipt(request.deal(), commit.id, 0));
        self.pass(B, &receipt);
        let ack = self.sign(A, |peer| peer.ack(receipt.id));
        self.pass(A, &ack);
        (request, receipt)
    }

    pub fn happened(&mut self, node: usize, deal: DealId, state: &'static str) {
        self.run.push(Observation::Happened {
            node,
            at_ms: self.ms,
            deal: *deal.as_bytes(),
            state,
        });
    }

    pub fn quiet(&mut self) {
        self.run.push(Observation::Quiet { at_ms: self.ms });
    }

    /// What the provider has stored after `traded`, at that moment, changed as the test wants.
    pub fn stored(
        &mut self,
        moment: Moment,
        (request, receipt): (&Paper, &Paper),
        change: impl FnOnce(&mut StoredDeal, &mut StoredStock, &mut StoredAccount),
    ) {
        let partner = *self.partner(A).as_bytes();
        let mut deal = StoredDeal {
            deal: *request.id.as_bytes(),
            partner,
            state: "sold",
            provides: true,
            alternative: 0,
            decision: Some(*receipt.id.as_bytes()),
            amount: 2000,
            currency: Some(*b"EUR"),
        };
        let subject = slot::subject(&"A".parse().unwrap(), &"".parse().unwrap());
        let mut stock = StoredStock {
            subject: *subject.as_bytes(),
            begins: None,
            counted: 10,
            held: 0,
            sold: 2,
        };
        let mut account = StoredAccount {
            partner,
            currency: *b"EUR",
            receivable: 2000,
            payable: 0,
            held: 0,
            doubt: 0,
        };
        change(&mut deal, &mut stock, &mut account);
        self.run.push(Observation::Stored {
            node: B,
            moment,
            deals: vec![deal],
            stock: vec![stock],
            accounts: vec![account],
            questions: 0,
        });
    }

    /// Expects a finding of this check whose sentence has all of these words.
    pub fn expect(&self, check: Check, words: &[&str]) {
        let found = audit(&self.run);
        let fits = |finding: &&Finding| {
            let text = finding.to_string();
            finding.check == check && words.iter().all(|word| text.contains(word))
        };
        let told: Vec<String> = found.iter().map(Finding::to_string).collect();
        assert!(
            found.iter().any(|finding| fits(&finding)),
            "no {check:?} with {words:?} in {told:#?}"
        );
    }

    pub fn expect_nothing(&self) {
        let told: Vec<String> = audit(&self.run).iter().map(Finding::to_string).collect();
        assert_eq!(told, Vec::<String>::new());
    }
}

/// Terms for so many of article A at 10.00.
pub fn terms(steps: u64) -> Terms {
    market::terms("A", 1000, steps)
}

/// The beginning of an id, as findings show it.
pub fn short(id: RecordId) -> String {
    id.to_string()[..8].to_owned()
}

impl Scribe {
    fn new(number: u8) -> Self {
        Self {
            identity: Identity::new(number),
            life: u64::from(number) << 32,
            epoch: 0,
            sequence: 0,
            last: EntryHash::NONE,
            leaves: vec![],
            checkpoint: vec![],
        }
    }

    fn write(
        &mut self,
        payload: Payload,
        counterparty: Option<PartnerId>,
        at: Time,
        papers: &[&Paper],
    ) -> EntryBytes {
        let kind = payload.kind();
        let body = EntryBody {
            salt: [3; 16],
            payload,
        };
        let header = EntryHeader {
            version: Version,
            network: network(),
            author: self.identity.partner,
            key_index: 0,
            epoch: self.epoch,
            life: self.life,
            sequence: self.sequence,
            previous: self.last,
            kind,
            at,
            counterparty,
            body: body.hash(),
        };
        self.sequence += 1;
        self.last = header.hash();
        self.leaves.push(tree::leaf(self.last.as_bytes()));
        let carried = papers.iter().map(|paper| RecordBytes {
            record: paper.bytes.clone(),
            proof: to_bytes(&paper.proof),
        });
        EntryBytes {
            header: header.to_bytes(),
            body: body.to_bytes(),
            records: carried.collect(),
        }
    }

    fn close(&mut self, at: Time) -> Vec<u8> {
        let checkpoint = Checkpoint {
            network: network(),
            partner: self.identity.partner,
            epoch: self.epoch,
            size: self.sequence,
            root: tree::root(&self.leaves),
            at,
            life: self.life,
        };
        let signature = sign_bytes(&self.identity.secret, checkpoint.text().as_bytes());
        let key = self.identity.key.key().as_bytes();
        let note = checkpoint.signed(0, key, *signature.as_bytes());
        self.checkpoint = note.text().into_bytes();
        self.checkpoint.clone()
    }

    fn restore(&mut self, entries: u64, run: &[Observation], own: usize) {
        let count = usize::try_from(entries).unwrap();
        let headers = run.iter().filter_map(|seen| match seen {
            Observation::Synced { node, entries, .. } if *node == own => Some(entries),
            _ => None,
        });
        let last = headers.flatten().nth(count - 1).unwrap();
        self.last = EntryHeader::from_bytes(&last.header).unwrap().hash();
        self.sequence = entries;
        self.leaves.truncate(count);
    }
}
