//! No command without a judge: whatever stands in the command table must come up in the random commands that are compared
//! with real servers, or be exempt for a reason that is given here.

use std::collections::{BTreeMap, BTreeSet};

use persistkv::command::table;
use persistkv::{Reply, Store};
use persistkv_tests::generate::Generator;
use persistkv_tests::generate::families;

/// Commands that no generator makes. What they do is looked at elsewhere.
const EXEMPT: &[(&str, &str)] = &[
    ("auth", "after a wrong name Redis 8.2 no longer answers a long pipeline"),
    ("bgrewriteaof", "files: tests/tests/aof.rs, and the exchange after each sequence"),
    ("bgsave", "files: tests/tests/rdb.rs"),
    (
        "debug",
        "for tests, and different in every server: tests/tests/debug.rs, and the exchange after each sequence",
    ),
    ("pfselftest", "a server is busy with it for seconds, and it says nothing but OK"),
    ("client|caching", "it goes with CLIENT TRACKING"),
    ("client|getredir", "it goes with CLIENT TRACKING"),
    ("client|tracking", "it sends messages: bindings/resp/tests"),
    ("client|trackinginfo", "it goes with CLIENT TRACKING"),
    ("monitor", "it sends messages: bindings/resp/tests"),
    ("client|kill", "it ends connections: bindings/resp/tests"),
    ("client|pause", "it holds everybody: bindings/resp/tests"),
    ("client|reply", "it takes the replies away: bindings/resp/tests"),
    ("client|unpause", "it goes with CLIENT PAUSE"),
    ("replicaof", "there is no replication: bindings/resp/tests"),
    ("role", "the offset is a server's own: bindings/resp/tests"),
    ("slaveof", "there is no replication"),
    ("quit", "it ends the connection: bindings/resp/tests"),
    ("shutdown", "it ends the server: bindings/cli/tests"),
    ("function|dump", "its version is the server's: core/src/command/scripting/tests.rs"),
    ("script|debug", "a server has a debugger"),
    ("script|show", "only Valkey has it: core/src/command/scripting/tests.rs"),
    ("save", "files: the exchange after each sequence"),
    ("psubscribe", SUBSCRIPTIONS),
    ("punsubscribe", SUBSCRIPTIONS),
    ("ssubscribe", SUBSCRIPTIONS),
    ("subscribe", SUBSCRIPTIONS),
    ("sunsubscribe", SUBSCRIPTIONS),
    ("unsubscribe", SUBSCRIPTIONS),
];

const SUBSCRIPTIONS: &str = "answered by messages: tests/tests/scenes.rs";

#[test]
fn every_command_is_made_by_a_generator() {
    let mut made = BTreeSet::new();
    for family in families::ALL {
        let generator = Generator::new(family);
        for seed in 0..150 {
            for argv in generator.sequence(seed, 150) {
                let name = String::from_utf8_lossy(&argv[0]).to_lowercase();
                if let Some(sub) = argv.get(1) {
                    made.insert(format!("{name}|{}", String::from_utf8_lossy(sub).to_lowercase()));
                }
                made.insert(name);
            }
        }
    }
    let is_exempt = |name: &str| EXEMPT.iter().any(|(exempt, _)| *exempt == name);
    let names = table::full_names();
    // HELP is a text about the subcommands that are there.
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !made.contains(*name) && !is_exempt(name) && !name.ends_with("|help"))
        .collect();
    assert!(missing.is_empty(), "no generator makes {missing:?}");
    for (name, why) in EXEMPT {
        assert!(names.iter().any(|known| known == name), "{name} is exempt ({why}), but no command");
        assert!(!made.contains(*name), "{name} is exempt ({why}), but made");
    }
}

/// Options that no generator makes, by command and, unless it is all of them, option.
const OPTIONS_EXEMPT: &[(&str, Option<&str>, &str)] = &[
    ("bgsave", None, "files: tests/tests/rdb.rs"),
    ("client|caching", None, CACHING),
    ("client|kill", None, "connections: bindings/resp/tests"),
    ("client|list", None, "kinds of connections that are never there; bindings/resp/tests"),
    ("client|pause", None, "it would hold the judge up: bindings/resp/tests"),
    ("client|reply", None, "it would silence the judge: bindings/resp/tests"),
    ("client|tracking", None, CACHING),
    ("command|list", None, "servers have different commands: tests/tests/table.rs"),
    ("hello", Some("AUTH"), "after a wrong name Redis 8.2 no longer answers a long pipeline"),
    ("hsetex", Some("NX"), VALKEYS_WORDS),
    ("hsetex", Some("XX"), VALKEYS_WORDS),
    ("replicaof", None, "a server with replicas answers otherwise: bindings/resp/tests"),
    ("script|debug", None, "a server has a debugger"),
    ("shutdown", None, "it ends the server: bindings/cli/tests"),
    ("slaveof", None, "a server with replicas answers otherwise: bindings/resp/tests"),
    ("xadd", Some("*"), "each side would choose an identifier of its own: core/src/command/streams/tests.rs"),
    (
        "xclaim",
        Some("IDLE"),
        "what it sets is shown in milliseconds that pass: core/src/command/streams/tests.rs",
    ),
    (
        "xclaim",
        Some("TIME"),
        "what it sets is shown in milliseconds that pass: core/src/command/streams/tests.rs",
    ),
];

const VALKEYS_WORDS: &str = "Valkey alone has it, and refuses in other words: tests/tests/scenes.rs";

const CACHING: &str = "what it does is seen by messages: bindings/resp/tests";

/// The parts of a reply by their names.
fn named(reply: &Reply) -> BTreeMap<String, Reply> {
    let Reply::Array(parts) = reply else { return BTreeMap::new() };
    let text = |part: &Reply| match part {
        Reply::Bulk(text) => String::from_utf8_lossy(text).into_owned(),
        other => panic!("no name: {other:?}"),
    };
    parts.chunks_exact(2).map(|pair| (text(&pair[0]), pair[1].clone())).collect()
}

/// The option words among arguments as COMMAND DOCS tells them.
fn option_words(arguments: Option<&Reply>, found: &mut BTreeSet<String>) {
    let Some(Reply::Array(arguments)) = arguments else { return };
    for argument in arguments.iter().map(named) {
        if let Some(Reply::Bulk(token)) = argument.get("token") {
            found.insert(String::from_utf8_lossy(token).to_uppercase());
        }
        option_words(argument.get("arguments"), found);
    }
}

/// Every command and subcommand with its option words.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let store = Store::memory().expect("a store in memory opens");
    let docs = store.client().execute(&["COMMAND", "DOCS"]).expect("COMMAND DOCS answers");
    let mut all = BTreeMap::new();
    let mut enter = |name: &str, facts: &BTreeMap<String, Reply>| {
        let mut found = BTreeSet::new();
        option_words(facts.get("arguments"), &mut found);
        all.insert(name.to_owned(), found);
    };
    for (name, facts) in named(&docs) {
        let facts = named(&facts);
        enter(&name, &facts);
        for (name, facts) in facts.get("subcommands").map(named).unwrap_or_default() {
            enter(&name, &named(&facts));
        }
    }
    all
}

#[test]
fn every_option_is_made_by_a_generator() {
    let documented = documented();
    assert!(documented.len() > 300, "{}", documented.len());
    let mut made: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for family in families::ALL {
        let generator = Generator::new(family);
        for seed in 0..150 {
            for argv in generator.sequence(seed, 150) {
                let words: Vec<String> =
                    argv.iter().map(|word| String::from_utf8_lossy(word).to_uppercase()).collect();
                let name = words[0].to_lowercase();
                if let Some(sub) = words.get(1) {
                    let name = format!("{name}|{}", sub.to_lowercase());
                    if documented.contains_key(&name) {
                        made.entry(name).or_default().extend(words.iter().skip(2).cloned());
                    }
                }
                made.entry(name).or_default().extend(words.into_iter().skip(1));
            }
        }
    }
    let is_exempt = |name: &str, word: &str| {
        OPTIONS_EXEMPT.iter().any(|(n, w, _)| *n == name && w.is_none_or(|w| w == word))
    };
    let nothing = BTreeSet::new();
    let mut missing = Vec::new();
    for (name, words) in &documented {
        let made = made.get(name).unwrap_or(&nothing);
        let open = words.difference(made).filter(|word| !is_exempt(name, word));
        missing.extend(open.map(|word| format!("{name} {word}")));
    }
    assert!(missing.is_empty(), "no generator makes {missing:?}");
    for (name, word, why) in OPTIONS_EXEMPT {
        let words = documented.get(*name).unwrap_or(&nothing);
        let known = words.iter().any(|w| word.is_none_or(|word| word == w));
        assert!(known, "{name} {word:?} is exempt ({why}), but no option");
    }
}
