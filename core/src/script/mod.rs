//! Scripts: Lua 5.1 with what Redis gives its scripts, for EVAL and FUNCTION.
//!
//! A store has one interpreter, made at its first use; scripts run one at a time (the keyspace's turn sees to that) while
//! plain commands on other shards go on. A script reaches the data only through its [`Host`], which the command layer
//! provides. Knows replies and errors, neither commands nor the keyspace.

mod api;
mod bit;
mod cache;
mod control;
mod convert;
mod current;
mod engine;
mod format;
mod function;
mod json;
mod msgpack;
mod prng;
mod raw;
mod sandbox;
mod shebang;
mod structs;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub use cache::Cache;
pub use control::{Control, Running};
pub(crate) use control::{Ended, Kill};
pub use shebang::{Script, ScriptFlags};

use crate::error::Result;
use crate::reply::{Reply, ReplySink};

/// What a script needs of the world.
pub trait Host {
    /// Runs a command for the script.
    fn call(&mut self, argv: &[&[u8]]) -> Result<Reply>;
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
    /// The texts that EVALSHA knows.
    pub cache: Mutex<Cache>,
    /// The script under way.
    pub control: Control,
    memory: AtomicUsize,
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
            *place = Some(engine::Engine::new(memory_max)?);
        }
        let Some(engine) = place.as_mut() else {
            return Err(crate::error::Error::command("ERR no interpreter"));
        };
        let result = f(engine);
        self.memory.store(engine.memory(), Ordering::Relaxed);
        result
    }

    /// The script of a text, compiled; known to EVALSHA from now on. The caller has the turn.
    pub fn load(&self, body: &[u8], by_eval: bool, memory_max: usize) -> Result<Arc<Script>> {
        let sha = api::hex(body);
        let known = self.cache().find(&sha, by_eval);
        if let Some(script) = known {
            return Ok(script);
        }
        let script = Arc::new(Script::parse(sha.into(), body)?);
        let (given_up, memory) = self.engine(memory_max, |engine| {
            engine.compile(&script)?;
            let given_up = self.cache().add(Arc::clone(&script), by_eval);
            if let Some(sha) = &given_up {
                engine.forget(sha);
            }
            Ok((given_up, engine.memory()))
        })?;
        drop((given_up, memory));
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
}
