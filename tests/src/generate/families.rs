//! The families: which tables are drawn from together.

use super::rows::*;
use super::scenes::{SCENE_ACTING_ROWS, SCENE_CACHING_ROWS, SCENE_WAITING_ROWS};
use super::scripts::{FUNCTION_ROWS, SCRIPT_ROWS};
use super::words::Words;
use crate::text::unhex;

/// Commands that are drawn together.
#[derive(Debug)]
pub struct Family {
    /// Its name, as in the tests' names.
    pub name: &'static str,
    /// Its tables.
    pub tables: &'static [Table],
}

/// Weighted rows.
pub type Table = &'static [(u32, &'static str)];

/// Every family.
pub const ALL: &[&Family] = &[
    &STRINGS,
    &KEYS,
    &LISTS,
    &SETS,
    &HASHES,
    &SORTED_SETS,
    &SERVER,
    &ACCESS,
    &TRANSACTIONS,
    &FIELD_EXPIRY,
    &PUBSUB,
    &SORTING,
    &VALKEY,
    &BITMAPS,
    &HYPERLOGLOGS,
    &GEO,
    &STREAMS,
    &STREAM_REFERENCES,
    &BLOCKING,
    &SCRIPTING,
    &FUNCTIONS,
];

/// Strings and numbers in them.
pub const STRINGS: Family = Family { name: "strings", tables: &[STRING_ROWS, TOUCHES] };
/// What works on keys of any type.
pub const KEYS: Family = Family { name: "keys", tables: &[KEY_ROWS, SOME_OF_EVERYTHING] };
/// Lists.
pub const LISTS: Family = Family { name: "lists", tables: &[LIST_ROWS, TOUCHES] };
/// Sets.
pub const SETS: Family = Family { name: "sets", tables: &[SET_ROWS, TOUCHES] };
/// Hashes, without the expiry of fields.
pub const HASHES: Family = Family { name: "hashes", tables: &[HASH_ROWS, TOUCHES] };
/// Sorted sets.
pub const SORTED_SETS: Family = Family { name: "sorted_sets", tables: &[ZSET_ROWS, TOUCHES] };
/// Connection, introspection, configuration.
pub const SERVER: Family = Family { name: "server", tables: &[SERVER_ROWS, SOME_OF_EVERYTHING] };
/// How often keys are used, and what is refused when memory is full.
pub const ACCESS: Family = Family { name: "access", tables: &[ACCESS_ROWS] };
/// Transactions over everything.
pub const TRANSACTIONS: Family = Family {
    name: "transactions",
    tables: &[
        TRANSACTION_ROWS,
        SOME_OF_EVERYTHING,
        SOME_OF_EVERYTHING,
        STRING_ROWS,
        LIST_ROWS,
        HASH_ROWS,
        SET_ROWS,
        ZSET_ROWS,
    ],
};
/// Bits in strings.
pub const BITMAPS: Family = Family { name: "bitmaps", tables: &[BITMAP_ROWS, TOUCHES] };
/// HyperLogLogs.
pub const HYPERLOGLOGS: Family = Family { name: "hyperloglogs", tables: &[HYPERLOGLOG_ROWS, TOUCHES] };
/// Places.
pub const GEO: Family = Family { name: "geo", tables: &[GEO_ROWS, TOUCHES] };
/// Streams and their groups.
pub const STREAMS: Family = Family { name: "streams", tables: &[STREAM_ROWS, TOUCHES] };
/// Streams with a say on what groups know of deleted entries (Redis 8.2).
pub const STREAM_REFERENCES: Family = Family { name: "stream_references", tables: &[STREAM_REFERENCE_ROWS] };
/// Commands that may wait, met by data and inside of transactions.
pub const BLOCKING: Family = Family {
    name: "blocking",
    tables: &[BLOCKING_ROWS, SOME_OF_EVERYTHING, SOME_OF_EVERYTHING, TRANSACTION_ROWS],
};
/// Several clients: what those do who wait.
pub const SCENE_WAITING: Family =
    Family { name: "scene_waiting", tables: &[SCENE_WAITING_ROWS, SCENE_ACTING_ROWS] };
/// Several clients: what those do for whom others wait.
pub const SCENE_ACTING: Family = Family { name: "scene_acting", tables: &[SCENE_ACTING_ROWS] };
/// Several clients that cache what they read.
pub const SCENE_CACHING: Family = Family { name: "scene_caching", tables: &[SCENE_CACHING_ROWS] };
/// Publishing.
pub const PUBSUB: Family = Family { name: "pubsub", tables: &[PUBSUB_ROWS, TRANSACTION_ROWS] };
/// Scripts, and what they find.
pub const SCRIPTING: Family =
    Family { name: "scripting", tables: &[SCRIPT_ROWS, SCRIPT_ROWS, SOME_OF_EVERYTHING, TOUCHES] };
/// Functions.
pub const FUNCTIONS: Family = Family { name: "functions", tables: &[FUNCTION_ROWS, TOUCHES] };
/// SORT.
pub const SORTING: Family = Family { name: "sorting", tables: &[SORT_ROWS, FIELD_TOUCHES] };
/// What only Valkey has.
pub const VALKEY: Family = Family { name: "valkey", tables: &[VALKEY_ROWS, FIELD_TOUCHES] };
/// Expiry of hash fields (Redis 7.4 and later).
pub const FIELD_EXPIRY: Family =
    Family { name: "field_expiry", tables: &[FIELD_EXPIRY_ROWS, HASH_ROWS, FIELD_TOUCHES] };

/// What servers of version 6.2 and 7.0 answered to DUMP; all later ones restore it.
const PAYLOADS: &[&str] = &[
    "000568656c6c6f0900b3808eba31b243bb",
    "00c00c0900ecd8a99d0882df64",
    "00c290eefeff0900f8878fb7476d4bb1",
    "000f31323334353637383930313233343509007ad1814c98be0b87",
    "00c3094064017878e0570001787809008d45a7afef8e01ee",
    "0e01c3244063046300000019200314050000016103f202c0d4fe04040062696e0640466de03b00016dff0900c0517fce4e44a5a7",
    "0b1404000000030000000100000002000000701101000900552790ca0f9bb3e4",
    "0203c0010162016109009495a10ab6574dea",
    "0d151500000012000000040000016603017603f202f3ff09000293d93cf5ed8048",
    "04010166c3094041017676e034000176760900ed83ef9e6300acf4",
    "0c20200000001a000000060000016103f20201620303322e350501630303696e66ff09003ea8f03ae45b8807",
    "0502c3094041016d6de03400016d6d000000000000f03f01629a9999999999b93f09005b8a446fcebde271",
    "000568656c6c6f0a006372df766534200a",
    "00c00c0a003c2af8515c04bcd5",
    "00c290eefeff0a002875de7b13eb2800",
    "000f3132333435363738393031323334350a00aa23d080cc386836",
    "00c3094064017878e057000178780a005db7f663bb08625f",
    "120102c31e405e165e00000005008161020101ded402840062696e05e0466de03c000148ff0a00b88cc00f447ded80",
    "0b1404000000030000000100000002000000701101000a0085d5c1065b1dd055",
    "0203c001016201610a004467f0c6e2d12e5b",
    "101111000000040081660281760201010201ff0a001a4df2175e0bff9b",
    "04010166c3094041017676e034000176760a003d71be523786cf45",
    "111c1c0000000600816102010181620283322e350481630283696e6604ff0a006b1ddedce8e2c399",
    "0502c3094041016d6de03400016d6d000000000000f03f01629a9999999999b93f0a008b7815a39a3b81c0",
];

/// A payload for RESTORE: good, or damaged in its checksum, its version or its body.
pub(super) fn payload(words: &mut Words) -> Vec<u8> {
    let chosen = PAYLOADS[words.below_usize(PAYLOADS.len())];
    let Some(mut bytes) = unhex(chosen) else { panic!("a payload of the table is no hexadecimal: {chosen}") };
    match words.below(12) {
        0 => {
            let at = words.below_usize(bytes.len());
            bytes[at] ^= 1 << words.below(8);
        }
        1 => bytes.truncate(words.below_usize(bytes.len())),
        _ => {}
    }
    bytes
}
