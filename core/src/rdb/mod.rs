//! Snapshots in Redis's own RDB format: a writer, a streaming reader and a checker.
//!
//! ```text
//! REDIS 4 digits | VALKEY 3 digits
//! ( AUX | MODULE_AUX | FUNCTION2 )*
//! ( SELECTDB | RESIZEDB | SLOT_INFO | ( [EXPIRETIME_MS] [IDLE|FREQ] type key value ) )*
//! FF  crc64 (8 bytes, little-endian; version 5 and later)
//! ```
//!
//! [`Writer`] is a [`Sink`](crate::value::saved::Sink): a cut hands it the data set key by key, and it streams into any
//! [`std::io::Write`]. [`load`] streams from any [`std::io::BufRead`] and hands each key, checked in full and in its
//! in-memory form, to a [`Loader`]. [`check`](check::check) reads a file with the same code and only counts.
//! [`dump_payload`] and [`restore_payload`] are DUMP and RESTORE, which wrap one value in the same encoding.
//!
//! The reader trusts nothing: lengths are believed only as far as bytes arrive, every compact container is checked to
//! the last byte, and what a sound server could not have written is refused, as Valkey 9.1 refuses it. Knows the
//! values and the encodings; no commands and no keyspace.

pub mod check;
mod encode;
mod fault;
mod input;
mod load;
mod module;
mod object;
mod out;
mod payload;
mod stream;
mod writer;

pub use load::{
    Checksum, Family, Format, LoadOptions, LoadReport, LoadedKey, LoadedValue, Loader, Problem, Refused,
    Verdict, load,
};
pub use module::ModuleAux;
pub use payload::{
    dump_functions, dump_payload, dump_value, restore_checking, restore_functions, restore_payload,
};
pub use writer::{Clock, Level, Meaning, WriteOptions, Writer, Written};

#[cfg(test)]
mod tests;

/// The newest version of Redis's numbering that the reader knows.
pub const REDIS_VERSION: u16 = 12;
/// The version of Valkey's own numbering that the reader knows.
pub const VALKEY_VERSION: u16 = 80;

/// The byte before a key that tells the type and form of its value.
mod kind {
    pub(super) const STRING: u8 = 0;
    pub(super) const LIST: u8 = 1;
    pub(super) const SET: u8 = 2;
    pub(super) const ZSET: u8 = 3;
    pub(super) const HASH: u8 = 4;
    pub(super) const ZSET_2: u8 = 5;
    pub(super) const MODULE_PRE_GA: u8 = 6;
    pub(super) const MODULE_2: u8 = 7;
    pub(super) const HASH_ZIPMAP: u8 = 9;
    pub(super) const LIST_ZIPLIST: u8 = 10;
    pub(super) const SET_INTSET: u8 = 11;
    pub(super) const ZSET_ZIPLIST: u8 = 12;
    pub(super) const HASH_ZIPLIST: u8 = 13;
    pub(super) const LIST_QUICKLIST: u8 = 14;
    pub(super) const STREAM: u8 = 15;
    pub(super) const HASH_LISTPACK: u8 = 16;
    pub(super) const ZSET_LISTPACK: u8 = 17;
    pub(super) const LIST_QUICKLIST_2: u8 = 18;
    pub(super) const STREAM_2: u8 = 19;
    pub(super) const SET_LISTPACK: u8 = 20;
    pub(super) const STREAM_3: u8 = 21;
    /// Redis 7.4 release candidates: a hash with expiring fields. Valkey 9: the same idea in another form.
    pub(super) const HASH_TTL_22: u8 = 22;
    /// Redis 7.4 release candidates only.
    pub(super) const HASH_LISTPACK_TTL_PRE_GA: u8 = 23;
    pub(super) const HASH_TTL: u8 = 24;
    pub(super) const HASH_LISTPACK_TTL: u8 = 25;
}

/// The bytes that stand where a value's type could stand and mean something else.
mod opcode {
    /// Valkey 9; Redis 8.6 means something else by it.
    pub(super) const SLOT_IMPORT: u8 = 243;
    pub(super) const SLOT_INFO: u8 = 244;
    pub(super) const FUNCTION_2: u8 = 245;
    pub(super) const FUNCTION_PRE_GA: u8 = 246;
    pub(super) const MODULE_AUX: u8 = 247;
    pub(super) const IDLE: u8 = 248;
    pub(super) const FREQ: u8 = 249;
    pub(super) const AUX: u8 = 250;
    pub(super) const RESIZE_DB: u8 = 251;
    pub(super) const EXPIRE_MS: u8 = 252;
    pub(super) const EXPIRE: u8 = 253;
    pub(super) const SELECT_DB: u8 = 254;
    pub(super) const EOF: u8 = 255;
}

/// First bytes of lengths and of specially encoded strings.
mod lead {
    pub(super) const LEN_32: u8 = 0x80;
    pub(super) const LEN_64: u8 = 0x81;
    pub(super) const INT_8: u8 = 0xC0;
    pub(super) const INT_16: u8 = 0xC1;
    pub(super) const INT_32: u8 = 0xC2;
    pub(super) const LZF: u8 = 0xC3;
}

/// In a quicklist: the string is one element, or it is a listpack of them.
mod container {
    pub(super) const PLAIN: u64 = 1;
    pub(super) const PACKED: u64 = 2;
}
