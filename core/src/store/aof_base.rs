//! The base of the log. Usually it is a snapshot; with `aof-use-rdb-preamble no` it is commands that rebuild the data
//! set, at most 64 elements each, as real servers write them.
//!
//! No snapshot that holds expiring fields of hashes can be read by both Redis and Valkey, while HPEXPIREAT is understood
//! by both. So a data set that has some gets a snapshot of everything else with the commands for those hashes behind it:
//! every server since 4.0 reads such a file ([`MixedWriter`]).

use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use super::aof_stream;
use crate::encoding::intset::Intset;
use crate::encoding::listpack::ListpackRef;
use crate::encoding::num;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{File, FileReader, FileWriter};
use crate::rdb;
use crate::resp;
use crate::value::elements::{Records, split_expiry};
use crate::value::hash::triplets;
use crate::value::list::Node;
use crate::value::saved::{BigKind, Body, HeadRef, Sink};

/// Elements of an aggregate per command.
const PER_COMMAND: usize = 64;
/// Bytes copied at a time.
const COPY: usize = 1 << 18;

/// Writes a data set as commands.
pub(super) struct CommandWriter<W: Write> {
    out: W,
    db: Option<u32>,
    buffer: Vec<u8>,
    /// The command being filled: its name, its key, and elements so far.
    batch: Vec<Vec<u8>>,
    per_element: usize,
    /// Those of its fields that expire.
    expiring: Vec<(Vec<u8>, i64)>,
    /// The big key under way.
    big: Option<(BigKind, Vec<u8>, Option<i64>)>,
}

impl<W: Write> CommandWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            db: None,
            buffer: Vec::new(),
            batch: Vec::new(),
            per_element: 1,
            expiring: Vec::new(),
            big: None,
        }
    }

    /// Everything is out.
    pub(super) fn finish(mut self) -> Result<W> {
        self.out.flush().map_err(failed)?;
        Ok(self.out)
    }

    fn command<A: AsRef<[u8]>>(&mut self, argv: &[A]) -> Result<()> {
        self.buffer.clear();
        resp::encode_command(&mut self.buffer, argv);
        self.out.write_all(&self.buffer).map_err(failed)
    }

    /// The libraries of functions, which come first.
    pub(super) fn functions(&mut self, codes: &[Arc<[u8]>]) -> Result<()> {
        codes.iter().try_for_each(|code| self.command(&[b"FUNCTION", b"LOAD".as_slice(), code]))
    }

    fn select(&mut self, db: u32) -> Result<()> {
        if self.db != Some(db) {
            self.command(&[b"SELECT".as_slice(), db.to_string().as_bytes()])?;
            self.db = Some(db);
        }
        Ok(())
    }

    fn start(&mut self, name: &str, key: &[u8], per_element: usize) {
        self.batch = vec![name.as_bytes().to_vec(), key.to_vec()];
        self.per_element = per_element;
    }

    fn add(&mut self, part: Vec<u8>) -> Result<()> {
        self.batch.push(part);
        if self.batch.len() == 2 + PER_COMMAND * self.per_element {
            self.flush_batch()?;
        }
        Ok(())
    }

    fn flush_batch(&mut self) -> Result<()> {
        if self.batch.len() > 2 {
            let batch = std::mem::take(&mut self.batch);
            self.command(&batch)?;
            self.batch = batch;
            self.batch.truncate(2);
        }
        for (field, at) in std::mem::take(&mut self.expiring) {
            let key = self.batch.get(1).cloned().unwrap_or_default();
            let at = at.to_string();
            // HSETEX would be shorter, but Redis 7.4 does not know it.
            self.command(&[b"HPEXPIREAT", &key[..], at.as_bytes(), b"FIELDS", b"1", &field])?;
        }
        Ok(())
    }

    fn add_listpack(&mut self, bytes: &[u8]) -> Result<()> {
        let listpack = ListpackRef::from_bytes(bytes).map_err(broken)?;
        for value in listpack.iter() {
            self.add(value.to_vec())?;
        }
        Ok(())
    }

    /// A field that may expire: HPEXPIREAT follows the command that sets it.
    fn add_field(&mut self, field: Vec<u8>, value: Vec<u8>, expiry: Option<i64>) -> Result<()> {
        if let Some(at) = expiry {
            self.expiring.push((field.clone(), at));
        }
        self.add(field)?;
        self.add(value)
    }

    fn add_records(&mut self, kind: BigKind, records: &[u8]) -> Result<()> {
        for (key, value) in Records(records) {
            match kind {
                BigKind::Set => self.add(key.to_vec())?,
                BigKind::Hash => {
                    self.add(key.to_vec())?;
                    self.add(value.to_vec())?;
                }
                BigKind::ExpiringHash { .. } => {
                    let (value, expiry) = split_expiry(value);
                    self.add_field(key.to_vec(), value.to_vec(), expiry)?;
                }
                BigKind::ZSet => {
                    let score =
                        f64::from_le_bytes(value.try_into().map_err(|_| broken("a score is 8 bytes"))?);
                    self.add(num::fmt_f64(score).as_bytes().to_vec())?;
                    self.add(key.to_vec())?;
                }
            }
        }
        Ok(())
    }

    fn start_big(&mut self, kind: BigKind, key: &[u8]) {
        match kind {
            BigKind::Set => self.start("SADD", key, 1),
            BigKind::Hash | BigKind::ExpiringHash { .. } => self.start("HMSET", key, 2),
            BigKind::ZSet => self.start("ZADD", key, 2),
        }
    }

    fn expire(&mut self, key: &[u8], expiry: Option<i64>) -> Result<()> {
        match expiry {
            Some(at) => self.command(&[b"PEXPIREAT".as_slice(), key, at.to_string().as_bytes()]),
            None => Ok(()),
        }
    }
}

/// A snapshot, and commands for what it can not hold. These are kept in a file of their own until the snapshot ends.
pub(super) struct MixedWriter {
    snapshot: rdb::Writer<FileWriter>,
    tail: CommandWriter<BufWriter<FileWriter>>,
    tail_file: Arc<dyn File>,
    in_tail: bool,
}

impl MixedWriter {
    /// `tail` is an empty file for the commands meanwhile.
    pub(super) fn new(snapshot: rdb::Writer<FileWriter>, tail: Arc<dyn File>) -> Self {
        let writer = CommandWriter::new(BufWriter::new(FileWriter::new(Arc::clone(&tail), 0)));
        Self { snapshot, tail: writer, tail_file: tail, in_tail: false }
    }

    /// Ends the snapshot and puts the commands behind it.
    pub(super) fn finish(self) -> Result<()> {
        let (mut base, _) = self.snapshot.finish()?;
        drop(self.tail.finish()?);
        let mut tail = BufReader::with_capacity(COPY, FileReader::new(self.tail_file, 0));
        std::io::copy(&mut tail, &mut base).map_err(failed)?;
        Ok(())
    }
}

impl Sink for MixedWriter {
    fn entry(&mut self, head: HeadRef<'_>, body: &Body<'_>) -> Result<()> {
        match body {
            Body::HashTriplets(_) | Body::Elements(BigKind::ExpiringHash { .. }, ..) => {
                self.tail.entry(head, body)
            }
            _ => self.snapshot.entry(head, body),
        }
    }

    fn begin(&mut self, head: HeadRef<'_>, kind: BigKind, len: usize) -> Result<()> {
        self.in_tail = matches!(kind, BigKind::ExpiringHash { .. });
        if self.in_tail { self.tail.begin(head, kind, len) } else { self.snapshot.begin(head, kind, len) }
    }

    fn elements(&mut self, records: &[u8]) -> Result<()> {
        if self.in_tail { self.tail.elements(records) } else { self.snapshot.elements(records) }
    }

    fn end(&mut self) -> Result<()> {
        if self.in_tail { self.tail.end() } else { self.snapshot.end() }
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::io("writing", Path::new("the base of the append-only file"), error)
}

fn broken(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, format!("ERR internal error: a value in memory is damaged: {what}"))
}

impl<W: Write> Sink for CommandWriter<W> {
    fn entry(&mut self, head: HeadRef<'_>, body: &Body<'_>) -> Result<()> {
        self.select(head.db)?;
        let key = head.key;
        match *body {
            Body::Int(n) => self.command(&[b"SET".as_slice(), key, n.to_string().as_bytes()])?,
            Body::Bytes(bytes) => self.command(&[b"SET".as_slice(), key, bytes])?,
            Body::ListListpack(bytes) => {
                self.start("RPUSH", key, 1);
                self.add_listpack(bytes)?;
            }
            Body::ListNodes(nodes) => {
                self.start("RPUSH", key, 1);
                for node in nodes.iter() {
                    match node {
                        Node::Packed(listpack) => self.add_listpack(listpack.bytes())?,
                        Node::Plain(bytes) => self.add(bytes.clone())?,
                    }
                }
            }
            Body::SetIntset(bytes) => {
                self.start("SADD", key, 1);
                for n in Intset::from_bytes(bytes.to_vec()).map_err(broken)?.iter() {
                    self.add(n.to_string().into_bytes())?;
                }
            }
            Body::SetListpack(bytes) => {
                self.start("SADD", key, 1);
                self.add_listpack(bytes)?;
            }
            Body::HashListpack(bytes) => {
                self.start("HMSET", key, 2);
                self.add_listpack(bytes)?;
            }
            Body::HashTriplets(bytes) => {
                self.start("HMSET", key, 2);
                for (field, value, expiry) in triplets(ListpackRef::from_bytes(bytes).map_err(broken)?) {
                    self.add_field(field.to_vec(), value.to_vec(), expiry)?;
                }
            }
            Body::ZSetListpack(bytes) => {
                self.start("ZADD", key, 2);
                let listpack = ListpackRef::from_bytes(bytes).map_err(broken)?;
                let mut parts = listpack.iter();
                while let (Some(member), Some(score)) = (parts.next(), parts.next()) {
                    self.add(score.to_vec())?;
                    self.add(member.to_vec())?;
                }
            }
            Body::Elements(kind, _, records) => {
                self.start_big(kind, key);
                self.add_records(kind, records)?;
            }
            Body::Stream(stream) => aof_stream::commands(key, stream, |argv| self.command(argv))?,
            Body::Module(_) => {
                let shown = String::from_utf8_lossy(key).into_owned();
                let text = format!(
                    "ERR the key '{shown}' holds a module's value, which has no command form; use aof-use-rdb-preamble yes"
                );
                return Err(Error::command(text));
            }
        }
        self.flush_batch()?;
        self.batch.clear();
        self.expire(key, head.expiry)
    }

    fn begin(&mut self, head: HeadRef<'_>, kind: BigKind, _: usize) -> Result<()> {
        self.select(head.db)?;
        self.start_big(kind, head.key);
        self.big = Some((kind, head.key.to_vec(), head.expiry));
        Ok(())
    }

    fn elements(&mut self, records: &[u8]) -> Result<()> {
        let Some((kind, _, _)) = self.big else { return Err(broken("elements outside a key")) };
        self.add_records(kind, records)
    }

    fn end(&mut self) -> Result<()> {
        self.flush_batch()?;
        let Some((_, key, expiry)) = self.big.take() else { return Err(broken("elements outside a key")) };
        self.expire(&key, expiry)
    }
}
