//! The two doors of the local API and the connections through them. Who may pass is the guard's
//! matter, what they ask the routes'.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, UnixListener, UnixStream, unix};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::guard::{self, Guard};
use super::{ApiCode, Desk, Problem};
use crate::home::files::FileError;
use crate::home::token::Token;

/// Of each door. A program opens a few; more wait in the system's queue.
pub const CONNECTIONS_MAX: usize = 64;
/// A connection that says nothing holds its place for so long.
const HEAD_TIME_MAX: Duration = Duration::from_secs(5);
/// What is under way when the node stops may take so long to end.
const END_TIME_MAX: Duration = Duration::from_secs(5);

/// Why the doors can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The Unix socket.
    #[error(transparent)]
    Socket(#[from] FileError),
    /// The HTTP address.
    #[error("can't listen on {address}: {reason}")]
    Http {
        /// From the setting `api.http`.
        address: SocketAddr,
        /// What the system says.
        reason: io::Error,
    },
}

/// The numeric user id of this process, read from a socket of its own, since the standard library
/// does not tell it.
///
/// # Errors
/// If the system gives no pair of sockets.
///
/// # Panics
/// Outside a tokio runtime.
pub fn own_uid() -> io::Result<u32> {
    let (one, _other) = UnixStream::pair()?;
    Ok(one.peer_cred()?.uid())
}

/// Both doors, open but not yet served.
#[derive(Debug)]
pub struct Doors {
    socket: OwnSocket,
    http: TcpListener,
    address: SocketAddr,
}

impl Doors {
    /// Opens both. A socket left behind by a killed daemon is replaced: the caller holds the
    /// home's lock, so nobody listens there.
    ///
    /// # Errors
    /// If one can't be opened.
    pub async fn open(socket: &Path, uid: u32, http: SocketAddr) -> Result<Self, BindError> {
        let refused = |reason| BindError::Http {
            address: http,
            reason,
        };
        let socket = OwnSocket::bind(socket, uid)?;
        let listener = TcpListener::bind(http).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self {
            socket,
            http: listener,
            address,
        })
    }

    /// The HTTP address, with the port that the system chose.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.address
    }

    /// Serves both until `stop` turns true, and then lets what is under way come to its end.
    pub async fn serve(
        self,
        desk: Desk,
        token: Token,
        origins: &[String],
        stop: watch::Receiver<bool>,
    ) {
        let of_socket = Guard::of_socket(token.clone());
        let of_loopback = Guard::of_loopback(token, self.address, origins);
        tokio::join!(
            serve_door(self.socket, app(desk.clone(), of_socket), stop.clone()),
            serve_door(self.http, app(desk, of_loopback), stop),
        );
    }
}

fn app(desk: Desk, guard: Arc<Guard>) -> Router {
    super::routes()
        .fallback(async || {
            Problem::new(
                ApiCode::UnknownRoute,
                "Addresses begin with /v1/; try GET /v1/status.",
            )
        })
        .method_not_allowed_fallback(async || {
            Problem::new(
                ApiCode::MethodNotAllowed,
                "Reading is GET, asking for something POST.",
            )
        })
        .layer(middleware::from_fn_with_state(guard, guard::guard))
        .with_state(desk)
}

async fn serve_door<L: Listener>(mut door: L, app: Router, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, door.accept().await.0)
        };
        let (place, io) = tokio::select! {
            next = next => next,
            () = told(&mut stop) => break,
        };
        let talk = converse(io, app.clone(), stop.clone());
        connections.spawn(async move {
            talk.await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(door);
    let end = async { while connections.join_next().await.is_some() {} };
    if timeout(END_TIME_MAX, end).await.is_err() {
        tracing::warn!("closed connections of the local API that did not come to an end");
    }
}

async fn converse<Io>(io: Io, app: Router, mut stop: watch::Receiver<bool>)
where
    Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .serve_connection(TokioIo::new(io), TowerToHyperService::new(app));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(e) = ended {
        tracing::debug!(error = %e, "a connection of the local API broke");
    }
}

/// Waits for the word to stop; that nobody can say it any more counts as said.
async fn told(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|&stop| stop).await);
}

/// A Unix socket that talks to its own user and to root, and disappears when dropped.
#[derive(Debug)]
struct OwnSocket {
    listener: UnixListener,
    path: PathBuf,
    uid: u32,
}

impl OwnSocket {
    fn bind(path: &Path, uid: u32) -> Result<Self, FileError> {
        let failed = |e| FileError::new("listen on", path, e);
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(e)),
            Ok(()) | Err(_) => {}
        }
        Ok(Self {
            listener: UnixListener::bind(path).map_err(failed)?,
            path: path.to_owned(),
            uid,
        })
    }
}

impl Listener for OwnSocket {
    type Io = UnixStream;
    type Addr = unix::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            // Through the trait, which waits a little when the system is out of descriptors.
            let (stream, address) = Listener::accept(&mut self.listener).await;
            match stream.peer_cred().map(|peer| peer.uid()) {
                Ok(uid) if uid == self.uid || uid == 0 => return (stream, address),
                peer => tracing::warn!(?peer, "another user tried the node's socket"),
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

impl Drop for OwnSocket {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), error = %e, "the socket stays behind");
        }
    }
}
