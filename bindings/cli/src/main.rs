//! `persistkv`: check files, look into them, and a shell on a directory.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod check;
mod files;
mod info;
mod serve;
mod shell;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "persistkv", version, about = "Redis without the server, on the command line")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a store's directory, a snapshot, a log directory or a log file; exit 1 when something is damaged
    Check {
        /// Directory or file
        path: PathBuf,
        /// Cut a damaged tail off the log's last file (a copy of it is kept)
        #[arg(long)]
        fix: bool,
    },
    /// Say what is in a store's directory, a snapshot or a log
    Info {
        /// Directory or file
        path: PathBuf,
    },
    /// Run as a server: redis-server's own configuration file and options (see `persistkv serve --help`)
    #[command(disable_help_flag = true)]
    Serve {
        /// /path/to/redis.conf, --directive value …, - for the standard input
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Run commands on a store's directory or on a running server, from the keyboard or a pipe
    Shell(shell::Options),
}

fn main() -> ExitCode {
    // A server's options are redis-server's, and its exit codes too.
    let args: Vec<String> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    if args.get(1).is_some_and(|name| name == "serve") {
        return serve::run(&args[2..]);
    }
    let mut args = args;
    let is_shell = args.get(1).is_some_and(|name| name == "shell");
    let script = if is_shell { shell::split_off_script(&mut args) } else { None };
    let done = match Arguments::parse_from(args).command {
        Command::Check { path, fix } => check::run(&path, fix),
        Command::Info { path } => info::run(&path),
        Command::Serve { options } => return serve::run(&options),
        Command::Shell(mut options) => {
            options.script = script;
            shell::run(&options)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("persistkv: {error}");
            ExitCode::FAILURE
        }
    }
}
