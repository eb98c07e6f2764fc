//! The two-party deal, checked exhaustively within bounds (stateright): the production machine, not
//! a copy, over all orders of what may befall it. The checks run a share, 20,000 moments;
//! `OMNI_MODEL=all` runs half a million more, which takes some minutes in a build with optimisation.

mod heal;
mod site;
mod world;

use std::{thread, time::Instant};

use omni_protocol::deal::Opening;
use stateright::{Checker, DiscoveryClassification, HasDiscoveries, Model};
use world::{Often, Order, World};

const OPENINGS: [Opening; 3] = [
    Opening::Request,
    Opening::ProviderProposal,
    Opening::RequesterProposal,
];

/// Explores a world as far as so many steps, or wholly; tells how far it came.
fn explored(world: &World, depth: Depth) -> impl Checker<World> {
    let begun = Instant::now();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let builder = world.clone().checker().threads(threads);
    let builder = match depth {
        Depth::Whole => builder,
        // The beginning counts as one.
        Depth::Steps(steps) => builder.target_max_depth(steps + 2),
    };
    let checker = builder
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    println!(
        "{:?} {:?} {:?} {depth:?}: {} moments, {} by all ways, {} steps deep, {:.1} s",
        world.opening,
        world.order,
        world.often,
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        begun.elapsed().as_secs_f32(),
    );
    checker
}

#[derive(Clone, Copy, Debug)]
enum Depth {
    Whole,
    Steps(usize),
}

/// A way to what does not hold, step by step.
fn broken(checker: &impl Checker<World>) -> Option<String> {
    let (property, path) = checker.discoveries().into_iter().find(|(property, _)| {
        let found = checker.discovery_classification(property);
        matches!(found, DiscoveryClassification::Counterexample)
    })?;
    let mut told = format!("{property} does not hold:\n");
    for (moment, action) in path.into_vec() {
        let next = action.map_or_else(
            || format!("{:?} {:?}", moment.broken, moment.heals()),
            |action| moment.tell(&action),
        );
        told.push_str(&format!("  {:?} {next}\n", moment.states()));
    }
    Some(told)
}

/// A shortest way to what does not hold.
fn shortest(world: &World) -> Option<String> {
    broken(&explored(world, Depth::Whole))?;
    (0..).find_map(|steps| broken(&explored(world, Depth::Steps(steps))))
}

/// Checks each opening; the checks of every day stop here unless all is asked for.
fn holds(order: Order, often: Often, share: Share) {
    if share == Share::All && !std::env::var("OMNI_MODEL").is_ok_and(|share| share == "all") {
        println!("left to OMNI_MODEL=all: {often:?}");
        return;
    }
    for opening in OPENINGS {
        let world = World {
            opening,
            often,
            unsynced: false,
            order,
        };
        let checker = explored(&world, Depth::Whole);
        if broken(&checker).is_some() {
            panic!("{}", shortest(&world).unwrap());
        }
        // What must be possible was met too: a world in which nothing happens holds everything.
        checker.assert_properties();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    Each,
    All,
}

const CALM: Often = Often {
    crashes: [0, 0],
    images: [0, 0],
    late_clocks: [0, 0],
    repeats: 0,
    reconnects: 0,
    questions: 0,
};

#[test]
fn i12_crashes_of_both_change_no_decision() {
    let crashes = |each| Often {
        crashes: [each; 2],
        ..CALM
    };
    holds(Order::Sent, crashes(1), Share::Each);
    holds(Order::Sent, crashes(2), Share::All);
}

#[test]
fn i12_lost_late_and_repeated_letters_change_no_decision() {
    let often = Often {
        late_clocks: [0, 1],
        repeats: 1,
        questions: 1,
        ..CALM
    };
    holds(Order::Any, often, Share::Each);
    let wide = Often {
        late_clocks: [1, 1],
        reconnects: 1,
        ..often
    };
    holds(Order::Any, wide, Share::All);
}

#[test]
fn i12_an_old_image_of_either_changes_no_decision() {
    for images in [[1, 0], [0, 1]] {
        let often = Often { images, ..CALM };
        holds(Order::Sent, often, Share::Each);
        let late_clocks = [1, 1];
        let also_late = Often {
            late_clocks,
            ..often
        };
        holds(Order::Sent, also_late, Share::All);
        let crashes = [1, 1];
        let also_crashing = Often { crashes, ..often };
        holds(Order::Sent, also_crashing, Share::All);
    }
}

#[test]
fn a_planted_bug_is_found() {
    let told = shortest(&World {
        opening: Opening::Request,
        often: Often {
            crashes: [0, 1],
            ..CALM
        },
        unsynced: true,
        order: Order::Sent,
    });
    println!("{}", told.expect("what was sent before its sync is missed"));
}
