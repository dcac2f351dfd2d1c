use crate::Store;
use crate::command::testing::Bench;
use crate::reply::Reply;

fn bench() -> Bench {
    Bench::new(&[("enable-debug-command", "yes")])
}

#[test]
fn values_show_their_inside() {
    let mut bench = bench();
    for n in 0..300 {
        bench.run(&format!("RPUSH l {}", "x".repeat(100)));
        bench.run(&format!("SADD s member{n}"));
    }
    bench.expect(&[
        ("RPUSH small a 12", "2"),
        ("SET k value", "OK"),
        ("SET n 12", "OK"),
        ("DEBUG LISTPACK small", "12 bytes, 2 entries\n0: at 6, 1 bytes \"a\"\n1: at 9, integer 12\n"),
        ("DEBUG LISTPACK l", "ERR Not a listpack encoded object."),
        ("DEBUG LISTPACK nokey", "ERR no such key"),
        ("DEBUG QUICKLIST small", "ERR Not a quicklist encoded object."),
        ("DEBUG SDSLEN n", "ERR Not an sds encoded string."),
        ("DEBUG HTSTATS 16", "ERR Out of range database"),
        ("DEBUG HTSTATS x", "ERR value is not an integer or out of range"),
        (
            "DEBUG HTSTATS-KEY k",
            "ERR The value stored at the specified key is not represented using an hash table",
        ),
        ("DEBUG STRINGMATCH-LEN h?llo hello", "1"),
        ("DEBUG STRINGMATCH-LEN h?llo Hello", "0"),
    ]);
    let list = bench.run("DEBUG OBJECT l");
    assert!(list.contains(" encoding:quicklist serializedlength:") && list.contains(" ql_nodes:"), "{list}");
    assert!(!bench.run("DEBUG OBJECT l fast").contains("serializedlength"));
    let nodes = bench.run("DEBUG QUICKLIST l 1");
    assert!(nodes.starts_with("300 elements in ") && nodes.contains("node 0: packed, "), "{nodes}");
    assert!(bench.run("DEBUG SDSLEN k").starts_with("key_sds_len:1, key_sds_avail:0, key_zmalloc: "));
    let stats = bench.run("DEBUG HTSTATS 0");
    assert!(stats.contains(" number of elements: 5\n[Expires HT]\n number of elements: 0"), "{stats}");
    let stats = bench.run("DEBUG HTSTATS-KEY s full");
    assert!(
        stats.contains(" number of elements: 300\n") && stats.contains("Chain length distribution"),
        "{stats}"
    );
}

#[test]
fn large_elements_have_nodes_of_their_own_from_the_threshold_on() {
    let mut bench = bench();
    bench.expect(&[
        ("CONFIG SET list-max-listpack-size 2", "OK"),
        ("RPUSH l a b c", "3"),
        ("DEBUG QUICKLIST-PACKED-THRESHOLD 5b", "OK"),
        ("RPUSH l 12345 d e", "6"),
        ("LSET l 0 67890", "OK"),
    ]);
    let nodes = bench.run("DEBUG QUICKLIST l");
    assert_eq!(nodes.matches("plain").count(), 2, "{nodes}");
    bench.expect(&[
        ("LRANGE l 0 -1", "[67890 b c 12345 d e]"),
        ("DEBUG QUICKLIST-PACKED-THRESHOLD 0", "OK"),
        ("RPUSH l 12345", "7"),
        (
            "DEBUG QUICKLIST-PACKED-THRESHOLD 4gb",
            "ERR argument must be a memory value bigger than 1 and smaller than 4gb",
        ),
    ]);
    assert_eq!(bench.run("DEBUG QUICKLIST l").matches("plain").count(), 2);
}

#[test]
fn checksums_are_looked_at_unless_told_otherwise() {
    let store = Store::memory_with(&[("enable-debug-command", "yes")]).unwrap();
    let mut client = store.client();
    client.execute(&["SET", "k", "v"]).unwrap();
    let Reply::Bulk(mut payload) = client.execute(&["DUMP", "k"]).unwrap() else { panic!("a payload") };
    *payload.last_mut().unwrap() ^= 1;
    let mut restore = || {
        let argv: [&[u8]; 4] = [b"RESTORE", b"copy", b"0", &payload];
        let reply = client.execute(&argv);
        client.execute(&["DEL", "copy"]).unwrap();
        reply
    };
    assert!(restore().unwrap_err().message().contains("checksum"));
    store.client().execute(&["DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "1"]).unwrap();
    assert_eq!(restore().unwrap(), Reply::Simple("OK".into()));
    store.client().execute(&["DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "0"]).unwrap();
    assert!(restore().is_err());
}

#[test]
fn populate_is_logged_and_overwrites_nothing() {
    let mut bench = bench();
    bench.expect(&[
        ("SET key:1 mine", "OK"),
        ("DEBUG POPULATE 3", "OK"),
        ("MGET key:0 key:1 key:2", "[value:0 mine value:2]"),
        ("DEBUG POPULATE 1 p 3", "OK"),
        ("GET p:0", "val"),
        ("DEBUG POPULATE x", "ERR value is out of range, must be positive"),
        ("DBSIZE", "4"),
    ]);
    assert_eq!(
        bench.logged(),
        ["SET key:1 mine", "SET key:0 value:0 NX", "SET key:2 value:2 NX", "SET p:0 val NX"]
    );
}

#[test]
fn what_makes_no_sense_says_why() {
    let mut bench = bench();
    bench.expect(&[
        (
            "DEBUG SEGFAULT",
            "ERR DEBUG SEGFAULT has no meaning here: it would take the host process down, or its memory",
        ),
        ("DEBUG change-repl-id", "ERR DEBUG CHANGE-REPL-ID has no meaning here: there are no replicas"),
        (
            "DEBUG SET-DISABLE-DENY-SCRIPTS 1",
            "ERR DEBUG SET-DISABLE-DENY-SCRIPTS has no meaning here: what scripts are denied would wait for what they hold",
        ),
        ("DEBUG JMAP", "ERR unknown subcommand or wrong number of arguments for 'JMAP'. Try DEBUG HELP."),
        ("DEBUG ERROR MYERR", "MYERR"),
        ("DEBUG PROTOCOL bignum", "1234567999999999999999999999999999999"),
    ]);
}
