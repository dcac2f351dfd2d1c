//! What a script costs beside the calls it makes: the same work by a script and by plain calls, in turns.

use std::time::{Duration, Instant};

use persistkv::{Client, Store};

const ROUNDS: usize = 5;

/// The same work twice; how many calls of commands it is.
struct Case {
    name: &'static str,
    script: &'static str,
    keys: &'static [&'static str],
    args: &'static [&'static str],
    plain: &'static [&'static [&'static str]],
    calls: u32,
}

const CASES: &[Case] = &[
    Case { name: "return 1", script: "return 1", keys: &[], args: &[], plain: &[&["PING"]], calls: 1 },
    Case {
        name: "GET",
        script: "return redis.call('get', KEYS[1])",
        keys: &["string"],
        args: &[],
        plain: &[&["GET", "string"]],
        calls: 1,
    },
    Case {
        name: "1,000 times GET",
        script: "for i = 1, 1000 do redis.call('get', KEYS[1]) end",
        keys: &["string"],
        args: &[],
        plain: &[&["GET", "string"]],
        calls: 1000,
    },
    Case {
        name: "1,000 times INCR",
        script: "for i = 1, 1000 do redis.call('incr', KEYS[1]) end",
        keys: &["count"],
        args: &[],
        plain: &[&["INCR", "count"]],
        calls: 1000,
    },
    Case {
        name: "a limit of a rate: INCR, EXPIRE",
        script: "local n = redis.call('incr', KEYS[1]) redis.call('expire', KEYS[1], ARGV[1]) \
                 if n > tonumber(ARGV[2]) then return 0 end return 1",
        keys: &["rate"],
        args: &["60", "100"],
        plain: &[&["INCR", "rate"], &["EXPIRE", "rate", "60"]],
        calls: 1,
    },
    Case {
        name: "a job put into a queue and taken: 10 calls",
        script: "local id = redis.call('incr', KEYS[1]) local key = KEYS[2] .. id \
                 redis.call('hset', key, 'name', ARGV[1], 'data', ARGV[2], 'opts', ARGV[3]) \
                 redis.call('lpush', KEYS[3], id) redis.call('zadd', KEYS[4], id, id) \
                 redis.call('hget', key, 'data') redis.call('lrange', KEYS[3], 0, 1) \
                 redis.call('rpop', KEYS[3]) redis.call('zrem', KEYS[4], id) \
                 redis.call('hincrby', key, 'attempts', 1) redis.call('del', key) return id",
        keys: &["id", "job:", "wait", "due"],
        args: &["mail", "{\"to\":\"somebody\"}", "{\"attempts\":3}"],
        plain: &[
            &["INCR", "id"],
            &["HSET", "job:7", "name", "mail", "data", "{\"to\":\"somebody\"}", "opts", "{\"attempts\":3}"],
            &["LPUSH", "wait", "7"],
            &["ZADD", "due", "7", "7"],
            &["HGET", "job:7", "data"],
            &["LRANGE", "wait", "0", "1"],
            &["RPOP", "wait"],
            &["ZREM", "due", "7"],
            &["HINCRBY", "job:7", "attempts", "1"],
            &["DEL", "job:7"],
        ],
        calls: 1,
    },
];

fn time(times: u32, mut work: impl FnMut()) -> Duration {
    let began = Instant::now();
    (0..times).for_each(|_| work());
    began.elapsed() / times
}

fn run_all(client: &mut Client, calls: &[&[&str]]) {
    for call in calls {
        client.execute(call).expect("the call is sound");
    }
}

fn micros(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    (times[0].as_secs_f64() * 1e6, times[times.len() / 2].as_secs_f64() * 1e6)
}

/// Each case by EVAL, by EVALSHA and by plain calls.
pub(crate) fn run(scaled: &dyn Fn(usize) -> usize) {
    let store = Store::memory().expect("a store in memory opens");
    let mut client = store.client();
    client.execute(&["SET", "string", "a value of some length"]).expect("it sets");
    println!("scripts: microseconds a call, median of {ROUNDS} rounds (the best one)");
    println!("{:45} {:>15} {:>15} {:>15} {:>7}", "", "EVAL", "EVALSHA", "plain", "ratio");
    for case in CASES {
        let mut eval = vec!["EVAL", case.script];
        let number = case.keys.len().to_string();
        eval.push(&number);
        eval.extend(case.keys.iter().chain(case.args));
        let persistkv::Reply::Bulk(sha) = client.execute(&["SCRIPT", "LOAD", case.script]).expect("it loads")
        else {
            return;
        };
        let sha = String::from_utf8_lossy(&sha).into_owned();
        let mut by_sha = eval.clone();
        (by_sha[0], by_sha[1]) = ("EVALSHA", &sha);
        let times = scaled(200_000) as u32;
        let runs = (times / case.calls).max(1);
        let (mut by_text, mut by_name, mut plain) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            by_text.push(time(runs, || run_all(&mut client, &[&eval])) / case.calls);
            by_name.push(time(runs, || run_all(&mut client, &[&by_sha])) / case.calls);
            plain.push(time(times, || run_all(&mut client, case.plain)));
        }
        let (text, name, plain) = (micros(by_text), micros(by_name), micros(plain));
        let shown = |(best, median): (f64, f64)| format!("{median:.2} ({best:.2})");
        let ratio = name.1 / plain.1;
        println!(
            "{:45} {:>15} {:>15} {:>15} {ratio:>7.2}",
            case.name,
            shown(text),
            shown(name),
            shown(plain)
        );
    }
}
