//! Making a home: keys, identity, settings. It appears whole or not at all.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;

use omni_protocol::hash::NetworkName;

use crate::config::layers::edit;
use crate::config::{ConfigError, Setting, Value};
use crate::home::files::{self, FileError};
use crate::home::{Home, HomeError};
use crate::keys::{FirstKeys, Identity, KeyError, spare_file};
use crate::store::{Owner, StoreError, ledger};

/// Ports for new homes: above the well-known ones and below those that systems give to outgoing
/// connections (from 32768 on Linux, 49152 by RFC 6335).
const PORTS: std::ops::Range<u16> = 20_000..30_000;
/// More tries than a machine has nodes.
const PORT_TRIES: u32 = 64;

/// The first lines of a new `config.toml`.
const HEAD: &str = "\
# The settings of this node. `omni config show` lists all there are and what each is now,
# `omni config set KEY VALUE` changes one here. A change counts from the next `omni up` on.
";

/// Why a home can't be made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Something is in the way.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A setting can't be what was asked for.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The keys can't be made or written.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The ledger can't be made.
    #[error(transparent)]
    Ledger(#[from] StoreError),
}

impl From<FileError> for InitError {
    fn from(e: FileError) -> Self {
        Self::Home(e.into())
    }
}

/// A home that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Who the partner is.
    pub identity: Identity,
    /// The file that its owner should move away.
    pub spare: PathBuf,
    /// Where the node will listen for others.
    pub listen: Vec<String>,
}

/// Makes a home with new keys and these settings. Without `net.listen` among them the node gets
/// a port of its own, the same at each start, since other partners keep its address.
///
/// # Errors
/// If something is in the way, a setting can't be, or the system refuses. Then nothing is left.
pub fn make(
    home: &Home,
    network: NetworkName,
    mut settings: Vec<(&'static Setting, Value)>,
) -> Result<Made, InitError> {
    home.vacant()?;
    let has_listen = settings
        .iter()
        .any(|(setting, _)| setting.key == "net.listen");
    if let (false, Some(setting)) = (has_listen, Setting::named("net.listen")) {
        settings.push((setting, own_port()?));
    }
    let listen = settings.iter().filter(|(s, _)| s.key == "net.listen");
    let listen = listen.flat_map(|(_, value)| value.items().map(str::to_owned));
    let listen = listen.collect();
    let text = edit(&home.config_file(), "", &settings)?;
    let text = format!("{HEAD}\n{text}");
    let keys = FirstKeys::draw(network)?;
    // Built beside its place and moved there, so that a half-made home never stands there.
    let mut name = home.root().file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let site = Home::at(home.root().with_file_name(name));
    let built = build(&site, &keys, &text).and_then(|()| {
        let to = home.root();
        fs::rename(site.root(), to)
            .and_then(|()| files::sync_folder_of(to))
            .map_err(|e| FileError::new("make", to, e).into())
    });
    if built.is_err() && site.root().exists() {
        fs::remove_dir_all(site.root()).map_err(|e| FileError::new("remove", site.root(), e))?;
    }
    built?;
    Ok(Made {
        identity: keys.identity().clone(),
        spare: spare_file(home),
        listen,
    })
}

fn build(site: &Home, keys: &FirstKeys, config: &str) -> Result<(), InitError> {
    files::make_private_folder(site.root())?;
    files::write_private(&site.config_file(), config.as_bytes())?;
    let identity = keys.identity();
    let owner = Owner {
        network: *identity.network().id().as_bytes(),
        partner: *identity.partner().as_bytes(),
    };
    ledger::create(site.root(), owner)?;
    keys.write(site)?;
    Ok(())
}

/// A port that is free for both transports at this moment.
fn own_port() -> Result<Value, KeyError> {
    let mut port = PORTS.start;
    for _ in 0..PORT_TRIES {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).map_err(KeyError::Entropy)?;
        let span = u32::from(PORTS.end - PORTS.start);
        let offset = u16::try_from(u32::from_le_bytes(bytes) % span).unwrap_or_default();
        port = PORTS.start.saturating_add(offset);
        let free = TcpListener::bind(("0.0.0.0", port)).is_ok()
            && UdpSocket::bind(("0.0.0.0", port)).is_ok();
        if free {
            break;
        }
    }
    Ok(Value::List(vec![
        format!("/ip4/0.0.0.0/udp/{port}/quic-v1"),
        format!("/ip4/0.0.0.0/tcp/{port}"),
    ]))
}
