//! What happens when a store is opened: the log is replayed, or the snapshot read.
//!
//! With `appendonly yes` only the log counts, as in Redis, with one difference: where there is no log but a snapshot,
//! that becomes the log's first base (a server would start empty and overwrite the snapshot later). With `appendonly
//! no` the snapshot counts; a log beside it is left alone, but a log *instead* of it is an error: starting empty would
//! look like losing everything.

use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::logging::policy;
use super::{Disk, Inner};
use crate::aof::files::Layout;
use crate::aof::log::{Log, Options};
use crate::aof::manifest::{Entry, Kind, Manifest, publish};
use crate::aof::replay;
use crate::command::debug::Reload;
#[cfg(feature = "lua")]
use crate::command::scripting;
use crate::command::{Session, dispatch};
use crate::config::Directive;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{FileReader, FileWriter, Open};
use crate::keyspace::Expiry;
use crate::rdb;
use crate::reply::ReplyBuilder;

/// What the last load found.
#[derive(Default)]
pub(super) struct Loaded {
    /// One line for each thing worth knowing.
    pub(super) notes: Vec<String>,
    /// Keys loaded from a snapshot.
    pub(super) keys: u64,
    /// Keys dropped since they had expired.
    pub(super) expired: u64,
}

impl Inner {
    /// Loads what the directory holds and opens the log if there is to be one.
    pub(super) fn load(self: &Arc<Self>) -> Result<()> {
        let disk = self.disk()?;
        if !self.config.flag(Directive::AppendOnly) {
            self.refuse_forgotten_log(disk)?;
            return self.load_snapshot(disk, false);
        }
        let layout = self.layout(disk);
        self.adopt_snapshot(disk, &layout)?;
        let opened = self.replay(disk, &layout, false)?;
        self.note_replay(&opened.report);
        let log = Log::open(Arc::clone(&disk.fs), layout, opened, self.log_options())?;
        self.logging.set(Some(Arc::new(log)));
        Ok(())
    }

    pub(super) fn layout(&self, disk: &Disk) -> Layout {
        Layout {
            dir: disk.dir.clone(),
            dirname: self.config.text(Directive::AppendDirName),
            filename: self.config.text(Directive::AppendFileName),
        }
    }

    pub(super) fn log_options(&self) -> Options {
        Options {
            policy: policy(self.config.int(Directive::AppendFsync)),
            timestamps: self.config.flag(Directive::AofTimestampEnabled),
            ..Options::default()
        }
    }

    fn has_log(&self, disk: &Disk, layout: &Layout) -> Result<bool> {
        for path in [layout.path(&layout.manifest_name()), layout.old_single_file()] {
            if disk.fs.file_len(&path).map_err(|e| Error::io("looking at", &path, e))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn has_snapshot(&self, disk: &Disk) -> Result<bool> {
        let path = disk.dir.join(self.config.text(Directive::DbFileName));
        Ok(disk.fs.file_len(&path).map_err(|e| Error::io("looking at", &path, e))?.is_some())
    }

    fn refuse_forgotten_log(&self, disk: &Disk) -> Result<()> {
        let layout = self.layout(disk);
        if !self.has_log(disk, &layout)? {
            return Ok(());
        }
        if self.has_snapshot(disk)? {
            let note = format!(
                "appendonly is no: the data comes from the snapshot, and the append-only log in {} is not read",
                layout.folder().display()
            );
            log::warn!("{note}");
            self.note(note);
            return Ok(());
        }
        let text = format!(
            "{} holds an append-only log and no snapshot, but appendonly is no: the store would be empty. Open it with \
             appendonly yes, or move {} away first",
            disk.dir.display(),
            layout.folder().display()
        );
        Err(Error::new(ErrorKind::Config, text))
    }

    fn note(&self, note: String) {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).notes.push(note);
    }

    /// Makes a snapshot the base of a new log when there is no log. The manifest is published last, so that a crash
    /// before leaves the directory as it was.
    fn adopt_snapshot(&self, disk: &Disk, layout: &Layout) -> Result<()> {
        if self.has_log(disk, layout)? || !self.has_snapshot(disk)? {
            return Ok(());
        }
        let (fs, folder) = (&disk.fs, layout.folder());
        let source = disk.dir.join(self.config.text(Directive::DbFileName));
        fs.create_dir_all(&folder).map_err(|e| Error::io("creating", &folder, e))?;
        fs.sync_dir(&disk.dir).map_err(|e| Error::io("syncing the directory", &disk.dir, e))?;
        let name = layout.base_name(1, true);
        let (temp, target) = (layout.path(&layout.temp_base_name()), layout.path(&name));
        let input = fs.open(&source, Open::Read).map_err(|e| Error::io("opening", &source, e))?;
        let output = fs.open(&temp, Open::Truncate).map_err(|e| Error::io("creating", &temp, e))?;
        let mut writer = FileWriter::new(Arc::clone(&output), 0);
        let mut reader = BufReader::with_capacity(1 << 20, FileReader::new(input, 0));
        std::io::copy(&mut reader, &mut writer)
            .map_err(|e| Error::io("copying the snapshot to", &temp, e))?;
        output.sync_all().map_err(|e| Error::io("syncing", &temp, e))?;
        fs.rename(&temp, &target).map_err(|e| Error::io("renaming", &temp, e))?;
        fs.sync_dir(&folder).map_err(|e| Error::io("syncing the directory", &folder, e))?;
        let manifest = Manifest { base: Some(Entry::new(name, 1, Kind::Base)), ..Manifest::default() };
        publish(&**fs, &folder, &layout.manifest_name(), &manifest)?;
        let note = format!("there was no append-only log: it begins with the data of {}", source.display());
        log::info!("{note}");
        self.note(note);
        Ok(())
    }

    /// Replays the log into the (empty) keyspace; `read_only` when it is open.
    pub(super) fn replay(&self, disk: &Disk, layout: &Layout, read_only: bool) -> Result<replay::Opened> {
        let options = replay::LoadOptions {
            read_only,
            truncated: self.config.flag(Directive::AofLoadTruncated),
            corrupt_tail_max: self.config.int(Directive::AofLoadCorruptTailMaxSize) as u64,
        };
        self.keyspace.set_loading(true);
        let mut target = Replay { inner: self, session: Session::default(), file: String::new() };
        target.session.replaying = true;
        let opened = replay::load(&*disk.fs, layout, &options, &mut target);
        self.keyspace.set_loading(false);
        opened
    }

    fn note_replay(&self, report: &replay::LoadReport) {
        for lost in &report.lost {
            let kept =
                lost.kept_as.as_ref().map(|name| format!("; they are kept in {name}")).unwrap_or_default();
            let note = format!(
                "{}: {} bytes were cut off at offset {} ({}){kept}",
                lost.file, lost.bytes, lost.offset, lost.why
            );
            log::warn!("{note}");
            self.note(note);
        }
        if report.stray_transactions > 0 {
            let note = format!(
                "the log holds {} unbalanced MULTI or EXEC, as some servers leave behind after a crash; they were passed over",
                report.stray_transactions
            );
            log::warn!("{note}");
            self.note(note);
        }
    }

    /// Reads `dump.rdb`, if there is one, into the (empty) keyspace.
    pub(super) fn load_snapshot(&self, disk: &Disk, merge: bool) -> Result<()> {
        let path = disk.dir.join(self.config.text(Directive::DbFileName));
        let size = disk.fs.file_len(&path).map_err(|e| Error::io("looking at", &path, e))?;
        let Some(size) = size else { return Ok(()) };
        let file = disk.fs.open(&path, Open::Read).map_err(|e| Error::io("opening", &path, e))?;
        let input = self.opening.counted(FileReader::new(file, 0), size);
        let mut input = BufReader::with_capacity(1 << 18, input);
        let expired_before = Some(self.keyspace.clock().now_ms());
        self.keyspace.set_loading(true);
        let report = rdb::load(
            &mut input,
            &self.rdb_load_options(&path, size, expired_before),
            &mut Keys { inner: self, merge },
        );
        self.keyspace.set_loading(false);
        let report = report?;
        self.keep_foreign(&report);
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        (loaded.keys, loaded.expired) = (report.keys, report.expired);
        if report.empty > 0 {
            loaded.notes.push(format!(
                "{}: {} keys without elements were left out",
                path.display(),
                report.empty
            ));
        }
        Ok(())
    }

    fn rdb_load_options(&self, path: &Path, size: u64, drop_expired_before: Option<i64>) -> rdb::LoadOptions {
        rdb::LoadOptions {
            file: path.to_path_buf(),
            size: Some(size),
            limits: self.config.limits(),
            databases: self.keyspace.databases() as u32,
            drop_expired_before,
            checksum: self.config.flag(Directive::RdbChecksum) && !self.config.switches.skips_checksums(),
        }
    }

    fn keep_foreign(&self, report: &rdb::LoadReport) {
        let mut foreign = self.foreign.lock().unwrap_or_else(PoisonError::into_inner);
        foreign.aux = report.foreign_aux();
        foreign.module_aux = report.module_aux.clone();
    }

    /// Empties every database.
    fn flush_everything(&self) -> Result<()> {
        let mut guard = self.keyspace.lock_all_at_turn()?;
        #[cfg(feature = "lua")]
        self.scripts.flush_libraries();
        guard.set_companions(Vec::new());
        for db in 0..self.keyspace.databases() {
            guard.flush(db);
        }
        Ok(())
    }

    /// DEBUG RELOAD.
    pub(super) fn reload_snapshot(&self, how: Reload) -> Result<()> {
        let disk = self.disk()?;
        if how.save {
            self.save_now()?;
        }
        if how.flush {
            self.flush_everything()?;
        }
        self.load_snapshot(disk, how.merge)?;
        self.dirty.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// DEBUG LOADAOF.
    pub(super) fn reload_log(&self) -> Result<()> {
        let disk = self.disk()?;
        let log = self.logging.log().ok_or_else(|| Error::command("ERR the append-only file is off"))?;
        self.wait_for_rewrite();
        log.sync()?;
        self.flush_everything()?;
        self.replay(disk, &self.layout(disk), true)?;
        self.dirty.store(0, Ordering::Relaxed);
        Ok(())
    }
}

/// Puts keys of a snapshot into the keyspace.
struct Keys<'a> {
    inner: &'a Inner,
    /// They replace those that are there.
    merge: bool,
}

impl rdb::Loader for Keys<'_> {
    fn key(&mut self, key: &rdb::LoadedKey<'_>, value: rdb::LoadedValue) -> Result<bool> {
        self.inner.delay_load();
        let db = key.db as usize;
        let mut guard = self.inner.keyspace.lock([key.key])?;
        if !self.merge && guard.peek(db, key.key).is_some() {
            return Ok(false);
        }
        let expiry = key.expiry.map_or(Expiry::Clear, Expiry::At);
        match value {
            rdb::LoadedValue::Int(n) => guard.set_int(db, key.key, n, expiry),
            rdb::LoadedValue::Bytes(bytes) => guard.set_string(db, key.key, &bytes, expiry),
            rdb::LoadedValue::Value(value) => guard.set_value(db, key.key, value, expiry),
        }
        guard.set_access(db, key.key, key.idle_secs, key.freq);
        Ok(true)
    }

    #[cfg(feature = "lua")]
    fn function(&mut self, source: &[u8]) -> Result<bool> {
        scripting::load_saved(self.inner, source, self.merge).map_err(|error| {
            let name = String::from_utf8_lossy(source.split(|b| *b == b'\n').next().unwrap_or_default())
                .into_owned();
            let text = format!("the function library '{name}' can not be loaded: {error}");
            Error::new(ErrorKind::Corrupt, text)
        })?;
        Ok(true)
    }
}

/// Runs the log's commands.
struct Replay<'a> {
    inner: &'a Inner,
    session: Session,
    file: String,
}

impl replay::Target for Replay<'_> {
    fn file(&mut self, name: &str) -> Result<()> {
        self.file = name.to_owned();
        self.session.db = 0;
        Ok(())
    }

    fn preamble(&mut self, input: &mut dyn Read, len: u64) -> Result<u64> {
        let options = self.inner.rdb_load_options(Path::new(&self.file), len, None);
        let mut input = BufReader::with_capacity(1 << 18, input);
        let report = rdb::load(&mut input, &options, &mut Keys { inner: self.inner, merge: false })?;
        self.inner.keep_foreign(&report);
        Ok(report.bytes)
    }

    fn progress(&mut self, done: u64, total: u64) {
        self.inner.opening.note(done, total);
    }

    fn command(&mut self, argv: &[&[u8]], offset: u64) -> Result<()> {
        self.inner.delay_load();
        let mut out = ReplyBuilder::new(false);
        dispatch::execute(self.inner, &mut self.session, argv, &mut out).map_err(|error| {
            // A server logs this and goes on with other data than it had; we would rather say so.
            let name = String::from_utf8_lossy(argv.first().copied().unwrap_or_default()).into_owned();
            let what = format!(
                "the command '{name}' failed: {error}. The file is as it was; 'persistkv check' shows it, and a server \
                 of the version that wrote it can load and rewrite it"
            );
            Error::corrupt(&self.file, offset, what)
        })
    }
}
