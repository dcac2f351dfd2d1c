//! ACL: there is one user, `default`, who may do everything and needs no password. That is what these commands say.

use std::io::Read;

use super::args;
use super::ctx::Ctx;
use super::table::{self, CATEGORIES, Command, Flags, Group, Rows};
use crate::error::{Error, Result};
use crate::reply::ReplySink;

const ANY_TIME: Flags = Flags::LOADING.and(Flags::STALE);
const OPEN: Flags = Flags::NOSCRIPT.and(ANY_TIME);
const ADMIN: Flags = Flags::ADMIN.and(OPEN);

const ROWS: Rows = Rows::of(Group::Server);

#[rustfmt::skip]
const ACL: &[Command] = &[
    Command { complexity: "O(N) where N is the number of commands", ..ROWS.row("cat", -2, OPEN, "6.0.0", "O(1)", cat, "Returns the categories of commands, or the commands of a category.") },
    ROWS.row("deluser", -3, ADMIN, "6.0.0", "O(1)", deluser, "Deletes users; the one there is can not be deleted."),
    ROWS.row("dryrun", -4, ADMIN, "7.0.0", "O(1)", dryrun, "Tells whether a user may run a command."),
    ROWS.row("genpass", -2, OPEN, "6.0.0", "O(1)", genpass, "Returns a random password."),
    ROWS.row("getuser", 3, ADMIN, "6.0.0", "O(1)", getuser, "Returns what a user may do."),
    ROWS.row("help", 2, ANY_TIME, "6.0.0", "O(1)", help, "Returns a text on the subcommands."),
    ROWS.row("list", 2, ADMIN, "6.0.0", "O(1)", list, "Returns the users and what they may do, as a configuration file would say it."),
    ROWS.row("log", -2, ADMIN, "6.0.0", "O(1)", log, "Returns what was refused to users: nothing ever is."),
    ROWS.row("users", 2, ADMIN, "6.0.0", "O(1)", users, "Returns the names of the users."),
    ROWS.row("whoami", 2, OPEN, "6.0.0", "O(1)", whoami, "Returns the name of the user."),
];

pub(super) const COMMANDS: &[Command] = &[Command {
    subcommands: ACL,
    complexity: "Depends on subcommand.",
    ..ROWS.row(
        "acl",
        -2,
        Flags::NONE,
        "6.0.0",
        "O(1)",
        container,
        "A container for commands on users and their rights.",
    )
}];

/// The user.
const DEFAULT: &str = "default";

/// A container command without a subcommand never gets here: its arity asks for one.
fn container(_: &mut Ctx<'_>, _: &mut dyn ReplySink) -> Result<()> {
    Err(Error::syntax())
}

fn whoami(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.bulk(DEFAULT.as_bytes());
    Ok(())
}

fn users(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.array(1);
    out.bulk(DEFAULT.as_bytes());
    Ok(())
}

fn list(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    out.array(1);
    out.bulk(b"user default on nopass ~* &* +@all");
    Ok(())
}

fn getuser(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    if ctx.argv[2] != DEFAULT.as_bytes() {
        out.null();
        return Ok(());
    }
    out.map(6);
    out.bulk(b"flags");
    out.set(2);
    out.bulk(b"on");
    out.bulk(b"nopass");
    out.bulk(b"passwords");
    out.array(0);
    for (name, text) in [("commands", "+@all"), ("keys", "~*"), ("channels", "&*")] {
        out.bulk(name.as_bytes());
        out.bulk(text.as_bytes());
    }
    out.bulk(b"selectors");
    out.array(0);
    Ok(())
}

fn cat(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let wanted = match ctx.argv {
        [_, _] => {
            out.array(CATEGORIES.len());
            CATEGORIES.iter().for_each(|category| out.bulk(category.as_bytes()));
            return Ok(());
        }
        [_, _, wanted] => wanted,
        _ => return Err(unknown(ctx.argv[1])),
    };
    if !CATEGORIES.iter().any(|category| args::is(wanted, category)) {
        let shown = args::shown(wanted, args::SHOWN_MAX);
        return Err(Error::command(format!("ERR Unknown category '{shown}'")));
    }
    let has = |row: &Command| row.acl_categories().iter().any(|category| args::is(wanted, &category[1..]));
    let mut names = Vec::new();
    for row in table::commands() {
        if row.subcommands.is_empty() && has(row) {
            names.push(row.name.to_owned());
        }
        let subs = row.subcommands.iter().filter(|sub| has(sub));
        names.extend(subs.map(|sub| format!("{}|{}", row.name, sub.name)));
    }
    out.array(names.len());
    names.iter().for_each(|name| out.bulk(name.as_bytes()));
    Ok(())
}

fn unknown(sub: &[u8]) -> Error {
    let shown = args::shown(sub, args::SHOWN_MAX);
    Error::command(format!(
        "ERR unknown subcommand or wrong number of arguments for '{shown}'. Try ACL HELP."
    ))
}

fn deluser(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    if ctx.argv[2..].contains(&DEFAULT.as_bytes()) {
        return Err(Error::command("ERR The 'default' user cannot be removed"));
    }
    out.int(0);
    Ok(())
}

fn dryrun(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let (user, argv) = (ctx.argv[2], &ctx.argv[3..]);
    if user != DEFAULT.as_bytes() {
        let shown = args::shown(user, args::SHOWN_MAX);
        return Err(Error::command(format!("ERR User '{shown}' not found")));
    }
    let found = table::lookup(argv).map_err(|_| {
        Error::command(format!("ERR Command '{}' not found", args::shown(argv[0], args::SHOWN_MAX)))
    })?;
    table::check_arity(found, argv.len())?;
    out.ok();
    Ok(())
}

fn genpass(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    const MOST: i64 = 4096;
    let bits = match ctx.argv {
        [_, _] => 256,
        [_, _, bits] => args::int(bits)?,
        _ => return Err(unknown(ctx.argv[1])),
    };
    if !(1..=MOST).contains(&bits) {
        let text = "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096";
        return Err(Error::command(text));
    }
    let digits = (bits as usize).div_ceil(4);
    let mut random = vec![0; digits.div_ceil(2)];
    // The system's own source: what merely looks random is no password.
    let source = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut random));
    source.map_err(|e| Error::io("reading", std::path::Path::new("/dev/urandom"), e))?;
    let mut text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(digits);
    out.bulk(text.as_bytes());
    Ok(())
}

fn log(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    match ctx.argv {
        [_, _] => out.array(0),
        [_, _, word] if args::is(word, "reset") => out.ok(),
        [_, _, count] => {
            args::int(count)?;
            out.array(0);
        }
        _ => return Err(unknown(ctx.argv[1])),
    }
    Ok(())
}

fn help(_: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    args::help(
        out,
        "ACL",
        &[
            "CAT [<category>]",
            "    List all commands that belong to <category>, or all command categories",
            "    when no category is specified.",
            "DELUSER <username> [<username> ...]",
            "    Delete a list of users.",
            "DRYRUN <username> <command> [<arg> ...]",
            "    Returns whether the user can execute the given command without executing the command.",
            "GETUSER <username>",
            "    Get the user's details.",
            "GENPASS [<bits>]",
            "    Generate a secure 256-bit user password. The optional `bits` argument can",
            "    be used to specify a different size.",
            "LIST",
            "    Show users details in config file format.",
            "LOG [<count> | RESET]",
            "    Show the ACL log entries.",
            "USERS",
            "    List all the registered usernames.",
            "WHOAMI",
            "    Return the current connection username.",
        ],
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Bench;

    #[test]
    fn one_user_may_do_everything() {
        let mut bench = Bench::new(&[]);
        bench.expect(&[
            ("ACL WHOAMI", "default"),
            ("ACL USERS", "[default]"),
            ("ACL LIST", "[user default on nopass ~* &* +@all]"),
            ("ACL GETUSER nobody", "nil"),
            ("ACL DRYRUN default GET k", "OK"),
            ("ACL DRYRUN default NOPE", "ERR Command 'NOPE' not found"),
            ("ACL DRYRUN default GET", "ERR wrong number of arguments for 'get' command"),
            ("ACL DELUSER nobody", "0"),
            ("ACL DELUSER default", "ERR The 'default' user cannot be removed"),
            ("ACL CAT nope", "ERR Unknown category 'nope'"),
        ]);
        assert!(bench.run("ACL CAT hash").contains("hset"));
        assert_eq!((bench.run("ACL GENPASS").len(), bench.run("ACL GENPASS 5").len()), (64, 2));
        assert_ne!(bench.run("ACL GENPASS"), bench.run("ACL GENPASS"));
    }
}
