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
    /// The number of a client.
    fn id(&self, actor: usize) -> i64;
    /// A client goes, and another one comes in its place.
    fn hang_up(&mut self, actor: usize);
    /// A client runs a command: its reply, `None` when it waits.
    fn act(&mut self, actor: usize, argv: &[Vec<u8>]) -> Option<Reply>;
    /// The reply of a client that waited and does no longer.
    fn served(&mut self, actor: usize) -> Option<Reply>;
    /// Messages that have come to a client that does not wait.
    fn messages(&mut self, actor: usize) -> Vec<Reply>;
}

/// What a client does instead of a command when it goes.
pub const HANG_UP: &str = "HANGUP";

/// Plays a scene of so many clients; steps of clients that wait are left out. `@2` is the number of client 2.
pub fn play(stage: &mut dyn Stage, actors: usize, steps: &[Step]) -> String {
    let mut waits = vec![false; actors];
    let mut transcript = String::new();
    for (actor, argv) in steps {
        if waits[*actor] {
            continue;
        }
        let _ = writeln!(transcript, "{actor}> {}", command_line(argv));
        if argv[0] == HANG_UP.as_bytes() {
            stage.hang_up(*actor);
            continue;
        }
        let numbered = |arg: &Vec<u8>| match &arg[..] {
            [b'@', number @ (b'0'..=b'9')] => stage.id(usize::from(number - b'0')).to_string().into_bytes(),
            _ => arg.clone(),
        };
        let sent: Vec<Vec<u8>> = argv.iter().map(numbered).collect();
        // What is asked between would be taken for the command that this one is about.
        let is_about_the_next = argv.iter().any(|arg| arg.eq_ignore_ascii_case(b"CACHING"));
        match stage.act(*actor, &sent) {
            Some(reply) => {
                let _ = writeln!(transcript, "{actor}< {}", without_numbers(stage, actors, argv, &reply));
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
            let is_asked = !(is_about_the_next && other == *actor);
            if !waits && is_asked {
                for message in stage.messages(other) {
                    let is_numbered = message
                        .items()
                        .is_some_and(|items| items[0].bytes() == Some(b"tracking-redir-broken"));
                    let about: &[u8] = if is_numbered { b"CLIENT" } else { b"" };
                    let message = without_numbers(stage, actors, &[about.to_vec()], &message);
                    let _ = writeln!(transcript, "{other}<< {message}");
                }
            }
        }
    }
    transcript
}

/// A reply that may tell numbers of clients, which differ from stage to stage.
fn without_numbers(stage: &dyn Stage, actors: usize, argv: &[Vec<u8>], reply: &Reply) -> Reply {
    if !argv[0].eq_ignore_ascii_case(b"CLIENT") {
        return reply.clone();
    }
    let each =
        |items: &[Reply]| items.iter().map(|item| without_numbers(stage, actors, argv, item)).collect();
    match reply {
        Reply::Int(n) if *n > 1 => match (0..actors).find(|actor| stage.id(*actor) == *n) {
            Some(actor) => Reply::Status(format!("@{actor}").into_bytes()),
            // Somebody who has gone.
            None => Reply::Status(b"@?".to_vec()),
        },
        Reply::Array(items) => Reply::Array(each(items)),
        Reply::Push(items) => Reply::Push(each(items)),
        Reply::Map(pairs) => {
            let value = |reply: &Reply| without_numbers(stage, actors, argv, reply);
            Reply::Map(pairs.iter().map(|(key, found)| (key.clone(), value(found))).collect())
        }
        _ => reply.clone(),
    }
}

/// A store in this process.
pub struct Here {
    store: Store,
    clients: Vec<(Client, Option<Blocked>)>,
}

impl Here {
    /// So many clients of a store.
    pub fn new(store: &Store, actors: usize) -> Self {
        let clients = std::iter::repeat_with(|| enter(store)).take(actors).collect();
        Self { store: store.clone(), clients }
    }
}

fn enter(store: &Store) -> (Client, Option<Blocked>) {
    let mut client = store.client();
    client.set_resp3(true);
    (client, None)
}

fn outcome(done: persistkv::Result<()>, out: ReplyBuilder) -> Reply {
    match done {
        Ok(()) => out.finish().map_or(Reply::Nil, convert),
        Err(e) => error(&e),
    }
}

impl Stage for Here {
    fn id(&self, actor: usize) -> i64 {
        i64::try_from(self.clients[actor].0.id()).unwrap_or(i64::MAX)
    }

    fn hang_up(&mut self, actor: usize) {
        self.clients[actor] = enter(&self.store);
    }

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

/// A server, or a store's listener: whoever is at the other end of connections.
pub struct There<'a> {
    connect: Box<dyn Fn() -> Connection + 'a>,
    protocol: u8,
    control: Connection,
    clients: Vec<Actor>,
}

struct Actor {
    connection: Connection,
    id: i64,
    heard: Vec<Reply>,
    queues: bool,
}

impl<'a> There<'a> {
    /// So many connections to a server.
    pub fn new(server: &'a Server, actors: usize) -> Self {
        Self::over(|| server.connect(), actors, 3)
    }

    /// So many connections, and the protocol they speak.
    pub fn over(connect: impl Fn() -> Connection + 'a, actors: usize, protocol: u8) -> Self {
        let control = connect();
        let mut stage = Self { connect: Box::new(connect), protocol, control, clients: Vec::new() };
        for _ in 0..actors {
            let actor = stage.enter();
            stage.clients.push(actor);
        }
        stage
    }

    fn enter(&self) -> Actor {
        let mut connection = (self.connect)();
        connection.protocol(self.protocol);
        let id = connection.line("CLIENT ID").int().unwrap_or_default();
        Actor { connection, id, heard: Vec::new(), queues: false }
    }

    /// What the server says of a client.
    fn says(&mut self, id: i64, name: &str) -> Option<String> {
        let list = self.control.line(&format!("CLIENT LIST ID {id}"));
        let line = String::from_utf8_lossy(list.bytes().unwrap_or_default()).into_owned();
        let value = line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        value.map(str::to_owned)
    }

    fn is_blocked(&mut self, actor: usize) -> bool {
        self.says(self.clients[actor].id, "flags").unwrap_or_default().contains('b')
    }

    fn reply(&mut self, actor: usize) -> Reply {
        let resp2 = self.protocol == 2;
        let Actor { connection, heard, .. } = &mut self.clients[actor];
        loop {
            match connection.read_reply() {
                Ok(message @ Reply::Push(_)) => heard.push(message),
                Ok(message) if resp2 && is_message(&message) => heard.push(message),
                Ok(reply) => return reply,
                Err(e) => panic!("reading the reply of client {actor}: {e}"),
            }
        }
    }
}

impl Stage for There<'_> {
    fn id(&self, actor: usize) -> i64 {
        self.clients[actor].id
    }

    fn hang_up(&mut self, actor: usize) {
        let next = self.enter();
        let gone = std::mem::replace(&mut self.clients[actor], next).id;
        while self.says(gone, "id").is_some() {
            std::thread::yield_now();
        }
    }

    fn act(&mut self, actor: usize, argv: &[Vec<u8>]) -> Option<Reply> {
        let Actor { connection, queues, .. } = &mut self.clients[actor];
        if let Err(e) = connection.send(argv) {
            panic!("{}: {e}", command_line(argv));
        }
        let name = argv[0].to_ascii_uppercase();
        // Redis 8 has a client that empties a database wait until the memory is free.
        let may_wait = !name.starts_with(b"FLUSH");
        let answers_by_message = is_subscription(argv) && !*queues;
        let reply = loop {
            match connection_ready(&mut self.clients[actor].connection) {
                // Its confirmation is a message, and comes with the others.
                true if answers_by_message => return Some(Reply::Nil),
                true => break self.reply(actor),
                false if may_wait && self.is_blocked(actor) => return None,
                false => {}
            }
        };
        let queues = &mut self.clients[actor].queues;
        match &name[..] {
            b"MULTI" => *queues |= !reply.is_error(),
            b"EXEC" | b"DISCARD" | b"RESET" => *queues = false,
            _ => {}
        }
        Some(reply)
    }

    fn served(&mut self, actor: usize) -> Option<Reply> {
        (!self.is_blocked(actor)).then(|| self.reply(actor))
    }

    fn messages(&mut self, actor: usize) -> Vec<Reply> {
        // In a transaction everything is queued.
        if self.clients[actor].queues {
            return Vec::new();
        }
        // What was sent before the answer to this has arrived with it.
        if let Err(e) = self.clients[actor].connection.send(&argv("PING barrier")) {
            panic!("asking client {actor}: {e}");
        }
        self.reply(actor);
        std::mem::take(&mut self.clients[actor].heard)
    }
}

/// Whether a RESP2 array is a message rather than a reply.
fn is_message(reply: &Reply) -> bool {
    const MESSAGES: [&str; 9] = [
        "message",
        "pmessage",
        "smessage",
        "subscribe",
        "psubscribe",
        "ssubscribe",
        "unsubscribe",
        "punsubscribe",
        "sunsubscribe",
    ];
    let first = reply.items().and_then(|items| items.first()).and_then(Reply::bytes);
    first.is_some_and(|first| MESSAGES.iter().any(|name| name.as_bytes() == first))
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
