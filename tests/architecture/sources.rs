//! The modules of the crate as they are written: what each uses of the others.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A path from the root of the crate: `["elastic", "client"]`.
pub type Place = Vec<String>;

/// One module.
#[derive(Debug, Default)]
pub struct Module {
    /// Its file, below the sources.
    pub file: PathBuf,
    /// Whether only tests have it.
    pub is_test: bool,
    /// What it calls things that it imports or hands on.
    names: BTreeMap<String, Place>,
    /// The paths in it, but those that it only hands on.
    uses: BTreeSet<Place>,
}

/// All modules of a crate.
#[derive(Debug, Default)]
pub struct Sources {
    modules: BTreeMap<Place, Module>,
}

/// That one file uses another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    /// Who uses.
    pub from: PathBuf,
    /// Who is used.
    pub to: PathBuf,
    /// Whether only tests do.
    pub is_test: bool,
}

impl Sources {
    /// Reads a crate from the file of its root on, `lib.rs`.
    pub fn read(root: &Path) -> Self {
        let mut sources = Self::default();
        let directory = root.parent().unwrap();
        sources.file(root, directory, &[], false);
        sources
    }

    /// Returns every file that the modules are in, below the sources.
    pub fn files(&self) -> BTreeSet<&Path> {
        self.modules.values().map(|module| module.file.as_path()).collect()
    }

    /// Returns which file uses which.
    pub fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows = BTreeSet::new();
        for module in self.modules.values() {
            for path in &module.uses {
                let target = &self.modules[&self.found(path, 0)];
                if target.file != module.file {
                    arrows.insert(Arrow {
                        from: module.file.clone(),
                        to: target.file.clone(),
                        is_test: module.is_test || target.is_test,
                    });
                }
            }
        }
        arrows
    }

    /// Returns the module in which the thing at a path is written, through all that only hands it on.
    fn found(&self, path: &[String], hops: usize) -> Place {
        let mut place = Place::new();
        for (at, name) in path.iter().enumerate() {
            place.push(name.clone());
            if self.modules.contains_key(&place) {
                continue;
            }
            place.pop();
            return match self.modules[&place].names.get(name) {
                Some(target) if hops < 16 => {
                    let whole: Place = target.iter().chain(&path[at + 1..]).cloned().collect();
                    self.found(&whole, hops + 1)
                }
                _ => place,
            };
        }
        place
    }

    fn file(&mut self, file: &Path, root: &Path, place: &[String], is_test: bool) {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let tokens = TokenStream::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut reading =
            Reading { sources: self, root, file, place: place.to_vec(), is_test, children: BTreeSet::new() };
        reading.module(tokens);
    }
}

/// A module that is being read.
struct Reading<'a> {
    sources: &'a mut Sources,
    root: &'a Path,
    file: &'a Path,
    place: Place,
    is_test: bool,
    children: BTreeSet<String>,
}

impl Reading<'_> {
    fn module(&mut self, tokens: TokenStream) {
        let file = self.file.strip_prefix(self.root).unwrap().to_owned();
        let module = Module { file, is_test: self.is_test, ..Module::default() };
        self.sources.modules.insert(self.place.clone(), module);
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let names = tokens.windows(2).filter(|pair| is(&pair[0], "mod"));
        self.children = names.filter_map(|pair| ident(&pair[1])).collect();
        self.tokens(&tokens);
    }

    /// Reads items or the inside of one.
    fn tokens(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        let (mut is_test, mut path, mut is_public) = (false, None, false);
        while let Some(token) = tokens.get(at) {
            let next = tokens.get(at + 1);
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    if let Some(TokenTree::Group(group)) = next {
                        let text = group.stream().to_string();
                        is_test |= text == "cfg (test)" || text == "cfg(test)";
                        if let Some(value) = text.strip_prefix("path = ") {
                            path = Some(value.trim_matches('"').to_owned());
                        }
                        at += 1;
                    }
                }
                TokenTree::Ident(word) if word == "mod" && next.is_some_and(|next| ident(next).is_some()) => {
                    let name = next.and_then(ident).unwrap_or_default();
                    self.child(name, tokens.get(at + 2), is_test, path.take());
                    at += 2;
                    (is_test, is_public) = (false, false);
                }
                TokenTree::Ident(word) if word == "pub" => {
                    is_public = true;
                    if matches!(next, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis) {
                        at += 1;
                    }
                }
                TokenTree::Ident(word) if word == "use" => {
                    let end =
                        tokens[at..].iter().position(|token| is_punct(token, ';')).map_or(tokens.len(), |n| at + n);
                    self.imports(&tokens[at + 1..end], is_public, is_test);
                    at = end;
                    (is_test, is_public) = (false, false);
                }
                TokenTree::Ident(_) => {
                    let (path, length) = path_at(&tokens[at..]);
                    if path.len() > 1
                        && let Some(path) = self.absolute(&path)
                    {
                        self.uses(path, is_test);
                    }
                    at += length - 1;
                    is_public = false;
                }
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    let was = self.is_test;
                    self.is_test |= is_test;
                    self.tokens(&inner);
                    self.is_test = was;
                    if group.delimiter() == Delimiter::Brace {
                        is_test = false;
                    }
                }
                TokenTree::Punct(punct) if punct.as_char() == ';' => is_test = false,
                _ => {}
            }
            at += 1;
        }
    }

    fn child(&mut self, name: String, body: Option<&TokenTree>, is_test: bool, path: Option<String>) {
        let mut place = self.place.clone();
        place.push(name.clone());
        let is_test = is_test || self.is_test;
        if let Some(TokenTree::Group(group)) = body {
            let mut inner = Reading {
                sources: self.sources,
                root: self.root,
                file: self.file,
                place,
                is_test,
                children: BTreeSet::new(),
            };
            return inner.module(group.stream());
        }
        let directory = self.file.parent().unwrap();
        let file = match path {
            Some(path) => directory.join(path),
            None => {
                let stem = self.file.file_stem().unwrap().to_str().unwrap();
                let own = if matches!(stem, "mod" | "lib") { directory.to_owned() } else { directory.join(stem) };
                let flat = own.join(format!("{name}.rs"));
                if flat.exists() { flat } else { own.join(&name).join("mod.rs") }
            }
        };
        self.sources.file(&file, self.root, &place, is_test);
    }

    /// Reads what is between `use` and its semicolon.
    fn imports(&mut self, tree: &[TokenTree], is_public: bool, is_test: bool) {
        for (name, path) in leaves(tree, &[]) {
            let Some(path) = self.absolute(&path) else { continue };
            let place = self.place.clone();
            if let Some(module) = self.sources.modules.get_mut(&place)
                && name != "_"
            {
                module.names.insert(name, path.clone());
            }
            // What a module hands on, it does not use itself.
            if !is_public {
                self.uses(path, is_test);
            }
        }
    }

    fn uses(&mut self, path: Place, is_test: bool) {
        // A test within a file that is no test is a module of its own, but for single items.
        if is_test {
            return;
        }
        if let Some(module) = self.sources.modules.get_mut(&self.place) {
            module.uses.insert(path);
        }
    }

    /// Returns a path from the root of the crate; none for what other crates have.
    fn absolute(&self, path: &[String]) -> Option<Place> {
        let first = path.first()?;
        let mut place = match first.as_str() {
            "crate" => Place::new(),
            "self" => self.place.clone(),
            "super" => self.place.clone(),
            name if self.children.contains(name) => {
                return Some(self.place.iter().chain(path).cloned().collect());
            }
            name => {
                let known = self.sources.modules.get(&self.place)?.names.get(name)?;
                return Some(known.iter().chain(&path[1..]).cloned().collect());
            }
        };
        let rest = if first == "super" { path } else { &path[1..] };
        for name in rest {
            match name.as_str() {
                "super" => drop(place.pop()),
                name => place.push(name.to_owned()),
            }
        }
        Some(place)
    }
}

/// Returns the names and paths that a tree of `use` brings.
fn leaves(tree: &[TokenTree], prefix: &[String]) -> Vec<(String, Place)> {
    let mut path = prefix.to_vec();
    let mut at = 0;
    while let Some(token) = tree.get(at) {
        match token {
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                return inner.split(|token| is_punct(token, ',')).flat_map(|branch| leaves(branch, &path)).collect();
            }
            TokenTree::Ident(word) if word == "as" => {
                let name = tree.get(at + 1).and_then(ident).unwrap_or_default();
                return vec![(name, path)];
            }
            TokenTree::Ident(word) if word == "self" && !path.is_empty() => {}
            TokenTree::Ident(word) => path.push(word.to_string()),
            TokenTree::Punct(punct) if punct.as_char() == '*' => return vec![("*".to_owned(), path)],
            _ => {}
        }
        at += 1;
    }
    match path.last().cloned() {
        Some(name) if !tree.is_empty() => vec![(name, path)],
        _ => Vec::new(),
    }
}

/// Returns the path that tokens begin with, and how many tokens it has.
fn path_at(tokens: &[TokenTree]) -> (Place, usize) {
    let mut path: Place = tokens.first().and_then(ident).into_iter().collect();
    let mut length = 1;
    while let [colon, other, name, ..] = &tokens[length..]
        && is_punct(colon, ':')
        && is_punct(other, ':')
        && let Some(name) = ident(name)
    {
        path.push(name);
        length += 3;
    }
    (path, length)
}

fn ident(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Ident(word) => Some(word.to_string()),
        _ => None,
    }
}

fn is(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(found) if found == word)
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}
