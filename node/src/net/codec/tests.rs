//! Frames from honest and hostile peers.

use futures::io::Cursor;
use pipes::pipe;

use super::*;

/// Long enough for a busy machine, short enough for a test.
const PATIENCE: Duration = Duration::from_millis(300);

/// A stream whose other end the test holds open.
mod pipes {
    use futures::{AsyncRead, AsyncWrite};
    use std::{
        io,
        pin::Pin,
        task::{Context, Poll},
    };
    use tokio::io::{AsyncRead as _, AsyncWrite as _, DuplexStream, ReadBuf};

    pub(super) struct End(DuplexStream);

    pub(super) fn pipe(bytes: usize) -> (End, End) {
        let (a, b) = tokio::io::duplex(bytes);
        (End(a), End(b))
    }

    impl AsyncRead for End {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let mut buf = ReadBuf::new(buf);
            Pin::new(&mut self.0)
                .poll_read(cx, &mut buf)
                .map_ok(|()| buf.filled().len())
        }
    }

    impl AsyncWrite for End {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, buf)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }
}

/// What reading the bytes of a closed stream gives: each frame's length, then the end.
async fn read_all(bytes: &[u8]) -> (Vec<usize>, String) {
    let mut stream = Cursor::new(bytes.to_vec());
    let mut frames = vec![];
    loop {
        match read_frame(&mut stream, FRAME_PATIENCE).await {
            Ok(frame) => frames.push(frame.len()),
            Err(e) => return (frames, e.to_string()),
        }
    }
}

#[tokio::test]
async fn streams_end_as_they_should() {
    let mut two = vec![];
    append_frame(&mut two, b"abc").unwrap();
    append_frame(&mut two, b"").unwrap();
    let closed = "the peer closed the stream";
    let cut = "the stream ended within a frame";
    for (bytes, lengths, end) in [
        (&b""[..], vec![], closed),
        (&two[..], vec![3, 0], closed),
        (&two[..10], vec![3], cut),
        (&two[..6], vec![], cut),
        (&[0][..], vec![], cut),
        (&[0, 0, 0][..], vec![], cut),
        (&[0, 0, 0, 1][..], vec![], cut),
        (&[0, 17, 0, 1][..], vec![], "at most 1114112"),
        (&[255; 64][..], vec![], "4294967295"),
        (b"GET / HTTP/1.1\r\n\r\n", vec![], "1195725856"),
    ] {
        let (frames, error) = read_all(bytes).await;
        assert_eq!(frames, lengths, "{bytes:?}");
        assert!(error.contains(end), "{bytes:?}: {error}");
    }
}

#[tokio::test]
async fn the_largest_frame_passes_and_one_byte_more_does_not() {
    let mut bytes = vec![];
    append_frame(&mut bytes, &vec![7; DIRECT_FRAME_BYTES_MAX]).unwrap();
    let (frames, _) = read_all(&bytes).await;
    assert_eq!(frames, [DIRECT_FRAME_BYTES_MAX]);

    let before = bytes.len();
    let error = append_frame(&mut bytes, &vec![7; DIRECT_FRAME_BYTES_MAX + 1]).unwrap_err();
    assert!(matches!(error, StreamError::TooLarge(_)), "{error}");
    assert_eq!(bytes.len(), before);
}

#[tokio::test]
async fn an_announced_length_alone_allocates_nothing() {
    let (mut far, mut near) = pipe(1 << 16);
    let announced = u32::try_from(DIRECT_FRAME_BYTES_MAX).unwrap().to_be_bytes();
    far.write_all(&announced).await.unwrap();
    far.write_all(&[1; 1000]).await.unwrap();
    far.close().await.unwrap();
    let error = read_frame(&mut near, PATIENCE).await.unwrap_err();
    assert!(matches!(error, StreamError::Cut), "{error}");
}

#[tokio::test]
async fn a_peer_that_trickles_is_given_up() {
    let (mut far, mut near) = pipe(64);
    let trickle = tokio::spawn(async move {
        far.write_all(&[0, 0, 4, 0]).await.unwrap();
        while far.write_all(&[1]).await.is_ok() {
            tokio::time::sleep(PATIENCE / 10).await;
        }
    });
    let error = read_frame(&mut near, PATIENCE).await.unwrap_err();
    assert!(matches!(error, StreamError::Stalled), "{error}");
    drop(near);
    trickle.await.unwrap();
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_given_up() {
    let (_far, mut near) = pipe(64);
    let error = write_all(&mut near, &[0; 1000], PATIENCE)
        .await
        .unwrap_err();
    assert!(matches!(error, StreamError::Stalled), "{error}");
}

#[tokio::test]
async fn silence_between_frames_is_no_fault() {
    let (mut far, mut near) = pipe(64);
    let late = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(900)).await;
        let mut bytes = vec![];
        append_frame(&mut bytes, b"late").unwrap();
        write_all(&mut far, &bytes, PATIENCE).await.unwrap();
    });
    assert_eq!(read_frame(&mut near, PATIENCE).await.unwrap(), b"late");
    late.await.unwrap();
}
