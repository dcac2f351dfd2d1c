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
