"""Section 14: entries, their chain and tree, and checkpoints as signed notes."""

import base64
import hashlib
import re

from . import curve
from .encoding import (ID, TIME, U32, U64, Byte, Fixed, List, Option, Refused, Struct, Word,
                       decode, prose, require)
from .proofs import leaf_hash, tree_root
from .values import Checked, digest, partner_text

NONE = bytes(32)
CHECKPOINT_BYTES_MAX = 1024

HEADER = Struct(
    ("version", Checked(Byte(), lambda version: require(version == 1, "version 1 is known"))),
    ("network", ID), ("author", ID), ("key index", U32), ("epoch", U32), ("life", U64),
    ("sequence", U64), ("previous", ID), ("kind", Word(*range(1, 10), 11)), ("at", TIME),
    ("counterparty", Option(ID)), ("body", ID),
)
IDS = List(ID, 256)
PAYLOADS = {
    1: ("Opened", (("reason", Word(1, 2)), ("open", IDS))),
    2: ("Lived", (("life", U64),)),
    3: ("Signed", (("records", IDS),)),
    4: ("Taken", (("record", ID),)),
    5: ("Counted", (("subject", ID), ("steps", U64))),
    6: ("Granted", (("grant", prose(512)),)),
    7: ("Closed", (("deal", ID),)),
    8: ("WrittenOff", (("deal", ID),)),
    9: ("Recovered", (("records", IDS),)),
    11: ("Timetable", (("subject", ID), ("places", U32), ("minutes", U32), ("begins", List(TIME, 512)))),
}


def entry_hash(header):
    """The hash of a header's bytes."""
    return digest("omni/1/entry", header)


def read_entry(header, body):
    """Header and payload; the payload is absent where the body is."""
    entry = decode(HEADER, header)
    name, fields = PAYLOADS[entry["kind"]]
    entry |= {"name": name, "hash": entry_hash(header), "payload": None}
    if body is not None:
        if digest("omni/1/entry-body", body) != entry["body"]:
            raise Refused("bad-proof", "the body is another")
        entry["payload"] = decode(Struct(("salt", Fixed(16)), *fields), body)
    return entry


NOTE = re.compile(
    r"omni/1/ledger/([0-9a-f]{64})/(omni1[0-9a-z]{58})/(0|[1-9][0-9]*)\n"
    r"(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\nat (0|[1-9][0-9]*)\nlife ([0-9a-f]{16})\n"
    r"\n\u2014 (omni1[0-9a-z]{58})/(0|[1-9][0-9]*) ([A-Za-z0-9+/]+={0,2})\n"
)


def unbase64(text):
    data = base64.b64decode(text, validate=True)
    require(base64.b64encode(data).decode() == text, "base64 in another form")
    return data


def read_checkpoint(text, network, partner, key_of):
    """The fields of a checkpoint that this partner signed; `key_of` gives the key of an index."""
    if len(text.encode("utf-8")) > CHECKPOINT_BYTES_MAX:
        raise Refused("too-large")
    match = NOTE.fullmatch(text)
    require(match, "no checkpoint")
    origin_network, owner, epoch, size, root, at, life, signer, index, signature = match.groups()
    name = f"{signer}/{index}"
    require(signer == owner == partner_text(partner), "it is of another partner")
    if origin_network != network.hex():
        raise Refused("wrong-network")
    key, data = key_of(int(index)), unbase64(signature)
    hashed = hashlib.sha256(name.encode() + b"\n\x01" + key).digest()[:4]
    signed = text[: text.index("\n\n") + 1].encode("utf-8")
    if len(data) != 68 or data[:4] != hashed or not curve.verify(key, signed, data[4:]):
        raise Refused("bad-signature")
    return {"epoch": int(epoch), "size": int(size), "root": unbase64(root), "at": int(at),
            "life": int(life, 16), "key index": int(index)}


def check_ledger(network, partner, entries, checkpoints):
    """Refuses unless the entries are one chain from the beginning, and each checkpoint is the head
    of what it counts. `entries` and `checkpoints` are what the functions above gave."""
    last, leaves = None, {}
    for entry in entries:
        check_place(network, partner, last, entry)
        leaves.setdefault(entry["epoch"], []).append(leaf_hash(entry["hash"]))
        last = entry
    for note in checkpoints:
        known = leaves.get(note["epoch"], [])
        if note["size"] > len(known) or tree_root(known[: note["size"]]) != note["root"]:
            raise Refused("bad-proof", f"the checkpoint at {note['size']} has another root")
    return {epoch: {"size": len(known), "root": tree_root(known)} for epoch, known in leaves.items()}


def check_place(network, partner, last, entry):
    if entry["network"] != network:
        raise Refused("wrong-network")
    if last is None:
        follows = (entry["epoch"], entry["sequence"], entry["previous"]) == (0, 0, NONE)
    elif entry["epoch"] == last["epoch"]:
        follows = entry["sequence"] == last["sequence"] + 1
    else:
        follows = entry["epoch"] > last["epoch"] and entry["sequence"] == 0
    if last is not None:
        follows = follows and entry["previous"] == last["hash"] and entry["at"] >= last["at"]
    follows = follows and (entry["name"] == "Opened") == (entry["sequence"] == 0)
    if entry["author"] != partner or not follows:
        raise Refused("bad-proof", f"entry {entry['sequence']} does not follow")
