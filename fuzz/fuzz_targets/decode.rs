//! Feeds bytes to the decoder that `OMNI_DECODER` names.

#![no_main]

#[path = "../src/decoders.rs"]
mod decoders;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static CHOSEN: LazyLock<(&str, decoders::Decoder)> = LazyLock::new(|| {
    let name = std::env::var("OMNI_DECODER").expect("OMNI_DECODER names a decoder");
    let found = decoders::DECODERS.iter().find(|(known, _)| *known == name);
    *found.expect("OMNI_DECODER names one of the list in fuzz/src/decoders.rs")
});

fuzz_target!(|bytes: &[u8]| {
    let (name, decode) = *CHOSEN;
    decoders::check(name, decode, bytes);
});
