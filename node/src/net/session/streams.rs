//! The two streams of a talk: ours, which we open and write, and the peer's, which we read. What
//! is on them after the first frame is not looked at here.

use std::time::Duration;

use libp2p::{
    Stream,
    futures::{
        AsyncReadExt as _,
        io::{ReadHalf, WriteHalf},
    },
};
use libp2p_stream::OpenStreamError;
use omni_protocol::code::Code;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use super::{Opening, hello};
use crate::net::{
    codec::{self, FRAME_PATIENCE, StreamError},
    event::Ended,
    fabric::DIRECT,
};

/// For the last word to a peer that may not listen any more.
const FAREWELL_PATIENCE: Duration = Duration::from_millis(500);

/// From a last word to the end of the connection.
const READING_TIME: Duration = Duration::from_millis(200);

const OPENING_TRIES: u32 = 3;
const OPENING_PAUSE: Duration = Duration::from_millis(100);

/// The stream that this node writes.
#[derive(Debug)]
pub(super) struct Outbound {
    writing: WriteHalf<Stream>,
    /// Nothing comes here, so that whatever comes says that the peer has dropped the stream.
    watching: ReadHalf<Stream>,
    /// No frame is half written.
    is_whole: bool,
}

impl Outbound {
    /// Opens the stream and introduces this node.
    pub(super) async fn open(opening: &Opening) -> Result<Self, Ended> {
        let stream = open_stream(opening).await?;
        let (watching, writing) = stream.split();
        let mut out = Self {
            writing,
            watching,
            is_whole: true,
        };
        let hello = opening.hello.frame().encode();
        let hello = hello.map_err(|e| Ended::Lost(e.to_string()))?;
        out.write_frame(&hello).await?;
        Ok(out)
    }

    pub(super) async fn write(&mut self, framed: &[u8]) -> Result<(), StreamError> {
        self.is_whole = false;
        codec::write_all(&mut self.writing, framed, FRAME_PATIENCE).await?;
        self.is_whole = true;
        Ok(())
    }

    async fn write_frame(&mut self, frame: &[u8]) -> Result<(), StreamError> {
        let mut framed = Vec::new();
        codec::append_frame(&mut framed, frame)?;
        self.write(&framed).await
    }

    /// Resolves when the peer has dropped the stream, or says something where it must not.
    pub(super) async fn gone(&mut self) {
        let mut byte = [0; 1];
        if let Ok(1) = self.watching.read(&mut byte).await {
            tracing::debug!("a peer answers on a stream that is not its own");
        }
    }
}

/// One of several connections may just be closing, so it is tried more than once.
async fn open_stream(opening: &Opening) -> Result<Stream, Ended> {
    let mut control = opening.control.clone();
    let mut lost = String::new();
    for _ in 0..OPENING_TRIES {
        match control.open_stream(opening.peer, DIRECT).await {
            Ok(stream) => return Ok(stream),
            Err(OpenStreamError::UnsupportedProtocol(_)) => return Err(Ended::NotOurs),
            Err(error) => lost = error.to_string(),
        }
        sleep(OPENING_PAUSE).await;
    }
    Err(Ended::Lost(lost))
}

/// Says why, if the peer still listens.
pub(super) async fn farewell(out: &mut Outbound, code: Code) {
    if !out.is_whole {
        return;
    }
    let Ok(bye) = hello::bye(code).encode() else {
        return;
    };
    let said = timeout(FAREWELL_PATIENCE, out.write_frame(&bye)).await;
    if matches!(said, Ok(Ok(()))) {
        // The connection is closed next, and what the peer has not read by then is lost.
        sleep(READING_TIME).await;
    } else {
        tracing::debug!(%code, "the peer did not hear the last word");
    }
}

/// The streams that the peer opens; only the youngest counts.
#[derive(Debug)]
pub(super) struct Inbound {
    streams: mpsc::Receiver<Stream>,
    youngest: Option<Stream>,
}

impl Inbound {
    pub(super) const fn new(streams: mpsc::Receiver<Stream>) -> Self {
        let youngest = None;
        Self { streams, youngest }
    }

    /// Waits for a stream and reads its first frame. One that breaks before is forgotten.
    pub(super) async fn first_frame(&mut self) -> Result<(Vec<u8>, Stream), Ended> {
        loop {
            let mut stream = match self.youngest.take() {
                Some(stream) => stream,
                None => self.next().await?,
            };
            tokio::select! {
                frame = codec::read_frame(&mut stream, FRAME_PATIENCE) => match frame {
                    Ok(frame) => return Ok((frame, stream)),
                    Err(error @ StreamError::TooLarge(_)) => return Err(error.into()),
                    Err(error) => tracing::debug!(%error, "a stream broke before its Hello"),
                },
                newer = self.streams.recv() => self.youngest = newer,
            }
        }
    }

    async fn next(&mut self) -> Result<Stream, Ended> {
        let stream = self.streams.recv().await;
        stream.ok_or(Ended::Told(Code::Overloaded))
    }

    /// Resolves when the peer has opened another stream.
    pub(super) async fn newer(&mut self) {
        match self.streams.recv().await {
            Some(stream) => self.youngest = Some(stream),
            // The driver has let go of this peer, and says so by other means.
            None => std::future::pending().await,
        }
    }
}
