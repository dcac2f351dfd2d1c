//! Scenes: several clients take turns, some of them wait for keys, some hear messages, and everything that any of them
//! gets is written down in order. The same scene is played here and on a real server, and the two transcripts are
//! compared. Nothing is timed: on a server a client counts as waiting when the server says so.

use std::fmt::Write as _;

use persistkv::outbox::Push;
use persistkv::reply::ReplyBuilder;
use persistkv::{Blocked, Client, Store};

use crate::endpoint::argv;
use crate::engine::{convert, error};
use crate::resp::Connection;
use crate::text::command_line;
use crate::{Endpoint, Reply, Server};

/// Who acts and what he does.
pub type Step = (usize, Vec<Vec<u8>>);

/// Where scenes are played.
pub trait Stage {
    /// A client runs a command: its reply, `None` when it waits.
    fn act(&mut self, actor: usize, argv: &[Vec<u8>]) -> Option<Reply>;
    /// The reply of a client that waited and does no longer.
    fn served(&mut self, actor: usize) -> Option<Reply>;
    /// Messages that have come to a client that does not wait.
    fn messages(&mut self, actor: usize) -> Vec<Reply>;
}

/// Plays a scene of so many clients; steps of clients that wait are left out.
pub fn play(stage: &mut dyn Stage, actors: usize, steps: &[Step]) -> String {
    let mut waits = vec![false; actors];
    let mut transcript = String::new();
    for (actor, argv) in steps {
        if waits[*actor] {
            continue;
        }
        let _ = writeln!(transcript, "{actor}> {}", command_line(argv));
        match stage.act(*actor, argv) {
            Some(reply) => {
                let _ = writeln!(transcript, "{actor}< {reply}");
            }
            None => {
                waits[*actor] = true;
                let _ = writeln!(transcript, "{actor}  waits");
            }
        }
        for (other, waits) in waits.iter_mut().enumerate() {
            if *waits && let Some(reply) = stage.served(other) {
                *waits = false;
                let _ = writeln!(transcript, "{other}< {reply}");
            }
        }
        for (other, waits) in waits.iter().enumerate() {
            if !waits {
                for message in stage.messages(other) {
                    let _ = writeln!(transcript, "{other}<< {message}");
                }
            }
        }
    }
    transcript
}

/// A store in this process.
pub struct Here {
    clients: Vec<(Client, Option<Blocked>)>,
}

impl Here {
    /// So many clients of a store.
    pub fn new(store: &Store, actors: usize) -> Self {
        let client = || {
            let mut client = store.client();
            client.set_resp3(true);
            (client, None)
        };
        Self { clients: std::iter::repeat_with(client).take(actors).collect() }
    }
}

fn outcome(done: persistkv::Result<()>, out: ReplyBuilder) -> Reply {
    match done {
        Ok(()) => out.finish().map_or(Reply::Nil, convert),
        Err(e) => error(&e),
    }
}

impl Stage for Here {
    fn act(&mut self, actor: usize, argv: &[Vec<u8>]) -> Option<Reply> {
        let (client, blocked) = &mut self.clients[actor];
        let mut out = ReplyBuilder::new(client.resp3());
        match client.begin(argv, &mut out) {
            Ok(Some(waiting)) => {
                *blocked = Some(waiting);
                None
            }
            Ok(None) => Some(outcome(Ok(()), out)),
            Err(e) => Some(outcome(Err(e), out)),
        }
    }

    fn served(&mut self, actor: usize) -> Option<Reply> {
        let (client, blocked) = &mut self.clients[actor];
        let mut out = ReplyBuilder::new(client.resp3());
        let done = blocked.as_ref()?.take(&mut out)?;
        *blocked = None;
        Some(outcome(done, out))
    }

    fn messages(&mut self, actor: usize) -> Vec<Reply> {
        let client = &self.clients[actor].0;
        // As on a server, where nobody can ask without queueing: they come when the transaction is over.
        if client.in_multi() {
            return Vec::new();
        }
        let shown = |push: &Push| match push {
            Push::Parts(parts) => Reply::Push(parts.iter().cloned().map(convert).collect()),
            Push::Line(line) => Reply::Status(line.clone().into_bytes()),
        };
        match client.outbox().take_all() {
            Ok(messages) => messages.iter().map(|push| shown(push)).collect(),
            Err(e) => vec![error(&e)],
        }
    }
}

/// A real server.
pub struct There {
    control: Connection,
    clients: Vec<(Connection, i64)>,
    heard: Vec<Vec<Reply>>,
}

impl There {
    /// So many connections to a server.
    pub fn new(server: &Server, actors: usize) -> Self {
        let connect = || {
            let mut client = server.connect();
            client.protocol(3);
            let id = client.line("CLIENT ID").int().unwrap_or_default();
            (client, id)
        };
        let clients = std::iter::repeat_with(connect).take(actors).collect();
        Self { control: server.connect(), clients, heard: vec![Vec::new(); actors] }
    }

    /// What the server says of a client.
    fn says(&mut self, actor: usize, name: &str) -> String {
        let id = self.clients[actor].1;
        let list = self.control.line(&format!("CLIENT LIST ID {id}"));
        let line = String::from_utf8_lossy(list.bytes().unwrap_or_default()).into_owned();
        let value = line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_default().to_owned()
    }

    fn is_blocked(&mut self, actor: usize) -> bool {
        self.says(actor, "flags").contains('b')
    }

    fn reply(&mut self, actor: usize) -> Reply {
        loop {
            match self.clients[actor].0.read_reply() {
                Ok(message @ Reply::Push(_)) => self.heard[actor].push(message),
                Ok(reply) => return reply,
                Err(e) => panic!("reading the reply of client {actor}: {e}"),
            }
        }
    }
}

impl Stage for There {
    fn act(&mut self, actor: usize, argv: &[Vec<u8>]) -> Option<Reply> {
        let connection = &mut self.clients[actor].0;
        if let Err(e) = connection.send(argv) {
            panic!("{}: {e}", command_line(argv));
        }
        // Redis 8 has a client that empties a database wait until the memory is free.
        let may_wait = !argv[0].to_ascii_uppercase().starts_with(b"FLUSH");
        let answers_by_message = is_subscription(argv);
        loop {
            match connection_ready(&mut self.clients[actor].0) {
                // Its confirmation is a message, and comes with the others.
                true if answers_by_message => return Some(Reply::Nil),
                true => return Some(self.reply(actor)),
                false if may_wait && self.is_blocked(actor) => return None,
                false => {}
            }
        }
    }

    fn served(&mut self, actor: usize) -> Option<Reply> {
        (!self.is_blocked(actor)).then(|| self.reply(actor))
    }

    fn messages(&mut self, actor: usize) -> Vec<Reply> {
        // In a transaction everything is queued.
        if self.says(actor, "multi") != "-1" {
            return Vec::new();
        }
        // What was sent before the answer to this has arrived with it.
        if let Err(e) = self.clients[actor].0.send(&argv("ECHO barrier")) {
            panic!("asking client {actor}: {e}");
        }
        self.reply(actor);
        std::mem::take(&mut self.heard[actor])
    }
}

/// Whether a command is answered by messages alone.
fn is_subscription(argv: &[Vec<u8>]) -> bool {
    let name = argv[0].to_ascii_uppercase();
    name.ends_with(b"UNSUBSCRIBE") || (name.ends_with(b"SUBSCRIBE") && argv.len() > 1)
}

fn connection_ready(connection: &mut Connection) -> bool {
    match connection.is_ready() {
        Ok(ready) => ready,
        Err(e) => panic!("looking for a reply: {e}"),
    }
}
