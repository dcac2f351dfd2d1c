//! Subscriptions: a client of its own whose messages a function of JavaScript is told of.

use std::cell::RefCell;
use std::sync::Arc;

use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;
use persistkv::outbox::Push;
use persistkv::{Client, Error, ErrorKind, Reply};

use crate::convert::{Args, JsReply};
use crate::error::{Result, thrown};

/// See the module's head.
#[napi(js_name = "NativeSubscriber")]
pub struct NativeSubscriber {
    client: RefCell<Option<Client>>,
}

impl NativeSubscriber {
    pub(crate) fn new(client: Client) -> Self {
        Self { client: RefCell::new(Some(client)) }
    }

    fn with<R>(&self, f: impl FnOnce(&mut Client) -> persistkv::Result<R>) -> Result<R> {
        match self.client.borrow_mut().as_mut() {
            Some(client) => f(client).map_err(|e| thrown(&e)),
            None => Err(thrown(&Error::new(ErrorKind::Closed, "the subscriber is closed"))),
        }
    }
}

#[napi]
impl NativeSubscriber {
    /// Runs SUBSCRIBE or one of its kin, whose answers are messages.
    #[napi(catch_unwind, ts_args_type = "args: Array<string | Uint8Array>")]
    pub fn execute(&self, args: Args) -> Result<()> {
        self.with(|client| client.execute(&args.0).map(|_| ()))
    }

    /// Calls `wake` in this thread when messages have come. The process stays alive for it until the subscriber is closed.
    #[napi(catch_unwind, ts_args_type = "wake: () => void")]
    pub fn watch(&self, wake: Function<'_, (), ()>) -> Result<()> {
        let built = wake.build_threadsafe_function::<()>().callee_handled::<false>().build();
        let wake = built.map_err(|e| thrown(&Error::new(ErrorKind::Internal, e.reason.clone())))?;
        self.with(|client| {
            client.outbox().set_waker(Some(Arc::new(move || {
                // A thread that is ending takes no calls any more, and misses nothing.
                let _: Status = wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
            })));
            Ok(())
        })
    }

    /// Messages that have come, each as its parts.
    #[napi(catch_unwind, ts_args_type = "decode: boolean", ts_return_type = "unknown[][]")]
    pub fn take(&self, decode: bool) -> Result<JsReply> {
        let messages = self.with(|client| client.outbox().take_all())?;
        let parts = |push: &Arc<Push>| match &**push {
            Push::Parts(parts) => Reply::Array(parts.clone()),
            Push::Line(line) => Reply::Array(vec![Reply::Simple(line.clone().into())]),
        };
        Ok(JsReply { reply: Reply::Array(messages.iter().map(parts).collect()), decode })
    }

    /// Ends all subscriptions.
    #[napi(catch_unwind)]
    pub fn close(&self) -> Result<()> {
        if let Some(client) = self.client.borrow_mut().take() {
            client.outbox().set_waker(None);
        }
        Ok(())
    }
}
