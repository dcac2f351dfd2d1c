//! `persistkv shell`: commands on a directory, from the keyboard, a pipe or the command line.

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use persistkv::{Client, Error, ErrorKind, Result, Store};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::files::{self, Found};
use crate::text;

/// True when every command succeeded.
pub(crate) fn run(dir: &Path, directives: &[String], eval: &[String]) -> Result<bool> {
    let store = Store::open(dir, &all_directives(dir, directives)?)?;
    for note in store.load_notes() {
        eprintln!("{note}");
    }
    let mut client = store.client();
    let mut good = true;
    if !eval.is_empty() {
        for line in eval {
            good &= execute(&mut client, line);
        }
    } else if std::io::stdin().is_terminal() {
        keyboard(&mut client)?;
    } else {
        for line in std::io::stdin().lock().lines() {
            let line = line.map_err(|e| Error::io("reading", Path::new("the standard input"), e))?;
            if is_exit(&line) {
                break;
            }
            good &= execute(&mut client, &line);
        }
    }
    store.close()?;
    Ok(good)
}

/// The directives given, and `appendonly yes` when the directory has a log and nothing else was said.
fn all_directives(dir: &Path, given: &[String]) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for directive in given {
        let (name, value) = directive.trim().split_once([' ', '=']).ok_or_else(|| {
            Error::new(ErrorKind::Argument, format!("--directive '{directive}': a name and a value, please"))
        })?;
        all.push((name.to_owned(), value.trim().trim_matches('"').to_owned()));
    }
    let says = all.iter().any(|(name, _)| name.eq_ignore_ascii_case("appendonly"));
    let is_log = |found: &Found| matches!(found, Found::Log(_) | Found::LogFile(_));
    if !says && dir.is_dir() && files::find(dir)?.iter().any(is_log) {
        all.push(("appendonly".to_owned(), "yes".to_owned()));
    }
    Ok(all)
}

fn is_exit(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "exit" | "quit")
}

fn keyboard(client: &mut Client) -> Result<()> {
    let failed = |e: ReadlineError| Error::new(ErrorKind::Io, format!("the terminal can not be used: {e}"));
    let mut editor = DefaultEditor::new().map_err(failed)?;
    loop {
        let prompt = match client.selected_db() {
            0 => "persistkv> ".to_owned(),
            db => format!("persistkv[{db}]> "),
        };
        match editor.readline(&prompt) {
            Ok(line) if is_exit(&line) => return Ok(()),
            Ok(line) => {
                let _ = editor.add_history_entry(&line);
                execute(client, &line);
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Runs one line and prints its reply as redis-cli does; false when it failed.
fn execute(client: &mut Client, line: &str) -> bool {
    let Some(argv) = text::split(line) else {
        println!("Invalid argument(s)");
        return false;
    };
    if argv.is_empty() {
        return true;
    }
    match client.execute(&argv) {
        Ok(reply) => {
            print!("{}", text::shown(&reply));
            true
        }
        Err(error) => {
            println!("(error) {error}");
            false
        }
    }
}
