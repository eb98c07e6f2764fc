//! The comparison of one cell of a deal table with what the machine does.

use omni_protocol::machine::{Change, Mark, Step, Verdict};
use omni_tests::market::{answers, signed};
pub use omni_tests::spec::{Cell, cells};

use crate::scene::Scene;

/// Compares what a step did with what a row says. `judged` is the code behind 'as judged'.
pub fn compare(cell: &Cell, scene: &Scene, step: &Step, judged: &str) {
    let context = format!("{cell:?}\n{step:#?}");
    assert_eq!(scene.state(), cell.next, "next state of {context}");
    let (signed, answers) = (signed(step), answers(&scene.us, step));
    let none: Vec<String> = Vec::new();
    if let Some(code) = cell.emits.strip_prefix("refused to the operator: ") {
        assert!(
            matches!(step.verdict, Verdict::Refused(refused) if refused.name() == code),
            "verdict of {context}"
        );
        assert_eq!((signed, answers), (none.clone(), none), "{context}");
    } else if cell.emits == "recover" {
        let recovers = step
            .changes
            .iter()
            .any(|change| matches!(change, Change::Mark(Mark::Recovering { .. })));
        assert!(recovers, "recovery of {context}");
        assert_eq!((signed, answers), (none, vec!["lost".into()]), "{context}");
    } else if cell.emits.is_empty() {
        assert_eq!((signed, answers), (none.clone(), none), "{context}");
    } else {
        let emits = cell.emits.split(", ").map(|name| match name {
            "Refusal as judged" => format!("Refusal {judged}"),
            name => name.to_owned(),
        });
        let (answered, expected): (Vec<_>, Vec<_>) = emits.partition(|name| is_answer(name));
        assert_eq!(signed, expected, "signed of {context}");
        assert_eq!(answers, answered, "answers of {context}");
    }
}

fn is_answer(emits: &str) -> bool {
    emits == "stored"
        || emits.starts_with("again ")
        || emits.starts_with("reject ")
        || emits == "lost"
}

/// A cell that the table does not list: nothing is signed and the state stays. A record is answered
/// by Stored.
pub fn compare_unlisted(state: &str, input: &str, scene: &Scene, step: &Step, is_record: bool) {
    let context = format!("unlisted {state} | {input}\n{step:#?}");
    assert_eq!(scene.state(), state, "next state of {context}");
    assert_eq!(signed(step), Vec::<String>::new(), "signed of {context}");
    if is_record {
        assert_eq!(answers(&scene.us, step), ["stored"], "answers of {context}");
    }
}
