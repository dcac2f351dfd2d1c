//! Every command inside of a transaction, judged by real servers: what they queue is queued here, what they refuse there
//! is refused here, and EXEC answers alike.

use std::collections::BTreeMap;

use persistkv::Store;
use persistkv_tests::endpoint::argv;
use persistkv_tests::resp::Connection;
use persistkv_tests::server::TempDir;
use persistkv_tests::text::command_line;
use persistkv_tests::{Endpoint, Reply, skip_unless_server};

/// Calls that do what the command is for. Others are called with as many words as they want at least.
const CALLS: &[&str] = &[
    "acl cat",
    "acl whoami",
    "append s x",
    "bgrewriteaof",
    "bgsave",
    "bitcount s",
    "bitfield b set u8 0 1",
    "bitop not d s",
    "blmove l m left right 0",
    "blmpop 0 1 l left",
    "blpop none 0",
    "bzmpop 0 1 z min",
    "bzpopmin none 0",
    "client caching yes",
    "client getname",
    "client getredir",
    "client kill id 999999",
    "client no-evict on",
    "client no-touch on",
    "client reply on",
    "client setinfo lib-name x",
    "client setname x",
    "client tracking on bcast",
    "client tracking on",
    "client unblock 999999",
    "client unpause",
    "command count",
    "command docs get",
    "command getkeys get a",
    "config get save",
    "config set appendonly no",
    "config set appendonly yes",
    "config set maxmemory 0",
    "copy s t",
    "debug sleep 0",
    "eval redis.call('set','k','v') 0",
    "eval_ro redis.call('get','k') 0",
    "expire s 100",
    "flushall",
    "flushdb sync",
    "function list",
    "function stats",
    "geoadd g 13 38 P",
    "getex s ex 10",
    "hello 2",
    "hello 3",
    "hset h f v",
    "info server",
    "latency doctor",
    "lmpop 1 l left",
    "memory usage s",
    "monitor",
    "move s 1",
    "msetnx a 1 b 2",
    "object encoding s",
    "ping x",
    "psubscribe p*",
    "publish a x",
    "pubsub channels",
    "pubsub numsub a",
    "randomkey",
    "rename s t",
    "replicaof no one",
    "slaveof no one",
    "script exists x",
    "script flush",
    "script load return",
    "select 1",
    "set s v",
    "slowlog get",
    "slowlog len",
    "sort l alpha store d",
    "spublish a x",
    "ssubscribe s",
    "subscribe a",
    "sunsubscribe s",
    "swapdb 0 1",
    "unsubscribe a",
    "unwatch",
    "wait 0 100",
    "waitaof 0 0 100",
    "xadd x * f v",
    "xread block 0 streams x $",
    "xread streams x 0",
    "xreadgroup group g c block 0 streams none >",
    "zadd z 1 m",
];

/// Who ends, stops or changes what comes behind it; and what a store in one process does not have.
const APART: &[&str] = &["shutdown", "quit", "reset", "multi", "exec", "discard", "failover", "client kill"];

/// What every call finds.
const GIVEN: &[&str] =
    &["FLUSHALL", "SET s v", "RPUSH l 1 2 3", "ZADD z 1 a", "SADD m a", "HSET h f v", "XADD x 1-1 f v"];

/// Names, of subcommands with their parents', and how many words they want at least.
fn known(endpoint: &mut Connection) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let mut open: Vec<Reply> = endpoint.line("COMMAND").items().expect("COMMAND answers an array").to_vec();
    while let Some(row) = open.pop() {
        let parts = row.items().expect("a command is an array");
        let name = String::from_utf8_lossy(parts[0].bytes().expect("a name")).replace('|', " ");
        let arity = parts[1].int().expect("a number").unsigned_abs() as usize;
        open.extend(parts[9].items().expect("subcommands").iter().cloned());
        found.insert(name, arity);
    }
    found
}

/// Everything that is tried: the calls, and those without one by their names.
fn calls(known: &BTreeMap<String, usize>) -> Vec<Vec<Vec<u8>>> {
    let bare = known.iter().filter(|(name, _)| {
        let called = |call: &&str| *call == name.as_str() || call.starts_with(&format!("{name} "));
        !CALLS.iter().any(called) && !APART.contains(&name.as_str())
    });
    let bare = bare.map(|(name, arity)| {
        let mut argv = argv(name);
        argv.resize((*arity).max(argv.len()), b"1".to_vec());
        argv
    });
    CALLS.iter().map(|call| argv(call)).chain(bare).collect()
}

/// What becomes of a call in a transaction: the answer to it, and the shape of what EXEC answers.
fn tried(mut connection: Connection, call: &[Vec<u8>]) -> [String; 2] {
    for line in GIVEN {
        connection.line(line);
    }
    connection.line("MULTI");
    let queued = connection.command(call);
    let done = connection.line("EXEC");
    let shape = match done.items() {
        Some([one]) => shape(one),
        _ => shape(&done),
    };
    [queued.to_string(), shape]
}

fn first_word(text: String) -> String {
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn shape(reply: &Reply) -> String {
    match reply {
        Reply::Error(text) => String::from_utf8_lossy(text).into_owned(),
        Reply::Status(text) => String::from_utf8_lossy(text).into_owned(),
        Reply::Int(_) => "a number".to_owned(),
        Reply::Bulk(_) => "a text".to_owned(),
        Reply::Nil => "nothing".to_owned(),
        _ => "many".to_owned(),
    }
}

/// Valkey 9.1 refuses these, which Redis queues or answers at once.
const OF_VALKEY: &[&str] = &["client reply on", "watch 1"];

fn judge(tag: &str) {
    let server = skip_unless_server!(tag, &["--enable-debug-command", "yes", "--appendonly", "yes"]);
    let dir = TempDir::new();
    let directives = [("save", ""), ("enable-debug-command", "yes"), ("appendonly", "yes")];
    let store = Store::open(dir.path().join("data"), &directives).unwrap();
    let socket = dir.path().join("s");
    let address = format!("unix:{}", socket.display());
    let listener = persistkv_resp::listen(&store, &address, &persistkv_resp::Options::default()).unwrap();
    let connect = || Connection::connect(&socket).unwrap();
    let theirs = known(&mut server.connect());
    let ours = known(&mut connect());
    let mut different = Vec::new();
    let both = ours.into_iter().filter(|(name, _)| theirs.contains_key(name)).collect();
    for call in calls(&both) {
        let name = command_line(&call).to_lowercase();
        let (ours, theirs) = (tried(connect(), &call), tried(server.connect(), &call));
        // Valkey has its own words for much.
        let same = match tag {
            "v91" => {
                OF_VALKEY.contains(&&*name) || ours.clone().map(first_word) == theirs.clone().map(first_word)
            }
            _ => ours == theirs,
        };
        if !same {
            different.push(format!("{name}\n    here  {ours:?}\n    {tag}   {theirs:?}"));
        }
    }
    drop(listener);
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn as_in_redis_8_2() {
    judge("r82");
}

#[test]
fn as_in_valkey_9_1() {
    judge("v91");
}
