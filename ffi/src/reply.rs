//! Replies for C, laid out as hiredis lays out its `redisReply`.
//!
//! A reply is one block of memory: its nodes in the order RESP has them, then the arrays of pointers to elements, then
//! the strings. A reply of one part, as most are, is written into its block at once; an aggregate's parts are collected
//! first, since the block's size is known only at the end. Freeing is one `free`, however deep the reply is nested.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_longlong};
use std::mem::size_of;
use std::ptr;

use engine::encoding::num;
use engine::{Error, ReplySink};

use crate::boundary::Outcome;
use crate::error::{Failure, pkv_err};

/// What a reply is: the numbers of hiredis's `REDIS_REPLY_...`.
#[allow(non_camel_case_types)]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pkv_reply_type {
    /// Bytes, in `str` and `len`.
    PKV_REPLY_STRING = 1,
    /// Replies, in `element` and `elements`.
    PKV_REPLY_ARRAY = 2,
    /// A number, in `integer`.
    PKV_REPLY_INTEGER = 3,
    /// No value.
    PKV_REPLY_NIL = 4,
    /// A status such as "OK", in `str` and `len`.
    PKV_REPLY_STATUS = 5,
    /// A refusal in Redis's words, in `str` and `len`.
    PKV_REPLY_ERROR = 6,
    /// RESP3 only: a number, in `dval`, and its text in `str` and `len`.
    PKV_REPLY_DOUBLE = 7,
    /// RESP3 only: 1 or 0, in `integer`.
    PKV_REPLY_BOOL = 8,
    /// RESP3 only: keys and values by turns, in `element`; `elements` counts both.
    PKV_REPLY_MAP = 9,
    /// RESP3 only: as an array.
    PKV_REPLY_SET = 10,
    /// Not used: hiredis's number of attributes.
    PKV_REPLY_ATTR = 11,
    /// RESP3 only: as an array, of what was published.
    PKV_REPLY_PUSH = 12,
    /// RESP3 only: a number too big for `integer`, as text in `str` and `len`.
    PKV_REPLY_BIGNUM = 13,
    /// RESP3 only: text in `str` and `len`, and its kind in `vtype`.
    PKV_REPLY_VERB = 14,
}

use pkv_reply_type::*;

/// A reply, field for field as hiredis's `redisReply`. `type` says which fields count. A `str` ends with a NUL that
/// `len` does not count. Read it, and free it whole by `pkv_reply_free`; its parts are not freed on their own.
#[allow(non_camel_case_types)]
#[repr(C)]
pub struct pkv_reply {
    /// One of `PKV_REPLY_...`.
    pub r#type: c_int,
    /// Value of an integer or a bool.
    pub integer: c_longlong,
    /// Value of a double.
    pub dval: f64,
    /// Length of `str`, in bytes.
    pub len: usize,
    /// Bytes of a string, status, error, double, big number or verbatim text; else NULL.
    pub str: *mut c_char,
    /// Kind of a verbatim text, such as "txt".
    pub vtype: [c_char; 4],
    /// Number of `element`s.
    pub elements: usize,
    /// Parts of an array, map, set or push; else NULL.
    pub element: *mut *mut pkv_reply,
}

/// A node that is not at its final place yet.
struct Part {
    kind: pkv_reply_type,
    integer: i64,
    dval: f64,
    vtype: [u8; 3],
    /// Where its text begins among the bytes; each text ends with a NUL.
    text: Option<usize>,
    len: usize,
    elements: usize,
}

impl Part {
    fn of(kind: pkv_reply_type) -> Self {
        Self { kind, integer: 0, dval: 0.0, vtype: [0; 3], text: None, len: 0, elements: 0 }
    }

    /// The node, but for its pointers.
    fn node(&self) -> pkv_reply {
        let [a, b, c] = self.vtype.map(|byte| byte as c_char);
        pkv_reply {
            r#type: self.kind as c_int,
            integer: self.integer,
            dval: self.dval,
            len: self.len,
            str: ptr::null_mut(),
            vtype: [a, b, c, 0],
            elements: self.elements,
            element: ptr::null_mut(),
        }
    }
}

/// What a client keeps to collect parts in, so that replies cost one allocation each.
#[derive(Default)]
pub(crate) struct Scratch {
    parts: Vec<Part>,
    bytes: Vec<u8>,
    open: Vec<(usize, usize)>,
}

/// What is kept from one reply to the next, in bytes of text and in parts.
const KEEP_BYTES: usize = 64 * 1024;
const KEEP_PARTS: usize = 1024;

/// A block that was not handed out yet.
struct Block(*mut pkv_reply);

impl Block {
    /// Room for so many nodes, pointers and bytes, in this order.
    fn new(nodes: usize, pointers: usize, bytes: usize) -> Outcome<Self> {
        let pointers = pointers.checked_mul(size_of::<*mut pkv_reply>());
        let total = nodes.checked_mul(size_of::<pkv_reply>()).zip(pointers);
        let total = total.and_then(|(a, b)| a.checked_add(b)?.checked_add(bytes));
        let total = total.ok_or_else(|| Failure::no_memory(usize::MAX))?;
        // SAFETY: malloc takes any size.
        let block = unsafe { libc::malloc(total) };
        if block.is_null() { Err(Failure::no_memory(total)) } else { Ok(Self(block.cast())) }
    }

    /// Hands it out.
    fn into_raw(self) -> *mut pkv_reply {
        let block = self.0;
        std::mem::forget(self);
        block
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: it came from malloc and was not handed out.
        unsafe { libc::free(self.0.cast()) }
    }
}

/// A sink that builds a reply for C.
pub(crate) struct Writer<'s> {
    resp3: bool,
    scratch: &'s mut Scratch,
    /// Parts that are still to come.
    pending: usize,
    /// The whole reply, if it is of one part.
    single: Option<Block>,
    failed: Option<Failure>,
}

impl<'s> Writer<'s> {
    pub(crate) fn new(resp3: bool, scratch: &'s mut Scratch) -> Self {
        scratch.parts.clear();
        scratch.bytes.clear();
        scratch.open.clear();
        Self { resp3, scratch, pending: 1, single: None, failed: None }
    }

    /// Whether nothing was written.
    pub(crate) fn is_untouched(&self) -> bool {
        self.pending == 1 && self.single.is_none() && self.scratch.parts.is_empty()
    }

    /// The reply. Fails if memory ran out, or if the command wrote too little.
    pub(crate) fn finish(mut self) -> Outcome<*mut pkv_reply> {
        if let Some(failure) = self.failed.take() {
            return Err(failure);
        }
        if self.pending != 0 {
            let text = "internal error: the command did not finish its answer";
            return Err(Failure::new(pkv_err::PKV_ERR_INTERNAL, text));
        }
        let block = match self.single.take() {
            Some(block) => block,
            None => assemble(self.scratch)?,
        };
        self.scratch.bytes.clear();
        self.scratch.parts.clear();
        self.scratch.bytes.shrink_to(KEEP_BYTES);
        self.scratch.parts.shrink_to(KEEP_PARTS);
        self.scratch.open.shrink_to(KEEP_PARTS);
        Ok(block.into_raw())
    }

    /// A reply that is an error and nothing else.
    pub(crate) fn refusal(error: &Error) -> Outcome<*mut pkv_reply> {
        let mut scratch = Scratch::default();
        let mut writer = Writer::new(false, &mut scratch);
        writer.error(error);
        writer.finish()
    }

    fn write(&mut self, part: Part, text: Option<&[u8]>) {
        if self.failed.is_some() || self.pending == 0 {
            return;
        }
        if let Err(failure) = self.try_write(part, text) {
            self.failed = Some(failure);
        }
    }

    fn try_write(&mut self, mut part: Part, text: Option<&[u8]>) -> Outcome<()> {
        part.len = text.map_or(0, <[u8]>::len);
        let more = (self.pending - 1).checked_add(part.elements);
        if self.scratch.parts.is_empty() && part.elements == 0 {
            self.single = Some(single(&part, text)?);
        } else {
            let scratch = &mut *self.scratch;
            scratch.parts.try_reserve(1).map_err(|_| Failure::no_memory(size_of::<Part>()))?;
            if let Some(text) = text {
                scratch.bytes.try_reserve(text.len() + 1).map_err(|_| Failure::no_memory(text.len()))?;
                part.text = Some(scratch.bytes.len());
                scratch.bytes.extend_from_slice(text);
                scratch.bytes.push(0);
            }
            scratch.parts.push(part);
        }
        self.pending = more.ok_or_else(|| Failure::no_memory(usize::MAX))?;
        Ok(())
    }

    fn aggregate(&mut self, kind: pkv_reply_type, elements: Option<usize>) {
        match elements {
            Some(elements) => self.write(Part { elements, ..Part::of(kind) }, None),
            None => self.failed = Some(Failure::no_memory(usize::MAX)),
        }
    }
}

/// A block of one node and its text.
fn single(part: &Part, text: Option<&[u8]>) -> Outcome<Block> {
    let block = Block::new(1, 0, text.map_or(0, |text| text.len() + 1))?;
    // SAFETY: the block has room for a node and, behind it, for the text and a NUL.
    unsafe {
        block.0.write(part.node());
        if let Some(text) = text {
            let at: *mut u8 = block.0.add(1).cast();
            at.copy_from_nonoverlapping(text.as_ptr(), text.len());
            at.add(text.len()).write(0);
            (*block.0).str = at.cast();
        }
    }
    Ok(block)
}

/// A block of all collected parts, which are whole.
fn assemble(scratch: &mut Scratch) -> Outcome<Block> {
    let Scratch { parts, bytes, open } = scratch;
    // Every node but the first is an element of exactly one other.
    let pointers = parts.len() - 1;
    let block = Block::new(parts.len(), pointers, bytes.len())?;
    let nodes = block.0;
    // SAFETY: the block has room for all nodes, then all pointers, then all bytes; malloc aligns it for a node, whose
    // size is a multiple of a pointer's alignment.
    let (slots, texts) = unsafe {
        let slots: *mut *mut pkv_reply = nodes.add(parts.len()).cast();
        let texts: *mut u8 = slots.add(pointers).cast();
        texts.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        (slots, texts)
    };
    let mut used = 0;
    for (at, part) in parts.iter().enumerate() {
        let mut node = part.node();
        // SAFETY: `text` lies within the bytes; `used` stays at or below the number of pointers, since each aggregate
        // takes as many as it has elements, which are nodes of their own.
        unsafe {
            if let Some(text) = part.text {
                node.str = texts.add(text).cast();
            }
            if part.elements > 0 {
                node.element = slots.add(used);
            }
            nodes.add(at).write(node);
        }
        // Innermost aggregate with elements to come: this node is its next.
        if let Some((slot, left)) = open.last_mut() {
            // SAFETY: the slot belongs to that aggregate's run of pointers, `left` of which are not written yet.
            unsafe { slots.add(*slot).write(nodes.add(at)) };
            *slot += 1;
            *left -= 1;
            if *left == 0 {
                open.pop();
            }
        }
        if part.elements > 0 {
            open.push((used, part.elements));
            used += part.elements;
        }
    }
    debug_assert!(open.is_empty() && used == pointers, "the writer counts what is pending");
    Ok(block)
}

impl ReplySink for Writer<'_> {
    fn resp3(&self) -> bool {
        self.resp3
    }
    fn null(&mut self) {
        self.write(Part::of(PKV_REPLY_NIL), None);
    }
    fn null_array(&mut self) {
        self.null();
    }
    fn int(&mut self, n: i64) {
        self.write(Part { integer: n, ..Part::of(PKV_REPLY_INTEGER) }, None);
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.write(Part::of(PKV_REPLY_STRING), Some(bytes));
    }
    fn simple(&mut self, text: &str) {
        self.write(Part::of(PKV_REPLY_STATUS), Some(text.as_bytes()));
    }
    fn error(&mut self, error: &Error) {
        self.write(Part::of(PKV_REPLY_ERROR), Some(error.reply_text().as_bytes()));
    }
    fn double(&mut self, value: f64) {
        let text = num::fmt_f64(value);
        if self.resp3 {
            self.write(Part { dval: value, ..Part::of(PKV_REPLY_DOUBLE) }, Some(text.as_bytes()));
        } else {
            self.bulk(text.as_bytes());
        }
    }
    fn bool(&mut self, value: bool) {
        let kind = if self.resp3 { PKV_REPLY_BOOL } else { PKV_REPLY_INTEGER };
        self.write(Part { integer: value.into(), ..Part::of(kind) }, None);
    }
    fn array(&mut self, n: usize) {
        self.aggregate(PKV_REPLY_ARRAY, Some(n));
    }
    fn push(&mut self, n: usize) {
        self.aggregate(if self.resp3 { PKV_REPLY_PUSH } else { PKV_REPLY_ARRAY }, Some(n));
    }
    fn map(&mut self, n: usize) {
        let kind = if self.resp3 { PKV_REPLY_MAP } else { PKV_REPLY_ARRAY };
        self.aggregate(kind, n.checked_mul(2));
    }
    fn set(&mut self, n: usize) {
        self.aggregate(if self.resp3 { PKV_REPLY_SET } else { PKV_REPLY_ARRAY }, Some(n));
    }
    fn verbatim(&mut self, format: &str, text: &[u8]) {
        if !self.resp3 {
            return self.bulk(text);
        }
        let mut vtype = [0; 3];
        for (slot, byte) in vtype.iter_mut().zip(format.bytes()) {
            *slot = byte;
        }
        self.write(Part { vtype, ..Part::of(PKV_REPLY_VERB) }, Some(text));
    }
}

/// Frees a whole reply. NULL is fine. Not for the parts of a reply.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pkv_reply_free(reply: *mut pkv_reply) {
    // SAFETY: NULL, or the block of a reply that was handed out once, by the caller's promise.
    unsafe { libc::free(reply.cast()) }
}

#[cfg(test)]
mod tests;
