//! Clients that wait for one another, judged by real servers: scenes of four clients with random commands, played here and
//! there; the transcripts and the data at the end must be the same.
//!
//! `PERSISTKV_DIFF_SEQUENCES` and `PERSISTKV_DIFF_SEED` choose how many, and from where on.

use persistkv::Store;
use persistkv_resp::Options;
use persistkv_tests::dataset::{DataSet, Encodings, Strictness};
use persistkv_tests::endpoint::argv;
use persistkv_tests::engine::Engine;
use persistkv_tests::generate::Generator;
use persistkv_tests::generate::families;
use persistkv_tests::resp::Connection;
use persistkv_tests::scenes::{Here, Step, There, play};
use persistkv_tests::server::TempDir;
use persistkv_tests::{Endpoint, Server, skip_unless_server};

const ACTORS: usize = 4;

/// Steps of one scene.
const LENGTH: usize = 60;

/// Encodings have tests of their own.
const BY: Strictness = Strictness {
    encodings: Encodings::Ignored,
    expiry_tolerance_ms: 0,
    functions: false,
    servers_log: false,
};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The first client never waits, so that a scene never stands still.
fn scene(seed: u64) -> Vec<Step> {
    let (waiting, acting) =
        (Generator::new(&families::SCENE_WAITING), Generator::new(&families::SCENE_ACTING));
    let mut rng = fastrand::Rng::with_seed(seed);
    let (waiting, acting) = (waiting.sequence(seed, LENGTH), acting.sequence(seed ^ 1, LENGTH));
    let mut steps: Vec<Step> = Vec::new();
    let mut queues = [false; ACTORS];
    for (at, (waiting, acting)) in waiting.into_iter().zip(acting).enumerate() {
        let actor = rng.usize(0..ACTORS);
        let mut argv = if actor == 0 { acting } else { waiting };
        // Both sides are to choose the same identifiers.
        if argv[0].eq_ignore_ascii_case(b"XADD") {
            argv.iter_mut()
                .filter(|arg| *arg == b"*")
                .for_each(|arg| *arg = format!("{}-1", at + 1).into_bytes());
        }
        patient(&mut argv);
        // Servers disagree on what becomes of a transaction within which MULTI was called.
        let name = argv[0].to_ascii_uppercase();
        if name == b"MULTI" && std::mem::replace(&mut queues[actor], true) {
            continue;
        }
        queues[actor] &= name != b"EXEC";
        steps.push((actor, argv));
    }
    steps
}

/// Generated commands wait for a moment only; here they wait for one another.
fn patient(argv: &mut [Vec<u8>]) {
    let name = argv[0].to_ascii_uppercase();
    let at = match &name[..] {
        b"XREAD" | b"XREADGROUP" => {
            argv.iter().position(|arg| arg.eq_ignore_ascii_case(b"BLOCK")).map(|at| at + 1)
        }
        b"BLMPOP" | b"BZMPOP" => Some(1),
        name if name.starts_with(b"B") => Some(argv.len() - 1),
        _ => None,
    };
    if let Some(timeout) = at.and_then(|at| argv.get_mut(at))
        && timeout.first().is_some_and(u8::is_ascii_digit)
    {
        *timeout = b"0".to_vec();
    }
}

/// Versions put refusals in different words; other tests look at those.
fn without_words(transcript: &str) -> String {
    let line = |line: &str| match line.split_once("< -") {
        Some((actor, error)) => format!("{actor}< -{}", error.split(' ').next().unwrap_or_default()),
        None => line.to_owned(),
    };
    transcript.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn compare(server: &Server, steps: &[Step], what: &str, exactly: bool) {
    let tag = server.tag();
    let store = Store::memory_with(&[("save", "")]).unwrap();
    let mut there = There::new(server, ACTORS);
    server.connect().line("FLUSHALL");
    let theirs = play(&mut there, ACTORS, steps);
    let mut here = Here::new(&store, ACTORS);
    let ours = play(&mut here, ACTORS, steps);
    assert_same(&ours, &theirs, what, tag, exactly);
    drop((here, there));
    compare_data(&store, server, what);
}

fn assert_same(ours: &str, theirs: &str, what: &str, tag: &str, exactly: bool) {
    let shown = |text: &str| if exactly { text.to_owned() } else { without_words(text) };
    let (ours, theirs) = (shown(ours), shown(theirs));
    let difference = ours.lines().zip(theirs.lines()).position(|(ours, theirs)| ours != theirs);
    let (difference, same) = (difference.unwrap_or(usize::MAX), ours == theirs);
    let until = |text: &str| text.lines().take(difference.saturating_add(4)).collect::<Vec<_>>().join("\n");
    assert!(same, "{what}: here\n{}\n\n{tag}\n{}", until(&ours), until(&theirs));
}

fn compare_data(store: &Store, server: &Server, what: &str) {
    let ours = DataSet::read(&mut Engine::of(store));
    let theirs = DataSet::read(&mut server.connect());
    let differences = ours.differences(&theirs, BY);
    assert!(differences.is_empty(), "{what}: the data differ from {}'s after\n{differences:?}", server.tag());
}

/// The same over a listener of ours: what goes over the wire, and in which order.
fn compare_wires(server: &Server, steps: &[Step], what: &str, protocol: u8, exactly: bool) {
    let dir = TempDir::new();
    let store = Store::memory_with(&[("save", "")]).unwrap();
    let socket = dir.path().join("s");
    let address = format!("unix:{}", socket.display());
    let listener = persistkv_resp::listen(&store, &address, &Options::default()).unwrap();
    server.connect().line("FLUSHALL");
    let mut there = There::over(|| server.connect(), ACTORS, protocol);
    let theirs = play(&mut there, ACTORS, steps);
    drop(there);
    let mut here = There::over(|| Connection::connect(&socket).unwrap(), ACTORS, protocol);
    let ours = play(&mut here, ACTORS, steps);
    drop(here);
    let what = format!("{what} (RESP{protocol})");
    assert_same(&ours, &theirs, &what, server.tag(), exactly);
    compare_data(&store, server, &what);
    drop(listener);
}

fn random_scenes(tag: &str) {
    let server = skip_unless_server!(tag);
    let first = number("PERSISTKV_DIFF_SEED", 0);
    for seed in first..first + number("PERSISTKV_DIFF_SEQUENCES", 150) {
        compare(&server, &scene(seed), &format!("scene {seed}"), false);
    }
}

#[test]
fn waiting_as_in_redis_8_2() {
    random_scenes("r82");
}

#[test]
fn waiting_as_in_valkey_9_1() {
    random_scenes("v91");
}

/// Clients that cache what they read, over connections: who is told of what, and in which order.
fn random_caching(tag: &str) {
    let server = skip_unless_server!(tag);
    let generator = Generator::new(&families::SCENE_CACHING);
    let first = number("PERSISTKV_DIFF_SEED", 0);
    for seed in first..first + number("PERSISTKV_DIFF_SEQUENCES", 60) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut queues = [false; ACTORS];
        let mut steps: Vec<Step> = Vec::new();
        for argv in generator.sequence(seed, LENGTH) {
            let actor = rng.usize(0..ACTORS);
            let name = argv[0].to_ascii_uppercase();
            let queued = match &name[..] {
                b"MULTI" => std::mem::replace(&mut queues[actor], true),
                b"EXEC" | b"HANGUP" => std::mem::replace(&mut queues[actor], false) && name == b"HANGUP",
                // Who begins to track in a transaction is told of all of it here; and numbers of clients stay unseen.
                _ => queues[actor] && name == b"CLIENT",
            };
            if !queued {
                steps.push((actor, argv));
            }
        }
        compare_wires(&server, &steps, &format!("scene {seed}"), 2 + (seed % 2) as u8, false);
    }
}

#[test]
fn caching_as_in_redis_8_2() {
    random_caching("r82");
}

#[test]
fn caching_as_in_valkey_9_1() {
    random_caching("v91");
}

/// Scenes somebody thought of.
const WRITTEN: &[&str] = &[
    "1 BLPOP k 0|2 BLPOP k 0|3 BLPOP k 0|0 RPUSH k a b",
    "1 BLPOP k 0|0 MULTI|0 RPUSH k a|0 DEL k|0 EXEC|0 RPUSH k b",
    "1 BLPOP k 0|0 MULTI|0 RPUSH k a|0 LPOP k|0 RPUSH k b c|0 EXEC|0 LRANGE k 0 -1",
    "1 BLMOVE a b LEFT LEFT 0|2 BLMOVE b c LEFT LEFT 0|3 BLPOP c 0|0 RPUSH a x|0 DBSIZE",
    "1 BLMOVE a a LEFT RIGHT 0|0 RPUSH a x y|0 LRANGE a 0 -1",
    "1 BLMOVE a b LEFT LEFT 0|0 SET b string|0 RPUSH a x|0 LRANGE a 0 -1",
    "1 BLPOP a b 0|0 SET a string|0 RPUSH b x",
    "1 BLPOP z 0|2 BZPOPMIN z 0|0 ZADD z 1 m|0 RPUSH z x",
    "1 BLPOP a b c 0|0 MULTI|0 RPUSH c 3|0 RPUSH a 1|0 RPUSH b 2|0 EXEC",
    "1 BLPOP a a 0|0 RPUSH a 1 2|0 LLEN a",
    "0 XGROUP CREATE s g $ MKSTREAM|1 XREADGROUP GROUP g c BLOCK 0 STREAMS s >|0 DEL s",
    "0 XGROUP CREATE s g $ MKSTREAM|1 XREADGROUP GROUP g c BLOCK 0 STREAMS s >|0 XGROUP DESTROY s g",
    "0 XGROUP CREATE s g $ MKSTREAM|1 XREADGROUP GROUP g c BLOCK 0 STREAMS s >|0 SET s string",
    "0 XGROUP CREATE s g $ MKSTREAM|1 XREADGROUP GROUP g c BLOCK 0 STREAMS s >|0 FLUSHALL",
    "0 XGROUP CREATE s g $ MKSTREAM|1 XREADGROUP GROUP g c BLOCK 0 STREAMS s >|2 XREADGROUP GROUP g d BLOCK 0 STREAMS s >|0 XADD s 1-1 f v|0 XADD s 2-1 f v|0 XPENDING s g",
    "0 XADD s 1-1 f v|1 XREAD BLOCK 0 STREAMS s $|2 XREAD BLOCK 0 STREAMS s 1-1|3 XREAD BLOCK 0 STREAMS s +|0 XADD s 2-1 f v",
    "1 XREAD BLOCK 0 STREAMS s $|0 XADD s 5-1 f v|1 XREAD BLOCK 0 STREAMS s $|0 DEL s|0 XADD s 1-1 f v|0 XADD s 6-1 f v",
    "1 SELECT 1|1 BLPOP k 0|0 RPUSH k zero|0 SWAPDB 0 1|1 LRANGE k 0 -1",
    "1 BLPOP k 0|0 RPUSH other x|0 RENAME other k",
    "1 BLPOP k 0|0 RPUSH other x y|0 COPY other k|0 EXISTS k other",
    "1 BLPOP k 0|0 RPUSH l b a|0 SORT l ALPHA STORE k|0 LRANGE k 0 -1",
    "1 BZMPOP 0 2 y z MAX COUNT 2|0 ZADD z 1 a 2 b 3 c|0 ZRANGE z 0 -1",
    "1 BLMPOP 0 2 a b RIGHT COUNT 10|0 RPUSH b 1 2 3",
    "1 BLPOP k 0|0 RPUSHX k x|0 LPUSH k x",
    "1 BLPOP k 0|2 BLPOP k 0|0 LPUSH k a|0 LPUSH k b",
    "1 BRPOPLPUSH a b 0|2 BLPOP b 0|0 LPUSH a x|0 LLEN b",
    "1 SUBSCRIBE a b|2 PSUBSCRIBE a*|3 PSUBSCRIBE ?|0 PUBLISH a hello|0 PUBLISH b x|0 PUBLISH c x|0 PUBLISH z x|0 PUBSUB NUMPAT|0 PUBSUB NUMSUB a b none|1 UNSUBSCRIBE a|0 PUBLISH a again|1 UNSUBSCRIBE b|0 PUBSUB CHANNELS",
    "1 SUBSCRIBE a|1 SUBSCRIBE a|1 PSUBSCRIBE a|0 PUBLISH a x|1 UNSUBSCRIBE nothing|1 PUNSUBSCRIBE|1 UNSUBSCRIBE|1 UNSUBSCRIBE",
    "1 SSUBSCRIBE s|2 SUBSCRIBE s|0 SPUBLISH s x|0 PUBLISH s x|0 PUBSUB SHARDCHANNELS|0 PUBSUB SHARDNUMSUB s t|1 SUNSUBSCRIBE s|0 SPUBLISH s x",
    "1 SUBSCRIBE a|1 PUBLISH a to-myself|1 GET k|1 RESET|0 PUBLISH a x",
    "1 SUBSCRIBE a|0 MULTI|0 PUBLISH a x|0 PUBLISH none x|0 EXEC",
    "1 PUBSUB CHANNELS a b|1 PUBSUB NUMSUB|1 PUBSUB|1 PUBLISH a|1 SUBSCRIBE",
    "0 CONFIG SET notify-keyspace-events KEA|1 PSUBSCRIBE __key*__:*|0 RPUSH l a|2 BLPOP m 0|0 RPUSH m x|0 LPOP l|0 CONFIG SET notify-keyspace-events \"\"",
    "0 CONFIG SET notify-keyspace-events EAn|1 PSUBSCRIBE __key*__:*|0 EVAL redis.call('set',KEYS[1],1);redis.call('del',KEYS[1]) 1 k|0 CONFIG SET notify-keyspace-events \"\"",
    "1 MULTI|1 BLPOP k 0|1 XREAD BLOCK 0 STREAMS s $|1 EXEC",
    // What is not there is not changed.
    "1 WATCH a|0 RPUSH b x|0 LMPOP 2 a b LEFT|1 MULTI|1 EXEC|1 WATCH a|0 SET b x|0 DEL a b|1 MULTI|1 EXEC|1 WATCH b|0 SET b x|1 MULTI|1 EXEC",
];

/// What only Valkey has.
const OF_VALKEY: &[&str] = &[
    "0 HSETEX h XX FIELDS 1 a b|0 HSETEX h NX FIELDS 1 a b|0 HSETEX h NX FIELDS 1 a c|0 HSETEX h XX FNX FIELDS 1 a d|0 HGETALL h",
    "0 HSET h a b|0 HSETEX h XX FXX FIELDS 1 a c|0 HSETEX h XX KEEPTTL FIELDS 1 a d|0 HGETALL h",
    "0 HSETEX h NX XX FIELDS 1 a b|0 EXISTS h|0 SET s v|0 HSETEX s NX FIELDS 1 a b|0 HSETEX h NX NX FIELDS 1 a b",
    "0 SCRIPT LOAD return|0 SCRIPT SHOW 63143b6f8007b98c53ca2149822777b3566f9241|0 SCRIPT SHOW x",
];

#[test]
fn scenes_somebody_thought_of() {
    for tag in ["r82", "v91"] {
        let server = skip_unless_server!(tag);
        let more = if tag == "v91" { OF_VALKEY } else { &[] };
        for scene in WRITTEN.iter().chain(more) {
            compare(&server, &steps_of(scene), scene, true);
        }
    }
}

fn steps_of(scene: &str) -> Vec<Step> {
    let step = |text: &str| {
        let (actor, words) = text.split_once(' ').expect("a client and a command");
        let mut argv = argv(words);
        argv.iter_mut().filter(|arg| *arg == b"\"\"").for_each(Vec::clear);
        (actor.parse().expect("the number of a client"), argv)
    };
    scene.split('|').map(step).collect()
}

/// What is to be seen on a connection only.
const ON_WIRES: &[&str] = &[
    "1 MULTI|1 SUBSCRIBE a|1 GET k|1 PUBLISH a x|1 PSUBSCRIBE p*|1 UNSUBSCRIBE a|1 PING|1 EXEC|0 PUBLISH pp y|1 GET k|1 PUNSUBSCRIBE|1 GET k",
    "1 MULTI|1 SSUBSCRIBE s|1 SUNSUBSCRIBE s|1 UNSUBSCRIBE|1 PUNSUBSCRIBE|1 MONITOR|1 EXEC|0 SPUBLISH s x",
    "1 MULTI|1 SUBSCRIBE a|1 DISCARD|0 PUBLISH a x|1 MULTI|1 SUBSCRIBE|1 EXEC",
    "1 SUBSCRIBE a|0 MULTI|0 PUBLISH a 1|0 PUBLISH a 2|0 EXEC|1 MULTI|1 PING|1 EXEC|1 RESET|0 PUBLISH a 3",
    "1 MULTI|1 SUBSCRIBE a|1 RESET|0 PUBLISH a x|1 MULTI|1 CLIENT TRACKING ON BCAST|1 SET k v|1 CLIENT TRACKING OFF|1 EXEC|0 SET k w",
    "1 MULTI|1 SET k v|1 CLIENT TRACKING ON BCAST|1 EXEC|0 SET k w|1 CLIENT TRACKINGINFO|1 MULTI|1 CLIENT TRACKING OFF|1 EXEC|0 SET k x",
];

/// Client-side caching: who is told what, and when.
const CACHING: &[&str] = &[
    "1 CLIENT TRACKING ON|1 GET a|1 MGET b c|0 SET a 1|0 SET a 2|0 SET b 1|0 DEL c|0 DEL a|1 CLIENT TRACKINGINFO|1 CLIENT GETREDIR|1 CLIENT TRACKING OFF|1 CLIENT GETREDIR|0 SET c 1",
    "1 CLIENT TRACKING ON OPTIN|1 GET a|0 SET a 1|1 CLIENT CACHING YES|1 GET a|1 GET b|0 SET a 2|0 SET b 1|1 CLIENT CACHING NO|1 CLIENT TRACKINGINFO|1 CLIENT CACHING YES|1 CLIENT TRACKINGINFO|1 CLIENT CACHING MAYBE",
    "1 CLIENT TRACKING ON OPTOUT|1 GET a|0 SET a 1|1 CLIENT CACHING NO|1 GET a|1 GET b|0 SET a 2|0 SET b 1|1 CLIENT CACHING YES|1 CLIENT TRACKINGINFO",
    "1 CLIENT TRACKING ON OPTIN|1 CLIENT CACHING YES|1 MULTI|1 GET a|1 GET b|1 EXEC|1 GET c|0 MSET a 1 b 2 c 3",
    "1 CLIENT TRACKING ON OPTIN|1 MULTI|1 CLIENT CACHING YES|1 GET a|1 GET b|1 EXEC|1 GET c|0 MSET a 1 b 2 c 3",
    "1 CLIENT CACHING YES|1 CLIENT TRACKING ON|1 CLIENT CACHING YES|1 CLIENT TRACKING ON BCAST|1 CLIENT TRACKING ON OPTIN OPTOUT|1 CLIENT TRACKING ON OPTIN|1 CLIENT TRACKING ON OPTOUT|1 CLIENT TRACKING ON PREFIX a|1 CLIENT TRACKING MAYBE|1 CLIENT TRACKING ON NONSENSE|1 CLIENT TRACKINGINFO",
    "1 CLIENT TRACKING ON BCAST OPTIN|1 CLIENT TRACKING ON BCAST PREFIX a PREFIX ab|1 CLIENT TRACKING ON BCAST PREFIX a PREFIX b|1 CLIENT TRACKING ON BCAST PREFIX ac|1 CLIENT TRACKING ON BCAST PREFIX a|1 CLIENT TRACKING ON BCAST PREFIX c|1 CLIENT TRACKINGINFO|1 CLIENT TRACKING ON|0 MSET a 1 b 2 c 3 d 4",
    "1 CLIENT TRACKING ON BCAST|1 CLIENT TRACKING ON BCAST PREFIX a|1 CLIENT TRACKINGINFO|1 CLIENT TRACKING OFF|1 CLIENT TRACKINGINFO|1 CLIENT TRACKING ON BCAST PREFIX a|1 CLIENT TRACKING ON BCAST|1 CLIENT TRACKINGINFO|0 SET b x",
    "1 CLIENT TRACKING ON NOLOOP|1 GET a|1 SET a 1|0 SET a 2|1 GET a|0 SET a 3|1 CLIENT TRACKINGINFO|2 CLIENT TRACKING ON|2 GET a|1 GET a|1 SET a 4",
    "1 CLIENT TRACKING ON|1 GET a|1 SET a 1|1 INCR a|1 GET a|1 INCR a",
    "1 CLIENT TRACKING ON BCAST NOLOOP|1 SET a 1|0 SET a 2|2 CLIENT TRACKING ON BCAST|2 SET b 1|1 SET b 2",
    "1 CLIENT TRACKING ON BCAST PREFIX u:|0 SET u:1 x|0 SET other x|0 MSET u:1 a u:2 b|0 MULTI|0 SET u:1 x|0 SET u:3 x|0 EXEC|0 DEL u:1 none u:none|0 EXPIRE u:2 100|0 PERSIST u:2",
    "1 CLIENT TRACKING ON|1 GET a|0 FLUSHALL|1 GET a|0 SELECT 1|0 FLUSHDB|0 SET a 1|1 FLUSHALL|2 CLIENT TRACKING ON BCAST|0 FLUSHDB",
    "1 CLIENT TRACKING ON|1 GET a|1 GET b|0 MULTI|0 SET a 1|0 SET b 1|0 SET a 2|0 EXEC|1 GET a|0 EVAL redis.call('SET','a',3);redis.call('INCR','a') 1 a",
    "1 CLIENT TRACKING ON|1 EVAL redis.call('GET','a');redis.call('SET','b',1) 2 a b|0 SET a 1|0 SET b 1|1 EVAL_RO return(redis.call('GET','c')) 1 c|0 SET c 1",
    "0 SET a 1|1 CLIENT TRACKING ON|1 GET a|1 GET b|0 RENAME a b|1 GET a|1 GET b|0 COPY b a|1 GET a|0 MOVE a 1",
    "0 RPUSH l 1|1 CLIENT TRACKING ON|1 LRANGE l 0 -1|2 BLPOP l 0|1 LRANGE l 0 -1|2 BLPOP l 0|0 RPUSH l 2|1 LLEN l",
    "1 CLIENT TRACKING ON|1 GET k|0 SET k v PX 100000|1 GET k|0 PEXPIREAT k 1|1 GET k|0 SET k v|1 GET k|0 GETEX k PERSIST|0 GETEX k EX 100|1 GET k|0 GETDEL k",
    "2 CLIENT ID|1 CLIENT TRACKING ON REDIRECT @2|1 CLIENT GETREDIR|1 CLIENT TRACKINGINFO|1 GET a|0 SET a 1|2 SUBSCRIBE __redis__:invalidate|1 GET a|0 SET a 2|0 FLUSHALL|1 CLIENT TRACKING OFF|1 GET a|0 SET a 3",
    "2 SUBSCRIBE __redis__:invalidate|1 CLIENT TRACKING ON REDIRECT @2 BCAST|0 MSET a 1 b 2|1 SET c 1|2 UNSUBSCRIBE|0 SET a 1",
    "1 CLIENT TRACKING ON REDIRECT @2|1 GET a|2 HANGUP|0 SET a 1|1 CLIENT TRACKINGINFO|1 CLIENT GETREDIR|1 GET a|0 SET a 2|1 CLIENT TRACKING ON REDIRECT @2|1 CLIENT TRACKINGINFO",
    "1 CLIENT TRACKING ON REDIRECT 123456789|1 CLIENT TRACKING ON REDIRECT @2 REDIRECT @3|1 CLIENT TRACKING ON REDIRECT x|1 CLIENT TRACKING ON REDIRECT|1 CLIENT TRACKING ON REDIRECT @1|1 GET a|0 SET a 1|1 CLIENT TRACKINGINFO",
    "1 CLIENT TRACKING ON|1 GET a|1 CLIENT TRACKING ON BCAST|1 CLIENT TRACKING OFF|1 CLIENT TRACKING ON BCAST|0 SET a 1|1 RESET|0 SET a 2|1 CLIENT TRACKINGINFO",
    "1 CLIENT TRACKING ON|1 HGET h f|1 SMEMBERS s|1 ZRANGE z 0 -1|1 XREAD STREAMS x 0|1 XRANGE x - +|1 GETRANGE k 0 1|1 STRLEN k|1 EXISTS e|1 TTL t|1 TYPE y|1 OBJECT ENCODING o|0 HSET h f v|0 SADD s a|0 ZADD z 1 a|0 XADD x 1-1 f v|0 SET k v|0 SET e v|0 SET t v|0 SET y v|0 SET o v",
    "1 CLIENT TRACKING ON|1 SINTER a b|1 SUNIONSTORE d a b|1 SORT_RO l|1 SCAN 0|1 KEYS *|1 RANDOMKEY|1 DBSIZE|0 SADD a x|0 SADD b x|0 SADD d y|0 RPUSH l 1",
    "1 CLIENT TRACKING ON|1 GETEX a|1 GETDEL a|1 SET b x GET|1 BITFIELD_RO c GET u8 0|1 BITFIELD d GET u8 0|0 SET a 1|0 SET b 1|0 SET c 1|0 SET d 1",
    "1 CLIENT TRACKING ON|1 GET a|0 SET a 1 XX|0 SETNX a 1|0 APPEND a|0 DEL none|0 LPUSH a",
    "0 SET a 1|1 CLIENT TRACKING ON|1 GET a|0 SETNX a 2|0 EXPIRE a 100 XX|0 PERSIST a|0 SET a 2 NX|0 INCRBY a 0",
    "0 SADD s a|1 CLIENT TRACKING ON BCAST|0 SADD s a|0 SREM s none|0 SADD s b|0 HDEL none f|0 LREM none 0 x|0 ZADD z XX 1 a|0 GETEX none EX 10|0 GETDEL none",
];

/// Who is served when, and with what.
const WAITING: &[&str] = &[
    "1 BLPOP a b a 0|2 BLPOP b a 0|0 RPUSH b 1|0 RPUSH a 2",
    "1 BLPOP a 0|2 BLPOP a b 0|3 BLPOP b 0|0 MULTI|0 RPUSH b 1|0 RPUSH a 2|0 EXEC|0 RPUSH b 3",
    "1 BLPOP a 0|2 BLPOP b 0|3 BLPOP c 0|0 MULTI|0 RPUSH c 1|0 RPUSH b 2|0 RPUSH a 3|0 EXEC",
    "1 BLPOP a b 0|0 EVAL redis.call('RPUSH','b',1);redis.call('RPUSH','a',2) 2 a b|0 LRANGE a 0 -1|0 LRANGE b 0 -1",
    "1 BLMOVE a b LEFT RIGHT 0|2 BLMOVE b a LEFT RIGHT 0|0 RPUSH a x|0 LRANGE a 0 -1|0 LRANGE b 0 -1",
    "1 BLMOVE a b LEFT RIGHT 0|2 BLMOVE b c LEFT RIGHT 0|3 BLMOVE c a LEFT RIGHT 0|0 RPUSH a x y|0 LRANGE a 0 -1|0 LRANGE b 0 -1|0 LRANGE c 0 -1",
    "1 BRPOPLPUSH a a 0|2 BLPOP a 0|0 RPUSH a x y|0 LRANGE a 0 -1",
    "1 BLPOP a 0|0 SET a x|0 DEL a|0 SADD a x|0 DEL a|0 RPUSH a x",
    "1 BLPOP a 0|0 RPUSH b x|0 RENAME b a|1 BLPOP a 0|0 SET s v|0 RENAME s a|0 RPUSH b y|0 RENAME b a",
    "1 BLPOP a 0|0 MULTI|0 RPUSH a x|0 SET a y|0 EXEC|0 DEL a|0 RPUSH a z",
    "1 BLPOP a 0|0 MULTI|0 RPUSH a x|0 RENAME a b|0 EXEC|0 RENAME b a",
    "1 BLPOP a 0|0 MULTI|0 RPUSH a x|0 PEXPIRE a 0|0 EXEC|0 RPUSH a y",
    "1 MULTI|1 BLPOP a 0|1 BRPOP a 0|1 BLMOVE a b LEFT LEFT 0|1 BLMPOP 0 1 a LEFT|1 BZPOPMIN z 0|1 BZMPOP 0 1 z MIN|1 XREADGROUP GROUP g c BLOCK 0 STREAMS x >|1 EXEC",
    "0 RPUSH a 1|1 EVAL return(redis.call('BLPOP','a',0)) 1 a|1 EVAL return(redis.call('BLPOP','a',0)) 1 a|1 EVAL return(redis.call('BLMOVE','a','b','LEFT','LEFT',0)) 2 a b",
    "1 BLPOP a -1|1 BLPOP a nan|1 BLPOP a inf|1 BLPOP a x|1 BLPOP a 1e400|1 BLPOP a 99999999999999999999|1 BLPOP a 9223372036854775807|1 BLPOP a 1e5000|1 BLPOP a -1e400|1 BLPOP a -inf|1 BLPOP a -0.1|1 BLPOP a 0x|1 BLPOP a \"\"|1 XREAD BLOCK -1 STREAMS s $|1 XREAD BLOCK x STREAMS s $|1 XREAD BLOCK 9223372036854775807 STREAMS s $",
    "1 BLMPOP -1 1 a LEFT|1 BLMPOP nan 1 a LEFT|1 BZMPOP -0.1 1 z MIN|1 BLMPOP 0 0 a LEFT|1 BLMPOP 0 1 a LEFT COUNT 0|1 BZPOPMIN z x|1 BRPOPLPUSH a b -1|1 BLMOVE a b LEFT LEFT -1|1 BLMOVE a b LEFT UP 0|1 MULTI|1 BLPOP a 0.001|1 BLPOP a 1e-400|1 BLPOP a -1|1 EXEC",
    "1 BLPOP a 0|0 CLIENT UNBLOCK @1|1 BLPOP a 0|0 CLIENT UNBLOCK @1 ERROR|1 BLPOP a 0|0 CLIENT UNBLOCK @1 TIMEOUT|0 CLIENT UNBLOCK @1|0 CLIENT UNBLOCK @1 NONSENSE|0 CLIENT UNBLOCK x|0 RPUSH a 1",
    "1 BLMOVE a b LEFT LEFT 0|0 CLIENT UNBLOCK @1|1 BZPOPMIN z 0|0 CLIENT UNBLOCK @1|1 XREAD BLOCK 0 STREAMS s $|0 CLIENT UNBLOCK @1|1 BLMPOP 0 1 a LEFT|0 CLIENT UNBLOCK @1|1 XREAD BLOCK 0 STREAMS s $|0 CLIENT UNBLOCK @1 ERROR",
    "1 BLPOP a 0|2 BLPOP a 0|1 HANGUP|0 RPUSH a x|0 LLEN a",
    "1 BLPOP a 0|2 BLPOP a 0|0 CLIENT UNBLOCK @1|1 BLPOP a 0|0 RPUSH a x|0 RPUSH a y",
    "0 XGROUP CREATE x g $ MKSTREAM|1 XREADGROUP GROUP g c BLOCK 0 STREAMS x >|0 RENAME x y|0 XADD y 1-1 f v",
    "0 XGROUP CREATE x g $ MKSTREAM|1 XREADGROUP GROUP g c BLOCK 0 STREAMS x >|0 MULTI|0 DEL x|0 XGROUP CREATE x g $ MKSTREAM|0 EXEC|0 XADD x 1-1 f v",
    "0 XGROUP CREATE x g $ MKSTREAM|1 XREADGROUP GROUP g c BLOCK 0 STREAMS x >|0 XGROUP DESTROY x none|0 XGROUP DELCONSUMER x g c|0 XADD x 1-1 f v|0 XINFO CONSUMERS x none",
    "0 XGROUP CREATE x g $ MKSTREAM|0 XGROUP CREATE y g $ MKSTREAM|1 XREADGROUP GROUP g c BLOCK 0 STREAMS x y > >|0 XGROUP DESTROY y g|1 XREADGROUP GROUP g c BLOCK 0 STREAMS x >|0 XGROUP SETID x g 0|0 XADD x 1-1 f v",
    "0 XGROUP CREATE x g $ MKSTREAM|1 XREADGROUP GROUP g c BLOCK 0 STREAMS x >|0 XADD x 1-1 f v|0 XADD x 2-1 f v|1 XREADGROUP GROUP g c BLOCK 0 STREAMS x 0|1 XREADGROUP GROUP g c NOACK BLOCK 0 STREAMS x >|1 XREADGROUP GROUP g c NOACK BLOCK 0 STREAMS x >|0 XADD x 3-1 f v|0 XPENDING x g",
    "1 XREAD BLOCK 0 STREAMS x y $ $|2 XREAD BLOCK 0 COUNT 1 STREAMS x 0|0 MULTI|0 XADD y 1-1 f v|0 XADD x 1-1 f v|0 XADD x 2-1 f v|0 EXEC",
    "1 XREAD BLOCK 0 STREAMS x 5-5|0 XADD x 1-1 f v|0 XADD x 6-1 f v|1 XREAD BLOCK 0 STREAMS x $|0 XDEL x 6-1|0 XTRIM x MAXLEN 0|0 SET x s|0 DEL x|0 XADD x 7-1 f v",
    "1 BZPOPMAX z y 0|2 BZPOPMIN z 0|0 ZADD z 1 a 2 b 3 c|0 ZRANGE z 0 -1|1 BZPOPMAX z 0|1 BZPOPMAX z 0|0 ZUNIONSTORE z 1 none|0 ZADD w 5 m|0 ZUNIONSTORE z 1 w|0 ZRANGE z 0 -1",
    "1 BZPOPMIN z 0|0 GEOADD z 13 38 P|1 BZPOPMIN z 0|0 ZADD w 1 a|0 ZRANGESTORE z w 0 -1|1 BZPOPMIN z 0|0 COPY w z",
    "1 SELECT 1|1 BLPOP a 0|0 RPUSH a x|0 MOVE a 1|1 SELECT 0|1 BLPOP a 0|0 SELECT 1|0 RPUSH a y|0 SWAPDB 0 1",
    "1 BLPOP a 0|0 RPUSH b x|0 DUMP none|0 FLUSHALL|0 RPUSH a y",
    "1 BLPOP a 0|2 BLPOP a 0|0 CLIENT NO-TOUCH ON|0 RPUSH a x|0 CLIENT NO-EVICT ON|0 RPUSH a y",
    "1 WATCH a|2 BLPOP a 0|0 RPUSH a x|1 MULTI|1 SET k v|1 EXEC|1 GET k",
    "1 BLPOP a 0|0 LPUSHX a 1|0 LINSERT a BEFORE x y|0 LPUSH b 1 2|0 LMOVE b a LEFT LEFT|1 BLPOP a 0|0 RPOPLPUSH b a",
    "1 BLPOP a 0|2 BRPOP a 0|3 BLMPOP 0 1 a LEFT COUNT 2|0 RPUSH a 1 2 3 4 5|0 LRANGE a 0 -1",
    "0 RPUSH a 1|1 BLPOP b a 0|1 BLMPOP 0 2 b a LEFT|0 RPUSH b 2|0 SET c s|1 BLPOP c b 0|1 BLPOP c d 0|1 BLMOVE c d LEFT LEFT 0|1 BLMOVE d c LEFT LEFT 0|0 RPUSH d 1|0 LRANGE d 0 -1",
];

/// What is played over connections, in both protocols.
#[test]
fn on_wires_as_with_servers() {
    for tag in ["r82", "v91"] {
        let server = skip_unless_server!(tag);
        for scene in ON_WIRES.iter().chain(WRITTEN).chain(CACHING).chain(WAITING) {
            for protocol in [2, 3] {
                compare_wires(&server, &steps_of(scene), scene, protocol, true);
            }
        }
    }
}
