//! The table of settings: key, meaning, default and the check of each value. Where a value comes
//! from is kept out.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use libp2p::{Multiaddr, multiaddr::Protocol};
use omni_protocol::limits::{ADDRESS_BYTES_MAX, NAME_BYTES_MAX, URL_BYTES_MAX};
use omni_protocol::machine::Short;
use omni_protocol::thread::CoLegs;
use omni_protocol::value::{Country, Minor, Money, Prose, Text};
use tracing_subscriber::EnvFilter;

use crate::view::money::parse_amount;

/// A Profile has so many addresses, languages and roles (SPEC.md 8.1); lists that don't end up
/// there have the same limit for likeness.
const ITEMS_MAX: usize = 8;
/// Longer directives are a mistake.
const FILTER_BYTES_MAX: usize = 1024;

/// A value as it stands in the file, the environment or a flag.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum Value {
    /// One text.
    Text(String),
    /// Several, in order.
    List(Vec<String>),
}

impl Value {
    /// The single texts in it.
    pub fn items(&self) -> impl Iterator<Item = &str> {
        let items = match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::List(items) => items,
        };
        items.iter().map(String::as_str)
    }
}

impl fmt::Display for Value {
    /// As it would stand in `config.toml`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match self {
            Self::Text(text) => toml_edit::Value::from(text),
            Self::List(items) => items.iter().collect(),
        };
        write!(f, "{value}")
    }
}

/// What a setting is when nobody says anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// One text.
    Text(&'static str),
    /// Several.
    List(&'static [&'static str]),
}

/// One line of the table of settings.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Section and name, such as `api.http`.
    pub key: &'static str,
    /// What it means, in one sentence.
    pub about: &'static str,
    /// What it is when nobody says anything.
    pub preset: Preset,
    /// Says what is wrong with one text of a value.
    check: fn(&str) -> Result<(), String>,
}

/// Every setting, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "partner.name",
        about: "The name under which other partners see this one.",
        preset: Preset::Text("Unnamed partner"),
        check: |s| name(s).map(drop),
    },
    Setting {
        key: "partner.country",
        about: "Its country, ISO 3166-1 alpha-2, such as \"NL\"; empty: not told.",
        preset: Preset::Text(""),
        check: |s| country(s).map(drop),
    },
    Setting {
        key: "partner.roles",
        about: "What it does: retailer, maker, wholesaler, carrier, installer, service.",
        preset: Preset::List(&[]),
        check: |s| role(s).map(drop),
    },
    Setting {
        key: "partner.about",
        about: "A text of at most 2048 bytes about it.",
        preset: Preset::Text(""),
        check: |s| about(s).map(drop),
    },
    Setting {
        key: "partner.website",
        about: "Its website, beginning with https:// or http://; empty: none.",
        preset: Preset::Text(""),
        check: |s| website(s).map(drop),
    },
    Setting {
        key: "partner.languages",
        about: "The languages it speaks, BCP 47 tags such as \"en\" or \"pt-BR\".",
        preset: Preset::List(&[]),
        check: |s| language(s).map(drop),
    },
    Setting {
        key: "net.listen",
        about: "Where the node listens for other nodes, as multiaddrs; port 0: any free port.",
        preset: Preset::List(&["/ip4/0.0.0.0/udp/0/quic-v1", "/ip4/0.0.0.0/tcp/0"]),
        check: |s| address(s).map(drop),
    },
    Setting {
        key: "net.announce",
        about: "Addresses that others are told to dial, for a node behind a router; empty: where it listens.",
        preset: Preset::List(&[]),
        check: |s| address(s).map(drop),
    },
    Setting {
        key: "api.http",
        about: "Where the local API listens, on loopback only; port 0: any free port, see api.json.",
        preset: Preset::Text("127.0.0.1:0"),
        check: |s| loopback(s).map(drop),
    },
    Setting {
        key: "api.origins",
        about: "Web pages, such as \"https://desk.example\", that may call the local API from a browser.",
        preset: Preset::List(&[]),
        check: |s| origin(s).map(drop),
    },
    Setting {
        key: "offers.renew",
        about: "Whether the node renews its offers before their 90 days are over, until they are withdrawn: \"on\" or \"off\".",
        preset: Preset::Text("on"),
        check: |s| renew(s).map(drop),
    },
    Setting {
        key: "orders.ship_gate",
        about: "Above these amounts, such as \"5000.00EUR\", nothing is shipped before the partner's node has confirmed the agreement.",
        preset: Preset::List(&[]),
        check: |s| amount(s).map(drop),
    },
    Setting {
        key: "bundles.patience",
        about: "How long a leg of a bundle at this node waits in doubt for the others, from 1s to 24h, before it may be let lapse; each hold says it.",
        preset: Preset::Text("60m"),
        check: |s| pause(s).map(drop),
    },
    Setting {
        key: "bundles.co_legs",
        about: "With whose legs a hold of this node may be bundled: \"any\", \"known\" for those of its partners, or \"none\".",
        preset: Preset::Text("any"),
        check: |s| co_legs(s).map(drop),
    },
    Setting {
        key: "bundles.arm_last",
        about: "Whether holds of this node wish to be the last leg, which is never in doubt: \"on\" or \"off\".",
        preset: Preset::Text("off"),
        check: |s| switch(s).map(drop),
    },
    Setting {
        key: "stock.signal",
        about: "How often, on average, the node looks whether the availability of its offers changed, such as 30s or 15m; the times are drawn.",
        preset: Preset::Text("15m"),
        check: |s| pause(s).map(drop),
    },
    Setting {
        key: "stock.short",
        about: "What becomes of a request for more than is there: \"refuse\", or \"ask\" to keep it for the operator, who may source it from another partner.",
        preset: Preset::Text("refuse"),
        check: |s| short(s).map(drop),
    },
    Setting {
        key: "log.filter",
        about: "What the daemon logs: a level, or directives such as \"info,libp2p=warn\".",
        // Gossipsub warns of each partner whose mesh differs for a moment.
        preset: Preset::Text("info,libp2p_gossipsub=error"),
        check: |s| filter(s).map(drop),
    },
    Setting {
        key: "log.format",
        about: "How it logs: \"text\" or \"json\".",
        preset: Preset::Text("text"),
        check: |s| format(s).map(drop),
    },
];

impl Setting {
    /// The setting with this key.
    #[must_use]
    pub fn named(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// The variable that sets it: `api.http` is `OMNI_API_HTTP`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("OMNI_{}", self.key.replace('.', "_").to_uppercase())
    }

    /// What it is when nobody says anything.
    #[must_use]
    pub fn default(&self) -> Value {
        match self.preset {
            Preset::Text(text) => Value::Text(text.to_owned()),
            Preset::List(items) => Value::List(items.iter().map(|&i| i.to_owned()).collect()),
        }
    }

    /// Reads what a variable of the environment says; a list is divided by commas.
    #[must_use]
    pub fn value_of_variable(&self, text: &str) -> Value {
        match self.preset {
            Preset::Text(_) => Value::Text(text.to_owned()),
            Preset::List(_) => Value::List(text.split(',').map(|i| i.trim().to_owned()).collect()),
        }
    }

    /// Checks form and content of a value.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        match (self.preset, value) {
            (Preset::Text(_), Value::List(_)) => Err("it is one text, not a list".to_owned()),
            (Preset::List(_), Value::Text(_)) => {
                Err("it is a list, such as [\"a\", \"b\"]".to_owned())
            }
            (Preset::List(_), Value::List(items)) if items.len() > ITEMS_MAX => Err(format!(
                "it has {} items, and {ITEMS_MAX} are the most",
                items.len()
            )),
            (Preset::Text(_), Value::Text(_)) | (Preset::List(_), Value::List(_)) => {
                value.items().try_for_each(self.check)
            }
        }
    }
}

/// What a partner does (SPEC.md 8.1, roles of a Profile), in the order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Role {
    /// Sells to customers.
    Retailer,
    /// Makes what is sold.
    Maker,
    /// Sells to those who sell.
    Wholesaler,
    /// Carries goods.
    Carrier,
    /// Mounts, installs, sets up.
    Installer,
    /// Any other service.
    Service,
}

impl Role {
    /// The word for it, as in the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Retailer => "retailer",
            Self::Maker => "maker",
            Self::Wholesaler => "wholesaler",
            Self::Carrier => "carrier",
            Self::Installer => "installer",
            Self::Service => "service",
        }
    }
}

/// Whether own offers are renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renew {
    /// They stand until they are withdrawn.
    On,
    /// They end when their time is over.
    Off,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON document a line.
    Json,
}

pub(super) fn name(text: &str) -> Result<Text<NAME_BYTES_MAX, 1>, String> {
    Text::new(text).map_err(|e| e.to_string())
}

pub(super) fn country(text: &str) -> Result<Option<Country>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let country = Country::from_str(text).map(Some);
    country.or(Err("it is not two capital letters, such as NL".to_owned()))
}

pub(super) fn role(text: &str) -> Result<Role, String> {
    let roles = <Role as clap::ValueEnum>::value_variants();
    let found = roles.iter().copied().find(|role| role.word() == text);
    found.ok_or_else(|| {
        let words: Vec<_> = roles.iter().map(|role| role.word()).collect();
        format!("it is none of {}", words.join(", "))
    })
}

pub(super) fn about(text: &str) -> Result<Prose<2048>, String> {
    Prose::new(text).map_err(|e| e.to_string())
}

pub(super) fn website(text: &str) -> Result<Text<URL_BYTES_MAX>, String> {
    if text.is_empty() || text.starts_with("https://") || text.starts_with("http://") {
        return Text::new(text).map_err(|e| e.to_string());
    }
    Err("it does not begin with https:// or http://".to_owned())
}

pub(super) fn language(text: &str) -> Result<Text<16, 1>, String> {
    let tag = |c: char| c.is_ascii_alphanumeric() || c == '-';
    match Text::new(text) {
        Ok(language) if text.chars().all(tag) => Ok(language),
        Ok(_) | Err(_) => Err("it is not a language tag, such as en or pt-BR".to_owned()),
    }
}

pub(super) fn address(text: &str) -> Result<Multiaddr, String> {
    Text::<ADDRESS_BYTES_MAX>::new(text).map_err(|e| e.to_string())?;
    let address = Multiaddr::from_str(text)
        .map_err(|e| format!("it is not a multiaddr, such as /ip4/127.0.0.1/tcp/4004: {e}"))?;
    if address.iter().any(|part| matches!(part, Protocol::P2p(_))) {
        return Err("it names a peer; leave the part /p2p/… out".to_owned());
    }
    Ok(address)
}

pub(super) fn amount(text: &str) -> Result<Money, String> {
    let wrong = || "it is not a number and a currency, such as 5000.00EUR".to_owned();
    let end = text
        .find(|c: char| c.is_ascii_uppercase())
        .ok_or_else(wrong)?;
    let (amount, currency) = text.split_at(end);
    let money = parse_amount(amount, currency).ok();
    money
        .filter(|money| money.minor >= Minor::ZERO)
        .ok_or_else(wrong)
}

pub(super) fn renew(text: &str) -> Result<Renew, String> {
    switch(text).map(|on| if on { Renew::On } else { Renew::Off })
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("it is neither on nor off".to_owned()),
    }
}

pub(super) fn co_legs(text: &str) -> Result<CoLegs, String> {
    match text {
        "any" => Ok(CoLegs::Any),
        "known" => Ok(CoLegs::Known),
        "none" => Ok(CoLegs::None),
        _ => Err("it is none of any, known, none".to_owned()),
    }
}

pub(super) fn short(text: &str) -> Result<Short, String> {
    match text {
        "refuse" => Ok(Short::Refuse),
        "ask" => Ok(Short::Ask),
        _ => Err("it is neither refuse nor ask".to_owned()),
    }
}

/// From a second to a day: less is a busy loop, more is as good as never.
pub(super) fn pause(text: &str) -> Result<Duration, String> {
    const DAY_S: u64 = 86_400;
    let wrong = || "it is not a time from 1s to 24h, such as 30s or 15m".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err(wrong()),
    };
    let seconds = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
    let seconds = seconds.filter(|s| (1..=DAY_S).contains(s));
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

pub(super) fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().or(Err(
        "it is not an address and a port, such as 127.0.0.1:7000",
    ))?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("it is not on loopback; only this machine's own programs may ask the API".to_owned())
    }
}

pub(super) fn origin(text: &str) -> Result<String, String> {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && host.chars().all(is_in_host) => Ok(text.to_owned()),
        Some(_) | None => {
            Err("it is not an origin, such as https://desk.example, without a path".to_owned())
        }
    }
}

fn is_in_host(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | ':' | '[' | ']')
}

pub(super) fn filter(text: &str) -> Result<String, String> {
    Text::<FILTER_BYTES_MAX>::new(text).map_err(|e| e.to_string())?;
    if text.is_empty() {
        return Err("it is empty; say \"off\" for no log".to_owned());
    }
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(e) => Err(format!(
            "it is not a filter, such as info or info,libp2p=warn: {e}"
        )),
    }
}

pub(super) fn format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("it is neither text nor json".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_values_are_refused_with_a_reason() {
        let check = |key: &str, text: &str, expected: &str| {
            let setting = Setting::named(key).unwrap();
            let reason = setting.check(&setting.value_of_variable(text)).unwrap_err();
            assert!(reason.contains(expected), "{key} = {text:?}: {reason}");
        };
        check("partner.name", "", "needs 1");
        check("partner.name", " x", "white space");
        check("partner.name", "a\nb", "control character");
        check("partner.name", "a\u{2028}b", "line break");
        check("partner.name", &"x".repeat(129), "may have 128");
        check("partner.country", "nl", "two capital letters");
        check("partner.country", "NLD", "two capital letters");
        check("partner.roles", "retailer,king", "none of");
        check("partner.website", "javascript:alert(1)", "https://");
        check("partner.languages", "e n", "language tag");
        check("partner.languages", "a,b,c,d,e,f,g,h,i", "9 items");
        check("net.listen", "127.0.0.1:1", "not a multiaddr");
        check(
            "net.announce",
            "/ip4/192.0.2.1/tcp/1/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
            "leave the part",
        );
        check("api.http", "0.0.0.0:0", "not on loopback");
        check("api.http", "localhost", "address and a port");
        check("api.origins", "https://a/b", "without a path");
        check("api.origins", "*", "not an origin");
        check("offers.renew", "yes", "neither on nor off");
        check("bundles.patience", "0s", "not a time");
        check("bundles.patience", "25h", "not a time");
        check("bundles.co_legs", "all", "none of any");
        check("bundles.arm_last", "", "neither on nor off");
        check("stock.short", "sell", "neither refuse nor ask");
        check("orders.ship_gate", "5000", "not a number and a currency");
        check(
            "orders.ship_gate",
            "-1.00EUR",
            "not a number and a currency",
        );
        check(
            "orders.ship_gate",
            "1.001EUR",
            "not a number and a currency",
        );
        check("log.filter", "", "empty");
        check("log.filter", "a=b=c=d", "not a filter");
        check("log.format", "xml", "neither");
    }

    #[test]
    fn a_value_prints_as_in_the_file() {
        let check = |value: Value, expected: &str| assert_eq!(value.to_string(), expected);
        check(Value::Text("a \"b\"".to_owned()), r#"'a "b"'"#);
        check(
            Value::List(vec!["a".to_owned(), "b".to_owned()]),
            r#"["a", "b"]"#,
        );
        check(Value::List(vec![]), "[]");
    }

    #[test]
    fn variables_of_different_settings_differ() {
        let mut names: Vec<_> = SETTINGS.iter().map(Setting::variable).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), SETTINGS.len());
    }
}
