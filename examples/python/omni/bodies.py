"""Section 8: the kinds of records and the structures of their bodies."""

from .encoding import (BOOL, ID, TIME, U8, U16, U32, U64, Absent, Bytes, Choice, Fixed, List, Option,
                       Set, Struct, Text, Unsigned, Word, prose, require)
from .values import (AMOUNT, COUNTRY, CURRENCY, DAY_MS, GTIN, INCEPTION, MINOR, RECOVERY, REGION,
                     REGION_OR_NONE, ROTATION, SIGNED_DELEGATION, STEPS, UNIT, digest)
from .proofs import KEY_EVENTS_MAX, PROOF

RECORD_BYTES_MAX = 16384
MANIFEST_BYTES_MAX = 7168
CHAIN_DEPTH_MAX = 4
LEGS_OF_ONE_MAX = 2
HOLD_MINUTES_MAX = 4320
OFFER_DAYS_MAX = 90
CODES = (*range(1, 17), *range(20, 37), *range(40, 54), *range(60, 69))
EVENTS = (*range(1, 9), *range(16, 22), 48)


def revision_ms(revision):
    return revision >> 16


REVISION = Unsigned(64, most=253402300799999 << 16 | 0xFFFF)
HUNDREDTHS = Unsigned(16, most=10_000)
PRICE = (("minor", MINOR), ("per", STEPS))
METHOD = Word(1, 2, 3, 4, 5, 6)
RIGHT = Struct(("state", Word(1, 2, 3)), ("right", Word(1, 2, 3, 4)), ("within", U32),
               ("fee", HUNDREDTHS))


def check_ascending(value):
    require(value["from"] <= value["to"], "from is after to")


LEAD = Struct(("from", U32), ("to", U32), rule=check_ascending)

KEY_EVENT = Choice(inception=(1, INCEPTION), rotation=(2, ROTATION), recovery=(3, RECOVERY))

PROFILE = Struct(
    ("revision", REVISION), ("name", Text(128, 1)), ("country", Option(COUNTRY)),
    ("about", prose(2048)), ("website", Text(512)), ("roles", Set(U16, 8)),
    ("languages", List(Text(16, 1), 8)), ("addresses", List(Text(128, 1), 8)),
    ("delegations", List(SIGNED_DELEGATION, 8)), ("mailboxes", List(ID, 4)),
)

CATALOGUE_HEAD = Struct(("revision", REVISION), ("count", U32), ("fingerprint", Fixed(16)),
                        ("highest", REVISION))


def check_offer(offer):
    names = [attribute["name"] for attribute in offer["attributes"]]
    require(len(names) == len(set(names)), "an attribute twice")
    starts = [tier["from"] for tier in offer["tiers"]]
    require(all(a < b for a, b in zip(starts, starts[1:])), "tiers ascend")
    for step in ("minimum", "maximum"):
        require(offer[step] >= offer["increment"], f"the {step} is below the increment")
    require(offer["minimum"] % offer["increment"] == 0, "the minimum is no multiple")
    require(offer["maximum"] >= offer["minimum"], "the maximum is below the minimum")
    require(offer["service"] is None or offer["nature"] == 2, "a service is of nature 2")
    require((offer["recurring"] is not None) == (offer["nature"] == 3), "what recurs is of nature 3")
    latest = revision_ms(offer["revision"]) + OFFER_DAYS_MAX * DAY_MS
    require(offer["valid until"] <= latest, "valid for too long")


def check_medium(medium):
    require(medium["location"] or medium["sha-256"], "neither location nor hash")


OFFER = Struct(
    ("revision", REVISION), ("sku", Text(128, 1)), ("list", Text(32)), ("audience", Set(ID, 64)),
    ("nature", Word(1, 2, 3)), ("title", Text(512, 1)), ("description", prose(4096)),
    ("language", Text(16)), ("brand", Text(128)), ("gtin", Option(GTIN)), ("mpn", Text(70)),
    ("category", Option(Struct(("scheme", Text(32)), ("code", Text(128))))),
    ("attributes", List(Struct(("name", Text(64, 1)), ("value", Text(256))), 64)),
    ("group", Text(128)),
    ("media", List(Struct(
        ("role", Word(1, 2, 3, 4)), ("location", Text(512)), ("media type", Text(64)),
        ("size", U64), ("sha-256", Option(ID)), rule=check_medium), 16)),
    *PRICE, ("currency", CURRENCY), ("tiers", List(Struct(("from", STEPS), ("minor", MINOR)), 8)),
    ("suggested", Option(MINOR)), ("commission", Option(HUNDREDTHS)), ("tax", Text(3)),
    ("unit", UNIT), ("increment", STEPS), ("minimum", STEPS), ("maximum", STEPS),
    ("methods", Set(METHOD, 6, 1)), ("regions", Set(REGION, 64)), ("lead", LEAD),
    ("incoterm", Text(3)),
    ("service", Option(Struct(("duration", U32), ("calendar", Option(Struct(
        ("rule", Text(256)), ("start", Text(32)), ("zone", Text(64)), ("capacity", U32))))))),
    ("recurring", Option(Struct(("period", Word(1, 2, 3, 4)), ("cycles", U32), ("notice", U32),
                                ("pause", BOOL)))),
    ("rights", List(RIGHT, 16)), ("white label", BOOL), ("hold", Unsigned(32, most=HOLD_MINUTES_MAX)),
    ("valid until", TIME), rule=check_offer,
)

AVAILABILITY = Struct(("revision", REVISION), ("subject", ID), ("band", Word(1, 2, 3, 4)),
                      ("lead", LEAD), ("valid until", TIME))
WITHDRAWAL = Struct(("revision", REVISION), ("family", Word(4, 5)), ("subject", ID),
                    ("reason", Word(1, 2, 3)))
EVIDENCE = Struct(
    ("accused", ID), ("claim", Word(*range(1, 9))),
    ("exhibits", List(Struct(("form", Word(1, 2, 3)), ("bytes", Bytes(RECORD_BYTES_MAX)),
                             ("proof", Option(PROOF))), 4)),
)


def header(may_open):
    def check(value):
        require(value["thread"] or may_open, "a record of this kind opens no thread")
        require(value["thread"] or not value["parent"], "a parent and no thread")

    return Struct(
        ("salt", Fixed(16)), ("to", ID), ("life", Unsigned(64, 1)), ("epoch", U32), ("sequence", U64),
        ("at", TIME), ("thread", Option(ID)), ("parent", Option(ID)), rule=check,
    )


def thread(*fields, opens=False, rule=None):
    return Struct(("header", header(opens)), *fields, rule=rule)


def check_window(window):
    require(window["from"] <= window["until"], "from is after until")


LINE = Struct(
    ("sku", Text(128)), ("list", Text(32)), ("offer", Option(ID)), ("title", Text(512)),
    ("nature", Word(1, 2, 3)), ("unit", UNIT), ("steps", STEPS), *PRICE, ("total", AMOUNT),
)
TERMS = Struct(
    ("lines", List(LINE, 32, 1)), ("currency", CURRENCY), ("total", AMOUNT), ("method", METHOD),
    ("region", REGION_OR_NONE), ("postcode", Text(16)),
    ("window", Option(Struct(("from", TIME), ("until", TIME), rule=check_window))),
    ("incoterm", Text(3)), ("payment days", U16), ("rights", List(RIGHT, 16)),
    ("white label", BOOL), ("for a chain", BOOL), ("arbiter", Option(ID)), ("note", prose(1024)),
    ("on", Option(Struct(("order", ID), ("version", U32), ("what", Word(1, 2))))),
)
HOLD_TERMS = Struct(("until", TIME), ("passed on", Option(ID)), ("patience", U64),
                    ("co-legs", Word(1, 2, 3)), ("arm last", BOOL))


def check_proposal(proposal):
    holds = proposal["firm"] and proposal["role"] == 2
    require((proposal["hold"] is not None) == holds, "a hold is in the provider's firm proposal")
    require(not holds or proposal["hold"]["until"] == proposal["valid until"], "two ends")


def check_depth(chain):
    require(1 <= chain["depth"] <= CHAIN_DEPTH_MAX, "a chain too deep, or no depth")


CHAIN = Struct(("id", ID), ("depth", U8), rule=check_depth)


def check_request(request):
    require(not request["chain"] or request["terms"]["for a chain"], "terms for no chain")


LEG_NAME = Struct(("manifest", ID), ("number", U16))
MEMBER = Struct(
    ("partner", ID),
    ("keys", List(Struct(("record", Bytes(RECORD_BYTES_MAX)), ("proof", PROOF)), KEY_EVENTS_MAX)),
    ("addresses", List(Text(128, 1), 8)), ("mailboxes", List(ID, 4)))
LEG = Struct(("member", U16), ("deal", ID), ("hold", ID), ("alternative", U8))


def check_manifest(manifest):
    header, members, legs = (manifest[name] for name in ("header", "members", "legs"))
    require(not header["thread"] and not header["parent"], "a manifest opens its own thread")
    require(manifest["whole"] is None or manifest["last"] is None, "no part arms last")
    require(manifest["whole"] is not None or len(legs) >= 2, "a bundle of one leg")
    require(manifest["last"] is None or manifest["last"] < len(legs), "no such leg arms last")
    for name, listed in (("partner", members), ("deal", legs), ("hold", legs)):
        require(len({each[name] for each in listed}) == len(listed), f"a {name} twice")
    providers = [leg["member"] for leg in legs]
    require(set(providers) == set(range(1, len(members))), "who provides what")
    require(all(providers.count(each) <= LEGS_OF_ONE_MAX for each in providers), "too many of one")
    require(len(MANIFEST.write(manifest)) <= MANIFEST_BYTES_MAX, "a manifest too long")


MANIFEST = thread(
    ("whole", Option(LEG_NAME)), ("members", List(MEMBER, 17, 2)), ("legs", List(LEG, 16, 1)),
    ("last", Option(U16)), opens=True, rule=check_manifest)
TEXT = ("text", prose(2048))
DEAL = ("deal", ID)
KINDS = {
    1: ("KeyEvent", KEY_EVENT),
    2: ("Profile", PROFILE),
    3: ("CatalogueHead", CATALOGUE_HEAD),
    4: ("Offer", OFFER),
    5: ("Availability", AVAILABILITY),
    7: ("Withdrawal", WITHDRAWAL),
    9: ("Evidence", EVIDENCE),
    32: ("Inquiry", thread(TEXT, opens=True)),
    33: ("Proposal", thread(
        ("role", Word(1, 2)), ("firm", BOOL), ("valid until", TIME), ("terms", List(TERMS, 3, 1)),
        ("hold", Option(HOLD_TERMS)), opens=True, rule=check_proposal)),
    34: ("Question", thread(TEXT)),
    35: ("Answer", thread(TEXT)),
    36: ("Reject", thread(("code", Word(*CODES)))),
    37: ("Withdraw", thread()),
    38: ("Request", thread(
        ("proposal", Option(Struct(("id", ID), ("alternative", U8)))),
        ("valid until", TIME), ("terms", TERMS), ("chain", Option(CHAIN)), opens=True,
        rule=check_request)),
    39: ("Hold", thread(DEAL, ("terms hash", ID), ("hold", HOLD_TERMS))),
    40: ("Commit", thread(DEAL, ("hold", ID), ("alternative", U8), ("manifest", Absent()))),
    41: ("Receipt", thread(DEAL, ("commit", ID), ("alternative", U8))),
    42: ("Refusal", thread(DEAL, ("code", Word(*CODES)), ("fault", Word(1, 2, 3)),
                           ("leg", Option(LEG_NAME)))),
    43: ("Release", thread(DEAL)),
    44: ("ArmReceipt", thread(DEAL, ("leg", LEG_NAME))),
    45: ("Lapse", thread(DEAL, ("leg", LEG_NAME))),
    46: ("Ack", thread(("receipt", ID), ("cosignature", Bytes(128)))),
    47: ("Event", thread(
        DEAL, ("version", U32), ("what", Word(*EVENTS)), ("occurred", TIME),
        ("lines", List(Struct(("line", U16), ("steps", STEPS)), 32)), ("reference", Text(128)),
        ("note", prose(1024)))),
    48: ("Handover", thread(DEAL, ("sealing key", ID), ("encapsulated", ID),
                            ("sealed", Bytes(4096)))),
    49: ("Manifest", MANIFEST),
}


def terms_hash(terms):
    return digest("omni/1/terms", TERMS.write(terms))


def slot_subject(sku, price_list):
    return digest("omni/1/subject", Text(128).write(sku), Text(32).write(price_list))
