//! Libraries of functions: their first line, what they register, and all of them together.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::shebang::ScriptFlags;
use crate::error::{Error, Result};

/// What functions are called and described by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionInfo {
    /// Its name.
    pub name: Arc<str>,
    /// Its description, if it has one.
    pub description: Option<String>,
    /// What it says of itself.
    pub flags: ScriptFlags,
}

/// A library.
#[derive(Debug)]
pub struct Library {
    /// Its name.
    pub name: Arc<str>,
    /// Its text, first line included.
    pub code: Arc<[u8]>,
    /// What it registers.
    pub functions: Vec<FunctionInfo>,
}

const NAME_RULE: &str = "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";

/// Whether libraries and functions may be called so.
pub(super) fn check_name(name: &[u8]) -> std::result::Result<(), &'static str> {
    let is_sound = !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    if is_sound { Ok(()) } else { Err(NAME_RULE) }
}

fn refuse(text: impl std::fmt::Display) -> Error {
    Error::command(format!("ERR {text}"))
}

/// The words of a line; quotes keep blanks together.
fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    for &byte in line {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(byte),
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (None, b' ' | b'\t' | b'\r' | 0) => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    if quote.is_some() { None } else { Some(words) }
}

/// The name in a library's first line, and where the text behind that line begins.
pub(super) fn metadata(code: &[u8]) -> Result<(String, usize)> {
    if !code.starts_with(b"#!") {
        return Err(refuse("Missing library metadata"));
    }
    let invalid = || refuse("Invalid library metadata");
    let end = code.iter().position(|b| *b == b'\n').ok_or_else(invalid)?;
    let words = words(&code[..end]).ok_or_else(invalid)?;
    let Some((engine, rest)) = words.split_first() else { return Err(invalid()) };
    let mut name: Option<&[u8]> = None;
    for word in rest {
        let is_name = word.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"name="));
        if !is_name {
            let shown = String::from_utf8_lossy(word);
            return Err(refuse(format_args!("Invalid metadata value given: {shown}")));
        }
        if name.is_some() {
            return Err(refuse("Invalid metadata value, name argument was given multiple times"));
        }
        name = Some(&word[5..]);
    }
    let name = name.ok_or_else(|| refuse("Library name was not given"))?;
    check_name(name).map_err(refuse)?;
    let engine = &engine[2..];
    if !engine.eq_ignore_ascii_case(b"lua") {
        return Err(refuse(format_args!("Engine '{}' not found", String::from_utf8_lossy(engine))));
    }
    Ok((String::from_utf8_lossy(name).into_owned(), end))
}

/// All libraries of a store.
#[derive(Clone, Default)]
pub struct Libraries {
    by_name: BTreeMap<Arc<str>, Arc<Library>>,
    /// The library of each function.
    functions: HashMap<Arc<str>, Arc<Library>>,
}

impl Libraries {
    /// Refuses a name that is taken.
    pub(super) fn check_is_new(&self, name: &str) -> Result<()> {
        if self.by_name.contains_key(name) {
            return Err(refuse(format_args!("Library '{name}' already exists")));
        }
        Ok(())
    }

    /// Adds a library, in place of one of the same name if `replace` says so.
    pub(super) fn add(&mut self, library: Arc<Library>, replace: bool) -> Result<()> {
        let old = self.by_name.get(&library.name).cloned();
        if !replace {
            self.check_is_new(&library.name)?;
        }
        for function in &library.functions {
            if self.functions.get(&function.name).is_some_and(|other| other.name != library.name) {
                return Err(refuse(format_args!("Function {} already exists", function.name)));
            }
        }
        if let Some(old) = old {
            self.remove(&old.name);
        }
        for function in &library.functions {
            self.functions.insert(Arc::clone(&function.name), Arc::clone(&library));
        }
        self.by_name.insert(Arc::clone(&library.name), library);
        Ok(())
    }

    /// Removes a library.
    pub(super) fn remove(&mut self, name: &str) -> Option<Arc<Library>> {
        let library = self.by_name.remove(name)?;
        for function in &library.functions {
            self.functions.remove(&function.name);
        }
        Some(library)
    }

    /// All of them, by name.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Library>> {
        self.by_name.values()
    }

    /// How many libraries there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// How many functions there are.
    pub fn functions(&self) -> usize {
        self.functions.len()
    }

    /// Bytes of all texts.
    pub fn bytes(&self) -> usize {
        self.all().map(|library| library.code.len()).sum()
    }

    /// A function by its name.
    pub fn function(&self, name: &str) -> Option<FunctionInfo> {
        let library = self.functions.get(name)?;
        library.functions.iter().find(|function| &*function.name == name).cloned()
    }

    /// The texts of all libraries.
    pub fn codes(&self) -> Vec<Arc<[u8]>> {
        self.by_name.values().map(|library| Arc::clone(&library.code)).collect()
    }
}
