//! The paths that Rust source mentions, resolved against the crate's root.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, anyhow};
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, ItemMod, ItemUse, Macro, UseTree, Visibility};

/// A path into the same crate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// The line, from 1.
    pub(super) line: usize,
    /// The path from the crate's root.
    pub(super) path: Vec<String>,
}

impl Mention {
    /// Every path into the same crate that the source of `module` mentions outside of tests.
    ///
    /// # Errors
    ///
    /// A source that does not parse.
    pub(super) fn all(source: &str, module: &[String], name: &Path) -> Result<Vec<Self>> {
        let mut visitor = Visitor { module: module.to_vec(), found: Vec::new() };
        visitor.visit_file(&parse(source, name)?);
        Ok(visitor.found)
    }
}

/// The modules below `module` that its source declares for tests alone.
///
/// # Errors
///
/// A source that does not parse.
pub(super) fn test_modules(source: &str, module: &[String], name: &Path) -> Result<Vec<Vec<String>>> {
    let declared = parse(source, name)?.items.into_iter().filter_map(|item| match item {
        Item::Mod(declared) if declared.attrs.iter().any(is_test) => Some(declared.ident.to_string()),
        _ => None,
    });
    Ok(declared.map(|name| module.iter().cloned().chain([name]).collect()).collect())
}

/// The modules of a folder, and the modules that its re-exports come from.
#[derive(Debug, Default)]
pub(super) struct Reexports(BTreeMap<String, String>);

impl Reexports {
    /// Reads the source of the folder's own module.
    ///
    /// # Errors
    ///
    /// A source that does not parse.
    pub(super) fn of(source: &str, name: &Path) -> Result<Self> {
        let mut names = BTreeMap::new();
        for item in parse(source, name)?.items {
            match item {
                Item::Mod(module) => {
                    names.insert(module.ident.to_string(), module.ident.to_string());
                }
                Item::Use(import) => {
                    for path in leaves(&import.tree) {
                        let path: Vec<_> =
                            path.into_iter().skip_while(|part| part == "crate" || part == "self").collect();
                        if let [module, .., exported] = path.as_slice() {
                            names.entry(exported.clone()).or_insert_with(|| module.clone());
                        }
                    }
                }
                _ => {}
            }
        }
        // A re-export of another crate's item leads to no module of the folder.
        let modules: Vec<_> =
            names.iter().filter(|(name, module)| name == module).map(|(name, _)| name.clone()).collect();
        names.retain(|_, module| modules.contains(module));
        Ok(Self(names))
    }

    /// The module that a name at the folder's top leads to.
    pub(super) fn module(&self, name: &str) -> Option<&String> {
        self.0.get(name)
    }
}

fn parse(source: &str, name: &Path) -> Result<File> {
    syn::parse_file(source).map_err(|error| {
        anyhow!("{}:{}: the source does not parse: {error}", name.display(), error.span().start().line)
    })
}

/// The paths of an import, one for each imported name; a renamed import counts under its new name.
fn leaves(tree: &UseTree) -> Vec<Vec<String>> {
    match tree {
        UseTree::Path(path) => {
            let mut leaves = leaves(&path.tree);
            for leaf in &mut leaves {
                leaf.insert(0, path.ident.to_string());
            }
            leaves
        }
        UseTree::Name(name) => vec![vec![name.ident.to_string()]],
        UseTree::Rename(rename) => vec![vec![rename.ident.to_string(), rename.rename.to_string()]],
        UseTree::Glob(_) => vec![vec!["*".to_owned()]],
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}

struct Visitor {
    module: Vec<String>,
    found: Vec<Mention>,
}

impl Visitor {
    fn mention(&mut self, line: usize, path: &[String]) {
        let depth = path.iter().take_while(|part| *part == "super").count();
        let resolved = match path.first().map(String::as_str) {
            Some("crate") => path[1..].to_vec(),
            Some("super") if depth <= self.module.len() => {
                let above = &self.module[..self.module.len() - depth];
                above.iter().chain(&path[depth..]).cloned().collect()
            }
            _ => return,
        };
        self.found.push(Mention { line, path: resolved });
    }
}

impl<'a> Visit<'a> for Visitor {
    fn visit_item(&mut self, item: &'a Item) {
        if !attributes(item).iter().any(is_test) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        let line = item.use_token.span.start().line;
        for path in leaves(&item.tree) {
            self.mention(line, &path);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let parts: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        if let Some(first) = path.segments.first() {
            self.mention(first.ident.span().start().line, &parts);
        }
        visit::visit_path(self, path);
    }

    /// The visibility `pub(super)` and `pub(in …)` imports nothing.
    fn visit_visibility(&mut self, _: &'a Visibility) {}

    fn visit_macro(&mut self, item: &'a Macro) {
        let text = without_literals(item.tokens.clone());
        let line = item.path.segments.first().map_or(1, |part| part.ident.span().start().line);
        for (at, _) in text.match_indices("crate::") {
            let rest = text[at..].split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).next().unwrap_or("");
            let parts: Vec<_> = rest.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            self.mention(line, &parts);
        }
        visit::visit_macro(self, item);
    }
}

/// The text of tokens without spaces and without literals, which doc comments are in a macro.
fn without_literals(tokens: TokenStream) -> String {
    let text = |token| match token {
        TokenTree::Group(group) => format!("({})", without_literals(group.stream())),
        TokenTree::Literal(_) => String::from(" "),
        token => token.to_string(),
    };
    tokens.into_iter().map(text).collect()
}

fn is_test(attribute: &Attribute) -> bool {
    use quote::ToTokens as _;
    attribute.path().is_ident("cfg") && attribute.meta.to_token_stream().to_string().replace(' ', "") == "cfg(test)"
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mentions(source: &str) -> Vec<String> {
        let module = ["storage".to_owned(), "query".to_owned()];
        let found = Mention::all(source, &module, Path::new("x.rs")).unwrap();
        found.iter().map(|mention| format!("{}:{}", mention.line, mention.path.join("::"))).collect()
    }

    #[test]
    fn imports_and_paths_resolve_to_the_root() {
        assert_eq!(
            mentions("use crate::{a::B, c as d};\nuse super::row;\nuse std::fmt;"),
            ["1:a::B", "1:c::d", "2:storage::row"]
        );
        assert_eq!(
            mentions("fn f(x: &super::super::cache::Y) -> u8 {\n    crate::z::g()\n}"),
            ["1:cache::Y", "2:z::g"]
        );
        assert_eq!(mentions("mod inner {\n    use super::near;\n}"), ["2:storage::query::near"]);
        assert_eq!(mentions("fn f() {\n    assert_eq!(crate::a::B, 1);\n}"), ["2:a::B"]);
        assert_eq!(mentions("m! {\n    /// [`X`](crate::a::X)\n    use crate::b::Y;\n}"), ["1:b::Y"]);
    }

    #[test]
    fn tests_and_visibilities_do_not_count() {
        assert_eq!(
            mentions("#[cfg(test)]\nmod tests {\n    use crate::a::B;\n}\n#[cfg(test)]\nuse crate::c;"),
            [""; 0]
        );
        assert_eq!(mentions("pub(super) fn f() {}\npub(in crate::storage) fn g() {}"), [""; 0]);
    }

    #[test]
    fn names_at_the_top_lead_to_their_modules() {
        let source = "mod a;\nmod b;\npub use a::X;\npub use b::c::{Y, Z as W};\npub use other::Q;";
        let reexports = Reexports::of(source, Path::new("lib.rs")).unwrap();
        let module = |name| reexports.module(name).map(String::as_str);
        assert_eq!(
            [module("X"), module("Y"), module("W"), module("a"), module("Q")],
            [Some("a"), Some("b"), Some("b"), Some("a"), None]
        );
    }
}
