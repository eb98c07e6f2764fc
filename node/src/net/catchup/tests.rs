//! When what is pulled, from whom and how often, by a clock of our own.

use super::*;

const EVERY: Duration = Duration::from_secs(30);

fn revision(n: u64) -> Revision {
    Revision::new(n).unwrap()
}

fn done(highest: u64) -> Pulled {
    let highest = revision(highest);
    let is_news = false;
    Pulled::Done { highest, is_news }
}

fn want(author: u8, highest: u64, after: u64) -> Want {
    Want {
        author: PartnerId::from_bytes([author; 32]),
        head: Head {
            highest: revision(highest),
            count: 1,
            fingerprint: Fingerprint::from_bytes([author; 16]),
        },
        word: Word::Author,
        after: revision(after),
        needs_keys: false,
    }
}

fn at(begin: Instant, ms: u64) -> Instant {
    begin + Duration::from_millis(ms)
}

/// A catch-up whose sessions have compared once and are free.
fn quiet(sessions: &[SessionNumber], now: Instant) -> Catchup {
    let mut catchup = Catchup::new(EVERY);
    for session in sessions {
        catchup.up(*session, now);
    }
    let first = catchup.due(now);
    let heads = |s: &SessionNumber| (*s, Errand::Heads(vec![]));
    assert_eq!(first, sessions.iter().map(heads).collect::<Vec<_>>());
    assert_eq!(catchup.due(now), []);
    for session in sessions {
        catchup.free(*session);
    }
    catchup
}

/// What is pulled now; whatever else is due is done at once.
fn pulls_of(catchup: &mut Catchup, now: Instant) -> Vec<Want> {
    let errands = catchup.due(now).into_iter();
    let pulls = errands.filter_map(|(session, errand)| match errand {
        Errand::Pull(want) => Some(want),
        Errand::Heads(_) | Errand::Keys(_) => {
            catchup.free(session);
            None
        }
    });
    pulls.collect()
}

#[test]
fn neighbours_are_asked_every_half_to_whole_minute() {
    let begin = Instant::now();
    let mut catchup = quiet(&[1, 2, 3], begin);
    let mut asked: BTreeMap<SessionNumber, Vec<u64>> = BTreeMap::new();
    for ms in (0..=600_000).step_by(200) {
        for (session, errand) in catchup.due(at(begin, ms)) {
            assert_eq!(errand, Errand::Heads(vec![]));
            asked.entry(session).or_default().push(ms);
            catchup.free(session);
        }
    }
    for times in asked.values() {
        for pair in times.windows(2) {
            let gap = pair[1] - pair[0];
            assert!((30_000..=60_200).contains(&gap), "{times:?}");
        }
    }
    assert_eq!(asked.len(), 3);
}

#[test]
fn a_catalogue_is_pulled_until_its_head_is_reached() {
    let begin = Instant::now();
    let mut catchup = quiet(&[1], begin);
    let wanted = want(9, 500, 100);
    catchup.want(wanted.clone(), [1], begin);
    assert_eq!(catchup.due(begin), [(1, Errand::Pull(wanted.clone()))]);
    assert_eq!(catchup.due(begin), [], "one errand at a time");

    catchup.pulled(1, &wanted, done(300), begin);
    assert_eq!(catchup.due(begin), [], "the source is not ready");
    let again = want(9, 500, 300);
    let later = at(begin, 600);
    assert_eq!(catchup.due(later), [(1, Errand::Pull(again.clone()))]);
    catchup.pulled(1, &again, done(500), later);
    assert_eq!(catchup.wanted(), 0);
}

#[test]
fn a_lost_source_is_replaced() {
    let begin = Instant::now();
    let mut catchup = quiet(&[1, 2], begin);
    let wanted = want(9, 500, 0);
    catchup.want(wanted.clone(), [1], begin);
    assert_eq!(catchup.due(begin), [(1, Errand::Pull(wanted.clone()))]);
    catchup.down(1, begin);
    assert_eq!(catchup.due(begin), [(2, Errand::Pull(wanted))]);
}

#[test]
fn the_same_head_is_pulled_whole_again_only_while_it_brings_something() {
    for (is_news, expected) in [(false, 1), (true, WHOLE_MAX)] {
        let begin = Instant::now();
        let mut catchup = quiet(&[1], begin);
        let wanted = want(9, 500, 0);
        let mut pulls = 0;
        let mut now = begin;
        for _ in 0..10 {
            catchup.want(wanted.clone(), [1], now);
            pulls += u8::try_from(pulls_of(&mut catchup, now).len()).unwrap();
            let highest = revision(500);
            catchup.pulled(1, &wanted, Pulled::Done { highest, is_news }, now);
            now += SOON_AFTER;
        }
        assert_eq!(pulls, expected, "news {is_news}");
        catchup.want(want(9, 501, 0), [1], now);
        assert_eq!(pulls_of(&mut catchup, now).len(), 1);
    }
}

#[test]
fn whoever_differs_is_compared_with_soon_and_each_time_later() {
    let begin = Instant::now();
    for (answered, expected) in [
        (Answered::Same, &[30_000_u64][..]),
        (Answered::Not, &[30_000]),
        (Answered::Otherwise, &[2_000, 6_000, 14_000, 30_000]),
    ] {
        let mut catchup = quiet(&[64], begin);
        catchup.compared(64, answered, begin);
        let mut times = vec![];
        for ms in (0..=31_000).step_by(500) {
            let now = at(begin, ms);
            for (session, _) in catchup.due(now) {
                times.push(ms);
                catchup.compared(session, answered, now);
            }
        }
        assert_eq!(times, expected, "{answered:?}");
    }
}

#[test]
fn what_came_by_gossip_hides_no_hole_below_it() {
    let begin = Instant::now();
    let mut catchup = quiet(&[1], begin);
    let first = want(9, 500, 0);
    catchup.want(first.clone(), [1], begin);
    catchup.due(begin);
    catchup.pulled(1, &first, done(500), begin);
    // Gossip brought 700, and what lies between never came.
    catchup.want(want(9, 800, 700), [1], begin);
    assert_eq!(catchup.due(begin), [(1, Errand::Pull(want(9, 800, 500)))]);
}

#[test]
fn the_last_named_source_is_asked_first() {
    let begin = Instant::now();
    let mut catchup = quiet(&[1, 2, 3], begin);
    let wanted = want(9, 500, 0);
    catchup.want(wanted.clone(), [2, 3], begin);
    catchup.want(wanted.clone(), [1, 2], begin);
    assert_eq!(catchup.due(begin), [(2, Errand::Pull(wanted))]);
}

#[test]
fn a_source_that_is_catching_up_itself_is_asked_again_soon() {
    let begin = Instant::now();
    let mut catchup = quiet(&[1], begin);
    let mut now = begin;
    catchup.want(want(9, 500, 0), [1], begin);
    for reached in [100, 200, 300, 400, 500] {
        let (_, errand) = catchup.due(now).pop().expect("it is asked");
        let Errand::Pull(asked) = errand else {
            panic!("{errand:?}");
        };
        catchup.pulled(1, &asked, done(reached), now);
        now += RETRY_MIN;
    }
    assert_eq!(catchup.wanted(), 0);
}

#[test]
fn the_authors_word_stands_against_a_neighbours_of_the_same_age() {
    let with = |word, highest, count| {
        let mut want = want(9, highest, 0);
        want.word = word;
        want.head.count = count;
        want
    };
    let (author, neighbour) = (Word::Author, Word::Neighbour);
    for (first, second, expected) in [
        (with(author, 500, 1), with(neighbour, 500, 2), 1),
        (with(neighbour, 500, 1), with(author, 500, 2), 2),
        (with(author, 500, 1), with(author, 500, 2), 2),
        (with(author, 500, 1), with(neighbour, 501, 2), 2),
        (with(neighbour, 500, 1), with(author, 499, 2), 1),
    ] {
        let begin = Instant::now();
        let mut catchup = quiet(&[1], begin);
        catchup.want(first.clone(), [1], begin);
        catchup.want(second.clone(), [1], begin);
        let (_, errand) = catchup.due(begin).pop().expect("it is asked");
        let Errand::Pull(asked) = errand else {
            panic!("{errand:?}");
        };
        assert_eq!(asked.head.count, expected, "{first:?} {second:?}");
    }
}

#[test]
fn what_differs_after_a_pull_is_pulled_whole_and_then_left() {
    let begin = Instant::now();
    let mut catchup = quiet(&[1], begin);
    let newer = want(9, 500, 100);
    for (ms, expected) in [
        (0, Some(100)),
        // What came is not stored yet.
        (1_900, None),
        (2_000, Some(0)),
        (3_900, None),
        (4_000, None),
    ] {
        let now = at(begin, ms);
        catchup.want(newer.clone(), [1], now);
        let pulled = pulls_of(&mut catchup, now).pop();
        if let Some(want) = &pulled {
            catchup.pulled(1, want, done(500), now);
        }
        let after = pulled.map(|want| want.after.get());
        assert_eq!(after, expected, "after {ms} ms");
    }
}

#[test]
fn a_pull_is_followed_by_another_comparison_unless_it_can_show_nothing() {
    let begin = Instant::now();
    for (after, is_news, expected) in [(100, true, 1), (100, false, 1), (0, true, 1), (0, false, 0)]
    {
        let mut catchup = quiet(&[1], begin);
        let wanted = want(9, 500, after);
        catchup.want(wanted.clone(), [1], begin);
        catchup.due(begin);
        let highest = revision(500);
        catchup.pulled(1, &wanted, Pulled::Done { highest, is_news }, begin);
        let due = catchup.due(at(begin, 2_100)).len();
        assert_eq!(due, expected, "after {after}, news {is_news}");
    }
}

#[test]
fn what_nobody_can_serve_is_left_after_a_minute() {
    let begin = Instant::now();
    let mut catchup = quiet(&[1], begin);
    catchup.want(want(9, 500, 100), [1], begin);
    let mut tries = 0;
    for ms in (0..70_000).step_by(100) {
        let now = at(begin, ms);
        for (session, errand) in catchup.due(now) {
            match errand {
                Errand::Pull(want) => {
                    tries += 1;
                    let nothing = done(0);
                    catchup.pulled(session, &want, nothing, now);
                }
                Errand::Heads(_) | Errand::Keys(_) => catchup.free(session),
            }
        }
    }
    assert!((30..=35).contains(&tries), "{tries}");
    assert_eq!(catchup.wanted(), 0);
}

#[test]
fn pulls_and_wants_are_bounded() {
    let begin = Instant::now();
    let mut catchup = quiet(&[1, 2, 3, 4, 5, 6], begin);
    for n in 0..5_000_u32 {
        let mut wanted = want(0, 500, 0);
        let mut id = [0; 32];
        id[..4].copy_from_slice(&n.to_be_bytes());
        wanted.author = PartnerId::from_bytes(id);
        catchup.want(wanted, [1, 2, 3, 4, 5, 6], begin);
    }
    assert_eq!(catchup.wanted(), WANTS_MAX);
    assert_eq!(catchup.due(begin).len(), PULLS_MAX);
}
