//! The market store: what stands in a slot, what is counted, listed and found, and that losing it
//! costs nothing but fetching again.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use ed25519_dalek::SigningKey;
use omni_node::store::market::{
    self, Arrival, Becomes, MarketReader, MarketWriter, More, Proved, Reach, spaced, words_of,
};
use omni_protocol::fence::List;
use omni_protocol::hash::{NetworkId, PartnerId, RecordId, SubjectId};
use omni_protocol::identity::Signature;
use omni_protocol::proof::{Proof, SignedTree};
use omni_protocol::public::IdSum;
use omni_protocol::slot::{Family, Revision, Slot};
use omni_protocol::value::Time;
use omni_tests::node::chain;
use proptest::prelude::*;

fn network() -> NetworkId {
    NetworkId::from_bytes([1; 32])
}

fn author(number: u8) -> PartnerId {
    PartnerId::from_bytes([number; 32])
}

fn id(author: u8, number: u8) -> RecordId {
    let mut bytes = [number; 32];
    bytes[0] = author;
    RecordId::from_bytes(bytes)
}

fn slot(author_number: u8, family: Family, subject: u8) -> Slot {
    Slot {
        author: author(author_number),
        family,
        subject: SubjectId::from_bytes([subject; 32]),
    }
}

/// An offer of author `by` in slot `subject`, whose record is 100 bytes long.
fn offer(by: u8, subject: u8, revision: u64, number: u8, title: &str) -> Arrival {
    Arrival {
        slot: slot(by, Family::Offer, subject),
        revision: Revision::new(revision).expect("small"),
        id: id(by, number),
        until: Some(Time::new(1_000_000 + u64::from(number)).expect("small")),
        words: spaced([title]),
        reach: Reach::Public,
        record: vec![number; 100],
        proof: Proof {
            key_index: 0,
            tree_size: 1,
            leaf_index: 0,
            path: List::default(),
            signature: Signature::from_bytes([number; 64]),
        }
        .into(),
    }
}

fn made(home: &std::path::Path) -> (MarketReader, MarketWriter) {
    market::open(home, network()).expect("opened")
}

fn take_one(writer: &mut MarketWriter, arrival: Arrival) -> Becomes {
    writer.take(vec![arrival]).expect("taken")[0]
}

fn titles(reader: &MarketReader, query: &str) -> Vec<u8> {
    let page = reader.search(query, 0, 100).expect("searched");
    page.found.iter().map(|found| found.record[0]).collect()
}

#[test]
fn the_highest_revision_stands_and_indexes_follow_it() {
    let home = tempfile::tempdir().expect("folder");
    let (reader, mut writer) = made(home.path());
    assert_eq!(
        take_one(&mut writer, offer(1, 7, 10, 1, "Red drill")),
        Becomes::Stands
    );
    assert_eq!(
        take_one(&mut writer, offer(1, 7, 10, 1, "Red drill")),
        Becomes::Known
    );
    assert_eq!(
        take_one(&mut writer, offer(1, 7, 9, 2, "Old drill")),
        Becomes::Outdated
    );
    assert_eq!(
        take_one(&mut writer, offer(1, 7, 12, 3, "Blue drill")),
        Becomes::Stands
    );
    let standing = reader
        .standing(&slot(1, Family::Offer, 7))
        .expect("read")
        .expect("stands");
    assert_eq!(standing, (Revision::new(12).expect("small"), id(1, 3)));
    assert_eq!(
        titles(&reader, "red"),
        Vec::<u8>::new(),
        "a replaced offer is not found"
    );
    assert_eq!(titles(&reader, "drill"), vec![3]);
    assert_eq!(reader.slot_of(id(1, 1)).expect("read"), None);
    assert_eq!(
        reader.slot_of(id(1, 3)).expect("read"),
        Some(slot(1, Family::Offer, 7))
    );
    let catalogue = reader.catalogue(author(1)).expect("read");
    assert_eq!(catalogue.ids, IdSum::from_iter([id(1, 3)]));
    assert_eq!(catalogue.highest, Revision::new(12).ok());
}

#[test]
fn of_two_records_at_one_revision_the_larger_id_stands() {
    for turn in [[4, 5], [5, 4]] {
        let home = tempfile::tempdir().expect("folder");
        let (reader, mut writer) = made(home.path());
        assert_eq!(
            take_one(&mut writer, offer(1, 7, 10, turn[0], "a")),
            Becomes::Stands
        );
        assert_eq!(
            take_one(&mut writer, offer(1, 7, 10, turn[1], "b")),
            Becomes::Twin
        );
        let standing = reader
            .standing(&slot(1, Family::Offer, 7))
            .expect("read")
            .expect("stands");
        assert_eq!(standing.1, id(1, 5));
        assert_eq!(reader.catalogue(author(1)).expect("read").ids.count(), 1);
        let twins = || {
            let twins = reader.twins(10).expect("read").into_iter();
            twins
                .map(|twin| (twin.slot, twin.record[0]))
                .collect::<Vec<_>>()
        };
        let place = slot(1, Family::Offer, 7);
        assert_eq!(twins(), [(place, 4)], "shown to the operator");
        // However many there are, one is kept.
        take_one(&mut writer, offer(1, 7, 10, 3, "c"));
        assert_eq!(twins(), [(place, 3)]);
        take_one(&mut writer, offer(1, 7, 11, 6, "d"));
        assert_eq!(twins(), [(place, 3)], "also when another stands");
    }
}

#[test]
fn only_the_catalogue_is_counted_and_only_public_records_are_served() {
    let home = tempfile::tempdir().expect("folder");
    let (reader, mut writer) = made(home.path());
    let profile = Arrival {
        slot: slot(1, Family::Profile, 0),
        until: None,
        ..offer(1, 0, 50, 1, "")
    };
    let head = Arrival {
        slot: slot(1, Family::CatalogueHead, 0),
        until: None,
        ..offer(1, 0, 60, 4, "")
    };
    let named = Arrival {
        reach: Reach::Named,
        ..offer(1, 9, 40, 2, "for you alone")
    };
    writer
        .take(vec![profile, head, named, offer(1, 8, 30, 3, "for all")])
        .expect("taken");
    let catalogue = reader.catalogue(author(1)).expect("read");
    assert_eq!(catalogue.ids, IdSum::from_iter([id(1, 1), id(1, 3)]));
    assert_eq!(catalogue.highest, Revision::new(50).ok());
    let page = reader.page(author(1), 0, 10_000).expect("read");
    let served: Vec<_> = page
        .records
        .iter()
        .map(|(record, _)| record.record[0])
        .collect();
    assert_eq!(
        served,
        vec![3, 1, 4],
        "ascending, with the head, without the named offer"
    );
    assert_eq!(titles(&reader, "for"), vec![3, 2], "both are found here");
    assert_eq!(reader.authors(None, 10).expect("read"), vec![author(1)]);
}

#[test]
fn pages_come_in_order_and_end() {
    let home = tempfile::tempdir().expect("folder");
    let (reader, mut writer) = made(home.path());
    // Author 255 has no key after it within its table.
    for by in [3, 255] {
        let offers = (1..=10).map(|number| offer(by, number, u64::from(number) * 2, number, "x"));
        writer.take(offers.rev().collect()).expect("taken");
        let mut after = 0;
        let mut all = Vec::new();
        loop {
            let page = reader.page(author(by), after, 250).expect("read");
            assert_eq!(page.records.len(), 2);
            after = page.records.last().expect("two").0.revision.get();
            all.extend(page.records.iter().map(|(record, _)| record.record[0]));
            if page.more == More::No {
                break;
            }
        }
        assert_eq!(all, (1..=10).collect::<Vec<_>>());
        assert_eq!(
            reader.page(author(by), 0, 1).expect("read").records.len(),
            1,
            "at least one"
        );
        assert!(
            reader
                .page(author(by), 20, 250)
                .expect("read")
                .records
                .is_empty()
        );
        assert!(
            reader
                .page(author(by), u64::MAX, 250)
                .expect("read")
                .records
                .is_empty()
        );
        assert_eq!(
            reader.catalogue(author(by)).expect("read").highest,
            Revision::new(20).ok()
        );
    }
    assert_eq!(
        reader.authors(Some(author(3)), 10).expect("read"),
        vec![author(255)]
    );
}

#[test]
fn the_ended_and_the_unnamed_go() {
    let home = tempfile::tempdir().expect("folder");
    let (reader, mut writer) = made(home.path());
    writer
        .take(
            (1..=5)
                .map(|number| offer(1, number, u64::from(number), number, "lamp"))
                .collect(),
        )
        .expect("taken");
    // Validity of number n ends at 1,000,000 + n.
    assert_eq!(
        writer
            .end(Time::new(1_000_003).expect("small"), 10)
            .expect("ended"),
        2
    );
    assert_eq!(titles(&reader, "lamp"), vec![3, 4, 5]);
    let named = BTreeSet::from([id(1, 4)]);
    assert_eq!(
        writer
            .forget_unnamed(author(1), &named, 4)
            .expect("forgotten"),
        1
    );
    assert_eq!(
        titles(&reader, "lamp"),
        vec![4, 5],
        "5 lies above what the head counts"
    );
    let expected = IdSum::from_iter([id(1, 4), id(1, 5)]);
    assert_eq!(reader.catalogue(author(1)).expect("read").ids, expected);
}

#[test]
fn every_word_must_begin_a_word() {
    let home = tempfile::tempdir().expect("folder");
    let (reader, mut writer) = made(home.path());
    let offers = [
        "Cordless drill 18V",
        "Drill bits",
        "Küchen-Schrank WEISS",
        "AB-1234/x",
    ];
    let offers = offers
        .iter()
        .zip(1..)
        .map(|(title, number)| offer(1, number, number.into(), number, title));
    writer.take(offers.collect()).expect("taken");
    let check = |query, expected: &[u8]| assert_eq!(titles(&reader, query), expected, "{query}");
    check("drill", &[1, 2]);
    check("DRILL cord", &[1]);
    check("dri bit", &[2]);
    check("rill", &[]);
    check("küchen", &[3]);
    check("schrank weiß", &[]);
    check("ab 1234", &[4]);
    check("ab-1234/X", &[4]);
    check("", &[]);
    check(" ,;", &[]);
    let page = reader.search("drill", 1, 1).expect("searched");
    assert_eq!((page.found.len(), page.more), (1, More::No));
    let page = reader.search("drill", 0, 1).expect("searched");
    assert_eq!((page.found.len(), page.more), (1, More::Yes));
}

#[test]
fn hostile_words_are_bounded() {
    let long = "ß".repeat(1000);
    let many: String = (0..1000).map(|number| format!("w{number} ")).collect();
    for text in [long.as_str(), many.as_str(), "\u{0}\u{ff}", "ﬃ İ ǅ"] {
        let words = words_of([text]);
        assert!(words.len() <= 96, "{}", words.len());
        assert!(
            words
                .iter()
                .all(|word| word.len() <= 32 && !word.contains('\0')),
            "{words:?}"
        );
    }
}

#[test]
fn hostile_a_market_in_use_is_not_thrown_away() {
    let home = tempfile::tempdir().expect("folder");
    let (reader, mut writer) = made(home.path());
    take_one(&mut writer, offer(1, 1, 1, 1, "x"));
    let error = market::open(home.path(), network()).expect_err("in use");
    assert!(error.to_string().contains("omni down"), "{error}");
    assert_eq!(titles(&reader, "x"), vec![1]);
    drop((reader, writer));
    assert_eq!(titles(&made(home.path()).0, "x"), vec![1]);
}

#[test]
fn hostile_a_damaged_or_foreign_market_is_made_anew() {
    let home = tempfile::tempdir().expect("folder");
    let fill = || {
        let (reader, mut writer) = made(home.path());
        assert_eq!(reader.authors(None, 1).expect("read"), vec![], "made anew");
        assert_eq!(
            take_one(&mut writer, offer(1, 1, 1, 1, "x")),
            Becomes::Stands
        );
    };
    fill();
    fs::write(home.path().join("market/CURRENT"), b"nonsense\n").expect("written");
    fill();
    fs::remove_dir_all(home.path().join("market")).expect("removed");
    fill();
    made(home.path()).0.condemn();
    fill();
    let (reader, _writer) =
        market::open(home.path(), NetworkId::from_bytes([2; 32])).expect("opened");
    assert_eq!(
        reader.authors(None, 1).expect("read"),
        vec![],
        "another network's market is not used"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Whatever arrives, is replaced and ends, count and fingerprint are those of what is served,
    /// and what is found is what stands.
    #[test]
    fn sums_and_indexes_agree(steps in prop::collection::vec((1..3u8, 1..5u8, 1..12u64, 1..40u8, 0..10u8), 1..50)) {
        let home = tempfile::tempdir().expect("folder");
        let (reader, mut writer) = made(home.path());
        for chunk in steps.chunks(3) {
            let arrivals = chunk.iter().map(|&(by, subject, revision, number, what)| {
                let mut arrival = offer(by, subject, revision, number, "thing");
                if what == 0 {
                    arrival.slot.family = Family::Availability;
                    arrival.words.clear();
                }
                // An id names one record, hence one slot and revision.
                let mut id = [number; 32];
                id[..4].copy_from_slice(&[by, subject, u8::try_from(revision).expect("small"), u8::from(what == 0)]);
                arrival.id = RecordId::from_bytes(id);
                arrival
            });
            writer.take(arrivals.collect()).expect("taken");
            if chunk[0].4 == 9 {
                writer.end(Time::new(1_000_020).expect("small"), 100).expect("ended");
            }
        }
        let mut offers = BTreeSet::new();
        for by in 1..3 {
            let page = reader.page(author(by), 0, usize::MAX).expect("read");
            let catalogue = reader.catalogue(author(by)).expect("read");
            prop_assert_eq!(catalogue.ids, page.records.iter().map(|(record, _)| record.id).collect::<IdSum>());
            prop_assert_eq!(catalogue.highest, page.records.last().map(|(record, _)| record.revision));
            prop_assert!(page.records.is_sorted_by_key(|(record, _)| record.revision));
            offers.extend(page.records.iter().filter(|(record, _)| record.slot.family == Family::Offer).map(|(record, _)| record.id));
        }
        let found = reader.search("thing", 0, 1000).expect("searched").found;
        prop_assert_eq!(found.iter().map(|record| record.id).collect::<BTreeSet<_>>(), offers);
    }
}

/// The proofs of a tree are kept together, whichever of its records came, in whatever writes, and
/// whichever went since.
#[test]
fn proofs_are_served_as_they_came() {
    let key = chain(3).in_force().expect("in force");
    let secret = SigningKey::from_bytes(&[3; 32]);
    for size in [1_u8, 2, 3, 5, 100, 255] {
        let home = tempfile::tempdir().expect("folder");
        let (reader, mut writer) = made(home.path());
        let ids: Vec<RecordId> = (0..size).map(|number| id(1, number)).collect();
        let tree = SignedTree::sign(&key, &secret, &ids).expect("signed");
        let came = tree
            .proofs()
            .iter()
            .zip(0..size)
            .filter(|(_, number)| number % 7 != 1);
        let arrivals: Vec<_> = came
            .map(|((_, proof), number)| Arrival {
                proof: proof.clone().into(),
                ..offer(1, number, u64::from(number) + 1, number, "x")
            })
            .collect();
        for part in arrivals.chunks(60) {
            writer.take(part.to_vec()).expect("taken");
        }
        let stays = |arrival: &&Arrival| arrival.record[0].is_multiple_of(3);
        let named = arrivals
            .iter()
            .filter(stays)
            .map(|arrival| arrival.id)
            .collect();
        writer
            .forget_unnamed(author(1), &named, u64::MAX)
            .expect("forgotten");
        let page = reader.page(author(1), 0, usize::MAX).expect("read");
        let served = page.records.into_iter().map(|(_, proof)| proof.into());
        let served: Vec<Proved> = served.collect();
        let expected: Vec<_> = arrivals
            .iter()
            .filter(stays)
            .map(|a| a.proof.clone())
            .collect();
        assert_eq!(served, expected, "{size}");
    }
}

/// Offers, each by its number and the round in which it was replaced last.
struct Many {
    stands: Vec<(u64, u64)>,
}

impl Many {
    const OFFERS: u64 = 10_000;

    fn title((number, round): (u64, u64)) -> String {
        format!("lamp n{} r{round} p{}", number % 97, number % 7)
    }

    fn arrival((number, round): (u64, u64)) -> Arrival {
        let mut bytes = [0; 32];
        let spread = (number << 8 | round).wrapping_mul(0x9e37_79b9);
        bytes[..8].copy_from_slice(&spread.to_be_bytes());
        bytes[8..16].copy_from_slice(&number.to_be_bytes());
        let mut subject = bytes;
        subject[..8].fill(0);
        Arrival {
            slot: Slot {
                subject: SubjectId::from_bytes(subject),
                ..slot(1, Family::Offer, 0)
            },
            id: RecordId::from_bytes(bytes),
            until: Some(Time::new(1_000 + number).expect("small")),
            words: spaced([Self::title((number, round)).as_str()]),
            ..offer(1, 0, 1 + number + round * Self::OFFERS, 0, "")
        }
    }

    /// All of them, or every other one replaced.
    fn come(&mut self, round: u64, writer: &mut MarketWriter) {
        for (number, last) in &mut self.stands {
            if round > 0 && *number % 2 == round - 1 {
                *last = round;
            }
        }
        let came: Vec<_> = self
            .stands
            .iter()
            .filter(|stands| stands.1 == round)
            .collect();
        for part in came.chunks(256) {
            let arrivals = part.iter().map(|one| Self::arrival(**one));
            writer.take(arrivals.collect()).expect("taken");
        }
    }

    /// Those that end before the first so many.
    fn end(&mut self, first: u64, writer: &mut MarketWriter) {
        let before = Time::new(1_000 + first).expect("small");
        let ended = writer.end(before, usize::MAX).expect("ended");
        let standing = self.stands.len();
        self.stands.retain(|(number, _)| *number >= first);
        assert_eq!(ended, standing - self.stands.len());
    }

    fn check(&self, reader: &MarketReader, round: u64) {
        for query in ["lamp n12 p3", "n9 r1", "lamp r2 p6", "n96", "nowhere", "r0"] {
            let words = words_of([query]);
            let is_meant = |one: &&(u64, u64)| {
                let own = words_of([Self::title(**one).as_str()]);
                let begins = |word: &String| own.iter().any(|own| own.starts_with(word));
                words.iter().all(begins)
            };
            let expected: BTreeSet<RecordId> = self
                .stands
                .iter()
                .filter(is_meant)
                .map(|one| Self::arrival(*one).id)
                .collect();
            let found = reader.search(query, 0, usize::MAX).expect("searched");
            let found: Vec<RecordId> = found.found.iter().map(|found| found.id).collect();
            assert_eq!(found.len(), expected.len(), "{query} in round {round}");
            assert_eq!(
                BTreeSet::from_iter(found),
                expected,
                "{query} in round {round}"
            );
        }
        for one in self.stands.iter().step_by(1_001) {
            let arrival = Self::arrival(*one);
            let slot = reader.slot_of(arrival.id).expect("read");
            assert_eq!(slot, Some(arrival.slot));
            let begin = &arrival.id.as_bytes()[..12];
            let ids = reader.ids_beginning(begin, 10).expect("read");
            assert_eq!(ids, vec![arrival.id]);
        }
    }
}

/// Thousands of offers, so that they are found by segments and by what is in none yet, before and
/// after half of them were replaced or ended, and after a restart.
#[test]
fn many_offers_are_found_as_a_scan_finds_them() {
    let home = tempfile::tempdir().expect("folder");
    let stands = (0..Many::OFFERS).map(|number| (number, 0)).collect();
    let mut many = Many { stands };
    for round in 0..3 {
        let (reader, mut writer) = made(home.path());
        many.come(round, &mut writer);
        many.check(&reader, round);
        many.end(round * 500, &mut writer);
    }
}

/// A sum of one moment with the highest revision of another would send others after records that
/// nobody lacks.
#[test]
fn a_catalogue_is_read_as_it_is_at_one_moment() {
    let home = tempfile::tempdir().expect("folder");
    let (reader, mut writer) = made(home.path());
    let is_enough = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for number in 1_u64.. {
                if is_enough.load(Ordering::Relaxed) {
                    break;
                }
                let mut bytes = [0; 32];
                bytes[..8].copy_from_slice(&number.to_be_bytes());
                let mut arrival = offer(1, 1, number, 1, "A thing");
                arrival.slot.subject = SubjectId::from_bytes(bytes);
                arrival.id = RecordId::from_bytes(bytes);
                take_one(&mut writer, arrival);
            }
        });
        let mut seen = BTreeSet::new();
        let mut torn = None;
        while seen.len() < 100 && torn.is_none() {
            let catalogue = reader.catalogue(author(1)).expect("read");
            let highest = catalogue.highest.map_or(0, Revision::get);
            torn = (catalogue.ids.count() != highest).then_some(catalogue);
            seen.insert(highest);
        }
        is_enough.store(true, Ordering::Relaxed);
        assert_eq!(torn, None);
    });
}
