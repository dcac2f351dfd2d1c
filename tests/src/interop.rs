//! Handing a directory to and fro: one host fills and closes it, the other opens it and must find the same data, goes
//! on writing, and hands it back. A host is a real server or the engine.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use persistkv::Store;

use crate::dataset::{DataSet, Encodings, Strictness, Value};
use crate::differential::known;
use crate::edges;
use crate::endpoint::argv;
use crate::engine::Engine;
use crate::generate::families::{self, Family};
use crate::generate::{Command, Generator};
use crate::resp::Connection;
use crate::server::{Server, TempDir};
use crate::{Endpoint, Reply};

/// How the data are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A snapshot, written by `SAVE`.
    Snapshot,
    /// The append-only log as the writes left it.
    Log,
    /// The log after a rewrite in the middle of the writes.
    RewrittenLog,
    /// The same, with a base of commands instead of a snapshot.
    RewrittenAsCommands,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 4] = [Self::Snapshot, Self::Log, Self::RewrittenLog, Self::RewrittenAsCommands];

    /// The directives that set it.
    pub fn directives(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Snapshot => &[("save", ""), ("appendonly", "no")],
            Self::Log | Self::RewrittenLog => &[("save", ""), ("appendonly", "yes")],
            Self::RewrittenAsCommands => {
                &[("save", ""), ("appendonly", "yes"), ("aof-use-rdb-preamble", "no")]
            }
        }
    }
}

/// Who can have a directory open.
pub trait Host {
    /// Whether it is a real server.
    fn is_server(&self) -> bool {
        false
    }
    /// Its name in messages.
    fn name(&self) -> String;
    /// Opens the directory; `None` where the host is not installed.
    fn open(&self, dir: &Path, mode: Mode) -> Option<Box<dyn Open>>;
}

/// A directory that is open.
pub trait Open: Endpoint {
    /// Closes it cleanly: afterwards somebody else may have it.
    fn close(self: Box<Self>);
}

/// A real server as a host.
#[derive(Clone, Copy, Debug)]
pub struct RealServer(pub &'static str);

struct OpenServer {
    server: Server,
    connection: Connection,
}

impl Host for RealServer {
    fn is_server(&self) -> bool {
        true
    }

    fn name(&self) -> String {
        self.0.to_owned()
    }

    fn open(&self, dir: &Path, mode: Mode) -> Option<Box<dyn Open>> {
        let mut arguments = Vec::new();
        for (name, value) in mode.directives() {
            arguments.push(format!("--{name}"));
            arguments.push((*value).to_owned());
        }
        if self.0 != "r62" {
            arguments.extend(["--enable-debug-command".to_owned(), "yes".to_owned()]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let server = Server::start_in(self.0, dir, &arguments)?;
        let connection = server.connect();
        Some(Box::new(OpenServer { server, connection }))
    }
}

impl Endpoint for OpenServer {
    fn command(&mut self, argv: &[Vec<u8>]) -> Reply {
        self.connection.command(argv)
    }

    fn commands(&mut self, batch: &[Vec<Vec<u8>>]) -> Vec<Reply> {
        match self.connection.pipeline(batch) {
            Ok(replies) => replies,
            Err(e) => panic!("{}: {e}\n{}", self.server.tag(), self.server.log()),
        }
    }
}

impl Open for OpenServer {
    fn close(self: Box<Self>) {
        self.server.shutdown(false);
    }
}

/// What the two hosts of a handover have in common.
#[derive(Clone, Copy, Debug)]
pub struct Common {
    /// Both know the expiry of hash fields, and the file can carry it.
    pub field_expiry: bool,
    /// Both know function libraries.
    pub functions: bool,
    /// Expiry times are read to the millisecond (6.2 knows only what is left).
    pub exact_expiry: bool,
    /// The second host's files can be read by the first.
    pub and_back: bool,
    /// Commands that one of them does not have.
    pub lacking: &'static [&'static str],
}

/// The engine as a host, writing snapshots of this version.
#[derive(Clone, Copy, Debug)]
pub struct ThisEngine {
    /// The directive `rdb-version`.
    pub rdb_version: &'static str,
}

impl ThisEngine {
    /// As it writes when nobody says anything.
    pub const BY_DEFAULT: Self = Self { rdb_version: "11" };
}

struct OpenEngine {
    store: Store,
    engine: Engine,
}

impl Host for ThisEngine {
    fn name(&self) -> String {
        "persistkv".to_owned()
    }

    fn open(&self, dir: &Path, mode: Mode) -> Option<Box<dyn Open>> {
        let mut directives = mode.directives().to_vec();
        directives.push(("rdb-version", self.rdb_version));
        directives.push(("enable-debug-command", "yes"));
        match Store::open(dir, &directives) {
            Ok(store) => {
                let engine = Engine::of(&store);
                assert!(store.load_notes().is_empty(), "on loading: {:?}", store.load_notes());
                Some(Box::new(OpenEngine { store, engine }))
            }
            Err(e) => panic!("persistkv does not open {} ({mode:?}): {e}", dir.display()),
        }
    }
}

impl Endpoint for OpenEngine {
    fn command(&mut self, argv: &[Vec<u8>]) -> Reply {
        self.engine.command(argv)
    }
}

impl Open for OpenEngine {
    fn close(self: Box<Self>) {
        if let Err(e) = self.store.close() {
            panic!("closing persistkv: {e}");
        }
    }
}

/// Hands a directory from one host to the other, and back if both can. `None` where a host is not installed.
pub fn hand_over(from: &dyn Host, to: &dyn Host, mode: Mode, common: Common, seed: u64) -> Option<()> {
    let dir = TempDir::new();
    let by = |from: &dyn Host| Strictness {
        encodings: Encodings::Ignored,
        expiry_tolerance_ms: if common.exact_expiry { 0 } else { 5_000 },
        functions: common.functions,
        servers_log: mode != Mode::Snapshot && from.is_server(),
    };
    let what = |from: &dyn Host, to: &dyn Host| {
        format!("{mode:?} of {} opened by {} (seed {seed})", from.name(), to.name())
    };

    let signed = [from, to].iter().all(|host| !matches!(host.name().as_str(), "r62" | "r70"));
    let mut first = from.open(dir.path(), mode)?;
    let before = fill(first.as_mut(), mode, common, seed);
    let signatures = signatures(first.as_mut(), &before, by(from));
    first.close();

    let mut second = to.open(dir.path(), mode)?;
    before.assert_same(&DataSet::read(second.as_mut()), by(from), &what(from, to));
    if signed {
        let found = self::signatures(second.as_mut(), &before, by(from));
        let different: Vec<_> =
            signatures.iter().filter(|(key, signature)| found.get(*key) != Some(signature)).collect();
        assert!(different.is_empty(), "{}: signatures of {different:?}, not as before", what(from, to));
    }
    if !common.and_back {
        second.close();
        return Some(());
    }
    let before = fill(second.as_mut(), mode, common, seed + 1);
    second.close();

    let mut first = from.open(dir.path(), mode)?;
    before.assert_same(&DataSet::read(first.as_mut()), by(to), &what(to, from));
    first.close();
    Some(())
}

/// DEBUG DIGEST-VALUE of every key; without streams where groups may have lost something, and without hashes with expiring
/// fields, of which Redis and Valkey say different things.
fn signatures(host: &mut dyn Open, of: &DataSet, by: Strictness) -> BTreeMap<(u32, Vec<u8>), Reply> {
    let mut batch = Vec::new();
    let mut keys = Vec::new();
    for ((db, key), entry) in &of.keys {
        let expiring = matches!(&entry.value, Value::Hash(fields) if fields.values().any(|(_, expiry)| expiry.is_some()));
        if expiring || (by.servers_log && entry.kind == "stream") {
            continue;
        }
        keys.push((*db, key.clone()));
        batch.push(argv(&format!("SELECT {db}")));
        batch.push([argv("DEBUG DIGEST-VALUE"), vec![key.clone()]].concat());
    }
    batch.push(argv("SELECT 0"));
    let replies = host.commands(&batch);
    keys.into_iter().zip(replies.into_iter().skip(1).step_by(2)).collect()
}

/// Fills a host, has it save as the mode says, and tells what it holds then.
fn fill(host: &mut dyn Open, mode: Mode, common: Common, seed: u64) -> DataSet {
    write(host, common, seed);
    match mode {
        Mode::Snapshot => {
            let saved = host.line("SAVE");
            assert!(!saved.is_error(), "SAVE: {saved}");
        }
        Mode::Log => {}
        Mode::RewrittenLog | Mode::RewrittenAsCommands => {
            rewrite(host);
            write(host, common, seed + 1000);
        }
    }
    let all = DataSet::read(host);
    assert!(all.keys.len() > 15, "only {} keys were made: the handover would prove little", all.keys.len());
    all
}

/// Rewrites the log and waits for the end of it.
pub fn rewrite(host: &mut dyn Endpoint) {
    let started = host.line("BGREWRITEAOF");
    assert!(!started.is_error(), "BGREWRITEAOF: {started}");
    let start = Instant::now();
    loop {
        let info = host.line("INFO persistence");
        let text = String::from_utf8_lossy(info.bytes().unwrap_or_default()).into_owned();
        if text.contains("aof_rewrite_in_progress:0") && text.contains("aof_rewrite_scheduled:0") {
            assert!(text.contains("aof_last_bgrewrite_status:ok"), "the rewrite failed:\n{text}");
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "the rewrite does not end:\n{text}");
        sleep(Duration::from_millis(5));
    }
}

/// Random writes of every family, and what no family makes by itself.
fn write(host: &mut dyn Endpoint, common: Common, seed: u64) {
    let mut families: Vec<&Family> = vec![
        // These two flush now and then, hence come first.
        &families::KEYS,
        &families::TRANSACTIONS,
        &families::STRINGS,
        &families::LISTS,
        &families::SETS,
        &families::HASHES,
        &families::SORTED_SETS,
        &families::STREAMS,
        &families::BITMAPS,
        &families::HYPERLOGLOGS,
        &families::GEO,
    ];
    if common.field_expiry {
        families.push(&families::FIELD_EXPIRY);
    }
    let mut batch: Vec<Command> = Vec::new();
    for (n, family) in families.iter().enumerate() {
        let mut sequence = Generator::new(family).sequence(seed + n as u64, 150);
        // What a server holds and has not logged can not come out of its log.
        sequence.retain(|argv| !known::is_forgotten_by_servers(argv));
        batch.extend(sequence);
        batch.push(argv("DISCARD"));
        batch.push(argv("UNWATCH"));
    }
    batch.push(argv("SELECT 0"));
    batch.extend(edges::commands(seed, common.field_expiry));
    for words in [
        "XADD x1 * a 1 b 2",
        "XADD x1 * a 3",
        "XGROUP CREATE x1 g1 0 MKSTREAM",
        "XREADGROUP GROUP g1 alice COUNT 1 STREAMS x1 >",
        "XGROUP CREATECONSUMER x1 g1 idle",
        "XADD x2 MAXLEN 2 * f v",
        "PFADD s9 a b c d e f",
        "SETBIT s8 1000 1",
        "GEOADD z9 13.361389 38.115556 Palermo",
    ] {
        batch.push(argv(words));
    }
    // Every type beyond the limits of its compact form.
    for (command, step) in [("RPUSH l9", 1), ("SADD t9", 1), ("SADD t8", 1), ("HSET h9", 2), ("ZADD z8", 2)] {
        let mut one = argv(command);
        for n in 0..600 * step {
            let number = n % step == 0 && (command.starts_with('Z') || command.ends_with('8'));
            one.push(if number { n.to_string() } else { format!("element {seed} {n}") }.into_bytes());
        }
        batch.push(one);
    }
    let mut libraries = Vec::new();
    if common.functions {
        let code =
            format!("#!lua name=lib{seed}\nredis.register_function('f{seed}', function() return 1 end)");
        libraries.push(vec![b"FUNCTION".to_vec(), b"LOAD".to_vec(), b"REPLACE".to_vec(), code.into_bytes()]);
    }
    batch.retain(|argv| {
        let name = String::from_utf8_lossy(&argv[0]).to_ascii_uppercase();
        // Redis 8.2 logs this as HSETEX.
        let through_another = name == "HINCRBYFLOAT" && common.lacking.contains(&"HSETEX");
        !common.lacking.contains(&name.as_str()) && !through_another
    });
    batch.retain(|argv| !known::ENGINE.avoids(argv));
    // Reading again what is pending counts as a delivery, which servers do not log.
    batch.retain(|argv| {
        !argv[0].eq_ignore_ascii_case(b"XREADGROUP") || argv.last().is_some_and(|id| id == b">")
    });
    // Redis 6.2.5 dies of these: an offset whose sum with the length overflows, a count that can not be negated. And
    // later versions refuse such a count where 6.2 and 7.0 take and log it.
    batch.retain(|argv| {
        let name = argv[0].to_ascii_uppercase();
        let huge = argv.get(2).is_some_and(|number| number.len() > 18);
        let dangerous = name == b"SETRANGE" || name == b"LREM" || name.ends_with(b"RANDFIELD");
        !(huge && (dangerous || name.ends_with(b"RANDMEMBER")))
    });
    host.commands(&batch);
    for reply in host.commands(&libraries) {
        assert!(!reply.is_error(), "loading a function library: {reply}");
    }
}
