//! A bench for tests of handlers: commands in, replies as short texts out, and the effects that would be logged.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use super::blocking::Waiters;
use super::observe::Observer;
use super::services::Services;
use super::{Session, dispatch};
use crate::aof::Effects;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::keyspace::{Clock, Guard, Keyspace};
use crate::pubsub::PubSub;
use crate::reply::{Reply, ReplyBuilder};

/// A keyspace with a clock of its own and a log that only remembers.
pub(crate) struct Bench {
    store: Recorder,
    session: Session,
    clock: Arc<AtomicI64>,
}

struct Recorder {
    keyspace: Arc<Keyspace>,
    config: Config,
    observer: Observer,
    waiters: Waiters,
    pubsub: PubSub,
    #[cfg(feature = "lua")]
    scripts: crate::script::Scripts,
    logged: Mutex<Vec<String>>,
}

impl Bench {
    /// An empty one with the given directives; its clock stands at one million ms.
    pub(crate) fn new(directives: &[(&str, &str)]) -> Self {
        let clock = Arc::new(AtomicI64::new(1_000_000));
        let keyspace = Arc::new(Keyspace::new(16, Clock::Manual(Arc::clone(&clock))));
        let config = Config::default();
        config.set_at_open(directives).expect("the test's directives are valid");
        keyspace.configure(&super::memory::settings(&config), None).expect("the keyspace is usable");
        let store = Recorder {
            keyspace,
            config,
            observer: Observer::default(),
            waiters: Waiters::default(),
            pubsub: PubSub::default(),
            #[cfg(feature = "lua")]
            scripts: crate::script::Scripts::default(),
            logged: Mutex::default(),
        };
        store.observer.configure(&store.config);
        let session = Session::of(store.observer.clients.register(1_000_000, None));
        Self { store, session, clock }
    }

    /// Whether replies take RESP3 shapes.
    pub(crate) fn resp3(&mut self, on: bool) {
        self.session.resp3 = on;
    }

    /// Runs a command given as words; an empty string is written `""`.
    pub(crate) fn run(&mut self, line: &str) -> String {
        let argv: Vec<&[u8]> = line
            .split_whitespace()
            .map(|word| if word == "\"\"" { &b""[..] } else { word.as_bytes() })
            .collect();
        self.argv(&argv)
    }

    /// Runs a command.
    pub(crate) fn argv(&mut self, argv: &[&[u8]]) -> String {
        let mut out = ReplyBuilder::new(self.session.resp3);
        match dispatch::execute(&self.store, &mut self.session, argv, &mut out) {
            Ok(()) => show(&out.finish().expect("a command answers, and completely")),
            Err(error) => error.message().to_owned(),
        }
    }

    /// Runs each command and compares its reply; an empty expectation is not compared.
    pub(crate) fn expect(&mut self, lines: &[(&str, &str)]) {
        for (line, expected) in lines {
            let reply = self.run(line);
            assert!(
                expected.is_empty() || reply == *expected,
                "{line}\n  gives    {reply}\n  expected {expected}"
            );
        }
    }

    /// What was logged since the last call.
    pub(crate) fn logged(&self) -> Vec<String> {
        std::mem::take(&mut *self.store.logged.lock().expect("no test panics while it logs"))
    }

    /// The store, for what is not a command.
    pub(crate) fn services(&self) -> &dyn Services {
        &self.store
    }

    /// What the store knows of its clients.
    pub(crate) fn observer(&self) -> &Observer {
        &self.store.observer
    }

    /// Moves the clock.
    pub(crate) fn advance(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    /// The locked shard of a key, to prepare or inspect it without commands.
    pub(crate) fn lock(&self, key: &str) -> Guard<'_> {
        self.store.keyspace.lock([key.as_bytes()]).expect("the keyspace is usable")
    }

    /// OBJECT ENCODING of a key in the selected database.
    pub(crate) fn encoding(&self, key: &str) -> &'static str {
        self.lock(key).encoding(self.session.db, key.as_bytes()).unwrap_or("none")
    }
}

/// A reply as a short text.
pub(crate) fn show(reply: &Reply) -> String {
    let many = |parts: &[Reply]| format!("[{}]", parts.iter().map(show).collect::<Vec<_>>().join(" "));
    match reply {
        Reply::Null => "nil".to_owned(),
        Reply::Int(n) => n.to_string(),
        Reply::Double(value) => value.to_string(),
        Reply::Bool(value) => value.to_string(),
        Reply::Bulk(bytes) | Reply::Verbatim(_, bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Simple(text) => text.to_string(),
        Reply::Error(text) => text.clone(),
        Reply::Array(parts) => many(parts),
        Reply::Set(parts) => many(parts).replace('[', "{").replace(']', "}"),
        Reply::Map(pairs) => {
            let pairs: Vec<_> =
                pairs.iter().map(|(key, value)| format!("{}: {}", show(key), show(value))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

/// An encoded command as its words.
fn words(command: &[u8]) -> String {
    let text = String::from_utf8_lossy(command);
    text.split("\r\n")
        .filter(|line| !line.starts_with(['*', '$']) && !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

impl Services for Recorder {
    fn keyspace(&self) -> &Arc<Keyspace> {
        &self.keyspace
    }
    fn config(&self) -> &Config {
        &self.config
    }
    fn observer(&self) -> &Observer {
        &self.observer
    }
    fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    fn pubsub(&self) -> &PubSub {
        &self.pubsub
    }

    #[cfg(feature = "lua")]
    fn scripts(&self) -> &crate::script::Scripts {
        &self.scripts
    }
    fn allow_write(&self, _: usize) -> Result<()> {
        Ok(())
    }
    fn record(&self, effects: &Effects, _: u64) -> Result<u64> {
        let mut logged = self.logged.lock().expect("no test panics while it logs");
        logged.extend(effects.iter().map(|(_, command)| words(command)));
        Ok(logged.len() as u64)
    }
    fn wait_durable(&self, _: u64) -> Result<()> {
        Ok(())
    }
    fn log_is_synced(&self, _: bool) -> Result<Option<bool>> {
        Ok(None)
    }
    fn after_write(&self) {}
    fn save(&self) -> Result<()> {
        Err(no_files())
    }
    fn cancel_bgsave(&self) -> Result<&'static str> {
        Err(no_files())
    }
    fn bgsave(&self, _: bool, _: bool) -> Result<&'static str> {
        Err(no_files())
    }
    fn bgrewriteaof(&self, _: bool) -> Result<&'static str> {
        Err(no_files())
    }
    fn lastsave(&self) -> i64 {
        0
    }
    fn config_set(&self, pairs: &[(&[u8], &[u8])], held: &mut Guard<'_>) -> Result<()> {
        self.config.set_at_run_time(pairs)?;
        self.observer.configure(&self.config);
        self.keyspace.configure(&super::memory::settings(&self.config), Some(held))
    }
    fn after_config_set(&self) -> Result<()> {
        Ok(())
    }
    fn shutdown(&self, _: crate::command::Shutdown) -> Result<()> {
        Err(Error::command("ERR nothing to end here"))
    }
    fn config_rewrite(&self) -> Result<()> {
        Err(no_files())
    }
    fn reset_stats(&self) {
        self.observer.reset();
    }
    fn info(&self, _: &[String], _: &Guard<'_>) -> Result<String> {
        Err(no_files())
    }
    fn debug_reload(&self, _: super::debug::Reload) -> Result<()> {
        Err(no_files())
    }
    fn debug_loadaof(&self) -> Result<()> {
        Err(no_files())
    }
    fn after_flushall(&self) -> Result<()> {
        Ok(())
    }
}

fn no_files() -> Error {
    Error::command("ERR the bench has no files")
}
