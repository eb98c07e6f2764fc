//! The index against a scan of everything: whatever is taken, replaced, ended, forgotten and
//! restarted, both find the same. Segments are small here, so that there are many.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use omni_protocol::fence::List;
use omni_protocol::hash::{NetworkId, PartnerId, RecordId, SubjectId};
use omni_protocol::identity::Signature;
use omni_protocol::proof::Proof;
use omni_protocol::slot::{Family, Revision, Slot};
use omni_protocol::value::Time;

use super::layout::Table;
use super::{Arrival, MarketReader, MarketWriter, More, Reach, open};

const TITLES: [&str; 8] = [
    "Red drill 18V",
    "Drill bits",
    "Küchen-Schrank WEISS",
    "AB-1234/x red",
    "drilldrilldrilldrilldrilldrilldrilldrill",
    "a b c d e f g",
    "rot 18",
    "…",
];
const QUERIES: [&str; 12] = [
    "d",
    "drill",
    "red dri",
    "18",
    "a",
    "küchen",
    "weiß",
    "ab 1234",
    "dr bits",
    "zz",
    "drilldrill",
    "r 1",
];

/// Numbers that are the same in every run (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        let Self(state) = self;
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % bound
    }
}

/// What stands, by a scan.
#[derive(Debug, Default)]
struct Scanned(BTreeMap<(u64, u64), (u64, RecordId, usize, u64)>);

fn opened(home: &Path) -> (MarketReader, MarketWriter) {
    open(home, NetworkId::from_bytes([1; 32])).expect("opened")
}

/// An offer of a tree of 64, in which it stands where its revision says, and that is the tree of the
/// others of the same write.
fn arrival((author, subject): (u64, u64), revision: u64, title: usize, until: u64) -> Arrival {
    let long = |number: u64, last: u64| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes[8..16].copy_from_slice(&last.to_be_bytes());
        bytes
    };
    Arrival {
        slot: Slot {
            author: PartnerId::from_bytes(long(author, 0)),
            family: Family::Offer,
            subject: SubjectId::from_bytes(long(subject, author)),
        },
        revision: Revision::new(revision).expect("small"),
        id: RecordId::from_bytes(long(revision, subject << 32 | author)),
        until: Some(Time::new(until).expect("small")),
        words: super::spaced([TITLES[title]]),
        reach: Reach::Public,
        record: vec![7; 40],
        proof: Proof {
            key_index: 0,
            tree_size: 64,
            leaf_index: u16::try_from(revision % 64).expect("small"),
            path: List::new([[7; 32]; 6]).expect("as long as it must be"),
            signature: Signature::from_bytes(
                [u8::try_from(revision / 64 % 256).expect("small"); 64],
            ),
        }
        .into(),
    }
}

impl Scanned {
    fn ids(&self, query: &str) -> BTreeSet<RecordId> {
        let words = super::words_of([query]);
        let is_found = |title: &usize| {
            let own = super::words_of([TITLES[*title]]);
            words
                .iter()
                .all(|word| own.iter().any(|own| own.starts_with(word)))
        };
        let found = self.0.values().filter(|(_, _, title, _)| is_found(title));
        found.map(|(_, id, _, _)| *id).collect()
    }

    fn agrees(&self, reader: &MarketReader, dice: &mut Dice) {
        for query in QUERIES {
            let (mut found, mut skip) = (Vec::new(), 0);
            loop {
                let max = usize::try_from(1 + dice.below(20)).expect("small");
                let page = reader.search(query, skip, max).expect("searched");
                assert!(page.found.len() <= max);
                skip += page.found.len();
                found.extend(page.found.into_iter().map(|found| found.id));
                if page.more == More::No {
                    break;
                }
            }
            let once: BTreeSet<RecordId> = found.iter().copied().collect();
            assert_eq!(once.len(), found.len(), "{query}: each once");
            assert_eq!(once, self.ids(query), "{query}");
        }
        for number in 0..2 {
            self.serves(reader, number, dice);
        }
    }

    /// Pages hold what stands of an author, in order of revisions, and the catalogue says so.
    fn serves(&self, reader: &MarketReader, number: u64, dice: &mut Dice) {
        let of_author = self.0.iter().filter(|((author, _), _)| *author == number);
        let mut standing: Vec<_> = of_author.map(|(_, stands)| (stands.0, stands.1)).collect();
        standing.sort_unstable();
        let author = arrival((number, 0), 1, 0, 1).slot.author;
        let (mut served, mut after) = (Vec::new(), 0);
        loop {
            let aim = usize::try_from(1 + dice.below(600)).expect("small");
            let page = reader.page(author, after, aim).expect("read");
            let records = page.records.into_iter();
            served.extend(records.map(|(record, _)| (record.revision.get(), record.id)));
            after = served.last().map_or(0, |(revision, _)| *revision);
            if page.more == More::No {
                break;
            }
        }
        assert_eq!(served, standing);
        let catalogue = reader.catalogue(author).expect("read");
        let highest = standing.last().map(|(revision, _)| *revision);
        assert_eq!(catalogue.highest.map(Revision::get), highest);
        let ids = standing.iter().map(|(_, id)| *id);
        assert_eq!(catalogue.ids, ids.clone().collect());
        assert_eq!(reader.ids(author).expect("read"), ids.collect());
    }
}

fn bytes(reader: &MarketReader, table: Table) -> usize {
    let pairs = reader.inner.walk(&table.key(&[]), &table.end());
    pairs.map(|pair| pair.expect("read").value.len()).sum()
}

fn keys(reader: &MarketReader, table: Table) -> usize {
    reader.inner.walk(&table.key(&[]), &table.end()).count()
}

#[test]
fn the_index_finds_what_a_scan_finds() {
    for seed in 0..12 {
        let home = tempfile::tempdir().expect("a folder");
        let (mut reader, mut writer) = opened(home.path());
        let (mut dice, mut scanned) = (Dice(seed), Scanned::default());
        let mut revision = 0_u64;
        for _ in 0..60 {
            match dice.below(10) {
                0 => {
                    drop((reader, writer));
                    (reader, writer) = opened(home.path());
                }
                1 => {
                    let before = dice.below(900);
                    writer
                        .end(Time::new(before).expect("small"), usize::MAX)
                        .expect("ended");
                    scanned.0.retain(|_, (_, _, _, until)| *until >= before);
                }
                2 => {
                    let author = dice.below(2);
                    let highest = revision.saturating_sub(dice.below(40));
                    let is_named =
                        |place: &(u64, u64)| place.0 != author || !place.1.is_multiple_of(3);
                    scanned
                        .0
                        .retain(|place, stands| is_named(place) || stands.0 > highest);
                    let named = scanned.0.values().map(|stands| stands.1).collect();
                    let author = arrival((author, 0), 1, 0, 1).slot.author;
                    writer
                        .forget_unnamed(author, &named, highest)
                        .expect("forgotten");
                }
                _ => {
                    let mut arrivals = Vec::new();
                    for _ in 0..1 + dice.below(12) {
                        revision += 1;
                        let place = (dice.below(2), dice.below(60));
                        let title = usize::try_from(dice.below(8)).expect("small");
                        let until = dice.below(1_000);
                        let arrival = arrival(place, revision, title, until);
                        scanned
                            .0
                            .insert(place, (revision, arrival.id, title, until));
                        arrivals.push(arrival);
                    }
                    // What was published last may come first.
                    if dice.below(3) == 0 {
                        let later = arrivals.split_off(arrivals.len() / 2);
                        writer.take(later).expect("taken");
                    }
                    writer.take(arrivals).expect("taken");
                }
            }
            scanned.agrees(&reader, &mut dice);
        }
        assert!(keys(&reader, Table::Segment) > 0, "segments were made");
    }
}

/// Of a tree whose records are replaced one after the other, never more than twice what stands is kept.
#[test]
fn records_of_the_past_go() {
    let home = tempfile::tempdir().expect("a folder");
    let (reader, mut writer) = opened(home.path());
    let of = |revision: u64| arrival((0, revision % 64), revision, 0, 900);
    writer.take((64..128).map(of).collect()).expect("taken");
    let one = bytes(&reader, Table::Records) / 64;
    for gone in 1..=64_u64 {
        // The other offers come each in a tree of its own.
        let subject = gone * 37 % 64;
        writer
            .take(vec![of(64 * (gone + 2) + subject)])
            .expect("taken");
        let others = usize::try_from(gone).expect("small");
        let of_first = bytes(&reader, Table::Records) / one - others;
        let standing = 64 - others;
        assert!(of_first <= 2 * standing, "{of_first} for {standing}");
    }
    assert_eq!(keys(&reader, Table::Tree), 64);
}

/// What is of the past takes no more room than a few times that of what stands.
#[test]
fn rows_of_the_past_go() {
    let home = tempfile::tempdir().expect("a folder");
    let (reader, mut writer) = opened(home.path());
    let mut dice = Dice(1);
    for revision in 1..2_000 {
        let arrival = arrival((0, dice.below(40)), revision, 0, revision);
        writer.take(vec![arrival]).expect("taken");
        let segments = keys(&reader, Table::Segment);
        assert!(
            segments <= 12,
            "{segments} segments of 16 rows for 40 offers"
        );
    }
    assert_eq!(keys(&reader, Table::Slot), 40);
    let all = Time::new(3_000).expect("small");
    assert_eq!(writer.end(all, 30).expect("ended"), 30);
    assert_eq!(writer.end(all, 30).expect("ended"), 10);
    for table in [
        Table::Slot,
        Table::Run,
        Table::Apart,
        Table::Tree,
        Table::Held,
        Table::Records,
    ] {
        assert_eq!(keys(&reader, table), 0, "{table:?}");
    }
}
