"""Section 6: a record, its id, and the order in which its form is checked."""

from .bodies import KINDS, RECORD_BYTES_MAX
from .encoding import ID, U16, Bytes, Refused, Struct, decode_form
from .values import digest

RECORD = Struct(("kind", U16), ("author", ID), ("body", Bytes(RECORD_BYTES_MAX)))


def record_id(network, data):
    return digest("omni/1/record", network, data)


def read_record(network, data):
    """The record of these bytes: kind, author, body and id. Nothing is proved yet."""
    record = decode_form(RECORD, data, RECORD_BYTES_MAX)
    if record["kind"] not in KINDS:
        raise Refused("unknown-kind", f"kind {record['kind']}")
    name, kind = KINDS[record["kind"]]
    body = decode_form(kind, record["body"])
    if kind.write(body) != record["body"] or RECORD.write(record) != data:
        raise Refused("not-canonical")
    return {"kind": name, "author": record["author"], "id": record_id(network, data), "body": body}
