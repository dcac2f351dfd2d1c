//! A real server over a unix socket: a call at a time, and 64 in a pipeline.

use std::cell::RefCell;
use std::rc::Rc;

use persistkv_tests::resp::Connection;
use persistkv_tests::{Endpoint, Reply, Server};

use crate::ours::with_command;
use crate::work::Op;
use crate::{Class, Peer};

/// Commands in a pipeline.
const PIPELINE: usize = 64;

pub(crate) struct Redis {
    server: Rc<RefCell<(Server, Connection)>>,
    policy: &'static str,
    pipelined: bool,
}

impl Redis {
    /// Both ways to talk to one server; `None` where it is not installed.
    pub(crate) fn start(class: Class) -> Option<[Self; 2]> {
        let (log, policy) = match class {
            Class::None => ("no", "everysec"),
            Class::Second => ("yes", "everysec"),
            Class::Always => ("yes", "always"),
        };
        let server = Server::start("r82", &["--appendonly", log, "--appendfsync", policy])?;
        let connection = server.connect();
        let server = Rc::new(RefCell::new((server, connection)));
        Some([false, true].map(|pipelined| Self { server: Rc::clone(&server), policy, pipelined }))
    }

    fn policy(&self, policy: &str) {
        let set = self.server.borrow_mut().1.line(&format!("CONFIG SET appendfsync {policy}"));
        assert!(!set.is_error(), "{set}");
    }
}

fn sum(reply: &Reply) -> u64 {
    match reply {
        Reply::Int(n) => *n as u64,
        Reply::Error(e) => panic!("{}", String::from_utf8_lossy(e)),
        reply => reply.items().map_or(0, <[Reply]>::len) as u64,
    }
}

fn command(op: Op) -> Vec<Vec<u8>> {
    with_command(op, |argv| argv.iter().map(|arg| arg.to_vec()).collect())
}

impl Peer for Redis {
    fn name(&self) -> &'static str {
        if self.pipelined { "Redis 8.2, 64 in a pipeline" } else { "Redis 8.2, unix socket" }
    }

    fn run(&mut self, ops: &[Op]) -> u64 {
        let connection = &mut self.server.borrow_mut().1;
        let portion = if self.pipelined { PIPELINE } else { 1 };
        let mut all = 0u64;
        for ops in ops.chunks(portion) {
            let batch: Vec<_> = ops.iter().map(|op| command(*op)).collect();
            all = connection.commands(&batch).iter().fold(all, |all, reply| all.wrapping_add(sum(reply)));
        }
        all
    }

    fn fill(&mut self, ops: &[Op]) {
        if self.pipelined {
            // The other one has done so: it is the same server.
            return;
        }
        self.policy("no");
        let batch: Vec<_> = ops.iter().map(|op| command(*op)).collect();
        self.server.borrow_mut().1.commands(&batch);
        self.policy(self.policy);
    }
}
