//! Waiting for durability on behalf of all connections: one thread waits for the latest position anybody owes, so that one
//! sync serves all who came while the one before it ran, and no task blocks.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use persistkv::{Error, Result, Store};
use tokio::sync::oneshot;

struct Wait {
    lsn: u64,
    done: oneshot::Sender<Result<()>>,
}

/// The thread, which starts with the first wait.
#[derive(Default)]
pub(crate) struct Committer {
    queue: Mutex<Option<Sender<Wait>>>,
}

impl Committer {
    /// Returns when everything up to `lsn` is as durable as the policy asks for.
    pub(crate) async fn wait(&self, store: &Store, lsn: u64) -> Result<()> {
        if store.is_durable(lsn) {
            return Ok(());
        }
        let (done, waits) = oneshot::channel();
        self.enqueue(store, Wait { lsn, done })?;
        waits.await.unwrap_or_else(|_| Err(Error::command("ERR the listener has ended")))
    }

    fn enqueue(&self, store: &Store, wait: Wait) -> Result<()> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = match queue.as_ref() {
            Some(sender) => match sender.send(wait) {
                Ok(()) => return Ok(()),
                Err(unsent) => unsent.0,
            },
            None => wait,
        };
        let (sender, receiver) = channel();
        let store = store.clone();
        std::thread::Builder::new()
            .name("persistkv-commit".into())
            .spawn(move || run(&store, &receiver))
            .map_err(|e| Error::command(format!("ERR can't start a thread to sync the log: {e}")))?;
        // The receiver lives in the thread that was just started.
        let _ = sender.send(wait);
        *queue = Some(sender);
        Ok(())
    }
}

fn run(store: &Store, queue: &Receiver<Wait>) {
    while let Ok(first) = queue.recv() {
        let waits: Vec<Wait> = std::iter::once(first).chain(queue.try_iter()).collect();
        let lsn = waits.iter().map(|wait| wait.lsn).max().unwrap_or(0);
        let result = store.wait_durable(lsn);
        for wait in waits {
            let _ = wait.done.send(result.clone());
        }
    }
}
