//! Calls that wait for a key, answered by a promise: no thread waits with them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use napi::bindgen_prelude::Object;
use napi::{Env, JsDeferred};
use napi_derive::napi;
use persistkv::reply::ReplyBuilder;
use persistkv::{Blocked, Client, Error, ErrorKind, Reply};

use crate::convert::Outcome;
use crate::error::{Result, thrown};

type Resolver = Box<dyn FnOnce(Env) -> napi::Result<Outcome>>;

/// A command that was run, or waits.
#[napi(js_name = "NativeWaiting")]
pub struct NativeWaiting {
    state: State,
    decode: bool,
}

enum State {
    Done(Mutex<Option<persistkv::Result<Reply>>>),
    Waits(Arc<Blocked>, Promised),
}

/// The promise, until it is resolved.
type Promised = Arc<Mutex<Option<JsDeferred<Outcome, Resolver>>>>;

fn resolve(promised: &Promised, result: persistkv::Result<Reply>, decode: bool) {
    let deferred = promised.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(deferred) = deferred {
        deferred.resolve(Box::new(move |_| Ok(Outcome { result, decode })));
    }
}

impl NativeWaiting {
    /// Runs a command with a client of its own.
    pub(crate) fn begin(client: &mut Client, argv: &[Vec<u8>], decode: bool) -> persistkv::Result<Self> {
        let mut out = ReplyBuilder::new(client.resp3());
        let state = match client.begin(argv, &mut out)? {
            None => State::Done(Mutex::new(Some(Ok(out.finish().unwrap_or(Reply::Null))))),
            Some(blocked) => State::Waits(Arc::new(blocked), Promised::default()),
        };
        Ok(Self { state, decode })
    }
}

fn taken(blocked: &Blocked) -> persistkv::Result<Reply> {
    let mut out = ReplyBuilder::new(false);
    match blocked.take(&mut out) {
        Some(done) => done.map(|()| out.finish().unwrap_or(Reply::Null)),
        None => Err(Error::new(ErrorKind::Internal, "ERR internal error: a reply was taken twice")),
    }
}

#[napi]
impl NativeWaiting {
    /// Resolves with the reply, or with an `Error`. To be called once.
    #[napi(catch_unwind, ts_return_type = "Promise<unknown>")]
    pub fn promise<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let failed = |e: napi::Error| thrown(&Error::new(ErrorKind::Internal, e.reason.clone()));
        let created: napi::Result<(JsDeferred<Outcome, Resolver>, _)> = env.create_deferred();
        let (deferred, promise) = created.map_err(failed)?;
        let decode = self.decode;
        match &self.state {
            State::Done(result) => {
                let result = result.lock().unwrap_or_else(PoisonError::into_inner).take();
                let result = result.unwrap_or_else(|| {
                    Err(Error::new(ErrorKind::Internal, "ERR internal error: a reply was taken twice"))
                });
                deferred.resolve(Box::new(move |_| Ok(Outcome { result, decode })));
            }
            State::Waits(blocked, promised) => {
                *promised.lock().unwrap_or_else(PoisonError::into_inner) = Some(deferred);
                // The call lives until it is over, whatever becomes of this object.
                let (call, promised) = (Arc::clone(blocked), Arc::clone(promised));
                blocked.set_waker(Arc::new(move || resolve(&promised, taken(&call), decode)));
            }
        }
        Ok(promise)
    }

    /// Milliseconds until its time is over; null: it waits for ever, or no longer.
    #[napi(getter, catch_unwind)]
    pub fn milliseconds_left(&self) -> Result<Option<f64>> {
        Ok(match &self.state {
            State::Done(_) => None,
            State::Waits(blocked, _) => blocked
                .deadline()
                .map(|deadline| deadline.saturating_duration_since(Instant::now()).as_secs_f64() * 1000.0),
        })
    }

    /// Its time is over: the promise resolves with the command's answer for that, unless it is being served just now.
    #[napi(catch_unwind)]
    pub fn time_out(&self) -> Result<()> {
        if let State::Waits(blocked, _) = &self.state {
            blocked.time_out();
        }
        Ok(())
    }

    /// Ends the waiting: the promise resolves with null. False when it is being served just now, or was.
    #[napi(catch_unwind)]
    pub fn cancel(&self) -> Result<bool> {
        Ok(match &self.state {
            State::Done(_) => false,
            State::Waits(blocked, promised) => {
                let cancelled = blocked.cancel();
                if cancelled {
                    blocked.set_waker(Arc::new(|| {}));
                    resolve(promised, Ok(Reply::Null), self.decode);
                }
                cancelled
            }
        })
    }
}
