//! SQLite with a write-ahead log, statements prepared once, each write a transaction of its own.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use crate::work::{JOB, Op, key, value};
use crate::{Class, Peer};

pub(crate) struct Sqlite {
    db: Connection,
}

const SCHEMA: &str = "
    CREATE TABLE kv (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID;
    CREATE TABLE counter (k BLOB PRIMARY KEY, n INTEGER) WITHOUT ROWID;
    CREATE TABLE queue (id INTEGER PRIMARY KEY, v BLOB);
    CREATE TABLE session (k BLOB, f BLOB, v BLOB, PRIMARY KEY (k, f)) WITHOUT ROWID;
    CREATE TABLE board (m BLOB PRIMARY KEY, s REAL) WITHOUT ROWID;
    CREATE INDEX best ON board (s, m);
";

impl Sqlite {
    pub(crate) fn new(dir: &Path, class: Class) -> Self {
        std::fs::create_dir_all(dir).expect("the directory is ours");
        let db = Connection::open(dir.join("db")).expect("opens");
        let synchronous = match class {
            Class::None => "OFF",
            Class::Second => "NORMAL",
            Class::Always => "FULL",
        };
        db.pragma_update(None, "journal_mode", "WAL").expect("a local file system");
        db.pragma_update(None, "synchronous", synchronous).expect("is known");
        db.execute_batch(SCHEMA).expect("a new file");
        Self { db }
    }

    fn one(&self, op: Op) -> rusqlite::Result<u64> {
        let db = &self.db;
        match op {
            Op::Set(n, v) => db
                .prepare_cached(
                    "INSERT INTO kv VALUES (?1, ?2) ON CONFLICT (k) DO UPDATE SET v = excluded.v",
                )?
                .execute(params![key(n), value(v)])
                .map(|n| n as u64),
            Op::Get(n) => {
                let mut get = db.prepare_cached("SELECT v FROM kv WHERE k = ?1")?;
                let value: Option<Vec<u8>> = get.query_row(params![key(n)], |row| row.get(0)).optional()?;
                Ok(value.map_or(0, |value| value.len() as u64))
            }
            Op::Incr(n) => db
                .prepare_cached(
                    "INSERT INTO counter VALUES (?1, 1) ON CONFLICT (k) DO UPDATE SET n = n + 1 RETURNING n",
                )?
                .query_row(params![key(n)], |row| row.get::<_, i64>(0))
                .map(|n| n as u64),
            Op::Push => db
                .prepare_cached("INSERT INTO queue (v) VALUES (?1)")?
                .execute(params![JOB])
                .map(|n| n as u64),
            Op::Pop => {
                let mut pop = db.prepare_cached(
                    "DELETE FROM queue WHERE id = (SELECT id FROM queue ORDER BY id LIMIT 1) RETURNING v",
                )?;
                let value: Option<Vec<u8>> = pop.query_row([], |row| row.get(0)).optional()?;
                Ok(value.map_or(0, |value| value.len() as u64))
            }
            Op::SetField(n, field, v) => db
                .prepare_cached(
                    "INSERT INTO session VALUES (?1, ?2, ?3) ON CONFLICT (k, f) DO UPDATE SET v = excluded.v",
                )?
                .execute(params![key(n), key(field), value(v)])
                .map(|n| n as u64),
            Op::Session(n) => {
                let mut all = db.prepare_cached("SELECT f, v FROM session WHERE k = ?1")?;
                let rows = all.query_map(params![key(n)], |row| {
                    Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
                })?;
                rows.collect::<rusqlite::Result<Vec<_>>>().map(|rows| rows.len() as u64)
            }
            Op::Score(n, score) => db
                .prepare_cached(
                    "INSERT INTO board VALUES (?1, ?2) ON CONFLICT (m) DO UPDATE SET s = excluded.s",
                )?
                .execute(params![key(n), score as f64])
                .map(|n| n as u64),
            Op::Best => {
                let mut best =
                    db.prepare_cached("SELECT m, s FROM board ORDER BY s DESC, m DESC LIMIT 10")?;
                let rows =
                    best.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, f64>(1)?)))?;
                rows.collect::<rusqlite::Result<Vec<_>>>().map(|rows| rows.len() as u64)
            }
        }
    }
}

impl Peer for Sqlite {
    fn name(&self) -> &'static str {
        "SQLite"
    }

    fn run(&mut self, ops: &[Op]) -> u64 {
        ops.iter().fold(0, |sum, op| self.one(*op).expect("our own tables").wrapping_add(sum))
    }

    fn fill(&mut self, ops: &[Op]) {
        self.db.execute_batch("BEGIN").expect("no transaction is open");
        self.run(ops);
        self.db.execute_batch("COMMIT").expect("there is room");
    }
}
