//! Frees what is big on a thread of its own, so that no caller waits for an `munmap` of 100 MB.
//!
//! The thread starts with the first big thing and ends after it has been idle for a while; when it can not be started
//! (or in a forked child, where it does not exist) things are freed where they are. Knows nobody.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Smaller things are freed at once: handing them over would cost more.
pub const BIG: usize = 256 * 1024;

const IDLE: Duration = Duration::from_secs(2);

type Garbage = Box<dyn Send>;

static QUEUE: Mutex<Option<(u32, Sender<Garbage>)>> = Mutex::new(None);

/// Drops `garbage`, in the background when `size` (bytes) is worth it.
pub fn later<T: Send + 'static>(garbage: T, size: usize) {
    if size < BIG {
        return drop(garbage);
    }
    let mut garbage: Garbage = Box::new(garbage);
    let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if let Some((owner, sender)) = queue.as_ref()
        && *owner == process
    {
        match sender.send(garbage) {
            Ok(()) => return,
            Err(back) => garbage = back.0,
        }
    }
    let (sender, receiver) = channel::<Garbage>();
    let worker = move || {
        loop {
            match receiver.recv_timeout(IDLE) {
                Ok(garbage) => drop(garbage),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    // Under the queue's lock nothing can be sent any more, so nothing is left behind.
                    let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
                    let waiting: Vec<Garbage> = receiver.try_iter().collect();
                    if waiting.is_empty() {
                        *queue = None;
                        return;
                    }
                    drop(queue);
                    drop(waiting);
                }
            }
        }
    };
    if std::thread::Builder::new().name("persistkv-free".into()).spawn(worker).is_ok() {
        let _ = sender.send(garbage);
        *queue = Some((process, sender));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc;

    struct Tell(mpsc::Sender<std::thread::ThreadId>);
    impl Drop for Tell {
        fn drop(&mut self) {
            let _ = self.0.send(std::thread::current().id());
        }
    }

    #[test]
    fn big_things_die_elsewhere_and_small_ones_here() {
        let (sender, receiver) = mpsc::channel();
        later(Tell(sender.clone()), BIG);
        assert_ne!(receiver.recv().unwrap(), std::thread::current().id());
        later(Tell(sender), 10);
        assert_eq!(receiver.recv().unwrap(), std::thread::current().id());
    }

    #[test]
    fn nothing_is_lost_when_many_hand_over() {
        let counted = Arc::new(());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| later(Arc::clone(&counted), BIG)));
            }
        });
        while Arc::strong_count(&counted) > 1 {
            std::thread::yield_now();
        }
    }
}
