//! Sockets: a stream of either kind, and listening ones, of which a unix socket has a file to look after.

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use persistkv::{Error, ErrorKind};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixSocket, UnixStream};

use crate::address::Address;

/// A connection.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

macro_rules! each {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Stream::Tcp($stream) => $call,
            Stream::Unix($stream) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write(cx, buf))
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_flush(cx))
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}

impl Stream {
    pub(crate) fn fd(&self) -> i32 {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
        }
    }

    /// The peer's and our own address, and whether the peer is on this machine.
    pub(crate) fn addresses(&self, listener: &Address) -> (String, String, bool) {
        match self {
            Self::Tcp(stream) => {
                let peer = stream.peer_addr();
                let is_near = peer.as_ref().is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
                let shown = |address: io::Result<std::net::SocketAddr>| {
                    address.map_or_else(|_| "?:0".to_owned(), |address| address.to_string())
                };
                (shown(peer), shown(stream.local_addr()), is_near)
            }
            Self::Unix(_) => {
                let Address::Unix(path) = listener else { return ("?:0".into(), "?:0".into(), true) };
                let shown = format!("{}:0", path.display());
                (shown.clone(), shown, true)
            }
        }
    }

    /// Small replies go out at once, and a silent peer is asked whether it is there.
    pub(crate) fn set_options(&self, keepalive_seconds: u64) {
        let Self::Tcp(stream) = self else { return };
        let _ = stream.set_nodelay(true);
        if keepalive_seconds > 0 {
            // As Redis: three probes within as long again.
            let every = Duration::from_secs((keepalive_seconds / 3).max(1));
            let options = TcpKeepalive::new()
                .with_time(Duration::from_secs(keepalive_seconds))
                .with_interval(every)
                .with_retries(3);
            let _ = SockRef::from(stream).set_tcp_keepalive(&options);
        }
    }
}

/// A listening socket.
pub(crate) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, #[allow(dead_code)] SocketFile),
}

/// Why nobody can listen at an address.
pub(crate) struct Failure(io::Error);

impl Failure {
    /// Whether this machine has no such address.
    pub(crate) fn is_missing(&self) -> bool {
        const NO_SUCH_FAMILY: i32 = 97;
        self.0.kind() == io::ErrorKind::AddrNotAvailable || self.0.raw_os_error() == Some(NO_SUCH_FAMILY)
    }

    pub(crate) fn into_error(self, address: &Address) -> Error {
        Error::new(ErrorKind::Io, format!("listening at {address}: {}", self.0))
    }
}

/// The file of a unix socket; it goes away with its listener, unless somebody put another one there.
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|data| (data.dev(), data.ino()))
}

impl Socket {
    /// Binds; must be called within the runtime.
    pub(crate) fn bind(address: &Address, backlog: u32, mode: u32) -> std::result::Result<Self, Failure> {
        let failed = Failure;
        match address {
            Address::Tcp(at) => {
                let socket = if at.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
                let socket = socket.map_err(failed)?;
                socket.set_reuseaddr(true).map_err(failed)?;
                if at.is_ipv6() {
                    // Its own address, not that of version 4 as well: as Redis.
                    SockRef::from(&socket).set_only_v6(true).map_err(failed)?;
                }
                socket.bind(*at).map_err(failed)?;
                socket.listen(backlog).map(Self::Tcp).map_err(failed)
            }
            Address::Unix(path) => {
                remove_leftover(path).map_err(failed)?;
                let socket = UnixSocket::new_stream().map_err(failed)?;
                socket.bind(path).map_err(failed)?;
                let file = SocketFile { path: path.clone(), inode: inode(path).map_err(failed)? };
                if mode > 0 {
                    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).map_err(failed)?;
                }
                Ok(Self::Unix(socket.listen(backlog).map_err(failed)?, file))
            }
        }
    }

    /// Where it really listens: the system may have chosen the port.
    pub(crate) fn address(&self, asked: &Address) -> Address {
        match self {
            Self::Tcp(listener) => listener.local_addr().map_or_else(|_| asked.clone(), Address::Tcp),
            Self::Unix(..) => asked.clone(),
        }
    }

    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, _)| Stream::Tcp(stream)),
            Self::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
        }
    }
}

/// A socket whose process is gone is in nobody's use; one that answers is.
fn remove_leftover(path: &Path) -> io::Result<()> {
    let Ok(data) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !data.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is no socket is there"));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens there")),
        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        // Its queue is full, or it may not be used by us: somebody is there.
        Err(e) => Err(e),
    }
}
