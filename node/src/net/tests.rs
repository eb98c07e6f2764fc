//! Whole nets over loopback: introductions, letters, gossip, catch-up, restarts and hostile peers.

#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "tests print what they measure, and pick the events that they wait for"
)]

mod checking;
mod gossiping;
mod hostile;
mod letters;
mod market;
mod meeting;
mod pulling;
mod restart;

use std::time::Duration;

/// For what happens within a second on a quiet machine.
const SOON: Duration = Duration::from_secs(20);

/// Which transport a test uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    Tcp,
    Quic,
}

impl Over {
    const BOTH: [Self; 2] = [Self::Tcp, Self::Quic];

    const fn address(self) -> &'static str {
        match self {
            Self::Tcp => "/ip4/127.0.0.1/tcp/0",
            Self::Quic => "/ip4/127.0.0.1/udp/0/quic-v1",
        }
    }
}
