//! The file `identity` of a home: which partner this is and in which network. Nothing in it is
//! secret; it lets a node check that its market key is the one that made its partner id.

use omni_protocol::fence;
use omni_protocol::hash::{NetworkName, PartnerId};
use omni_protocol::identity::Inception;

use super::text::{bytes, hex};

const FIRST_LINE: &str = "omni identity, version 1";

/// An inception in the encoding of SPEC.md 5: network id, two words of one byte, key, two digests.
const INCEPTION_BYTES: usize = 32 + 1 + 1 + 32 + 32 + 32;

/// Who a partner is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    network: NetworkName,
    inception: Inception,
}

impl Identity {
    pub(super) fn new(network: NetworkName, inception: Inception) -> Self {
        Self { network, inception }
    }

    /// The network in which the partner lives.
    #[must_use]
    pub fn network(&self) -> &NetworkName {
        &self.network
    }

    /// The partner's first key event.
    #[must_use]
    pub fn inception(&self) -> &Inception {
        &self.inception
    }

    /// The partner's lasting id.
    #[must_use]
    pub fn partner(&self) -> PartnerId {
        self.inception.partner()
    }

    pub(super) fn write(&self) -> String {
        format!(
            "{FIRST_LINE}\n\
             # Public: what made the partner's id. The node needs this file; don't change it.\n\
             network: {}\npartner: {}\ninception: {}\n",
            self.network,
            self.partner(),
            hex(&fence::to_bytes(&self.inception)).as_str(),
        )
    }

    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        if lines.next() != Some(FIRST_LINE) {
            return Err("the first line is not \"omni identity, version 1\"");
        }
        let mut field = |label: &str| lines.next()?.strip_prefix(label).map(str::trim);
        let network = field("network:").ok_or("the line \"network:\" is missing")?;
        let partner = field("partner:").ok_or("the line \"partner:\" is missing")?;
        let inception = field("inception:").ok_or("the line \"inception:\" is missing")?;
        if lines.next().is_some() {
            return Err("there are more lines than it may have");
        }
        let network = NetworkName::new(network).or(Err(
            "the network's name has other characters than a-z 0-9 -",
        ))?;
        let partner: PartnerId = partner.parse().or(Err("the partner's id is mistyped"))?;
        let inception = bytes::<INCEPTION_BYTES>(inception)
            .and_then(|bytes| fence::decode::<Inception>(&bytes, INCEPTION_BYTES).ok())
            .ok_or("the inception is damaged")?;
        if inception.network != network.id() {
            return Err("the inception belongs to another network");
        }
        if inception.partner() != partner {
            return Err("the inception makes another partner");
        }
        Ok(Self { network, inception })
    }
}
