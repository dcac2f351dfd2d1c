//! Clients: the logical connections by which commands are run, and the call for any command.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ffi::{c_char, c_int};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::{Client, Error, ErrorKind, ReplySink};

use crate::boundary::{Outcome, pointer, status};
use crate::error::{Failure, pkv_err, remember};
use crate::pointers::{MAX_LEN, bytes, handle, put};
use crate::reply::{Scratch, Writer, pkv_reply};
use crate::store::pkv_store;

/// A logical connection to a store: its selected database, its MULTI queue, its watched keys. Cheap to make; one
/// thread at a time may use it (a second one is refused with `PKV_ERR_BUSY`), so give each thread its own.
#[allow(non_camel_case_types)]
pub struct pkv_client {
    busy: AtomicBool,
    /// The process that made it.
    pid: u32,
    inside: UnsafeCell<Inside>,
}

pub(crate) struct Inside {
    pub(crate) client: Client,
    pub(crate) scratch: Scratch,
}

/// A client while a call uses it.
pub(crate) struct Using<'a>(&'a pkv_client);

impl<'a> Using<'a> {
    pub(crate) fn begin(client: &'a pkv_client) -> Outcome<Self> {
        if !client.busy.swap(true, Ordering::Acquire) {
            return Ok(Self(client));
        }
        if client.pid != std::process::id() {
            // A thread that used it at the fork does not exist in here: it would be busy for ever.
            let text = "this client was made before the process forked; open a store of the child's own";
            return Err(Failure::new(pkv_err::PKV_ERR_FORKED, text));
        }
        let text = "the client is in use by another call; give every thread a client of its own";
        Err(Failure::new(pkv_err::PKV_ERR_BUSY, text))
    }

    pub(crate) fn inside(&mut self) -> &mut Inside {
        // SAFETY: only whoever turned `busy` on gets here, and it stays on until `self` goes.
        unsafe { &mut *self.0.inside.get() }
    }
}

impl Drop for Using<'_> {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Release);
    }
}

/// Makes a client of a store. It is freed by `pkv_client_free`, before or after the store is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_client_new(store: *const pkv_store, client: *mut *mut pkv_client) -> pkv_err {
    status(|| {
        if client.is_null() {
            return Err(Failure::null("client"));
        }
        // SAFETY: `client` is not NULL; both are valid by the caller's promise.
        let store = unsafe {
            put(client, std::ptr::null_mut());
            handle("store", store)?
        };
        store.store.check_usable()?;
        let inside = Inside { client: store.store.client(), scratch: Scratch::default() };
        let new = pkv_client {
            busy: AtomicBool::new(false),
            pid: std::process::id(),
            inside: UnsafeCell::new(inside),
        };
        // SAFETY: `client` is not NULL, and valid by the caller's promise.
        unsafe { put(client, Box::into_raw(Box::new(new))) };
        Ok(pkv_err::PKV_OK)
    })
}

/// Frees a client; a transaction that it has begun is dropped. NULL is fine. In a forked child nothing is freed: what
/// the parent made stays as it is there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_client_free(client: *mut pkv_client) {
    status(|| {
        if client.is_null() {
            return Ok(pkv_err::PKV_OK);
        }
        // SAFETY: not NULL; made by `pkv_client_new` and not freed before, by the caller's promise.
        let using = Using::begin(unsafe { &*client })?;
        if using.0.pid == std::process::id() {
            drop(using);
            // SAFETY: as above; nothing refers to it any more.
            drop(unsafe { Box::from_raw(client) });
        }
        Ok(pkv_err::PKV_OK)
    });
}

/// Chooses the shapes of replies: RESP3's (maps, sets, doubles, bools) if `on` is not 0, else RESP2's, in which a map or
/// set is an array and a double is a string. At first it is RESP2, as on a new connection to Redis.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_client_set_resp3(client: *mut pkv_client, on: c_int) -> pkv_err {
    status(|| {
        // SAFETY: valid by the caller's promise.
        let mut using = Using::begin(unsafe { handle("client", client) }?)?;
        let client = &mut using.inside().client;
        client.check_usable()?;
        client.set_resp3(on != 0);
        Ok(pkv_err::PKV_OK)
    })
}

/// Runs any command, given as its name and arguments, as hiredis's `redisCommandArgv` does.
///
/// `argvlen` may be NULL if every argument ends with a NUL. What a server would answer is the reply, be it of type
/// `PKV_REPLY_ERROR`; free it by `pkv_reply_free`. NULL means that there is no answer: an argument of this call is not
/// valid, the store is closed, the process was forked, or there is no memory; `pkv_last_error_code` says which. Error
/// replies are in `pkv_last_error` too.
///
/// A command that waits (BLPOP and its kin) keeps this thread until another one serves it or its time is over.
///
/// When it returns, what the command did is kept as the store's directives promise: with `appendonly yes` it survives a
/// kill of this process, and under `appendfsync always` a power cut.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_command_argv(
    client: *mut pkv_client,
    argc: c_int,
    argv: *const *const c_char,
    argvlen: *const usize,
) -> *mut pkv_reply {
    pointer(|| {
        // SAFETY: valid by the caller's promise.
        let mut using = Using::begin(unsafe { handle("client", client) }?)?;
        // SAFETY: valid by the caller's promise.
        let argv = unsafe { arguments(argc, argv, argvlen) }?;
        let Inside { client, scratch } = using.inside();
        let mut out = Writer::new(client.resp3(), scratch);
        match client.execute_into(&argv, &mut out) {
            Ok(()) => {
                if out.is_untouched() {
                    // SUBSCRIBE and its kin answer by messages.
                    out.null();
                }
                out.finish()
            }
            Err(error) => {
                drop(out);
                refusal(error)
            }
        }
    })
}

/// Waits for the next message of the channels this client has subscribed to, at most so many milliseconds (0: only looks;
/// negative: for ever). `*message` is then the message, an array as from a server ("message", channel, text; also what
/// SUBSCRIBE and its kin answer: those commands themselves reply nil), to be freed by `pkv_reply_free`; NULL when none
/// has come.
///
/// Messages wait in a bounded queue: when there are more than `client-output-buffer-limit` allows, they are lost and this
/// fails from then on, with `PKV_ERR_OUT_OF_MEMORY`. The client is in use while this waits. After `pkv_close` it fails with
/// `PKV_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_next_message(
    client: *mut pkv_client,
    timeout_ms: c_int,
    message: *mut *mut pkv_reply,
) -> pkv_err {
    status(|| {
        if message.is_null() {
            return Err(Failure::null("message"));
        }
        // SAFETY: `message` is not NULL; both are valid by the caller's promise.
        let mut using = unsafe {
            put(message, std::ptr::null_mut());
            Using::begin(handle("client", client)?)?
        };
        let Inside { client, scratch } = using.inside();
        client.check_usable()?;
        let most = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        let Some(push) = client.outbox().next(most)? else { return Ok(pkv_err::PKV_OK) };
        let mut out = Writer::new(client.resp3(), scratch);
        push.write(&mut out);
        let made = out.finish()?;
        // SAFETY: not NULL, and valid by the caller's promise.
        unsafe { put(message, made) };
        Ok(pkv_err::PKV_OK)
    })
}

/// The answer to a command that failed: what a server would have answered is a reply.
fn refusal(error: Error) -> Outcome<*mut pkv_reply> {
    match error.kind() {
        ErrorKind::Argument | ErrorKind::Closed | ErrorKind::Forked | ErrorKind::Internal => {
            Err(error.into())
        }
        kind => {
            remember(kind.into(), error.message());
            Writer::refusal(&error)
        }
    }
}

/// The arguments of a command.
///
/// # Safety
/// Unless NULL, `argv` points to `argc` pointers and `argvlen` to as many lengths; each pointer is NULL or points to so
/// many bytes (without `argvlen`: to bytes that end with a NUL), which nobody changes while the result lives.
unsafe fn arguments<'a>(
    argc: c_int,
    argv: *const *const c_char,
    argvlen: *const usize,
) -> Outcome<Vec<&'a [u8]>> {
    let count = usize::try_from(argc).ok().filter(|n| *n > 0).ok_or_else(|| {
        Failure::new(pkv_err::PKV_ERR_ARGUMENT, format!("argc is {argc}; a command has a name at least"))
    })?;
    if argv.is_null() {
        return Err(Failure::null("argv"));
    }
    let mut arguments = Vec::with_capacity(count.min(1024));
    for at in 0..count {
        let name = || format!("argv[{at}]");
        // SAFETY: there are `count` pointers by the caller's promise.
        let ptr = unsafe { argv.add(at).read() };
        let len = if !argvlen.is_null() {
            // SAFETY: there are `count` lengths by the caller's promise.
            unsafe { argvlen.add(at).read() }
        } else if ptr.is_null() {
            return Err(Failure::null(&name()));
        } else {
            // SAFETY: not NULL, and ends with a NUL by the caller's promise. Longer than allowed is refused below.
            unsafe { libc::strnlen(ptr, MAX_LEN + 1) }
        };
        // SAFETY: valid by the caller's promise.
        arguments.push(unsafe { bytes(name, ptr, len) }?);
    }
    Ok(arguments)
}
