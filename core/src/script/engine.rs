//! The interpreter: compiles scripts, runs them, and writes what they return.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, Table, Value};

use super::convert::one_line;
use super::enter::{Door, Ending, Job, Kept};
use super::library::{self, FunctionInfo, Library};
use super::register::{self, Registered};
use super::sandbox::{Realm, Sandbox};
use super::shebang::Script;
use super::{Host, current, sandbox};
use crate::error::{Error, Result};
use crate::reply::ReplySink;

/// Runs between two steps of the collector beyond those that Lua makes by itself, as in Redis.
const COLLECT_EVERY: u32 = 50;
/// The name of a script's text in error messages.
const SCRIPT: &str = "@user_script";
/// The name of a library's.
const LIBRARY: &str = "@user_function";

/// See the module's head.
pub(super) struct Engine {
    lua: Lua,
    /// Used no longer than `lua`.
    door: Door,
    /// Runs what loads a library.
    run: Function,
    realm: Realm,
    /// Scripts by their SHA-1, functions by their name.
    compiled: HashMap<Arc<str>, Kept, RandomState>,
    /// Only with an interpreter of functions.
    loading: Option<Loading>,
    runs: u32,
    memory_max: usize,
}

/// What libraries find while they are loaded.
struct Loading {
    /// The metatable of the global variables.
    metatable: Table,
    /// What it refers to while a library is loaded.
    globals: Table,
    registered: Registered,
}

/// What is called.
pub(super) enum Call<'a> {
    /// A script, which finds its keys and arguments in global variables.
    Script(&'a Script),
    /// A function of a library by its name, which gets them as arguments.
    Function(&'a str),
}

/// Lua failed without a script's doing.
pub(super) fn failed(error: &mlua::Error) -> Error {
    match error {
        mlua::Error::MemoryError(_) => Error::command("ERR not enough memory"),
        other => Error::command(format!("ERR {}", one_line(other.to_string().as_bytes()))),
    }
}

impl Engine {
    /// An interpreter of scripts.
    pub(super) fn of_scripts(memory_max: usize) -> Result<Self> {
        Self::build(memory_max, false).map_err(|error| failed(&error))
    }

    /// An interpreter of functions.
    pub(super) fn of_functions(memory_max: usize) -> Result<Self> {
        Self::build(memory_max, true).map_err(|error| failed(&error))
    }

    fn build(memory_max: usize, functions: bool) -> mlua::Result<Self> {
        let lua = sandbox::interpreter(memory_max)?;
        let sandbox = Sandbox::new(&lua)?;
        let redis = sandbox::redis(&lua, &sandbox, functions)?;
        let mut own = vec![("redis", redis.clone()), ("server", redis)];
        if !functions {
            let empty = lua.create_table()?;
            own.extend([("KEYS", Value::Table(empty.clone())), ("ARGV", Value::Table(empty))]);
        }
        let realm = sandbox.realm(&lua, &own)?;
        // What is compiled without saying where it belongs is harmless.
        lua.set_globals(realm.env.clone())?;
        let loading = if functions { Some(Loading::new(&lua, &sandbox, &realm)?) } else { None };
        let run = Sandbox::runner(&lua)?;
        let mut door = Door::new(&lua, &realm.globals)?;
        door.arm();
        Ok(Self { lua, door, run, realm, compiled: HashMap::default(), loading, runs: 0, memory_max })
    }

    /// Compiles a script unless that was done before.
    pub(super) fn compile(&mut self, script: &Script) -> Result<()> {
        if self.compiled.contains_key(&script.sha) {
            return Ok(());
        }
        let function = self.compile_text(script.code(), SCRIPT).map_err(|message| {
            let message = one_line(message.as_bytes());
            Error::command(format!("ERR Error compiling script (new function): {message}"))
        })?;
        self.insert(&script.sha, function)
    }

    fn insert(&mut self, name: &Arc<str>, function: Function) -> Result<()> {
        let kept = self.door.keep(&self.lua, function).map_err(|error| failed(&error))?;
        if let Some(old) = self.compiled.insert(Arc::clone(name), kept) {
            self.door.forget(old);
        }
        Ok(())
    }

    /// A chunk, or what is wrong with it.
    fn compile_text(&self, text: &[u8], name: &str) -> std::result::Result<Function, String> {
        if text.first() == Some(&0x1b) {
            return Err(format!("{}:1: unexpected symbol near 'char(27)'", name.trim_start_matches('@')));
        }
        let env = self.realm.env.clone();
        let chunk = self.lua.load(text).set_name(name).set_mode(ChunkMode::Text).set_environment(env);
        chunk.into_function().map_err(|error| match error {
            mlua::Error::SyntaxError { message, .. } => message,
            other => other.to_string(),
        })
    }

    /// Runs a library's text and returns what it registers. Nothing is kept of it yet.
    pub(super) fn load_library(
        &mut self,
        code: &[u8],
        host: &mut dyn Host,
    ) -> Result<(Library, Vec<Function>)> {
        let (name, code_at) = library::metadata(code)?;
        let chunk = self.compile_text(&code[code_at..], LIBRARY).map_err(|message| {
            Error::command(format!("ERR Error compiling function: {}", one_line(message.as_bytes())))
        })?;
        let Some(loading) = &self.loading else {
            return Err(Error::command("ERR no interpreter of functions"));
        };
        loading.begin().map_err(|error| failed(&error))?;
        let result: mlua::Result<(bool, Value)> = current::lend(host, || self.run.call((chunk,)));
        current::resume_panic();
        let registered = loading.end(&self.realm.globals).map_err(|error| failed(&error))?;
        let is_well = match result {
            Ok((true, _)) => Ok(()),
            Ok((false, error)) => Err(self.error_text(&error)),
            Err(error) => Err(one_line(error.to_string().as_bytes())),
        };
        if current::is_stopping() {
            self.door.arm();
        }
        is_well.map_err(|text| Error::command(format!("ERR Error registering functions: {text}")))?;
        if registered.is_empty() {
            return Err(Error::command("ERR No functions registered"));
        }
        let (functions, callbacks) = registered.into_iter().unzip();
        Ok((Library { name: name.into(), code: code.into(), functions }, callbacks))
    }

    /// Makes a library's functions known by their names.
    pub(super) fn keep(&mut self, library: &Library, callbacks: Vec<Function>) -> Result<()> {
        library
            .functions
            .iter()
            .zip(callbacks)
            .try_for_each(|(info, callback)| self.insert(&info.name, callback))
    }

    /// Forgets a script or a function.
    pub(super) fn forget(&mut self, sha: &str) {
        if let Some(kept) = self.compiled.remove(sha) {
            self.door.forget(kept);
        }
    }

    /// Whether it holds so much after collecting that it is better made anew.
    pub(super) fn is_worn(&self) -> bool {
        self.memory_max > 0 && self.memory() > self.memory_max / 2
    }

    /// Bytes the interpreter uses.
    pub(super) fn memory(&self) -> usize {
        self.door.memory()
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
        let (name, by_arguments) = match call {
            Call::Script(script) => (&*script.sha, false),
            Call::Function(name) => (*name, true),
        };
        let Some(function) = self.compiled.get(name) else {
            return Err(Error::command("ERR internal error: the script was not compiled"));
        };
        self.runs = self.runs.wrapping_add(1);
        let mut job = Job {
            function,
            by_arguments,
            keys,
            args,
            out,
            reply_max: self.memory_max,
            collect_above: self.memory_max / 4,
            collect: self.runs.is_multiple_of(COLLECT_EVERY),
            ending: Ending::Answered,
        };
        current::lend(host, || self.door.go(&mut job));
        let ending = job.ending;
        if current::is_stopping() {
            self.door.arm();
        }
        current::resume_panic();
        Err(match ending {
            Ending::Answered => return Ok(()),
            Ending::Refused(text) => Error::command(text),
            Ending::Raised { text, source, line } => {
                let text = text.unwrap_or_else(|| "ERR unknown error".to_owned());
                match (source, line) {
                    (Some(source), Some(line)) => {
                        Error::command(format!("{text} script: {name}, on {source}:{line}."))
                    }
                    _ => Error::command(text),
                }
            }
            Ending::RaisedOther(text) => {
                let text = text.as_deref().unwrap_or("execution failure");
                Error::command(format!("ERR Error running script {name}, {text}"))
            }
        })
    }

    /// The text of an error.
    fn error_text(&self, error: &Value) -> String {
        let text = match error {
            Value::Table(table) => {
                table.raw_get::<Value>("err").ok().and_then(|text| super::convert::text_of(&text))
            }
            other => super::convert::text_of(other),
        };
        text.map_or_else(|| "ERR unknown error".to_owned(), |text| one_line(&text))
    }
}

impl Loading {
    fn new(lua: &Lua, sandbox: &Sandbox, realm: &Realm) -> mlua::Result<Self> {
        let registered = Registered::default();
        let redis = register::redis(lua, sandbox, &registered)?;
        let globals = lua.create_table()?;
        globals.raw_set("redis", redis.clone())?;
        globals.raw_set("server", redis)?;
        sandbox.refuse_unknown(lua, &globals)?;
        let metatable = realm.env.metatable().ok_or_else(|| mlua::Error::runtime("no metatable"))?;
        Ok(Self { metatable, globals, registered })
    }

    fn list(&self) -> MutexGuard<'_, Vec<(FunctionInfo, Function)>> {
        self.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on only what is meant for loading is found.
    fn begin(&self) -> mlua::Result<()> {
        self.list().clear();
        self.metatable.raw_set("__index", &self.globals)
    }

    /// What was registered; from now on everything is found again.
    fn end(&self, globals: &Table) -> mlua::Result<Vec<(FunctionInfo, Function)>> {
        self.metatable.raw_set("__index", globals)?;
        Ok(std::mem::take(&mut *self.list()))
    }
}
