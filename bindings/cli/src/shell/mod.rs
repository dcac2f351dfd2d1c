//! `persistkv shell`: commands on a directory or a running server, from the keyboard, a pipe or the command line.

mod hints;
mod keyboard;
mod remote;
mod target;

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use persistkv::{Error, ErrorKind, Reply, Result};

use crate::text;
use target::Target;

/// How often a mode that listens looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);

/// What the shell works on, and how it shows what it gets.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// The directory; it is made when missing
    #[arg(required_unless_present_any = ["socket", "host", "port"])]
    pub(crate) dir: Option<PathBuf>,
    /// A directive for the directory, as in redis.conf: --directive 'appendfsync always' (may be repeated)
    #[arg(long, value_name = "NAME VALUE", conflicts_with_all = ["socket", "host", "port"])]
    pub(crate) directive: Vec<String>,
    /// Run one command and leave (may be repeated)
    #[arg(long, short, value_name = "COMMAND")]
    pub(crate) eval: Vec<String>,
    /// A running server's unix socket
    #[arg(short = 's', long, value_name = "PATH", conflicts_with = "dir")]
    pub(crate) socket: Option<PathBuf>,
    /// A running server's host
    #[arg(short = 'h', long, conflicts_with = "dir")]
    pub(crate) host: Option<String>,
    /// A running server's port
    #[arg(short = 'p', long, conflicts_with = "dir")]
    pub(crate) port: Option<u16>,
    /// The password; the environment's REDISCLI_AUTH is used too
    #[arg(short = 'a', long = "pass", value_name = "PASSWORD")]
    pub(crate) password: Option<String>,
    /// Database
    #[arg(short = 'n', long, default_value_t = 0)]
    pub(crate) db: u32,
    /// Replies without signs and quotes, as when the output is no terminal
    #[arg(long, conflicts_with = "no_raw")]
    pub(crate) raw: bool,
    /// Replies with signs and quotes, also when the output is no terminal
    #[arg(long)]
    pub(crate) no_raw: bool,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

/// A target and the way its replies are shown.
pub(super) struct Shell {
    target: Target,
    raw: bool,
    colour: bool,
    /// Ctrl-C was pressed while nobody read a line.
    interrupted: Arc<AtomicBool>,
}

/// True when every command succeeded.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let out = std::io::stdout();
    let is_terminal = out.is_terminal();
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let mut shell = Shell {
        target: Target::open(options)?,
        raw: options.raw || (!is_terminal && !options.no_raw),
        colour: is_terminal && !plain,
        interrupted: Arc::default(),
    };
    let mut good = true;
    if !options.eval.is_empty() {
        for line in &options.eval {
            good &= shell.execute(line)?;
        }
    } else if std::io::stdin().is_terminal() {
        keyboard::run(&mut shell)?;
    } else {
        for line in std::io::stdin().lock().lines() {
            let line = line.map_err(|e| Error::io("reading", Path::new("the standard input"), e))?;
            if is_exit(&line) {
                break;
            }
            good &= shell.execute(&line)?;
        }
    }
    shell.target.close()?;
    Ok(good)
}

fn is_exit(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "exit" | "quit")
}

impl Shell {
    /// Runs one line and prints what it is answered; false when it failed. An error means that the target is gone.
    fn execute(&mut self, line: &str) -> Result<bool> {
        let Some(argv) = text::split(line) else {
            println!("Invalid argument(s)");
            return Ok(false);
        };
        let Some(name) = argv.first().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase()) else {
            return Ok(true);
        };
        if name == "clear" && self.colour {
            print!("\x1b[H\x1b[2J");
            return Ok(true);
        }
        let good = match self.target.call(&argv) {
            Ok(Some(Reply::Error(error))) => self.fail(&error),
            Ok(Some(reply)) => {
                self.print(&reply);
                true
            }
            Ok(None) => true,
            Err(error) if matches!(error.kind(), ErrorKind::Io | ErrorKind::Closed) => return Err(error),
            Err(error) => self.fail(&error.reply_text()),
        };
        let listens = ["subscribe", "psubscribe", "ssubscribe", "monitor"].contains(&name.as_str());
        if good && listens {
            self.listen()?;
        }
        Ok(good)
    }

    fn print(&self, reply: &Reply) {
        let text = if self.raw { text::raw(reply) } else { text::shown(reply) };
        // What is printed may be bytes of any kind.
        let _ = std::io::stdout().lock().write_all(&text);
    }

    fn fail(&self, error: &str) -> bool {
        match (self.raw, self.colour) {
            (true, _) => println!("{error}\n"),
            (_, true) => println!("\x1b[31m(error) {error}\x1b[0m"),
            _ => println!("(error) {error}"),
        }
        false
    }

    /// Prints what comes until Ctrl-C, or until the other side ends.
    fn listen(&mut self) -> Result<()> {
        if !self.raw {
            println!("Reading messages... (press Ctrl-C to quit)");
        }
        let flag = Arc::clone(&self.interrupted);
        flag.store(false, Ordering::Relaxed);
        let registered = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&flag));
        let registered = registered
            .map_err(|e| Error::new(ErrorKind::Io, format!("Ctrl-C can not be listened to: {e}")))?;
        let result = loop {
            if flag.load(Ordering::Relaxed) {
                break Ok(());
            }
            match self.target.next(LOOK) {
                Ok(Some(reply)) => {
                    self.print(&reply);
                    let _ = std::io::stdout().flush();
                }
                Ok(None) => {}
                Err(error) => break Err(error),
            }
        };
        signal_hook::low_level::unregister(registered);
        result?;
        self.target.end_listening()
    }
}
