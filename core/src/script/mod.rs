//! Scripts: Lua 5.1 with what Redis gives its scripts, for EVAL and FUNCTION.
//!
//! A store has one interpreter, made at its first use; scripts run one at a time (the keyspace's turn sees to that) while
//! plain commands on other shards go on. A script reaches the data only through its [`Host`], which the command layer
//! provides. Knows replies and errors, neither commands nor the keyspace.

mod api;
mod bit;
mod cache;
mod call;
mod control;
mod convert;
mod current;
mod engine;
mod enter;
mod format;
mod function;
mod json;
mod library;
mod msgpack;
mod prng;
mod raw;
mod register;
mod sandbox;
mod shebang;
mod structs;
mod tape;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub use cache::Cache;
pub use control::{Control, Running};
pub(crate) use control::{Ended, Kill};
pub use library::{FunctionInfo, Libraries, Library};
pub use shebang::{Script, ScriptFlags};

use crate::error::Result;
use crate::reply::ReplySink;

/// What a script needs of the world.
pub trait Host {
    /// Runs a command for the script. An error is all there is: then what `out` got is of no account.
    fn call(&mut self, argv: &[&[u8]], out: &mut dyn ReplySink) -> Result<()>;
    /// Whether there is a command of that name, with that many arguments.
    fn may_call(&mut self, argv: &[&[u8]]) -> bool;
    /// Whether replies take RESP3 shapes (`redis.setresp`).
    fn resp3(&self) -> bool;
    /// `redis.setresp`
    fn set_resp3(&mut self, on: bool);
    /// `redis.log`. Shards are held: what is logged is handed on later.
    fn log(&mut self, level: log::Level, text: String);
    /// The text of the error that ends the script now, if it is to end. Asked every so many instructions.
    fn why_stop(&mut self) -> Option<&'static str>;
}

/// The scripts of a store.
#[derive(Default)]
pub struct Scripts {
    /// Used by whoever has the turn, so that nobody ever waits for it.
    engine: Mutex<Option<engine::Engine>>,
    /// Functions have an interpreter of their own, as in Redis.
    functions: Mutex<Option<engine::Engine>>,
    libraries: Mutex<Arc<Libraries>>,
    /// The texts that EVALSHA knows.
    pub cache: Mutex<Cache>,
    /// The script under way.
    pub control: Control,
    memory: AtomicUsize,
    functions_memory: AtomicUsize,
}

/// How libraries are added to those that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// All that are there go first.
    Flush,
    /// None of the same name may be there.
    Append,
    /// Those of the same name go.
    Replace,
}

/// What is called, with its keys and arguments.
pub struct Call<'a> {
    /// The script.
    pub script: &'a Script,
    /// Its keys.
    pub keys: &'a [&'a [u8]],
    /// Its arguments.
    pub args: &'a [&'a [u8]],
}

impl Scripts {
    fn engine<R>(&self, memory_max: usize, f: impl FnOnce(&mut engine::Engine) -> Result<R>) -> Result<R> {
        // A panic that was under way with the engine in use is the host's: the engine itself is unwound by Lua.
        let mut place = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        if place.is_none() {
            *place = Some(engine::Engine::of_scripts(memory_max)?);
        }
        let Some(engine) = place.as_mut() else {
            return Err(crate::error::Error::command("ERR no interpreter"));
        };
        let result = f(engine);
        self.memory.store(engine.memory(), Ordering::Relaxed);
        if engine.is_worn() {
            // Texts are kept elsewhere and compiled again when they are called.
            *place = None;
        }
        result
    }

    /// The script of a text, compiled; known to EVALSHA from now on. The caller has the turn.
    pub fn load(&self, body: &[u8], by_eval: bool, memory_max: usize) -> Result<Arc<Script>> {
        let known = self.cache().find_text(body, by_eval);
        if let Some(script) = known {
            return Ok(script);
        }
        let script = Arc::new(Script::parse(api::hex(body).into(), body)?);
        self.engine(memory_max, |engine| {
            engine.compile(&script)?;
            if let Some(sha) = self.cache().add(Arc::clone(&script), by_eval) {
                engine.forget(&sha);
            }
            Ok(())
        })?;
        Ok(script)
    }

    /// Runs a script. The caller has the turn.
    pub fn run(
        &self,
        call: &Call<'_>,
        memory_max: usize,
        host: &mut dyn Host,
        out: &mut dyn ReplySink,
    ) -> Result<()> {
        self.engine(memory_max, |engine| {
            engine.compile(call.script)?;
            engine.call(&engine::Call::Script(call.script), call.keys, call.args, host, out)
        })
    }

    /// SCRIPT FLUSH. The caller has the turn.
    pub fn flush(&self) {
        self.cache().clear();
        // The interpreter goes with what it has compiled.
        *self.engine.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.memory.store(0, Ordering::Relaxed);
    }

    /// The cache.
    pub fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes the interpreter used when last looked at.
    pub fn memory(&self) -> usize {
        self.memory.load(Ordering::Relaxed)
    }

    /// Bytes the interpreter of functions used when last looked at.
    pub fn functions_memory(&self) -> usize {
        self.functions_memory.load(Ordering::Relaxed)
    }

    /// The libraries at present.
    pub fn libraries(&self) -> Arc<Libraries> {
        Arc::clone(&self.libraries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_libraries(&self, libraries: Libraries) {
        *self.libraries.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(libraries);
    }

    /// Adds libraries, all or none; the name of the last one. The caller has the turn, and every shard.
    pub fn add_libraries(
        &self,
        codes: &[&[u8]],
        policy: Policy,
        memory_max: usize,
        host: &mut dyn Host,
    ) -> Result<Arc<str>> {
        if policy != Policy::Flush {
            self.revive(memory_max, host)?;
        }
        let mut place = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = policy == Policy::Flush || place.is_none();
        let mut made = if fresh { Some(engine::Engine::of_functions(memory_max)?) } else { None };
        let mut libraries =
            if policy == Policy::Flush { Libraries::default() } else { (*self.libraries()).clone() };
        let Some(engine) = made.as_mut().or(place.as_mut()) else {
            return Err(crate::error::Error::command("ERR no interpreter"));
        };
        let mut loaded = Vec::new();
        let mut added = Libraries::default();
        for code in codes {
            let (name, _) = library::metadata(code)?;
            if policy == Policy::Append {
                // Before it is looked at any further.
                libraries.check_is_new(&name)?;
            }
            let (library, callbacks) = engine.load_library(code, host)?;
            let library = Arc::new(library);
            // Among themselves they may not have the same names in any case.
            added.add(Arc::clone(&library), false)?;
            libraries.add(Arc::clone(&library), policy == Policy::Replace)?;
            loaded.push((library, callbacks));
        }
        let old = self.libraries();
        let mut name: Arc<str> = "".into();
        for (library, callbacks) in loaded {
            for gone in old.all().filter(|old| old.name == library.name).flat_map(|old| &old.functions) {
                engine.forget(&gone.name);
            }
            if let Err(error) = engine.keep(&library, callbacks) {
                // What was there is made anew from its texts.
                *place = None;
                return Err(error);
            }
            name = Arc::clone(&library.name);
        }
        self.functions_memory.store(engine.memory(), Ordering::Relaxed);
        if let Some(made) = made {
            *place = Some(made);
        }
        self.set_libraries(libraries);
        Ok(name)
    }

    /// Removes a library; false when there is none of that name. The caller has the turn, and every shard.
    pub fn remove_library(&self, name: &str) -> bool {
        let mut libraries = (*self.libraries()).clone();
        let Some(gone) = libraries.remove(name) else { return false };
        if let Some(engine) = &mut *self.functions.lock().unwrap_or_else(PoisonError::into_inner) {
            gone.functions.iter().for_each(|function| engine.forget(&function.name));
        }
        self.set_libraries(libraries);
        true
    }

    /// Removes all libraries. The caller has the turn, and every shard.
    pub fn flush_libraries(&self) {
        self.set_libraries(Libraries::default());
        *self.functions.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.functions_memory.store(0, Ordering::Relaxed);
    }

    /// Calls a function that is there. The caller has the turn.
    pub fn call_function(
        &self,
        name: &str,
        (keys, args): (&[&[u8]], &[&[u8]]),
        host: &mut dyn Host,
        out: &mut dyn ReplySink,
    ) -> Result<()> {
        let mut place = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(engine) = place.as_mut() else {
            return Err(crate::error::Error::command("ERR Function not found"));
        };
        let result = engine.call(&engine::Call::Function(name), keys, args, host, out);
        self.functions_memory.store(engine.memory(), Ordering::Relaxed);
        if engine.is_worn() {
            *place = None;
        }
        result
    }

    /// Makes the interpreter of functions anew when it had to be given up. The caller has the turn.
    pub fn revive(&self, memory_max: usize, host: &mut dyn Host) -> Result<()> {
        let libraries = self.libraries();
        let mut place = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if place.is_some() || libraries.is_empty() {
            return Ok(());
        }
        let mut engine = engine::Engine::of_functions(memory_max)?;
        for library in libraries.all() {
            let (library, callbacks) = engine.load_library(&library.code, host)?;
            engine.keep(&library, callbacks)?;
        }
        *place = Some(engine);
        Ok(())
    }
}
