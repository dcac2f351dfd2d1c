//! The engine's command table, as the front needs it to make its methods.

use napi_derive::napi;
use persistkv::command::table::{self, Command};

use crate::error::Result;

/// A row of the command table.
#[napi(object)]
pub struct CommandRow {
    /// Lower case; of a subcommand without its parent's name.
    pub name: String,
    /// Number of arguments with the name; negative: at least that many.
    pub arity: i32,
    /// Flags as COMMAND INFO names them.
    pub flags: Vec<String>,
    /// The group it is documented under.
    pub group: String,
    /// The Redis version that introduced it.
    pub since: String,
    /// One line on what it does.
    pub summary: String,
    /// Its cost.
    pub complexity: String,
    /// Subcommands of a container such as CONFIG.
    pub subcommands: Vec<CommandRow>,
}

fn row(command: &Command) -> CommandRow {
    CommandRow {
        name: command.name.to_owned(),
        arity: command.arity,
        flags: command.flags.names().map(str::to_owned).collect(),
        group: command.group.name().to_owned(),
        since: command.since.to_owned(),
        summary: command.summary.to_owned(),
        complexity: command.complexity.to_owned(),
        subcommands: command.subcommands.iter().map(row).collect(),
    }
}

/// Every command of the engine.
#[napi(catch_unwind)]
pub fn commands() -> Result<Vec<CommandRow>> {
    Ok(table::commands().map(row).collect())
}
