//! The own Profile: made of settings, keys and addresses, published at the start and again when
//! its addresses change or its delegations grow old. What a Profile must look like is the protocol's matter.

use std::sync::Arc;
use std::time::Duration;

use omni_protocol::fence::{List, Set};
use omni_protocol::identity::{Role, SignedDelegation};
use omni_protocol::machine::{Input, Publication};
use omni_protocol::public::{Business, Profile};
use omni_protocol::slot::Revision;
use omni_protocol::thread::Life;
use omni_protocol::value::{Invalid, Text, Time};

use super::engine;
use crate::api::invites::dialled;
use crate::api::{Call, Desk, Problem, Reading, partner};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::keys::Keys;
use crate::launch::LaunchError;

/// Between two looks at the addresses, which change when a machine moves.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Until all addresses are bound; binding is a matter of milliseconds.
const LISTEN_TIME_MAX: Duration = Duration::from_secs(10);
const LISTEN_STEP: Duration = Duration::from_millis(20);
/// A delegation is signed anew when it ends sooner than this: half of its time.
const RENEW_MS: u64 = 200 * 86_400_000;

/// The delegations of this node's transport and sealing keys: those of the standing Profile, so
/// that a restart changes nothing, or new ones.
pub(super) fn delegations(
    reading: &Reading,
    keys: &Keys,
) -> Result<[SignedDelegation; 2], LaunchError> {
    let now = reading.now();
    let standing = partner::profile(reading, reading.partner).ok().flatten();
    let standing = standing.map(|profile| profile.delegations.into_vec());
    good_or_new(standing.as_deref().unwrap_or_default(), keys, now)
}

/// Those of `standing` that are good for long, or new ones.
fn good_or_new(
    standing: &[SignedDelegation],
    keys: &Keys,
    now: Time,
) -> Result<[SignedDelegation; 2], LaunchError> {
    let transport = keys.transport().public().try_into_ed25519();
    let transport = transport
        .map(|key| key.to_bytes())
        .map_err(LaunchError::net)?;
    let kept = |role, key: &[u8; 32]| {
        let mut good = standing
            .iter()
            .filter(|delegation| is_good(delegation, (role, key), keys, now));
        good.next().cloned()
    };
    match (
        kept(Role::Transport, &transport),
        kept(Role::Sealing, keys.sealing_public()),
    ) {
        (Some(transport), Some(sealing)) => Ok([transport, sealing]),
        _ => keys.delegations(now).map_err(LaunchError::net),
    }
}

fn is_good(
    delegation: &SignedDelegation,
    (role, key): (Role, &[u8; 32]),
    keys: &Keys,
    now: Time,
) -> bool {
    let partner = keys.identity().partner();
    delegation
        .check(partner, role, keys.chain(), now)
        .is_ok_and(|good| good.key() == key && good.not_after().ms_since(now) > RENEW_MS)
}

/// What a Profile is made of, apart from the addresses.
#[derive(Debug)]
pub(super) struct Publisher {
    config: Config,
    keys: Arc<Keys>,
    life: Life,
    delegations: [SignedDelegation; 2],
}

impl Publisher {
    pub(super) const fn new(
        config: Config,
        keys: Arc<Keys>,
        life: Life,
        delegations: [SignedDelegation; 2],
    ) -> Self {
        Self {
            config,
            keys,
            life,
            delegations,
        }
    }

    /// Waits until the node listens, and publishes its Profile. What comes back is synced, and so
    /// is the life before it.
    pub(super) async fn begin(&self, desk: &Desk) -> Result<Vec<String>, LaunchError> {
        let wanted = self.config.net.listen.len();
        let listening = async {
            loop {
                let now = desk.ask(Call::Net).await.map(|net| net.listening);
                match now {
                    Ok(listening) if listening.len() < wanted => {}
                    Ok(listening) => return Ok(listening),
                    Err(problem) => return Err(LaunchError::net(problem.json())),
                }
                tokio::time::sleep(LISTEN_STEP).await;
            }
        };
        let listening = tokio::time::timeout(LISTEN_TIME_MAX, listening)
            .await
            .map_err(|_elapsed| LaunchError::net("the node can't listen on all of net.listen"))??;
        let addresses = self.addresses(&listening);
        self.publish(desk, &addresses)
            .await
            .map_err(|problem| LaunchError::ledger(problem.json()))?;
        Ok(addresses)
    }

    /// Publishes the Profile again whenever the addresses or the delegations change, for as long
    /// as the node runs.
    pub(super) async fn go_on(mut self, desk: Desk, mut addresses: Vec<String>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Ok(net) = desk.ask(Call::Net).await else {
                continue;
            };
            let now = self.addresses(&net.listening);
            let renewed = self.renew();
            // A busy net answers with nothing, which says nothing.
            let moved = !now.is_empty() && now != addresses;
            if moved {
                addresses = now;
            }
            if !moved && !renewed {
                continue;
            }
            if renewed && let Ok(hello) = engine::hello(&self.keys, self.life, self.transport()) {
                desk.tell(Call::Introduce(Box::new(hello)));
            }
            if let Err(problem) = self.publish(&desk, &addresses).await {
                tracing::warn!(problem = problem.json(), "no new Profile");
                // What is not published is tried again at the next look.
                addresses.clear();
            }
        }
    }

    fn transport(&self) -> SignedDelegation {
        let [transport, _] = &self.delegations;
        transport.clone()
    }

    /// Signs the delegations anew when half of their time is over; whether it did.
    fn renew(&mut self) -> bool {
        let now = Time::new(Clock::System.now_ms()).unwrap_or_default();
        match good_or_new(&self.delegations, &self.keys, now) {
            Ok(delegations) if delegations != self.delegations => {
                self.delegations = delegations;
                true
            }
            Ok(_) => false,
            Err(error) => {
                tracing::error!(%error, "the delegations can't be signed anew");
                false
            }
        }
    }

    fn addresses(&self, listening: &[String]) -> Vec<String> {
        let announce = self.config.net.announce.iter();
        let announce: Vec<_> = announce.map(ToString::to_string).collect();
        let mut addresses = dialled(&announce, listening);
        addresses.sort();
        addresses
    }

    async fn publish(&self, desk: &Desk, addresses: &[String]) -> Result<(), Problem> {
        let profile = self.profile(addresses).map_err(|error| {
            Problem::new(
                crate::api::ApiCode::Invalid,
                format!("the settings make no Profile: {error}"),
            )
        })?;
        let publication = Publication::Profile(Box::new(profile));
        desk.made(Input::Publish(vec![publication])).await.map(drop)
    }

    fn profile(&self, addresses: &[String]) -> Result<Profile, Invalid> {
        let partner = &self.config.partner;
        let addresses = addresses.iter().map(|address| Text::new(address.as_str()));
        let roles = partner.roles.iter().copied().map(business);
        Ok(Profile {
            revision: Revision::default(),
            name: partner.name.clone(),
            country: partner.country.clone(),
            about: partner.about.clone(),
            website: partner.website.clone(),
            roles: Set::new(roles.collect::<Vec<_>>())?,
            languages: List::new(partner.languages.clone())?,
            addresses: List::new(addresses.collect::<Result<Vec<_>, _>>()?)?,
            delegations: List::new(self.delegations.to_vec())?,
            mailboxes: List::default(),
        })
    }
}

fn business(role: config::Role) -> u16 {
    let business = match role {
        config::Role::Retailer => Business::Retailer,
        config::Role::Maker => Business::Maker,
        config::Role::Wholesaler => Business::Wholesaler,
        config::Role::Carrier => Business::Carrier,
        config::Role::Installer => Business::Installer,
        config::Role::Service => Business::Service,
    };
    business.number()
}
