//! Keyspace events judged by real servers: random commands of every family are run here and there while somebody listens
//! to everything; what he hears of each command must be the same, in the same order. Redis 8.2 and Valkey 9.1 judge
//! together: each command must cause the events that one of them tells of.
//!
//! `PERSISTKV_DIFF_SEQUENCES` and `PERSISTKV_DIFF_SEED` choose how many, and from where on.

use std::collections::BTreeMap;

use persistkv::outbox::Push;
use persistkv::{Client, Store};
use persistkv_tests::differential::known;
use persistkv_tests::endpoint::argv;
use persistkv_tests::engine::convert;
use persistkv_tests::generate::families::{self, Family};
use persistkv_tests::generate::{Command, Generator};
use persistkv_tests::resp::Connection;
use persistkv_tests::text::command_line;
use persistkv_tests::{Endpoint, Reply, Server, skip_unless_server};

const CLASSES: &str = "CONFIG SET notify-keyspace-events KEAnmoc";

/// Valkey has no events of what is overwritten.
const CLASSES_OF_VALKEY: &str = "CONFIG SET notify-keyspace-events KEAnm";

/// Where the commands are told from each other.
const MARKER: &str = "after";

const LENGTH: usize = 60;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Somebody who runs commands, and somebody who listens.
trait Side {
    fn run(&mut self, batch: &[Command]) -> Vec<Reply>;
    /// Everything that was heard up to the marker with this text.
    fn heard(&mut self, last: &[u8]) -> Vec<Reply>;
}

struct Here {
    client: Client,
    listener: Client,
}

impl Here {
    fn new() -> Self {
        let store = Store::memory_with(&[("save", "")]).unwrap();
        let (mut client, mut listener) = (store.client(), store.client());
        client.execute(&argv(CLASSES)).unwrap();
        // A subscription has no reply.
        drop(listener.execute(&argv(&subscription())));
        Self { client, listener }
    }
}

fn subscription() -> String {
    format!("PSUBSCRIBE __keyspace@*__:* __keyevent@*__:* {MARKER}")
}

impl Side for Here {
    fn run(&mut self, batch: &[Command]) -> Vec<Reply> {
        let run = |argv: &Command| match self.client.execute(argv) {
            Ok(reply) => convert(reply),
            Err(e) => persistkv_tests::engine::error(&e),
        };
        batch.iter().map(run).collect()
    }

    fn heard(&mut self, _: &[u8]) -> Vec<Reply> {
        let shown = |push: &Push| match push {
            Push::Parts(parts) => Reply::Array(parts.iter().cloned().map(convert).collect()),
            Push::Line(line) => Reply::Status(line.clone().into_bytes()),
        };
        self.listener.outbox().take_all().unwrap().iter().map(|push| shown(push)).collect()
    }
}

struct There {
    client: Connection,
    listener: Connection,
}

impl There {
    fn new(tag: &str, server: &Server) -> Self {
        let (mut client, mut listener) = (server.connect(), server.connect());
        let classes = if tag.starts_with('v') { CLASSES_OF_VALKEY } else { CLASSES };
        assert!(!client.line(classes).is_error(), "{tag} tells of other classes");
        listener.send(&argv(&subscription())).unwrap();
        // One confirmation for each pattern.
        (0..3).for_each(|_| drop(listener.read_reply().unwrap()));
        Self { client, listener }
    }
}

impl Side for There {
    fn run(&mut self, batch: &[Command]) -> Vec<Reply> {
        self.client.commands(batch)
    }

    fn heard(&mut self, last: &[u8]) -> Vec<Reply> {
        let mut heard = Vec::new();
        loop {
            let message = self.listener.read_reply().unwrap();
            let done = marker(&message) == Some(last);
            heard.push(message);
            if done {
                return heard;
            }
        }
    }
}

/// The text of a marker.
fn marker(message: &Reply) -> Option<&[u8]> {
    match message.items()? {
        [_, _, channel, text] if channel.bytes() == Some(MARKER.as_bytes()) => text.bytes(),
        _ => None,
    }
}

fn words(words: &[&str]) -> Command {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// A sequence as it is run: each command is followed by a marker with its number. Random members that were taken out
/// take the rest with them.
fn marked(sequence: &[Command]) -> Vec<Command> {
    let mut batch: Vec<Command> = vec![words(&["PUBLISH", MARKER, "begin"])];
    for (at, argv) in sequence.iter().enumerate() {
        batch.push(argv.clone());
        batch.push(words(&["PUBLISH", MARKER, &at.to_string()]));
        if argv[0].eq_ignore_ascii_case(b"SPOP")
            && let Some(key) = argv.get(1)
        {
            batch.push(vec![b"DEL".to_vec(), key.clone()]);
            batch.push(words(&["PUBLISH", MARKER, &format!("rest {at}")]));
        }
    }
    batch.extend([words(&["DISCARD"]), words(&["PUBLISH", MARKER, "end"])]);
    batch
}

/// What was heard: `event key` by channel, in order, a portion for each marker.
fn portions(heard: &[Reply]) -> Vec<(String, Vec<String>)> {
    let mut portions = vec![(String::new(), Vec::new())];
    for message in heard {
        if let Some(text) = marker(message) {
            portions.push((String::from_utf8_lossy(text).into_owned(), Vec::new()));
            continue;
        }
        let Some([kind, _, channel, text]) = message.items() else { continue };
        let shown = |part: &Reply| part.bytes().unwrap_or_default().escape_ascii().to_string();
        let (kind, channel, text) = (shown(kind), shown(channel), shown(text));
        // When a key that is due is deleted is up to everybody.
        if kind == "pmessage" && !channel.ends_with(":expired") && text != "expired" {
            portions.last_mut().unwrap().1.push(format!("{channel} {text}"));
        }
    }
    portions
}

fn reset(side: &mut dyn Side) {
    side.run(&["DISCARD", "UNWATCH", "SELECT 0", "FLUSHALL", "PUBLISH after reset"].map(argv));
    side.heard(b"reset");
}

/// What somebody said and what was heard.
struct Account {
    portions: Vec<(String, Vec<String>)>,
    replies: Vec<Reply>,
}

fn account(side: &mut dyn Side, batch: &[Command]) -> Account {
    reset(side);
    let replies = side.run(batch);
    Account { portions: portions(&side.heard(b"end")), replies }
}

/// Whether one is a refusal and the other is not, be it inside of a transaction.
fn disagree(a: &Reply, b: &Reply) -> bool {
    match (a.items(), b.items()) {
        (Some(a), Some(b)) => a.iter().zip(b).any(|(a, b)| disagree(a, b)),
        _ => a.is_error() != b.is_error(),
    }
}

/// Where in a batch it is settled what the command before this marker has done: in a transaction that is its end.
fn settled(batch: &[Command], text: &str) -> usize {
    let is = |argv: &Command, name: &[u8]| argv[0].eq_ignore_ascii_case(name);
    let at = batch.iter().position(|argv| is(argv, b"PUBLISH") && argv[2] == text.as_bytes());
    let at = at.unwrap_or(batch.len() - 1);
    let queues = batch[..at].iter().fold(false, |queues, argv| {
        is(argv, b"MULTI") || (queues && !is(argv, b"EXEC") && !is(argv, b"DISCARD"))
    });
    let end = batch[at..].iter().position(|argv| is(argv, b"EXEC")).filter(|_| queues);
    at + end.unwrap_or(0)
}

/// Whether a command may set a time that is over: Valkey 9 tells of that as `expired`, Redis as `del`.
fn may_be_over(argv: &Command) -> bool {
    let has = |text: &[u8], part: &[u8]| text.to_ascii_uppercase().windows(part.len()).any(|at| at == part);
    has(&argv[0], b"EXPIRE") || argv.iter().any(|arg| has(arg, b"EXAT") || has(arg, b"PXAT"))
}

/// Whether it tells that something was overwritten.
fn is_of_overwriting(line: &str) -> bool {
    ["overwritten", "type_changed"]
        .iter()
        .any(|name| line.contains(&format!("__:{name} ")) || line.ends_with(&format!(" {name}")))
}

fn is_del(line: &str) -> bool {
    line.contains("__:del ") || line.ends_with(" del")
}

/// What of a sequence is heard differently from every judge: after which command, and what was heard. Who refuses what we
/// do not, or the other way round, judges no further: his data are different ones.
fn difference(
    here: &mut Here,
    judges: &mut [(&str, There)],
    sequence: &[Command],
) -> Option<(usize, String)> {
    let batch = marked(sequence);
    let ours = account(here, &batch);
    let theirs: Vec<_> = judges.iter_mut().map(|(name, judge)| (*name, account(judge, &batch))).collect();
    let astray = |theirs: &Account| {
        ours.replies.iter().zip(&theirs.replies).position(|(ours, theirs)| disagree(ours, theirs))
    };
    for (at, (before, heard)) in ours.portions.iter().enumerate() {
        let next = ours.portions.get(at + 1).map_or("end", |(marker, _)| marker);
        let command = next.trim_start_matches("rest ").parse().unwrap_or(sequence.len() - 1);
        let until = settled(&batch, next);
        let mut judging = theirs.iter().filter(|(_, theirs)| astray(theirs).is_none_or(|at| at > until));
        // The members of sorted sets are not visited in order.
        let unordered = sequence[command][0].to_ascii_uppercase().starts_with(b"SORT");
        let overwriting = |heard: &[String]| -> Vec<String> {
            heard.iter().filter(|line| is_of_overwriting(line)).cloned().collect()
        };
        // Only one judge knows of that, and the other is not to overrule it.
        let overwrites_alike = |(name, theirs): &(&str, Account)| {
            *name != "r82"
                || theirs
                    .portions
                    .get(at)
                    .is_some_and(|(_, theirs)| overwriting(theirs) == overwriting(heard))
        };
        let all = heard;
        let same = |(name, theirs): &(&str, Account)| {
            let told = |line: &&String| *name == "r82" || !is_of_overwriting(line);
            let heard: &Vec<String> = &all.iter().filter(told).cloned().collect();
            // See below.
            if *name == "v91" && may_be_over(&sequence[command]) && heard.iter().all(|line| is_del(line)) {
                return theirs.portions.get(at).is_some_and(|(_, theirs)| theirs.is_empty());
            }
            theirs.portions.get(at).is_some_and(|(marker, theirs)| {
                let sorted = |lines: &[String]| {
                    let mut lines = lines.to_vec();
                    lines.sort_unstable();
                    lines
                };
                marker == before && (theirs == heard || (unordered && sorted(theirs) == sorted(heard)))
            })
        };
        judging.clone().next()?;
        if !judging.clone().all(overwrites_alike) || !judging.any(same) {
            let mut text = format!("here {heard:?}");
            for (name, theirs) in &theirs {
                text += &format!("\n{name}  {:?}", theirs.portions.get(at).map(|(_, heard)| heard));
            }
            return Some((command, text));
        }
    }
    None
}

/// Leaves out what is not needed for a difference.
fn shortest(
    here: &mut Here,
    judges: &mut [(&str, There)],
    mut sequence: Vec<Command>,
    mut found: String,
) -> String {
    let mut at = sequence.len();
    while at > 0 {
        at -= 1;
        let mut shorter = sequence.clone();
        shorter.remove(at);
        if !shorter.is_empty()
            && let Some((_, still)) = difference(here, judges, &shorter)
        {
            (sequence, found) = (shorter, still);
        }
    }
    let lines: Vec<String> = sequence.iter().map(|argv| command_line(argv)).collect();
    format!("{}\n{found}", lines.join("\n"))
}

fn judge(tags: &[&'static str], family: &Family, sequences: u64) {
    let mut servers = Vec::new();
    for tag in tags {
        servers.push((*tag, skip_unless_server!(tag)));
    }
    let mut judges: Vec<_> = servers.iter().map(|(tag, server)| (*tag, There::new(tag, server))).collect();
    let mut here = Here::new();
    for side in judges.iter_mut().map(|(_, judge)| judge as &mut dyn Side).chain([&mut here as &mut dyn Side])
    {
        side.run(&[words(&["PUBLISH", MARKER, "begun"])]);
        side.heard(b"begun");
    }
    let mut generator = Generator::new(family);
    let mut known_to_all = |name: &[u8]| {
        let ask = vec![b"COMMAND".to_vec(), b"INFO".to_vec(), name.to_vec()];
        let mut sides = judges.iter_mut().map(|(_, judge)| judge as &mut dyn Side);
        // What is heard is not to change, and nothing is to stop the rest.
        ![&b"CONFIG"[..], b"DEBUG"].contains(&name)
            && sides.all(|side| {
                side.run(std::slice::from_ref(&ask))[0]
                    .items()
                    .is_some_and(|items| items.first().is_some_and(|item| item.items().is_some()))
            })
    };
    generator.keep(&mut known_to_all);
    let first = number("PERSISTKV_DIFF_SEED", 1);
    let mut reports = BTreeMap::new();
    for seed in first..first + number("PERSISTKV_DIFF_SEQUENCES", sequences) {
        let mut sequence = generator.sequence(seed, LENGTH);
        sequence.retain(|argv| !known::ENGINE.avoids(argv) && (*tags != ["v91"] || !may_be_over(argv)));
        if let Some((at, found)) = difference(&mut here, &mut judges, &sequence) {
            let name = sequence[at].first().map(|name| name.to_ascii_uppercase());
            sequence.truncate(at + 1);
            // Of each command one difference will do.
            reports.entry(name).or_insert_with(|| {
                format!("seed {seed}:\n{}", shortest(&mut here, &mut judges, sequence, found))
            });
        }
    }
    let reports: Vec<String> = reports.into_values().collect();
    assert!(reports.is_empty(), "{}", reports.join("\n\n"));
}

const BOTH: [&str; 2] = ["r82", "v91"];

#[test]
fn strings() {
    judge(&BOTH, &families::STRINGS, 200);
}

#[test]
fn keys() {
    judge(&BOTH, &families::KEYS, 200);
}

#[test]
fn lists() {
    judge(&BOTH, &families::LISTS, 200);
}

#[test]
fn sets() {
    judge(&BOTH, &families::SETS, 200);
}

#[test]
fn hashes() {
    judge(&BOTH, &families::HASHES, 200);
}

#[test]
fn sorted_sets() {
    judge(&BOTH, &families::SORTED_SETS, 200);
}

#[test]
fn transactions() {
    judge(&BOTH, &families::TRANSACTIONS, 200);
}

#[test]
fn bitmaps() {
    judge(&BOTH, &families::BITMAPS, 200);
}

#[test]
fn hyperloglogs() {
    judge(&BOTH, &families::HYPERLOGLOGS, 200);
}

#[test]
fn places() {
    judge(&BOTH, &families::GEO, 200);
}

#[test]
fn sorting() {
    judge(&BOTH, &families::SORTING, 200);
}

#[test]
fn streams() {
    judge(&BOTH, &families::STREAMS, 200);
}

#[test]
fn references_to_entries() {
    judge(&["r82"], &families::STREAM_REFERENCES, 200);
}

#[test]
fn waiting() {
    judge(&BOTH, &families::BLOCKING, 20);
}

#[test]
fn fields_that_expire() {
    judge(&["r82"], &families::FIELD_EXPIRY, 200);
}

#[test]
fn what_only_valkey_has() {
    judge(&["v91"], &families::VALKEY, 200);
}

/// Everything up to the first message of an event.
fn until(mut next: impl FnMut() -> Reply, event: &str) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        let message = next();
        let Some([_, _, channel, key]) = message.items() else { continue };
        let shown = |part: &Reply| String::from_utf8_lossy(part.bytes().unwrap_or_default()).into_owned();
        heard.push(format!("{} {}", shown(channel), shown(key)));
        if heard.last().is_some_and(|last| last.starts_with(&format!("__keyevent@0__:{event} "))) {
            return heard;
        }
    }
}

/// What nobody asked for in a command: keys and fields whose time is over, found by the background; keys that make room.
#[test]
fn what_happens_by_itself() {
    let scenes: [(&[&str], &str); 3] = [
        (&["SET k v PX 1"], "expired"),
        (&["HSET h f v", "HPEXPIRE h 1 FIELDS 1 f"], "del"),
        (&["SET k v", "CONFIG SET maxmemory-policy allkeys-random", "CONFIG SET maxmemory 1"], "evicted"),
    ];
    for (commands, event) in scenes {
        let batch: Vec<Command> = commands.iter().map(|line| argv(line)).collect();
        let mut here = Here::new();
        here.run(&batch);
        let outbox = here.listener.outbox();
        let next = || match outbox.next(Some(std::time::Duration::from_secs(60))).unwrap().as_deref() {
            Some(Push::Parts(parts)) => Reply::Array(parts.iter().cloned().map(convert).collect()),
            other => panic!("{event} never came: {other:?}"),
        };
        let ours = until(next, event);
        for tag in BOTH {
            let server = skip_unless_server!(tag);
            let mut there = There::new(tag, &server);
            there.run(&batch);
            let theirs = until(|| there.listener.read_reply().unwrap(), event);
            assert_eq!(ours, theirs, "{tag}: {commands:?}");
        }
    }
}
