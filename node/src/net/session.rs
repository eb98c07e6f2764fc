//! The talk with one peer for as long as it is connected: a stream each way, an introduction on
//! each, then frames. It routes frames and judges none; trust is the loop's matter.
//!
//! The two streams live and die apart. One that breaks is opened again by its own end, and the
//! other is kept: if both were dropped whenever one breaks, two peers could go on for ever opening
//! streams to a session that the other side has just given up.

mod asks;
mod hello;
mod reader;
mod serve;
mod streams;
mod writer;

use std::{pin::pin, sync::Arc, time::Duration};

use libp2p::{PeerId, Stream};
use libp2p_stream::Control;
use omni_protocol::{code::Code, hash::PartnerId, thread::Life};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use self::{
    asks::Asks,
    reader::read_loop,
    serve::serve_loop,
    streams::{Inbound, Outbound, farewell},
    writer::{outbox, write_loop},
};
use super::{
    catchup::{Answered, Errand, Pulled, SessionNumber, Want},
    event::{Ended, Introduced, NetEvent},
    shared::Shared,
};

pub use self::hello::OwnHello;
pub(super) use self::writer::Outbox;

/// From the wish to meet to a checked Hello.
const MEETING_PATIENCE: Duration = Duration::from_secs(15);

/// A peer whose streams break so often within a minute is given up.
const MEETINGS_A_MINUTE_MAX: usize = 12;

/// Before a stream that the peer dropped is opened again.
const REOPENING_PAUSE: Duration = Duration::from_millis(100);

/// Errands that the driver may have given to one session before it is told that there is no room.
const ERRANDS_MAX: usize = 64;

/// What the talk with a peer tells the driver.
#[derive(Debug)]
pub(super) enum Note {
    /// Both Hellos are checked.
    Up {
        task: u64,
        session: SessionNumber,
        peer: PeerId,
        partner: PartnerId,
    },
    /// The session is over; the peer may begin another one.
    Down { session: SessionNumber, why: Ended },
    /// The talk is over, and nothing is expected of this peer any more.
    Over { peer: PeerId, task: u64, why: Ended },
    /// Catalogues were compared.
    Compared {
        session: SessionNumber,
        wants: Vec<Want>,
        answered: Answered,
    },
    Pulled {
        session: SessionNumber,
        want: Want,
        pulled: Pulled,
    },
    /// Key chains that were asked for are known.
    Keys {
        session: SessionNumber,
        authors: Vec<PartnerId>,
    },
}

/// The driver's hold on the talk with one peer.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) task: u64,
    errands: mpsc::Sender<Errand>,
    inbound: mpsc::Sender<Stream>,
    stop: Option<oneshot::Sender<Code>>,
}

impl Handle {
    /// Without waiting: where there is no room the errand is given back.
    pub(super) fn errand(&self, errand: Errand) -> Result<(), Box<Errand>> {
        let sent = self.errands.try_send(errand);
        sent.map_err(|e| Box::new(e.into_inner()))
    }

    /// The peer opened its stream, or another one instead.
    pub(super) fn hand_in(&self, stream: Stream) {
        if self.inbound.try_send(stream).is_err() {
            // The peer notices that its stream is gone, and opens it again.
            tracing::debug!("a stream more than can wait is dropped");
        }
    }

    /// Ends the talk with a Bye. Its Over follows.
    pub(super) fn stop(&mut self, code: Code) {
        let stop = self.stop.take();
        if stop.is_some_and(|stop| stop.send(code).is_err()) {
            tracing::trace!("it had ended by itself");
        }
    }
}

/// What the talk with a peer needs to begin.
pub(super) struct Opening {
    pub(super) task: u64,
    pub(super) peer: PeerId,
    pub(super) hello: OwnHello,
    pub(super) control: Control,
    pub(super) shared: Arc<Shared>,
    pub(super) notes: mpsc::Sender<Note>,
}

/// Begins the talk with a peer in a task of its own.
pub(super) fn begin(opening: Opening) -> Handle {
    let (errands_in, errands) = mpsc::channel(ERRANDS_MAX);
    let (inbound_in, inbound) = mpsc::channel(1);
    let (stop_in, stop) = oneshot::channel();
    let handle = Handle {
        task: opening.task,
        errands: errands_in,
        inbound: inbound_in,
        stop: Some(stop_in),
    };
    let meeting = Meeting {
        opening,
        errands,
        inbound: Inbound::new(inbound),
        outbound: None,
        reading: None,
        life: None,
    };
    tokio::spawn(meeting.run(stop));
    handle
}

/// The talk with a peer, with what is left of its streams.
struct Meeting {
    opening: Opening,
    errands: mpsc::Receiver<Errand>,
    inbound: Inbound,
    outbound: Option<Outbound>,
    reading: Option<(Stream, Introduced)>,
    /// Of the peer, as it said first.
    life: Option<Life>,
}

impl Meeting {
    async fn run(mut self, mut stop: oneshot::Receiver<Code>) {
        let mut begun = vec![];
        let why = loop {
            let now = Instant::now();
            begun.retain(|t| now.duration_since(*t) < Duration::from_secs(60));
            begun.push(now);
            if begun.len() > MEETINGS_A_MINUTE_MAX {
                break Ended::Broken("its streams break too often".to_owned());
            }
            let met = tokio::select! {
                met = timeout(MEETING_PATIENCE, self.meet()) => {
                    met.unwrap_or(Err(Ended::NoHello))
                }
                code = &mut stop => Err(Ended::told(code)),
            };
            let ended = match met {
                Ok(()) => self.talk(&mut stop).await,
                Err(ended) => ended,
            };
            if !ended.may_go_on() {
                break ended;
            }
        };
        if let (Some(out), Some(code)) = (&mut self.outbound, why.last_word()) {
            farewell(out, code).await;
        }
        let over = Note::Over {
            peer: self.opening.peer,
            task: self.opening.task,
            why,
        };
        note(&self.opening.notes, over).await;
    }

    /// Sees to it that both streams stand and their ends are introduced. It opens its own while it
    /// waits for the peer's: else both could wait for each other, or a connection that is dead
    /// could keep it from hearing of the next one.
    async fn meet(&mut self) -> Result<(), Ended> {
        let Self {
            opening,
            inbound,
            outbound,
            reading,
            life,
            ..
        } = self;
        let mut hearing = pin!(hear(opening, inbound));
        while outbound.is_none() || reading.is_none() {
            tokio::select! {
                heard = &mut hearing, if reading.is_none() => {
                    if heard.is_err() && outbound.is_none() {
                        // For the last word to a peer that is refused.
                        open_anew(opening, outbound).await?;
                    }
                    let (stream, introduced) = heard?;
                    let now = introduced.life;
                    *reading = Some((stream, introduced));
                    // Connections to its earlier life may not be known to be dead, and all that is
                    // sent there is lost.
                    if life.replace(now).is_some_and(|before| before != now) {
                        return Err(Ended::Restarted);
                    }
                }
                opened = open_anew(opening, outbound) => opened?,
            }
        }
        Ok(())
    }

    /// Talks until a stream breaks, and keeps the other one.
    async fn talk(&mut self, stop: &mut oneshot::Receiver<Code>) -> Ended {
        let (Some(out), Some((reading, introduced))) = (&mut self.outbound, &mut self.reading)
        else {
            return Ended::Closed;
        };
        let (outbox, mut pending) = outbox();
        let talk = Talk {
            session: self.opening.shared.next_session(),
            partner: introduced.partner(),
            outbox,
            asks: Asks::default(),
            shared: self.opening.shared.clone(),
            notes: self.opening.notes.clone(),
        };
        talk.announce(&self.opening, introduced).await;
        let (questions_in, questions) = serve::questions();
        let (ended, broken) = tokio::select! {
            ended = read_loop(reading, &talk, questions_in) => (ended, Broken::Reading),
            ended = write_loop(out, &mut pending) => (ended, Broken::Writing),
            ended = serve_loop(questions, &talk) => (ended, Broken::Writing),
            ended = talk.errand_loop(&mut self.errands) => (ended, Broken::Neither),
            () = self.inbound.newer() => (Ended::Anew, Broken::Reading),
            code = stop => (Ended::told(code), Broken::Neither),
        };
        match broken {
            Broken::Reading => self.reading = None,
            // What is half written can't be gone on with.
            Broken::Writing => self.outbound = None,
            Broken::Neither => {}
        }
        talk.renounce(&ended).await;
        ended
    }
}

/// Opens the stream that this node writes, as soon as it does not stand or the peer has dropped it.
async fn open_anew(opening: &Opening, outbound: &mut Option<Outbound>) -> Result<(), Ended> {
    if let Some(out) = outbound {
        out.gone().await;
        *outbound = None;
        tokio::time::sleep(REOPENING_PAUSE).await;
    }
    *outbound = Some(Outbound::open(opening).await?);
    Ok(())
}

/// Waits for the peer's stream and checks its Hello.
async fn hear(opening: &Opening, inbound: &mut Inbound) -> Result<(Stream, Introduced), Ended> {
    let (frame, stream) = inbound.first_frame().await?;
    let introduced = hello::check(&opening.shared, opening.peer, &frame).await?;
    Ok((stream, introduced))
}

/// Which stream is of no more use.
enum Broken {
    Reading,
    Writing,
    Neither,
}

/// What the loops of one session have in common.
struct Talk {
    session: SessionNumber,
    partner: PartnerId,
    outbox: Outbox,
    asks: Asks,
    shared: Arc<Shared>,
    notes: mpsc::Sender<Note>,
}

impl Talk {
    /// The driver first: when the loop answers, the driver knows whom it means.
    async fn announce(&self, opening: &Opening, hello: &Introduced) {
        let peer = opening.peer;
        let outbox = self.outbox.clone();
        self.shared.stands(self.partner, self.session, outbox);
        self.note(Note::Up {
            task: opening.task,
            session: self.session,
            peer,
            partner: self.partner,
        })
        .await;
        let event = NetEvent::SessionUp {
            session: self.session,
            partner: self.partner,
            peer,
            hello: Box::new(hello.clone()),
        };
        self.shared.tell(event).await;
    }

    async fn renounce(&self, why: &Ended) {
        self.shared.stands_no_more(&self.partner, self.session);
        self.note(Note::Down {
            session: self.session,
            why: why.clone(),
        })
        .await;
        let event = NetEvent::SessionDown {
            session: self.session,
            partner: self.partner,
            why: why.clone(),
        };
        self.shared.tell(event).await;
    }

    async fn note(&self, what: Note) {
        note(&self.notes, what).await;
    }

    /// Carries out what the driver wants, and gives up asks that nobody answers.
    async fn errand_loop(&self, errands: &mut mpsc::Receiver<Errand>) -> Ended {
        let mut pulse = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                errand = errands.recv() => match errand {
                    Some(errand) => self.begin_errand(errand).await,
                    None => return Ended::Told(Code::Overloaded),
                },
                _ = pulse.tick() => self.give_up_overdue().await,
            }
        }
    }
}

/// Only a driver that is gone itself does not listen.
async fn note(notes: &mpsc::Sender<Note>, what: Note) {
    if notes.send(what).await.is_err() {
        tracing::trace!("the net has ended");
    }
}
