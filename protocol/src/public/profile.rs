//! The Profile: who a partner is, and which nodes and keys it delegates. It never holds a market
//! key; those stand in the key chain.

use crate::{
    body,
    fence::{List, Set},
    hash::PartnerId,
    identity::SignedDelegation,
    limits::{ADDRESS_BYTES_MAX, ADDRESSES_MAX, DELEGATIONS_MAX, NAME_BYTES_MAX, URL_BYTES_MAX},
    slot::Revision,
    value::{Country, Invalid, Prose, Text},
    wire, words,
};

words! {
    /// What a partner does.
    pub enum Business {
        /// Sells to customers.
        1 Retailer "retailer",
        /// Makes goods.
        2 Maker "maker",
        /// Sells to retailers.
        3 Wholesaler "wholesaler",
        /// Brings goods.
        4 Carrier "carrier",
        /// Mounts and connects.
        5 Installer "installer",
        /// Performs other services.
        6 Service "service",
    }
}

/// Who a partner is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Revision.
    pub revision: Revision,
    /// Name.
    pub name: Text<NAME_BYTES_MAX, 1>,
    /// Where it is at home.
    pub country: Option<Country>,
    /// What it says of itself; may be empty.
    pub about: Prose<2048>,
    /// Address of its website; may be empty.
    pub website: Text<URL_BYTES_MAX>,
    /// What it does, as numbers of [`Business`]; those of later versions are kept.
    pub roles: Set<u16, 8>,
    /// Languages that it understands (BCP 47), the best first.
    pub languages: List<Text<16, 1>, 8>,
    /// Where its nodes can be dialled (multiaddrs).
    pub addresses: List<Text<ADDRESS_BYTES_MAX, 1>, ADDRESSES_MAX>,
    /// Its nodes and sealing keys, by signature of its market key.
    pub delegations: List<SignedDelegation, DELEGATIONS_MAX>,
    /// Partners that keep letters for it; this version leaves it empty and sends them none.
    pub mailboxes: List<PartnerId, 4>,
}

wire!(Profile {
    revision,
    name,
    country,
    about,
    website,
    roles,
    languages,
    addresses,
    delegations,
    mailboxes,
});
body!(Profile);

impl Profile {
    /// A profile with a name and nothing else yet.
    ///
    /// # Errors
    /// What is wrong with the name.
    pub fn named(name: &str) -> Result<Self, Invalid> {
        Ok(Self {
            revision: Revision::default(),
            name: name.parse()?,
            country: None,
            about: Prose::default(),
            website: Text::default(),
            roles: Set::default(),
            languages: List::default(),
            addresses: List::default(),
            delegations: List::default(),
            mailboxes: List::default(),
        })
    }

    /// What it does, as far as this version has words for it.
    pub fn businesses(&self) -> impl Iterator<Item = Business> {
        self.roles.iter().copied().filter_map(Business::from_number)
    }
}
