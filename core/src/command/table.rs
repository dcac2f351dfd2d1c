//! The command table: what a command is called, how it is called, which keys it touches, and who handles it.
//!
//! COMMAND, arity errors, key extraction, the write gate and the generated documentation and bindings all read these
//! rows, which stand in the family files beside this one.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::args::{SHOWN_MAX, is, shown};
use super::ctx::Ctx;
use crate::encoding::num;
use crate::error::{Error, Result};
use crate::reply::ReplySink;

/// Runs a command. It must fail before it writes its first byte of reply, and before it has changed anything.
pub type Handler = fn(&mut Ctx<'_>, &mut dyn ReplySink) -> Result<()>;

/// Flags of a command, named as COMMAND INFO names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(pub u32);

impl Flags {
    /// None.
    pub const NONE: Flags = Flags(0);
    /// May change the data set.
    pub const WRITE: Flags = Flags(1);
    /// Only reads.
    pub const READONLY: Flags = Flags(1 << 1);
    /// Refused when memory is full.
    pub const DENYOOM: Flags = Flags(1 << 2);
    /// Administrative.
    pub const ADMIN: Flags = Flags(1 << 3);
    /// O(1) or O(log n).
    pub const FAST: Flags = Flags(1 << 4);
    /// Allowed while loading.
    pub const LOADING: Flags = Flags(1 << 5);
    /// Allowed on a stale replica (no meaning here; part of COMMAND's answer).
    pub const STALE: Flags = Flags(1 << 6);
    /// Not allowed in scripts.
    pub const NOSCRIPT: Flags = Flags(1 << 7);
    /// Not allowed in MULTI.
    pub const NO_MULTI: Flags = Flags(1 << 8);
    /// Key positions depend on the arguments.
    pub const MOVABLEKEYS: Flags = Flags(1 << 9);
    /// Not shown to MONITOR and SLOWLOG.
    pub const SKIP_SLOWLOG: Flags = Flags(1 << 10);
    /// Allowed before authentication.
    pub const NO_AUTH: Flags = Flags(1 << 11);
    /// Publishes or subscribes.
    pub const PUBSUB: Flags = Flags(1 << 12);
    /// May block.
    pub const BLOCKING: Flags = Flags(1 << 13);
    /// May be called in a script that declares no flags even if it writes (no meaning here; part of COMMAND's answer).
    pub const ALLOW_BUSY: Flags = Flags(1 << 14);
    /// Not logged to MONITOR.
    pub const SKIP_MONITOR: Flags = Flags(1 << 15);
    /// Not propagated by async loading (part of COMMAND's answer).
    pub const NO_ASYNC_LOADING: Flags = Flags(1 << 16);

    /// Reads, but may keep what it found in the value and log that, unless writes are refused ([`Ctx::may_write`]).
    pub const MAY_WRITE: Flags = Flags(1 << 17);
    /// Runs scripts, or changes what they are made of: it needs the turn before any shard, and shards late.
    pub const SCRIPT: Flags = Flags(1 << 18);
    /// May be called without keys though it has some.
    pub const NO_MANDATORY_KEYS: Flags = Flags(1 << 19);

    const NAMES: [(Flags, &str); 18] = [
        (Flags::WRITE, "write"),
        (Flags::READONLY, "readonly"),
        (Flags::DENYOOM, "denyoom"),
        (Flags::ADMIN, "admin"),
        (Flags::PUBSUB, "pubsub"),
        (Flags::NOSCRIPT, "noscript"),
        (Flags::BLOCKING, "blocking"),
        (Flags::LOADING, "loading"),
        (Flags::STALE, "stale"),
        (Flags::SKIP_MONITOR, "skip_monitor"),
        (Flags::SKIP_SLOWLOG, "skip_slowlog"),
        (Flags::FAST, "fast"),
        (Flags::NO_AUTH, "no_auth"),
        (Flags::NO_MANDATORY_KEYS, "no_mandatory_keys"),
        (Flags::NO_ASYNC_LOADING, "no_async_loading"),
        (Flags::NO_MULTI, "no_multi"),
        (Flags::MOVABLEKEYS, "movablekeys"),
        (Flags::ALLOW_BUSY, "allow_busy"),
    ];

    /// Both.
    pub const fn and(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// Whether all of `other` are set.
    pub const fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names COMMAND INFO shows.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().filter(move |(flag, _)| self.has(*flag)).map(|(_, name)| *name)
    }
}

impl std::ops::BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        self.and(other)
    }
}

/// The group a command is documented under, and its ACL category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Group {
    Generic,
    String,
    List,
    Set,
    SortedSet,
    Hash,
    Bitmap,
    Geo,
    HyperLogLog,
    Stream,
    Connection,
    Server,
    Transactions,
    PubSub,
    Scripting,
}

impl Group {
    /// The name COMMAND DOCS shows.
    pub fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::List => "list",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::Hash => "hash",
            Group::Bitmap => "bitmap",
            Group::HyperLogLog => "hyperloglog",
            Group::Geo => "geo",
            Group::Stream => "stream",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Transactions => "transactions",
            Group::PubSub => "pubsub",
            Group::Scripting => "scripting",
        }
    }

    fn category(self) -> Option<&'static str> {
        match self {
            // What publishes and subscribes has its category from its flag.
            Group::Generic | Group::PubSub | Group::Server => None,
            Group::String => Some("string"),
            Group::List => Some("list"),
            Group::Set => Some("set"),
            Group::SortedSet => Some("sortedset"),
            Group::Hash => Some("hash"),
            Group::Bitmap => Some("bitmap"),
            Group::HyperLogLog => Some("hyperloglog"),
            Group::Geo => Some("geo"),
            Group::Stream => Some("stream"),
            Group::Connection => Some("connection"),
            Group::Transactions => Some("transaction"),
            Group::Scripting => Some("scripting"),
        }
    }
}

/// Which arguments are keys: these shards are locked.
#[derive(Clone, Copy)]
pub enum Keys {
    /// None; the handler locks for itself if it must.
    None,
    /// From `first` to `last` (negative: from the end) in steps.
    Range(i32, i32, i32),
    /// A count at this position, that many keys behind it (`LMPOP numkeys key …`).
    Counted(usize),
    /// A destination at position 1, a count at this position, that many keys behind it (`ZUNIONSTORE dest numkeys key …`).
    DestAndCounted(usize),
    /// The first half of what follows the option STREAMS (`XREAD … STREAMS key … id …`).
    Streams,
    /// One at position 1, and what stands behind the last STORE or STOREDIST from this position on.
    OneAndStored(usize),
    /// A count at this position, that many keys behind it, each with a value (`MSETEX numkeys key value …`).
    CountedPairs(usize),
    /// SORT's: what is sorted, and behind STORE where it goes. Its patterns may name any key besides.
    Sort,
    /// These stand where keys would, but are names of channels (`SSUBSCRIBE channel …`).
    Channels(i32, i32),
    /// Every shard, for commands over the whole keyspace.
    Everything,
}

/// A row of the table.
pub struct Command {
    /// Lower case; of a subcommand without its parent's name.
    pub name: &'static str,
    /// Number of arguments with the name; negative: at least that many.
    pub arity: i32,
    /// What kind of command it is.
    pub flags: Flags,
    /// Which arguments are keys.
    pub keys: Keys,
    /// Where it belongs.
    pub group: Group,
    /// ACL categories besides those that follow from flags and group (`keyspace`, `dangerous` …).
    pub categories: &'static [&'static str],
    /// The Redis version that introduced it.
    pub since: &'static str,
    /// One line on what it does.
    pub summary: &'static str,
    /// Its cost.
    pub complexity: &'static str,
    /// Who runs it; of a container the handler for an unknown subcommand.
    pub handler: Handler,
    /// Subcommands of a container such as CONFIG.
    pub subcommands: &'static [Command],
}

/// What the rows of a family have in common; each row says the rest.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    group: Group,
    keys: Keys,
    categories: &'static [&'static str],
}

impl Rows {
    /// Commands of this group, without keys.
    pub(super) const fn of(group: Group) -> Self {
        Self { group, keys: Keys::None, categories: &[] }
    }

    /// With these keys.
    pub(super) const fn keys(self, keys: Keys) -> Self {
        Self { keys, ..self }
    }

    /// In these categories besides those that follow from flags and group.
    pub(super) const fn categories(self, categories: &'static [&'static str]) -> Self {
        Self { categories, ..self }
    }

    /// One of them.
    #[expect(clippy::too_many_arguments, reason = "a row has that many columns")]
    pub(super) const fn row(
        self,
        name: &'static str,
        arity: i32,
        flags: Flags,
        since: &'static str,
        complexity: &'static str,
        handler: Handler,
        summary: &'static str,
    ) -> Command {
        let Self { group, keys, categories } = self;
        Command {
            name,
            arity,
            flags,
            keys,
            group,
            categories,
            since,
            summary,
            complexity,
            handler,
            subcommands: &[],
        }
    }
}

impl Command {
    /// The same with these keys.
    pub(super) const fn keys(self, keys: Keys) -> Self {
        Self { keys, ..self }
    }

    /// ACL categories as COMMAND INFO shows them, with their `@`.
    pub fn acl_categories(&self) -> Vec<String> {
        let mut names: Vec<&str> = Vec::new();
        names.extend(self.categories);
        for (flag, name) in [(Flags::WRITE, "write"), (Flags::READONLY, "read"), (Flags::PUBSUB, "pubsub")] {
            // Scripts that only read are of no category of readers, as with the servers.
            if self.flags.has(flag) && !(name == "read" && self.flags.has(Flags::SCRIPT)) {
                names.push(name);
            }
        }
        // What only holds subcommands is not of the group that they are of.
        if self.subcommands.is_empty() || self.accepts(1) {
            names.extend(self.group.category());
        }
        if self.flags.has(Flags::ADMIN) {
            names.extend(["admin", "dangerous"]);
        }
        names.push(if self.flags.has(Flags::FAST) { "fast" } else { "slow" });
        if self.flags.has(Flags::BLOCKING) {
            names.push("blocking");
        }
        let order = |name: &&str| CATEGORIES.iter().position(|known| known == name);
        names.sort_by_key(order);
        names.dedup();
        names.into_iter().map(|name| format!("@{name}")).collect()
    }

    /// First key, last key (negative: from the end) and step, as COMMAND INFO shows them; zeroes where that can not be
    /// said.
    pub fn key_range(&self) -> (i32, i32, i32) {
        match self.keys {
            Keys::Range(first, last, step) => (first, last, step),
            Keys::Channels(first, last) => (first, last, 1),
            Keys::DestAndCounted(_) | Keys::OneAndStored(_) | Keys::Sort => (1, 1, 1),
            _ => (0, 0, 0),
        }
    }

    /// Whether a call of it takes every shard.
    pub fn takes_everything(&self, argv: &[&[u8]]) -> bool {
        match self.keys {
            Keys::Everything => true,
            Keys::Sort => super::sort::takes_everything(argv),
            _ => false,
        }
    }

    /// Whether a call of it that comes among others, in a transaction or from a script, needs every shard.
    pub(super) fn reaches_everything(&self, argv: &[&[u8]]) -> bool {
        match self.keys {
            Keys::None | Keys::Channels(..) => {
                use Group::{Connection, PubSub, Scripting, Transactions};
                let apart = matches!(self.group, Connection | PubSub | Scripting | Transactions);
                let feeds = self.name == "tracking" && argv.iter().any(|arg| is(arg, "bcast"));
                feeds || (!apart && !["time", "lastsave"].contains(&self.name))
            }
            _ => self.takes_everything(argv),
        }
    }

    /// Whether `argc` arguments (the name included) fit.
    pub fn accepts(&self, argc: usize) -> bool {
        let wanted = self.arity.unsigned_abs() as usize;
        if self.arity < 0 { argc >= wanted } else { argc == wanted }
    }

    /// Positions of the keys in `argv`. A count that makes no sense gives none: the handler will refuse it.
    pub fn key_positions(&self, argv: &[&[u8]]) -> Vec<usize> {
        match self.keys {
            Keys::None | Keys::Everything | Keys::Channels(..) => Vec::new(),
            Keys::Range(first, last, step) => {
                let last = if last < 0 { argv.len() as i32 + last } else { last.min(argv.len() as i32 - 1) };
                (first..=last).step_by(step.max(1) as usize).map(|at| at as usize).collect()
            }
            Keys::Counted(at) => counted(argv, at, 1),
            // Read from the key specification, where a count must be a number.
            Keys::CountedPairs(at) if argv.get(at).is_some_and(|arg| num::parse_i64(arg).is_some()) => {
                counted(argv, at, 2)
            }
            Keys::CountedPairs(_) => Vec::new(),
            Keys::Sort => super::sort::key_positions(argv),
            Keys::Streams => streams(argv),
            Keys::OneAndStored(from) => std::iter::once(1).chain(stored(argv, from)).collect(),
            Keys::DestAndCounted(at) => {
                let mut all = counted(argv, at, 1);
                // Where `atoi` reads a count that is no number, servers tell the destination last.
                let strict = argv.get(at).is_some_and(|arg| num::parse_i64(arg).is_some());
                all.insert(if strict { 0 } else { all.len() }, 1);
                all
            }
        }
    }
}

/// ACL categories in the order Redis shows them.
pub(super) const CATEGORIES: &[&str] = &[
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
];

/// The word STREAMS may also be the name of a group, a consumer or a key: options are passed one by one.
fn streams(argv: &[&[u8]]) -> Vec<usize> {
    let mut at = 1;
    while let Some(option) = argv.get(at) {
        let is = |word: &str| option.eq_ignore_ascii_case(word.as_bytes());
        at += match () {
            () if is("block") || is("count") => 2,
            () if is("group") => 3,
            () if is("noack") => 1,
            () if is("streams") => {
                let keys = (argv.len() - at - 1) / 2;
                return (at + 1..at + 1 + keys).collect();
            }
            () => break,
        };
    }
    Vec::new()
}

fn counted(argv: &[&[u8]], at: usize, step: usize) -> Vec<usize> {
    // Servers read it as `atoi` does, so that COMMAND GETKEYS knows keys of a command that will not run.
    let digits = argv.get(at).map(|arg| arg.trim_ascii_start()).unwrap_or_default();
    let digits = digits.strip_prefix(b"+").unwrap_or(digits);
    let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let n = num::parse_i64(&digits[..len]).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let last = (at + 1).saturating_add(n.saturating_sub(1).saturating_mul(step));
    if n == 0 || last >= argv.len() { Vec::new() } else { (at + 1..=last).step_by(step).collect() }
}

/// Where the key stands that a result is to be stored in.
fn stored(argv: &[&[u8]], from: usize) -> Option<usize> {
    let (mut at, mut found) = (from, None);
    while at + 1 < argv.len() {
        if argv[at].eq_ignore_ascii_case(b"store") || argv[at].eq_ignore_ascii_case(b"storedist") {
            at += 1;
            found = Some(at);
        }
        at += 1;
    }
    found
}

/// All rows, family by family.
pub fn commands() -> impl Iterator<Item = &'static Command> {
    let families: &[&'static [Command]] = &[
        super::bitmaps::COMMANDS,
        super::acl::COMMANDS,
        super::connection::COMMANDS,
        super::debug::COMMANDS,
        super::dump::COMMANDS,
        super::expiry::COMMANDS,
        super::geo::COMMANDS,
        super::hashes::COMMANDS,
        super::hashes::combined::COMMANDS,
        super::hashes::expiry::COMMANDS,
        super::hyperloglog::COMMANDS,
        super::introspect::COMMANDS,
        super::keys::COMMANDS,
        super::lists::COMMANDS,
        super::lists::blocking::COMMANDS,
        super::memory::COMMANDS,
        super::peers::COMMANDS,
        super::pubsub::COMMANDS,
        super::server::COMMANDS,
        #[cfg(feature = "lua")]
        super::scripting::COMMANDS,
        #[cfg(feature = "lua")]
        super::scripting::functions::COMMANDS,
        super::sets::COMMANDS,
        super::slow::COMMANDS,
        super::streams::COMMANDS,
        super::sort::COMMANDS,
        super::strings::COMMANDS,
        super::strings::later::COMMANDS,
        super::transactions::COMMANDS,
        super::zsets::COMMANDS,
        // One a line.
    ];
    families.iter().copied().flatten()
}

/// Longest command name there may be; longer input is not even lowered.
const NAME_MAX: usize = 64;

/// Names of all commands, subcommands as `config|get`, in the order of [`lookup`]'s indices.
pub fn full_names() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        commands()
            .flat_map(|row| {
                let subs = row.subcommands.iter().map(|sub| format!("{}|{}", row.name, sub.name));
                std::iter::once(row.name.to_owned()).chain(subs)
            })
            .collect()
    })
}

/// The row of a command by its name in any case.
pub fn find(name: &[u8]) -> Option<&'static Command> {
    locate(name).map(|(row, _)| row)
}

/// The row and its index; its subcommands' indices follow.
fn locate(name: &[u8]) -> Option<(&'static Command, usize)> {
    static BY_NAME: OnceLock<HashMap<&'static [u8], (&'static Command, usize)>> = OnceLock::new();
    let by_name = BY_NAME.get_or_init(|| {
        let mut next = 0;
        let mut indexed = |row: &'static Command| {
            let at = next;
            next += 1 + row.subcommands.len();
            (row.name.as_bytes(), (row, at))
        };
        commands().map(&mut indexed).collect()
    });
    if name.len() > NAME_MAX {
        return None;
    }
    let mut lower = [0u8; NAME_MAX];
    let lower = &mut lower[..name.len()];
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    by_name.get(&*lower).copied()
}

/// The row that will run `argv`, descended into subcommands and checked for arity; Redis's error texts otherwise.
pub fn resolve(argv: &[&[u8]]) -> Result<(&'static Command, usize)> {
    let found = lookup(argv)?;
    check_arity(found, argv.len())?;
    Ok(found)
}

/// The row of `argv`, descended into subcommands, and its index among all; Redis's error texts otherwise.
pub fn lookup(argv: &[&[u8]]) -> Result<(&'static Command, usize)> {
    let name = argv.first().copied().unwrap_or_default();
    let (row, index) = locate(name).ok_or_else(|| unknown(argv))?;
    if !row.subcommands.is_empty() && argv.len() > 1 {
        let wanted = argv[1];
        let sub = row.subcommands.iter().position(|sub| wanted.eq_ignore_ascii_case(sub.name.as_bytes()));
        let Some(at) = sub else {
            let (shown, name) = (shown(wanted, SHOWN_MAX), row.name.to_uppercase());
            let text = format!("ERR unknown subcommand '{shown}'. Try {name} HELP.");
            return Err(Error::command(text));
        };
        return Ok((&row.subcommands[at], index + 1 + at));
    }
    Ok((row, index))
}

/// Refuses a wrong number of arguments.
pub fn check_arity((row, index): (&Command, usize), argc: usize) -> Result<()> {
    if row.accepts(argc) { Ok(()) } else { Err(wrong_arity(&full_names()[index])) }
}

/// The refusal of a wrong number of arguments.
pub(super) fn wrong_arity(name: &str) -> Error {
    Error::command(format!("ERR wrong number of arguments for '{name}' command"))
}

fn unknown(argv: &[&[u8]]) -> Error {
    let mut args = String::new();
    for arg in argv.iter().skip(1) {
        if args.len() >= SHOWN_MAX {
            break;
        }
        args.push_str(&format!("'{}' ", shown(arg, SHOWN_MAX - args.len())));
    }
    let name = shown(argv.first().copied().unwrap_or_default(), SHOWN_MAX);
    let is_any = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    // Clients ask by these whether it is a cluster, and know a server's answer by heart.
    let alone = is_any(&["readonly", "readwrite", "asking"]);
    if alone && argv.len() != 1 {
        return wrong_arity(&name.to_ascii_lowercase());
    }
    const WHAT: [&str; 5] = ["info", "nodes", "slots", "shards", "myid"];
    let of_cluster =
        matches!(argv, [_, what] if is_any(&["cluster"]) && WHAT.iter().any(|known| is(what, known)));
    if alone || of_cluster {
        return Error::command("ERR This instance has cluster support disabled");
    }
    // What tools send that copy a server: `redis-cli --rdb` shows this.
    let instead = if is_any(&["sync", "psync", "replconf"]) {
        "(there is no replication: SAVE writes a snapshot to copy)"
    } else {
        ""
    };
    Error::command(format!("ERR unknown command '{name}', with args beginning with: {args}{instead}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_unique_and_well_formed() {
        let mut names = std::collections::HashSet::new();
        for row in commands() {
            assert!(names.insert(row.name), "{} stands twice", row.name);
            assert_eq!(row.name, row.name.to_lowercase());
            assert!(row.arity != 0 && !row.summary.is_empty() && !row.since.is_empty(), "{}", row.name);
            let writes_and_reads = row.flags.has(Flags::WRITE) && row.flags.has(Flags::READONLY);
            assert!(!writes_and_reads, "{} both writes and only reads", row.name);
            if let Keys::Range(first, last, step) = row.keys {
                assert!(first > 0 && step > 0 && (last < 0 || last >= first), "{}", row.name);
            }
        }
    }

    #[test]
    fn errors_are_those_of_redis() {
        let message =
            |argv: &[&[u8]]| resolve(argv).map(|(row, _)| row.name).unwrap_err().message().to_owned();
        assert_eq!(
            message(&[b"nope", b"a", b"b"]),
            "ERR unknown command 'nope', with args beginning with: 'a' 'b' "
        );
        assert!(
            message(&[b"CLUSTER", b"SLOTS"]) == "ERR This instance has cluster support disabled"
                && message(&[b"SYNC"])
                    .ends_with("with: (there is no replication: SAVE writes a snapshot to copy)")
        );
        assert_eq!(message(&[b"ECHO"]), "ERR wrong number of arguments for 'echo' command");
        assert_eq!(message(&[b"config", b"zap"]), "ERR unknown subcommand 'zap'. Try CONFIG HELP.");
        assert_eq!(message(&[b"config", b"z\r\na\0p"]), "ERR unknown subcommand 'z  a'. Try CONFIG HELP.");
        assert_eq!(
            message(&[b"fo\r\nbar\0z", b"a\0b", b"c\nd"]),
            "ERR unknown command 'fo  bar', with args beginning with: 'a' 'c d' "
        );
    }
}
