//! Sorted sets of tens of thousands of members against a real server: the tables of random commands only make small
//! ones, whose tree is a single leaf.

use persistkv_tests::engine::Engine;
use persistkv_tests::text::command_line;
use persistkv_tests::{Endpoint, Reply, skip_unless_server};

/// Members that may be there.
const MEMBERS: u32 = 30_000;

struct Pair<'a> {
    tag: &'a str,
    seed: u64,
    engine: Engine,
    server: &'a mut dyn Endpoint,
}

impl Pair<'_> {
    fn run(&mut self, argv: &[Vec<u8>]) -> Reply {
        let (ours, theirs) = (self.engine.command(argv), self.server.command(argv));
        let shown = || command_line(argv).chars().take(200).collect::<String>();
        assert!(ours == theirs, "{}, seed {}: {}\n{ours}\nnot\n{theirs}", self.tag, self.seed, shown());
        ours
    }

    fn words(&mut self, words: &[&str]) -> Reply {
        self.run(&words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>())
    }

    /// Adds `count` random members in one command.
    fn add(&mut self, rng: &mut fastrand::Rng, key: &str, count: usize, scores: u32) {
        let mut argv = vec![b"ZADD".to_vec(), key.as_bytes().to_vec()];
        for _ in 0..count {
            argv.push(score(rng, scores).into_bytes());
            argv.push(member(rng).into_bytes());
        }
        self.run(&argv);
    }
}

fn member(rng: &mut fastrand::Rng) -> String {
    format!("member:{}", rng.u32(0..MEMBERS))
}

/// One of `scores` different ones: with few of them the members decide the order.
fn score(rng: &mut fastrand::Rng, scores: u32) -> String {
    (f64::from(rng.u32(0..scores)) / 4.0).to_string()
}

fn step(pair: &mut Pair<'_>, rng: &mut fastrand::Rng, scores: u32) {
    let len = i64::from(MEMBERS);
    let (a, b) = (score(rng, scores), score(rng, scores));
    let (low, high) = (rng.i64(-len..len).to_string(), rng.i64(-len..len).to_string());
    let near = rng.i64(0..len);
    let (from, to) = (near.to_string(), (near + rng.i64(0..150)).to_string());
    let (one, other) = (member(rng), member(rng));
    let few = rng.u32(1..40).to_string();
    let offset = rng.u32(0..2_000).to_string();
    let (open, closed) = (format!("({a}"), format!("({b}"));
    let (lex_open, lex_closed) = (format!("({one}"), format!("[{other}"));
    match rng.u8(0..28) {
        0..4 => pair.add(rng, "z", 20, scores),
        4 => drop(pair.words(&["ZADD", "z", "GT", "CH", &a, &one, &b, &other])),
        5 | 6 => drop(pair.words(&["ZINCRBY", "z", "0.25", &one])),
        7 => drop(pair.words(&["ZINCRBY", "z", &format!("-{a}"), &one])),
        8 | 9 => drop(pair.words(&["ZREM", "z", &one, &other])),
        10 => drop(pair.words(&["ZREMRANGEBYRANK", "z", &from, &to])),
        11 if rng.u8(0..20) == 0 => drop(pair.words(&["ZREMRANGEBYSCORE", "z", &open, &b])),
        12 => drop(pair.words(&["ZPOPMIN", "z", &few])),
        13 => drop(pair.words(&["ZPOPMAX", "z", &few])),
        14 => drop(pair.words(&["ZRANK", "z", &one, "WITHSCORE"])),
        15 => drop(pair.words(&["ZREVRANK", "z", &one])),
        16 => drop(pair.words(&["ZRANGE", "z", &from, &to, "WITHSCORES"])),
        17 => drop(pair.words(&["ZREVRANGE", "z", &from, &to])),
        18 => drop(pair.words(&["ZCOUNT", "z", &open, &closed])),
        19 => drop(pair.words(&["ZCOUNT", "z", &a, &b])),
        20 => drop(pair.words(&["ZRANGEBYSCORE", "z", &a, "+inf", "LIMIT", &offset, &few])),
        21 => drop(pair.words(&[
            "ZREVRANGEBYSCORE",
            "z",
            &closed,
            "-inf",
            "WITHSCORES",
            "LIMIT",
            &offset,
            &few,
        ])),
        22 => drop(pair.words(&["ZLEXCOUNT", "lex", &lex_open, &lex_closed])),
        23 => drop(pair.words(&["ZRANGEBYLEX", "lex", &lex_closed, "+", "LIMIT", &offset, &few])),
        24 => drop(pair.words(&["ZREVRANGEBYLEX", "lex", &lex_open, "-", "LIMIT", &offset, &few])),
        25 => drop(pair.words(&["ZREM", "lex", &one])),
        26 => drop(pair.words(&["ZMSCORE", "z", &one, &other])),
        _ => drop(pair.words(&["ZRANGE", "z", &low, &high, "REV"])),
    }
}

fn agree(tag: &str, server: &mut dyn Endpoint, seed: u64) {
    server.line("FLUSHALL");
    let mut rng = fastrand::Rng::with_seed(seed);
    let scores = [40, 1_000_000][seed as usize % 2];
    let mut pair = Pair { tag, seed, engine: Engine::memory(), server };
    for _ in 0..20 {
        pair.add(&mut rng, "z", 1_000, scores);
        pair.add(&mut rng, "lex", 500, 1);
    }
    for at in 0..1_500 {
        step(&mut pair, &mut rng, scores);
        if at % 500 == 499 {
            for key in ["z", "lex"] {
                pair.words(&["ZRANGE", key, "0", "-1", "WITHSCORES"]);
                pair.words(&["OBJECT", "ENCODING", key]);
            }
        }
    }
    pair.words(&["ZUNIONSTORE", "u", "2", "z", "lex", "WEIGHTS", "2", "1", "AGGREGATE", "MAX"]);
    pair.words(&["ZINTERSTORE", "i", "2", "z", "lex"]);
    pair.words(&["ZDIFFSTORE", "d", "2", "z", "i"]);
    pair.words(&["ZRANGESTORE", "r", "z", "100", "9000"]);
    pair.words(&["ZINTERCARD", "2", "z", "lex", "LIMIT", "100"]);
    pair.words(&["COPY", "z", "c"]);
    for key in ["u", "i", "d", "r", "c"] {
        pair.words(&["ZRANGE", key, "0", "-1", "WITHSCORES"]);
        pair.words(&["OBJECT", "ENCODING", key]);
    }
    pair.words(&["ZREMRANGEBYRANK", "c", "3", "-1"]);
    pair.words(&["ZRANGE", "c", "0", "-1", "WITHSCORES"]);
    pair.words(&["ZCARD", "z"]);
}

#[test]
fn big_sorted_sets_are_those_of_a_real_server() {
    for tag in ["v81", "r82"] {
        let server = skip_unless_server!(tag);
        let mut server = server.connect();
        for seed in 0..2 {
            agree(tag, &mut server, seed);
        }
    }
}
