//! What both sides of a comparison look like: something that takes a command and answers.

use crate::Reply;
use crate::differential::exchange::Keeper;
use crate::resp::Connection;

/// A command taker: a connection to a real server, or a client of the engine.
pub trait Endpoint {
    /// Runs one command. A transport failure is a test failure, hence panics with its reason.
    fn command(&mut self, argv: &[Vec<u8>]) -> Reply;

    /// Runs many commands; an endpoint behind a socket sends them at once.
    fn commands(&mut self, batch: &[Vec<Vec<u8>>]) -> Vec<Reply> {
        batch.iter().map(|argv| self.command(argv)).collect()
    }

    /// Sets the protocol that shapes replies, 2 or 3.
    fn protocol(&mut self, version: u8) {
        let hello = self.line(&format!("HELLO {version}"));
        assert!(!hello.is_error(), "HELLO {version}: {hello}");
    }

    /// Runs a command written as words separated by blanks.
    fn line(&mut self, words: &str) -> Reply {
        self.command(&argv(words))
    }

    /// The same as the owner of files, if it has some.
    fn keeper(&mut self) -> Option<&mut dyn Keeper> {
        None
    }
}

/// Words separated by blanks as a command.
pub fn argv(words: &str) -> Vec<Vec<u8>> {
    words.split_whitespace().map(|w| w.as_bytes().to_vec()).collect()
}

impl Endpoint for Connection {
    fn command(&mut self, argv: &[Vec<u8>]) -> Reply {
        match self.call(argv) {
            Ok(reply) => reply,
            Err(e) => panic!("{}: {e}", crate::text::command_line(argv)),
        }
    }

    fn commands(&mut self, batch: &[Vec<Vec<u8>>]) -> Vec<Reply> {
        match self.pipeline(batch) {
            Ok(replies) => replies,
            Err(e) => panic!("a pipeline of {} commands: {e}", batch.len()),
        }
    }
}
