//! The exported class: an opening of a store with one client of it.

use std::cell::RefCell;
use std::sync::{Arc, Once};

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use persistkv::reply::ReplyBuilder;
use persistkv::{Client, Error, ErrorKind, Midst, Reply};

use crate::convert::{Args, JsReply};
use crate::error::{Result, thrown};
use crate::listener::NativeListener;
use crate::opening::Opening;
use crate::subscriber::NativeSubscriber;
use crate::tasks::{self, Awaited};
use crate::waiting::NativeWaiting;

/// A panic is an error of the call that met it; Rust's default would print to the host's standard error besides.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|info| log::error!("{info}"))));
}

/// A store as one thread of JavaScript uses it.
#[napi(js_name = "NativeStore")]
pub struct NativeStore {
    opening: Arc<Opening>,
    client: RefCell<Client>,
}

#[napi]
impl NativeStore {
    /// Opens the store in a directory, or one in memory; directives are pairs of name and value.
    #[napi(factory, catch_unwind)]
    pub fn open(path: Option<String>, directives: Vec<Vec<String>>) -> Result<Self> {
        quiet_panics();
        let pairs: Vec<(String, String)> = directives
            .into_iter()
            .filter_map(|pair| <[String; 2]>::try_from(pair).ok().map(|[name, value]| (name, value)))
            .collect();
        Opening::new(path.as_deref(), &pairs)
            .and_then(|opening| Self::with(Arc::new(opening), 0))
            .map_err(|e| thrown(&e))
    }

    fn with(opening: Arc<Opening>, db: usize) -> persistkv::Result<Self> {
        let client = RefCell::new(opening.client(db)?);
        Ok(Self { opening, client })
    }

    /// Another opening of the same store, with the same database selected.
    #[napi(catch_unwind)]
    pub fn duplicate(&self) -> Result<NativeStore> {
        let again = self.opening.again();
        again.and_then(|opening| Self::with(Arc::new(opening), self.selected())).map_err(|e| thrown(&e))
    }

    /// Serves the store at an address.
    #[napi(catch_unwind)]
    pub fn listen(&self, address: String, threads: u32) -> Result<NativeListener> {
        NativeListener::start(self.opening.store().map_err(|e| thrown(&e))?, &address, threads)
    }

    /// Runs a command.
    #[napi(
        catch_unwind,
        ts_args_type = "args: Array<string | Uint8Array>, decode: boolean",
        ts_return_type = "unknown"
    )]
    pub fn execute(&self, args: Args, decode: bool) -> Result<JsReply> {
        let run = || {
            self.opening.check()?;
            let mut client = self.client();
            let mut out = ReplyBuilder::new(client.resp3());
            if let Some(blocked) = client.begin(&args.0, &mut out)? {
                blocked.cancel();
                let text = "ERR this call would wait, and nothing could end that while this thread does; call the method";
                return Err(Error::command(text));
            }
            let text = match client.midst() {
                Some(Midst::Subscription) => {
                    "ERR subscriptions need an object of their own: call subscriber()"
                }
                Some(Midst::Monitor) => {
                    "ERR MONITOR needs a connection of its own: call listen() and connect a Redis client"
                }
                Some(Midst::Tracking) => {
                    "ERR CLIENT TRACKING needs a connection of its own: call listen() and connect a Redis client, or \
                     subscribe to keyspace events with subscriber()"
                }
                // A pipeline is run as a whole.
                Some(Midst::Transaction) | None => "",
            };
            if !text.is_empty() {
                *client = self.opening.client(client.selected_db())?;
                return Err(Error::command(text));
            }
            out.finish().ok_or_else(|| Error::new(ErrorKind::Internal, "ERR internal error: no answer"))
        };
        match run() {
            Ok(reply) => Ok(JsReply { reply, decode }),
            Err(error) => Err(thrown(&error)),
        }
    }

    /// Runs a command that may wait for a key, with the database selected here.
    #[napi(catch_unwind, ts_args_type = "args: Array<string | Uint8Array>, decode: boolean")]
    pub fn begin(&self, args: Args, decode: bool) -> Result<NativeWaiting> {
        let run = || {
            self.opening.check()?;
            NativeWaiting::begin(&mut self.opening.client(self.selected())?, &args.0, decode)
        };
        run().map_err(|e| thrown(&e))
    }

    /// Subscriptions.
    #[napi(catch_unwind)]
    pub fn subscriber(&self) -> Result<NativeSubscriber> {
        self.opening.client(self.selected()).map(NativeSubscriber::new).map_err(|e| thrown(&e))
    }

    /// Runs a command that may wait on a thread of its own, with the database selected here. The promise resolves with
    /// the reply, or with an `Error`.
    #[napi(
        catch_unwind,
        ts_args_type = "args: Array<string | Uint8Array>, decode: boolean",
        ts_return_type = "Promise<unknown>"
    )]
    pub fn execute_waiting<'env>(&self, env: &'env Env, args: Args, decode: bool) -> Result<Object<'env>> {
        self.spawn(env, decode, move |client| client.execute(&args.0))
    }

    /// BGSAVE with its arguments: the snapshot is of this moment. The promise resolves when it is on disk, or with an
    /// `Error`.
    #[napi(
        catch_unwind,
        ts_args_type = "args: Array<string | Uint8Array>",
        ts_return_type = "Promise<unknown>"
    )]
    pub fn snapshot<'env>(&self, env: &'env Env, args: Args) -> Result<Object<'env>> {
        self.start(env, &args, Awaited::Snapshot)
    }

    /// BGREWRITEAOF; the promise resolves when the new log is in place, or with an `Error`.
    #[napi(
        catch_unwind,
        ts_args_type = "args: Array<string | Uint8Array>",
        ts_return_type = "Promise<unknown>"
    )]
    pub fn rewrite<'env>(&self, env: &'env Env, args: Args) -> Result<Object<'env>> {
        self.start(env, &args, Awaited::Rewrite)
    }

    /// Closes, on a thread of its own; the promise resolves with null, or with an `Error`.
    #[napi(catch_unwind, ts_return_type = "Promise<unknown>")]
    pub fn close_waiting<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let opening = Arc::clone(&self.opening);
        let promise = tasks::spawn(env, true, move || opening.close().map(|()| Reply::Null));
        promise.map_err(|e| thrown(&Error::new(ErrorKind::Internal, e.reason.clone())))
    }

    /// Closes at once.
    #[napi(catch_unwind)]
    pub fn close(&self) -> Result<()> {
        self.opening.close().map_err(|e| thrown(&e))
    }

    /// Whether it was closed.
    #[napi(getter, catch_unwind)]
    pub fn closed(&self) -> Result<bool> {
        Ok(self.opening.is_closed())
    }

    /// The directory as the engine names it; null for a store in memory.
    #[napi(getter, catch_unwind)]
    pub fn dir(&self) -> Result<Option<String>> {
        Ok(self.opening.dir().map(|dir| dir.to_string_lossy().into_owned()))
    }

    /// The selected database.
    #[napi(getter, catch_unwind)]
    pub fn db(&self) -> Result<u32> {
        Ok(u32::try_from(self.selected()).unwrap_or(u32::MAX))
    }

    /// What loading repaired or dropped, one line each.
    #[napi(catch_unwind)]
    pub fn load_notes(&self) -> Result<Vec<String>> {
        Ok(self.opening.load_notes())
    }

    fn client(&self) -> std::cell::RefMut<'_, Client> {
        // One thread, and no JavaScript runs inside a command.
        self.client.borrow_mut()
    }

    fn selected(&self) -> usize {
        self.client.borrow().selected_db()
    }

    /// Runs a command here and now, and awaits what it started elsewhere.
    fn start<'env>(&self, env: &'env Env, args: &Args, awaited: Awaited) -> Result<Object<'env>> {
        let start = || {
            self.opening.check()?;
            let saves = tasks::saves(&mut self.client())?;
            Ok((saves, self.client().execute(&args.0)?))
        };
        let (saves, reply) = start().map_err(|e| thrown(&e))?;
        self.spawn(env, true, move |client| awaited.wait(client, reply, saves.as_deref()))
    }

    fn spawn<'env>(
        &self,
        env: &'env Env,
        decode: bool,
        work: impl FnOnce(&mut Client) -> persistkv::Result<Reply> + Send + 'static,
    ) -> Result<Object<'env>> {
        let opening = Arc::clone(&self.opening);
        let mut client = opening.client(self.selected()).map_err(|e| thrown(&e))?;
        let run = move || {
            let result = work(&mut client);
            // Let go before the promise resolves, so that who awaited it finds nothing of it left.
            drop((client, opening));
            result
        };
        tasks::spawn(env, decode, run).map_err(|e| thrown(&Error::new(ErrorKind::Internal, e.reason.clone())))
    }
}

/// Panics, so that a test can see that a panic becomes an error. Debug builds only.
#[cfg(debug_assertions)]
#[napi(catch_unwind, skip_typescript)]
pub fn panic_for_a_test() -> Result<()> {
    quiet_panics();
    panic!("a panic made for a test")
}
