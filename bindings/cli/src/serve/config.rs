//! The configuration of a server: a file, the standard input and the command line, read as one text, as redis-server does.

use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};

use persistkv::command::Shutdown;
use persistkv::config::Config;
use persistkv::{Error, Result};
use persistkv_resp::{Address, words};
use signal_hook::consts::SIGINT;

use super::stock::{self, Stock};

/// What a server answers to a directive it does not know, and to one that takes another number of words.
const BAD: &str = "Bad directive or wrong number of arguments";
const WRONG_NUMBER: &str = "wrong number of arguments";
/// Files that include each other are a mistake, not a configuration.
const DEPTH_MAX: usize = 16;

/// Directives that take several words.
const SEVERAL: &[&str] = &[
    "save",
    "bind",
    "client-output-buffer-limit",
    "oom-score-adj-values",
    "user",
    "replicaof",
    "slaveof",
    "shutdown-on-sigint",
    "shutdown-on-sigterm",
    "latency-tracking-info-percentiles",
    "rename-command",
    "loadmodule",
    "proc-title-template",
];

/// See the module.
#[derive(Default)]
pub(super) struct Settings {
    /// The engine's directives, in the order they were read.
    pub(super) directives: Vec<(String, String)>,
    /// The file, as an absolute path: CONFIG REWRITE writes it.
    pub(super) file: Option<PathBuf>,
    /// What the user should know.
    pub(super) notes: Vec<String>,
    /// Who started us: `no`, `systemd`, `auto`.
    pub(super) supervised: String,
    /// `io-threads`: threads that run commands, 0 for as many as there are cores.
    pub(super) threads: usize,
    on_sigint: Shutdown,
    on_sigterm: Shutdown,
    has_options: bool,
}

/// A message for the standard error, and the end.
pub(super) struct Fatal(String);

impl std::fmt::Display for Fatal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Settings {
    /// Reads the command line behind `serve`, and what it names. Goes to the directory that `dir` says.
    pub(super) fn read(args: &[String]) -> std::result::Result<Self, Fatal> {
        let mut settings = Self { supervised: "no".to_owned(), ..Self::default() };
        let mut args = args;
        if let [file, rest @ ..] = args
            && !file.starts_with('-')
        {
            args = rest;
            settings.file = std::path::absolute(file).ok();
            let text = std::fs::read_to_string(file).map_err(|e| cannot_open(file, &e))?;
            settings.read_text(&text, &format!("configuration file {file}"), 0)?;
        }
        settings.has_options = !args.is_empty();
        let (options, reads_stdin) = of_command_line(args);
        if reads_stdin {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.map_err(|e| cannot_open("the standard input", &e))?;
            settings.read_text(&text, "standard input", 0)?;
        }
        settings.read_text(&options, "command line", 0)?;
        // Redis's own defaults, which in a library would open doors nobody asked for.
        if !settings.says("port") {
            settings.directives.push(("port".to_owned(), "6379".to_owned()));
        }
        if !settings.says("client-output-buffer-limit") {
            let none = ("client-output-buffer-limit".to_owned(), "normal 0 0 0".to_owned());
            settings.directives.insert(0, none);
        }
        if !settings.says("bind") {
            settings.directives.push(("bind".to_owned(), "* -::*".to_owned()));
        }
        Ok(settings)
    }

    /// Takes the directives of a text; `source` is where that is from.
    fn read_text(&mut self, text: &str, source: &str, depth: usize) -> std::result::Result<(), Fatal> {
        for (at, line) in text.split('\n').enumerate() {
            let line = line.trim_matches([' ', '\t', '\r', '\n']);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Err(why) = self.read_line(line, depth) {
                return Err(match why {
                    Wrong::Here(why) => Fatal(format!(
                        "\n*** FATAL CONFIG FILE ERROR (persistkv {}) ***\nReading the {source}, at line {}\n>>> '{line}'\n{why}\n",
                        env!("CARGO_PKG_VERSION"),
                        at + 1
                    )),
                    Wrong::Below(fatal) => fatal,
                });
            }
        }
        Ok(())
    }

    fn read_line(&mut self, line: &str, depth: usize) -> std::result::Result<(), Wrong> {
        let argv = words(line.as_bytes()).ok_or("Unbalanced quotes in configuration line")?;
        let argv: Vec<String> = argv
            .into_iter()
            .map(String::from_utf8)
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| "the value is not UTF-8")?;
        let Some((name, values)) = argv.split_first() else { return Ok(()) };
        let name = name.to_ascii_lowercase();
        let value = values.join(" ");
        if values.is_empty() || (values.len() > 1 && !SEVERAL.contains(&name.as_str())) {
            let is_known = name == "include" || Config::knows(&name) || stock::find(&name).is_some();
            return Err(if is_known { WRONG_NUMBER } else { BAD }.into());
        }
        match name.as_str() {
            "include" => return self.include(&value, depth),
            "dir" => std::env::set_current_dir(&value).map_err(|e| plain(&e))?,
            "supervised" if ["no", "upstart", "systemd", "auto"].contains(&&*value.to_ascii_lowercase()) => {
                self.supervised = value.to_ascii_lowercase();
                return Ok(());
            }
            "supervised" => {
                return Err("argument(s) must be one of the following: upstart, systemd, auto, no".into());
            }
            "shutdown-on-sigint" | "shutdown-on-sigterm" => {
                let how = shutdown(values)?;
                *(if name.ends_with("int") { &mut self.on_sigint } else { &mut self.on_sigterm }) = how;
                return Ok(());
            }
            _ => {}
        }
        if Config::check(&name, &value)? {
            if name != "dir" {
                self.directives.push((name, value));
            }
            return Ok(());
        }
        match stock::find(&name) {
            None => Err(BAD.into()),
            Some(Stock::Never(why)) => Err(why.into()),
            Some(Stock::Only(allowed, why)) if !allowed.contains(&&*value.to_ascii_lowercase()) => {
                Err(why.into())
            }
            Some(_) => {
                if name == "io-threads" {
                    self.threads = value.parse().unwrap_or(0).min(128);
                    // Redis's default, one, says nothing: here every core is used unless told otherwise.
                    self.threads = if self.threads == 1 { 0 } else { self.threads };
                }
                Ok(())
            }
        }
    }

    fn include(&mut self, pattern: &str, depth: usize) -> std::result::Result<(), Wrong> {
        if depth >= DEPTH_MAX {
            return Err("files include each other without end".into());
        }
        let has_glob = pattern.contains(['*', '?', '[']);
        let files = if has_glob {
            let found = glob::glob(pattern).map_err(|e| e.to_string())?;
            found.filter_map(std::result::Result::ok).collect()
        } else {
            vec![PathBuf::from(pattern)]
        };
        for file in files {
            let text = std::fs::read_to_string(&file);
            let text = text.map_err(|e| Wrong::Below(cannot_open(&file.display().to_string(), &e)))?;
            let source = format!("configuration file {}", file.display());
            self.read_text(&text, &source, depth + 1).map_err(Wrong::Below)?;
        }
        Ok(())
    }

    fn says(&self, name: &str) -> bool {
        self.directives.iter().any(|(known, _)| known == name)
    }

    /// Whether anything was configured.
    pub(super) fn is_configured(&self) -> bool {
        self.file.is_some() || self.has_options
    }

    /// The last word on a directive that was given, empty for none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.directives.iter().rfind(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Whether a directive was set to yes.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.text(name).eq_ignore_ascii_case("yes")
    }

    /// The word a directive was set to, or its default.
    pub(super) fn word(&self, name: &str) -> &str {
        if self.says(name) {
            return self.text(name);
        }
        persistkv::config::TABLE.iter().find(|row| row.name == name).map_or("", |row| row.default)
    }

    /// The number a directive was set to, or its default.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.word(name).parse().unwrap_or(0)
    }

    /// Where the process's number goes; a daemon has one in any case.
    pub(super) fn pid_file(&self) -> String {
        match self.text("pidfile") {
            "" if self.flag("daemonize") => "/var/run/redis.pid".to_owned(),
            path => path.to_owned(),
        }
    }

    /// Where to listen, and which of these addresses may be missing.
    pub(super) fn addresses(&self) -> Result<(Vec<Address>, Vec<Address>)> {
        let (mut all, optional) = tcp_addresses(self.text("bind"), self.number("port") as u16)?;
        let socket = self.text("unixsocket");
        if !socket.is_empty() {
            all.push(Address::Unix(Path::new(socket).to_path_buf()));
        }
        Ok((all, optional))
    }

    /// What a signal asks for.
    pub(super) fn on_signal(&self, signal: i32) -> Shutdown {
        if signal == SIGINT { self.on_sigint } else { self.on_sigterm }
    }
}

/// The addresses that `bind` and `port` say, and which of them may be missing.
pub(super) fn tcp_addresses(bind: &str, port: u16) -> Result<(Vec<Address>, Vec<Address>)> {
    let (mut all, mut optional) = (Vec::new(), Vec::new());
    for word in bind.split_ascii_whitespace().filter(|_| port > 0) {
        let host = word.strip_prefix('-').unwrap_or(word);
        let failed = |why| Error::command(format!("bind {word}: {why}"));
        let address = Address::of_host(host, port).map_err(failed)?;
        if host.len() < word.len() {
            optional.push(address.clone());
        }
        all.push(address);
    }
    Ok((all, optional))
}

/// Why a line can not be taken.
enum Wrong {
    Here(String),
    /// A file it includes says why.
    Below(Fatal),
}

impl From<&str> for Wrong {
    fn from(why: &str) -> Self {
        Self::Here(why.to_owned())
    }
}

impl From<String> for Wrong {
    fn from(why: String) -> Self {
        Self::Here(why)
    }
}

/// The system's reason without its number, as C has it.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn cannot_open(file: &str, error: &std::io::Error) -> Fatal {
    let (pid, time) = (std::process::id(), super::process::time());
    Fatal(format!("{pid}:C {time} # Fatal error, can't open config file '{file}': {}\n", plain(error)))
}

fn shutdown(words: &[String]) -> std::result::Result<Shutdown, &'static str> {
    let mut how = Shutdown::default();
    for word in words {
        match word.to_ascii_lowercase().as_str() {
            "default" if words.len() == 1 => {}
            "save" if how.save.is_none() => how.save = Some(true),
            "nosave" if how.save.is_none() => how.save = Some(false),
            "now" => {}
            "force" => how.force = true,
            _ => return Err("argument(s) must be one of the following: default, save, nosave, now, force"),
        }
    }
    Ok(how)
}

/// The options of a command line as lines of a file, and whether the standard input is to be read too. A name and its
/// value may be one argument or several; what follows a name is its value whatever it looks like.
fn of_command_line(args: &[String]) -> (String, bool) {
    let mut text = String::new();
    let mut reads_stdin = false;
    let mut has_value = true;
    for (at, arg) in args.iter().enumerate() {
        if arg == "-" && has_value {
            reads_stdin = true;
        } else if let Some(name) = arg.strip_prefix("--").filter(|_| has_value) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(name);
            text.push(' ');
            has_value = words(name.as_bytes()).is_some_and(|words| words.len() > 1);
            // `--save --other x` means no save points, and so does `--save` at the end.
            let next = args.get(at + 1);
            if name.eq_ignore_ascii_case("save") && next.is_none_or(|next| next.starts_with("--")) {
                text.push_str("\"\"");
                has_value = true;
            }
        } else {
            let _ = write!(text, "\"{}\" ", escaped(arg));
            has_value = true;
        }
    }
    (text, reads_stdin)
}

fn escaped(arg: &str) -> String {
    let mut out = String::new();
    for c in arg.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> std::result::Result<Settings, String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Settings::read(&args).map_err(|fatal| fatal.0)
    }

    fn line(line: &str) -> std::result::Result<Settings, String> {
        let mut settings = Settings::default();
        settings.read_text(line, "file", 0).map(|()| settings).map_err(|fatal| fatal.0)
    }

    #[test]
    fn a_command_line_is_a_file_in_one_go() {
        let options =
            |args: &[&str]| of_command_line(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
        assert_eq!(options(&["--port", "0", "--save", ""]).0, "port \"0\" \nsave \"\" ");
        assert_eq!(options(&["--save", "--port 7"]).0, "save \"\"\nport 7 ");
        assert_eq!(options(&["--save"]).0, "save \"\"");
        assert_eq!(
            options(&["--save", "60", "1", "--requirepass", "--odd\""]).0,
            "save \"60\" \"1\" \nrequirepass \"--odd\\\"\" "
        );
        assert!(options(&["--port", "7", "-"]).1);
        assert!(!options(&["--logfile", "-"]).1);
        let settings = read(&["--port", "0", "--save", "60", "1", "--save", "9 9"]).unwrap();
        assert_eq!(settings.directives.len(), 5);
        assert_eq!(settings.addresses().unwrap().0, []);
    }

    #[test]
    fn errors_are_told_as_a_server_tells_them() {
        let error = line("port 0\nfoo bar").err().unwrap();
        assert!(error.starts_with("\n*** FATAL CONFIG FILE ERROR (persistkv "), "{error}");
        assert!(error.ends_with(") ***\nReading the file, at line 2\n>>> 'foo bar'\nBad directive or wrong number of arguments\n"), "{error}");
        for (text, why) in [
            ("port", WRONG_NUMBER),
            ("port 1 2", WRONG_NUMBER),
            ("foo 1 2", BAD),
            ("port abc", "argument couldn't be parsed into an integer"),
            ("maxmemory \"12", "Unbalanced quotes in configuration line"),
            ("save 1", "Invalid save parameters"),
            ("dir /no/such/directory", "No such file or directory"),
            ("replicaof 10.0.0.1 6379", stock::REPLICATION),
            ("cluster-enabled yes", stock::CLUSTER),
            ("tls-port 6380", stock::TLS),
            ("unixsocketperm 888", "argument couldn't be parsed as an octal number"),
        ] {
            let error = line(text).err().unwrap_or_default();
            assert!(error.ends_with(&format!("\n{why}\n")), "{text}: {error}");
        }
    }

    #[test]
    fn what_only_tunes_other_parts_is_taken() {
        for text in [
            "hz 100",
            "repl-backlog-size 64mb",
            "cluster-node-timeout 15000",
            "cluster-enabled no",
            "aclfile \"\"",
            "oom-score-adj-values 0 200 800",
        ] {
            assert!(line(text).is_ok(), "{text}");
        }
        let settings = line("shutdown-on-sigint nosave force\nsupervised systemd\nio-threads 4").unwrap();
        assert_eq!(settings.on_signal(SIGINT), Shutdown { save: Some(false), force: true });
        assert_eq!((settings.supervised.as_str(), settings.threads), ("systemd", 4));
    }
}
