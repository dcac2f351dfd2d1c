//! Every pitfall of other servers' loaders that concerns the log, and every kind of damage.

use super::*;
use crate::ErrorKind;

const FOLDER: &str = "/d/appendonlydir";

fn path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

fn command(words: &str) -> Vec<u8> {
    let mut out = Vec::new();
    crate::resp::encode_command(&mut out, &words.split(' ').collect::<Vec<_>>());
    out
}

fn commands(list: &[&str]) -> Vec<u8> {
    list.iter().flat_map(|words| command(words)).collect()
}

/// A directory with a manifest that lists these files: a base first if the name says so.
fn directory(files: &[(&str, &[u8])]) -> SimFs {
    let disk = SimFs::new();
    let mut manifest = String::new();
    for (i, (name, content)) in files.iter().enumerate() {
        let kind = if name.contains("base") { 'b' } else { 'i' };
        manifest.push_str(&format!("file {name} seq {} type {kind}\n", i + 1));
        disk.put_file(path(name), content);
    }
    disk.put_file(path("appendonly.aof.manifest"), manifest.as_bytes());
    disk
}

fn refusal(disk: &SimFs) -> String {
    let before = disk.files();
    let error = try_load(disk).expect_err("must be refused");
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(disk.files(), before, "a refused log is left untouched");
    error.message().to_owned()
}

#[test]
fn loads_files_in_the_order_of_the_manifest() {
    let disk = directory(&[
        ("x.base.rdb", b"REDIS0011\x01A"),
        ("y.incr.aof", &commands(&["SET b 1"])),
        ("z.incr.aof", &commands(&["SET c 1"])),
    ]);
    let (got, opened) = try_load(&disk).expect("loads");
    assert_eq!(got, ["base A", "SET b 1", "SET c 1"]);
    assert_eq!(opened.tail.map(|t| t.name), Some("z.incr.aof".to_owned()));
    assert_eq!(opened.report, LoadReport { files: 3, commands: 2, ..LoadReport::default() });
}

#[test]
fn any_file_may_start_with_an_rdb_whatever_its_name() {
    let mut tail = b"REDIS0011\x01A".to_vec();
    tail.extend(commands(&["SET b 1"]));
    let disk = directory(&[("x.base.aof", &tail), ("y.incr.aof", b"VALKEY080\x01C")]);
    assert_eq!(try_load(&disk).expect("loads").0, ["base A", "SET b 1", "base C"]);
}

#[test]
fn annotations_and_lone_line_feeds_are_understood() {
    let content = b"#TS:1795330086\r\n*1\n$4\nPINGxx#note\n*1\r\n$4\r\nPONG\r\n";
    let disk = directory(&[("y.incr.aof", content)]);
    assert_eq!(try_load(&disk).expect("loads").0, ["PING", "PONG"]);
}

/// Cut at every byte: always a prefix of whole commands, always the same at the next start, never a half transaction.
/// (Pitfall 5: other servers cut inside the transaction and lose later writes for ever.)
#[test]
fn every_truncation_of_the_last_file_is_cut_back_to_outside_a_transaction() {
    let steps = ["SET a 1", "MULTI", "SET b 1", "SET c 1", "EXEC", "SET d 1"];
    let content = commands(&steps);
    for cut in 0..content.len() {
        let disk = directory(&[("w.incr.aof", &commands(&["SET z 1"])), ("y.incr.aof", &content[..cut])]);
        let (got, opened) = try_load(&disk).expect("loads");
        let whole = |n: usize| commands(&steps[..n]).len() <= cut;
        let mut expected = vec!["SET z 1"];
        if whole(1) {
            expected.push("SET a 1");
        }
        if whole(5) {
            expected.extend(["SET b 1", "SET c 1"]);
        }
        assert_eq!(got, expected, "cut at {cut}");
        let end = if whole(5) {
            commands(&steps[..5]).len()
        } else if whole(1) {
            commands(&steps[..1]).len()
        } else {
            0
        };
        assert_eq!(disk.content(path("y.incr.aof")).map(|c| c.len()), Some(end), "cut at {cut}");
        assert_eq!(
            opened.report.lost.iter().map(|l| l.bytes).sum::<u64>(),
            (cut - end) as u64,
            "cut at {cut}"
        );
        // What is written now is there at the next start.
        let log =
            Log::open(Arc::new(disk.clone()), Layout::new("/d"), opened, options(Policy::No)).expect("opens");
        set(&log, "new", "1");
        log.close().expect("closes");
        let (again, opened) = try_load(&disk).expect("loads again");
        expected.push("SET new 1");
        assert_eq!(again, expected, "cut at {cut}");
        assert!(opened.report.lost.is_empty());
    }
}

#[test]
fn a_torn_tail_is_an_error_when_the_user_wants_one() {
    let content = commands(&["SET a 1", "SET b 1"]);
    let disk = directory(&[("y.incr.aof", &content[..content.len() - 3])]);
    let before = disk.files();
    let strict = LoadOptions { truncated: false, ..LoadOptions::default() };
    let error = load(&disk, &Layout::new("/d"), &strict, &mut Recorder::default()).expect_err("strict");
    assert!(
        error.message().contains("y.incr.aof") && error.message().contains("aof-load-truncated"),
        "{error}"
    );
    assert_eq!(disk.files(), before);
}

/// Pitfall 6: other servers cut such a file to nothing.
#[test]
fn a_torn_first_command_behind_an_rdb_is_cut_back_to_the_rdb() {
    let mut content = b"REDIS0009\x01A".to_vec();
    content.extend_from_slice(b"*2\r\n$6\r\nSELECT\r\n$1");
    let disk = SimFs::new();
    disk.put_file("/d/appendonly.aof", &content);
    let (got, opened) = try_load(&disk).expect("loads");
    assert_eq!(got, ["base A"]);
    assert!(opened.report.upgraded);
    assert_eq!(disk.content(path("appendonly.aof")), Some(b"REDIS0009\x01A".to_vec()));
    assert_eq!(try_load(&disk).expect("loads again").0, ["base A"]);
}

/// Pitfall 7: other servers cut the file before they refuse it, and accept it at the second try.
#[test]
fn a_torn_file_that_is_not_the_last_is_refused_and_untouched() {
    let content = commands(&["SET a 1", "SET b 1"]);
    let torn = &content[..content.len() - 3];
    let disk = directory(&[("y.incr.aof", torn), ("z.incr.aof", &commands(&["SET c 1"]))]);
    let message = refusal(&disk);
    assert!(message.contains("y.incr.aof: at byte 27") && message.contains("backup"), "{message}");
    // Filler and annotations are not data: then it is the last.
    let disk = directory(&[("y.incr.aof", torn), ("z.incr.aof", b"#TS:1\r\n####\n")]);
    assert_eq!(try_load(&disk).expect("loads").0, ["SET a 1"]);
}

/// Pitfall 8: other servers append to it, and what it held comes back at the next start.
#[test]
fn files_without_a_manifest_are_neither_loaded_nor_appended_to() {
    let disk = SimFs::new();
    disk.put_file(path("appendonly.aof.1.incr.aof"), &commands(&["SET old 1"]));
    assert!(refusal(&disk).contains("appendonly.aof.1.incr.aof"));
    // An empty one is what an interrupted first start leaves; it is left alone too.
    let disk = SimFs::new();
    disk.put_file(path("appendonly.aof.1.incr.aof"), b"");
    let (log, _) = open(&disk, Policy::No);
    set(&log, "a", "1");
    log.close().expect("closes");
    assert_eq!(disk.content(path("appendonly.aof.1.incr.aof")), Some(vec![]));
    assert_eq!(try_load(&disk).expect("loads").0, ["SET a 1"]);
}

#[test]
fn an_unlisted_file_of_the_next_number_is_never_reused() {
    let disk = directory(&[("appendonly.aof.1.incr.aof", &commands(&["SET a 1"]))]);
    disk.put_file(path("appendonly.aof.2.incr.aof"), &commands(&["SET stale 1"]));
    let (log, _) = open(&disk, Policy::No);
    let mut rewrite = log.begin_rewrite().expect("begins");
    rewrite.switch().expect("switches");
    set(&log, "b", "1");
    rewrite.abort();
    log.close().expect("closes");
    assert_eq!(disk.content(path("appendonly.aof.2.incr.aof")), Some(commands(&["SET stale 1"])));
    assert_eq!(try_load(&disk).expect("loads").0, ["SET a 1", "SET b 1"]);
}

#[test]
fn a_missing_file_is_refused() {
    let disk = directory(&[("y.incr.aof", b"")]);
    disk.remove_file("/d/appendonlydir/y.incr.aof".as_ref()).expect("removes");
    assert!(refusal(&disk).contains("y.incr.aof"));
}

#[test]
fn a_damaged_manifest_is_refused() {
    let disk = directory(&[("y.incr.aof", b"")]);
    disk.put_file(path("appendonly.aof.manifest"), b"file y.incr.aof seq 1\n");
    assert!(refusal(&disk).contains("line 1"));
}

#[test]
fn garbage_and_zeros_are_refused_unless_the_user_allows_so_many_bytes() {
    for garbage in [b"\0\0\0\0".as_slice(), b"\n", b"PING\r\n", b"*x\r\n", b"*1\r\n:4\r\n"] {
        let mut content = commands(&["SET a 1"]);
        content.extend_from_slice(garbage);
        let disk = directory(&[("y.incr.aof", &content)]);
        let message = refusal(&disk);
        assert!(message.contains("y.incr.aof: at byte") && message.contains("check --fix"), "{message}");
        for (max, accepted) in [(garbage.len() - 1, false), (garbage.len(), true)] {
            let allow = LoadOptions { corrupt_tail_max: max as u64, ..LoadOptions::default() };
            let loaded = load(&disk, &Layout::new("/d"), &allow, &mut Recorder::default());
            assert_eq!(loaded.is_ok(), accepted, "{garbage:?}, {max}");
        }
    }
}

/// A flipped digit makes a record swallow the rest of the file. To other servers that is a torn tail.
#[test]
fn a_damaged_length_in_the_middle_is_not_taken_for_a_torn_tail() {
    let mut content = commands(&["SET a 1", "SET b 22", "SET c 1", "SET d 1"]);
    let at = commands(&["SET a 1"]).len();
    assert_eq!(&content[at..at + 4], b"*3\r\n");
    let digit = at + 5;
    content[digit] = b'9';
    content.insert(digit, b'9');
    let disk = directory(&[("y.incr.aof", &content)]);
    let message = refusal(&disk);
    assert!(
        message.contains(&format!("at byte {at}")) && message.contains("whole records follow"),
        "{message}"
    );
}

#[test]
fn every_flipped_bit_gives_an_error_or_whole_commands_and_never_a_panic() {
    let content = commands(&["SELECT 0", "SET a 1", "MULTI", "SET b 1", "EXEC", "SET c 1"]);
    for at in 0..content.len() {
        for bit in 0..8 {
            let mut flipped = content.clone();
            flipped[at] ^= 1 << bit;
            let disk = directory(&[("y.incr.aof", &flipped)]);
            let _ = try_load(&disk);
        }
    }
}

#[test]
fn a_failing_command_names_its_place() {
    struct Refuses;
    impl Target for Refuses {
        fn file(&mut self, _: &str) -> Result<()> {
            Ok(())
        }
        fn preamble(&mut self, _: &mut dyn Read, _: u64) -> Result<u64> {
            Ok(0)
        }
        fn command(&mut self, argv: &[&[u8]], _: u64) -> Result<()> {
            if argv[0] == b"BAD" { Err(crate::Error::syntax()) } else { Ok(()) }
        }
    }
    let disk = directory(&[("y.incr.aof", &commands(&["SET a 1", "MULTI", "BAD", "EXEC"]))]);
    let error = load(&disk, &Layout::new("/d"), &LoadOptions::default(), &mut Refuses).expect_err("refuses");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(error.message(), "y.incr.aof: at byte 42: the command BAD failed: ERR syntax error");
}

/// What servers before Valkey 9.1 leave behind a crash: the open transaction swallows what follows, as it does there.
#[test]
fn stray_multi_and_exec_are_counted() {
    let disk =
        directory(&[("y.incr.aof", &commands(&["MULTI", "SET a 1", "MULTI", "SET b 1", "EXEC", "EXEC"]))]);
    let (got, opened) = try_load(&disk).expect("loads");
    assert_eq!(got, ["SET a 1", "SET b 1"]);
    assert_eq!(opened.report.stray_transactions, 2);
}

#[test]
fn an_old_single_file_is_taken_over_at_any_point_of_the_take_over() {
    let content = commands(&["SELECT 0", "SET a 1"]);
    let fresh = || {
        let disk = SimFs::new();
        disk.put_file("/d/appendonly.aof", &content);
        disk
    };
    let disk = fresh();
    let (got, opened) = try_load(&disk).expect("loads");
    assert_eq!(got, ["SET a 1"]);
    assert!(opened.report.upgraded && opened.tail.is_none());
    assert_eq!(disk.content("/d/appendonly.aof"), None);
    let log =
        Log::open(Arc::new(disk.clone()), Layout::new("/d"), opened, options(Policy::No)).expect("opens");
    set(&log, "b", "1");
    log.close().expect("closes");
    assert_eq!(try_load(&disk).expect("loads").0, ["SET a 1", "SET b 1"]);
    let manifest = disk.content(path("appendonly.aof.manifest")).expect("a manifest");
    let expected = "file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n";
    assert_eq!(String::from_utf8_lossy(&manifest), expected);
    // Interrupted after the manifest, by us or by a server.
    let disk = fresh();
    disk.put_file(path("appendonly.aof.manifest"), b"file appendonly.aof seq 1 type b\n");
    assert_eq!(try_load(&disk).expect("loads").0, ["SET a 1"]);
    // The power cut after any operation.
    let disk = fresh();
    let start = disk.ops().len();
    try_load(&disk).expect("loads");
    let mut random = fastrand::Rng::with_seed(5);
    let mut replayer = crate::fs::sim::crash::Replayer::new("b");
    for (i, op) in disk.ops().iter().enumerate() {
        replayer.step(op);
        for _ in 0..if i >= start { 50 } else { 0 } {
            assert_eq!(try_load(&replayer.after_power_cut(&mut random)).expect("loads").0, ["SET a 1"]);
        }
    }
}

#[test]
fn history_is_deleted_and_no_longer_listed() {
    let disk = directory(&[("y.incr.aof", &commands(&["SET a 1"]))]);
    disk.put_file(path("old.base.rdb"), b"whatever");
    disk.put_file(
        path("appendonly.aof.manifest"),
        b"file old.base.rdb seq 1 type h\nfile gone.incr.aof seq 1 type h\nfile y.incr.aof seq 2 type i\n",
    );
    assert_eq!(try_load(&disk).expect("loads").0, ["SET a 1"]);
    assert_eq!(disk.content(path("old.base.rdb")), None);
    let manifest = disk.content(path("appendonly.aof.manifest")).expect("a manifest");
    assert_eq!(manifest, b"file y.incr.aof seq 2 type i\n");
}

#[test]
fn a_huge_claim_is_a_torn_tail_and_no_allocation() {
    for claim in ["*3\r\n$3\r\nSET\r\n$1\r\na\r\n$999999999999\r\n", "*2147483647\r\n$3\r\nSET\r\n"] {
        let mut content = commands(&["SET a 1"]);
        content.extend_from_slice(claim.as_bytes());
        let (got, opened) = try_load(&directory(&[("y.incr.aof", &content)])).expect("loads");
        assert_eq!(got, ["SET a 1"]);
        assert_eq!(opened.report.lost.len(), 1);
    }
}

/// A server that took the directory over after a kill has appended behind our filler: handing to and fro loses nothing,
/// even when the machine boots in between.
#[test]
fn what_a_server_appended_behind_our_filler_is_kept() {
    for boots in [false, true] {
        let disk = SimFs::new();
        let (log, _) = open(&disk, Policy::EverySec);
        set(&log, "ours", "1");
        std::mem::forget(log);
        let name = path("appendonly.aof.1.incr.aof");
        let mut content = disk.content(&name).expect("the file");
        assert!(content.ends_with(b"#\n"));
        content.extend(commands(&["SELECT 0", "SET theirs 1"]));
        disk.put_file(&name, &content);
        if boots {
            disk.reboot();
        }
        let (log, got) = open(&disk, Policy::EverySec);
        assert_eq!(got, ["SET ours 1", "SET theirs 1"], "boots: {boots}");
        set(&log, "ours", "2");
        log.close().expect("closes");
        assert_eq!(try_load(&disk).expect("loads").0, ["SET ours 1", "SET theirs 1", "SET ours 2"]);
    }
}

/// After a power cut only what check lines prove is taken; the rest is put aside, not destroyed.
#[test]
fn unproven_records_are_put_aside_after_a_power_cut() {
    let disk = SimFs::new();
    let (log, _) = open(&disk, Policy::EverySec);
    set(&log, "a", "1");
    log.sync().expect("syncs");
    set(&log, "b", "1");
    std::mem::forget(log);
    disk.reboot();
    let (got, opened) = try_load(&disk).expect("loads");
    assert_eq!(got, ["SET a 1"]);
    assert!(opened.report.power_cut);
    let [lost] = opened.report.lost.as_slice() else { panic!("{:?}", opened.report) };
    let kept = disk.content(path(lost.kept_as.as_deref().expect("put aside"))).expect("the copy");
    assert_eq!(kept, commands(&["SET b 1"]));
}

/// DEBUG LOADAOF reads a log that is open and appended to.
#[test]
fn a_read_only_load_changes_nothing() {
    let read_only = LoadOptions { read_only: true, ..LoadOptions::default() };
    let mut torn = commands(&["SET a 1", "SET b 1"]);
    torn.truncate(torn.len() - 3);
    let disk = directory(&[("y.incr.aof", &torn)]);
    disk.put_file(path("old.base.rdb"), b"whatever");
    disk.put_file(
        path("appendonly.aof.manifest"),
        b"file old.base.rdb seq 1 type h\nfile y.incr.aof seq 2 type i\n",
    );
    let before = disk.files();
    let mut recorder = Recorder::default();
    let opened = load(&disk, &Layout::new("/d"), &read_only, &mut recorder).expect("loads");
    assert_eq!(recorder.commands, ["SET a 1"]);
    assert_eq!(opened.report.lost.len(), 1);
    assert_eq!(disk.files(), before);
    let disk = SimFs::new();
    disk.put_file("/d/appendonly.aof", &commands(&["SET a 1"]));
    assert!(load(&disk, &Layout::new("/d"), &read_only, &mut Recorder::default()).is_err());
}

/// When a sync failed, the page cache is not to be trusted even in the same boot.
#[test]
fn after_a_failed_sync_only_proven_records_are_taken() {
    use crate::fs::sim::{Call, Fault};
    let disk = SimFs::new();
    let (log, _) = open(&disk, Policy::EverySec);
    set(&log, "a", "1");
    log.sync().expect("syncs");
    set(&log, "b", "1");
    disk.fail_at(|_, call, path| {
        (call == Call::Sync && path.ends_with("appendonly.aof.1.incr.aof")).then_some(Fault::Io)
    });
    assert!(log.sync().is_err());
    disk.heal();
    std::mem::forget(log);
    let (got, opened) = try_load(&disk).expect("loads");
    // The check line behind `b` is in the page cache, so `b` is proven to have been kept there.
    assert_eq!(got, ["SET a 1", "SET b 1"]);
    assert!(opened.report.power_cut);
}
