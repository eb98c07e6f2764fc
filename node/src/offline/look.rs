//! What can be seen of a home from outside, with its node up or down: who may read it, its keys,
//! token, disk and ports, and while the node is down its ledger. It mends nothing.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

use super::check::{CheckError, Opened};
use crate::config::Config;
use crate::home::files::{self, Reach};
use crate::home::token::{Token, TokenError};
use crate::home::{Home, HomeError};
use crate::keys::{Keys, left, spare_file, spare_keys};
use crate::store::{SpaceLimits, market};
use crate::view::SpareKeys;
use crate::view::health::FindingView;

const MIB: u64 = 1 << 20;

/// Whether to check the whole ledger, which takes as long as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Its beginning and end only.
    Quick,
    /// All of it.
    Whole,
}

/// The home's folder, its keys and token, its disk, and what was seen of the market there.
#[must_use]
pub fn home(home: &Home) -> Vec<FindingView> {
    let mut found = vec![folder(home.root()), keys(home)];
    if spare_keys(home) == SpareKeys::InHome {
        let what = format!(
            "the spare keys are still here: {}",
            spare_file(home).display()
        );
        found.push(FindingView::note(
            "keys",
            what,
            "move that file away from this machine",
        ));
    }
    found.extend(left_keys(home));
    found.extend(token(home));
    found.push(disk(home.root()));
    if market::is_condemned(home.root()) {
        let what = "what others published is damaged on this disk: some of it is not shown";
        let next = "start the node again (omni down, omni up): it fetches all of it anew\n\
                    if it happens again, look at the disk";
        found.push(FindingView::fault("market", what, next));
    }
    found
}

/// What a replacement of the market key left when it was cut short.
fn left_keys(home: &Home) -> Vec<FindingView> {
    let left = left(home);
    let names = |files: &[PathBuf]| {
        let names = files.iter().map(|file| file.display().to_string());
        names.collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    if !left.spent.is_empty() {
        let files = names(&left.spent).join(" ");
        let what = format!("spent keys were left here, and a thief could use them: {files}");
        let next = format!("destroy them: rm {files}");
        found.push(FindingView::fault("keys", what, &next));
    }
    if !left.begun.is_empty() {
        let files = names(&left.begun).join(" ");
        let what = format!("a replacement of the market key was cut short: {files}");
        let next = format!(
            "the key in force is the one of before\n\
             do it again: omni key rotate, or omni key recover\nor leave it so: rm {files}"
        );
        found.push(FindingView::fault("keys", what, &next));
    }
    found
}

fn folder(root: &Path) -> FindingView {
    // The owner of a process's own entry is its effective user (proc(5)).
    let own = fs::metadata("/proc/self").map_or(0, |process| process.uid());
    match (fs::metadata(root), files::reach(root)) {
        (Ok(folder), _) if folder.uid() != own => {
            let what = format!(
                "the home belongs to user {}, and this is user {own}",
                folder.uid()
            );
            FindingView::fault("home", what, "run omni as the user who made the home")
        }
        (Ok(_), Ok(Reach::OwnerOnly)) => FindingView::good("home", root.display().to_string()),
        (Ok(_), Ok(Reach::Others)) => {
            let what = format!("others may look into {}", root.display());
            FindingView::fault("home", what, &format!("chmod go= {}", root.display()))
        }
        (Err(error), _) => FindingView::fault("home", error.to_string(), "look at its rights"),
        (Ok(_), Err(error)) => FindingView::fault("home", error.to_string(), "look at its rights"),
    }
}

fn keys(home: &Home) -> FindingView {
    match Keys::load(home) {
        Ok(keys) => FindingView::good("keys", keys.identity().partner().to_string()),
        Err(error) => {
            let next = match error.open_path() {
                Some(path) => format!("chmod go= {}", path.display()),
                None => "put the right file there from your backup".to_owned(),
            };
            FindingView::fault("keys", error.to_string(), &next)
        }
    }
}

fn token(home: &Home) -> Option<FindingView> {
    let path = home.token_file();
    let error = Token::read(&path).err()?;
    let next = match &error {
        // A node makes one at its start.
        TokenError::File(error) if error.is_absent() => return None,
        TokenError::Open(_) => format!("chmod go= {}", path.display()),
        TokenError::File(_) | TokenError::Broken(_) | TokenError::Entropy(_) => {
            "remove it, and start the node again: it makes a new one".to_owned()
        }
    };
    Some(FindingView::fault("token", error.to_string(), &next))
}

fn disk(root: &Path) -> FindingView {
    match rustix::fs::statvfs(root) {
        Ok(disk) => room(disk.f_bavail.saturating_mul(disk.f_frsize)),
        Err(error) => {
            let what = format!("it can't be asked: {error}");
            FindingView::fault("disk", what, "look at the home's disk")
        }
    }
}

/// What so many free bytes mean for a node.
fn room(free: u64) -> FindingView {
    let limits = SpaceLimits::default();
    let what = format!("{} MiB are free", free / MIB);
    let refused = if free < limits.scarce_bytes() {
        "the node takes only what ends an open deal"
    } else if free < limits.low_bytes() {
        "the node takes no imports and no new deals"
    } else {
        return FindingView::good("disk", what);
    };
    FindingView::fault(
        "disk",
        format!("{what}: {refused}"),
        "free some space there",
    )
}

/// The ports at which a node that is down would listen.
#[must_use]
pub fn ports(config: &Config) -> Vec<FindingView> {
    let next = "end the program that has it, or choose another: omni config set";
    let listen = config.net.listen.iter().filter_map(|address| {
        let (socket, transport) = socket(address)?;
        let free = match transport {
            Transport::Tcp => TcpListener::bind(socket).err(),
            Transport::Udp => UdpSocket::bind(socket).err(),
        };
        let next = format!("{next} net.listen …");
        free.map(|e| FindingView::fault("ports", format!("{address} can't be had: {e}"), &next))
    });
    let http = config.api.http;
    let api = TcpListener::bind(http).err().map(|e| {
        let next = format!("{next} api.http 127.0.0.1:0");
        FindingView::fault(
            "ports",
            format!("{http} (api.http) can't be had: {e}"),
            &next,
        )
    });
    let taken: Vec<_> = listen.chain(api).collect();
    if taken.is_empty() {
        return vec![FindingView::good(
            "ports",
            "all that the settings name are free",
        )];
    }
    taken
}

enum Transport {
    Tcp,
    Udp,
}

/// The socket of a multiaddr. Names would have to be looked up, so they are left out.
fn socket(address: &Multiaddr) -> Option<(SocketAddr, Transport)> {
    let mut ip = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    for part in address {
        if let Protocol::Ip4(v4) = part {
            ip = v4.into();
        } else if let Protocol::Ip6(v6) = part {
            ip = v6.into();
        } else if let Protocol::Tcp(port) = part {
            return Some(((ip, port).into(), Transport::Tcp));
        } else if let Protocol::Udp(port) = part {
            return Some(((ip, port).into(), Transport::Udp));
        }
    }
    None
}

/// The ledger of a node that is down, and the time of its last entry.
#[must_use]
pub fn ledger(home: &Home, depth: Depth) -> (Vec<FindingView>, Option<u64>) {
    let opened = match Opened::of(home) {
        Ok(opened) => opened,
        Err(CheckError::Home(HomeError::Busy { .. })) => return (Vec::new(), None),
        // That is told of the keys already.
        Err(CheckError::Keys(_)) => return (Vec::new(), None),
        Err(error) => return (vec![damaged(&error.to_string())], None),
    };
    let (head, recovers) = match opened.head() {
        Ok(found) => found,
        Err(error) => return (vec![damaged(&error.to_string())], None),
    };
    let mut found = Vec::new();
    if recovers {
        found.push(recovering());
    }
    found.push(match depth {
        Depth::Quick => FindingView::good("ledger", "it opens, and its head file agrees"),
        Depth::Whole => match opened.check() {
            Ok(view) => verified(view.broken, view.entries),
            Err(error) => damaged(&error.to_string()),
        },
    });
    (found, head.map(|head| head.at.ms()))
}

/// What the check of a whole ledger came to.
#[must_use]
pub fn verified(broken: Option<String>, entries: u64) -> FindingView {
    match broken {
        Some(broken) => damaged(&broken),
        None => FindingView::good("ledger", format!("{entries} entries, all of them good")),
    }
}

fn damaged(what: &str) -> FindingView {
    let next = "stop the node, keep a copy of its home, and restore a backup";
    FindingView::fault("ledger", what, next)
}

/// That a node recovers.
#[must_use]
pub fn recovering() -> FindingView {
    let what = "the node was shown something of its own that it lacks: an older copy of its home was \
                put back, or a second node runs with its keys; it signs nothing";
    let next = "end the second node if there is one, for good\nput the newest copy back if there is \
                one\nif there is none: omni ledger recover";
    FindingView::fault("recovery", what, next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::health::FindingState;

    #[test]
    fn a_disk_that_is_nearly_full_is_named() {
        let check = |mib: u64, words: &str| {
            let found = room(mib * MIB);
            assert_eq!(found.state, FindingState::Fault, "{mib}");
            assert!(found.what.contains(words), "{found:?}");
        };
        check(0, "only what ends an open deal");
        check(95, "only what ends an open deal");
        check(96, "no imports");
        check(255, "no imports");
        assert_eq!(room(256 * MIB).state, FindingState::Good);
    }

    #[test]
    fn sockets_are_read_from_addresses() {
        let check = |address: &str, expected: Option<&str>| {
            let found = socket(&address.parse().expect("a multiaddr"));
            let found = found.map(|(socket, _)| socket.to_string());
            assert_eq!(found.as_deref(), expected, "{address}");
        };
        check("/ip4/127.0.0.1/tcp/7", Some("127.0.0.1:7"));
        check("/ip6/::1/udp/7/quic-v1", Some("[::1]:7"));
        check("/dns4/example.org", None);
    }
}
