//! After a sequence: the files of both sides, read by themselves and by each other, hold the data that was compared.
//!
//! Six ways: our snapshot and our log read here and by the judge, the judge's snapshot and log read here. Servers are not
//! restarted for that: `DEBUG RELOAD NOSAVE` and `DEBUG LOADAOF` read whatever lies in their directory, and a log is emptied
//! by cutting its file, which they append to.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use persistkv::Store;

use super::{Judge, known};
use crate::dataset::{DataSet, Encodings, Strictness};
use crate::endpoint::argv;
use crate::engine::Engine;
use crate::generate::Command;
use crate::resp::Connection;
use crate::server::{Server, TempDir};
use crate::{Endpoint, Reply, fixtures, interop};

/// An endpoint with files. Both kinds are at hand at any time: the log is always written, a snapshot when asked for.
pub trait Keeper {
    /// No data, and files that hold nothing.
    fn renew(&mut self);
    /// Closes the files; the data are in them alone until the next `renew`.
    fn close(&mut self);
    /// Is there such a command?
    fn knows(&mut self, name: &[u8]) -> bool;
    /// Rewrites the log.
    fn rewrite(&mut self);
    /// Snapshots are for readers of this version from now on.
    fn write_for(&mut self, version: u8);
    /// Saves; where the file is.
    fn snapshot(&mut self) -> PathBuf;
    /// Where the folder of the log is; it holds everything that was acknowledged.
    fn log(&mut self) -> PathBuf;
    /// What it finds in a snapshot of somebody else's, or why it does not load. May lose what it held itself.
    fn read_snapshot(&mut self, file: &Path) -> Result<DataSet, String>;
    /// The same with the folder of a log.
    fn read_log(&mut self, folder: &Path) -> Result<DataSet, String>;
    /// What it finds in its own.
    fn read_own_log(&mut self) -> Result<DataSet, String>;
}

const BY: Strictness = Strictness {
    encodings: Encodings::Ignored,
    expiry_tolerance_ms: 0,
    functions: false,
    servers_log: false,
};

/// Hands files to and fro; what is different then. Nothing when one of them has no files.
pub(super) fn exchange(
    accused: &mut dyn Endpoint,
    ours: &DataSet,
    judge: &mut Judge<'_>,
    theirs: &DataSet,
    sequence: &[Command],
    seed: u64,
) -> Result<(), String> {
    let (Some(here), Some(there)) = (accused.keeper(), judge.endpoint.keeper()) else { return Ok(()) };
    let same = |what: &str, was: &DataSet, found: Result<DataSet, String>| {
        let found = found.map_err(|e| format!("{what} does not load: {e}"))?;
        let differences = was.differences(&found, BY);
        if differences.is_empty() {
            return Ok(());
        }
        Err(format!("{what} holds something else:\n  {}", differences.join("\n  ")))
    };
    let name = judge.name;
    // Its base is a snapshot then. And some logs are taken as a kill leaves them, with all the prepared room.
    let (rewrite, close) = (seed.is_multiple_of(10), !seed.is_multiple_of(16));
    // Before the judge loads anything of ours: it keeps its data in one place only.
    let file = there.snapshot();
    same(&format!("{name}'s snapshot, read here"), theirs, here.read_snapshot(&file))?;
    // Redis 8.2 logs this one as HSETEX.
    let through_another = sequence.iter().any(|argv| argv[0].eq_ignore_ascii_case(b"HINCRBYFLOAT"));
    if !through_another || !there.knows(b"HSETEX") || here.knows(b"HSETEX") {
        let folder = there.log();
        let found = here.read_log(&folder);
        // A server may forget to log something (7.0: a BITFIELD that makes a string and then fails): then it does not find
        // its own data again.
        if found.as_ref().is_ok_and(|found| !theirs.differences(found, BY).is_empty()) {
            let again = there.read_own_log()?;
            same(&format!("{name}'s log, read here and there"), &again, found)?;
        } else {
            same(&format!("{name}'s log, read here"), theirs, found)?;
        }
    }

    here.write_for(judge.reads);
    let file = here.snapshot();
    same("our snapshot, read here", ours, here.read_snapshot(&file))?;
    // A snapshot that says nothing new says it in a version that older servers read, but a log quotes the commands.
    let foreign = sequence.iter().any(|argv| here.knows(&argv[0]) && !there.knows(&argv[0]));
    if rewrite {
        here.rewrite();
    }
    if close {
        here.close();
    }
    let folder = here.log();
    same("our log, read here", ours, here.read_log(&folder))?;

    if foreign {
        return Ok(());
    }
    same(&format!("our snapshot, read by {name}"), ours, there.read_snapshot(&file))?;
    if !sequence.iter().any(known::depends_on_version) {
        same(&format!("our log, read by {name}"), ours, there.read_log(&folder))?;
    }
    Ok(())
}

/// The engine with files.
pub struct OnDisk {
    dir: TempDir,
    store: Store,
    engine: Engine,
}

impl OnDisk {
    /// A new store in a directory of its own.
    pub fn new() -> Self {
        let dir = TempDir::quick();
        let (store, engine) =
            open(&dir.path().join("live"), "yes").unwrap_or_else(|e| panic!("a new store: {e}"));
        Self { dir, store, engine }
    }

    fn elsewhere(&mut self, name: &str, from: &Path, log: &str) -> Result<DataSet, String> {
        let dir = self.dir.path().join("copy");
        make_empty(&dir);
        fixtures::copy(from, &dir.join(name));
        let (store, mut engine) = open(&dir, log)?;
        let found = DataSet::read(&mut engine);
        store.close().map_err(|e| e.to_string())?;
        Ok(found)
    }
}

impl Default for OnDisk {
    fn default() -> Self {
        Self::new()
    }
}

fn open(dir: &Path, log: &str) -> Result<(Store, Engine), String> {
    let directives =
        [("appendonly", log), ("save", ""), ("appendfsync", "no"), ("auto-aof-rewrite-percentage", "0")];
    let store = Store::open(dir, &directives).map_err(|e| e.to_string())?;
    match store.load_notes().as_slice() {
        [] => {
            let engine = Engine::of(&store);
            Ok((store, engine))
        }
        notes => Err(format!("it loads with a note: {notes:?}")),
    }
}

fn is_known(endpoint: &mut dyn Endpoint, name: &[u8]) -> bool {
    let info = endpoint.command(&[b"COMMAND".to_vec(), b"INFO".to_vec(), name.to_vec()]);
    let row = info.items().and_then(<[Reply]>::first).and_then(Reply::items);
    row.is_some_and(|row| !row.is_empty())
}

fn make_empty(dir: &Path) {
    // It may not be there.
    let _ = fs::remove_dir_all(dir);
    if let Err(e) = fs::create_dir_all(dir) {
        panic!("creating {}: {e}", dir.display());
    }
}

impl Endpoint for OnDisk {
    fn command(&mut self, argv: &[Vec<u8>]) -> Reply {
        self.engine.command(argv)
    }

    fn protocol(&mut self, version: u8) {
        self.engine.protocol(version);
    }

    fn keeper(&mut self) -> Option<&mut dyn Keeper> {
        Some(self)
    }
}

impl Keeper for OnDisk {
    fn renew(&mut self) {
        self.close();
        let dir = self.dir.path().join("live");
        make_empty(&dir);
        (self.store, self.engine) = open(&dir, "yes").unwrap_or_else(|e| panic!("a new store: {e}"));
    }

    fn close(&mut self) {
        if let Err(e) = self.store.close() {
            panic!("closing a store: {e}");
        }
    }

    fn knows(&mut self, name: &[u8]) -> bool {
        is_known(&mut self.engine, name)
    }

    fn rewrite(&mut self) {
        interop::rewrite(&mut self.engine);
    }

    fn write_for(&mut self, version: u8) {
        let set = self.engine.line(&format!("CONFIG SET rdb-version {version}"));
        assert!(!set.is_error(), "CONFIG SET rdb-version: {set}");
    }

    fn snapshot(&mut self) -> PathBuf {
        let saved = self.engine.line("SAVE");
        assert!(!saved.is_error(), "SAVE: {saved}");
        self.dir.path().join("live/dump.rdb")
    }

    fn log(&mut self) -> PathBuf {
        self.dir.path().join("live/appendonlydir")
    }

    fn read_snapshot(&mut self, file: &Path) -> Result<DataSet, String> {
        self.elsewhere("dump.rdb", file, "no")
    }

    fn read_log(&mut self, folder: &Path) -> Result<DataSet, String> {
        self.elsewhere("appendonlydir", folder, "yes")
    }

    fn read_own_log(&mut self) -> Result<DataSet, String> {
        let folder = self.log();
        self.read_log(&folder)
    }
}

/// A real server with files.
pub struct KeptServer {
    server: Server,
    connection: Connection,
    known: BTreeMap<Vec<u8>, bool>,
    _dir: TempDir,
}

impl KeptServer {
    /// Starts it; `None` where it is not installed.
    pub fn start(tag: &str) -> Option<Self> {
        let dir = TempDir::quick();
        let arguments = ["--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0"];
        let server = Server::start_in(tag, dir.path(), &arguments)?;
        let connection = server.connect();
        Some(Self { server, connection, known: BTreeMap::new(), _dir: dir })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.server.dir().join(name)
    }

    fn load(&mut self, how: &str) -> Result<DataSet, String> {
        match self.connection.call(&argv(how)) {
            Ok(reply) if !reply.is_error() => Ok(DataSet::read(&mut self.connection)),
            Ok(reply) => Err(format!("{reply}\n{}", self.server.log())),
            // A server that can not load its log ends.
            Err(e) => panic!("{} ended on {how}: {e}\n{}", self.server.tag(), self.server.log()),
        }
    }
}

fn rename(from: &Path, to: &Path) {
    if let Err(e) = fs::rename(from, to) {
        panic!("renaming {} to {}: {e}", from.display(), to.display());
    }
}

impl Endpoint for KeptServer {
    fn command(&mut self, argv: &[Vec<u8>]) -> Reply {
        self.connection.command(argv)
    }

    fn commands(&mut self, batch: &[Vec<Vec<u8>>]) -> Vec<Reply> {
        match self.connection.pipeline(batch) {
            Ok(replies) => replies,
            Err(e) => panic!("{}: {e}\n{}", self.server.tag(), self.server.log()),
        }
    }

    fn keeper(&mut self) -> Option<&mut dyn Keeper> {
        Some(self)
    }
}

impl Keeper for KeptServer {
    fn renew(&mut self) {
        self.connection.commands(&["DISCARD", "FLUSHALL", "FUNCTION FLUSH"].map(argv));
        let file = self.path("appendonlydir/appendonly.aof.1.incr.aof");
        let cut = File::options().write(true).open(&file).and_then(|file| file.set_len(0));
        if let Err(e) = cut {
            panic!("emptying {}: {e}", file.display());
        }
        // The server believes that the log has selected its last database; after two others it selects any.
        self.connection.commands(
            &["SELECT 9", "SET x 1", "DEL x", "SELECT 10", "SET x 1", "DEL x", "SELECT 0"].map(argv),
        );
    }

    fn close(&mut self) {}

    fn knows(&mut self, name: &[u8]) -> bool {
        let connection = &mut self.connection;
        *self.known.entry(name.to_ascii_uppercase()).or_insert_with(|| is_known(connection, name))
    }

    fn rewrite(&mut self) {
        interop::rewrite(&mut self.connection);
    }

    fn write_for(&mut self, version: u8) {
        panic!("{} can not write snapshots of version {version}", self.server.tag());
    }

    fn snapshot(&mut self) -> PathBuf {
        let saved = self.connection.line("SAVE");
        assert!(!saved.is_error(), "SAVE: {saved}");
        self.path("dump.rdb")
    }

    fn log(&mut self) -> PathBuf {
        self.path("appendonlydir")
    }

    fn read_snapshot(&mut self, file: &Path) -> Result<DataSet, String> {
        fixtures::copy(file, &self.path("dump.rdb"));
        self.load("DEBUG RELOAD NOSAVE")
    }

    fn read_log(&mut self, folder: &Path) -> Result<DataSet, String> {
        let (place, aside) = (self.path("appendonlydir"), self.path("own"));
        rename(&place, &aside);
        fixtures::copy(folder, &place);
        let found = self.load("DEBUG LOADAOF");
        make_empty(&place);
        rename(&aside, &place);
        found
    }

    fn read_own_log(&mut self) -> Result<DataSet, String> {
        self.load("DEBUG LOADAOF")
    }
}
