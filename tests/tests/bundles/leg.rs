//! The table of the provider's leg, cell by cell. The leg is the first of three.

use omni_protocol::{
    bundle::{
        Act, Backing, Greeted, LegFacts, LegInput, LegState, Outcome, Place, ProviderLeg, Span,
        Turn, Units,
    },
    code::Code,
};

use crate::cells::{Cell, cells, listed, said};

const TABLE: &str = "bundle table: leg";

fn place(turn: Turn) -> Place {
    Place {
        legs: 3,
        number: Some(0),
        turn,
    }
}

pub fn facts() -> LegFacts {
    LegFacts {
        hold: Span::Runs,
        patience: Span::Over,
        greeted: Greeted::All,
        names_hold: true,
        fit: Ok(()),
    }
}

/// A leg, and what is said to it of its place.
struct Scene {
    leg: ProviderLeg,
    turn: Turn,
    facts: LegFacts,
}

impl Scene {
    fn new(backing: Backing, turn: Turn) -> Self {
        Self {
            leg: ProviderLeg::held(backing),
            turn,
            facts: facts(),
        }
    }

    fn put(&mut self, input: LegInput) -> Vec<Act> {
        let (next, acts) = self.leg.step(input, &self.facts);
        self.leg = next;
        acts
    }

    fn input(&self, name: &str, number: u16) -> LegInput {
        let place = place(self.turn);
        match name {
            "Manifest" => LegInput::Manifest(place),
            "other Manifest" => LegInput::OtherManifest,
            "Commit" => LegInput::Commit,
            "ArmReceipt" => LegInput::ArmReceipt(place, number),
            "Refusal" => LegInput::Refusal(place, number),
            "Lapse" => LegInput::CoLapse,
            "own ArmReceipt" => LegInput::OwnArmReceipt(place),
            "Release" => LegInput::Release,
            "parts armed" => LegInput::PartsArmed,
            "part refused" => LegInput::PartRefused,
            "greeted" => LegInput::Greeted,
            "over" => LegInput::Over,
            "lapse" => LegInput::Lapse,
            "cancel" => LegInput::Cancel,
            _ => panic!("no input {name}"),
        }
    }
}

const INPUTS: [&str; 14] = [
    "Manifest",
    "other Manifest",
    "Commit",
    "ArmReceipt",
    "Refusal",
    "Lapse",
    "own ArmReceipt",
    "Release",
    "parts armed",
    "part refused",
    "greeted",
    "over",
    "lapse",
    "cancel",
];

/// A leg in this state, for the input and guard of a cell.
fn scene(state: &str, input: &str, guard: &str) -> Scene {
    let backing = match (state, input, guard) {
        ("held", "Manifest", "rests on parts") => Backing::Parts,
        ("held" | "waiting", "parts armed" | "part refused", _) => Backing::Parts,
        _ => Backing::Stock,
    };
    let turn = match (state, guard) {
        ("held", "arms last") | ("waiting", "arms last, others missing" | "all others armed") => {
            Turn::Last
        }
        ("waiting", _) if backing == Backing::Stock => Turn::Last,
        _ => Turn::Asked,
    };
    let mut scene = Scene::new(backing, turn);
    let receipt = |scene: &mut Scene, number| scene.put(LegInput::ArmReceipt(place(turn), number));
    match state {
        "held" => {}
        "sold" => scene.leg = ProviderLeg::sold(backing),
        "closed" => {
            scene.facts.greeted = Greeted::Wanting;
            scene.put(LegInput::Over);
            scene.facts = facts();
        }
        "refused" if guard == "no Refusal names it yet" => {
            scene.put(LegInput::Release);
        }
        "refused" => {
            scene.facts.hold = Span::Over;
            scene.put(LegInput::Manifest(place(turn)));
            scene.facts = facts();
        }
        _ => {
            scene.put(LegInput::Manifest(place(turn)));
        }
    }
    match state {
        "agreed" => {
            receipt(&mut scene, 1);
            receipt(&mut scene, 2);
        }
        "aborted" => {
            scene.put(LegInput::Refusal(place(turn), 1));
        }
        "lapsed" => {
            scene.put(LegInput::Lapse);
        }
        "armed" | "waiting" if input == "ArmReceipt" && !guard.starts_with("others missing") => {
            receipt(&mut scene, 2);
        }
        "waiting" if guard == "all others armed" => {
            receipt(&mut scene, 1);
            receipt(&mut scene, 2);
        }
        _ => {}
    }
    assert_eq!(scene.leg.state().name(), state, "the scene is set");
    match guard {
        "hold over" => scene.facts.hold = Span::Over,
        "hold differs" => scene.facts.names_hold = false,
        "judged unfit" => scene.facts.fit = Err(Code::CoLegsRefused),
        "a member not greeted" => scene.facts.greeted = Greeted::Wanting,
        "patience runs" => scene.facts.patience = Span::Runs,
        _ => {}
    }
    scene
}

/// Of the aborted leg the first co-leg refused; elsewhere that one is the last that arms.
fn number(cell: &Cell) -> u16 {
    match (cell.state.as_str(), cell.guard.as_str()) {
        ("aborted", "") => 2,
        _ => 1,
    }
}

#[test]
fn each_cell_of_the_leg_is_as_listed() {
    for cell in cells(TABLE) {
        let mut scene = scene(&cell.state, &cell.input, &cell.guard);
        let input = scene.input(&cell.input, number(&cell));
        let before = scene.leg;
        let acts = scene.put(input);
        if let Some(first) = cell.next.strip_prefix("as ") {
            // The manifest that it brings makes the leg what the manifest alone makes it, and the
            // ArmReceipt counts.
            let (alone, expected) = before.step(scene.input(first, 0), &scene.facts);
            assert_eq!(scene.leg.state(), alone.state(), "{cell:?}");
            assert_eq!(acts, expected, "{cell:?}");
            continue;
        }
        assert_eq!(scene.leg.state().name(), cell.next, "{cell:?}");
        let expected = cell.emits.replace("as before", Code::Released.name());
        assert_eq!(said(&acts), expected, "{cell:?}");
    }
}

#[test]
fn cells_that_are_not_listed_stay() {
    let listed = listed(&cells(TABLE));
    for state in LegState::ALL {
        for input in INPUTS {
            if listed.contains(&(state.name().into(), input.into())) {
                continue;
            }
            let mut scene = scene(state.name(), input, "");
            let input = scene.input(input, 1);
            let acts = scene.put(input);
            assert_eq!(scene.leg.state(), *state, "{input:?}");
            let expected = if input.is_record() { "stored" } else { "" };
            assert_eq!(said(&acts), expected, "{state} {input:?}");
        }
    }
}

/// SPEC.md section 20: before all who must have greeted, no Refusal is signed, whatever the cell.
#[test]
fn no_refusal_is_signed_before_all_have_greeted() {
    let mut found = 0;
    for cell in cells(TABLE) {
        let mut scene = scene(&cell.state, &cell.input, &cell.guard);
        let input = scene.input(&cell.input, number(&cell));
        let refuses = |acts: &[Act]| acts.iter().any(|act| matches!(act, Act::Refusal(_)));
        let would = refuses(&scene.leg.step(input, &scene.facts).1);
        let before = scene.leg;
        scene.facts.greeted = Greeted::Wanting;
        let acts = scene.put(input);
        assert!(!refuses(&acts), "{cell:?}");
        if would && input != LegInput::Over {
            found += 1;
            assert_eq!(scene.leg, before, "{cell:?}");
            let expected = if input.is_record() { "lost" } else { "" };
            assert_eq!(said(&acts), expected, "{cell:?}");
        }
    }
    assert!(found > 10, "only {found} cells refuse");
}

/// A leg that is not in doubt reserves nothing, and one in doubt all of it.
#[test]
fn units_follow_the_state() {
    for (state, units) in [
        ("held", Units::Held),
        ("closed", Units::Free),
        ("sold", Units::Sold),
        ("refused", Units::Free),
        ("waiting", Units::Held),
        ("armed", Units::Held),
        ("agreed", Units::Sold),
        ("aborted", Units::Free),
        ("lapsed", Units::Free),
    ] {
        assert_eq!(
            LegState::from_name(state).unwrap().units(),
            units,
            "{state}"
        );
    }
}

/// Whatever brings the last `ArmReceipt`, a leg is agreed by all of them and keeps that.
#[test]
fn i19_the_last_receipt_agrees_and_a_later_refusal_changes_nothing() {
    for turn in [Turn::Asked, Turn::Last] {
        let mut scene = Scene::new(Backing::Stock, turn);
        // The first comes before the manifest itself, which it brings.
        scene.put(LegInput::ArmReceipt(place(turn), 2));
        assert_eq!(scene.leg.outcome(), Outcome::Open);
        scene.put(LegInput::ArmReceipt(place(turn), 2));
        assert_ne!(scene.leg.state(), LegState::Agreed);
        scene.put(LegInput::ArmReceipt(place(turn), 1));
        assert_eq!(scene.leg.state(), LegState::Agreed, "{turn}");
        assert_eq!(
            said(&scene.put(LegInput::Refusal(place(turn), 1))),
            "Evidence"
        );
        assert_eq!(scene.leg.state(), LegState::Agreed, "{turn}");
    }
}
