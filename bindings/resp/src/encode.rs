//! Replies as bytes of the protocol.

use persistkv::encoding::num;
use persistkv::{Error, ReplySink};

/// A sink that writes what goes over the wire.
#[derive(Default)]
pub(crate) struct Encoder {
    pub(crate) bytes: Vec<u8>,
    resp3: bool,
}

impl Encoder {
    fn line(&mut self, sign: u8, n: i64) {
        self.bytes.push(sign);
        self.bytes.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
    }

    fn aggregate(&mut self, sign: u8, n: usize) {
        self.line(sign, i64::try_from(n).unwrap_or(i64::MAX));
    }

    /// Text on one line: what would end it becomes a blank.
    fn text(&mut self, sign: u8, text: &str) {
        self.bytes.push(sign);
        let plain = |byte: u8| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte };
        self.bytes.extend(text.bytes().map(plain));
        self.bytes.extend_from_slice(b"\r\n");
    }
}

impl ReplySink for Encoder {
    fn set_resp3(&mut self, on: bool) {
        self.resp3 = on;
    }
    fn resp3(&self) -> bool {
        self.resp3
    }
    fn null(&mut self) {
        self.bytes.extend_from_slice(if self.resp3 { b"_\r\n" } else { b"$-1\r\n" });
    }
    fn null_array(&mut self) {
        self.bytes.extend_from_slice(if self.resp3 { b"_\r\n" } else { b"*-1\r\n" });
    }
    fn int(&mut self, n: i64) {
        self.line(b':', n);
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.aggregate(b'$', bytes.len());
        self.bytes.extend_from_slice(bytes);
        self.bytes.extend_from_slice(b"\r\n");
    }
    fn simple(&mut self, text: &str) {
        self.text(b'+', text);
    }
    fn error(&mut self, error: &Error) {
        self.text(b'-', &error.reply_text());
    }
    fn double(&mut self, value: f64) {
        let text = num::fmt_f64(value);
        if self.resp3 {
            self.text(b',', text.as_str());
        } else {
            self.bulk(text.as_bytes());
        }
    }
    fn bool(&mut self, value: bool) {
        match (self.resp3, value) {
            (true, true) => self.bytes.extend_from_slice(b"#t\r\n"),
            (true, false) => self.bytes.extend_from_slice(b"#f\r\n"),
            (false, value) => self.int(i64::from(value)),
        }
    }
    fn array(&mut self, n: usize) {
        self.aggregate(b'*', n);
    }
    fn map(&mut self, n: usize) {
        if self.resp3 { self.aggregate(b'%', n) } else { self.aggregate(b'*', n * 2) }
    }
    fn set(&mut self, n: usize) {
        self.aggregate(if self.resp3 { b'~' } else { b'*' }, n);
    }
    fn push(&mut self, n: usize) {
        self.aggregate(if self.resp3 { b'>' } else { b'*' }, n);
    }
    fn verbatim(&mut self, format: &str, text: &[u8]) {
        if !self.resp3 {
            return self.bulk(text);
        }
        self.aggregate(b'=', text.len() + 4);
        self.bytes.extend_from_slice(format.as_bytes());
        self.bytes.push(b':');
        self.bytes.extend_from_slice(text);
        self.bytes.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything(resp3: bool) -> String {
        let mut out = Encoder::default();
        out.set_resp3(resp3);
        out.array(9);
        out.null();
        out.null_array();
        out.int(-5);
        out.bulk(b"a\r\nb");
        out.simple("OK");
        out.error(&Error::command("ERR two\r\nlines"));
        out.double(1.5);
        out.bool(true);
        out.map(1);
        out.set(0);
        out.verbatim("txt", b"x");
        String::from_utf8(out.bytes).unwrap()
    }

    #[test]
    fn each_shape_in_both_protocols() {
        assert_eq!(
            everything(false),
            "*9\r\n$-1\r\n*-1\r\n:-5\r\n$4\r\na\r\nb\r\n+OK\r\n-ERR two  lines\r\n$3\r\n1.5\r\n:1\r\n*2\r\n*0\r\n$1\r\nx\r\n"
        );
        assert_eq!(
            everything(true),
            "*9\r\n_\r\n_\r\n:-5\r\n$4\r\na\r\nb\r\n+OK\r\n-ERR two  lines\r\n,1.5\r\n#t\r\n%1\r\n~0\r\n=5\r\ntxt:x\r\n"
        );
    }
}
