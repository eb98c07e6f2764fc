//! Every Rust file belongs to a target: a file that no `mod` line names is compiled by nobody, and
//! nobody notices. It reads `mod` lines as the compiler does, those inside macros left out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Meta};

use crate::{assert_complains, assert_tidy, repo};

/// The workspaces of this repository.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "fuzz/Cargo.toml"];

#[test]
fn every_rust_file_is_compiled() {
    let roots: Vec<String> = MANIFESTS.into_iter().flat_map(targets).collect();
    assert!(roots.iter().any(|root| root == "node/src/main.rs"));
    let files = repo::rust_files();
    let files = files.iter().map(|f| (f.path.as_str(), f.text.as_str()));
    assert_tidy(&orphans(&roots, &files.collect()));
}

#[test]
fn a_file_that_nothing_names_is_found() {
    let check = |files: &[(&'static str, &'static str)], expected: &str| {
        let roots = ["a/main.rs".to_owned(), "b/lib.rs".to_owned()];
        let found = orphans(&roots, &files.iter().copied().collect());
        match expected {
            "" => assert_tidy(&found),
            words => assert_complains(&found, words),
        }
    };
    check(&[("a/main.rs", "mod c;"), ("a/c.rs", "")], "");
    check(&[("a/main.rs", "mod c;"), ("a/c/mod.rs", "")], "");
    check(&[("a/main.rs", ""), ("a/c.rs", "")], "a/c.rs");
    check(&[("a/main.rs", "// mod c;"), ("a/c.rs", "")], "a/c.rs");
    check(&[("a/main.rs", "mod c {}"), ("a/c.rs", "")], "a/c.rs");
    // Below a module, beside a root, and in a folder that a module within a file makes.
    let below = ("a/c/d.rs", "");
    check(&[("a/main.rs", "mod c;"), ("a/c.rs", "mod d;"), below], "");
    check(&[("a/main.rs", "mod c { mod d; }"), below], "");
    check(&[("a/main.rs", "mod d;"), below], "a/c/d.rs");
    // What only an orphan names is one too, and it is named once.
    check(&[("a/c.rs", "mod d;"), ("b/lib.rs", "mod c;")], "a/c.rs");
    // By a path of its own, from the file's folder or, within a module, from that module's.
    let named = "#[path = \"../b/c.rs\"] mod d;";
    check(&[("a/main.rs", named), ("b/c.rs", "")], "");
    let within = "#[path = \"../b\"] mod d { mod c; }";
    check(&[("a/main.rs", within), ("b/c.rs", "")], "");
    check(&[("a/main.rs", within), ("a/c.rs", "")], "a/c.rs");
}

/// The root files of all targets, from the root of the repository.
fn targets(manifest: &str) -> Vec<String> {
    let args = "metadata --no-deps --offline --format-version 1 --manifest-path";
    let args: Vec<_> = args.split(' ').chain([manifest]).collect();
    let said: Value = serde_json::from_str(&repo::stdout("cargo", &args)).expect("JSON");
    let root = repo::root();
    let packages = said["packages"].as_array().expect("a list").iter();
    packages
        .flat_map(|package| package["targets"].as_array().expect("a list"))
        .map(|target| {
            let path = target["src_path"].as_str().expect("a path");
            let path = std::path::Path::new(path).strip_prefix(&root);
            path.expect("it lies here").display().to_string()
        })
        .collect()
}

/// The files that no root leads to.
fn orphans(roots: &[String], files: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<(String, String)> = Vec::new();
    for root in roots {
        waiting.push((root.clone(), folder_of(root).to_owned()));
    }
    while let Some((path, below)) = waiting.pop() {
        let Some(text) = files.get(path.as_str()) else {
            continue;
        };
        if reached.insert(path.clone()) {
            let parsed = syn::parse_file(text).unwrap_or_else(|e| panic!("{path}: {e}"));
            named(&parsed.items, folder_of(&path), &below, &mut waiting);
        }
    }
    let orphans = files.keys().filter(|path| !reached.contains(**path));
    orphans
        .map(|path| format!("{path}: no target and no `mod` line names it, so nothing compiles it"))
        .collect()
}

/// Where the modules of `items` may lie, each with the folder of what it names itself. `beside` is
/// the folder of the file, `below` that of the module which holds the items.
fn named(items: &[Item], beside: &str, below: &str, found: &mut Vec<(String, String)>) {
    let modules = items.iter().filter_map(|item| match item {
        Item::Mod(module) => Some(module),
        _ => None,
    });
    for ItemMod {
        attrs,
        ident,
        content,
        ..
    } in modules
    {
        let own = attrs.iter().find_map(path_of);
        let folder = match &own {
            Some(path) => joined(beside, path),
            None => joined(below, &ident.to_string()),
        };
        match (content, own) {
            (Some((_, items)), _) => named(items, &folder, &folder, found),
            (None, Some(_)) => found.push((folder.clone(), folder_of(&folder).to_owned())),
            (None, None) => {
                found.push((format!("{folder}.rs"), folder.clone()));
                found.push((format!("{folder}/mod.rs"), folder));
            }
        }
    }
}

/// What `#[path = "…"]` says.
fn path_of(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else {
        return None;
    };
    match &pair.value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) if pair.path.is_ident("path") => Some(text.value()),
        _ => None,
    }
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path from a folder, without `..` in it.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
