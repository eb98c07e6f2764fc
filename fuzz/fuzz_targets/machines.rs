//! Lets bytes choose what befalls several machines.

#![no_main]

use libfuzzer_sys::fuzz_target;

/// What this shares with the tests, which replay the corpus on the stable compiler.
#[allow(dead_code, unused_imports, reason = "tests need more of it")]
#[path = "../../tests/src"]
mod tests {
    pub mod machines;
    pub mod market;
}

fuzz_target!(|bytes: &[u8]| {
    drop(tests::machines::play(bytes));
});
