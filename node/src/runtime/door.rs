//! The door to the net: what its events mean for the core and the market store, after the checks
//! that the net leaves to the loop: whose session it is, and who signed what came by it.

use std::collections::{BTreeMap, VecDeque};

use libp2p::Multiaddr;
use omni_protocol::bundle::{BundleBody, Member};
use omni_protocol::code::Code;
use omni_protocol::frame::{Frame, Hello, Letter, ProvedRecord, WhatIs};
use omni_protocol::hash::{NetworkId, PartnerId, RecordId};
use omni_protocol::identity::KeyChain;
use omni_protocol::ledger::note::SignedCheckpoint;
use omni_protocol::machine::{Grant, Input, Received};
use omni_protocol::proof::CheckedSeal;
use omni_protocol::record::{Kind, Signed, record_id};
use omni_protocol::thread::ThreadBody;
use tokio::sync::oneshot;

use super::shelf::{chain_bytes, key_chain};
use super::shelves::Shelve;
use super::witness::{Shown, Witness};
use crate::api::{NetNow, Refusal, Reply};
use crate::net::{
    Ended, Introduced, Net, NetCommand, NetEvent, NetStatus, OwnHello, Seals, Source, VerifiedBatch,
};
use crate::store::market::{Arrival, MarketReader, Proved, Reach};
use crate::store::{LedgerReader, witnessed};

/// Checkpoints of this life that partners may show again: each batch makes one, and a partner shows
/// what came to it last.
const OWN_CHECKPOINTS_MAX: usize = 64;

/// What an event means.
#[derive(Debug, Default)]
pub(super) struct Meaning {
    pub(super) inputs: Vec<Input>,
    pub(super) errands: Vec<Shelve>,
    /// A partner's checkpoint that is to be kept, as the partner wrote it.
    pub(super) checkpoint: Option<(PartnerId, Vec<u8>)>,
}

impl From<Shelve> for Meaning {
    fn from(errand: Shelve) -> Self {
        Self {
            errands: vec![errand],
            ..Self::default()
        }
    }
}

/// A partner with a session.
#[derive(Debug)]
struct Session {
    number: u64,
    chain: KeyChain,
    witness: Witness,
    /// The checkpoint of our own that it showed last. It shows the same one until it has a newer.
    shown: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Door {
    net: Option<Net>,
    network: NetworkId,
    own: KeyChain,
    synced: LedgerReader,
    market: MarketReader,
    /// As many as the net lets in.
    sessions: BTreeMap<PartnerId, Session>,
    /// Of records of threads: each comes again with what rests on it.
    seals: Seals,
    /// The newest that this life synced, as they were signed. One of them says nothing about what
    /// was lost, so it is neither checked nor put to the core when a partner shows it.
    checkpoints: VecDeque<Vec<u8>>,
}

impl Door {
    pub(super) fn new(
        net: Option<Net>,
        network: NetworkId,
        own: KeyChain,
        (synced, market): (LedgerReader, MarketReader),
    ) -> Self {
        Self {
            net,
            network,
            own,
            synced,
            market,
            sessions: BTreeMap::new(),
            seals: Seals::default(),
            checkpoints: VecDeque::new(),
        }
    }

    /// What this node signed need not be checked when a partner shows it.
    pub(super) fn remember(&mut self, own: Vec<CheckedSeal>, checkpoint: Option<Vec<u8>>) {
        for seal in own {
            self.seals.remember(seal);
        }
        self.checkpoints.extend(checkpoint);
        if self.checkpoints.len() > OWN_CHECKPOINTS_MAX {
            self.checkpoints.pop_front();
        }
    }

    /// Hands a command to the net, or drops it: questions are sent again by the outbox, and what
    /// was published is caught up.
    pub(super) fn tell(&self, command: NetCommand) {
        if let Some(net) = &self.net
            && net.offer(command).is_err()
        {
            tracing::debug!("the net is busy: a command is dropped");
        }
    }

    /// Answers what the net knows at this moment, without waiting for it. Without a net, or with
    /// a busy one, nothing is known.
    pub(super) fn ask_net(&self, reply: Reply<NetNow>) {
        let (question, status) = oneshot::channel();
        self.tell(NetCommand::Status(question));
        tokio::spawn(async move {
            let now = status.await.map(now_of).unwrap_or_default();
            // Whoever asked may have gone.
            drop(reply.send(now));
        });
    }

    /// For whom this node speaks.
    pub(super) fn partner(&self) -> PartnerId {
        self.own.partner()
    }

    /// What this node says of itself in sessions to come. A busy net drops it; it is told again
    /// with the next look at the delegations.
    pub(super) fn introduce(&self, hello: Hello) {
        self.tell(NetCommand::Hello(Box::new(OwnHello::new(hello))));
    }

    /// Whether this is the session that stands with a partner.
    pub(super) fn is_current(&self, partner: PartnerId, number: u64) -> bool {
        let current = self.sessions.get(&partner);
        current.is_some_and(|current| current.number == number)
    }

    /// The highest checkpoint of a connected partner; empty if none is known.
    pub(super) fn checkpoint_of(&self, partner: PartnerId) -> &[u8] {
        self.sessions
            .get(&partner)
            .map_or(&[], |session| session.witness.text())
    }

    /// What an event puts to the core and to the market store. `keeps` says which records the core
    /// has.
    pub(super) fn hear(&mut self, event: NetEvent, keeps: impl Fn(RecordId) -> bool) -> Meaning {
        match event {
            NetEvent::SessionUp {
                session,
                partner,
                hello,
                peer: _,
            } => self.met(session, partner, *hello),
            NetEvent::SessionDown {
                session,
                partner,
                why,
            } => self.gone(session, partner, &why),
            NetEvent::Frame {
                session,
                partner,
                frame,
            } => self
                .frame(session, partner, frame, keeps)
                .unwrap_or_else(|code| not_taken(partner, code)),
            NetEvent::Records { batch, source } => arrived(&batch, source).into(),
            NetEvent::Keys { chain } => {
                if let Some(session) = self.sessions.get_mut(&chain.partner()) {
                    session.chain = (*chain).clone();
                }
                keep(&chain).into()
            }
            NetEvent::PullEnded {
                author,
                head,
                whole: Some(named),
            } => {
                let named = named.into_iter().collect();
                Shelve::Forget {
                    author,
                    named,
                    head,
                }
                .into()
            }
            NetEvent::PullBegan { .. } | NetEvent::PullEnded { whole: None, .. } => {
                Meaning::default()
            }
            NetEvent::Listening(address) => bound(&address),
        }
    }

    fn met(&mut self, number: u64, partner: PartnerId, hello: Introduced) -> Meaning {
        let mut meaning = Meaning::from(keep(&hello.chain));
        // Before the meeting, so that a partner by invite is met as one.
        if let Some(token) = hello.token {
            meaning
                .inputs
                .push(Input::Grant(Grant::Invited { partner, token }));
        }
        meaning.inputs.push(Input::Met(partner));
        let kept = witnessed::of(&self.synced, partner).unwrap_or_else(|error| {
            tracing::error!(%error, %partner, "the checkpoint of a partner could not be read");
            None
        });
        self.sessions.insert(
            partner,
            Session {
                number,
                chain: hello.chain,
                witness: Witness::kept(kept, self.network, partner),
                shown: Vec::new(),
            },
        );
        meaning
    }

    /// That a session ended which a newer one has replaced may come late.
    fn gone(&mut self, number: u64, partner: PartnerId, why: &Ended) -> Meaning {
        tracing::debug!(%partner, %why, "a session ended");
        let mut meaning = Meaning::default();
        if self
            .sessions
            .get(&partner)
            .is_some_and(|current| current.number == number)
        {
            self.sessions.remove(&partner);
            meaning.inputs.push(Input::Gone(partner));
        }
        meaning
    }

    fn frame(
        &mut self,
        session: u64,
        partner: PartnerId,
        frame: Frame,
        keeps: impl Fn(RecordId) -> bool,
    ) -> Result<Meaning, Code> {
        let own = self.own.partner();
        let current = self
            .sessions
            .get_mut(&partner)
            .filter(|current| current.number == session);
        let current = current.ok_or(Code::NotAddressed)?;
        let mut meaning = Meaning::default();
        meaning.inputs = match frame {
            Frame::Greeting(greeting) => {
                let greeting = greeting.check(own, &current.chain)?.clone();
                vec![Input::Greeting(Box::new(greeting))]
            }
            Frame::Notice(notice) => vec![Input::Notice(*notice.check(own, &current.chain)?)],
            Frame::Stored(stored) => vec![Input::Stored {
                from: partner,
                lives: stored.lives,
                record: stored.record,
                head: stored.head,
            }],
            Frame::WhatIs(WhatIs { deal: _, records }) => {
                let records = self.received(partner, (&records, &[]))?;
                vec![Input::WhatIs {
                    from: partner,
                    records,
                }]
            }
            Frame::Letter(letter) => self.letter(partner, *letter, keeps, &mut meaning)?,
            // The net's own affairs, which never come here.
            Frame::Hello(_)
            | Frame::Bye(_)
            | Frame::HeadsAsk(_)
            | Frame::Heads(_)
            | Frame::PullAsk(_)
            | Frame::Page(_)
            | Frame::KeysAsk(_)
            | Frame::Keys(_)
            | Frame::Push(_) => return Err(Code::UnknownKind),
        };
        Ok(meaning)
    }

    fn letter(
        &mut self,
        partner: PartnerId,
        letter: Letter,
        keeps: impl Fn(RecordId) -> bool,
        meaning: &mut Meaning,
    ) -> Result<Vec<Input>, Code> {
        let Letter {
            envelope,
            records,
            attached,
        } = letter;
        let current = self.sessions.get_mut(&partner).ok_or(Code::NotAddressed)?;
        let note = &envelope.checkpoint;
        let shown = current.witness.shown(note, self.network, &current.chain);
        let mut inputs = Vec::new();
        match shown {
            Shown::Nothing => {}
            Shown::Higher => meaning.checkpoint = Some((partner, note.to_vec())),
            Shown::Contradiction(notes) => {
                let from = partner;
                inputs.push(Input::Checkpoints { from, notes });
            }
        }
        if current.shown != *envelope.seen {
            current.shown = envelope.seen.to_vec();
            inputs.extend(self.shown(&envelope.seen));
        }
        let taken = self.received(partner, (&records, &attached))?;
        let beside = self.lacking(&taken, &attached, keeps);
        inputs.push(Input::Letter {
            from: partner,
            lives: envelope.lives,
            records: taken,
            attached: self.received(partner, (&beside, &records))?,
        });
        Ok(inputs)
    }

    /// Of what came along with the records of a letter that which may say something here. An answer
    /// brings what it answers, for one that may have lost it; whoever has it need not read it again.
    /// Where members of a bundle speak, what stands beside their words counts too.
    fn lacking(
        &self,
        records: &[Received],
        attached: &[ProvedRecord],
        keeps: impl Fn(RecordId) -> bool,
    ) -> Vec<ProvedRecord> {
        let is_of_two = |received: &Received| {
            matches!(
                received.record.kind(),
                Kind::Hold | Kind::Commit | Kind::Receipt | Kind::Ack
            )
        };
        let may_lack = |proved: &&ProvedRecord| !keeps(record_id(&self.network, &proved.record));
        if records.iter().all(is_of_two) {
            attached.iter().filter(may_lack).cloned().collect()
        } else {
            attached.to_vec()
        }
    }

    /// Records of a thread with this partner, each under its author's key: all, or none. What came
    /// in the same letter may hold the keys of other members of a bundle.
    fn received(
        &mut self,
        partner: PartnerId,
        (records, beside): (&[ProvedRecord], &[ProvedRecord]),
    ) -> Result<Vec<Received>, Code> {
        records
            .iter()
            .map(|record| self.verified(partner, record, (records, beside)))
            .collect()
    }

    fn verified(
        &mut self,
        partner: PartnerId,
        proved: &ProvedRecord,
        letter: (&[ProvedRecord], &[ProvedRecord]),
    ) -> Result<Received, Code> {
        let record = Signed::<ThreadBody>::read(&self.network, &*proved.record)?;
        let author = record.author();
        let of_member;
        let chain = if author == self.own.partner() {
            &self.own
        } else if author == partner {
            &self.sessions.get(&partner).ok_or(Code::NotAddressed)?.chain
        } else {
            of_member = self.chain_of_member(author, &record, letter)?;
            &of_member
        };
        let key = chain.of_index(proved.proof.key_index)?;
        let claim = proved.proof.claim(author, record.id())?;
        let attested = self.seals.attest(claim, &key)?;
        Ok(Received {
            record: record.verify(&attested)?,
            proof: proved.proof.clone(),
        })
    }

    /// The keys of a member of a bundle, whose records any other may bring: as it showed them itself
    /// in a session, as they are known, or as a Manifest in the same letter has them.
    fn chain_of_member(
        &self,
        author: PartnerId,
        record: &Signed<ThreadBody>,
        (records, beside): (&[ProvedRecord], &[ProvedRecord]),
    ) -> Result<KeyChain, Code> {
        let names_leg =
            matches!(record.body(), ThreadBody::Refusal(refusal) if refusal.leg.is_some());
        if !names_leg && !matches!(record.body(), ThreadBody::Bundle(_)) {
            return Err(Code::NotAddressed);
        }
        if let Some(session) = self.sessions.get(&author) {
            return Ok(session.chain.clone());
        }
        if let Some(chain) = key_chain(&self.market, &self.network, author) {
            return Ok(chain);
        }
        let manifests = records.iter().chain(beside).filter_map(|proved| {
            let read = Signed::<ThreadBody>::read(&self.network, &*proved.record).ok()?;
            if let ThreadBody::Bundle(BundleBody::Manifest(manifest)) = read.body() {
                Some(manifest.clone())
            } else {
                None
            }
        });
        let members: Vec<Member> = manifests
            .flat_map(|manifest| manifest.members().to_vec())
            .collect();
        let member = members.iter().find(|member| member.partner == author);
        let events = member.map(|member| &*member.keys).unwrap_or_default();
        let read: Result<Vec<_>, Code> = events
            .iter()
            .map(|event| {
                let read = Signed::read(&self.network, &*event.record)?;
                Ok((read, event.proof.clone()))
            })
            .collect();
        let chain = KeyChain::read(self.network, read?)?;
        if chain.partner() == author {
            Ok(chain)
        } else {
            Err(Code::BadKeys)
        }
    }

    /// A checkpoint of our own that a partner shows, if it is ours and not of this life's newest.
    fn shown(&self, note: &[u8]) -> Option<Input> {
        if self.checkpoints.iter().rev().any(|own| own == note) {
            return None;
        }
        let note = std::str::from_utf8(note)
            .ok()
            .filter(|note| !note.is_empty())?;
        let note = SignedCheckpoint::read(note, self.network, self.own.partner()).ok()?;
        let key = self.own.of_index(note.key_index).ok()?;
        note.verify(key.key().as_bytes()).ok()?;
        Some(Input::Shown(note.checkpoint))
    }
}

fn now_of(status: NetStatus) -> NetNow {
    let refusals = status.refusals.iter().map(|(peer, refused)| Refusal {
        peer: peer.to_string(),
        by: refused.by,
        code: refused.code,
    });
    NetNow {
        refusals: refusals.collect(),
        listening: status.listening.iter().map(ToString::to_string).collect(),
        peers: status.peers,
        partners: status.partners,
        catalogues_wanted: status.catalogues_wanted,
        news_waiting: status.news_waiting,
    }
}

fn bound(address: &Multiaddr) -> Meaning {
    tracing::info!(%address, "listening");
    Meaning::default()
}

fn not_taken(partner: PartnerId, code: Code) -> Meaning {
    tracing::debug!(%partner, %code, "a frame is not taken");
    Meaning::default()
}

fn arrived(batch: &VerifiedBatch, source: Source) -> Shelve {
    let reach = match source {
        Source::Gossip | Source::Pull { .. } => Reach::Public,
        Source::Push { .. } => Reach::Named,
    };
    let arrivals = batch.records().iter().filter_map(|(record, place)| {
        let proof = Proved::Together(batch.paths().clone(), *place);
        Arrival::of(record, proof, reach)
    });
    Shelve::Take(arrivals.collect())
}

fn keep(chain: &KeyChain) -> Shelve {
    Shelve::Chain {
        author: chain.partner(),
        events: chain_bytes(chain),
        in_force: chain.in_force().ok().map(|key| key.index()),
    }
}
