//! A reply written down flat, to be read once: what a command answers a script, before Lua gets it. Lua may leave a function by a
//! long jump when its memory is used up, so nothing is handed to it while a command runs; and a buffer that is used again
//! and again costs no allocation.

use crate::encoding::num;
use crate::error::Error;
use crate::reply::ReplySink;

/// Longer ones are not kept for the next reply.
const KEPT_MAX: usize = 64 * 1024;

#[derive(Clone, Copy)]
#[repr(u8)]
enum Tag {
    Null,
    Int,
    Double,
    False,
    True,
    Bulk,
    Simple,
    Error,
    Array,
    Map,
    Set,
    Verbatim,
}

/// A part of a reply.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Item<'a> {
    Null,
    Int(i64),
    Double(f64),
    Bool(bool),
    Bulk(&'a [u8]),
    Simple(&'a [u8]),
    Error(&'a [u8]),
    /// So many parts follow.
    Array(usize),
    /// So many pairs follow.
    Map(usize),
    /// So many members follow.
    Set(usize),
    /// The format and the text, two bulks, follow.
    Verbatim,
}

/// See the module's head.
#[derive(Default)]
pub(super) struct Tape {
    bytes: Vec<u8>,
    resp3: bool,
}

impl Tape {
    pub(super) const fn new() -> Self {
        Self { bytes: Vec::new(), resp3: false }
    }

    /// Begins a new reply.
    pub(super) fn begin(&mut self, resp3: bool) {
        if self.bytes.capacity() > KEPT_MAX {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        self.resp3 = resp3;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { rest: &self.bytes }
    }

    fn tag(&mut self, tag: Tag) {
        self.bytes.push(tag as u8);
    }

    fn number(&mut self, tag: Tag, n: u64) {
        self.tag(tag);
        self.bytes.extend_from_slice(&n.to_ne_bytes());
    }

    fn text(&mut self, tag: Tag, text: &[u8]) {
        self.number(tag, text.len() as u64);
        self.bytes.extend_from_slice(text);
    }
}

impl ReplySink for Tape {
    fn set_resp3(&mut self, on: bool) {
        self.resp3 = on;
    }
    fn resp3(&self) -> bool {
        self.resp3
    }
    fn null(&mut self) {
        self.tag(Tag::Null);
    }
    fn null_array(&mut self) {
        self.tag(Tag::Null);
    }
    fn int(&mut self, n: i64) {
        self.number(Tag::Int, n as u64);
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.text(Tag::Bulk, bytes);
    }
    fn simple(&mut self, text: &str) {
        self.text(Tag::Simple, text.as_bytes());
    }
    fn error(&mut self, error: &Error) {
        self.text(Tag::Error, error.reply_text().as_bytes());
    }
    fn double(&mut self, value: f64) {
        if self.resp3 {
            self.number(Tag::Double, value.to_bits());
        } else {
            self.bulk(num::fmt_f64(value).as_bytes());
        }
    }
    fn bool(&mut self, value: bool) {
        match (self.resp3, value) {
            (true, true) => self.tag(Tag::True),
            (true, false) => self.tag(Tag::False),
            (false, _) => self.int(i64::from(value)),
        }
    }
    fn array(&mut self, n: usize) {
        self.number(Tag::Array, n as u64);
    }
    fn map(&mut self, n: usize) {
        if self.resp3 {
            self.number(Tag::Map, n as u64);
        } else {
            self.array(n * 2);
        }
    }
    fn set(&mut self, n: usize) {
        self.number(if self.resp3 { Tag::Set } else { Tag::Array }, n as u64);
    }
    fn verbatim(&mut self, format: &str, text: &[u8]) {
        if self.resp3 {
            self.tag(Tag::Verbatim);
            self.bulk(format.as_bytes());
        }
        self.bulk(text);
    }
}

/// Reads a tape from its beginning. Owns nothing.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn number(&mut self) -> u64 {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else { return 0 };
        self.rest = rest;
        u64::from_ne_bytes(*bytes)
    }

    fn text(&mut self) -> &'a [u8] {
        let length = self.number() as usize;
        let (text, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        text
    }

    /// The next part; null behind the last one.
    pub(super) fn next(&mut self) -> Item<'a> {
        let Some((tag, rest)) = self.rest.split_first() else { return Item::Null };
        self.rest = rest;
        match *tag {
            tag if tag == Tag::Int as u8 => Item::Int(self.number() as i64),
            tag if tag == Tag::Double as u8 => Item::Double(f64::from_bits(self.number())),
            tag if tag == Tag::False as u8 => Item::Bool(false),
            tag if tag == Tag::True as u8 => Item::Bool(true),
            tag if tag == Tag::Bulk as u8 => Item::Bulk(self.text()),
            tag if tag == Tag::Simple as u8 => Item::Simple(self.text()),
            tag if tag == Tag::Error as u8 => Item::Error(self.text()),
            tag if tag == Tag::Array as u8 => Item::Array(self.number() as usize),
            tag if tag == Tag::Map as u8 => Item::Map(self.number() as usize),
            tag if tag == Tag::Set as u8 => Item::Set(self.number() as usize),
            tag if tag == Tag::Verbatim as u8 => Item::Verbatim,
            _ => Item::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(tape: &Tape, n: usize) -> Vec<Item<'_>> {
        let mut reader = tape.reader();
        let items = (0..n).map(|_| reader.next()).collect();
        assert!(reader.rest.is_empty());
        items
    }

    fn write(tape: &mut Tape, resp3: bool) {
        tape.begin(resp3);
        assert!(tape.is_empty());
        tape.array(5);
        tape.map(1);
        tape.simple("k");
        tape.double(1.5);
        tape.set(1);
        tape.bool(true);
        tape.verbatim("txt", b"text");
        tape.int(-1);
        tape.null();
    }

    #[test]
    fn what_is_written_is_read_in_the_shape_asked_for() {
        let mut tape = Tape::new();
        write(&mut tape, false);
        let (array, simple, bulk) =
            (Item::Array(5), Item::Simple(b"k"), |s: &'static str| Item::Bulk(s.as_bytes()));
        let two = [
            array,
            Item::Array(2),
            simple,
            bulk("1.5"),
            Item::Array(1),
            Item::Int(1),
            bulk("text"),
            Item::Int(-1),
        ];
        assert_eq!(items(&tape, 9), [&two[..], &[Item::Null]].concat());
        write(&mut tape, true);
        let three =
            [array, Item::Map(1), simple, Item::Double(1.5), Item::Set(1), Item::Bool(true), Item::Verbatim];
        let rest = [bulk("txt"), bulk("text"), Item::Int(-1), Item::Null];
        assert_eq!(items(&tape, 11), [&three[..], &rest].concat());
        assert_eq!(Tape::new().reader().next(), Item::Null);
    }
}
