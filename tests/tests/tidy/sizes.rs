//! No Rust file and no function is longer than a reader can hold.

use proc_macro2::Span;
use syn::{
    Block, ImplItemFn, ItemFn, Signature, TraitItemFn,
    spanned::Spanned,
    visit::{self, Visit},
};

use crate::{assert_complains, assert_tidy, repo};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

#[test]
fn no_file_and_no_function_is_too_long() {
    let complaints: Vec<String> = repo::rust_files()
        .iter()
        .flat_map(|f| complaints(&f.path, &f.text))
        .collect();
    assert_tidy(&complaints);
}

#[test]
fn a_long_file_is_refused() {
    assert_tidy(&complaints("a.rs", &"//\n".repeat(600)));
    assert_complains(&complaints("a.rs", &"//\n".repeat(601)), "601 lines");
}

#[test]
fn a_long_function_is_refused_wherever_it_stands() {
    let body = |lines: usize| "();\n".repeat(lines);
    assert_tidy(&complaints("a.rs", &format!("fn a() {{\n{}}}", body(68))));
    for (before, after) in [
        ("", ""),
        ("impl A {\n", "}"),
        ("trait A {\n", "}"),
        ("mod a { impl B for A {\n", "}}"),
        ("fn short() {\n", "}"),
    ] {
        let text = format!("{before}async fn long() {{\n{}}}{after}", body(69));
        let complaints: Vec<String> = complaints("a.rs", &text)
            .into_iter()
            .filter(|c| c.contains("`long`"))
            .collect();
        assert_complains(&complaints, "71 lines");
    }
}

#[test]
fn a_file_that_does_not_parse_is_refused() {
    assert_complains(&complaints("a.rs", "fn a( {"), "a.rs");
}

fn complaints(path: &str, text: &str) -> Vec<String> {
    let file = match syn::parse_file(text) {
        Ok(file) => file,
        Err(e) => return vec![format!("{path}: {e}")],
    };
    let mut lengths = Lengths {
        path,
        found: vec![],
    };
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        let complaint = format!("{path}: {lines} lines, at most {FILE_LINES_MAX}");
        lengths.found.push(complaint);
    }
    lengths.visit_file(&file);
    lengths.found
}

struct Lengths<'a> {
    path: &'a str,
    found: Vec<String>,
}

impl Lengths<'_> {
    /// Counts from the line of `fn` to that of the closing brace, both included.
    fn measure(&mut self, signature: &Signature, block: &Block) {
        let first = line(signature.span());
        let last = line(block.brace_token.span.close());
        let lines = last - first + 1;
        if lines > FUNCTION_LINES_MAX {
            self.found.push(format!(
                "{}:{first}: `{}` has {lines} lines, at most {FUNCTION_LINES_MAX}",
                self.path, signature.ident
            ));
        }
    }
}

fn line(span: Span) -> usize {
    span.start().line
}

impl<'ast> Visit<'ast> for Lengths<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(block) = &item.default {
            self.measure(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}
