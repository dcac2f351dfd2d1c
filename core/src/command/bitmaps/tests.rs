use crate::command::testing::Bench;

const WRONG: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const OFFSET: &str = "ERR bit offset is not an integer or out of range";
const SYNTAX: &str = "ERR syntax error";

#[test]
fn single_bits() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("SETBIT k 7 1", "0"),
        ("GET k", "\u{1}"),
        ("SETBIT k 7 1", "1"),
        ("GETBIT k 7", "1"),
        ("GETBIT k 4294967295", "0"),
        ("GETBIT k 4294967296", OFFSET),
        ("SETBIT k 4294967296 1", OFFSET),
        ("SETBIT k -1 1", OFFSET),
        ("SETBIT k #1 1", OFFSET),
        ("SETBIT k x 2", OFFSET),
        ("SETBIT k 0 2", "ERR bit is not an integer or out of range"),
        ("SET n 12", "OK"),
        ("GETBIT n 2", "1"),
        ("SETBIT n 0 0", "0"),
        ("RPUSH l a", "1"),
        ("SETBIT l 0 1", WRONG),
        ("GETBIT l 0", WRONG),
        ("BITCOUNT l", WRONG),
        ("BITPOS l 1", WRONG),
        ("BITOP OR d k l", WRONG),
        ("BITFIELD l GET u8 0", WRONG),
        ("BITFIELD l SET u8 0 1", WRONG),
    ]);
    assert_eq!(bench.encoding("n"), "raw");
    assert_eq!(bench.logged(), ["SETBIT k 7 1", "SET n 12", "RPUSH l a"]);
}

#[test]
fn a_bit_far_out_is_there_and_counted() {
    let mut bench = Bench::new(&[("proto-max-bulk-len", "64mb")]);
    bench.expect(&[
        ("SETBIT k 536870911 1", "0"),
        ("STRLEN k", "67108864"),
        ("SETBIT k 536870912 1", OFFSET),
        ("BITCOUNT k", "1"),
        ("BITPOS k 1", "536870911"),
        ("BITOP NOT k k", "67108864"),
        ("BITCOUNT k", "536870911"),
        ("BITPOS k 0", "536870911"),
        ("BITFIELD k SET u8 536870911 255", "[0]"),
        ("STRLEN k", "67108865"),
        ("BITFIELD k GET u63 #8000000000", OFFSET),
    ]);
    assert!(bench.lock("k").counted_memory_is_right().unwrap_or(false));
}

#[test]
fn ranges() {
    let mut bench = Bench::new(&[]);
    bench.argv(&[b"SET", b"k", b"\xff\xf0\x00"]);
    bench.expect(&[
        ("BITCOUNT k", "12"),
        ("BITCOUNT k 0 0", "8"),
        ("BITCOUNT k 1", SYNTAX),
        ("BITCOUNT k -2 -1", "4"),
        ("BITCOUNT k -1 -2", "0"),
        ("BITCOUNT k -100 -200", "0"),
        ("BITCOUNT k -200 -100", "8"),
        ("BITCOUNT k 5 11 BIT", "7"),
        ("BITCOUNT k 5 -12 bit", "7"),
        ("BITCOUNT k 9223372036854775807 -9223372036854775808", "0"),
        ("BITCOUNT k -9223372036854775808 9223372036854775807 BIT", "12"),
        ("BITCOUNT nope 0 -1", "0"),
        ("BITCOUNT k 0 1 BYTES", SYNTAX),
        ("BITCOUNT k 0 1 BIT BIT", SYNTAX),
        ("BITCOUNT k 0 x y", "ERR value is not an integer or out of range"),
        ("BITPOS k 0", "12"),
        ("BITPOS k 1 1", "8"),
        ("BITPOS k 1 2", "-1"),
        ("BITPOS k 0 0 0", "-1"),
        ("BITPOS k 0 3", "-1"),
        ("BITPOS k 0 7 15 BIT", "12"),
        ("BITPOS k 0 7 11 BIT", "-1"),
        ("BITPOS k 1 -14 -1 BIT", "10"),
        ("BITPOS k 2", "ERR The bit argument must be 1 or 0."),
        ("BITPOS k 0 0 x BITS", SYNTAX),
        ("BITPOS nope 0", "0"),
        ("BITPOS nope 1 0 -1", "-1"),
        ("SET e \"\"", "OK"),
        ("BITPOS e 0", "-1"),
        ("BITCOUNT e 0 -1", "0"),
    ]);
    bench.argv(&[b"SET", b"k", b"\xff\xff"]);
    bench.expect(&[("BITPOS k 0", "16"), ("BITPOS k 0 1", "16"), ("BITPOS k 0 1 -1", "-1")]);
}

#[test]
fn operations_between_strings() {
    let mut bench = Bench::new(&[]);
    bench.argv(&[b"SET", b"a", b"\x0f\x0f"]);
    bench.argv(&[b"SET", b"b", b"\x33"]);
    bench.argv(&[b"SET", b"c", b"\x55\x01\x01"]);
    bench.argv(&[b"SET", b"n", b"1"]);
    bench.run("PEXPIRE d 100000");
    let mut check = |line: &str, wanted: &[u8]| {
        assert_eq!(bench.run(line), wanted.len().to_string(), "{line}");
        let target = line.split(' ').nth(2).unwrap_or_default();
        let guard = bench.lock(target);
        let found = guard.string(0, target.as_bytes()).and_then(Result::ok).map(|text| text.to_vec());
        assert_eq!(found.as_deref(), (!wanted.is_empty()).then_some(wanted), "{line}");
        assert_eq!(guard.encoding(0, target.as_bytes()), (!wanted.is_empty()).then_some("raw"), "{line}");
    };
    check("BITOP AND d a b c", b"\x01\x00\x00");
    check("BITOP OR d a b c", b"\x7f\x0f\x01");
    check("BITOP XOR d a b c", b"\x69\x0e\x01");
    check("BITOP NOT d b", b"\xcc");
    check("BITOP DIFF d c a b", b"\x40\x00\x01");
    check("BITOP DIFF1 d c a b", b"\x2a\x0e\x00");
    check("BITOP ANDOR d c a b", b"\x15\x01\x00");
    check("BITOP ONE d a b c", b"\x68\x0e\x01");
    check("BITOP ONE d a nope", b"\x0f\x0f");
    check("BITOP OR d n", b"1");
    check("BITOP AND d nope", b"");
    bench.expect(&[
        ("BITOP NOT d a b", "ERR BITOP NOT must be called with a single source key."),
        ("BITOP diff1 d a", "ERR BITOP DIFF1 must be called with at least two source keys."),
        ("BITOP NAND d a", SYNTAX),
    ]);
}

#[test]
fn new_operations_are_logged_as_their_outcome() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[("SET a aaa", ""), ("SET b b", ""), ("BITOP ONE d a b", "3"), ("BITOP DIFF d x y", "0")]);
    bench.expect(&[("BITOP OR d a b", "3"), ("BITOP OR d x y", "0"), ("BITOP OR d x y", "0")]);
    assert_eq!(
        bench.logged()[2..],
        ["DEL d", "SETRANGE d 0 \u{3}aa", "DEL d", "BITOP OR d a b", "BITOP OR d x y"]
    );
}

#[test]
fn fields() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[
        ("BITFIELD k", "[]"),
        ("BITFIELD k GET u8 0", "[0]"),
        ("EXISTS k", "0"),
        ("BITFIELD k SET u8 #0 255 GET u4 0 GET i4 4", "[0 15 -1]"),
        ("BITFIELD k INCRBY u2 0 1 OVERFLOW SAT INCRBY u2 2 1 INCRBY i3 4 -9", "[0 3 -4]"),
        ("BITFIELD k OVERFLOW FAIL INCRBY u2 2 1 SET u2 0 4 SET u2 0 -1 SET i2 0 1", "[nil nil nil 0]"),
        ("BITFIELD k OVERFLOW SAT SET u8 0 -1 GET u8 0", "[121 255]"),
        (
            "BITFIELD k SET i64 0 -9223372036854775808 INCRBY i64 0 -1",
            "[-72057594037927936 9223372036854775807]",
        ),
        ("BITFIELD k OVERFLOW SAT INCRBY i64 0 9223372036854775807", "[9223372036854775807]"),
        ("BITFIELD k SET u63 0 9223372036854775807 INCRBY u63 0 1", "[4611686018427387903 0]"),
        ("BITFIELD_RO k GET u8 0 GET i8 1000", "[0 0]"),
        (
            "BITFIELD f OVERFLOW SAT SET i8 0 -9223372036854775680 SET i8 0 -9223372036854775681 GET i8 0",
            "[0 -128 127]",
        ),
        ("BITFIELD f OVERFLOW SAT INCRBY i8 0 -9223372036854775808", "[-128]"),
        ("BITFIELD_RO k GET u8 0 SET u8 0 1", "ERR BITFIELD_RO only supports the GET subcommand"),
        ("BITFIELD k GET u8", SYNTAX),
        ("BITFIELD k OVERFLOW up", "ERR Invalid OVERFLOW type specified"),
        ("BITFIELD k GET u8 #-1", OFFSET),
        ("BITFIELD k GET u8 #9223372036854775807", OFFSET),
        ("BITFIELD k SET u8 0 x", "ERR value is not an integer or out of range"),
    ]);
    for name in ["u64", "i65", "u0", "i0", "x8", "u", "8", "u08"] {
        let reply = bench.run(&format!("BITFIELD k GET {name} 0"));
        assert!(reply.starts_with("ERR Invalid bitfield type."), "{name}: {reply}");
    }
}

#[test]
fn what_only_grew_is_logged() {
    let mut bench = Bench::new(&[]);
    bench.expect(&[("BITFIELD k OVERFLOW FAIL SET u2 100 9", "[nil]"), ("STRLEN k", "13")]);
    assert_eq!(bench.logged(), ["BITFIELD k OVERFLOW FAIL SET u2 100 9"]);
    bench.expect(&[("BITFIELD k OVERFLOW FAIL SET u2 100 9 GET u1 0", "[nil 0]")]);
    assert!(bench.logged().is_empty());
}
