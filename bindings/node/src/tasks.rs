//! Work that waits (for the disk, for another client) on a thread of its own, answered by a promise.
//!
//! Not on Node's thread pool: a few waiting calls would starve file and name service operations of the host there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use napi::bindgen_prelude::Object;
use napi::{Env, JsDeferred};
use persistkv::{Client, Error, ErrorKind, Reply, Result};

use crate::convert::Outcome;

/// The pause between two looks at work in the background: short at first, then at most the longer one.
const LOOKS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// Runs `work` on a thread of its own. The promise always resolves, with what came of it: see [`Outcome`].
pub(crate) fn spawn<'env>(
    env: &'env Env,
    decode: bool,
    work: impl FnOnce() -> Result<Reply> + Send + 'static,
) -> napi::Result<Object<'env>> {
    type Resolver = Box<dyn FnOnce(Env) -> napi::Result<Outcome>>;
    let (deferred, promise): (JsDeferred<Outcome, Resolver>, _) = env.create_deferred()?;
    let run = move || {
        // Nothing that a panic left half done is looked at afterwards: `work` is consumed.
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Internal, "persistkv panicked; this is a defect of persistkv"))
        });
        deferred.resolve(Box::new(move |_| Ok(Outcome { result, decode })));
    };
    std::thread::Builder::new()
        .name("persistkv-node".into())
        .spawn(run)
        .map_err(|e| napi::Error::from_reason(format!("no thread could be started: {e}")))?;
    Ok(promise)
}

/// Work in the background whose end can be awaited.
#[derive(Clone, Copy)]
pub(crate) enum Awaited {
    Snapshot,
    Rewrite,
}

impl Awaited {
    /// Waits for the end of what a command started, and tells whether it succeeded. `reply` is what the command answered,
    /// `saves` the number of snapshots before it.
    pub(crate) fn wait(self, client: &mut Client, reply: Reply, saves: Option<&str>) -> Result<Reply> {
        let scheduled = matches!(&reply, Reply::Simple(text) if text.contains("scheduled"));
        let (mut pause, longest) = LOOKS;
        loop {
            let info = info(client)?;
            let is = |name: &str, value: &str| field(&info, name) == Some(value);
            let (busy, failed) = match self {
                Awaited::Snapshot => {
                    let failed = is("rdb_last_bgsave_status", "err");
                    // A scheduled one begins after the rewrite under way: until then nothing seems to run.
                    let awaited = scheduled && !failed && field(&info, SAVES) == saves;
                    (is("rdb_bgsave_in_progress", "1") || awaited, failed)
                }
                Awaited::Rewrite => (
                    is("aof_rewrite_in_progress", "1") || is("aof_rewrite_scheduled", "1"),
                    is("aof_last_bgrewrite_status", "err"),
                ),
            };
            if !busy {
                return if failed { Err(self.failed()) } else { Ok(reply) };
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(longest);
        }
    }

    fn failed(self) -> Error {
        Error::command(match self {
            Awaited::Snapshot => "ERR Background saving failed",
            Awaited::Rewrite => "ERR Background append only file rewriting failed",
        })
    }
}

/// Snapshots made since the store was opened, as INFO has it.
pub(crate) fn saves(client: &mut Client) -> Result<Option<String>> {
    Ok(field(&info(client)?, SAVES).map(str::to_owned))
}

/// The name of that field.
const SAVES: &str = "rdb_saves";

fn info(client: &mut Client) -> Result<String> {
    match client.execute(&["INFO", "persistence"])? {
        Reply::Bulk(text) | Reply::Verbatim(_, text) => Ok(String::from_utf8_lossy(&text).into_owned()),
        _ => Err(Error::new(ErrorKind::Internal, "INFO answered no text")),
    }
}

/// The value of a line `name:value`.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().filter_map(|line| line.split_once(':')).find(|(n, _)| *n == name).map(|(_, value)| value)
}
