//! Reads which paths of its own crate a Rust file names, in imports, code and macros.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    ItemMod, ItemUse, Macro, UseTree, Visibility,
    spanned::Spanned,
    visit::{self, Visit},
};

/// One mention: the module it stands in and the path it means, both from the root of the crate.
pub(super) struct Named {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) line: usize,
}

/// `path` is that of the file below `src`; `library` is the crate's name in its binaries.
pub(super) fn named_paths(library: &str, path: &str, text: &str) -> Vec<Named> {
    let file = syn::parse_file(text).unwrap_or_else(|e| panic!("{path}: {e}"));
    let mut reader = Reader {
        library,
        module: module_of(path),
        found: vec![],
    };
    reader.visit_file(&file);
    reader.found
}

fn module_of(path: &str) -> Vec<String> {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    match stem {
        "lib" | "main" => vec![],
        _ if stem.starts_with("bin/") => vec![],
        _ => stem.split('/').map(str::to_owned).collect(),
    }
}

struct Reader<'a> {
    library: &'a str,
    module: Vec<String>,
    found: Vec<Named>,
}

impl Reader<'_> {
    fn name(&mut self, path: &[String], line: usize) {
        if let Some(to) = self.resolve(path) {
            let from = self.module.join("::");
            self.found.push(Named { from, to, line });
        }
    }

    /// The path from the root of this crate, empty for the crate itself; nothing where the path
    /// leads into another crate or into a module of the file's own.
    fn resolve(&self, path: &[String]) -> Option<String> {
        let mut path: Vec<&str> = path.iter().map(String::as_str).collect();
        while matches!(path.last(), Some(&"self" | &"*")) && path.len() > 1 {
            path.pop();
        }
        let mut base: Vec<&str> = self.module.iter().map(String::as_str).collect();
        let first = *path.first()?;
        if first == "crate" || first == self.library {
            base.clear();
            path.remove(0);
        } else if first == "self" {
            path.remove(0);
        } else if first == "super" {
            while path.first() == Some(&"super") {
                base.pop();
                path.remove(0);
            }
        } else if !base.is_empty() {
            return None;
        }
        base.extend(path);
        Some(base.join("::"))
    }

    fn import(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: String| [before, &[name]].concat();
        let line = tree.span().start().line;
        match tree {
            UseTree::Path(path) => self.import(&path.tree, &with(path.ident.to_string())),
            UseTree::Name(name) => self.name(&with(name.ident.to_string()), line),
            UseTree::Rename(name) => self.name(&with(name.ident.to_string()), line),
            UseTree::Glob(_) => self.name(&with("*".to_owned()), line),
            UseTree::Group(group) => {
                for item in &group.items {
                    self.import(item, before);
                }
            }
        }
    }

    /// Macros are not parsed; a path in them is a run of names and colons that starts at a root.
    fn scan(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = vec![];
        let mut colons = 0;
        let mut line = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if path.is_empty() || colons != 2 => {
                    self.scanned(&path, line);
                    line = ident.span().start().line;
                    path = vec![ident.to_string()];
                }
                TokenTree::Ident(ident) => path.push(ident.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => self.scan(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            colons = 0;
        }
        self.scanned(&path, line);
    }

    fn scanned(&mut self, path: &[String], line: usize) {
        let roots = ["crate", "super", self.library];
        if path.len() > 1 && roots.contains(&path[0].as_str()) {
            self.name(path, line);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&item.tree, &[]);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.name(&names, path.span().start().line);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.scan(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    /// `pub(crate)` and `pub(super)` are no paths to anything.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}
