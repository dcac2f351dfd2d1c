//! The interpreter: compiles scripts, runs them, and writes what they return.

use std::collections::HashMap;
use std::sync::Arc;

use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, Table, Value};

use super::convert::{Names, Writer, one_line};
use super::sandbox::{Realm, Sandbox};
use super::shebang::Script;
use super::{Host, current, raw, sandbox};
use crate::error::{Error, Result};
use crate::reply::ReplySink;

/// Runs between two steps of the collector beyond those that Lua makes by itself, as in Redis.
const COLLECT_EVERY: u32 = 50;
/// The name of a script's text in error messages.
const CHUNK: &str = "@user_script";

/// See the module's head.
pub(super) struct Engine {
    pub(super) lua: Lua,
    #[allow(dead_code)]
    sandbox: Sandbox,
    run: Function,
    names: Names,
    scripts: Realm,
    compiled: HashMap<Arc<str>, Function>,
    runs: u32,
    memory_max: usize,
}

/// What is called.
#[allow(dead_code)]
pub(super) enum Call<'a> {
    /// A script, which finds its keys and arguments in global variables.
    Script(&'a Script),
    /// A function of a library, which gets them as arguments.
    Function(&'a str, Function),
}

/// Lua failed without a script's doing.
pub(super) fn failed(error: &mlua::Error) -> Error {
    match error {
        mlua::Error::MemoryError(_) => Error::command("ERR not enough memory"),
        other => Error::command(format!("ERR {}", one_line(other.to_string().as_bytes()))),
    }
}

impl Engine {
    pub(super) fn new(memory_max: usize) -> Result<Self> {
        Self::build(memory_max).map_err(|error| failed(&error))
    }

    fn build(memory_max: usize) -> mlua::Result<Self> {
        let lua = sandbox::interpreter(memory_max)?;
        let sandbox = Sandbox::new(&lua)?;
        let redis = sandbox::redis(&lua, &sandbox)?;
        let empty = lua.create_table()?;
        let own = [
            ("redis", redis.clone()),
            ("server", redis),
            ("KEYS", Value::Table(empty.clone())),
            ("ARGV", Value::Table(empty)),
        ];
        let scripts = sandbox.realm(&lua, &own)?;
        // What is compiled without saying where it belongs is harmless.
        lua.set_globals(scripts.env.clone())?;
        let run = sandbox.runner(&lua)?;
        raw::arm(&lua)?;
        let names = Names::new(&lua)?;
        Ok(Self { lua, sandbox, run, names, scripts, compiled: HashMap::new(), runs: 0, memory_max })
    }

    /// Compiles a script unless that was done before.
    pub(super) fn compile(&mut self, script: &Script) -> Result<Function> {
        if let Some(function) = self.compiled.get(&script.sha) {
            return Ok(function.clone());
        }
        let function = self.compile_text(script.code(), &self.scripts.env).map_err(|message| {
            let message = one_line(message.as_bytes());
            Error::command(format!("ERR Error compiling script (new function): {message}"))
        })?;
        self.compiled.insert(Arc::clone(&script.sha), function.clone());
        Ok(function)
    }

    /// A chunk, or what is wrong with it.
    pub(super) fn compile_text(&self, text: &[u8], env: &Table) -> std::result::Result<Function, String> {
        if text.first() == Some(&0x1b) {
            return Err("user_script:1: unexpected symbol near 'char(27)'".to_owned());
        }
        let chunk =
            self.lua.load(text).set_name(CHUNK).set_mode(ChunkMode::Text).set_environment(env.clone());
        chunk.into_function().map_err(|error| match error {
            mlua::Error::SyntaxError { message, .. } => message,
            other => other.to_string(),
        })
    }

    /// Forgets a compiled script.
    pub(super) fn forget(&mut self, sha: &str) {
        self.compiled.remove(sha);
    }

    /// Bytes the interpreter uses.
    pub(super) fn memory(&self) -> usize {
        self.lua.used_memory()
    }

    fn list(&self, words: &[&[u8]]) -> mlua::Result<Table> {
        let table = self.lua.create_table_with_capacity(words.len().min(4096), 0)?;
        for (at, word) in words.iter().enumerate() {
            table.raw_seti(at + 1, self.lua.create_string(word)?)?;
        }
        Ok(table)
    }

    /// Runs a call to its end.
    pub(super) fn call(
        &mut self,
        call: &Call<'_>,
        keys: &[&[u8]],
        args: &[&[u8]],
        host: &mut dyn Host,
        out: &mut dyn ReplySink,
    ) -> Result<()> {
        let name = match call {
            Call::Script(script) => &script.sha,
            Call::Function(name, _) => *name,
        };
        let result = self.run_call(call, keys, args, host);
        let written = match result {
            Ok((true, value)) => self.write(&value, host.resp3(), out),
            Ok((false, error)) => Err(self.error(name, &error)),
            Err(error) => Err(Error::command(format!(
                "ERR Error running script {name}, {}",
                one_line(error.to_string().as_bytes())
            ))),
        };
        self.clean_up(written.is_err());
        written
    }

    fn run_call(
        &mut self,
        call: &Call<'_>,
        keys: &[&[u8]],
        args: &[&[u8]],
        host: &mut dyn Host,
    ) -> mlua::Result<(bool, Value)> {
        let (keys, args) = (self.list(keys)?, self.list(args)?);
        match call {
            Call::Script(script) => {
                let function = self.compiled.get(&script.sha).cloned();
                let function = function.ok_or_else(|| mlua::Error::runtime("the script was not compiled"))?;
                self.scripts.globals.raw_set("KEYS", keys)?;
                self.scripts.globals.raw_set("ARGV", args)?;
                current::lend(host, || self.run.call((function,)))
            }
            Call::Function(_, function) => current::lend(host, || self.run.call((function, keys, args))),
        }
    }

    fn write(&self, value: &Value, resp3: bool, out: &mut dyn ReplySink) -> Result<()> {
        let mut writer = Writer { names: &self.names, resp3, out };
        if let Some(error) = writer.error_of(value).map_err(|error| failed(&error))? {
            return Err(error);
        }
        if let Err(error) = writer.write(value, 0) {
            out.error(&failed(&error));
        }
        Ok(())
    }

    /// The error a script ended with, in Redis's words.
    fn error(&self, name: &str, error: &Value) -> Error {
        let Value::Table(table) = error else {
            let text = match error {
                Value::String(text) => one_line(&text.as_bytes()),
                _ => "execution failure".to_owned(),
            };
            return Error::command(format!("ERR Error running script {name}, {text}"));
        };
        let text_of = |field: &str| {
            let value: Value = table.raw_get(field).unwrap_or(Value::Nil);
            super::convert::text_of(&value).map(|text| one_line(&text))
        };
        let text = text_of("err").unwrap_or_else(|| "ERR unknown error".to_owned());
        match (text_of("source"), text_of("line")) {
            (Some(source), Some(line)) => {
                Error::command(format!("{text} script: {name}, on {source}:{line}."))
            }
            _ => Error::command(text),
        }
    }

    fn clean_up(&mut self, after_error: bool) {
        if current::is_stopping() {
            let _ = raw::arm(&self.lua);
        }
        self.runs = self.runs.wrapping_add(1);
        if self.lua.used_memory() > self.memory_max / 4 {
            let _ = self.lua.gc_collect();
        } else if after_error || self.runs.is_multiple_of(COLLECT_EVERY) {
            let _ = self.lua.gc_step();
        }
    }
}
