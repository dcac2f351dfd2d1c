//! Rewrites: the trigger, the ways out, turning the log on; and the checker.

use super::*;
use crate::aof::check::{check_dir, check_file, fix};

fn base(rewrite: &mut Rewrite, text: &str) {
    let mut out = rewrite.create_base(true).expect("a base");
    let mut bytes = b"REDIS0011".to_vec();
    bytes.push(text.len() as u8);
    bytes.extend_from_slice(text.as_bytes());
    std::io::Write::write_all(&mut out, &bytes).expect("writes");
}

fn names(disk: &SimFs) -> Vec<String> {
    disk.files().into_keys().filter_map(|p| Some(p.file_name()?.to_str()?.to_owned())).collect()
}

#[test]
fn an_abort_before_the_cut_leaves_no_trace() {
    let disk = SimFs::new();
    let (log, _) = open(&disk, Policy::EverySec);
    set(&log, "a", "1");
    let before = names(&disk);
    let mut rewrite = log.begin_rewrite().expect("begins");
    set(&log, "b", "1");
    base(&mut rewrite, "junk");
    rewrite.abort();
    assert_eq!(names(&disk), before);
    set(&log, "c", "1");
    log.close().expect("closes");
    assert_eq!(try_load(&disk).expect("loads").0, ["SET a 1", "SET b 1", "SET c 1"]);
}

#[test]
fn aborts_after_the_cut_add_files_and_the_next_commit_replaces_them_all() {
    let disk = SimFs::new();
    let (log, _) = open(&disk, Policy::Always);
    let mut expected = Vec::new();
    for i in 0..4 {
        set(&log, &format!("k{i}"), "1");
        expected.push(format!("SET k{i} 1"));
        let mut rewrite = log.begin_rewrite().expect("begins");
        rewrite.switch().expect("switches");
        base(&mut rewrite, "junk");
        rewrite.abort();
        assert_eq!(try_load_copy(&disk), expected);
    }
    assert_eq!(log.stats().rewrite_failures, 4);
    let mut rewrite = log.begin_rewrite().expect("begins");
    rewrite.switch().expect("switches");
    base(&mut rewrite, "all");
    rewrite.commit().expect("commits");
    log.close().expect("closes");
    assert_eq!(try_load(&disk).expect("loads").0, ["base all"]);
    let expected = ["appendonly.aof.1.base.rdb", "appendonly.aof.6.incr.aof", "appendonly.aof.manifest"];
    assert_eq!(names(&disk), expected);
}

/// What another process would load now, without changing anything.
fn try_load_copy(disk: &SimFs) -> Vec<String> {
    let copy = SimFs::new();
    for (path, content) in disk.files() {
        copy.put_file(path, &content);
    }
    try_load(&copy).expect("loads").0
}

#[test]
fn only_one_at_a_time() {
    let disk = SimFs::new();
    let (log, _) = open(&disk, Policy::No);
    let rewrite = log.begin_rewrite().expect("begins");
    let error = log.begin_rewrite().err().expect("one is running");
    assert_eq!(error.message(), "ERR Background append only file rewriting already in progress");
    assert!(log.stats().rewriting);
    drop(rewrite);
    assert!(log.begin_rewrite().is_ok());
}

#[test]
fn is_due_when_it_has_grown_enough() {
    let disk = SimFs::new();
    let (log, _) = open(&disk, Policy::No);
    set(&log, "a", &"x".repeat(1000));
    assert!(log.rewrite_due(100, 500), "the base was empty");
    assert!(!log.rewrite_due(100, 5000) && !log.rewrite_due(0, 500));
    let mut rewrite = log.begin_rewrite().expect("begins");
    assert!(!log.rewrite_due(100, 500), "one is running");
    rewrite.switch().expect("switches");
    base(&mut rewrite, &"y".repeat(200));
    rewrite.commit().expect("commits");
    let after = log.stats();
    assert_eq!(after.current_bytes, after.base_bytes);
    assert!(!log.rewrite_due(100, 0));
    set(&log, "a", &"x".repeat(after.base_bytes as usize));
    assert!(log.rewrite_due(100, 0));
    for i in 0..3 {
        assert!(log.rewrite_due(100, 0), "after {i} failures");
        drop(log.begin_rewrite().expect("begins"));
    }
    assert!(!log.rewrite_due(100, 0), "pauses after three failures");
    assert!(log.begin_rewrite().is_ok(), "by hand it may be tried");
}

#[test]
fn the_log_can_be_turned_on_while_the_store_is_in_use() {
    for stale in [false, true] {
        for crash in [false, true] {
            let disk = SimFs::new();
            super::fs::create(&disk);
            if stale {
                let (log, _) = open(&disk, Policy::No);
                set(&log, "stale", "1");
                log.close().expect("closes");
            }
            let before: Vec<String> = if stale { vec!["SET stale 1".to_owned()] } else { vec![] };
            let sim = Arc::new(disk.clone());
            let (log, mut rewrite) =
                Log::enable(sim, Layout::new("/d"), options(Policy::Always)).expect("turns on");
            set(&log, "new", "1");
            log.sync().expect("syncs");
            assert!(log.stats().waiting);
            if crash {
                std::mem::forget((log, rewrite));
                assert_eq!(try_load(&disk).expect("loads").0, before);
                continue;
            }
            base(&mut rewrite, "memory");
            rewrite.commit().expect("commits");
            let lsn = set(&log, "newer", "1");
            log.wait_durable(lsn).expect("durable");
            assert!(!log.stats().waiting);
            std::mem::forget(log);
            disk.reboot();
            let (got, opened) = try_load(&disk).expect("loads");
            assert_eq!(got, ["base memory", "SET new 1", "SET newer 1"]);
            assert!(opened.report.lost.is_empty() && opened.report.power_cut);
        }
    }
}

#[test]
fn turning_on_can_be_tried_again_and_given_up() {
    let disk = SimFs::new();
    super::fs::create(&disk);
    let (log, rewrite) =
        Log::enable(Arc::new(disk.clone()), Layout::new("/d"), options(Policy::No)).expect("turns on");
    rewrite.abort();
    set(&log, "a", "1");
    let mut rewrite = log.begin_rewrite().expect("begins again");
    rewrite.switch().expect("switches");
    set(&log, "b", "1");
    base(&mut rewrite, "a");
    rewrite.commit().expect("commits");
    log.close().expect("closes");
    assert_eq!(try_load(&disk).expect("loads").0, ["base a", "SET b 1"]);
    assert_eq!(names(&disk).len(), 3, "{:?}", names(&disk));

    let disk = SimFs::new();
    super::fs::create(&disk);
    let (log, rewrite) =
        Log::enable(Arc::new(disk.clone()), Layout::new("/d"), options(Policy::No)).expect("turns on");
    set(&log, "a", "1");
    rewrite.abort();
    log.close().expect("closes");
    assert_eq!(names(&disk), Vec::<String>::new());
}

#[test]
fn the_checker_finds_what_a_load_would_refuse_and_can_cut_it() {
    let disk = SimFs::new();
    let (log, _) = open(&disk, Policy::No);
    for i in 0..20 {
        set(&log, &format!("k{i}"), "1");
        log.sync().expect("syncs");
    }
    log.close().expect("closes");
    let layout = Layout::new("/d");
    let check = check_dir(&disk, &layout, &mut Recorder::default()).expect("checks");
    assert!(check.is_sound() && !check.unclean && check.orphans.is_empty());
    // 20 records and a SELECT.
    assert_eq!((check.files[0].commands, check.files[0].check_lines), (21, 20));
    assert_eq!(fix(&disk, &layout, &mut Recorder::default()).expect("nothing to do"), None);

    let name = "/d/appendonlydir/appendonly.aof.1.incr.aof";
    let mut content = disk.content(name).expect("the file");
    let middle =
        content.len() / 2 + content[content.len() / 2..].iter().position(|&b| b == b'*').expect("a record");
    content[middle] = b'!';
    disk.put_file(name, &content);
    let check = check_dir(&disk, &layout, &mut Recorder::default()).expect("checks");
    assert!(!check.is_sound());
    assert!(try_load(&disk).is_err());
    let (file, offset, kept) = fix(&disk, &layout, &mut Recorder::default()).expect("cuts").expect("damage");
    assert_eq!(file, "appendonly.aof.1.incr.aof");
    assert_eq!(disk.content(format!("/d/appendonlydir/{kept}")), Some(content[offset as usize..].to_vec()));
    let (got, _) = try_load(&disk).expect("loads");
    assert!(!got.is_empty() && got.len() < 20);
    let one = check_file(&disk, name.as_ref(), &mut Recorder::default()).expect("checks");
    assert_eq!((one.damage, one.sound_bytes), (None, offset));
}

#[test]
fn an_edited_log_has_a_check_line_that_does_not_hold_and_loads_all_the_same() {
    let disk = SimFs::new();
    let (log, _) = open(&disk, Policy::No);
    set(&log, "a", "1");
    log.sync().expect("syncs");
    set(&log, "b", "1");
    log.close().expect("closes");
    let name = "/d/appendonlydir/appendonly.aof.1.incr.aof";
    let content = String::from_utf8(disk.content(name).expect("the file")).expect("text");
    disk.put_file(name, content.replacen("$1\r\na\r\n", "$1\r\nz\r\n", 1).as_bytes());
    let one = check_file(&disk, name.as_ref(), &mut Recorder::default()).expect("checks");
    assert_eq!((one.check_lines, one.bad_check_lines.len(), one.damage), (1, 1, None));
    assert_eq!(try_load(&disk).expect("loads").0, ["SET z 1", "SET b 1"]);
}
