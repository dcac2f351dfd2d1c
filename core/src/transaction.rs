//! The natural form of MULTI … EXEC for callers in Rust: commands gathered in a [`Transaction`], and check-and-set that
//! begins again when somebody was faster. Knows the client's public face only.

use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::reply::Reply;

/// Commands that are to run as one: nobody sees some of them done and others not, and after a crash all of them are
/// there or none.
///
/// ```
/// use persistkv::{Reply, Store, Transaction};
///
/// let store = Store::memory()?;
/// let mut client = store.client();
/// let mut visit = Transaction::new();
/// visit.add(&["INCR", "visits"]).add(&["EXPIRE", "visits", "60"]);
/// assert_eq!(client.exec(&visit)?, Some(vec![Reply::Int(1), Reply::Int(1)]));
/// # Ok::<(), persistkv::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    commands: Vec<Vec<Vec<u8>>>,
}

impl Transaction {
    /// Without any command.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a command, given as its name and arguments. It is looked at when the transaction runs.
    pub fn add<A: AsRef<[u8]>>(&mut self, argv: &[A]) -> &mut Self {
        self.commands.push(argv.iter().map(|arg| arg.as_ref().to_vec()).collect());
        self
    }

    /// How many commands there are.
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Forgets the commands.
    pub fn clear(&mut self) {
        self.commands.clear();
    }
}

impl Client {
    /// Runs a transaction, and answers the replies in the order of its commands; `None`, and nothing was done, if a key
    /// that this client watches (WATCH) was changed. The watch ends in any case.
    ///
    /// As in Redis a command that fails leaves the others standing: its reply is a [`Reply::Error`]. A command that is
    /// no command at all, or lacks arguments, is an error of the whole, and nothing was done. So is a client that is
    /// between MULTI and EXEC already; its queue stays as it is.
    pub fn exec(&mut self, transaction: &Transaction) -> Result<Option<Vec<Reply>>> {
        const ENDS: [&[u8]; 4] = [b"EXEC", b"DISCARD", b"RESET", b"QUIT"];
        let ends = |command: &&Vec<Vec<u8>>| {
            command.first().is_some_and(|name| ENDS.iter().any(|end| name.eq_ignore_ascii_case(end)))
        };
        if let Some(command) = transaction.commands.iter().find(ends) {
            let name = String::from_utf8_lossy(&command[0]).to_ascii_uppercase();
            return Err(Error::command(format!("ERR {name} is not allowed inside a Transaction")));
        }
        self.execute(&["MULTI"])?;
        for command in &transaction.commands {
            if let Err(error) = self.execute(command) {
                self.execute(&["DISCARD"])?;
                return Err(error);
            }
        }
        match self.execute(&["EXEC"])? {
            Reply::Array(replies) => Ok(Some(replies)),
            Reply::Null => Ok(None),
            _ => {
                Err(Error::new(ErrorKind::Internal, "ERR internal error: EXEC answered with something else"))
            }
        }
    }

    /// Check-and-set: watches keys, calls `body`, which looks at them through the client and adds to the transaction what
    /// is to be done about it, and runs that. Begins again, with an empty transaction, as often as somebody else changed
    /// one of the keys meanwhile; whoever is not first has been beaten by one who was, so all get through.
    ///
    /// An error of `body` ends it with nothing done, and is handed on.
    ///
    /// ```
    /// # let store = persistkv::Store::memory()?;
    /// # let mut client = store.client();
    /// client.execute(&["SET", "stock", "3"])?;
    /// // One more is sold, but never one that is not there.
    /// let replies = client.transaction(&["stock"], |client, todo| {
    ///     if client.execute(&["GET", "stock"])? != persistkv::Reply::Bulk(b"0".to_vec()) {
    ///         todo.add(&["DECR", "stock"]).add(&["RPUSH", "sold", "one"]);
    ///     }
    ///     Ok(())
    /// })?;
    /// assert_eq!(replies.len(), 2);
    /// # Ok::<(), persistkv::Error>(())
    /// ```
    pub fn transaction<K: AsRef<[u8]>>(
        &mut self,
        watched: &[K],
        mut body: impl FnMut(&mut Self, &mut Transaction) -> Result<()>,
    ) -> Result<Vec<Reply>> {
        if self.in_multi() {
            return Err(Error::command("ERR MULTI calls can not be nested"));
        }
        let watch: Vec<&[u8]> =
            std::iter::once(&b"WATCH"[..]).chain(watched.iter().map(AsRef::as_ref)).collect();
        let mut todo = Transaction::new();
        loop {
            if !watched.is_empty() {
                self.execute(&watch)?;
            }
            todo.clear();
            if let Err(error) = body(self, &mut todo) {
                if !self.in_multi() {
                    self.execute(&["UNWATCH"])?;
                }
                return Err(error);
            }
            if let Some(replies) = self.exec(&todo)? {
                return Ok(replies);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    #[test]
    fn commands_run_as_one() {
        let mut client = Store::memory().unwrap().client();
        let mut both = Transaction::new();
        both.add(&["SET", "a", "x"]).add(&["INCR", "a"]).add(&[&b"GET"[..], b"a"]);
        assert_eq!(both.len(), 3);
        let replies = client.exec(&both).unwrap().unwrap();
        assert_eq!(replies[0], Reply::Simple("OK".into()));
        assert!(matches!(&replies[1], Reply::Error(text) if text.contains("not an integer")));
        assert_eq!(replies[2], Reply::Bulk(b"x".to_vec()));
        assert_eq!(client.exec(&Transaction::new()).unwrap(), Some(Vec::new()));
    }

    #[test]
    fn a_command_that_is_none_undoes_the_whole() {
        let mut client = Store::memory().unwrap().client();
        let mut bad = Transaction::new();
        bad.add(&["SET", "a", "x"]).add(&["NONE"]);
        assert!(client.exec(&bad).is_err());
        assert!(!client.in_multi());
        bad.clear();
        bad.add(&["SET", "a", "x"]).add(&["exec"]).add(&["SET", "b", "x"]);
        assert!(client.exec(&bad).unwrap_err().message().contains("EXEC is not allowed"));
        assert_eq!(client.execute(&["EXISTS", "a"]).unwrap(), Reply::Int(0));
    }

    #[test]
    fn between_multi_and_exec_there_is_no_other() {
        let mut client = Store::memory().unwrap().client();
        client.execute(&["MULTI"]).unwrap();
        client.execute(&["SET", "a", "x"]).unwrap();
        assert!(client.exec(&Transaction::new()).is_err());
        assert!(client.transaction(&["a"], |_, _| Ok(())).is_err());
        assert_eq!(client.execute(&["EXEC"]).unwrap(), Reply::Array(vec![Reply::Simple("OK".into())]));
    }

    #[test]
    fn it_begins_again_when_somebody_was_faster() {
        let store = Store::memory().unwrap();
        let (mut client, mut other) = (store.client(), store.client());
        let mut calls = 0;
        let replies = client
            .transaction(&["n"], |client, todo| {
                calls += 1;
                let seen = client.execute(&["GET", "n"])?;
                if calls < 3 {
                    other.execute(&["INCR", "n"])?;
                }
                let seen = if let Reply::Bulk(text) = seen { text } else { b"0".to_vec() };
                todo.add(&[&b"SET"[..], b"copy", &seen]);
                Ok(())
            })
            .unwrap();
        assert_eq!((calls, replies.len()), (3, 1));
        assert_eq!(client.execute(&["GET", "copy"]).unwrap(), Reply::Bulk(b"2".to_vec()));
    }

    #[test]
    fn an_error_of_the_body_ends_it_and_the_watch() {
        let store = Store::memory().unwrap();
        let mut client = store.client();
        let error = client
            .transaction(&["n"], |_, todo| {
                todo.add(&["SET", "n", "1"]);
                Err(Error::command("ERR not today"))
            })
            .unwrap_err();
        assert_eq!(error.message(), "ERR not today");
        assert!(!client.in_transaction());
        assert_eq!(client.execute(&["EXISTS", "n"]).unwrap(), Reply::Int(0));
    }
}
