//! From JSON to values.

use mlua::{Lua, Table, Value};

use super::{DEPTH_MAX, Options};
use crate::encoding::num::strtod;
use crate::script::function::{Args, Fault, Returned};

/// A piece of the text.
enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    Text(Vec<u8>),
    Number(f64),
    Bool(bool),
    Null,
    Colon,
    Comma,
    End,
    Bad(&'static str),
}

impl Token {
    fn name(&self) -> &'static str {
        match self {
            Token::ObjectBegin => "T_OBJ_BEGIN",
            Token::ObjectEnd => "T_OBJ_END",
            Token::ArrayBegin => "T_ARR_BEGIN",
            Token::ArrayEnd => "T_ARR_END",
            Token::Text(_) => "T_STRING",
            Token::Number(_) => "T_NUMBER",
            Token::Bool(_) => "T_BOOLEAN",
            Token::Null => "T_NULL",
            Token::Colon => "T_COLON",
            Token::Comma => "T_COMMA",
            Token::End => "T_END",
            Token::Bad(what) => what,
        }
    }
}

struct Parser<'a> {
    lua: &'a Lua,
    text: &'a [u8],
    at: usize,
    options: &'a Options,
}

/// An object or an array that is being read.
struct Open {
    table: Table,
    /// The key of the pair under way; `None` in an array.
    key: Option<Vec<u8>>,
    len: usize,
}

impl Open {
    fn add(&mut self, lua: &Lua, value: Value) -> mlua::Result<()> {
        self.len += 1;
        match &self.key {
            Some(key) => self.table.raw_set(lua.create_string(key)?, value),
            None => self.table.raw_set(self.len as f64, value),
        }
    }
}

pub(super) fn decode(args: &Args<'_>, options: &Options) -> Returned {
    let text = args.bytes(1)?;
    // A text is read as C reads it, which ends it with a zero byte.
    if text.len() >= 2 && (text[0] == 0 || text[1] == 0) {
        return Err("JSON parser does not support UTF-16 or UTF-32".into());
    }
    let mut parser = Parser { lua: args.lua, text: &text, at: 0, options };
    let (token, index) = parser.next();
    let value = parser.value(token, index)?;
    match parser.next() {
        (Token::End, _) => Ok(vec![value]),
        (token, index) => Err(unexpected("the end", &token, index)),
    }
}

fn unexpected(wanted: &str, token: &Token, index: usize) -> Fault {
    format!("Expected {wanted} but found {} at character {}", token.name(), index + 1).into()
}

impl Parser<'_> {
    /// The byte at a distance; 0 at the end.
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn starts_with(&self, word: &[u8]) -> bool {
        self.text[self.at..].starts_with(word)
    }

    fn next(&mut self) -> (Token, usize) {
        while matches!(self.peek(0), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        let index = self.at;
        let single = |token| (token, 1);
        let (token, len) = match self.peek(0) {
            b'{' => single(Token::ObjectBegin),
            b'}' => single(Token::ObjectEnd),
            b'[' => single(Token::ArrayBegin),
            b']' => single(Token::ArrayEnd),
            b':' => single(Token::Colon),
            b',' => single(Token::Comma),
            0 => (Token::End, 0),
            b'"' => {
                let token = self.text_token();
                // An error is told where it was found.
                let at = if matches!(token, Token::Bad(_)) { self.at } else { index };
                return (token, at);
            }
            b'-' | b'0'..=b'9' => {
                if !self.options.decode_invalid && self.is_odd_number() {
                    (Token::Bad("invalid number"), 0)
                } else {
                    self.number_token()
                }
            }
            _ if self.starts_with(b"true") => (Token::Bool(true), 4),
            _ if self.starts_with(b"false") => (Token::Bool(false), 5),
            _ if self.starts_with(b"null") => (Token::Null, 4),
            b'+' | b'I' | b'N' | b'i' | b'n' if self.options.decode_invalid && self.is_odd_number() => {
                self.number_token()
            }
            _ => (Token::Bad("invalid token"), 0),
        };
        self.at += len;
        (token, index)
    }

    /// Whether a number here is one that JSON does not have.
    fn is_odd_number(&self) -> bool {
        let mut rest = &self.text[self.at..];
        if rest.first() == Some(&b'+') {
            return true;
        }
        rest = rest.strip_prefix(b"-").unwrap_or(rest);
        let byte = |at: usize| rest.get(at).copied().unwrap_or(0);
        if byte(0) == b'0' {
            return byte(1) | 0x20 == b'x' || byte(1).is_ascii_digit();
        }
        if byte(0) <= b'9' {
            return false;
        }
        let word = rest.get(..3).unwrap_or_default().to_ascii_lowercase();
        word == b"inf" || word == b"nan"
    }

    fn number_token(&self) -> (Token, usize) {
        // `strtod` takes the longest beginning that is a number.
        match strtod(&self.text[self.at..]) {
            Some((n, len)) => (Token::Number(n), len),
            None => (Token::Bad("invalid number"), 0),
        }
    }

    fn text_token(&mut self) -> Token {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    return Token::Text(out);
                }
                0 => return Token::Bad("unexpected end of string"),
                b'\\' => {
                    let byte = match self.peek(1) {
                        b'u' => match self.unicode(&mut out) {
                            true => continue,
                            false => return Token::Bad("invalid unicode escape code"),
                        },
                        byte @ (b'"' | b'\\' | b'/') => byte,
                        b'b' => 8,
                        b't' => 9,
                        b'n' => 10,
                        b'f' => 12,
                        b'r' => 13,
                        _ => return Token::Bad("invalid escape code"),
                    };
                    out.push(byte);
                    self.at += 2;
                }
                byte => {
                    out.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    fn hex4(&self, ahead: usize) -> Option<u32> {
        (0..4).try_fold(0, |n, at| Some(n << 4 | char::from(self.peek(ahead + at)).to_digit(16)?))
    }

    /// `\uXXXX`, two of them for what needs a pair.
    fn unicode(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(mut code) = self.hex4(2) else { return false };
        let mut len = 6;
        if code & 0xF800 == 0xD800 {
            if code & 0x400 != 0 || self.peek(6) != b'\\' || self.peek(7) != b'u' {
                return false;
            }
            let Some(low) = self.hex4(8).filter(|low| low & 0xFC00 == 0xDC00) else { return false };
            code = 0x10000 + ((code & 0x3FF) << 10 | low & 0x3FF);
            len = 12;
        }
        let Some(c) = char::from_u32(code) else { return false };
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        self.at += len;
        true
    }

    fn open(&mut self, is_object: bool, open: &mut Vec<Open>) -> Result<(), Fault> {
        let depth = open.len() as i64 + 1;
        if depth > self.options.decode_depth.min(DEPTH_MAX) {
            let at = self.at;
            return Err(format!("Found too many nested data structures ({depth}) at character {at}").into());
        }
        let key = if is_object { Some(Vec::new()) } else { None };
        open.push(Open { table: self.lua.create_table()?, key, len: 0 });
        Ok(())
    }

    /// The key of an object's next pair, the colon behind it included.
    fn key(&mut self, token: Token, index: usize, open: &mut Open) -> Result<(), Fault> {
        let Token::Text(key) = token else {
            return Err(unexpected("object key string", &token, index));
        };
        match self.next() {
            (Token::Colon, _) => open.key = Some(key),
            (token, index) => return Err(unexpected("colon", &token, index)),
        }
        Ok(())
    }

    /// A value and all that is in it. Without recursion: how deep it goes is for the text to say.
    fn value(&mut self, token: Token, index: usize) -> Result<Value, Fault> {
        let mut open: Vec<Open> = Vec::new();
        let (mut token, mut index) = (token, index);
        loop {
            let mut done = match token {
                Token::Text(text) => Value::String(self.lua.create_string(text)?),
                Token::Number(n) => Value::Number(n),
                Token::Bool(on) => Value::Boolean(on),
                Token::Null => Value::NULL,
                Token::ObjectBegin | Token::ArrayBegin => {
                    let is_object = matches!(token, Token::ObjectBegin);
                    self.open(is_object, &mut open)?;
                    let Some(inner) = open.last_mut() else { continue };
                    (token, index) = self.next();
                    let is_empty = match token {
                        Token::ObjectEnd => is_object,
                        Token::ArrayEnd => !is_object,
                        _ => false,
                    };
                    if is_empty {
                        let table = inner.table.clone();
                        open.pop();
                        Value::Table(table)
                    } else {
                        if is_object {
                            self.key(token, index, inner)?;
                            (token, index) = self.next();
                        }
                        continue;
                    }
                }
                token => return Err(unexpected("value", &token, index)),
            };
            // What ends here goes into what is open, which may end with it.
            loop {
                let Some(inner) = open.last_mut() else { return Ok(done) };
                let is_object = inner.key.is_some();
                inner.add(self.lua, done)?;
                (token, index) = self.next();
                match (&token, is_object) {
                    (Token::Comma, _) => {
                        (token, index) = self.next();
                        if is_object {
                            self.key(token, index, inner)?;
                            (token, index) = self.next();
                        }
                        break;
                    }
                    (Token::ObjectEnd, true) | (Token::ArrayEnd, false) => {
                        done = Value::Table(inner.table.clone());
                        open.pop();
                    }
                    (token, true) => return Err(unexpected("comma or object end", token, index)),
                    (token, false) => return Err(unexpected("comma or array end", token, index)),
                }
            }
        }
    }
}
