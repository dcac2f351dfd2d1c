//! A connection to a running server: commands out, replies in, RESP2 and RESP3.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use persistkv::resp::encode_command;
use persistkv::{Error, Reply, Result};

/// Replies nested deeper than this are refused.
const DEPTH_MAX: usize = 64;
/// More is not allocated ahead of what has arrived.
const AHEAD_MAX: usize = 64 * 1024;
/// Longest line.
const LINE_MAX: u64 = 64 * 1024;

/// Where a server is.
#[derive(Clone)]
pub(super) enum Place {
    Unix(PathBuf),
    Tcp(String, u16),
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buf),
            Self::Tcp(stream) => stream.read(buf),
        }
    }
}

impl Stream {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.write_all(bytes),
            Self::Tcp(stream) => stream.write_all(bytes),
        }
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.set_read_timeout(timeout),
            Self::Tcp(stream) => stream.set_read_timeout(timeout),
        }
    }
}

/// See the module.
pub(super) struct Remote {
    reader: BufReader<Stream>,
}

fn lost(error: &io::Error) -> Error {
    Error::new(persistkv::ErrorKind::Io, format!("the connection to the server is lost: {error}"))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("the server's answer is no reply: {what}"))
}

impl Remote {
    pub(super) fn connect(place: &Place) -> Result<Self> {
        let connected = match place {
            Place::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
            Place::Tcp(host, port) => TcpStream::connect((host.as_str(), *port)).map(Stream::Tcp),
        };
        let shown = match place {
            Place::Unix(path) => path.display().to_string(),
            Place::Tcp(host, port) => format!("{host}:{port}"),
        };
        let failed = |e| Error::new(persistkv::ErrorKind::Io, format!("Could not connect to {shown}: {e}"));
        Ok(Self { reader: BufReader::new(connected.map_err(failed)?) })
    }

    /// Sends a command and reads its reply; an error reply is a reply.
    pub(super) fn call<A: AsRef<[u8]>>(&mut self, argv: &[A]) -> Result<Reply> {
        self.send(argv)?;
        self.read(0).map_err(|e| lost(&e))
    }

    /// Sends a command.
    pub(super) fn send<A: AsRef<[u8]>>(&mut self, argv: &[A]) -> Result<()> {
        let mut bytes = Vec::new();
        encode_command(&mut bytes, argv);
        self.reader.get_mut().write_all(&bytes).map_err(|e| lost(&e))
    }

    /// Whether the other side has closed, as far as can be seen without asking it.
    pub(super) fn is_gone(&mut self) -> bool {
        self.reader.buffer().is_empty() && self.waits(Duration::from_millis(1)).is_err()
    }

    /// The next message, if one comes within that time.
    pub(super) fn next(&mut self, most: Duration) -> Result<Option<Reply>> {
        if !self.waits(most)? {
            return Ok(None);
        }
        self.read(0).map(Some).map_err(|e| lost(&e))
    }

    /// Whether something has come within that time.
    fn waits(&mut self, most: Duration) -> Result<bool> {
        self.reader.get_ref().set_read_timeout(Some(most)).map_err(|e| lost(&e))?;
        let there = match self.reader.fill_buf() {
            Ok(bytes) if !bytes.is_empty() => Ok(true),
            Ok(_) => Err(ErrorKind::UnexpectedEof.into()),
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                Ok(false)
            }
            Err(e) => Err(e),
        };
        self.reader.get_ref().set_read_timeout(None).map_err(|e| lost(&e))?;
        there.map_err(|e| lost(&e))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)?;
        match line.strip_suffix(b"\r\n") {
            Some(text) => Ok(String::from_utf8_lossy(text).into_owned()),
            None if line.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
            None => Err(broken("a line without an end")),
        }
    }

    fn bytes(&mut self, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(len.min(AHEAD_MAX));
        self.reader.by_ref().take(len as u64).read_to_end(&mut bytes)?;
        let mut end = [0; 2];
        self.reader.read_exact(&mut end)?;
        if bytes.len() == len && end == *b"\r\n" { Ok(bytes) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }

    fn parts(&mut self, count: usize, depth: usize) -> io::Result<Vec<Reply>> {
        if depth >= DEPTH_MAX {
            return Err(broken("it is nested too deep"));
        }
        let mut parts = Vec::with_capacity(count.min(1024));
        for _ in 0..count {
            parts.push(self.read(depth + 1)?);
        }
        Ok(parts)
    }

    fn read(&mut self, depth: usize) -> io::Result<Reply> {
        let line = self.line()?;
        let mut rest = line.chars();
        let sign = rest.next().ok_or_else(|| broken("an empty line"))?;
        let rest = rest.as_str();
        let number = || rest.parse::<i64>().map_err(|_| broken(&line));
        // Of what has a length; a negative one is nothing.
        let count = || number().map(|n| usize::try_from(n).ok());
        Ok(match sign {
            '+' => Reply::Simple(rest.to_owned().into()),
            '-' => Reply::Error(rest.to_owned()),
            '(' => Reply::Simple(rest.to_owned().into()),
            ':' => Reply::Int(number()?),
            ',' => Reply::Double(rest.parse().map_err(|_| broken(&line))?),
            '#' => Reply::Bool(rest == "t"),
            '_' => Reply::Null,
            '$' => match count()? {
                Some(len) => Reply::Bulk(self.bytes(len)?),
                None => Reply::Null,
            },
            '!' => match count()? {
                Some(len) => Reply::Error(String::from_utf8_lossy(&self.bytes(len)?).into_owned()),
                None => Reply::Null,
            },
            '=' => {
                let bytes = self.bytes(count()?.unwrap_or(0))?;
                let text = bytes.get(4..).unwrap_or_default().to_vec();
                Reply::Verbatim("txt".to_owned(), text)
            }
            '*' | '>' => match count()? {
                Some(count) => Reply::Array(self.parts(count, depth)?),
                None => Reply::Null,
            },
            '~' => Reply::Set(self.parts(count()?.unwrap_or(0), depth)?),
            '%' => {
                let count = count()?.unwrap_or(0).checked_mul(2).ok_or_else(|| broken(&line))?;
                let mut parts = self.parts(count, depth)?.into_iter();
                let mut pairs = Vec::new();
                while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
                    pairs.push((key, value));
                }
                Reply::Map(pairs)
            }
            '|' => {
                let count = count()?.unwrap_or(0).checked_mul(2).ok_or_else(|| broken(&line))?;
                self.parts(count, depth)?;
                return self.read(depth);
            }
            _ => return Err(broken(&line)),
        })
    }
}
