//! Lines from the keyboard: editing, completion, hints, and a history in a file that holds no secrets.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use persistkv::{Error, ErrorKind, Result};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Context, Editor, Helper};

use super::hints::Hints;
use super::{Shell, is_exit};
use crate::text;

/// Lines that are remembered.
const HISTORY_MAX: usize = 1000;

struct Help {
    hints: Arc<Hints>,
    colour: bool,
}

impl Helper for Help {}

impl Validator for Help {
    /// A line with an open quote goes on in the next one.
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let goes_on = text::is_open(context.input());
        Ok(if goes_on { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Completer for Help {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        if let Some(topic) = line.get(..at).and_then(|line| line.strip_prefix("help ")) {
            let groups = self.hints.groups().into_iter().filter(|group| group.starts_with(topic));
            let commands = self.hints.beginning(topic).map(str::to_owned);
            return Ok((5, groups.chain(commands).collect()));
        }
        // Names of commands only, and only while nothing else was written.
        let found: Vec<String> =
            self.hints.beginning(line.get(..at).unwrap_or_default()).map(str::to_owned).collect();
        Ok((0, found))
    }
}

impl Hinter for Help {
    type Hint = String;

    fn hint(&self, line: &str, at: usize, _: &Context<'_>) -> Option<String> {
        if at < line.len() || line.trim().is_empty() {
            return None;
        }
        let rest = self.hints.rest(line)?;
        Some(if line.ends_with(' ') { rest } else { format!(" {rest}") })
    }
}

impl Highlighter for Help {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.colour { Cow::Owned(format!("\x1b[90m{hint}\x1b[0m")) } else { Cow::Borrowed(hint) }
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Io, format!("the terminal can not be used: {error}"))
}

/// Reads and runs lines until the end.
pub(super) fn run(shell: &mut Shell) -> Result<()> {
    let config =
        Config::builder().history_ignore_space(true).max_history_size(HISTORY_MAX).map_err(failed)?.build();
    let mut editor: Editor<Help, FileHistory> = Editor::with_config(config).map_err(failed)?;
    editor.set_helper(Some(Help { hints: shell.hints()?, colour: shell.colour }));
    let history = history_file();
    if let Some(file) = &history {
        // Only its owner may read it.
        let made = OpenOptions::new().append(true).create(true).mode(0o600).open(file);
        if made.is_ok() {
            let _ = editor.load_history(file);
        }
    }
    loop {
        match editor.readline(&shell.target.prompt()) {
            Ok(line) if is_exit(&line) => break,
            Ok(line) => {
                if !is_secret(&line) {
                    let _ = editor.add_history_entry(&line);
                    // At once: whatever ends the program, it is there.
                    if let Some(file) = &history {
                        let _ = editor.append_history(file);
                    }
                }
                shell.execute(&line)?;
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

/// `PERSISTKV_HISTORY` says where; empty, or `/dev/null`: nowhere.
fn history_file() -> Option<PathBuf> {
    match std::env::var_os("PERSISTKV_HISTORY") {
        Some(file) if file.is_empty() || file == "/dev/null" => None,
        Some(file) => Some(PathBuf::from(file)),
        None => std::env::var_os("HOME").map(|home| Path::new(&home).join(".persistkv_history")),
    }
}

/// Whether a line holds a password: it is not remembered.
fn is_secret(line: &str) -> bool {
    let words: Vec<String> = line.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
    let has = |word: &str| words.iter().any(|known| known == word);
    match words.first().map(String::as_str) {
        Some("auth") => true,
        Some("hello" | "migrate") => has("auth") || has("auth2"),
        Some("config") => has("requirepass") || has("masterauth"),
        Some("acl") => has("setuser"),
        // Quoted or not, it is to be taken as a secret when it looks like one.
        Some(first) => first.trim_matches(['"', '\'']) == "auth",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn passwords_are_not_remembered() {
        for line in [
            "AUTH x",
            " auth u p",
            "\"auth\" x",
            "hello 3 AUTH u p",
            "config set requirepass x",
            "acl setuser u >p",
        ] {
            assert!(is_secret(line), "{line}");
        }
        for line in ["get auth", "config get save", "hello 3", ""] {
            assert!(!is_secret(line), "{line}");
        }
    }
}
