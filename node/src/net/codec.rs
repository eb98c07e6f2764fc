//! Frames on a direct stream: four bytes of length, big endian, and that many bytes. It bounds
//! what a peer can make this node allocate or wait for, and does not know what a frame means.

use std::{io, time::Duration};

use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use omni_protocol::limits::DIRECT_FRAME_BYTES_MAX;
use tokio::time::timeout;

const LENGTH_BYTES: usize = 4;

/// A frame that has begun must be whole after this time: 36 KiB/s for the largest. Without it a
/// peer could hold a megabyte of each session with a byte a minute.
pub(super) const FRAME_PATIENCE: Duration = Duration::from_secs(30);

/// Why no further frame can be read from, or written to, a stream.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    /// The stream ended between two frames.
    #[error("the peer closed the stream")]
    Closed,
    /// The stream ended within a frame.
    #[error("the stream ended within a frame")]
    Cut,
    #[error("a frame of {0} bytes was announced, at most {DIRECT_FRAME_BYTES_MAX} are allowed")]
    TooLarge(u64),
    #[error("a frame took longer than it may")]
    Stalled,
    #[error("the stream broke: {0}")]
    Io(#[from] io::Error),
}

/// Reads the next frame, however long it is in coming; once begun it must be whole within
/// `patience`.
///
/// Not safe to cancel: what was read so far is lost with the future.
///
/// # Errors
/// See [`StreamError`]; after any of them the stream is of no more use.
pub(super) async fn read_frame<S>(
    stream: &mut S,
    patience: Duration,
) -> Result<Vec<u8>, StreamError>
where
    S: AsyncRead + Unpin,
{
    let mut first = [0; 1];
    if stream.read(&mut first).await? == 0 {
        return Err(StreamError::Closed);
    }
    let rest = read_begun(stream, first);
    timeout(patience, rest)
        .await
        .unwrap_or(Err(StreamError::Stalled))
}

async fn read_begun<S>(stream: &mut S, first: [u8; 1]) -> Result<Vec<u8>, StreamError>
where
    S: AsyncRead + Unpin,
{
    let mut rest = [0; LENGTH_BYTES - 1];
    stream.read_exact(&mut rest).await.map_err(cut)?;
    let [a] = first;
    let [b, c, d] = rest;
    let announced = u64::from(u32::from_be_bytes([a, b, c, d]));
    let length = usize::try_from(announced)
        .ok()
        .filter(|n| *n <= DIRECT_FRAME_BYTES_MAX)
        .ok_or(StreamError::TooLarge(announced))?;
    // Grows with what really comes: an announcement alone allocates nothing.
    let mut frame = Vec::new();
    stream.take(announced).read_to_end(&mut frame).await?;
    if frame.len() < length {
        return Err(StreamError::Cut);
    }
    Ok(frame)
}

fn cut(error: io::Error) -> StreamError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        StreamError::Cut
    } else {
        StreamError::Io(error)
    }
}

/// Appends one frame to what is written next; many small ones then cost one packet.
///
/// # Errors
/// [`StreamError::TooLarge`]: the frame is not appended.
pub(super) fn append_frame(buffer: &mut Vec<u8>, frame: &[u8]) -> Result<(), StreamError> {
    let announced = u64::try_from(frame.len()).unwrap_or(u64::MAX);
    let length = u32::try_from(frame.len())
        .ok()
        .filter(|_| frame.len() <= DIRECT_FRAME_BYTES_MAX)
        .ok_or(StreamError::TooLarge(announced))?;
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.extend_from_slice(frame);
    Ok(())
}

/// Writes what was appended. A peer that does not take it within `patience` is given up.
///
/// # Errors
/// See [`StreamError`]; after any of them the stream is of no more use.
pub(super) async fn write_all<S>(
    stream: &mut S,
    bytes: &[u8],
    patience: Duration,
) -> Result<(), StreamError>
where
    S: AsyncWrite + Unpin,
{
    let write = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    match timeout(patience, write).await {
        Ok(written) => Ok(written?),
        Err(_elapsed) => Err(StreamError::Stalled),
    }
}

#[cfg(test)]
mod tests;
