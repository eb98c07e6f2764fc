"""Sections 5 and 7: trees, proofs, batches and key chains."""

import hashlib

from . import curve
from .encoding import (ID, U16, U32, Bytes, Fixed, List, Refused, Struct, Unsigned, decode, require)
from .values import INCEPTION, digest, key_digest, tagged

BATCH_RECORDS_MAX = 256
KEY_EVENTS_MAX = 64


PROOF = Struct(("key index", U32), ("tree size", U16), ("leaf index", U16),
               ("path", List(Fixed(32), 8)), ("signature", Fixed(64)))


def check_batch(value):
    places = [leaf["index"] for leaf in value["leaves"]]
    require(all(a < b for a, b in zip(places, places[1:])), "leaves ascend")
    require(places[-1] < value["tree size"], "a leaf lies outside the tree")


BATCH = Struct(
    ("author", ID), ("key index", U32), ("tree size", Unsigned(16, 1, BATCH_RECORDS_MAX)),
    ("leaves", List(Struct(("index", U16), ("record", Bytes(16384))), 256, 1)),
    ("cover", List(Fixed(32), 256)), ("signature", Fixed(64)), rule=check_batch,
)


def leaf_hash(data):
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def left_size(size):
    """The largest power of two below the size."""
    return 1 << (size - 1).bit_length() - 1


def tree_root(leaves):
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    left = left_size(len(leaves))
    return node_hash(tree_root(leaves[:left]), tree_root(leaves[left:]))


def root_of_path(leaf, index, size, path):
    """The root that an inclusion path leads to; RFC 9162, 2.1.3.2."""
    if size == 1:
        if path:
            raise Refused("bad-proof", "the path is too long")
        return leaf
    if not path:
        raise Refused("bad-proof", "the path is too short")
    left = left_size(size)
    if index < left:
        return node_hash(root_of_path(leaf, index, left, path[:-1]), path[-1])
    return node_hash(path[-1], root_of_path(leaf, index - left, size - left, path[:-1]))


def root_of_cover(leaves, cover, low, high):
    """The root of the places `low` to `high`, of leaf hashes by place and an iterator of the rest."""
    if not any(low <= place < high for place in leaves):
        node = next(cover, None)
        if node is None:
            raise Refused("bad-proof", "the cover is too short")
        return node
    if high - low == 1:
        return leaves[low]
    middle = low + left_size(high - low)
    left = root_of_cover(leaves, cover, low, middle)
    return node_hash(left, root_of_cover(leaves, cover, middle, high))


def check_signature(network, key, size, root, signature):
    signed = tagged("omni/1/proof", network, size.to_bytes(2, "little"), root)
    if not curve.verify(key, signed, signature):
        raise Refused("bad-signature")


def check_proof(network, key, record, proof):
    """Refuses unless the key proves the record, whose id is `record`."""
    if not proof["leaf index"] < proof["tree size"] <= BATCH_RECORDS_MAX:
        raise Refused("bad-proof", "the leaf lies outside the tree")
    root = root_of_path(leaf_hash(record), proof["leaf index"], proof["tree size"], proof["path"])
    check_signature(network, key, proof["tree size"], root, proof["signature"])


def check_batch_proof(network, key, batch, read):
    """The records of a batch, each read by `read`; refuses unless the key proves all."""
    records = [read(leaf["record"]) for leaf in batch["leaves"]]
    ids = [record["id"] for record in records]
    if len(set(ids)) < len(ids) or any(r["author"] != batch["author"] for r in records):
        raise Refused("bad-proof", "a record twice, or of another author")
    places = [leaf["index"] for leaf in batch["leaves"]]
    leaves = {place: leaf_hash(record) for place, record in zip(places, ids)}
    cover = iter(batch["cover"])
    root = root_of_cover(leaves, cover, 0, batch["tree size"])
    if next(cover, None) is not None:
        raise Refused("bad-proof", "the cover is too long")
    check_signature(network, key, batch["tree size"], root, batch["signature"])
    return records


class Chain:
    """The key chain of one partner, read from events that follow each other, oldest first.

    It takes one line of events and no fork: conflicts are what a node meets that hears of several.
    """

    def __init__(self, network):
        self.network, self.events = network, []

    def take(self, record, proof):
        event, place = record["body"], len(self.events)
        index = event.get("index", 0)
        if proof["key index"] != index:
            raise Refused("bad-proof", "the proof is of another index")
        if index > place:
            raise Refused("unknown-keys", "the event before it is not known")
        if event["is"] == "inception":
            self.check_inception(record)
        prover = event["recovery key"] if event["is"] == "recovery" else event["market key"]
        if event["is"] == "inception":
            known = place == 0
        else:
            known = 0 < place < KEY_EVENTS_MAX and index == place
            known = known and event["previous"] == self.events[-1]["id"]
            known = known and record["author"] == self.events[0]["author"]
            known = known and key_digest(prover) == self.committed(event["is"])
        if not known:
            raise Refused("bad-keys", "it does not follow")
        check_proof(self.network, prover, record["id"], proof)
        self.events.append(record)

    def check_inception(self, record):
        """An inception is of this network, and its author is the partner that it makes."""
        if record["body"]["network"] != self.network:
            raise Refused("wrong-network")
        if digest("omni/1/partner", INCEPTION.write(record["body"])) != record["author"]:
            raise Refused("bad-keys", "the author is another partner")

    def committed(self, kind):
        """The digest that the event after the last must reveal the key of."""
        bodies = [event["body"] for event in self.events]
        if kind == "rotation":
            return bodies[-1]["next"]
        return [body["recovery"] for body in bodies if "recovery" in body][-1]

    def key(self, index):
        if index >= len(self.events):
            raise Refused("unknown-keys", f"no key {index} is known")
        return self.events[index]["body"]["market key"]

    def key_in_force(self, index):
        """The key of a public record: only the highest index proves one."""
        if index < len(self.events) - 1:
            raise Refused("stale-key", f"the key in force is {len(self.events) - 1}")
        return self.key(index)


def read_proof(data):
    return decode(PROOF, data)


def read_batch(data):
    return decode(BATCH, data)


