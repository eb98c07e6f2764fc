//! Makes a plan that fails smaller: fewer actions by delta debugging (Zeller and Hildebrandt
//! 2002), then weaker faults. It keeps out what counts as failing.

use super::plan::{Action, Plan};

/// The smallest plan that was found for which `fails` still holds.
pub fn shrink(plan: &Plan, fails: &mut dyn FnMut(&Plan) -> bool) -> Plan {
    let mut smallest = plan.clone();
    loop {
        let actions = smallest.actions.len();
        fewer_actions(&mut smallest, fails);
        weaker_faults(&mut smallest, fails);
        if smallest.actions.len() == actions {
            return smallest;
        }
    }
}

/// Leaves out parts of the list, first large ones, in the end single actions.
fn fewer_actions(smallest: &mut Plan, fails: &mut dyn FnMut(&Plan) -> bool) {
    let mut size = smallest.actions.len().div_ceil(2);
    while size > 0 {
        let mut from = 0;
        while from < smallest.actions.len() {
            let mut actions: Vec<Action> = smallest.actions.clone();
            actions.drain(from..(from + size).min(actions.len()));
            let plan = Plan {
                actions,
                ..smallest.clone()
            };
            if fails(&plan) {
                *smallest = plan;
            } else {
                from += size;
            }
        }
        size /= 2;
    }
}

fn weaker_faults(smallest: &mut Plan, fails: &mut dyn FnMut(&Plan) -> bool) {
    const WEAKER: [fn(&mut Plan); 8] = [
        |plan| plan.mix.network.loss = 0,
        |plan| plan.mix.network.duplication = 0,
        |plan| plan.mix.network.late = 0,
        |plan| plan.mix.network.reorders = false,
        |plan| plan.mix.network.delay_ms_max = 1,
        |plan| plan.mix.sync_ms_max = 1,
        |plan| plan.mix.skew_ms.fill(0),
        |plan| plan.mix.pairs.truncate(1),
    ];
    for weaken in WEAKER {
        let mut plan = smallest.clone();
        weaken(&mut plan);
        if plan != *smallest && fails(&plan) {
            *smallest = plan;
        }
    }
}
