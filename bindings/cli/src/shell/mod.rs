//! `persistkv shell`: commands on a directory or a running server, from the keyboard, a pipe or the command line.

mod hints;
mod keyboard;
mod remote;
mod target;

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use clap::Args;
use persistkv::{Error, ErrorKind, Reply, Result};

use signal_hook::consts::SIGINT;

use crate::text;
use hints::Hints;
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
    /// Run one command and leave (may be repeated): --eval 'GET key'. Or, as the last option, run a script's file with its
    /// keys and arguments: --eval script.lua key1 key2 , arg1
    #[arg(long, short, value_name = "COMMAND")]
    pub(crate) eval: Vec<String>,
    /// What follows the file of a script.
    #[arg(skip)]
    pub(crate) script: Option<Script>,
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

/// A script to run: its file, and the words behind it.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    file: PathBuf,
    words: Vec<String>,
}

/// Takes `--eval file key … , arg …` off the end of a command line. A script is told from a command by being a file that is
/// there, or by a name that ends with `.lua`.
pub(crate) fn split_off_script(args: &mut Vec<String>) -> Option<Script> {
    let at = args.iter().position(|arg| arg == "--eval" || arg == "-e")?;
    let file = PathBuf::from(args.get(at + 1)?);
    if !file.is_file() && file.extension().is_none_or(|kind| kind != "lua") {
        return None;
    }
    let words = args.split_off(at).split_off(2);
    Some(Script { file, words })
}

impl Script {
    /// The EVAL it stands for.
    fn command(&self) -> Result<Vec<Vec<u8>>> {
        let text = std::fs::read(&self.file).map_err(|e| Error::io("reading", &self.file, e))?;
        let keys = self.words.iter().position(|word| word == ",").unwrap_or(self.words.len());
        let mut argv = vec![b"EVAL".to_vec(), text, keys.to_string().into_bytes()];
        argv.extend(self.words.iter().filter(|word| *word != ",").map(|word| word.clone().into_bytes()));
        Ok(argv)
    }
}

/// A target and the way its replies are shown.
pub(super) struct Shell {
    target: Target,
    raw: bool,
    colour: bool,
    /// Somebody sits at the keyboard: a server that is gone may come back.
    is_interactive: bool,
    /// Ctrl-C was pressed while nobody read a line.
    interrupted: Arc<AtomicBool>,
    hints: Option<Arc<Hints>>,
}

/// True when every command succeeded.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let out = std::io::stdout();
    let is_terminal = out.is_terminal();
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let interrupted = Arc::new(AtomicBool::new(false));
    listen_to_interrupts(&interrupted)?;
    let is_alone = options.eval.is_empty() && options.script.is_none();
    let mut shell = Shell {
        target: Target::open(options, &interrupted)?,
        raw: options.raw || (!is_terminal && !options.no_raw),
        colour: is_terminal && !plain,
        is_interactive: is_alone && std::io::stdin().is_terminal(),
        interrupted,
        hints: None,
    };
    let good = if let Some(script) = &options.script {
        let argv = script.command()?;
        shell.run(&argv)?
    } else if !is_alone {
        shell.evaluate(&options.eval)?
    } else if shell.is_interactive {
        keyboard::run(&mut shell)?;
        true
    } else {
        shell.read_pipe()?
    };
    shell.target.close()?;
    Ok(good)
}

/// The first Ctrl-C asks for an end, a second one that comes before it was heard is the end.
fn listen_to_interrupts(flag: &Arc<AtomicBool>) -> Result<()> {
    const ENDED_BY_INTERRUPT: i32 = 130;
    let failed = |e| Error::new(ErrorKind::Io, format!("Ctrl-C can not be listened to: {e}"));
    signal_hook::flag::register_conditional_shutdown(SIGINT, ENDED_BY_INTERRUPT, Arc::clone(flag))
        .map_err(failed)?;
    signal_hook::flag::register(SIGINT, Arc::clone(flag)).map(drop).map_err(failed)
}

fn is_exit(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "exit" | "quit")
}

impl Shell {
    fn hints(&mut self) -> Result<Arc<Hints>> {
        if let Some(hints) = &self.hints {
            return Ok(Arc::clone(hints));
        }
        let hints = Arc::new(Hints::load()?);
        self.hints = Some(Arc::clone(&hints));
        Ok(hints)
    }

    /// Runs the commands of the command line.
    fn evaluate(&mut self, lines: &[String]) -> Result<bool> {
        let mut good = true;
        for line in lines {
            let is_command = text::split(line).is_some_and(|argv| {
                argv.first().is_none_or(|name| !name.contains(&b'.') && !name.contains(&b'('))
            });
            good &= self.execute(line)?;
            let name = line.split_ascii_whitespace().next().unwrap_or_default();
            if !is_command || !self.hints()?.knows(name) {
                eprintln!(
                    "--eval takes a command, as in --eval 'GET key', or as the last option the file of a script with its keys \
                     and arguments: --eval script.lua key1 key2 , arg1. A script's text goes with EVAL: --eval 'EVAL \"return 1\" 0'"
                );
            }
            if self.interrupted.load(Ordering::Relaxed) {
                return Ok(false);
            }
        }
        Ok(good)
    }

    /// Runs what comes from the standard input, until that ends or Ctrl-C.
    fn read_pipe(&mut self) -> Result<bool> {
        let (sender, lines) = sync_channel(64);
        // A thread of its own: a read can not be interrupted. It ends with the input, or with the process.
        let read = move || {
            for line in std::io::stdin().lock().lines() {
                let is_last = line.is_err();
                if sender.send(line).is_err() || is_last {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("persistkv-input".into()).spawn(read);
        thread.map_err(|e| Error::io("reading", Path::new("the standard input"), e))?;
        let mut good = true;
        while !self.interrupted.load(Ordering::Relaxed) {
            let line = match lines.recv_timeout(LOOK) {
                Ok(line) => line.map_err(|e| Error::io("reading", Path::new("the standard input"), e))?,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Ok(good),
            };
            if is_exit(&line) {
                return Ok(good);
            }
            good &= self.execute(&line)?;
        }
        Ok(false)
    }

    /// Runs one line and prints what it is answered; false when it failed. An error means that the target is gone.
    fn execute(&mut self, line: &str) -> Result<bool> {
        let Some(argv) = text::split(line) else {
            println!("Invalid argument(s)");
            return Ok(false);
        };
        if self.is_interactive {
            self.interrupted.store(false, Ordering::Relaxed);
        }
        self.run(&argv)
    }

    fn run(&mut self, argv: &[Vec<u8>]) -> Result<bool> {
        let Some(name) = argv.first().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase()) else {
            return Ok(true);
        };
        if name == "help" || name == "?" {
            let words: Vec<_> = argv[1..].iter().map(|word| String::from_utf8_lossy(word)).collect();
            let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
            print!("{}", self.hints()?.help(&words));
            return Ok(true);
        }
        if name == "clear" && self.colour {
            print!("\x1b[H\x1b[2J");
            return Ok(true);
        }
        let raw = self.raw;
        let listens = ["subscribe", "psubscribe", "ssubscribe", "monitor"].contains(&name.as_str());
        let header = || {
            if listens && !raw {
                println!("Reading messages... (press Ctrl-C to quit)");
            }
        };
        let good = match self.target.call(argv, &self.interrupted) {
            Ok(Some(Reply::Error(error))) => self.fail(&error),
            Ok(Some(reply)) => {
                header();
                self.print(&reply);
                true
            }
            Ok(None) => {
                header();
                true
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::Io | ErrorKind::Closed)
                    && !(self.is_interactive && self.target.may_come_back()) =>
            {
                return Err(error);
            }
            Err(error) => self.fail(&error.reply_text()),
        };
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
        while !self.interrupted.load(Ordering::Relaxed) {
            match self.target.next(LOOK) {
                Ok(Some(reply)) => {
                    self.print(&reply);
                    let _ = std::io::stdout().flush();
                }
                Ok(None) => {}
                Err(error) if self.is_interactive && self.target.may_come_back() => {
                    self.fail(&error.reply_text());
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        match self.target.end_listening() {
            Err(error) if self.is_interactive && self.target.may_come_back() => {
                self.fail(&error.reply_text());
                Ok(())
            }
            ended => ended,
        }
    }
}
