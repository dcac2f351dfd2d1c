//! The signature of a data set, as DEBUG DIGEST of a real server computes it: two data sets with the same signature
//! are the same, wherever they are.
//!
//! A key is the SHA-1 of its parts mixed one after the other, or XORed where the type has no order; all keys of all
//! databases are XORed.

use sha1::{Digest as _, Sha1};

use crate::encoding::listpack::LpValue;
use crate::encoding::num::{self, NumBuf};
use crate::keyspace::{Guard, StrRef};
use crate::value::Value;

/// Redis's numbers for the types.
mod kind {
    pub(super) const STRING: u32 = 0;
    pub(super) const LIST: u32 = 1;
    pub(super) const SET: u32 = 2;
    pub(super) const ZSET: u32 = 3;
    pub(super) const HASH: u32 = 4;
    pub(super) const MODULE: u32 = 5;
    pub(super) const STREAM: u32 = 6;
}

/// A signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signature([u8; 20]);

impl Signature {
    /// XORs the hash of some bytes into it: the order does not count.
    fn add(&mut self, bytes: &[u8]) {
        for (mine, other) in self.0.iter_mut().zip(Sha1::digest(bytes)) {
            *mine ^= other;
        }
    }

    /// Mixes some bytes in: the order counts.
    fn mix(&mut self, bytes: &[u8]) {
        self.add(bytes);
        self.0 = Sha1::digest(self.0).into();
    }

    fn mix_value(&mut self, value: LpValue<'_>) {
        self.mix(value.as_bytes(&mut NumBuf::new()));
    }

    /// 40 hexadecimal digits.
    pub(super) fn text(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A key's value and whether it expires; nothing when there is no such key.
    pub(super) fn add_value(&mut self, guard: &Guard<'_>, db: usize, key: &[u8]) {
        let Some(expiry) = guard.expiry(db, key) else { return };
        match guard.string(db, key) {
            Some(Ok(StrRef::Int(n))) => self.mix_string(num::fmt_i64(n).as_bytes()),
            Some(Ok(StrRef::Bytes(bytes))) => self.mix_string(bytes),
            _ => {
                if let Some(Some(value)) = guard.value(db, key) {
                    self.mix_aggregate(value);
                }
            }
        }
        if expiry.is_some() {
            self.add(b"!!expire!!");
        }
    }

    fn mix_string(&mut self, bytes: &[u8]) {
        self.mix(&kind::STRING.to_be_bytes());
        self.mix(bytes);
    }

    fn mix_aggregate(&mut self, value: &Value) {
        let mut buf = NumBuf::new();
        match value {
            Value::Str(bytes) => self.mix_string(bytes),
            Value::List(list) => {
                self.mix(&kind::LIST.to_be_bytes());
                list.iter().for_each(|element| self.mix_value(element));
            }
            Value::Set(set) => {
                self.mix(&kind::SET.to_be_bytes());
                set.iter().for_each(|member| self.add(member.as_bytes(&mut buf)));
            }
            Value::ZSet(zset) => {
                self.mix(&kind::ZSET.to_be_bytes());
                for (member, score) in zset.iter() {
                    let mut one = Signature::default();
                    one.mix_value(member);
                    one.mix(num::fmt_f64_digits(score).as_bytes());
                    self.add(&one.0);
                }
            }
            Value::Hash(hash) => {
                self.mix(&kind::HASH.to_be_bytes());
                for (field, value, expiry) in hash.iter() {
                    let mut one = Signature::default();
                    one.mix_value(field);
                    one.mix_value(value);
                    if expiry.is_some() {
                        one.add(b"!!hexpire!!");
                    }
                    self.add(&one.0);
                }
            }
            Value::Stream(stream) => {
                self.mix(&kind::STREAM.to_be_bytes());
                for entry in stream.iter() {
                    self.mix(format!("{}.{}", entry.id.ms, entry.id.seq).as_bytes());
                    for (field, value) in entry.pairs() {
                        self.mix_value(field);
                        self.mix_value(value);
                    }
                }
            }
            // What a module would mix in, only the module knows.
            Value::Module(_) => self.mix(&kind::MODULE.to_be_bytes()),
        }
    }
}

/// The signature of everything; all shards are locked.
pub(super) fn of_everything(guard: &Guard<'_>) -> Signature {
    let mut all = Signature::default();
    for db in 0..guard.keyspace().databases() {
        if guard.len(db) == 0 {
            continue;
        }
        all.mix(&(db as u32).to_be_bytes());
        guard.for_each(db, |entry| {
            let mut one = Signature::default();
            one.mix(entry.key());
            one.add_value(guard, db, entry.key());
            all.add(&one.0);
        });
    }
    all
}
