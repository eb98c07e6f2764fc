//! Orders of events that bundles and chains may meet: all of them for few parties, some at random
//! for more. What breaks a rule must be found.

use omni_protocol::bundle::{BundleState, LegState};
use omni_tests::effort::number_from;
use proptest::prelude::*;

use crate::search;
use crate::world::{Action, Broken, Shape, World};

/// All states that can be reached, or what is wrong in one of them.
fn explore(shape: &Shape, check: impl Fn(&World) -> Option<String>) -> Result<usize, String> {
    search::explore(
        World::held(shape),
        |world| world.actions(shape),
        |world, action| world.act(shape, action),
        check,
    )
}

/// Holds at each moment, and healing leads to one end.
fn honest(shape: &Shape) -> impl Fn(&World) -> Option<String> {
    move |world| {
        if let Some(complaint) = world.complaint(shape) {
            return Some(complaint.to_owned());
        }
        let mut healed = world.clone();
        healed.heal(shape);
        healed.unsettled(shape)
    }
}

fn losing(shape: &Shape) -> Shape {
    Shape {
        losses: 1,
        ..shape.clone()
    }
}

/// Explores so many of these shapes, the small ones first.
fn check_all(shapes: &[(Shape, usize)], share: u64) {
    let count = usize::try_from(number_from("OMNI_BUNDLE_SHAPES", share)).unwrap();
    for (shape, least) in shapes.iter().take(count) {
        let found = explore(shape, honest(shape)).unwrap();
        println!("{found} states of {shape:?}");
        assert!(found >= *least, "only {found} states of {shape:?}");
    }
}

#[test]
fn i21_all_orders_of_a_bundle_end_alike() {
    let (two, three) = (Shape::flat(2), Shape::flat(3));
    let with = |crashes, lapses, shape: &Shape| Shape {
        crashes,
        lapses,
        ..shape.clone()
    };
    let last = Shape {
        last: Some(0),
        ..three.clone()
    };
    check_all(
        &[
            (two.clone(), 400),
            (losing(&two), 1_000),
            (with(2, true, &two), 1_000),
            (last.clone(), 20_000),
            (three.clone(), 30_000),
            (with(0, true, &three), 30_000),
            (with(1, false, &last), 30_000),
            (with(1, true, &three), 100_000),
            (losing(&three), 100_000),
        ],
        5,
    );
}

#[test]
fn i23_all_orders_of_a_bundle_with_a_chain_end_alike() {
    let (one, two) = (Shape::chain(1), Shape::chain(2));
    let lapsing = Shape {
        lapses: true,
        ..one.clone()
    };
    let crashing = Shape {
        crashes: 1,
        ..one.clone()
    };
    check_all(
        &[
            (one, 10_000),
            (lapsing, 30_000),
            (crashing, 50_000),
            (two, 100_000),
        ],
        2,
    );
}

/// What is in doubt ends although its requester never comes back.
#[test]
fn members_end_without_their_requester() {
    let shape = Shape::flat(3);
    let ends = |world: &World| {
        let mut healed = world.clone();
        healed.heal_without_requester(&shape);
        if let Some(complaint) = healed.complaint(&shape) {
            return Some(complaint.to_owned());
        }
        let armed = (0..3).find(|site| healed.state(*site) == Some(LegState::Armed));
        armed.map(|site| format!("{site} is in doubt for ever"))
    };
    let found = explore(&shape, ends).unwrap();
    assert!(found > 1_000, "only {found} states");
}

#[test]
fn what_is_broken_is_found() {
    for (broken, shape, expected) in [
        (Broken::AllButOne, Shape::flat(3), "I19"),
        (Broken::TimerAborts, Shape::flat(2), "I2"),
        (Broken::OneGreeting, losing(&Shape::flat(2)), "I2"),
        (Broken::ArmsBeforeParts, Shape::chain(1), "I23"),
        (Broken::LeafDecides, Shape::chain(1), "I"),
    ] {
        let shape = Shape { broken, ..shape };
        let found = explore(&shape, |world| world.complaint(&shape).map(str::to_owned));
        let complaint = found.expect_err("a broken rule shows");
        assert!(complaint.starts_with(expected), "{broken:?}: {complaint}");
    }
}

/// The two wrong readings of 'the leaf decides' end a bundle in two ways, and not only break a rule
/// of their own.
#[test]
fn wrong_readings_of_a_chain_give_partial_bundles() {
    for broken in [Broken::ArmsBeforeParts, Broken::LeafDecides] {
        let shape = Shape {
            broken,
            ..Shape::chain(1)
        };
        let partial = |world: &World| {
            let ended = |states: &[LegState]| {
                (0..3).any(|site| world.state(site).is_some_and(|one| states.contains(&one)))
            };
            let both = ended(&[LegState::Agreed]) && ended(&[LegState::Refused, LegState::Aborted]);
            both.then(|| "partial".to_owned())
        };
        assert!(explore(&shape, partial).is_err(), "{broken:?}");
    }
}

/// Three legs, the last a chain of two deals with a part beside it.
fn large() -> Shape {
    Shape {
        above: vec![None, None, None, Some(2), Some(3), Some(2)],
        crashes: 3,
        ..Shape::flat(0)
    }
}

/// Two bundles want the one unit of each provider; a hold is given where a unit is free.
fn act(shape: &Shape, worlds: &mut [World; 2], at: usize, drawn: u16) {
    let mut actions = worlds[at].actions(shape);
    actions.retain(|action| match action {
        Action::Hold(site) => worlds.iter().all(|world| world.promised(*site) == 0),
        // Else nothing would ever be committed.
        Action::Cancel => drawn.is_multiple_of(64),
        Action::Expire(_) => drawn.is_multiple_of(256),
        _ => true,
    });
    let chosen = usize::from(drawn) * actions.len() / (usize::from(u16::MAX) + 1);
    if let Some(action) = actions.get(chosen) {
        worlds[at].act(shape, *action);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: u32::try_from(number_from("OMNI_BUNDLES", 400)).unwrap(),
        ..ProptestConfig::default()
    })]

    #[test]
    fn i22_random_orders_end_alike_and_promise_nothing_twice(
        drawn in prop::collection::vec((0..2_usize, any::<u16>()), 0..400),
        last in prop::option::of(0..2_usize),
        lapses in any::<bool>(),
    ) {
        let shape = Shape { last, lapses, ..large() };
        let mut worlds = [World::begun(&shape), World::begun(&shape)];
        for (at, drawn) in drawn {
            act(&shape, &mut worlds, at, drawn);
            prop_assert_eq!(worlds[at].complaint(&shape), None);
            for site in 0..shape.above.len() {
                let promised = worlds[0].promised(site) + worlds[1].promised(site);
                prop_assert!(promised <= 1, "I8: {} of one unit at {}", promised, site);
            }
        }
        for world in &mut worlds {
            world.heal(&shape);
            prop_assert_eq!(world.unsettled(&shape), None);
        }
    }
}

/// The random runs are of use only if many of them commit and some abort.
#[test]
fn random_orders_come_to_both_ends() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};

    let (shape, mut runner) = (large(), TestRunner::deterministic());
    let orders = prop::collection::vec(any::<u16>(), 300..=800);
    let mut ends = [0, 0];
    for _ in 0..200 {
        let mut worlds = [World::begun(&shape), World::begun(&shape)];
        for drawn in orders.new_tree(&mut runner).unwrap().current() {
            act(&shape, &mut worlds, usize::from(drawn % 2), drawn);
        }
        for mut world in worlds {
            world.heal(&shape);
            match world.requester.state() {
                BundleState::Agreed => ends[0] += 1,
                BundleState::Aborted => ends[1] += 1,
                _ => {}
            }
        }
    }
    println!("agreed and aborted: {ends:?}");
    assert!(
        ends.iter().all(|end| *end > 10),
        "agreed and aborted: {ends:?}"
    );
}
