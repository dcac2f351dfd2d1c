//! Listeners: any Redis client or tool talks to a store that lives in Node.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use persistkv::Reply;
use persistkv_resp::{Listener, Options};

use crate::error::{Result, thrown};
use crate::tasks;

/// Serves a store to other programs.
#[napi(js_name = "NativeListener")]
pub struct NativeListener {
    listener: Arc<Listener>,
}

impl NativeListener {
    pub(crate) fn start(store: &persistkv::Store, address: &str, threads: u32) -> Result<Self> {
        let mut options = Options::default();
        options.threads = threads as usize;
        let started = persistkv_resp::listen(store, address, &options);
        started.map(|listener| Self { listener: Arc::new(listener) }).map_err(|e| thrown(&e))
    }
}

#[napi]
impl NativeListener {
    /// Where it listens.
    #[napi(getter, catch_unwind)]
    pub fn addresses(&self) -> Vec<String> {
        self.listener.addresses().iter().map(ToString::to_string).collect()
    }

    /// How many connections there are.
    #[napi(getter, catch_unwind)]
    pub fn connections(&self) -> u32 {
        u32::try_from(self.listener.connections()).unwrap_or(u32::MAX)
    }

    /// Stops, on a thread of its own: connections get what was answered, which may be for this thread to read.
    #[napi(catch_unwind, ts_return_type = "Promise<unknown>")]
    pub fn stop_waiting<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let listener = Arc::clone(&self.listener);
        let stop = move || {
            listener.stop();
            Ok(Reply::Null)
        };
        tasks::spawn(env, true, stop)
            .map_err(|e| thrown(&persistkv::Error::new(persistkv::ErrorKind::Internal, e.reason.clone())))
    }
}
