//! The table of the middle partner of a chain alone, cell by cell.

use omni_protocol::{
    bundle::{
        Act, Greeted, Span,
        middle::{MiddleFacts, MiddleInput, MiddleState, Parts, step},
    },
    code::Code,
};

use crate::cells::{cells, listed, said};

const TABLE: &str = "bundle table: middle";

pub fn facts() -> MiddleFacts {
    MiddleFacts {
        hold: Span::Runs,
        greeted: Greeted::All,
        names_hold: true,
        parts: Parts::Free,
        fit: Ok(()),
    }
}

fn facts_of(guard: &str) -> MiddleFacts {
    let mut facts = facts();
    match guard {
        "hold over" => facts.hold = Span::Over,
        "hold differs" => facts.names_hold = false,
        "part committed" => {
            facts.parts = Parts::Committed;
            // What is committed downstream is passed on, however late.
            facts.hold = Span::Over;
        }
        "part refused" => facts.parts = Parts::Refused,
        "judged unfit" => facts.fit = Err(Code::OverCredit),
        "" => {}
        other => panic!("no guard {other}"),
    }
    facts
}

#[test]
fn each_cell_of_the_middle_partner_is_as_listed() {
    for cell in cells(TABLE) {
        let state = MiddleState::from_name(&cell.state).unwrap();
        let input = MiddleInput::from_name(&cell.input).unwrap();
        let (next, acts) = step(state, input, &facts_of(&cell.guard));
        assert_eq!(next.name(), cell.next, "{cell:?}");
        let expected = cell.emits.replace("as judged", Code::OverCredit.name());
        assert_eq!(said(&acts), expected, "{cell:?}");
    }
}

#[test]
fn cells_that_are_not_listed_stay() {
    let listed = listed(&cells(TABLE));
    for state in MiddleState::ALL {
        for input in MiddleInput::ALL {
            if !listed.contains(&(state.name().into(), input.name().into())) {
                let (next, acts) = step(*state, *input, &facts_of("hold over"));
                assert_eq!(next, *state, "{input}");
                let expected = if input.is_record() { "stored" } else { "" };
                assert_eq!(said(&acts), expected, "{state} {input}");
            }
        }
    }
}

/// SPEC.md section 21: for whom has not greeted nothing is signed but a Release, and nothing changes
/// with it.
#[test]
fn nothing_is_decided_for_whom_has_not_greeted() {
    let binds = |act: &Act| {
        let is_named = matches!(act, Act::Hold | Act::Commit | Act::Receipt);
        is_named || matches!(act, Act::Refusal(_))
    };
    let mut found = 0;
    for cell in cells(TABLE) {
        let state = MiddleState::from_name(&cell.state).unwrap();
        let input = MiddleInput::from_name(&cell.input).unwrap();
        let facts = facts_of(&cell.guard);
        let before = step(state, input, &facts);
        let greeted = Greeted::Wanting;
        let after = step(state, input, &MiddleFacts { greeted, ..facts });
        if before.1.iter().any(binds) {
            found += 1;
            assert_eq!(after, (state, vec![]), "{cell:?}");
        } else {
            assert_eq!(after, before, "{cell:?}");
        }
    }
    assert!(found > 10, "only {found} cells decide");
}
