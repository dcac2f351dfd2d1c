//! Where to listen: `unix:/path`, `tcp:host:port`, or `host:port`.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use persistkv::{Error, ErrorKind, Result};

/// An address to listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// An address and a port; port 0 takes any that is free.
    Tcp(SocketAddr),
}

impl Address {
    /// Reads `unix:/path`, `/path`, `tcp:127.0.0.1:6379`, `[::1]:6379`, `localhost:6379`.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = |why: &str| {
            let text = format!(
                "address '{text}': {why}; addresses are unix:/path, tcp:127.0.0.1:6379 or 127.0.0.1:6379"
            );
            Error::new(ErrorKind::Argument, text)
        };
        let path = text.strip_prefix("unix:").or_else(|| text.starts_with('/').then_some(text));
        if let Some(path) = path {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.contains('\0') {
                return Err(bad("there is no path"));
            }
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        let place = text.strip_prefix("tcp:").unwrap_or(text);
        let place = place.strip_prefix("//").unwrap_or(place);
        let (host, port) = place.rsplit_once(':').ok_or_else(|| bad("there is no port"))?;
        let port: u16 = port.parse().map_err(|_| bad("the port is no number up to 65535"))?;
        Self::of_host(host, port).map_err(|why| bad(&why))
    }

    /// The address of a host's name or number; `*` and nothing are all addresses of version 4.
    pub fn of_host(host: &str, port: u16) -> std::result::Result<Self, String> {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let host = match host {
            "" | "*" => "0.0.0.0",
            "::*" => "::",
            host => host,
        };
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(Self::Tcp(SocketAddr::new(ip, port)));
        }
        let mut found = (host, port).to_socket_addrs().map_err(|e| format!("'{host}' is unknown ({e})"))?;
        found.next().map(Self::Tcp).ok_or_else(|| format!("'{host}' is unknown"))
    }

    /// Whether only this machine can reach it.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp(address) => address.ip().is_loopback(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let shown = |text: &str| Address::parse(text).unwrap().to_string();
        assert_eq!(shown("unix:/tmp/x"), "unix:/tmp/x");
        assert_eq!(shown("unix:x"), "unix:x");
        assert_eq!(shown("/tmp/x"), "unix:/tmp/x");
        assert_eq!(shown("tcp:127.0.0.1:6379"), "tcp:127.0.0.1:6379");
        assert_eq!(shown("127.0.0.1:0"), "tcp:127.0.0.1:0");
        assert_eq!(shown("[::1]:1"), "tcp:[::1]:1");
        assert_eq!(shown("tcp:*:7"), "tcp:0.0.0.0:7");
        assert!(Address::parse("localhost:1").unwrap().is_local());
        assert!(!Address::parse("*:1").unwrap().is_local());
        for bad in ["", "unix:", "tcp:", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "no such host:1"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
