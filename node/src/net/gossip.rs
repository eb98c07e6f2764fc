//! How news spreads: the topics, and gossipsub set for small markets. It does not look into a
//! message; `verify` does.

use std::{
    collections::{BTreeMap, HashSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use libp2p::gossipsub::{
    self, IdentTopic, IdentityTransform, MaxCountSubscriptionFilter, Message, MessageAuthenticity,
    MessageId, PeerScoreParams, PeerScoreThresholds, TopicHash, TopicScoreParams, ValidationMode,
    WhitelistSubscriptionFilter, score_parameter_decay,
};
use omni_protocol::{hash::sha256, limits::GOSSIP_FRAME_BYTES_MAX};

use super::NetError;

pub(super) type Filter = MaxCountSubscriptionFilter<WhitelistSubscriptionFilter>;
pub(super) type Gossip = gossipsub::Behaviour<IdentityTransform, Filter>;

/// Number of shards of offers: one hexadecimal digit (SPEC 16).
const SHARDS: u8 = 16;

/// What gossipsub may put into one of its own frames. Its decoder compares this with all that it
/// has buffered, which is a whole frame and up to 8 KiB of the next one, and closes the stream
/// when it is less. What a message itself may measure is checked by `verify`.
const TRANSMIT_BYTES_MAX: usize = GOSSIP_FRAME_BYTES_MAX + 16 * 1024;

/// A copy of what was heard is refused for as long as an honest peer could still offer it.
const DUPLICATES_KEPT: Duration = Duration::from_secs(600);

/// Messages waiting for one peer: 16 MiB at worst (the crate's 5,000 would be 320).
const QUEUE_PER_PEER: usize = 256;

/// A day: the net dials partners itself, with their addresses, which gossipsub does not know.
const EXPLICIT_CHECK_HEARTBEATS: u64 = 86_400;

/// Where a batch of public records is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Key events and profiles.
    Profiles,
    /// Offers of one shard and what belongs to them.
    Offers(Shard),
}

/// High half of the first byte of SHA-256 over the first segment of an offer's category (SPEC 16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u8);

impl Shard {
    /// The shard of a category code; an offer without category has the empty code.
    #[must_use]
    pub fn of_category(code: &str) -> Self {
        let segment = code.split(" > ").next().unwrap_or("");
        let [first, ..] = sha256(&[segment.as_bytes()]);
        Self(first >> 4)
    }
}

/// The topics of one network, by the name that travels.
#[derive(Debug, Clone)]
pub(super) struct Topics {
    by_hash: BTreeMap<TopicHash, Topic>,
    by_topic: BTreeMap<Topic, TopicHash>,
}

impl Topics {
    pub(super) fn of(network: &str) -> Self {
        let shards = (0..SHARDS).map(|s| Topic::Offers(Shard(s)));
        let all = std::iter::once(Topic::Profiles).chain(shards);
        let by_topic: BTreeMap<Topic, TopicHash> = all
            .map(|topic| (topic, ident(network, topic).hash()))
            .collect();
        let by_hash = by_topic.iter().map(|(t, h)| (h.clone(), *t)).collect();
        Self { by_hash, by_topic }
    }

    pub(super) fn knows(&self, hash: &TopicHash) -> bool {
        self.by_hash.contains_key(hash)
    }

    pub(super) fn hash(&self, topic: Topic) -> Option<&TopicHash> {
        self.by_topic.get(&topic)
    }
}

fn ident(network: &str, topic: Topic) -> IdentTopic {
    match topic {
        Topic::Profiles => IdentTopic::new(format!("omni/1/{network}/profiles")),
        Topic::Offers(Shard(s)) => IdentTopic::new(format!("omni/1/{network}/offers-{s:x}")),
    }
}

/// Gossipsub subscribed to all topics of the network.
///
/// Anonymous and with content ids: the author's signature is inside, checked once, and anybody
/// may hand a message on. Nothing is handed on before a verdict.
pub(super) fn behaviour(network: &str, topics: &Topics) -> Result<Gossip, NetError> {
    let whitelist: HashSet<TopicHash> = topics.by_hash.keys().cloned().collect();
    let filter = Filter {
        max_subscribed_topics: whitelist.len(),
        max_subscriptions_per_request: whitelist.len(),
        filter: WhitelistSubscriptionFilter(whitelist),
    };
    let mut gossip =
        Gossip::new_with_subscription_filter(MessageAuthenticity::Anonymous, config()?, filter)
            .map_err(|e| NetError::Gossip(e.to_owned()))?;
    let params = score_params(topics);
    gossip
        .with_peer_score(params, thresholds())
        .map_err(NetError::Gossip)?;
    for topic in topics.by_topic.keys() {
        gossip
            .subscribe(&ident(network, *topic))
            .map_err(|e| NetError::Gossip(e.to_string()))?;
    }
    Ok(gossip)
}

fn config() -> Result<gossipsub::Config, NetError> {
    gossipsub::ConfigBuilder::default()
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(|message: &Message| message_id(&message.data))
        .max_transmit_size(TRANSMIT_BYTES_MAX)
        .duplicate_cache_time(DUPLICATES_KEPT)
        // The usual 5/6/12 can't be met below seven peers.
        .mesh_n_low(2)
        .mesh_n(4)
        .mesh_n_high(8)
        .mesh_outbound_min(1)
        .gossip_lazy(4)
        .retain_scores(2)
        .flood_publish(true)
        // A message is kept for ten seconds, in which its author's keys may come.
        .history_length(10)
        .heartbeat_initial_delay(Duration::from_secs(1))
        .heartbeat_interval(Duration::from_secs(1))
        // A peer that left a mesh in a small market is soon needed in it again.
        .prune_backoff(Duration::from_secs(20))
        .unsubscribe_backoff(Duration::from_secs(5))
        .connection_handler_queue_len(QUEUE_PER_PEER)
        // News waits rather than vanishes; what is late is repaired by catch-up.
        .publish_queue_duration(Duration::from_secs(20))
        .forward_queue_duration(Duration::from_secs(10))
        .max_publish_messages(64)
        .max_ihave_messages_heartbeat(10)
        .check_explicit_peers_ticks(EXPLICIT_CHECK_HEARTBEATS)
        .build()
        .map_err(|e| NetError::Gossip(e.to_string()))
}

/// SHA-256 of the data (SPEC 16), so that one batch is one message whoever sends it.
pub(super) fn message_id(data: &[u8]) -> MessageId {
    MessageId(sha256(&[data]).to_vec())
}

/// Three invalid messages within an hour graylist a peer (weight × 3² = −90), one only keeps it
/// from growing. Delivery deficits (P3) are off: a quiet market is no fault of its members.
fn score_params(topics: &Topics) -> PeerScoreParams {
    let topic = TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.01,
        time_in_mesh_quantum: Duration::from_secs(1),
        time_in_mesh_cap: 100.0,
        first_message_deliveries_weight: 0.1,
        first_message_deliveries_decay: score_parameter_decay(Duration::from_secs(600)),
        first_message_deliveries_cap: 10.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -10.0,
        invalid_message_deliveries_decay: score_parameter_decay(Duration::from_secs(3600)),
        ..TopicScoreParams::default()
    };
    PeerScoreParams {
        topics: topics
            .by_hash
            .keys()
            .map(|hash| (hash.clone(), topic.clone()))
            .collect(),
        topic_score_cap: 20.0,
        // Several nodes on one machine are a testnet, not an attack.
        ip_colocation_factor_whitelist: HashSet::from([
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ]),
        behaviour_penalty_threshold: 6.0,
        behaviour_penalty_decay: score_parameter_decay(Duration::from_secs(600)),
        ..PeerScoreParams::default()
    }
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -10.0,
        publish_threshold: -30.0,
        graylist_threshold: -80.0,
        accept_px_threshold: 1000.0,
        opportunistic_graft_threshold: 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_those_of_the_specification() {
        let topics = Topics::of("main");
        let mut names: Vec<String> = topics.by_hash.keys().map(ToString::to_string).collect();
        names.sort();
        assert_eq!(names.len(), 17);
        assert_eq!(names[0], "omni/1/main/offers-0");
        assert_eq!(names[15], "omni/1/main/offers-f");
        assert_eq!(names[16], "omni/1/main/profiles");
        assert!(!topics.knows(&IdentTopic::new("omni/1/other/profiles").hash()));
    }

    #[test]
    fn shard_is_taken_from_the_first_segment() {
        // SHA-256 of the empty text begins with e3, that of "a" with ca.
        for (code, expected) in [("", 0xe), ("a", 0xc), ("a > b", 0xc), ("a > c > d", 0xc)] {
            assert_eq!(Shard::of_category(code), Shard(expected), "{code}");
        }
    }

    #[test]
    fn settings_are_accepted_by_the_crate() {
        let topics = Topics::of("main");
        let gossip = behaviour("main", &topics).expect("valid settings");
        assert_eq!(gossip.topics().count(), 17);
    }
}
