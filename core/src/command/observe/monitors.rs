//! MONITOR: clients that see every command that is run, as a line of text.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{ClientState, lock};
use crate::command::ctx::Session;
use crate::command::services::Services;
use crate::outbox::{Outbox, Push};
use crate::pubsub::Wakers;

/// Who monitors.
#[derive(Default)]
pub struct Monitors {
    all: Mutex<Vec<(u64, Arc<Outbox>)>>,
    count: AtomicUsize,
}

impl Monitors {
    /// Whether anybody does. Costs one load.
    pub fn is_on(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn enter(&self, client: &ClientState) {
        let mut all = lock(&self.all);
        if !all.iter().any(|(id, _)| *id == client.id) {
            all.push((client.id, Arc::clone(&client.outbox)));
        }
        self.count.store(all.len(), Ordering::Relaxed);
    }

    /// A client ends, or is made new.
    pub(crate) fn leave(&self, client: &ClientState) {
        if !self.is_on() {
            return;
        }
        let mut all = lock(&self.all);
        all.retain(|(id, _)| *id != client.id);
        self.count.store(all.len(), Ordering::Relaxed);
    }

    /// Whether a client does.
    pub(crate) fn has(&self, id: u64) -> bool {
        self.is_on() && lock(&self.all).iter().any(|(other, _)| *other == id)
    }

    /// Tells all of them of a command. What is secret is left out.
    pub(crate) fn tell(
        &self,
        services: &dyn Services,
        session: &Session,
        argv: &[&[u8]],
        wakers: &mut Wakers,
    ) {
        let us = services.keyspace().clock().now_us();
        let from = match &session.client {
            None => "lua".to_owned(),
            Some(_) if session.from_script => "lua".to_owned(),
            Some(client) => match &client.link {
                Some(link) if link.is_unix() => format!("unix:{}", link.addr().trim_end_matches(":0")),
                Some(link) => link.addr().to_owned(),
                None => format!("in-process:{}", std::process::id()),
            },
        };
        let mut line = format!("{}.{:06} [{} {from}]", us / 1_000_000, us % 1_000_000, session.db);
        for (at, arg) in argv.iter().enumerate() {
            line.push(' ');
            quote(&mut line, if is_secret(argv, at) { b"(redacted)" } else { arg });
        }
        let push = Arc::new(Push::Line(line));
        let limit = services.config().output_limit(true);
        for (_, outbox) in lock(&self.all).iter() {
            wakers.extend(outbox.add(Arc::clone(&push), limit));
        }
    }
}

/// Whether an argument is a password, or the name it belongs to.
fn is_secret(argv: &[&[u8]], at: usize) -> bool {
    let is =
        |at: usize, word: &str| argv.get(at).is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()));
    at > 0 && (is(0, "auth") || (is(0, "hello") && (is(at - 1, "auth") || (at > 1 && is(at - 2, "auth")))))
}

fn quote(line: &mut String, arg: &[u8]) {
    line.push('"');
    for &byte in arg {
        match byte {
            b'"' | b'\\' => line.extend(['\\', char::from(byte)]),
            b'\n' => line.push_str("\\n"),
            b'\r' => line.push_str("\\r"),
            b'\t' => line.push_str("\\t"),
            7 => line.push_str("\\a"),
            8 => line.push_str("\\b"),
            b' '..=b'~' => line.push(char::from(byte)),
            other => {
                let _ = write!(line, "\\x{other:02x}");
            }
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_and_passwords_left_out() {
        let mut line = String::new();
        quote(&mut line, b"a\"\\\n\x00\xff~");
        assert_eq!(line, "\"a\\\"\\\\\\n\\x00\\xff~\"");
        let secret =
            |argv: &[&[u8]]| (0..argv.len()).map(|at| u8::from(is_secret(argv, at))).collect::<Vec<_>>();
        assert_eq!(secret(&[b"AUTH", b"u", b"p"]), [0, 1, 1]);
        assert_eq!(secret(&[b"hello", b"3", b"AUTH", b"u", b"p", b"SETNAME", b"n"]), [0, 0, 0, 1, 1, 0, 0]);
        assert_eq!(secret(&[b"get", b"auth"]), [0, 0]);
    }
}
