//! What the engine says of its commands against what real servers say, and the signature of a data set.

use std::collections::{BTreeMap, BTreeSet};

use persistkv::Store;
use persistkv_tests::engine::Engine;
use persistkv_tests::resp::Connection;
use persistkv_tests::{Endpoint, Reply, skip_unless_server};

/// What COMMAND INFO says of a command, by name; the order of flags, categories and tips does not count, and the notes of
/// key specifications are left out.
fn rows(endpoint: &mut dyn Endpoint) -> BTreeMap<String, BTreeMap<&'static str, String>> {
    let mut found = BTreeMap::new();
    let all = endpoint.line("COMMAND");
    let mut open: Vec<Reply> = all.items().expect("COMMAND answers an array").to_vec();
    while let Some(row) = open.pop() {
        let parts = row.items().expect("a command is an array");
        let sorted = |reply: &Reply| {
            let words: BTreeSet<_> = reply.strings().expect("words").into_iter().collect();
            words.iter().map(|w| String::from_utf8_lossy(w).into_owned()).collect::<Vec<_>>().join(" ")
        };
        let specs = parts[8].items().expect("key specifications");
        let specs: Vec<String> = specs
            .iter()
            .map(|spec| {
                let field = |name| spec.field(name).expect("a part of a specification");
                format!("{} {} {}", sorted(&field("flags")), field("begin_search"), field("find_keys"))
            })
            .collect();
        let fields = BTreeMap::from([
            ("arity", parts[1].to_string()),
            ("flags", sorted(&parts[2])),
            ("keys", format!("{} {} {}", parts[3], parts[4], parts[5])),
            ("categories", sorted(&parts[6])),
            ("tips", sorted(&parts[7])),
            ("specs", specs.join(" / ")),
        ]);
        found.insert(String::from_utf8_lossy(parts[0].bytes().expect("a name")).into_owned(), fields);
        open.extend(parts[9].items().expect("subcommands").iter().cloned());
    }
    found
}

#[test]
fn commands_are_described_as_a_server_describes_them() {
    let (r70, r82, v91) =
        (skip_unless_server!("r70"), skip_unless_server!("r82"), skip_unless_server!("v91"));
    let (r70, r82) = (rows(&mut r70.connect()), rows(&mut r82.connect()));
    let v91 = rows(&mut v91.connect());
    let ours = rows(&mut Engine::memory());
    assert!(ours.len() > 80);
    let mut different = Vec::new();
    for (name, fields) in &ours {
        let Some(one) = r70.get(name).or_else(|| r82.get(name)).or_else(|| v91.get(name)) else {
            different.push(format!("{name} is unknown to all servers"));
            continue;
        };
        for (field, value) in fields {
            let same = one.get(field) == Some(value) || r82.get(name).is_some_and(|two| two[field] == *value);
            if !same {
                different.push(format!("{name}: {field} is {value}, there {}", one[field]));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// `docs/commands.md` says of every command of these two what becomes of it here: its list must be theirs.
#[test]
fn the_list_of_the_servers_commands_is_theirs() {
    let (r82, v91) = (skip_unless_server!("r82"), skip_unless_server!("v91"));
    let names = |server: &persistkv_tests::server::Server| -> BTreeSet<String> {
        rows(&mut server.connect()).into_keys().map(|name| name.to_lowercase()).collect()
    };
    let (redis, valkey) = (names(&r82), names(&v91));
    let list =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/commands-of-servers.txt"));
    let list = list.expect("the list is committed");
    let list: BTreeSet<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
    let theirs: Vec<String> = redis
        .union(&valkey)
        .map(|name| match (redis.contains(name), valkey.contains(name)) {
            (true, true) => format!("{name} both"),
            (true, false) => format!("{name} redis"),
            _ => format!("{name} valkey"),
        })
        .collect();
    assert_eq!(list.into_iter().collect::<Vec<_>>(), theirs);
}

/// Redis 8.2 prints scores as Redis 7.2 does, and so mixes the same texts in.
#[test]
fn the_signature_is_that_of_a_server() {
    let server = skip_unless_server!("r82");
    let mut server = server.connect();
    let store = match Store::memory_with(&[("enable-debug-command", "yes")]) {
        Ok(store) => store,
        Err(e) => panic!("{e}"),
    };
    let mut engine = Engine::of(&store);
    let same = |engine: &mut Engine, server: &mut Connection, words: &str| {
        assert_eq!(engine.line(words), server.line(words), "{words}");
    };
    same(&mut engine, &mut server, "DEBUG DIGEST");
    let mut everything: Vec<String> = [
        "SET int 12",
        "SET text abc PX 100000000",
        "SELECT 3",
        "RPUSH l a 1 -5 b",
        "SADD ints 3 1 2",
        "SADD s a b 1",
        "HSET h f v 1 2",
        "ZADD z 1 a 2.5 b -inf c 1e20 d 0.1 e 3 7 1e-7 g 1e17 h 12345678901234567890 i",
    ]
    .map(str::to_owned)
    .to_vec();
    for n in 0..600 {
        everything.push(format!("RPUSH l2 e{n}"));
        everything.push(format!("SADD s2 m{n}"));
        everything.push(format!("SADD i2 {n}"));
        everything.push(format!("HSET h2 f{n} v{n}"));
        everything.push(format!("ZADD z2 {n}.25 m{n}"));
    }
    for words in &everything {
        engine.line(words);
        server.line(words);
    }
    for key in ["l", "ints", "s", "h", "z", "l2", "s2", "i2", "h2", "z2", "none"] {
        same(&mut engine, &mut server, &format!("DEBUG DIGEST-VALUE {key}"));
    }
    same(&mut engine, &mut server, "DEBUG DIGEST");
    // What a server dumps is the same value here.
    for key in ["l", "ints", "s", "h", "z", "l2", "s2", "i2", "h2", "z2"] {
        let Reply::Bulk(payload) = server.line(&format!("DUMP {key}")) else { panic!("{key} can be dumped") };
        let restore = [b"RESTORE".to_vec(), key.into(), b"0".to_vec(), payload, b"REPLACE".to_vec()];
        assert_eq!(engine.command(&restore), Reply::Status(b"OK".to_vec()), "{key}");
    }
    same(&mut engine, &mut server, "DEBUG DIGEST");
    // And the other way round.
    let Reply::Bulk(payload) = engine.line("DUMP z2") else { panic!("z2 can be dumped") };
    let restore = [b"RESTORE".to_vec(), b"z2".to_vec(), b"0".to_vec(), payload, b"REPLACE".to_vec()];
    assert_eq!(server.command(&restore), Reply::Status(b"OK".to_vec()));
    same(&mut engine, &mut server, "DEBUG DIGEST");
}
