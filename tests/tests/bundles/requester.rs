//! The table of the bundle at the requester, cell by cell. It has three legs.

use omni_protocol::{
    bundle::{Act, BundleInput, BundleState, Decides, RequesterBundle},
    code::Code,
};

use crate::cells::{Cell, cells, listed, said};

const TABLE: &str = "bundle table: requester";

struct Scene(RequesterBundle);

impl Scene {
    fn put(&mut self, input: BundleInput) -> Vec<Act> {
        let (next, acts) = self.0.step(input, Ok(()));
        self.0 = next;
        acts
    }

    fn all(&mut self, input: fn(u16) -> BundleInput, legs: u16) {
        for number in 0..legs {
            self.put(input(number));
        }
    }
}

/// A bundle in this state; all its `ArmReceipt`s but the last are here where the next one is.
fn scene(state: &str, input: &str, guard: &str, decides: Decides) -> Scene {
    let mut scene = Scene(RequesterBundle::collecting(3, decides));
    if guard != "a hold missing" {
        scene.all(BundleInput::Hold, 3);
    }
    match state {
        "collecting" => return scene,
        "dropped" => {
            scene.put(BundleInput::Cancel);
            return scene;
        }
        _ => scene.put(BundleInput::Accept),
    };
    match state {
        "written" => {
            scene.put(BundleInput::WriteOff);
        }
        "armed" => scene.all(BundleInput::ArmReceipt, 3),
        "agreed" if decides == Decides::Whole => {
            scene.all(BundleInput::ArmReceipt, 3);
            scene.put(BundleInput::WholeAgreed);
        }
        "agreed" => scene.all(BundleInput::ArmReceipt, 3),
        "aborted" if decides == Decides::Whole => {
            scene.put(BundleInput::Refusal(1));
            scene.put(BundleInput::WholeAborted);
        }
        "aborted" => {
            scene.put(BundleInput::Refusal(1));
        }
        _ => {}
    }
    if input == "ArmReceipt" && matches!(state, "doubt" | "written") && guard != "others missing" {
        scene.all(BundleInput::ArmReceipt, 2);
    }
    assert_eq!(scene.0.state().name(), state, "the scene is set");
    scene
}

fn input(name: &str, guard: &str) -> BundleInput {
    match (name, guard) {
        ("Hold", _) => BundleInput::Hold(0),
        ("ArmReceipt", "of a leg that refused") => BundleInput::ArmReceipt(1),
        ("ArmReceipt", _) => BundleInput::ArmReceipt(2),
        ("Refusal", "names no leg") => BundleInput::RefusalOfDeal(1),
        ("Refusal", _) => BundleInput::Refusal(1),
        ("Lapse", _) => BundleInput::Lapse(1),
        ("Lost", _) => BundleInput::Lost,
        ("accept", _) => BundleInput::Accept,
        ("cancel", _) => BundleInput::Cancel,
        ("write-off", _) => BundleInput::WriteOff,
        ("whole agreed", _) => BundleInput::WholeAgreed,
        ("whole aborted", _) => BundleInput::WholeAborted,
        ("greeted", _) => BundleInput::Greeted,
        ("over", _) => BundleInput::Over,
        _ => panic!("no input {name}"),
    }
}

const INPUTS: [&str; 12] = [
    "Hold",
    "ArmReceipt",
    "Refusal",
    "Lapse",
    "Lost",
    "accept",
    "cancel",
    "write-off",
    "whole agreed",
    "whole aborted",
    "greeted",
    "over",
];

fn check(cell: &Cell, guard: &str, decides: Decides) {
    let scene = scene(&cell.state, &cell.input, guard, decides);
    let fit = match guard {
        "a hold over" => Err(Code::HoldOver),
        "credit short" => Err(Code::OverCredit),
        _ => Ok(()),
    };
    let (next, acts) = scene.0.step(input(&cell.input, guard), fit);
    assert_eq!(next.state().name(), cell.next, "{cell:?} {decides}");
    assert_eq!(said(&acts), cell.emits, "{cell:?} {decides}");
}

#[test]
fn each_cell_of_the_requester_is_as_listed() {
    for cell in cells(TABLE) {
        let of_whole = cell.guard == "part of a whole" || cell.input.starts_with("whole");
        match cell.guard.as_str() {
            "others missing, or part of a whole" => {
                check(&cell, "others missing", Decides::Own);
                check(&cell, "part of a whole", Decides::Whole);
            }
            guard if of_whole || cell.state == "armed" => check(&cell, guard, Decides::Whole),
            guard => check(&cell, guard, Decides::Own),
        }
    }
}

#[test]
fn cells_that_are_not_listed_stay() {
    let listed = listed(&cells(TABLE));
    for state in BundleState::ALL {
        for name in INPUTS {
            if listed.contains(&(state.name().into(), name.into())) {
                continue;
            }
            let decides = if *state == BundleState::Armed {
                Decides::Whole
            } else {
                Decides::Own
            };
            let mut scene = scene(state.name(), name, "", decides);
            let input = input(name, "");
            let acts = scene.put(input);
            assert_eq!(scene.0.state(), *state, "{name}");
            let expected = if input.is_record() { "stored" } else { "" };
            assert_eq!(said(&acts), expected, "{state} {name}");
        }
    }
}

/// What a leg above is told: nothing before all parts armed or one refused.
#[test]
fn parts_are_told_when_all_armed_or_one_refused() {
    for (last, expected) in [
        (BundleInput::ArmReceipt(2), Some("PartsArmed")),
        (BundleInput::Refusal(2), Some("PartRefused")),
        (BundleInput::Lapse(2), None),
    ] {
        let mut scene = scene("doubt", "ArmReceipt", "", Decides::Whole);
        assert_eq!(scene.0.parts(), None);
        scene.put(last);
        let told = scene.0.parts().map(|input| format!("{input:?}"));
        assert_eq!(told.as_deref(), expected, "{last:?}");
    }
}
