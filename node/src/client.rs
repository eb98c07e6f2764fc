//! A client of the local API over the Unix socket. What the commands print, and what they ask, is
//! kept out.

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::home::endpoint::{Endpoint, EndpointError};
use crate::home::token::{Token, TokenError};
use crate::home::{Home, HomeError, InUse};
use crate::view::ProblemView;

/// On one machine; a daemon that needs longer is stuck.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
/// For one whole answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// A stream of events says something every 15 seconds.
const QUIET_TIME_MAX: Duration = Duration::from_secs(45);
const EVENT_STREAM: &str = "text/event-stream";
/// Longer answers come in pages.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why a request has no answer, or another than hoped for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no home to look for a daemon in.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// No daemon answers.
    #[error("no node answers in {}", home.display())]
    Unreachable {
        /// The home.
        home: PathBuf,
        /// How that was found out.
        why: String,
        /// Whether a daemon holds the home nevertheless.
        in_use: InUse,
    },
    /// The token can't be read.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The daemon took the request and did not answer in time.
    #[error("the node took the request and gave no answer within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    /// The daemon said no.
    #[error("{}", .0.title)]
    Refused(Box<ProblemView>),
    /// The daemon said something that this program does not understand.
    #[error("the node's answer can't be understood: {0}")]
    Strange(String),
    /// The system refuses something that every program needs.
    #[error("the system refuses: {0}")]
    System(io::Error),
}

/// The way to the daemon of one home.
#[derive(Debug)]
pub struct Client {
    home: Home,
    endpoint: Endpoint,
    token: Token,
    runtime: tokio::runtime::Runtime,
}

impl Client {
    /// Finds the daemon of a home by its `api.json`. Whether it lives, the first request shows.
    ///
    /// # Errors
    /// If there is no home, no daemon, or no readable token.
    pub fn find(home: &Home) -> Result<Self, ClientError> {
        home.existing()?;
        let endpoint = match Endpoint::read(&home.endpoint_file()) {
            Ok(endpoint) => endpoint,
            Err(e @ (EndpointError::Absent(_) | EndpointError::Broken { .. })) => {
                return Err(unreachable(home, e.to_string()));
            }
            Err(EndpointError::File(e)) => return Err(HomeError::from(e).into()),
        };
        Ok(Self {
            home: home.clone(),
            endpoint,
            token: Token::read(&home.token_file())?,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(ClientError::System)?,
        })
    }

    /// Where the daemon says it listens.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks for what stands at `path`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.ask(Method::GET, path, Bytes::new())
    }

    /// Asks for something to be done at `path`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        self.ask(Method::POST, path, encoded(body)?)
    }

    /// Puts something at `path`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn put<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        self.ask(Method::PUT, path, encoded(body)?)
    }

    /// Changes a part of what stands at `path`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn patch<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        self.ask(Method::PATCH, path, encoded(body)?)
    }

    /// Takes away what stands at `path`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.ask(Method::DELETE, path, Bytes::new())
    }

    /// Follows the stream of server-sent events at `path` until it ends or `take` breaks. `take`
    /// gets the kind and the data of each.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn follow(
        &self,
        path: &str,
        mut take: impl FnMut(&str, &str) -> ControlFlow<()>,
    ) -> Result<(), ClientError> {
        self.runtime.block_on(async {
            let request = self.request(Method::GET, path, Bytes::new(), EVENT_STREAM)?;
            let (answer, connection) = timeout(ANSWER_TIME_MAX, self.begin(request))
                .await
                .unwrap_or(Err(ClientError::TimedOut(ANSWER_TIME_MAX)))?;
            let status = answer.status();
            let mut body = answer.into_body();
            if !status.is_success() {
                let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
                let body = body.map_err(|e| ClientError::Strange(e.to_string()))?;
                return Err(refusal(status, &body.to_bytes()));
            }
            let mut lines = String::new();
            loop {
                let frame = timeout(QUIET_TIME_MAX, body.frame())
                    .await
                    .map_err(|_elapsed| ClientError::TimedOut(QUIET_TIME_MAX))?;
                let Some(frame) = frame else { break };
                let frame = frame.map_err(|e| ClientError::Strange(e.to_string()))?;
                let Ok(bytes) = frame.into_data() else {
                    continue;
                };
                lines.push_str(&String::from_utf8_lossy(&bytes));
                if lines.len() > ANSWER_BYTES_MAX {
                    return Err(ClientError::Strange("an endless event".to_owned()));
                }
                if hand_over(&mut lines, &mut take).is_break() {
                    break;
                }
            }
            connection.abort();
            Ok(())
        })
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, ClientError> {
        let (status, answer) = self.runtime.block_on(self.exchange(method, path, body))?;
        if status.is_success() {
            return serde_json::from_slice(&answer)
                .map_err(|e| ClientError::Strange(e.to_string()));
        }
        Err(refusal(status, &answer))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let request = self.request(method, path, body, "application/json")?;
        let talk = async {
            let (answer, connection) = self.begin(request).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect();
            let body = body
                .await
                .map_err(|e| ClientError::Strange(e.to_string()))?;
            connection.abort();
            Ok((status, body.to_bytes()))
        };
        timeout(ANSWER_TIME_MAX, talk)
            .await
            .unwrap_or(Err(ClientError::TimedOut(ANSWER_TIME_MAX)))
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        accept: &str,
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::ACCEPT, accept)
            .header(header::CONTENT_TYPE, "application/json")
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", self.token.as_str()),
            )
            .body(Full::new(body))
            .map_err(|e| ClientError::Strange(e.to_string()))
    }

    /// Connects and sends; the answer's head, and the task that brings its body.
    async fn begin(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, JoinHandle<hyper::Result<()>>), ClientError> {
        let strange = |e: hyper::Error| ClientError::Strange(e.to_string());
        let socket = &self.endpoint.socket;
        let failed = |why: String| unreachable(&self.home, format!("{}: {why}", socket.display()));
        let stream = match timeout(CONNECT_TIME_MAX, UnixStream::connect(socket)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(e)) => return Err(failed(e.to_string())),
            Err(_) => return Err(failed("it takes no connection".to_owned())),
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(strange)?;
        // It ends with the answer; what went wrong on it shows there.
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(strange)?;
        Ok((answer, connection))
    }
}

fn encoded<B: Serialize>(body: &B) -> Result<Bytes, ClientError> {
    let bytes = serde_json::to_vec(body).map_err(|e| ClientError::Strange(e.to_string()))?;
    Ok(bytes.into())
}

fn refusal(status: StatusCode, answer: &[u8]) -> ClientError {
    match serde_json::from_slice(answer) {
        Ok(problem) => ClientError::Refused(Box::new(problem)),
        Err(_) => ClientError::Strange(format!("status {status} and no reason")),
    }
}

/// Hands over the events that are whole, and keeps the beginning of the next.
fn hand_over(
    lines: &mut String,
    take: &mut impl FnMut(&str, &str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    while let Some((event, rest)) = lines.split_once("\n\n") {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        let end = match (field("event: "), field("data: ")) {
            (Some(kind), Some(data)) => take(kind, data),
            _ => ControlFlow::Continue(()),
        };
        *lines = rest.to_owned();
        end?;
    }
    ControlFlow::Continue(())
}

fn unreachable(home: &Home, why: String) -> ClientError {
    ClientError::Unreachable {
        home: home.root().to_owned(),
        why,
        in_use: home.in_use(),
    }
}
