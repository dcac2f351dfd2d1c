//! HyperLogLogs are the same bytes here and on servers, from the first element to the dense form, and count the same.

use persistkv_tests::engine::Engine;
use persistkv_tests::{Endpoint, skip_unless_server};

/// With the usual limit of the sparse form, and with others.
fn follow(server: &mut dyn Endpoint) {
    for sparse_max in ["3000", "0", "40", "500", "20000"] {
        grow(server, sparse_max);
    }
}

/// Adds elements in groups of growing size, and after each compares strings and counts.
fn grow(server: &mut dyn Endpoint, sparse_max: &str) {
    let mut engine = Engine::memory();
    let mut same = |words: &str| {
        let (ours, theirs) = (engine.line(words), server.line(words));
        assert!(ours == theirs, "{words:.80}: {ours:.200} and {theirs:.200}");
    };
    same("FLUSHALL");
    same(&format!("CONFIG SET hll-sparse-max-bytes {sparse_max}"));
    let mut next = 0u64;
    for round in 0..120 {
        let words: Vec<String> = (0..1 + round * round / 40)
            .map(|_| {
                next += 1;
                // Lengths around the eight bytes that the hash takes at a time.
                format!("{}{next:x}", &"abcdefghijklmnopq"[..(next % 17) as usize])
            })
            .collect();
        let key = ["h", "i"][round % 2];
        same(&format!("PFADD {key} {}", words.join(" ")));
        same(&format!("GET {key}"));
        if round % 3 == 0 {
            same(&format!("PFCOUNT {key}"));
            same("PFCOUNT h i");
            same(&format!("GET {key}"));
        }
        if round % 10 == 9 {
            same("PFMERGE m h i");
            same("GET m");
            same("PFMERGE i m");
            same("PFCOUNT m i");
        }
    }
    same("PFDEBUG ENCODING h");
    if sparse_max != "20000" {
        assert_eq!(engine.line("PFDEBUG ENCODING h").to_string(), "+dense");
    }
}

#[test]
fn bytes_are_the_same_as_on_redis_7() {
    follow(&mut skip_unless_server!("r70").connect());
}

#[test]
fn bytes_are_the_same_as_on_redis_8() {
    follow(&mut skip_unless_server!("r82").connect());
}

#[test]
fn bytes_are_the_same_as_on_valkey_8() {
    follow(&mut skip_unless_server!("v81").connect());
}

#[test]
fn bytes_are_the_same_as_on_valkey_9() {
    follow(&mut skip_unless_server!("v91").connect());
}
