//! `protocol` stays pure: the attributes that make the compiler refuse the rest are there.
//!
//! Which crates it may stand on is the business of `dependencies`.

use attribute_text::{attributes, is_under_test};

use crate::{assert_complains, assert_tidy, repo};

const REQUIRED: [&str; 4] = [
    "no_std",
    "forbid(unsafe_code)",
    "deny(clippy::float_arithmetic)",
    "warn(missing_docs)",
];

/// Where a sum that overflows is money lost, arithmetic is spelled out.
const COUNTED: [&str; 4] = ["limits", "money", "quantity", "time"];
const COUNTED_ATTRIBUTE: &str = "warn(clippy::arithmetic_side_effects)";

#[test]
fn protocol_declares_itself_pure() {
    assert_tidy(&root_complaints(&repo::read("protocol/src/lib.rs")));
}

#[test]
fn protocol_links_std_in_tests_only_and_counts_with_care() {
    let complaints: Vec<String> = repo::rust_files()
        .iter()
        .filter(|f| f.path.starts_with("protocol/src/"))
        .flat_map(|f| file_complaints(&f.path, &f.text))
        .collect();
    assert_tidy(&complaints);
}

#[test]
fn a_missing_attribute_is_refused() {
    let all: String = REQUIRED.iter().map(|a| format!("#![{a}]\n")).collect();
    assert_tidy(&root_complaints(&all));
    for one in REQUIRED {
        let without = all.replace(&format!("#![{one}]"), "");
        assert_complains(&root_complaints(&without), one);
    }
    let conditional = all.replace("#![no_std]", "#![cfg_attr(not(test), no_std)]");
    assert_complains(&root_complaints(&conditional), "no_std");
}

#[test]
fn std_outside_of_tests_is_refused() {
    assert_tidy(&file_complaints("a.rs", "#[cfg(test)]\nextern crate std;"));
    assert_complains(&file_complaints("a.rs", "extern crate std;"), "std");
}

#[test]
fn careless_arithmetic_about_money_is_refused() {
    let path = "protocol/src/value/money.rs";
    assert_tidy(&file_complaints(path, &format!("#![{COUNTED_ATTRIBUTE}]")));
    assert_complains(&file_complaints(path, "fn a() {}"), "arithmetic");
}

fn root_complaints(text: &str) -> Vec<String> {
    let file = syn::parse_file(text).expect("lib.rs parses");
    let present = attributes(&file.attrs);
    REQUIRED
        .iter()
        .filter(|required| !present.iter().any(|p| p == *required))
        .map(|required| format!("protocol/src/lib.rs: lacks #![{required}]"))
        .collect()
}

fn file_complaints(path: &str, text: &str) -> Vec<String> {
    let file = syn::parse_file(text).expect("the file parses");
    let mut found = Vec::new();
    for item in &file.items {
        if let syn::Item::ExternCrate(item) = item
            && item.ident == "std"
            && !is_under_test(&item.attrs)
        {
            found.push(format!("{path}: links std outside of tests"));
        }
    }
    let stem = path.rsplit('/').next().unwrap_or(path);
    if COUNTED.iter().any(|c| stem == format!("{c}.rs"))
        && !attributes(&file.attrs)
            .iter()
            .any(|a| a == COUNTED_ATTRIBUTE)
    {
        found.push(format!("{path}: lacks #![{COUNTED_ATTRIBUTE}]"));
    }
    found
}

/// Attributes as text, so that they can be compared with what a reader would type.
mod attribute_text {
    use syn::{Attribute, Meta, Path};

    pub(super) fn attributes(attributes: &[Attribute]) -> Vec<String> {
        attributes.iter().map(|a| text(&a.meta)).collect()
    }

    pub(super) fn is_under_test(list: &[Attribute]) -> bool {
        attributes(list).iter().any(|a| a == "cfg(test)")
    }

    fn text(meta: &Meta) -> String {
        match meta {
            Meta::List(list) => {
                let inner = list.tokens.to_string().replace(' ', "");
                format!("{}({inner})", name(&list.path))
            }
            Meta::Path(_) | Meta::NameValue(_) => name(meta.path()),
        }
    }

    fn name(path: &Path) -> String {
        let parts: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        parts.join("::")
    }
}
