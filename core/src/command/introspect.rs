//! COMMAND and its subcommands: the command table as clients read it.

use super::ctx::Ctx;
use super::details::{self, Begin, Find, Spec};
use super::table::{self, Command, Flags, Group, Keys, Rows};
use super::{args, arguments};
use crate::encoding::glob;
use crate::error::{Error, Result};
use crate::reply::ReplySink;

const ROWS: Rows = Rows::of(Group::Server).categories(&["connection"]);

const LOOKS: Flags = Flags::LOADING.and(Flags::STALE);
const EACH: &str = "O(N) where N is the number of commands";

#[rustfmt::skip]
const SUBCOMMANDS: &[Command] = &[
    ROWS.row("count", 2, LOOKS, "2.8.13", EACH, count, "Returns the number of commands."),
    ROWS.row("docs", -2, LOOKS, "7.0.0", EACH, docs, "Returns what commands do, in words."),
    ROWS.row("getkeys", -3, LOOKS, "2.8.13", EACH, getkeys, "Returns the keys of a command."),
    ROWS.row("getkeysandflags", -3, LOOKS, "7.0.0", EACH, getkeysandflags, "Returns the keys of a command and what it does to them."),
    ROWS.row("help", 2, LOOKS, "5.0.0", EACH, help, "Returns a text on the subcommands."),
    ROWS.row("info", -2, LOOKS, "2.8.13", EACH, info, "Returns arity, flags, keys and categories of commands."),
    ROWS.row("list", -2, LOOKS, "7.0.0", EACH, list, "Returns the names of commands."),
];

pub(super) const COMMANDS: &[Command] = &[Command {
    subcommands: SUBCOMMANDS,
    ..ROWS.row(
        "command",
        -1,
        LOOKS,
        "2.8.13",
        EACH,
        command,
        "Returns arity, flags, keys and categories of all commands.",
    )
}];

/// The row of a name such as `get` or `config|get`, and its parent's name.
fn find(name: &[u8]) -> Option<(Option<&'static str>, &'static Command)> {
    let Some(bar) = name.iter().position(|byte| *byte == b'|') else {
        return table::find(name).map(|row| (None, row));
    };
    let parent = table::find(&name[..bar])?;
    let wanted = &name[bar + 1..];
    let sub = parent.subcommands.iter().find(|sub| wanted.eq_ignore_ascii_case(sub.name.as_bytes()))?;
    Some((Some(parent.name), sub))
}

fn full_name(parent: Option<&str>, row: &Command) -> String {
    parent.map_or_else(|| row.name.to_owned(), |parent| format!("{parent}|{}", row.name))
}

fn command(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.array(table::commands().count());
    for row in table::commands() {
        put_row(None, row, out);
    }
    Ok(())
}

fn info(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let names = &ctx.argv[2..];
    if names.is_empty() {
        return command(ctx, out);
    }
    out.array(names.len());
    for name in names {
        match find(name) {
            Some((parent, row)) => put_row(parent, row, out),
            None => out.null_array(),
        }
    }
    Ok(())
}

fn count(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.int(table::commands().count() as i64);
    Ok(())
}

fn put_row(parent: Option<&str>, row: &Command, out: &mut dyn ReplySink) {
    let name = full_name(parent, row);
    let (tips, specs) = details::of(&name);
    let (first, last, step) = row.key_range();
    out.array(10);
    out.bulk(name.as_bytes());
    out.int(i64::from(row.arity));
    put_words(&row.flags.names().collect::<Vec<_>>(), out);
    for n in [first, last, step] {
        out.int(i64::from(n));
    }
    let categories = row.acl_categories();
    put_words(&categories.iter().map(String::as_str).collect::<Vec<_>>(), out);
    out.array(tips.split_ascii_whitespace().count());
    for tip in tips.split_ascii_whitespace() {
        out.bulk(tip.as_bytes());
    }
    out.array(specs.len());
    for spec in specs {
        put_spec(spec, out);
    }
    out.array(row.subcommands.len());
    for sub in row.subcommands {
        put_row(Some(row.name), sub, out);
    }
}

fn put_words(words: &[&str], out: &mut dyn ReplySink) {
    out.set(words.len());
    for word in words {
        out.simple(word);
    }
}

fn put_spec(spec: &Spec, out: &mut dyn ReplySink) {
    out.map(3);
    out.bulk(b"flags");
    put_words(&spec.flags.split(' ').collect::<Vec<_>>(), out);
    out.bulk(b"begin_search");
    match spec.begin {
        Begin::Index(at) => put_search("index", &[("index", Part::Int(at))], out),
        Begin::Keyword(word, from) => {
            put_search("keyword", &[("keyword", Part::Word(word)), ("startfrom", Part::Int(from))], out);
        }
        Begin::Unknown => put_search("unknown", &[], out),
    }
    out.bulk(b"find_keys");
    match spec.find {
        Find::Range { last, step, limit } => {
            let parts =
                [("lastkey", Part::Int(last)), ("keystep", Part::Int(step)), ("limit", Part::Int(limit))];
            put_search("range", &parts, out);
        }
        Find::Count { step } => {
            let parts =
                [("keynumidx", Part::Int(0)), ("firstkey", Part::Int(1)), ("keystep", Part::Int(step))];
            put_search("keynum", &parts, out);
        }
        Find::Unknown => put_search("unknown", &[], out),
    }
}

enum Part {
    Int(i32),
    Word(&'static str),
}

fn put_search(kind: &str, parts: &[(&str, Part)], out: &mut dyn ReplySink) {
    out.map(2);
    out.bulk(b"type");
    out.bulk(kind.as_bytes());
    out.bulk(b"spec");
    out.map(parts.len());
    for (name, part) in parts {
        out.bulk(name.as_bytes());
        match part {
            Part::Int(n) => out.int(i64::from(*n)),
            Part::Word(word) => out.bulk(word.as_bytes()),
        }
    }
}

fn docs(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let names = &ctx.argv[2..];
    let rows: Vec<_> = if names.is_empty() {
        table::commands().map(|row| (None, row)).collect()
    } else {
        names.iter().filter_map(|name| find(name)).collect()
    };
    out.map(rows.len());
    for (parent, row) in rows {
        put_docs(parent, row, out);
    }
    Ok(())
}

fn put_docs(parent: Option<&str>, row: &Command, out: &mut dyn ReplySink) {
    let name = full_name(parent, row);
    let facts = arguments::of(&name);
    let (has_subs, has_arguments) = (!row.subcommands.is_empty(), !facts.arguments.is_empty());
    out.bulk(name.as_bytes());
    let flag = match facts.deprecated {
        Some(_) => Some("deprecated"),
        None => facts.internal.then_some("syscmd"),
    };
    let of_flags = usize::from(flag.is_some()) + 2 * usize::from(facts.deprecated.is_some());
    out.map(4 + of_flags + usize::from(has_arguments) + usize::from(has_subs));
    let mut text = |name: &str, text: &str| {
        out.bulk(name.as_bytes());
        out.bulk(text.as_bytes());
    };
    text("summary", row.summary);
    text("since", row.since);
    text("group", row.group.name());
    text("complexity", row.complexity);
    if let Some((since, by)) = facts.deprecated {
        text("deprecated_since", since);
        text("replaced_by", by);
    }
    if let Some(flag) = flag {
        out.bulk(b"doc_flags");
        put_words(&[flag], out);
    }
    if has_arguments {
        out.bulk(b"arguments");
        arguments::put(&facts.arguments, out);
    }
    if has_subs {
        out.bulk(b"subcommands");
        out.map(row.subcommands.len());
        for sub in row.subcommands {
            put_docs(Some(row.name), sub, out);
        }
    }
}

/// What LIST shows.
enum Filter<'a> {
    All,
    Category(&'a [u8]),
    Pattern(&'a [u8]),
    /// Commands of a module: there is none.
    Module,
}

impl Filter<'_> {
    fn takes(&self, name: &str, row: &Command) -> bool {
        match self {
            Filter::All => true,
            Filter::Pattern(pattern) => glob::matches(pattern, name.as_bytes(), true),
            Filter::Category(wanted) => row
                .acl_categories()
                .iter()
                .any(|category| wanted.eq_ignore_ascii_case(&category.as_bytes()[1..])),
            Filter::Module => false,
        }
    }
}

fn list(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let filter = match &ctx.argv[2..] {
        [] => Filter::All,
        [by, what, value] if args::is(by, "filterby") => match () {
            () if args::is(what, "aclcat") => Filter::Category(value),
            () if args::is(what, "pattern") => Filter::Pattern(value),
            () if args::is(what, "module") => Filter::Module,
            () => return Err(Error::syntax()),
        },
        _ => return Err(Error::syntax()),
    };
    let mut names = Vec::new();
    for row in table::commands() {
        let subs = row.subcommands.iter().map(|sub| (full_name(Some(row.name), sub), sub));
        let all = std::iter::once((row.name.to_owned(), row)).chain(subs);
        names.extend(all.filter(|(name, row)| filter.takes(name, row)).map(|(name, _)| name));
    }
    out.array(names.len());
    for name in names {
        out.bulk(name.as_bytes());
    }
    Ok(())
}

/// The command given as an argument: its name, its row and where its keys are.
fn keys_of(argv: &[&[u8]]) -> Result<(String, Vec<usize>)> {
    let unknown = || Error::command("ERR Invalid command specified");
    let parent = table::find(argv[0]).ok_or_else(unknown)?;
    let sub = argv.get(1).and_then(|word| {
        parent.subcommands.iter().find(|sub| word.eq_ignore_ascii_case(sub.name.as_bytes()))
    });
    let (name, row) = match sub {
        Some(sub) => (full_name(Some(parent.name), sub), sub),
        None if parent.subcommands.is_empty() || argv.len() == 1 => (parent.name.to_owned(), parent),
        None => return Err(unknown()),
    };
    if matches!(row.keys, Keys::None | Keys::Everything | Keys::Channels(..)) {
        return Err(Error::command("ERR The command has no key arguments"));
    }
    if !row.accepts(argv.len()) {
        return Err(Error::command("ERR Invalid number of arguments specified for command"));
    }
    let keys = row.key_positions(argv);
    let only_destination = matches!(row.keys, Keys::DestAndCounted(_)) && keys.len() == 1;
    if (keys.is_empty() && !row.flags.has(Flags::NO_MANDATORY_KEYS)) || only_destination {
        return Err(Error::command("ERR Invalid arguments specified for command"));
    }
    Ok((name, keys))
}

fn getkeys(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let argv = &ctx.argv[2..];
    let (_, keys) = keys_of(argv)?;
    out.array(keys.len());
    for at in keys {
        out.bulk(argv[at]);
    }
    Ok(())
}

/// What a command does to its key where that depends on its arguments.
fn varying(name: &str, argv: &[&[u8]]) -> &'static str {
    let options = if name == "set" { 3 } else { 2 };
    let has =
        |words: &[&str]| argv.iter().skip(options).any(|arg| words.iter().any(|word| args::is(arg, word)));
    match name {
        "bitfield" if !has(&["set", "incrby"]) => "RO access",
        "set" if !has(&["get"]) => "OW update",
        _ => "RW access update",
    }
}

fn getkeysandflags(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let argv = &ctx.argv[2..];
    let (name, keys) = keys_of(argv)?;
    let specs = details::of(&name).1;
    // A key belongs to the last specification that begins at or before it.
    let flags = |at: usize| {
        let begins = |spec: &&Spec| match spec.begin {
            Begin::Index(first) => usize::try_from(first).is_ok_and(|first| first <= at),
            Begin::Keyword(word, _) => argv[at - 1].eq_ignore_ascii_case(word.as_bytes()),
            _ => false,
        };
        // Of SORT's no more is known than what STORE does.
        if name == "sort" && at > 1 {
            return "OW update";
        }
        let flags = specs.iter().rfind(begins).or(specs.first()).map_or("", |spec| spec.flags);
        if flags.ends_with("variable_flags") { varying(&name, argv) } else { flags }
    };
    out.array(keys.len());
    for at in keys {
        out.array(2);
        out.bulk(argv[at]);
        put_words(&flags(at).split_ascii_whitespace().collect::<Vec<_>>(), out);
    }
    Ok(())
}

fn help(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    args::help(
        out,
        "COMMAND",
        &[
            "(no subcommand)",
            "    Return details about all Redis commands.",
            "COUNT",
            "    Return the total number of commands in this Redis server.",
            "LIST",
            "    Return a list of all commands in this Redis server.",
            "INFO [<command-name> ...]",
            "    Return details about multiple Redis commands.",
            "    If no command names are given, documentation details for all",
            "    commands are returned.",
            "DOCS [<command-name> ...]",
            "    Return documentation details about multiple Redis commands.",
            "    If no command names are given, documentation details for all",
            "    commands are returned.",
            "GETKEYS <full-command>",
            "    Return the keys from a full Redis command.",
            "GETKEYSANDFLAGS <full-command>",
            "    Return the keys and the access flags from a full Redis command.",
        ],
    );
    Ok(())
}
