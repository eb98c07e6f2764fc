//! Valid values of every structure, drawn at random for property tests. What is invalid is made by
//! the tests that want it, from the bytes of these.

pub mod bundle;
pub mod frames;
pub mod public;
pub mod thread;
pub mod values;

use omni_protocol::body::AnyBody;
use proptest::prelude::*;

/// A body of any kind.
pub fn any_body() -> impl Strategy<Value = AnyBody> {
    prop_oneof![
        public::public_body().prop_map(AnyBody::Public),
        thread::thread_body().prop_map(AnyBody::Thread),
        bundle::bundle_body().prop_map(AnyBody::Bundle),
    ]
}
