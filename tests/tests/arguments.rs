//! The arguments that COMMAND DOCS tells of: `core/src/command/arguments.txt` is made from what real servers answer, and
//! held against them. `PERSISTKV_WRITE_ARGUMENTS=1 cargo test -p persistkv-tests --test arguments` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use persistkv::command::table;
use persistkv_tests::engine::Engine;
use persistkv_tests::{Endpoint, Reply, skip_unless_server};

/// Commands that have options of Valkey's here which Redis 8.2 does not know, and none of Redis's that Valkey does not.
const AS_VALKEY: &[&str] = &["bgsave", "geosearch", "geosearchstore", "hsetex", "set", "zscan"];

/// Names that begin so belong to modules and to what no library has: they never come into the table.
const LEFT_OUT: &[&str] = &["cluster", "module", "replconf", "sentinel", "v"];

type Docs = BTreeMap<String, Reply>;

/// What COMMAND DOCS says of each command and subcommand.
fn docs(endpoint: &mut dyn Endpoint) -> Docs {
    endpoint.protocol(3);
    let mut found = BTreeMap::new();
    let mut open = endpoint.line("COMMAND DOCS").pairs().expect("COMMAND DOCS answers a map");
    while let Some((name, docs)) = open.pop() {
        open.extend(docs.field("subcommands").and_then(|subs| subs.pairs()).unwrap_or_default());
        found.insert(text(&name).to_lowercase(), docs);
    }
    found
}

fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(reply.bytes().expect("a text")).into_owned()
}

/// Arguments as `arguments.txt` writes them.
fn written(arguments: &Reply) -> String {
    let mut words = Vec::new();
    for argument in arguments.items().expect("arguments are an array") {
        let field = |name: &str| argument.field(name).map(|value| text(&value));
        let name = field("name").expect("a name");
        let mut word = format!("{name}:{}", field("type").expect("a type"));
        if let Some(shown) = field("display_text").filter(|shown| *shown != name) {
            let _ = write!(word, "/{shown}");
        }
        if let Some(token) = field("token") {
            let _ = write!(word, "='{token}'");
        }
        if let Some(index) = argument.field("key_spec_index").and_then(|index| index.int()) {
            let _ = write!(word, "#{index}");
        }
        for (name, mark) in [("since", '@'), ("deprecated_since", '!')] {
            if let Some(value) = field(name) {
                let _ = write!(word, "{mark}{value}");
            }
        }
        if let Some(summary) = field("summary") {
            let _ = write!(word, "\"{summary}\"");
        }
        for flag in argument.field("flags").and_then(|flags| flags.strings()).unwrap_or_default() {
            word.push(match &flag[..] {
                b"optional" => '?',
                b"multiple" => '*',
                b"multiple_token" => '+',
                other => panic!("{}", String::from_utf8_lossy(other)),
            });
        }
        if let Some(parts) = argument.field("arguments") {
            let _ = write!(word, "({})", written(&parts));
        }
        words.push(word);
    }
    words.join(" ")
}

fn deprecation(docs: &Reply) -> String {
    match (docs.field("deprecated_since"), docs.field("replaced_by")) {
        (Some(since), Some(by)) => format!(" [{}, {}]", text(&since), text(&by)),
        _ => match docs.field("doc_flags").and_then(|flags| flags.strings()) {
            Some(flags) if flags.iter().any(|flag| flag == b"syscmd") => " [syscmd]".to_owned(),
            _ => String::new(),
        },
    }
}

/// Whose word counts for a command.
fn chosen<'a>(name: &str, r82: &'a Docs, v91: &'a Docs) -> Option<&'a Reply> {
    if AS_VALKEY.contains(&name) { v91.get(name) } else { r82.get(name).or_else(|| v91.get(name)) }
}

#[test]
fn the_file_and_the_engine_say_what_servers_say() {
    let (r82, v91) = (skip_unless_server!("r82"), skip_unless_server!("v91"));
    let (r82, v91) = (docs(&mut r82.connect()), docs(&mut v91.connect()));
    let mut file = String::new();
    let names: std::collections::BTreeSet<&String> = r82.keys().chain(v91.keys()).collect();
    for name in names {
        let module = r82.get(name).is_some_and(|docs| docs.field("module").is_some());
        let container = name.split('|').next().unwrap_or_default();
        if module || LEFT_OUT.contains(&container) {
            continue;
        }
        let docs = chosen(name, &r82, &v91).expect("one of them has it");
        let arguments = docs.field("arguments").map(|arguments| written(&arguments)).unwrap_or_default();
        let deprecated = deprecation(docs);
        if !arguments.is_empty() || !deprecated.is_empty() {
            let _ = writeln!(file, "{}", format!("{name}{deprecated} {arguments}").trim_end());
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/command/arguments.txt");
    if std::env::var_os("PERSISTKV_WRITE_ARGUMENTS").is_some() {
        std::fs::write(&path, &file).expect("arguments.txt can be written");
        return;
    }
    assert!(
        std::fs::read_to_string(&path).is_ok_and(|found| found == file),
        "arguments.txt is out of date: PERSISTKV_WRITE_ARGUMENTS=1"
    );
    let mut different = Vec::new();
    for (name, ours) in docs(&mut Engine::memory()) {
        let Some(theirs) = chosen(&name, &r82, &v91) else {
            different.push(format!("{name} is unknown to both"));
            continue;
        };
        for field in ["arguments", "doc_flags", "deprecated_since", "replaced_by"] {
            let sorted = |docs: &Reply| docs.field(field).map(in_order);
            let (ours, theirs) = (sorted(&ours), sorted(theirs));
            if ours != theirs {
                let shown =
                    |reply: Option<Reply>| reply.map_or("nothing".to_owned(), |reply| reply.to_string());
                different.push(format!("{name}: {field} is {}, there {}", shown(ours), shown(theirs)));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// The fields of a map in the order of their names.
fn in_order(reply: Reply) -> Reply {
    match reply {
        Reply::Map(pairs) => {
            let mut pairs: Vec<_> = pairs.into_iter().map(|(name, value)| (name, in_order(value))).collect();
            pairs.sort();
            Reply::Map(pairs)
        }
        Reply::Array(items) => Reply::Array(items.into_iter().map(in_order).collect()),
        other => other,
    }
}

/// Redis 7.0 tells the same of what it has, but for the names of parts, which were made uniform later.
#[test]
fn older_servers_know_the_same_tokens() {
    let r70 = skip_unless_server!("r70");
    let r70 = docs(&mut r70.connect());
    let ours = docs(&mut Engine::memory());
    let mut missing = Vec::new();
    let mut compared = 0;
    for (name, theirs) in &r70 {
        let (Some(ours), Some(theirs)) = (ours.get(name), theirs.field("arguments")) else { continue };
        let arguments = ours.field("arguments").unwrap_or(Reply::Array(Vec::new()));
        let (ours, theirs) = (tokens(&arguments), tokens(&theirs));
        compared += theirs.len();
        missing.extend(
            theirs.iter().filter(|token| !ours.contains(token)).map(|token| format!("{name}: {token}")),
        );
    }
    assert!(compared > 300, "only {compared} tokens were compared");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// Token and key specification of every argument that has one.
fn tokens(arguments: &Reply) -> Vec<String> {
    let mut found = Vec::new();
    for argument in arguments.items().expect("arguments are an array") {
        let field = |name: &str| argument.field(name).map(|value| value.to_string()).unwrap_or_default();
        if argument.field("token").is_some() || argument.field("key_spec_index").is_some() {
            found.push(format!("{} {}", field("token"), field("key_spec_index")));
        }
        if let Some(parts) = argument.field("arguments") {
            found.extend(tokens(&parts));
        }
    }
    found
}

/// Commands whose keys are asked for: where the positions depend on words and counts, and some of every other kind.
const CALLS: &[&str] = &[
    "XREAD STREAMS a b 0 0",
    "XREAD COUNT 2 STREAMS a 0",
    "XREAD COUNT 2 BLOCK 0 STREAMS a b c 0 0 0",
    "XREADGROUP GROUP g c STREAMS a >",
    "XREADGROUP GROUP STREAMS c STREAMS a b > >",
    "XREADGROUP GROUP g STREAMS NOACK STREAMS a >",
    "XREAD STREAMS a b 0",
    "XREAD STREAMS",
    "XREAD a b c",
    "SORT k STORE d",
    "SORT k BY x STORE d",
    "SORT k BY STORE STORE d",
    "SORT k GET STORE d",
    "SORT k STORE a STORE b",
    "SORT k LIMIT 0 STORE d",
    "SORT k BY nosort GET # STORE d ALPHA",
    "SORT k STORE",
    "SORT_RO k BY x",
    "GEORADIUS k 1 1 1 m STORE d",
    "GEORADIUS k 1 1 1 m STOREDIST d",
    "GEORADIUS k 1 1 1 m STORE a STOREDIST b",
    "GEORADIUS k 1 1 1 m WITHDIST",
    "GEORADIUS k 1 1 1 m STORE",
    "GEORADIUSBYMEMBER k m 1 m STORE d",
    "GEORADIUSBYMEMBER k STORE 1 m STOREDIST d",
    "ZUNIONSTORE d 2 a b",
    "ZUNIONSTORE d 2 a b WEIGHTS 1 2",
    "ZUNIONSTORE d x a b",
    "ZUNIONSTORE d 3 a b",
    "ZUNIONSTORE d 0 a b",
    "ZINTER 2 a b",
    "ZMPOP 1 a MIN",
    "ZMPOP 0 a MIN",
    "ZMPOP 3 a MIN",
    "LMPOP 2 a b LEFT",
    "SINTERCARD 2 a b",
    "SINTERCARD 2 a b LIMIT 1",
    "BITFIELD k GET u8 0",
    "BITFIELD k SET u8 0 1",
    "BITFIELD k GET u8 0 INCRBY u8 0 1",
    "SET k v",
    "SET k v GET",
    "SET k v EX 1 get",
    "SET k GET",
    "GETSET k v",
    "MSET a 1 b 2",
    "MSET a 1 b",
    "MGET a b c",
    "BITOP AND d a b",
    "COPY a b",
    "COPY a b DB 1 REPLACE",
    "RENAME a b",
    "OBJECT ENCODING k",
    "OBJECT HELP",
    "OBJECT FREQ k",
    "MEMORY USAGE k",
    "MEMORY USAGE k SAMPLES 1",
    "MEMORY STATS",
    "XINFO STREAM k",
    "XGROUP CREATE k g 0",
    "XINFO",
    "PING",
    "DBSIZE",
    "FLUSHALL",
    "GET",
    "GET a b",
    "NOPE a",
    "DEL a b",
    "PFMERGE d a b",
    "PFCOUNT a b",
    "PFDEBUG ENCODING k",
    "PFADD k a b",
    "LCS a b",
    "SMOVE a b c",
    "LMOVE a b LEFT RIGHT",
    "GEOSEARCHSTORE d s FROMMEMBER m BYRADIUS 1 m ASC",
    "ZRANGESTORE d s 0 1",
    "RESTORE k 0 p",
    "DUMP k",
    "HSETEX k FIELDS 1 a b",
    "HGETEX k FIELDS 1 a",
    "HGETDEL k FIELDS 1 a",
    "HEXPIRE k 1 FIELDS 1 a",
    "XDELEX k KEEPREF IDS 1 1-1",
    "XACKDEL k g KEEPREF IDS 1 1-1",
    "DELIFEQ k v",
    "MSETEX 2 a 1 b 2",
    "MSETEX 2 a 1 b",
    "WATCH a b",
    "UNWATCH",
    "EXEC",
    "MULTI",
    "TOUCH a b",
    "SDIFFSTORE d a b",
    "SUBSTR k 0 1",
    "EXPIRE k 1",
    "EXPIRE k",
    "BLPOP a b 1",
    "BLMOVE a b LEFT RIGHT 0",
    "BLMPOP 0 2 a b LEFT",
    "BZMPOP 0 1 a MIN",
    "BZPOPMIN a b 0",
    "EVAL s 1 k a",
    "EVAL s 0",
    "EVAL s 2 a",
    "EVALSHA s 2 a b",
    "FCALL f 1 k",
    "CONFIG GET x",
    "CONFIG NOPE x",
    "COMMAND GETKEYS GET a",
    "ACL DRYRUN u GET k",
    "CLIENT INFO",
    "PUBLISH c m",
    "SPUBLISH c m",
    "SSUBSCRIBE a b",
    "SUBSCRIBE a",
    "SCAN 0",
    "KEYS *",
    "RANDOMKEY",
    "DEBUG OBJECT k",
    "DEBUG DIGEST",
];

#[test]
fn keys_are_where_servers_find_them() {
    let (r70, r82, v91) =
        (skip_unless_server!("r70"), skip_unless_server!("r82"), skip_unless_server!("v91"));
    let mut judges = [r70.connect(), r82.connect(), v91.connect()];
    let mut engine = Engine::memory();
    let mut different = Vec::new();
    // What is not in the table yet is compared from the moment it is.
    let has = |call: &str| call.split(' ').next().is_some_and(|name| table::find(name.as_bytes()).is_some());
    for call in CALLS.iter().filter(|call| has(call) || call.starts_with("NOPE")) {
        for question in ["GETKEYS", "GETKEYSANDFLAGS"] {
            let words = format!("COMMAND {question} {call}");
            let ours = engine.line(&words);
            let theirs: Vec<Reply> = judges.iter_mut().map(|judge| judge.line(&words)).collect();
            if !theirs.contains(&ours) {
                different.push(format!("{words}: {ours}, there {}", theirs[1]));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
