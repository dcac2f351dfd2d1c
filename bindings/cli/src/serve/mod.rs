//! `persistkv serve`: the engine as a server, with redis-server's configuration file, command line, log and end.

mod config;
mod logging;
mod process;
mod stock;
mod syslog;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Instant;

use persistkv::command::Shutdown;
use persistkv::config::Directive;
use persistkv::{Error, Result, Store};
use persistkv_resp::{Address, Listener, Options};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use config::Settings;

/// What happens to the program.
enum Event {
    Signal(i32),
    /// SHUTDOWN, which waits to be told whether it will.
    Command(Shutdown, Sender<Result<()>>),
    /// The data is there, or can not be read.
    Loaded(Result<()>),
}

const USAGE: &str = "\
Usage: persistkv serve [/path/to/redis.conf] [options] [-]
       persistkv serve -v or --version
       persistkv serve -h or --help

Options are the directives of redis.conf with two dashes in front; \"-\" reads more of them from the standard input.

Examples:
       persistkv serve (a server with the default configuration)
       echo 'maxmemory 128mb' | persistkv serve -
       persistkv serve /etc/redis/6379.conf
       persistkv serve --port 7777
       persistkv serve --port 0 --unixsocket /tmp/redis.sock --save \"\"
       persistkv serve /etc/myredis.conf --loglevel verbose -
";

/// Runs the server until it is told to end.
pub(crate) fn run(args: &[String]) -> ExitCode {
    match args.first().map(String::as_str) {
        Some("-v" | "--version") => {
            println!("persistkv server v={} pid={}", env!("CARGO_PKG_VERSION"), std::process::id());
            return ExitCode::SUCCESS;
        }
        Some("-h" | "--help") => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let mut settings = match Settings::read(args) {
        Ok(settings) => settings,
        Err(fatal) => {
            eprint!("{fatal}");
            return ExitCode::FAILURE;
        }
    };
    if settings.flag("daemonize")
        && let Err(error) = process::daemonize()
    {
        eprintln!("persistkv: going to the background: {error}");
        return ExitCode::FAILURE;
    }
    let to_syslog = settings
        .flag("syslog-enabled")
        .then(|| (settings.word("syslog-ident"), settings.word("syslog-facility")));
    logging::start(settings.text("logfile"), settings.text("loglevel"), to_syslog);
    match serve(&mut settings) {
        Ok(code) => code,
        Err(error) => {
            log::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(settings: &mut Settings) -> Result<ExitCode> {
    log::warn!("oO0OoO0OoO0Oo persistkv is starting oO0OoO0OoO0Oo");
    log::warn!(
        "persistkv version={}, bits={}, pid={}, just started",
        env!("CARGO_PKG_VERSION"),
        usize::BITS,
        std::process::id()
    );
    if settings.is_configured() {
        log::warn!("Configuration loaded");
    } else {
        log::warn!(
            "Warning: no config file specified, using the default config. In order to specify a config file use \
             persistkv serve /path/to/redis.conf"
        );
    }
    logging::set_master();
    let (tell, events) = channel();
    listen_to_signals(tell.clone())?;
    for note in &settings.notes {
        log::warn!("{note}");
    }
    if let Some(most) = process::limit_files(settings.number("maxclients")) {
        log::warn!(
            "The system lets this process have {most} connections at most: maxclients is lowered to that"
        );
        settings.directives.push(("maxclients".to_owned(), most.to_string()));
    }
    let settings = &*settings;
    let pid_file = process::PidFile::write(&settings.pid_file());
    log::warn!("Running mode=standalone, port={}.", settings.number("port"));
    log::warn!("Server initialized");
    // Who connects before the data is there is told so, and stays connected.
    let store = Store::open_server(".", &settings.directives, settings.file.as_deref())?;
    let listener = listen(settings, &store)?.map(Arc::new);
    act_on_config(&store, listener.as_ref());
    let ended = run_until_end(&store, listener.as_deref(), (tell, &events), settings);
    process::tell_supervisor(&settings.supervised, "STOPPING=1\n");
    // Its unix socket goes with it.
    if let Some(listener) = listener {
        listener.stop();
    }
    let loading = store.is_loading();
    let closed = match ended {
        Ok(_) if loading => Ok(()),
        Ok(how) => end(&store, how),
        Err(error) => Err(error),
    };
    if let Some(file) = pid_file {
        log::info!("Removing the pid file.");
        drop(file);
    }
    if let Err(error) = closed {
        log::error!("{error}");
        return Ok(ExitCode::FAILURE);
    }
    log::warn!("persistkv is now ready to exit, bye bye...");
    if loading {
        // The thread that loads is not waited for: it changes nothing that a kill could not interrupt.
        std::process::exit(0);
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the data in a thread of its own, and tells when that is over.
fn load(store: &Store, tell: Sender<Event>) -> Result<()> {
    let store = store.clone();
    let load = move || {
        let began = Instant::now();
        let loaded = store.load();
        if loaded.is_ok() {
            for note in store.load_notes() {
                log::warn!("{note}");
            }
            let source = if store.keeps().1 { "append only file" } else { "disk" };
            log::info!("DB loaded from {source}: {:.3} seconds", began.elapsed().as_secs_f64());
        }
        // Whoever listens closes the store, so it must not be kept open from here.
        drop(store);
        let _ = tell.send(Event::Loaded(loaded));
    };
    let thread = std::thread::Builder::new().name("persistkv-load".into()).spawn(load);
    thread.map(drop).map_err(|e| Error::command(format!("the data can not be loaded: {e}")))
}

/// Listens wherever the directives say; nowhere is fine too, as with `redis-server --port 0`.
fn listen(settings: &Settings, store: &Store) -> Result<Option<Listener>> {
    let (addresses, optional) = settings.addresses()?;
    if addresses.is_empty() {
        log::warn!("Configured to not listen anywhere.");
        return Ok(None);
    }
    let mut options = Options::default();
    options.turn_away = true;
    options.optional = optional;
    options.threads = settings.threads;
    let listener = Listener::start(store, &addresses, &options)?;
    let has_tcp = listener.addresses().iter().any(|address| matches!(address, Address::Tcp(_)));
    if settings.number("port") > 0 && !has_tcp {
        return Err(Error::command(format!(
            "Failed listening on port {} (tcp), aborting.",
            settings.number("port")
        )));
    }
    Ok(Some(listener))
}

/// Has CONFIG SET change where we listen, what is logged, and how many files may be open.
fn act_on_config(store: &Store, listener: Option<&Arc<Listener>>) {
    // It keeps the store open, which keeps this function.
    let listener = listener.map(Arc::downgrade);
    store.on_config(move |config, changed| {
        let has = |directive| changed.contains(&directive);
        if has(Directive::MaxClients) {
            let wanted = config.int(Directive::MaxClients) as u64;
            if let Some(most) = process::limit_files(wanted) {
                let text = format!(
                    "The operating system is not able to handle the specified number of clients, try with {most}"
                );
                return Err((Directive::MaxClients, text));
            }
        }
        if has(Directive::Port) || has(Directive::Bind) {
            let listener = listener.as_ref().and_then(Weak::upgrade);
            let gone = || Error::command("the listener has ended");
            let rebound = config::tcp_addresses(&config.text(Directive::Bind), config.int(Directive::Port) as u16)
                .and_then(|(addresses, optional)| {
                    listener.ok_or_else(gone)?.rebind(&addresses, &optional)
                });
            if let Err(error) = rebound {
                log::warn!("{error}");
                return Err(if has(Directive::Port) {
                    (Directive::Port, "Unable to listen on this port. Check server logs.".to_owned())
                } else {
                    (Directive::Bind, "Failed to bind to specified addresses.".to_owned())
                });
            }
        }
        if has(Directive::LogLevel) {
            logging::set_level(&config.choice(Directive::LogLevel));
        }
        Ok(())
    });
}

/// Says that everything is there, in redis-server's words.
fn announce(listener: Option<&Listener>, settings: &Settings) {
    let has = |unix: bool| {
        let addresses = listener.map(Listener::addresses).unwrap_or_default();
        addresses.iter().any(|address| matches!(address, Address::Unix(_)) == unix)
    };
    for (kind, unix) in [("tcp", false), ("unix", true)] {
        if has(unix) {
            log::info!("Ready to accept connections {kind}");
        }
    }
    process::tell_supervisor(&settings.supervised, "STATUS=Ready to accept connections\nREADY=1\n");
}

fn listen_to_signals(tell: Sender<Event>) -> Result<()> {
    let failed = |e| Error::command(format!("signals can not be listened to: {e}"));
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let ending = AtomicBool::new(false);
    let listen = move || {
        for signal in signals.forever().filter(|signal| *signal != SIGHUP) {
            if signal == SIGINT && ending.load(Ordering::Relaxed) {
                log::warn!("You insist... exiting now.");
                std::process::exit(1);
            }
            ending.store(true, Ordering::Relaxed);
            let name = if signal == SIGINT { "SIGINT" } else { "SIGTERM" };
            log::warn!("Received {name} scheduling shutdown...");
            if tell.send(Event::Signal(signal)).is_err() {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("persistkv-signals".into()).spawn(listen);
    thread.map(drop).map_err(failed)
}

/// Loads, serves, and returns when somebody wishes the end and nothing speaks against it; an error when there is no data
/// to serve.
fn run_until_end(
    store: &Store,
    listener: Option<&Listener>,
    (tell, events): (Sender<Event>, &Receiver<Event>),
    settings: &Settings,
) -> Result<Shutdown> {
    load(store, tell.clone())?;
    store.on_shutdown(move |how| {
        let (answer, answered) = channel();
        let gone = |_| Error::command("ERR the server is ending already");
        tell.send(Event::Command(how, answer)).map_err(|_| gone(()))?;
        answered.recv().map_err(|_| gone(()))?
    });
    // The signals' thread keeps a sender for as long as the process lives.
    for event in events {
        let (how, answer) = match event {
            Event::Loaded(loaded) => {
                loaded?;
                announce(listener, settings);
                continue;
            }
            Event::Signal(signal) => (settings.on_signal(signal), None),
            Event::Command(how, answer) => (how, Some(answer)),
        };
        log::warn!("User requested shutdown...");
        // Half of the data is not saved over the whole.
        let saved = if store.is_loading() { Ok(()) } else { save(store, how) };
        let ends = saved.is_ok() || how.force;
        if let Err(error) = &saved {
            let so = if ends { "exiting anyway" } else { "can't exit" };
            log::error!("Error trying to save the DB, {so}: {error}");
        }
        if let Some(answer) = answer {
            let refused = || Error::command("ERR Errors trying to SHUTDOWN. Check logs.");
            let _ = answer.send(if ends { Ok(()) } else { Err(refused()) });
        } else if !ends {
            log::warn!("Errors trying to shut down the server. Check the logs for more information.");
        }
        if ends {
            return Ok(how);
        }
    }
    Ok(Shutdown::default())
}

/// The final snapshot, while everything still runs: when it fails, the server goes on.
fn save(store: &Store, how: Shutdown) -> Result<()> {
    if !how.save.unwrap_or_else(|| store.keeps().0) {
        return Ok(());
    }
    log::info!("Saving the final RDB snapshot before exiting.");
    store.client().execute(&["SAVE"])?;
    log::info!("DB saved on disk");
    Ok(())
}

/// Nobody is connected any more: what changed since the final snapshot goes into another one, the log to the disk.
fn end(store: &Store, how: Shutdown) -> Result<()> {
    let mut saved = Ok(());
    if how.save == Some(false) {
        store.client().execute(&["CONFIG", "SET", "save", ""])?;
    } else if how.save == Some(true) && !store.keeps().0 && store.has_unsaved_changes() {
        saved = store.client().execute(&["SAVE"]).map(drop);
    }
    if store.keeps().1 {
        log::info!("Calling fsync() on the AOF file.");
    }
    let closed = store.close();
    if how.force { closed } else { saved.and(closed) }
}
