//! What a shell works on: a store that it opens itself, or a server that runs elsewhere.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use persistkv::outbox::Push;
use persistkv::reply::ReplyBuilder;
use persistkv::{Client, Error, ErrorKind, Reply, Result, Store};

use super::remote::{Place, Remote};
use super::{LOOK, Options};
use crate::files::{self, Found};

const PORT: u16 = 6379;

/// See the module.
pub(super) enum Target {
    Store {
        store: Store,
        client: Box<Client>,
    },
    /// `remote`: none while nobody is there.
    Server {
        place: Place,
        password: Option<String>,
        db: u32,
        remote: Option<Remote>,
    },
}

fn interrupted() -> Error {
    Error::command("interrupted")
}

impl Target {
    /// `interrupt`: Ctrl-C was pressed, what is under way is to end.
    pub(super) fn open(options: &Options, interrupt: &Arc<AtomicBool>) -> Result<Self> {
        let Some(dir) = &options.dir else {
            let host = options.host.clone().unwrap_or_else(|| "127.0.0.1".to_owned());
            let place = match &options.socket {
                Some(path) => Place::Unix(path.clone()),
                None => Place::Tcp(host, options.port.unwrap_or(PORT)),
            };
            let password = options.password.clone().or_else(|| std::env::var("REDISCLI_AUTH").ok());
            let remote = Some(connect(&place, password.as_deref(), options.db)?);
            return Ok(Self::Server { place, password, db: options.db, remote });
        };
        let store = Store::open(dir, &all_directives(dir, &options.directive)?)?;
        for note in store.load_notes() {
            eprintln!("{note}");
        }
        let mut client = Box::new(store.client());
        client.select_db(options.db as usize)?;
        let interrupt = Arc::clone(interrupt);
        // Of scripts those that have not written yet end at once.
        client.set_interrupt(Some(Arc::new(move || {
            interrupt.load(Ordering::Relaxed).then_some("ERR interrupted")
        })));
        Ok(Self::Store { store, client })
    }

    /// Runs a command. `None`: what it answers comes as messages.
    pub(super) fn call(&mut self, argv: &[Vec<u8>], interrupt: &AtomicBool) -> Result<Option<Reply>> {
        match self {
            Self::Store { client, .. } => {
                let mut out = ReplyBuilder::new(client.resp3());
                if let Some(blocked) = client.begin(argv, &mut out)? {
                    loop {
                        if let Some(done) = blocked.take(&mut out) {
                            done?;
                            break;
                        }
                        if interrupt.load(Ordering::Relaxed) && blocked.cancel() {
                            return Err(interrupted());
                        }
                        blocked.wait(Some(LOOK));
                        if blocked.deadline().is_some_and(|deadline| deadline <= Instant::now()) {
                            blocked.time_out();
                        }
                    }
                }
                // What SUBSCRIBE and its kin answer comes as messages.
                Ok(if out.is_untouched() { None } else { out.finish() })
            }
            Self::Server { place, password, remote, db } => {
                // A server that was started anew is found again before anything is sent.
                let gone = remote.as_mut().is_none_or(Remote::is_gone);
                if gone {
                    *remote = None;
                    *remote = Some(connect(place, password.as_deref(), *db)?);
                }
                let Some(there) = remote else { return Err(interrupted()) };
                let reply = ask(there, argv, interrupt);
                if reply.is_err() {
                    // Its answer may still come: that connection is of no use.
                    *remote = None;
                }
                let reply = reply?;
                if let [name, index] = argv
                    && name.eq_ignore_ascii_case(b"select")
                    && !matches!(reply, Reply::Error(_))
                {
                    *db = String::from_utf8_lossy(index).parse().unwrap_or(*db);
                }
                if let [name, given] = argv
                    && name.eq_ignore_ascii_case(b"auth")
                    && !matches!(reply, Reply::Error(_))
                {
                    // For the next connection, should this one break.
                    *password = Some(String::from_utf8_lossy(given).into_owned());
                }
                Ok(Some(reply))
            }
        }
    }

    /// The next message, if one comes within that time.
    pub(super) fn next(&mut self, most: Duration) -> Result<Option<Reply>> {
        match self {
            Self::Store { client, .. } => {
                Ok(client.outbox().next(Some(most))?.map(|message| match &*message {
                    Push::Parts(parts) => Reply::Array(parts.clone()),
                    Push::Line(line) => Reply::Simple(line.clone().into()),
                }))
            }
            Self::Server { remote, .. } => match remote.as_mut().map(|remote| remote.next(most)) {
                Some(Ok(message)) => Ok(message),
                failed => {
                    *remote = None;
                    failed.unwrap_or_else(|| Err(interrupted()))
                }
            },
        }
    }

    /// No more messages, please.
    pub(super) fn end_listening(&mut self) -> Result<()> {
        match self {
            Self::Store { store, client } => {
                let db = client.selected_db();
                **client = store.client();
                client.select_db(db)
            }
            // The only way out of MONITOR that every server has.
            Self::Server { place, password, db, remote } => {
                *remote = None;
                *remote = Some(connect(place, password.as_deref(), *db)?);
                Ok(())
            }
        }
    }

    /// Whether what is gone may be there again later.
    pub(super) fn may_come_back(&self) -> bool {
        matches!(self, Self::Server { .. })
    }

    /// What stands before the cursor.
    pub(super) fn prompt(&self) -> String {
        let (name, db) = match self {
            Self::Store { client, .. } => ("persistkv".to_owned(), client.selected_db() as u64),
            Self::Server { remote: None, .. } => return "not connected> ".to_owned(),
            Self::Server { place: Place::Unix(path), db, .. } => (path.display().to_string(), u64::from(*db)),
            Self::Server { place: Place::Tcp(host, port), db, .. } => {
                (format!("{host}:{port}"), u64::from(*db))
            }
        };
        if db == 0 { format!("{name}> ") } else { format!("{name}[{db}]> ") }
    }

    pub(super) fn close(&self) -> Result<()> {
        match self {
            Self::Store { store, .. } => store.close(),
            Self::Server { .. } => Ok(()),
        }
    }
}

/// Sends a command and waits for its reply, until somebody interrupts that.
fn ask(remote: &mut Remote, argv: &[Vec<u8>], interrupt: &AtomicBool) -> Result<Reply> {
    remote.send(argv)?;
    loop {
        if let Some(reply) = remote.next(LOOK)? {
            return Ok(reply);
        }
        if interrupt.load(Ordering::Relaxed) {
            return Err(interrupted());
        }
    }
}

fn connect(place: &Place, password: Option<&str>, db: u32) -> Result<Remote> {
    let mut remote = Remote::connect(place)?;
    let mut must = |argv: &[&str]| match remote.call(argv)? {
        Reply::Error(error) => Err(Error::command(error)),
        _ => Ok(()),
    };
    if let Some(password) = password {
        must(&["AUTH", password])?;
    }
    if db > 0 {
        must(&["SELECT", &db.to_string()])?;
    }
    Ok(remote)
}

/// The directives given, and `appendonly yes` when the directory has a log and nothing else was said.
fn all_directives(dir: &Path, given: &[String]) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for directive in given {
        let (name, value) = directive.trim().split_once([' ', '=']).ok_or_else(|| {
            Error::new(ErrorKind::Argument, format!("--directive '{directive}': a name and a value, please"))
        })?;
        all.push((name.to_owned(), value.trim().trim_matches('"').to_owned()));
    }
    let says = all.iter().any(|(name, _)| name.eq_ignore_ascii_case("appendonly"));
    let is_log = |found: &Found| matches!(found, Found::Log(_) | Found::LogFile(_));
    if !says && dir.is_dir() && files::find(dir)?.iter().any(is_log) {
        all.push(("appendonly".to_owned(), "yes".to_owned()));
    }
    Ok(all)
}
