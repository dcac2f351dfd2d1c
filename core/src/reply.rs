//! What a command answers: the [`ReplySink`] every handler writes to, and [`Reply`], the owned form of it.
//!
//! A sink is told the reply in the order RESP has it: an aggregate's head, then its parts. Under RESP2 shapes (the
//! default, as on a new Redis connection) a map is an array of twice as many, a set an array, a double a bulk string.

use std::borrow::Cow;

use crate::encoding::listpack::LpValue;
use crate::encoding::num;
use crate::error::Error;

/// Where a command writes its reply. A handler that can fail fails before its first call.
pub trait ReplySink {
    /// From now on replies take RESP3 shapes, or no longer (HELLO). A sink that can not change that goes on as it is.
    fn set_resp3(&mut self, _on: bool) {}

    /// Whether RESP3 shapes are wanted.
    fn resp3(&self) -> bool;
    /// No value (`$-1`, `_`).
    fn null(&mut self);
    /// No array (`*-1`, `_`).
    fn null_array(&mut self);
    /// An integer.
    fn int(&mut self, n: i64);
    /// A string of bytes.
    fn bulk(&mut self, bytes: &[u8]);
    /// A status such as `OK`.
    fn simple(&mut self, text: &str);
    /// An error as a part of a reply (EXEC).
    fn error(&mut self, error: &Error);
    /// A double; a bulk string with Redis's text of it under RESP2.
    fn double(&mut self, value: f64);
    /// True or false; 1 or 0 under RESP2.
    fn bool(&mut self, value: bool);
    /// `n` parts follow.
    fn array(&mut self, n: usize);
    /// `n` pairs follow.
    fn map(&mut self, n: usize);
    /// `n` members follow, unordered.
    fn set(&mut self, n: usize);
    /// A message out of turn of `n` parts follows; an array under RESP2, and where replies and messages go separate ways.
    fn push(&mut self, n: usize) {
        self.array(n);
    }
    /// Text with a format of three letters (`txt`, `mkd`); a bulk string under RESP2.
    fn verbatim(&mut self, format: &str, text: &[u8]);

    /// A number of any length, given as its digits; a bulk string under RESP2, and where the sink has no other form.
    fn big_number(&mut self, digits: &str) {
        self.bulk(digits.as_bytes());
    }
    /// `n` pairs about the reply that comes behind them. False: the sink does not show them, and they must be left out
    /// (never shown under RESP2).
    fn attribute(&mut self, _n: usize) -> bool {
        false
    }

    /// `OK`
    fn ok(&mut self) {
        self.simple("OK");
    }

    /// A string, or no value.
    fn bulk_or_null(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.null(),
        }
    }

    /// An integer as a string.
    fn bulk_int(&mut self, n: i64) {
        self.bulk(num::fmt_i64(n).as_bytes());
    }

    /// An element of a value, as a string.
    fn element(&mut self, value: LpValue<'_>) {
        match value {
            LpValue::Int(n) => self.bulk_int(n),
            LpValue::Str(bytes) => self.bulk(bytes),
        }
    }

    /// A cursor of the SCAN family, as a string.
    fn cursor(&mut self, cursor: u64) {
        self.bulk(cursor.to_string().as_bytes());
    }
}

/// An owned reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// No value.
    Null,
    /// An integer.
    Int(i64),
    /// A double (RESP3 only).
    Double(f64),
    /// True or false (RESP3 only).
    Bool(bool),
    /// Bytes.
    Bulk(Vec<u8>),
    /// A status.
    Simple(Cow<'static, str>),
    /// An error inside an aggregate.
    Error(String),
    /// Parts in order.
    Array(Vec<Reply>),
    /// Pairs in order (RESP3 only).
    Map(Vec<(Reply, Reply)>),
    /// Members (RESP3 only).
    Set(Vec<Reply>),
    /// Text with its format (RESP3 only).
    Verbatim(String, Vec<u8>),
}

impl Reply {
    /// Writes it to a sink, as if it were made there. An error that is a part keeps its text.
    pub fn write(&self, out: &mut dyn ReplySink) {
        let all = |parts: &[Self], out: &mut dyn ReplySink| parts.iter().for_each(|part| part.write(out));
        match self {
            Self::Null => out.null(),
            Self::Int(n) => out.int(*n),
            Self::Double(value) => out.double(*value),
            Self::Bool(value) => out.bool(*value),
            Self::Bulk(bytes) => out.bulk(bytes),
            Self::Simple(text) => out.simple(text),
            Self::Error(text) => out.error(&Error::command(text.clone())),
            Self::Array(parts) => {
                out.array(parts.len());
                all(parts, out);
            }
            Self::Map(pairs) => {
                out.map(pairs.len());
                for (key, value) in pairs {
                    key.write(out);
                    value.write(out);
                }
            }
            Self::Set(parts) => {
                out.set(parts.len());
                all(parts, out);
            }
            Self::Verbatim(format, text) => out.verbatim(format, text),
        }
    }
}

enum Kind {
    Array,
    Map,
    Set,
}

/// A sink that builds a [`Reply`].
pub struct ReplyBuilder {
    resp3: bool,
    open: Vec<(Kind, usize, Vec<Reply>)>,
    done: Option<Reply>,
}

/// More parts than this are not allocated ahead: their number may come from a client.
const AHEAD_MAX: usize = 4096;

impl ReplyBuilder {
    /// A builder for RESP2 or RESP3 shapes.
    pub fn new(resp3: bool) -> Self {
        Self { resp3, open: Vec::new(), done: None }
    }

    /// The reply, `None` when the handler wrote none or not all of it.
    pub fn finish(self) -> Option<Reply> {
        if self.open.is_empty() { self.done } else { None }
    }

    /// Whether nothing was written to it.
    pub fn is_untouched(&self) -> bool {
        self.open.is_empty() && self.done.is_none()
    }

    fn open(&mut self, kind: Kind, parts: usize) {
        if parts == 0 {
            return self.push(close(kind, Vec::new()));
        }
        self.open.push((kind, parts, Vec::with_capacity(parts.min(AHEAD_MAX))));
    }

    fn push(&mut self, mut reply: Reply) {
        while let Some((_, parts, done)) = self.open.last_mut() {
            done.push(reply);
            if done.len() < *parts {
                return;
            }
            let Some((kind, _, done)) = self.open.pop() else { return };
            reply = close(kind, done);
        }
        self.done = Some(reply);
    }
}

fn close(kind: Kind, parts: Vec<Reply>) -> Reply {
    match kind {
        Kind::Array => Reply::Array(parts),
        Kind::Set => Reply::Set(parts),
        Kind::Map => {
            let mut pairs = Vec::with_capacity(parts.len() / 2);
            let mut parts = parts.into_iter();
            while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
                pairs.push((key, value));
            }
            Reply::Map(pairs)
        }
    }
}

impl ReplySink for ReplyBuilder {
    fn set_resp3(&mut self, on: bool) {
        self.resp3 = on;
    }
    fn resp3(&self) -> bool {
        self.resp3
    }
    fn null(&mut self) {
        self.push(Reply::Null);
    }
    fn null_array(&mut self) {
        self.push(Reply::Null);
    }
    fn int(&mut self, n: i64) {
        self.push(Reply::Int(n));
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.push(Reply::Bulk(bytes.to_vec()));
    }
    fn simple(&mut self, text: &str) {
        self.push(Reply::Simple(if text == "OK" {
            Cow::Borrowed("OK")
        } else {
            Cow::Owned(text.to_owned())
        }));
    }
    fn error(&mut self, error: &Error) {
        self.push(Reply::Error(error.reply_text().into_owned()));
    }
    fn double(&mut self, value: f64) {
        if self.resp3 {
            self.push(Reply::Double(value));
        } else {
            self.bulk(num::fmt_f64(value).as_bytes());
        }
    }
    fn bool(&mut self, value: bool) {
        self.push(if self.resp3 { Reply::Bool(value) } else { Reply::Int(i64::from(value)) });
    }
    fn array(&mut self, n: usize) {
        self.open(Kind::Array, n);
    }
    fn map(&mut self, n: usize) {
        self.open(if self.resp3 { Kind::Map } else { Kind::Array }, n * 2);
    }
    fn set(&mut self, n: usize) {
        self.open(if self.resp3 { Kind::Set } else { Kind::Array }, n);
    }
    fn verbatim(&mut self, format: &str, text: &[u8]) {
        self.push(if self.resp3 {
            Reply::Verbatim(format.to_owned(), text.to_vec())
        } else {
            Reply::Bulk(text.to_vec())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(resp3: bool) -> Option<Reply> {
        let mut sink = ReplyBuilder::new(resp3);
        sink.array(3);
        sink.map(1);
        sink.bulk(b"k");
        sink.set(0);
        sink.double(1.5);
        sink.null();
        sink.finish()
    }

    #[test]
    fn shapes_follow_the_protocol() {
        let bulk = |s: &str| Reply::Bulk(s.as_bytes().to_vec());
        let two =
            Reply::Array(vec![Reply::Array(vec![bulk("k"), Reply::Array(vec![])]), bulk("1.5"), Reply::Null]);
        assert_eq!(nested(false), Some(two));
        let pair = (bulk("k"), Reply::Set(vec![]));
        let three = Reply::Array(vec![Reply::Map(vec![pair]), Reply::Double(1.5), Reply::Null]);
        assert_eq!(nested(true), Some(three));
    }

    #[test]
    fn an_unfinished_reply_is_none() {
        let mut sink = ReplyBuilder::new(false);
        sink.array(2);
        sink.int(1);
        assert_eq!(sink.finish(), None);
    }
}
