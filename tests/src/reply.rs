//! A reply as it came over the wire, RESP2 or RESP3, kept close to the bytes so that two endpoints can be compared.

use std::fmt;

use crate::text::quote;

/// One reply. Doubles keep their text, since the text is part of what is compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reply {
    /// `+OK`
    Status(Vec<u8>),
    /// `-ERR …`, the whole text without the dash.
    Error(Vec<u8>),
    /// `:1`
    Int(i64),
    /// `$3` and, in RESP3, verbatim strings.
    Bulk(Vec<u8>),
    /// `$-1`, `*-1` or `_`.
    Nil,
    /// `*2`
    Array(Vec<Reply>),
    /// `%2`
    Map(Vec<(Reply, Reply)>),
    /// `~2`
    Set(Vec<Reply>),
    /// `>2`
    Push(Vec<Reply>),
    /// `,3.5`
    Double(Vec<u8>),
    /// `#t`
    Bool(bool),
    /// `(123…`
    BigNumber(Vec<u8>),
}

impl Reply {
    /// The bytes of a string-like reply.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Status(b) | Self::Bulk(b) | Self::Double(b) | Self::BigNumber(b) => Some(b),
            _ => None,
        }
    }

    /// The elements of an array, set or push.
    pub fn items(&self) -> Option<&[Self]> {
        match self {
            Self::Array(v) | Self::Set(v) | Self::Push(v) => Some(v),
            _ => None,
        }
    }

    /// The elements as strings; `None` when it is no array of strings.
    pub fn strings(&self) -> Option<Vec<Vec<u8>>> {
        self.items()?.iter().map(|r| r.bytes().map(<[u8]>::to_vec)).collect()
    }

    /// Pairs of a map, or of an array taken two by two.
    pub fn pairs(&self) -> Option<Vec<(Self, Self)>> {
        match self {
            Self::Map(v) => Some(v.clone()),
            Self::Array(v) if v.len().is_multiple_of(2) => {
                Some(v.chunks_exact(2).map(|c| (c[0].clone(), c[1].clone())).collect())
            }
            _ => None,
        }
    }

    /// The value beside `name` in a map-like reply.
    pub fn field(&self, name: &str) -> Option<Self> {
        self.pairs()?.into_iter().find(|(k, _)| k.bytes() == Some(name.as_bytes())).map(|(_, v)| v)
    }

    /// The number of an integer reply.
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// Is it an error?
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, open: &str, items: &[Self], close: &str| {
            f.write_str(open)?;
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    f.write_str(", ")?;
                }
                write!(f, "{item}")?;
            }
            f.write_str(close)
        };
        match self {
            Self::Status(b) => write!(f, "+{}", String::from_utf8_lossy(b)),
            Self::Error(b) => write!(f, "-{}", String::from_utf8_lossy(b)),
            Self::Int(n) => write!(f, ":{n}"),
            Self::Bulk(b) => f.write_str(&quote(b)),
            Self::Nil => f.write_str("(nil)"),
            Self::Array(v) => list(f, "[", v, "]"),
            Self::Set(v) => list(f, "~{", v, "}"),
            Self::Push(v) => list(f, ">[", v, "]"),
            Self::Map(v) => {
                f.write_str("{")?;
                for (i, (k, x)) in v.iter().enumerate() {
                    write!(f, "{}{k}: {x}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
            Self::Double(b) => write!(f, ",{}", String::from_utf8_lossy(b)),
            Self::Bool(b) => write!(f, "#{b}"),
            Self::BigNumber(b) => write!(f, "({}", String::from_utf8_lossy(b)),
        }
    }
}
