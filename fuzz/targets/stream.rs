//! A stream's value as a snapshot or a RESTORE payload holds it, in each of its three forms (types 15, 19 and 21; the
//! first byte chooses): refused, or a stream that every command can work on, and that is dumped and restored as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use persistkv::encoding::crc64;
use persistkv::{Client, Reply, Store};

const FORMS: [u8; 3] = [15, 19, 21];

fn run(client: &mut Client, argv: &[&[u8]]) -> Reply {
    client.execute(argv).unwrap_or_else(|error| Reply::Error(error.message().to_owned()))
}

fn line(client: &mut Client, words: &str) -> Reply {
    let argv: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
    run(client, &argv)
}

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else { return };
    let mut payload = vec![FORMS[usize::from(*first) % FORMS.len()]];
    payload.extend_from_slice(body);
    payload.extend_from_slice(&11u16.to_le_bytes());
    payload.extend_from_slice(&crc64::update(0, &payload).to_le_bytes());
    let store = Store::memory().expect("a store in memory needs nothing");
    let mut client = store.client();
    if matches!(run(&mut client, &[b"RESTORE", b"k", b"0", &payload]), Reply::Error(_)) {
        return;
    }
    let Reply::Bulk(dump) = line(&mut client, "DUMP k") else { panic!("a stream can be dumped") };
    let restored = run(&mut client, &[b"RESTORE", b"copy", b"0", &dump]);
    assert_eq!(restored, Reply::Simple("OK".into()), "what was dumped can be restored");
    for question in ["XLEN", "XRANGE", "XREVRANGE", "XINFO STREAM", "XINFO GROUPS"] {
        let behind = match question {
            "XRANGE" => " - +",
            "XREVRANGE" => " + -",
            _ => "",
        };
        let [ours, theirs] = ["k", "copy"].map(|key| line(&mut client, &format!("{question} {key}{behind}")));
        assert_eq!(ours, theirs, "{question}");
    }
    let groups = match line(&mut client, "XINFO GROUPS k") {
        Reply::Array(groups) => groups,
        other => panic!("{other:?}"),
    };
    for group in groups.iter().take(4) {
        let Reply::Array(fields) = group else { continue };
        let Some(Reply::Bulk(name)) = fields.get(1) else { continue };
        run(&mut client, &[b"XPENDING", b"k", name, b"-", b"+", b"10"]);
        run(&mut client, &[b"XAUTOCLAIM", b"k", name, b"me", b"0", b"0"]);
        run(&mut client, &[b"XREADGROUP", b"GROUP", name, b"me", b"COUNT", b"5", b"STREAMS", b"k", b">"]);
        run(&mut client, &[b"XGROUP", b"DELCONSUMER", b"k", name, b"me"]);
    }
    for words in [
        "XINFO STREAM k FULL",
        "XADD k MAXLEN ~ 3 * f v",
        "XDEL k 0-1",
        "XTRIM k MAXLEN 1",
        "XADD k MINID 5 * f v",
        "XSETID k 18446744073709551615-18446744073709551615",
        "COPY k other",
        "DEL k copy other",
    ] {
        line(&mut client, words);
    }
});
