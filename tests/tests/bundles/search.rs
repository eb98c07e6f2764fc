//! All states that a small world can come to. What it is, and what would be wrong in it, is kept out.

use std::collections::{HashSet, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;

/// How many states can be reached, or what is wrong in one of them.
pub fn explore<W: Clone + Eq + Hash + Debug, A>(
    first: W,
    actions: impl Fn(&W) -> Vec<A>,
    act: impl Fn(&mut W, A),
    check: impl Fn(&W) -> Option<String>,
) -> Result<usize, String> {
    let mut known = HashSet::from([first.clone()]);
    let mut open = VecDeque::from([first]);
    while let Some(world) = open.pop_front() {
        if let Some(complaint) = check(&world) {
            return Err(format!("{complaint} in {world:#?}"));
        }
        for action in actions(&world) {
            let mut next = world.clone();
            act(&mut next, action);
            if !known.contains(&next) {
                known.insert(next.clone());
                open.push_back(next);
            }
        }
    }
    Ok(known.len())
}
