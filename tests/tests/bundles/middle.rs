//! The table of the middle partner of a chain alone, cell by cell.

use omni_protocol::bundle::{
    Span,
    middle::{MiddleInput, MiddleState, step},
};

use crate::cells::{cells, listed, said};

const TABLE: &str = "bundle table: middle";

#[test]
fn each_cell_of_the_middle_partner_is_as_listed() {
    for cell in cells(TABLE) {
        let state = MiddleState::from_name(&cell.state).unwrap();
        let input = MiddleInput::from_name(&cell.input).unwrap();
        let hold = match cell.guard.as_str() {
            "hold over" => Span::Over,
            _ => Span::Runs,
        };
        let (next, acts) = step(state, input, hold);
        assert_eq!(next.name(), cell.next, "{cell:?}");
        assert_eq!(said(&acts), cell.emits, "{cell:?}");
    }
}

#[test]
fn cells_that_are_not_listed_stay() {
    let listed = listed(&cells(TABLE));
    for state in MiddleState::ALL {
        for input in MiddleInput::ALL {
            if !listed.contains(&(state.name().into(), input.name().into())) {
                let (next, acts) = step(*state, *input, Span::Over);
                assert_eq!(next, *state, "{input}");
                let expected = if input.is_record() { "stored" } else { "" };
                assert_eq!(said(&acts), expected, "{state} {input}");
            }
        }
    }
}
