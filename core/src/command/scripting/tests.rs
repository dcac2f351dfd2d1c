use crate::command::testing::Bench;

fn eval(bench: &mut Bench, script: &str, rest: &[&str]) -> String {
    let mut argv: Vec<&[u8]> = vec![b"EVAL", script.as_bytes()];
    argv.extend(rest.iter().map(|word| word.as_bytes()));
    bench.argv(&argv)
}

#[test]
fn a_script_reads_and_writes_and_its_effects_are_one_unit() {
    let mut bench = Bench::new(&[]);
    let script = "redis.call('set', KEYS[1], ARGV[1]) redis.call('rpush', KEYS[2], 'a', 'b') return redis.call('get', KEYS[1])";
    assert_eq!(eval(&mut bench, script, &["2", "k", "l", "v"]), "v");
    assert_eq!(bench.logged(), ["SET k v", "rpush l a b"].map(|s| s.replace("SET", "set")));
    assert_eq!(eval(&mut bench, "return redis.call('get', 'k')", &["0"]), "v");
    assert!(bench.logged().is_empty());
}

/// Only Valkey has it; the texts are those of Valkey 9.1.
#[test]
fn the_text_of_a_script_is_shown() {
    let mut bench = Bench::new(&[]);
    let sha = bench.argv(&[b"SCRIPT", b"LOAD", b"return 1"]);
    assert_eq!(bench.argv(&[b"SCRIPT", b"SHOW", sha.as_bytes()]), "return 1");
    assert_eq!(bench.run("SCRIPT SHOW abc"), "NOSCRIPT No matching script.");
}

/// Its payload names the version of whoever made it, so that no two servers' are alike.
#[test]
fn functions_are_dumped_and_restored() {
    let store = crate::Store::memory().expect("opens");
    let mut client = store.client();
    let library = "#!lua name=lib\nredis.register_function('f', function() return 'from f' end)";
    client.execute(&["FUNCTION", "LOAD", library]).expect("loads");
    let dump = client.execute(&["FUNCTION", "DUMP"]).expect("dumps");
    let crate::Reply::Bulk(payload) = dump else { panic!("no payload: {dump:?}") };
    client.execute(&["FUNCTION", "FLUSH"]).expect("flushes");
    assert!(client.execute(&["FCALL", "f", "0"]).is_err());
    let mut damaged = payload.clone();
    damaged[3] ^= 1;
    assert!(client.execute(&[&b"FUNCTION"[..], b"RESTORE", &damaged]).is_err());
    client.execute(&[&b"FUNCTION"[..], b"RESTORE", &payload]).expect("restores");
    assert_eq!(client.execute(&["FCALL", "f", "0"]).expect("runs"), crate::Reply::Bulk(b"from f".to_vec()));
    assert!(client.execute(&[&b"FUNCTION"[..], b"RESTORE", &payload]).is_err(), "it is there already");
}
