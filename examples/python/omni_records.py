#!/usr/bin/env python3
"""Reads records of Omni Market, checks their proofs, and checks ledgers: a second implementation.

Written from protocol/SPEC.md alone, with nothing but Python's standard library. The curve is plain
arithmetic, so a signature takes some milliseconds: enough to judge an exhibit, not a market.

    omni_records.py show [--network NAME] FILE     prints the record in FILE as JSON
    omni_records.py answer                         one JSON document a line in, one a line out

`answer` is how the project's tests compare it with the program: each question names what it asks
in `ask` (a method of Answers, below), gives bytes as hexadecimal digits, and gets {"ok": …} or
{"refused": a code of section 18}.
"""

import json
import sys

from omni import bodies, ledger, proofs, records, values
from omni.encoding import Refused, decode


def plain(value):
    """As JSON has it: bytes are digits."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def unhex(question, name):
    return bytes.fromhex(question[name])


def chain_of(network, question):
    chain = proofs.Chain(network)
    for event in question["events"]:
        record = records.read_record(network, unhex(event, "record"))
        chain.take(record, proofs.read_proof(unhex(event, "proof")))
    return chain


class Answers:
    def record(self, network, question):
        return records.read_record(network, unhex(question, "bytes"))

    def structure(self, network, question):
        kind = {"proof": proofs.PROOF, "batch": proofs.BATCH, "delegation": values.SIGNED_DELEGATION,
                "invite": values.SIGNED_INVITE, "entry-header": ledger.HEADER}[question["of"]]
        return decode(kind, unhex(question, "bytes"))

    def ids(self, network, question):
        sku, price_list = question["sku"], question["list"]
        return {"network": network, "subject": bodies.slot_subject(sku, price_list),
                "partner": values.partner_text(unhex(question, "partner")),
                "terms": self.terms_hash(network, question)}

    def terms_hash(self, network, question):
        record = records.read_record(network, unhex(question, "request"))
        return bodies.terms_hash(record["body"]["terms"])

    def chain(self, network, question):
        chain = chain_of(network, question)
        return {"partner": chain.events[0]["author"], "keys": len(chain.events),
                "in force": chain.key(len(chain.events) - 1)}

    def delegation(self, network, question):
        value = decode(values.SIGNED_DELEGATION, unhex(question, "bytes"))
        chain = chain_of(network, question)
        key = chain.key_in_force(value["key index"])
        return values.delegation_is_signed(network, chain.events[0]["author"], key, value)

    def invite(self, network, question):
        value = decode(values.SIGNED_INVITE, unhex(question, "bytes"))
        chain = chain_of(network, question)
        return values.invite_is_signed(chain.key_in_force(value["key index"]), value)

    def proof(self, network, question):
        record = records.read_record(network, unhex(question, "record"))
        proof, chain = proofs.read_proof(unhex(question, "proof")), chain_of(network, question)
        if record["author"] != chain.events[0]["author"]:
            raise Refused("unknown-keys")
        key = chain.key_in_force(proof["key index"])
        proofs.check_proof(network, key, record["id"], proof)
        return record["id"]

    def batch(self, network, question):
        batch, chain = proofs.read_batch(unhex(question, "bytes")), chain_of(network, question)
        if batch["author"] != chain.events[0]["author"]:
            raise Refused("unknown-keys")
        key = chain.key_in_force(batch["key index"])
        read = lambda data: records.read_record(network, data)
        return [record["id"] for record in proofs.check_batch_proof(network, key, batch, read)]

    def ledger(self, network, question):
        chain = chain_of(network, question)
        partner = chain.events[0]["author"]
        entries = [ledger.read_entry(unhex(entry, "header"), unhex(entry, "body"))
                   for entry in question["entries"]]
        notes = [ledger.read_checkpoint(note, network, partner, chain.key)
                 for note in question["checkpoints"]]
        return ledger.check_ledger(network, partner, entries, notes)


def answer(line):
    question = json.loads(line)
    network = values.network_id(question.get("network", "main"))
    try:
        return {"ok": plain(getattr(Answers(), question["ask"])(network, question))}
    except Refused as refused:
        return {"refused": refused.code}


def main(arguments):
    if arguments == ["answer"]:
        for line in sys.stdin:
            print(json.dumps(answer(line)), flush=True)
        return 0
    if arguments[:1] == ["show"] and len(arguments) in (2, 4):
        name = arguments[2] if arguments[1] == "--network" else "main"
        with open(arguments[-1], "rb") as file:
            data = file.read()
        try:
            record = records.read_record(values.network_id(name), data)
        except Refused as refused:
            print(f"omni_records: refused: {refused}", file=sys.stderr)
            return 6
        print(json.dumps(plain(record), indent=2, ensure_ascii=False))
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
