//! Rules between the fields of a body: what breaks one can't be made, and can't be read either.

use omni_protocol::{
    body::AnyBody,
    code::Code,
    fence::{List, Set},
    limits::{CHAIN_DEPTH_MAX, DAY_MS, OFFER_DAYS_MAX},
    public::{FieldError, Offer, OfferDraft, Period, Recurring, Service, Tier},
    record::{Body, Kind},
    thread::Terms,
    trade::Nature,
    value::Minor,
};
use omni_tests::{
    naive::{Naive, bodies},
    samples::{self, offer_draft, revision, steps},
};

fn refused(changed: impl FnOnce(&mut OfferDraft)) -> Option<(&'static str, Code)> {
    let mut draft = offer_draft();
    changed(&mut draft);
    let result = Offer::new(revision(), draft);
    result
        .err()
        .map(|FieldError { field, code, .. }| (field, code))
}

#[test]
fn hostile_offers_are_refused_by_field() {
    fn check(expected: Option<&'static str>, changed: impl FnOnce(&mut OfferDraft)) {
        let expected = expected.map(|field| (field, Code::Malformed));
        assert_eq!(refused(changed), expected);
    }
    let service = || {
        Some(Service {
            duration_minutes: 1,
            calendar: None,
        })
    };
    let recurring = || {
        Some(Recurring {
            period: Period::Day,
            cycles: 0,
            notice_days: 0,
            pause: false,
        })
    };
    let tiers = |list: &[(u64, i64)]| {
        let tier = |&(from, minor): &(u64, i64)| Tier {
            from: steps(from),
            minor: Minor::new(minor).unwrap(),
        };
        List::new(list.iter().map(tier).collect::<Vec<_>>()).unwrap()
    };
    check(None, |_| ());
    check(Some("attributes"), |draft| {
        let [first, _] = &draft.attributes[..] else {
            panic!("two attributes")
        };
        draft.attributes = List::new([first.clone(), first.clone()]).unwrap();
    });
    check(Some("media"), |draft| {
        let mut media = draft.media[0].clone();
        (media.location, media.sha256) = ("".parse().unwrap(), None);
        draft.media = List::new([media]).unwrap();
    });
    check(None, |draft| {
        let mut media = draft.media[0].clone();
        media.location = "".parse().unwrap();
        draft.media = List::new([media]).unwrap();
    });
    for list in [[(4, 1), (4, 1)], [(5, 1), (4, 1)]] {
        check(Some("tiers"), |draft| draft.tiers = tiers(&list));
    }
    check(Some("tiers"), |draft| draft.tiers = tiers(&[(4, -1)]));
    check(None, |draft| draft.tiers = tiers(&[(4, 1), (5, 2)]));
    check(Some("suggested"), |draft| {
        draft.suggested = Some(Minor::new(-1).unwrap())
    });
    check(Some("minimum"), |draft| draft.minimum = steps(3));
    check(Some("maximum"), |draft| draft.maximum = steps(3));
    check(None, |draft| draft.maximum = steps(4));
    check(Some("service"), |draft| draft.service = service());
    check(Some("service"), |draft| {
        (draft.nature, draft.recurring, draft.service) =
            (Nature::Recurring, recurring(), service());
    });
    check(None, |draft| {
        (draft.nature, draft.service) = (Nature::Service, service())
    });
    check(None, |draft| draft.nature = Nature::Service);
    check(Some("recurring"), |draft| draft.recurring = recurring());
    check(Some("recurring"), |draft| draft.nature = Nature::Recurring);
    check(Some("hold"), |draft| draft.hold_minutes = 4321);
    check(None, |draft| draft.hold_minutes = 4320);
}

#[test]
fn an_offer_stands_at_most_ninety_days() {
    fn check(days_ms: u64, expected: Option<(&'static str, Code)>) {
        let until = revision().time().plus_ms(days_ms);
        assert_eq!(
            refused(|draft| draft.valid_until = until),
            expected,
            "{days_ms}"
        );
    }
    check(OFFER_DAYS_MAX * DAY_MS, None);
    check(
        OFFER_DAYS_MAX * DAY_MS + 1,
        Some(("valid until", Code::ValidityWrong)),
    );
}

#[test]
fn the_highest_tier_that_is_reached_gives_the_price() {
    let offer = Offer::new(revision(), offer_draft()).unwrap();
    for (amount, expected) in [
        (1, 19_990),
        (3, 19_990),
        (4, 18_990),
        (9, 18_990),
        (10, 17_990),
    ] {
        assert_eq!(
            offer.price_for(steps(amount)).minor().get(),
            expected,
            "{amount}"
        );
    }
}

/// Bytes that only a program of somebody else would write.
fn check_read(name: &str, kind: Kind, bytes: &[u8], expected: Code) {
    assert_eq!(AnyBody::decode(kind, bytes), Err(expected), "{name}");
}

fn sample(name: &str) -> Vec<u8> {
    let found = samples::bodies()
        .into_iter()
        .find(|(known, _)| *known == name);
    bodies::body(&found.unwrap().1)
}

/// A header with what a test wants to vary.
fn header(life: u64, at: u64, thread: bool, parent: bool) -> Naive {
    Naive::new()
        .fixed(&[1; 16])
        .fixed(&[2; 32])
        .unsigned(life)
        .unsigned(0)
        .unsigned(0)
        .unsigned(at)
        .option(thread.then_some([3; 32]), |naive, id| naive.fixed(&id))
        .option(parent.then_some([4; 32]), |naive, id| naive.fixed(&id))
}

#[test]
fn hostile_headers_are_refused() {
    fn check(header: Naive, valid: bool) {
        let bytes = header.text("Hello").0;
        let read = AnyBody::decode(Kind::Inquiry, &bytes).map(|_| ());
        assert_eq!(
            read,
            if valid { Ok(()) } else { Err(Code::Malformed) },
            "{bytes:?}"
        );
    }
    check(header(1, 0, false, false), true);
    check(header(1, 0, true, true), true);
    check(header(1, 0, true, false), true);
    check(header(1, 0, false, true), false);
    check(header(0, 0, false, false), false);
    check(header(1, 253_402_300_799_999, false, false), true);
    check(header(1, 253_402_300_800_000, false, false), false);
}

#[test]
fn hostile_records_that_may_not_open_a_thread_are_refused() {
    for (name, body) in samples::bodies() {
        let own = match &body {
            AnyBody::Public(_) => continue,
            AnyBody::Thread(body) => body.header(),
            AnyBody::Bundle(body) => body.header(),
        };
        let within = header(1, 0, true, true).0;
        let opening = header(1, 0, false, false).0;
        let whole = bodies::body(&body);
        let own = bodies::header(Naive::new(), own).0;
        let rest = whole.strip_prefix(&own[..]).unwrap();
        let read = |header: &[u8]| AnyBody::decode(body.kind(), &[header, rest].concat());
        let must_open = body.kind() == Kind::Manifest;
        let may_open = matches!(body.kind(), Kind::Inquiry | Kind::Proposal | Kind::Request);
        assert_eq!(read(&within).is_ok(), !must_open, "{name}");
        assert_eq!(read(&opening).is_ok(), may_open || must_open, "{name}");
    }
}

#[test]
fn hostile_holds_in_proposals_are_refused() {
    let proposal = |role: u64, firm: bool, hold: Option<u64>| {
        let naive = Naive::new()
            .fixed(&[1; 16])
            .fixed(&[2; 32])
            .unsigned(1)
            .unsigned(0);
        let naive = naive.unsigned(0).unsigned(0).u8(0).u8(0);
        let naive = naive.unsigned(role).bool(firm).unsigned(1000);
        naive
            .list([samples::terms()], |naive, terms| {
                bodies::terms(naive, &terms)
            })
            .option(hold, |naive, until| {
                naive
                    .unsigned(until)
                    .u8(0)
                    .unsigned(0)
                    .unsigned(1)
                    .bool(false)
            })
            .0
    };
    for (role, firm, hold, valid) in [
        (1, false, None, true),
        (2, false, None, true),
        (1, true, None, true),
        (2, true, Some(1000), true),
        (2, true, None, false),
        (2, true, Some(999), false),
        (2, false, Some(1000), false),
        (1, true, Some(1000), false),
        (3, false, None, false),
        (0, false, None, false),
    ] {
        let read = AnyBody::decode(Kind::Proposal, &proposal(role, firm, hold));
        assert_eq!(read.is_ok(), valid, "{role} {firm} {hold:?}");
    }
}

#[test]
fn hostile_fields_that_are_always_absent_are_refused() {
    let mut bytes = sample("Commit");
    assert_eq!(bytes.pop(), Some(0), "a Commit ends with what is absent");
    for present in [
        &[&[1][..], &[7; 32], &[0]].concat(),
        &[&[1][..], &[7; 32]].concat(),
    ] {
        let longer = [&bytes[..], present].concat();
        check_read("Commit", Kind::Commit, &longer, Code::Malformed);
    }
}

/// What a manifest of a program of somebody else may say.
#[derive(Clone)]
struct ManifestOf {
    opens: bool,
    whole: bool,
    members: Vec<u8>,
    legs: Vec<(u64, u8, u8)>,
    last: Option<u64>,
    address_bytes: usize,
}

impl ManifestOf {
    fn bytes(&self) -> Vec<u8> {
        let address = "a".repeat(self.address_bytes);
        let mut naive = header(1, 0, !self.opens, false);
        naive = naive.option(self.whole.then_some(9), |naive, number| {
            naive.fixed(&[8; 32]).unsigned(number)
        });
        naive
            .list(&self.members, |naive, member| {
                let naive = naive.fixed(&[*member; 32]).unsigned(0);
                let naive = naive.list(vec![&address; 8], |naive, text| naive.text(text));
                naive.unsigned(0)
            })
            .list(&self.legs, |naive, (member, deal, hold)| {
                let naive = naive.unsigned(*member).fixed(&[*deal; 32]);
                naive.fixed(&[*hold; 32]).u8(0)
            })
            .option(self.last, |naive, last| naive.unsigned(last))
            .0
    }
}

#[test]
fn hostile_manifests_are_refused() {
    fn check(name: &str, valid: bool, changed: impl FnOnce(&mut ManifestOf)) {
        let mut manifest = ManifestOf {
            opens: true,
            whole: false,
            members: vec![1, 2, 3],
            legs: vec![(2, 11, 21), (1, 12, 22)],
            last: None,
            address_bytes: 3,
        };
        changed(&mut manifest);
        let read = AnyBody::decode(Kind::Manifest, &manifest.bytes()).map(drop);
        let expected = if valid { Ok(()) } else { Err(Code::Malformed) };
        assert_eq!(read, expected, "{name}");
    }
    check("as it should be", true, |_| ());
    check("within a thread", false, |one| one.opens = false);
    check("the last leg arms last", true, |one| one.last = Some(1));
    check("no such leg arms last", false, |one| one.last = Some(2));
    check("a part", true, |one| one.whole = true);
    check("a part that arms last", false, |one| {
        (one.whole, one.last) = (true, Some(0));
    });
    let alone = |one: &mut ManifestOf| {
        (one.members, one.legs) = (vec![1, 2], vec![(1, 11, 21)]);
    };
    check("a bundle of one leg", false, alone);
    check("a part of one leg", true, |one| {
        alone(one);
        one.whole = true;
    });
    check("nobody", false, |one| one.members.clear());
    check("no legs", false, |one| {
        (one.whole, one.legs) = (true, Vec::new());
    });
    check("a partner twice", false, |one| one.members[2] = 2);
    check("a deal twice", false, |one| one.legs[1].1 = 11);
    check("a hold twice", false, |one| one.legs[1].2 = 21);
    check("the author provides", false, |one| one.legs[1].0 = 0);
    check("who is no member provides", false, |one| one.legs[1].0 = 3);
    check("who provides nothing", false, |one| one.members.push(4));
    check("two legs of one provider", true, |one| {
        one.legs.push((1, 13, 23))
    });
    let sixteen = |one: &mut ManifestOf| {
        one.members = (1..=17).collect();
        let legs = (1..=16_u8).map(|number| (number.into(), 20 + number, 40 + number));
        one.legs = legs.collect();
    };
    check("sixteen legs", true, sixteen);
    check("seventeen legs", false, |one| {
        sixteen(one);
        one.legs.push((1, 99, 99));
    });
    check("too many bytes", false, |one| {
        sixteen(one);
        one.address_bytes = 40;
    });
}

#[test]
fn hostile_withdrawals_of_other_families_are_refused() {
    for family in 0..300_u64 {
        let naive = Naive::new()
            .unsigned(1 << 20)
            .unsigned(family)
            .fixed(&[1; 32])
            .unsigned(1);
        let read = AnyBody::decode(Kind::Withdrawal, &naive.0);
        assert_eq!(read.is_ok(), matches!(family, 4 | 5), "{family}");
    }
}

#[test]
fn hostile_sets_out_of_order_are_not_canonical() {
    let roles = |roles: &[u64]| {
        let naive = Naive::new().unsigned(0).text("A").u8(0).text("").text("");
        let naive = naive.list(roles, |naive, role| naive.unsigned(*role));
        naive.unsigned(0).unsigned(0).unsigned(0).unsigned(0).0
    };
    // By their bytes 1000 (fb e8 03) stands before 255 (fb ff 00).
    check_read(
        "out of order",
        Kind::Profile,
        &roles(&[255, 1000]),
        Code::NotCanonical,
    );
    check_read("twice", Kind::Profile, &roles(&[3, 3]), Code::NotCanonical);
    check_read(
        "too many",
        Kind::Profile,
        &roles(&[1, 2, 3, 4, 5, 6, 7, 8, 9]),
        Code::Malformed,
    );
    let read = AnyBody::decode(Kind::Profile, &roles(&[1, 1000, 255]));
    assert!(read.is_ok(), "{read:?}");
    assert!(Set::<u16, 8>::new([255, 1000]).is_ok());
}

#[test]
fn terms_with_wrong_totals_are_read_and_known_as_wrong() {
    let bytes = bodies::terms(Naive::new(), &samples::terms()).0;
    let total = Naive::new().signed(samples::terms().total().get()).0;
    let at = bytes
        .windows(total.len())
        .rposition(|window| window == total)
        .unwrap();
    let wrong = Naive::new().signed(samples::terms().total().get() - 1).0;
    let bytes = [&bytes[..at], &wrong, &bytes[at + total.len()..]].concat();
    let terms: Terms = omni_protocol::fence::decode(&bytes, 16_384).unwrap();
    assert!(!terms.totals_hold());
    assert!(samples::terms().totals_hold());
}

#[test]
fn every_sample_fits_its_kind() {
    for (name, body) in samples::bodies() {
        assert!(name.starts_with(body.kind().name()), "{name}");
    }
}

#[test]
fn hostile_places_in_a_chain_are_refused() {
    let request = |terms: &Terms, depth: Option<u8>| {
        let naive = Naive::new().fixed(&[1; 16]).fixed(&[2; 32]).unsigned(1);
        let naive = naive.unsigned(0).unsigned(0).unsigned(0).u8(0).u8(0);
        let naive = bodies::terms(naive.u8(0).unsigned(1000), terms);
        let chain = |naive: Naive, depth| naive.fixed(&[3; 32]).u8(depth);
        naive.option(depth, chain).0
    };
    let (chained, alone) = (samples::terms(), samples::plain_terms());
    assert!(chained.conditions().for_chain && !alone.conditions().for_chain);
    for (terms, depth, valid) in [
        (&chained, None, true),
        (&chained, Some(1), true),
        (&chained, Some(CHAIN_DEPTH_MAX), true),
        (&chained, Some(0), false),
        (&chained, Some(CHAIN_DEPTH_MAX + 1), false),
        (&alone, None, true),
        (&alone, Some(1), false),
    ] {
        let read = AnyBody::decode(Kind::Request, &request(terms, depth));
        assert_eq!(read.is_ok(), valid, "{depth:?}");
    }
}
