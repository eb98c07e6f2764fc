//! What waits to be written to one peer, and the loop that writes it. Two lanes: letters overtake
//! pages, and a peer that reads slowly costs a bounded amount of memory.

use std::{sync::Arc, time::Duration};

use omni_protocol::limits::PENDING_MAX;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::sleep,
};

use super::streams::Outbound;
use crate::net::{
    codec::{self, StreamError},
    event::Ended,
};

/// Frames of the loop: when so many wait, the next is dropped, and its question asked again later.
/// One sync may set free a letter for each open question and an answer to each of the peer's.
const LETTERS_MAX: usize = 2 * PENDING_MAX;
const LETTERS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Answers of catch-up: who makes them waits.
const PAGES_MAX: usize = 4;

/// Between a dropped stream and the Bye on the other one.
const BYE_GRACE: Duration = Duration::from_millis(200);

/// What is gathered into one write.
const WRITE_BYTES_AIM: usize = 64 * 1024;

/// Too much waits for this peer already, or the session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRoom;

#[derive(Debug)]
struct Letter {
    bytes: Vec<u8>,
    /// Given back when the letter is written.
    _room: OwnedSemaphorePermit,
}

/// The end where frames are handed in.
#[derive(Debug, Clone)]
pub(in crate::net) struct Outbox {
    letters: mpsc::Sender<Letter>,
    room: Arc<Semaphore>,
    pages: mpsc::Sender<Vec<u8>>,
}

/// The end from which they are written.
#[derive(Debug)]
pub(super) struct Pending {
    letters: mpsc::Receiver<Letter>,
    pages: mpsc::Receiver<Vec<u8>>,
}

pub(super) fn outbox() -> (Outbox, Pending) {
    let (letters_in, letters) = mpsc::channel(LETTERS_MAX);
    let (pages_in, pages) = mpsc::channel(PAGES_MAX);
    let outbox = Outbox {
        letters: letters_in,
        room: Arc::new(Semaphore::new(LETTERS_BYTES_MAX)),
        pages: pages_in,
    };
    (outbox, Pending { letters, pages })
}

impl Outbox {
    /// Hands in a letter or an ask without waiting.
    pub(in crate::net) fn offer(&self, bytes: Vec<u8>) -> Result<(), NoRoom> {
        let size = u32::try_from(bytes.len()).map_err(|_too_large| NoRoom)?;
        let room = self.room.clone().try_acquire_many_owned(size);
        let letter = Letter {
            bytes,
            _room: room.map_err(|_full| NoRoom)?,
        };
        self.letters.try_send(letter).map_err(|_full| NoRoom)
    }

    /// Hands in an answer of catch-up, when there is room for it.
    pub(super) async fn send(&self, bytes: Vec<u8>) -> Result<(), NoRoom> {
        self.pages.send(bytes).await.map_err(|_gone| NoRoom)
    }
}

/// Writes what comes until the stream breaks, or the peer has dropped it.
pub(super) async fn write_loop(out: &mut Outbound, pending: &mut Pending) -> Ended {
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let gathered = tokio::select! {
            gathered = gather(pending, &mut buffer) => gathered,
            () = out.gone() => {
                // If it said Bye before, the reader is about to see it.
                sleep(BYE_GRACE).await;
                return Ended::Broken("the peer dropped it".to_owned());
            }
        };
        let written = match gathered {
            Ok(()) => out.write(&buffer).await,
            Err(e) => Err(e),
        };
        if let Err(error) = written {
            return error.into();
        }
        if buffer.capacity() > 4 * WRITE_BYTES_AIM {
            buffer = Vec::new();
        }
    }
}

/// Waits for one frame and takes with it what else is there, up to a write's worth.
async fn gather(pending: &mut Pending, buffer: &mut Vec<u8>) -> Result<(), StreamError> {
    tokio::select! {
        biased;
        Some(letter) = pending.letters.recv() => codec::append_frame(buffer, &letter.bytes)?,
        Some(page) = pending.pages.recv() => codec::append_frame(buffer, &page)?,
        else => return Err(StreamError::Closed),
    }
    while buffer.len() < WRITE_BYTES_AIM {
        let Ok(letter) = pending.letters.try_recv() else {
            break;
        };
        codec::append_frame(buffer, &letter.bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn letters_are_bounded_by_count_and_by_bytes() {
        for (bytes, expected) in [(10, LETTERS_MAX), (128 * 1024, 32)] {
            let (outbox, mut pending) = outbox();
            let taken = (0..1000)
                .take_while(|_| outbox.offer(vec![0; bytes]).is_ok())
                .count();
            assert_eq!(taken, expected);
            let mut buffer = vec![];
            gather(&mut pending, &mut buffer).await.unwrap();
            assert!(outbox.offer(vec![0; bytes]).is_ok(), "room is given back");
        }
    }

    #[tokio::test]
    async fn letters_overtake_pages() {
        let (outbox, mut pending) = outbox();
        outbox.send(b"page".to_vec()).await.unwrap();
        outbox.offer(b"letter".to_vec()).unwrap();
        let mut buffer = vec![];
        gather(&mut pending, &mut buffer).await.unwrap();
        assert_eq!(buffer, b"\0\0\0\x06letter");
    }
}
