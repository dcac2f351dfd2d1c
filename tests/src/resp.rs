//! A minimal blocking RESP client over a unix socket: enough to judge by, RESP2 and RESP3, with pipelining.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::Reply;

/// Replies nested deeper than this are refused.
const MAX_DEPTH: usize = 64;

/// How long a reply may take before the connection is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection to a server.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<UnixStream>,
    pending: Vec<u8>,
}

impl Connection {
    /// Connects to a unix socket.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { reader: BufReader::with_capacity(1 << 16, stream), pending: Vec::new() })
    }

    /// Sends one command and waits for its reply.
    pub fn call(&mut self, argv: &[Vec<u8>]) -> io::Result<Reply> {
        self.queue(argv);
        self.flush()?;
        self.read_reply()
    }

    /// Sends many commands at once and collects their replies.
    pub fn pipeline(&mut self, commands: &[Vec<Vec<u8>>]) -> io::Result<Vec<Reply>> {
        let mut replies = Vec::with_capacity(commands.len());
        // In bounded portions, so that neither side waits for the other with both socket buffers full.
        for portion in commands.chunks(64) {
            for argv in portion {
                self.queue(argv);
            }
            self.flush()?;
            for _ in portion {
                replies.push(self.read_reply()?);
            }
        }
        Ok(replies)
    }

    /// Sends one command whose reply is read later.
    pub fn send(&mut self, argv: &[Vec<u8>]) -> io::Result<()> {
        self.queue(argv);
        self.flush()
    }

    /// Whether something has come; waits for it a few milliseconds at most.
    pub fn is_ready(&mut self) -> io::Result<bool> {
        if !self.reader.buffer().is_empty() {
            return Ok(true);
        }
        self.reader.get_ref().set_read_timeout(Some(Duration::from_millis(2)))?;
        let found = match self.reader.fill_buf() {
            Ok([]) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(true),
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Ok(false),
            Err(e) => Err(e),
        };
        self.reader.get_ref().set_read_timeout(Some(PATIENCE))?;
        found
    }

    fn queue(&mut self, argv: &[Vec<u8>]) {
        encode_command(&mut self.pending, argv);
    }

    fn flush(&mut self) -> io::Result<()> {
        let sent = self.reader.get_mut().write_all(&self.pending);
        self.pending.clear();
        sent
    }

    /// Reads one reply (also: a push message that came by itself).
    pub fn read_reply(&mut self) -> io::Result<Reply> {
        read_reply(&mut self.reader, 0)
    }
}

/// Appends a command in the form clients send it.
pub fn encode_command(out: &mut Vec<u8>, argv: &[Vec<u8>]) {
    out.extend_from_slice(format!("*{}\r\n", argv.len()).as_bytes());
    for arg in argv {
        out.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
}

/// Reads one reply from any stream.
pub fn read_reply(from: &mut impl BufRead, depth: usize) -> io::Result<Reply> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    if depth > MAX_DEPTH {
        return Err(bad("reply nested too deeply"));
    }
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') || line.pop() != Some(b'\r') {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "connection closed in a reply"));
    }
    let (kind, rest) = line.split_first().ok_or_else(|| bad("empty reply line"))?;
    let number = || std::str::from_utf8(rest).ok().and_then(|s| s.parse::<i64>().ok());
    let length = || number().ok_or_else(|| bad("reply length is no number"));
    Ok(match kind {
        b'+' => Reply::Status(rest.to_vec()),
        b'-' => Reply::Error(rest.to_vec()),
        b':' => Reply::Int(number().ok_or_else(|| bad("integer reply is no number"))?),
        b',' => Reply::Double(rest.to_vec()),
        b'(' => Reply::BigNumber(rest.to_vec()),
        b'_' => Reply::Nil,
        b'#' => Reply::Bool(rest == b"t"),
        b'$' | b'=' | b'!' => {
            let Ok(len) = usize::try_from(length()?) else { return Ok(Reply::Nil) };
            let mut body = vec![0; len + 2];
            from.read_exact(&mut body)?;
            body.truncate(len);
            match kind {
                b'=' => Reply::Bulk(body.get(4..).unwrap_or_default().to_vec()),
                b'!' => Reply::Error(body),
                _ => Reply::Bulk(body),
            }
        }
        b'*' | b'~' | b'>' => {
            let Ok(len) = usize::try_from(length()?) else { return Ok(Reply::Nil) };
            let mut items = Vec::new();
            for _ in 0..len {
                items.push(read_reply(from, depth + 1)?);
            }
            match kind {
                b'*' => Reply::Array(items),
                b'~' => Reply::Set(items),
                _ => Reply::Push(items),
            }
        }
        b'%' => {
            let mut pairs = Vec::new();
            for _ in 0..length()? {
                pairs.push((read_reply(from, depth + 1)?, read_reply(from, depth + 1)?));
            }
            Reply::Map(pairs)
        }
        _ => return Err(bad(&format!("unknown reply kind {:?}", *kind as char))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> io::Result<Reply> {
        read_reply(&mut &bytes[..], 0)
    }

    #[test]
    fn reads_every_kind() {
        let bulk = |s: &str| Reply::Bulk(s.as_bytes().to_vec());
        assert_eq!(read(b"+OK\r\n").unwrap(), Reply::Status(b"OK".to_vec()));
        assert_eq!(read(b"$3\r\na\r\n\r\n").unwrap(), bulk("a\r\n"));
        assert_eq!(read(b"*2\r\n:1\r\n$-1\r\n").unwrap(), Reply::Array(vec![Reply::Int(1), Reply::Nil]));
        assert_eq!(
            read(b"%1\r\n$1\r\nk\r\n#t\r\n").unwrap(),
            Reply::Map(vec![(bulk("k"), Reply::Bool(true))])
        );
        assert_eq!(read(b"=7\r\ntxt:abc\r\n").unwrap(), bulk("abc"));
        assert!(read(b"$3\r\nab").is_err());
        assert!(read(b"?\r\n").is_err());
    }
}
