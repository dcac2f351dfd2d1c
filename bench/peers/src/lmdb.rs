//! LMDB through heed: what has no form of its own there is made of ordered keys, as its users do.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use heed::types::Bytes;
use heed::{Database, Env, EnvFlags, EnvOpenOptions, RwTxn};

use crate::work::{JOB, Op, key, value};
use crate::{Class, Peer};

type Table = Database<Bytes, Bytes>;

pub(crate) struct Lmdb {
    env: Env,
    kv: Table,
    counter: Table,
    queue: Table,
    session: Table,
    board: Table,
    best: Table,
    next_job: u64,
    closing: Arc<AtomicBool>,
    syncer: Option<JoinHandle<()>>,
}

impl Lmdb {
    pub(crate) fn new(dir: &Path, class: Class) -> Self {
        std::fs::create_dir_all(dir).expect("the directory is ours");
        let mut options = EnvOpenOptions::new();
        options.map_size(1 << 30).max_dbs(8);
        // SAFETY: nobody else opens this directory, so the file is not changed behind the mapping; without syncs a
        // power loss may damage it, and it is thrown away after the run.
        let env = unsafe {
            if class != Class::Always {
                options.flags(EnvFlags::NO_SYNC);
            }
            options.open(dir).expect("opens")
        };
        let mut txn = env.write_txn().expect("nobody else writes");
        let mut table = |name| env.create_database(&mut txn, Some(name)).expect("there is room");
        let [kv, counter, queue, session, board, best] =
            ["kv", "counter", "queue", "session", "board", "best"].map(&mut table);
        txn.commit().expect("there is room");
        let closing = Arc::new(AtomicBool::new(false));
        let syncer = (class == Class::Second).then(|| {
            let (env, closing) = (env.clone(), Arc::clone(&closing));
            std::thread::spawn(move || {
                while !closing.load(Ordering::Relaxed) {
                    std::thread::park_timeout(Duration::from_secs(1));
                    env.force_sync().expect("the disk works");
                }
            })
        });
        Self { env, kv, counter, queue, session, board, best, next_job: 0, closing, syncer }
    }

    fn write(&mut self, txn: &mut RwTxn<'_>, op: Op) -> heed::Result<u64> {
        match op {
            Op::Set(n, v) => self.kv.put(txn, &key(n), &value(v))?,
            Op::Incr(n) => {
                let now = self
                    .counter
                    .get(txn, &key(n))?
                    .and_then(|n| n.try_into().ok())
                    .map_or(0, u64::from_be_bytes);
                self.counter.put(txn, &key(n), &(now + 1).to_be_bytes())?;
                return Ok(now + 1);
            }
            Op::Push => {
                self.next_job += 1;
                self.queue.put(txn, &self.next_job.to_be_bytes(), &JOB)?;
            }
            Op::Pop => {
                let first = self.queue.first(txn)?.map(|(id, job)| (id.to_vec(), job.len()));
                if let Some((id, len)) = first {
                    self.queue.delete(txn, &id)?;
                    return Ok(len as u64);
                }
            }
            Op::SetField(n, field, v) => self.session.put(txn, &[key(n), key(field)].concat(), &value(v))?,
            Op::Score(n, score) => {
                let old = self.board.get(txn, &key(n))?.map(<[u8]>::to_vec);
                if let Some(old) = old {
                    self.best.delete(txn, &[&old[..], &key(n)].concat())?;
                }
                let score = score.to_be_bytes();
                self.board.put(txn, &key(n), &score)?;
                self.best.put(txn, &[&score[..], &key(n)].concat(), &[])?;
            }
            Op::Get(_) | Op::Session(_) | Op::Best => unreachable!("reads are done elsewhere"),
        }
        Ok(1)
    }

    fn one(&mut self, op: Op) -> heed::Result<u64> {
        let env = self.env.clone();
        match op {
            Op::Get(n) => {
                let txn = env.read_txn()?;
                let value = self.kv.get(&txn, &key(n))?.map(<[u8]>::to_vec);
                Ok(value.map_or(0, |value| value.len() as u64))
            }
            Op::Session(n) => {
                let txn = env.read_txn()?;
                let mut all = Vec::new();
                for pair in self.session.prefix_iter(&txn, &key(n))? {
                    let (field, value) = pair?;
                    all.push((field[16..].to_vec(), value.to_vec()));
                }
                Ok(all.len() as u64)
            }
            Op::Best => {
                let txn = env.read_txn()?;
                let mut all = Vec::new();
                for pair in self.best.rev_iter(&txn)?.take(10) {
                    let (place, _) = pair?;
                    all.push((place[8..].to_vec(), place[..8].to_vec()));
                }
                Ok(all.len() as u64)
            }
            write => {
                let mut txn = env.write_txn()?;
                let done = self.write(&mut txn, write)?;
                txn.commit()?;
                Ok(done)
            }
        }
    }
}

impl Peer for Lmdb {
    fn name(&self) -> &'static str {
        "LMDB"
    }

    fn run(&mut self, ops: &[Op]) -> u64 {
        ops.iter().fold(0, |sum, op| self.one(*op).expect("there is room").wrapping_add(sum))
    }

    fn fill(&mut self, ops: &[Op]) {
        let env = self.env.clone();
        let mut txn = env.write_txn().expect("nobody else writes");
        for op in ops {
            self.write(&mut txn, *op).expect("there is room");
        }
        txn.commit().expect("there is room");
    }
}

impl Drop for Lmdb {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        if let Some(syncer) = self.syncer.take() {
            syncer.thread().unpark();
            if syncer.join().is_err() {
                panic!("the thread that syncs panicked");
            }
        }
    }
}
