//! What one call changed, as commands for the log.
//!
//! A command handler pushes its effects while it runs; under the same shard guard they go to the log as one piece.

use crate::resp;

/// Encoded commands, each with the database it applies to.
#[derive(Debug, Default)]
pub struct Effects {
    bytes: Vec<u8>,
    /// Per command: database, end in `bytes`.
    items: Vec<(u32, usize)>,
    independent: bool,
}

impl Effects {
    /// None yet; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a command for database `db`.
    pub fn push<A: AsRef<[u8]>>(&mut self, db: u32, argv: &[A]) {
        resp::encode_command(&mut self.bytes, argv);
        self.items.push((db, self.bytes.len()));
    }

    /// Adds a command that the caller encodes himself, exactly one multibulk, at the end of the buffer he is given.
    pub fn push_with(&mut self, db: u32, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.bytes);
        self.items.push((db, self.bytes.len()));
    }

    /// Adds the commands of others behind these.
    pub fn append(&mut self, others: &Effects) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&others.bytes);
        self.items.extend(others.items.iter().map(|&(db, end)| (db, start + end)));
    }

    /// Says that the commands need not be kept together: without it, more than one is a transaction, which replay
    /// applies whole or not at all. Meant for expiry and eviction, which touch keys that have nothing in common.
    pub fn set_independent(&mut self) {
        self.independent = true;
    }

    /// Whether more than one command is written without `MULTI` and `EXEC`.
    pub fn is_independent(&self) -> bool {
        self.independent
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Number of commands.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Bytes of all commands.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
        self.independent = false;
    }

    /// The commands in order: database and encoded bytes.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let mut start = 0;
        self.items.iter().map(move |&(db, end)| {
            let bytes = self.bytes.get(start..end).unwrap_or_default();
            start = end;
            (db, bytes)
        })
    }

    /// Writes everything as the log holds it into `out`: `SELECT` where the database differs from `selected`, and
    /// `MULTI`/`EXEC` around more than one command. As Redis 7.2 does, the `SELECT` of a transaction is inside it.
    /// `selected` becomes the database of the last command.
    pub(crate) fn assemble(&self, selected: &mut Option<u32>, out: &mut Vec<u8>) {
        let whole = self.items.len() > 1 && !self.independent;
        if whole {
            out.extend_from_slice(MULTI);
        }
        for (db, command) in self.iter() {
            if *selected != Some(db) {
                resp::encode_command(out, &[b"SELECT", itoa::Buffer::new().format(db).as_bytes()]);
                *selected = Some(db);
            }
            out.extend_from_slice(command);
        }
        if whole {
            out.extend_from_slice(EXEC);
        }
    }

    /// The single command, if there is exactly one.
    pub(crate) fn single(&self) -> Option<(u32, &[u8])> {
        match self.items.as_slice() {
            [(db, _)] => Some((*db, &self.bytes)),
            _ => None,
        }
    }
}

pub(crate) const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
pub(crate) const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn text(effects: &Effects, selected: &mut Option<u32>) -> String {
        let mut out = Vec::new();
        effects.assemble(selected, &mut out);
        String::from_utf8(out).expect("test data is ASCII").replace("\r\n", " ")
    }

    #[test]
    fn select_comes_first_and_only_when_needed() {
        let mut effects = Effects::new();
        effects.push(3, &["DEL", "k"]);
        let mut selected = None;
        assert_eq!(text(&effects, &mut selected), "*2 $6 SELECT $1 3 *2 $3 DEL $1 k ");
        assert_eq!(text(&effects, &mut selected), "*2 $3 DEL $1 k ");
    }

    #[test]
    fn more_than_one_is_a_transaction_with_its_selects_inside() {
        let mut effects = Effects::new();
        effects.push(0, &["DEL", "a"]);
        effects.push(1, &["DEL", "b"]);
        let mut selected = Some(0);
        let expected = "*1 $5 MULTI *2 $3 DEL $1 a *2 $6 SELECT $1 1 *2 $3 DEL $1 b *1 $4 EXEC ";
        assert_eq!(text(&effects, &mut selected), expected);
        assert_eq!(selected, Some(1));
    }

    #[test]
    fn what_is_appended_belongs_to_the_same_transaction() {
        let (mut effects, mut more) = (Effects::new(), Effects::new());
        effects.push(0, &["DEL", "a"]);
        more.push(1, &["DEL", "b"]);
        effects.append(&Effects::new());
        effects.append(&more);
        let expected = "*1 $5 MULTI *2 $3 DEL $1 a *2 $6 SELECT $1 1 *2 $3 DEL $1 b *1 $4 EXEC ";
        assert_eq!(text(&effects, &mut Some(0)), expected);
    }

    #[test]
    fn independent_commands_stand_alone() {
        let mut effects = Effects::new();
        effects.push(0, &["DEL", "a"]);
        effects.push(0, &["DEL", "b"]);
        effects.set_independent();
        assert_eq!(text(&effects, &mut Some(0)), "*2 $3 DEL $1 a *2 $3 DEL $1 b ");
    }
}
