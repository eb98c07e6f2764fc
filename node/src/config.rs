//! The operator's settings: which there are, where each comes from, and what it must look like.
//! Who acts on them, and the identity made by `omni init`, are kept out.

pub mod layers;
pub mod setting;

use std::net::SocketAddr;
use std::time::Duration;

use libp2p::Multiaddr;
use omni_protocol::limits::{NAME_BYTES_MAX, URL_BYTES_MAX};
use omni_protocol::machine::{Short, Waits};
use omni_protocol::value::{Country, Money, Prose, Text};

pub use self::layers::{ConfigError, Layers, Origin, Placed};
pub use self::setting::{LogFormat, Renew, Role, Setting, Value};

/// All settings in the form in which the node uses them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What the partner says of itself in its Profile.
    pub partner: Partner,
    /// Where the node meets other nodes.
    pub net: Net,
    /// The door for this machine's own programs.
    pub api: Api,
    /// What becomes of the own offers.
    pub offers: Offers,
    /// What orders wait for.
    pub orders: Orders,
    /// How its holds wait for the other legs of a bundle.
    pub bundles: Waits,
    /// What others learn of the stock, and what becomes of requests for more.
    pub stock: Stock,
    /// What the daemon writes to stderr.
    pub log: Log,
}

/// What the partner says of itself in its Profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    /// Its name, never empty.
    pub name: Text<NAME_BYTES_MAX, 1>,
    /// ISO 3166-1 alpha-2, if it says one.
    pub country: Option<Country>,
    /// What it does, in the order of their numbers.
    pub roles: Vec<Role>,
    /// A text about it; may be empty.
    pub about: Prose<2048>,
    /// Its website; may be empty.
    pub website: Text<URL_BYTES_MAX>,
    /// BCP 47 tags of the languages that it speaks.
    pub languages: Vec<Text<16, 1>>,
}

/// Where the node meets other nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Net {
    /// Where it listens.
    pub listen: Vec<Multiaddr>,
    /// What it tells others to dial; empty: where it listens, as far as others can reach that.
    pub announce: Vec<Multiaddr>,
}

/// The door for this machine's own programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Always on loopback; port 0 lets the system choose.
    pub http: SocketAddr,
    /// Web pages, besides the node's own, that a browser may let call the API.
    pub origins: Vec<String>,
}

/// What becomes of the own offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offers {
    /// Whether those without a chosen end are renewed before their time is over.
    pub renew: Renew,
}

/// What orders wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orders {
    /// Above these amounts nothing is shipped before the partner has confirmed the agreement.
    pub ship_gate: Vec<Money>,
}

/// What others learn of the stock, and what becomes of requests for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stock {
    /// Between two looks whether an offer's availability changed, on average.
    pub signal: Duration,
    /// Whether the operator is asked, who may source what is short.
    pub short: Short,
}

/// What the daemon writes to stderr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Directives of `tracing_subscriber::EnvFilter`, known to be well formed.
    pub filter: String,
    /// How a line looks.
    pub format: LogFormat,
}

impl Layers {
    /// The settings that win, in the form in which the node uses them.
    ///
    /// # Errors
    /// None in practice: each value was checked when its layer was read.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Ok(Config {
            partner: Partner {
                name: self.one("partner.name", setting::name)?,
                country: self.one("partner.country", setting::country)?,
                roles: {
                    let mut roles = self.many("partner.roles", setting::role)?;
                    roles.sort_unstable();
                    roles.dedup();
                    roles
                },
                about: self.one("partner.about", setting::about)?,
                website: self.one("partner.website", setting::website)?,
                languages: self.many("partner.languages", setting::language)?,
            },
            net: Net {
                listen: self.many("net.listen", setting::address)?,
                announce: self.many("net.announce", setting::address)?,
            },
            api: Api {
                http: self.one("api.http", setting::loopback)?,
                origins: self.many("api.origins", setting::origin)?,
            },
            offers: Offers {
                renew: self.one("offers.renew", setting::renew)?,
            },
            orders: Orders {
                ship_gate: self.many("orders.ship_gate", setting::amount)?,
            },
            bundles: Waits {
                co_legs: self.one("bundles.co_legs", setting::co_legs)?,
                patience_ms: {
                    let patience = self.one("bundles.patience", setting::pause)?;
                    u64::try_from(patience.as_millis()).unwrap_or(u64::MAX)
                },
                arm_last: self.one("bundles.arm_last", setting::switch)?,
            },
            stock: Stock {
                signal: self.one("stock.signal", setting::pause)?,
                short: self.one("stock.short", setting::short)?,
            },
            log: Log {
                filter: self.one("log.filter", setting::filter)?,
                format: self.one("log.format", setting::format)?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_settings() {
        let config = Layers::defaults().config().unwrap();
        assert!(config.api.http.ip().is_loopback());
        assert_eq!(config.partner.roles, []);
        assert_eq!(config.bundles, Waits::default());
    }
}
