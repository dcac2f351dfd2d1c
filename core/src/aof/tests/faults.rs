//! Full disks, failing syncs, refused calls: at every call in turn, and what the writer is told.

use super::*;
use crate::ErrorKind;
use crate::fs::sim::{Call, Fault};

fn effects(key: &str, value: &str) -> Effects {
    let mut effects = Effects::new();
    effects.push(0, &["SET", key, value]);
    effects
}

/// Appends as the gate and the command do; `Ok` means acknowledged.
fn write(log: &Log, key: &str, value: &str) -> Result<()> {
    let effects = effects(key, value);
    log.reserve(effects.byte_len())?;
    let lsn = log.append(&effects)?;
    if log.policy() == Policy::Always { log.wait_durable(lsn) } else { Ok(()) }
}

#[test]
fn a_full_disk_refuses_writes_before_they_run_and_takes_them_again() {
    for refuse_mapping in [false, true] {
        let disk = SimFs::new();
        disk.refuse_mapping(refuse_mapping);
        let (log, _) = open(&disk, Policy::EverySec);
        write(&log, "a", "1").expect("room");
        disk.set_capacity(disk.used());
        let mut written = 1;
        let refused = loop {
            match write(&log, "a", &"x".repeat(500)) {
                Ok(()) => written += 1,
                Err(e) => break e,
            }
            assert!(written < 100);
        };
        assert_eq!(refused.kind(), ErrorKind::NotDurable);
        assert!(refused.message().starts_with("MISCONF Errors writing to the AOF file: "), "{refused}");
        assert!(log.stats().write_error.is_some());
        // What was acknowledged can still be synced: room for the check line is always left.
        log.sync().expect("syncs");
        disk.set_capacity(u64::MAX / 2);
        write(&log, "b", "1").expect("room again");
        assert_eq!(log.stats().write_error, None);
        log.close().expect("closes");
        let (got, _) = try_load(&disk).expect("loads");
        assert_eq!(got.len(), written + 1);
        assert_eq!(got.last().map(String::as_str), Some("SET b 1"));
    }
}

/// Effects larger than what was reserved, on a full disk: in memory, told to the writer, and written first when there is
/// room.
#[test]
fn effects_that_do_not_fit_are_kept_in_order() {
    for refuse_mapping in [false, true] {
        let disk = SimFs::new();
        disk.refuse_mapping(refuse_mapping);
        let (log, _) = open(&disk, Policy::No);
        write(&log, "a", "1").expect("room");
        log.reserve(10).expect("room");
        disk.set_capacity(disk.used());
        let big = "x".repeat(20_000);
        assert_eq!(log.append(&effects("big", &big)).expect_err("no room").kind(), ErrorKind::NotDurable);
        assert!(log.append(&effects("small", "1")).is_err(), "behind the big one");
        assert!(log.stats().buffer_bytes > 20_000);
        assert!(log.reserve(10).is_err());
        disk.set_capacity(u64::MAX / 2);
        log.reserve(10).expect("room again");
        assert_eq!(log.stats().buffer_bytes, 0);
        std::mem::forget(log);
        let (got, _) = try_load(&disk).expect("loads");
        assert_eq!(got, ["SET a 1".to_owned(), format!("SET big {big}"), "SET small 1".to_owned()]);
    }
}

#[test]
fn a_failed_sync_latches_and_a_rewrite_into_fresh_files_cures_it() {
    let disk = SimFs::new();
    let (log, _) = open(&disk, Policy::Always);
    write(&log, "a", "1").expect("durable");
    disk.fail_at(|_, call, path| {
        (call == Call::Sync && path.to_string_lossy().ends_with(".1.incr.aof")).then_some(Fault::Io)
    });
    let error = write(&log, "b", "1").expect_err("not durable");
    assert_eq!(error.kind(), ErrorKind::NotDurable);
    disk.heal();
    // A second sync of that file would report success for what was lost; so there is none.
    let syncs = disk.ops().len();
    assert!(log.sync().is_err() && write(&log, "c", "1").is_err() && log.needs_rewrite());
    assert_eq!(disk.ops().len(), syncs, "nothing touches the file");
    let mut rewrite = log.begin_rewrite().expect("begins");
    rewrite.switch().expect("switches");
    assert!(write(&log, "c", "1").is_err(), "not before the commit");
    let mut base = rewrite.create_base(true).expect("a base");
    std::io::Write::write_all(&mut base, b"REDIS0011\x03a,b").expect("writes");
    rewrite.commit().expect("commits");
    write(&log, "c", "1").expect("durable again");
    assert!(!log.needs_rewrite());
    std::mem::forget(log);
    disk.reboot();
    let (got, opened) = try_load(&disk).expect("loads");
    assert_eq!(got, ["base a,b", "SET c 1"]);
    assert!(opened.report.lost.is_empty());
}

/// Everything that can fail fails once, at every place in turn; whatever happens, nothing acknowledged is lost, nothing
/// is half written, and the log either goes on or says that it does not.
#[test]
fn every_call_may_fail_once() {
    for policy in [Policy::Always, Policy::EverySec] {
        for fault in [Fault::NoSpace, Fault::Io, Fault::Short, Fault::Unsupported] {
            let calls = {
                let disk = SimFs::new();
                run(&disk, policy);
                disk.calls()
            };
            assert!(calls > 50);
            for k in 0..calls {
                let disk = SimFs::new();
                disk.fail_at(move |n, _, _| (n == k).then_some(fault));
                let acknowledged = run(&disk, policy);
                disk.heal();
                for boots in [false, true] {
                    if boots {
                        disk.reboot();
                    }
                    let what = format!("{policy:?}, {fault:?} at call {k} of {calls}, boots: {boots}");
                    let (got, _) = try_load(&disk).unwrap_or_else(|e| panic!("{what}: {e}"));
                    check(&got, &acknowledged, &what);
                }
            }
        }
    }
}

/// The records must hold every acknowledged key in order; a key that was refused may be there or not.
fn check(got: &[String], acknowledged: &[u32], what: &str) {
    let mut keys = Vec::new();
    for line in got {
        match line.strip_prefix("base ") {
            Some(list) => keys
                .extend(list.split(',').filter(|s| !s.is_empty()).map(|s| s.parse::<u32>().expect("a key"))),
            None => keys.push(line.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a key")),
        }
    }
    let rising = keys.windows(2).all(|w: &[u32]| w[0] < w[1]);
    assert!(rising, "{what}: {keys:?}");
    let missing: Vec<_> = acknowledged.iter().filter(|key| !keys.contains(key)).collect();
    assert!(missing.is_empty(), "{what}: {missing:?} of {acknowledged:?} are missing in {keys:?}");
}

/// Writes, rewrites, closes, opens again; goes on after every error. Returns the keys that were acknowledged.
fn run(disk: &SimFs, policy: Policy) -> Vec<u32> {
    super::fs::create(disk);
    let mut acknowledged = Vec::new();
    // As the store has it in memory.
    let mut memory: Vec<u32> = Vec::new();
    let mut key = 0;
    for _ in 0..2 {
        let Ok((got, opened)) = try_load(disk) else { return acknowledged };
        memory.clear();
        for line in &got {
            match line.strip_prefix("base ") {
                Some(list) => memory.extend(list.split(',').filter_map(|s| s.parse::<u32>().ok())),
                None => memory.extend(line.split(' ').nth(1).and_then(|s| s.parse::<u32>().ok())),
            }
        }
        let Ok(log) = Log::open(Arc::new(disk.clone()), Layout::new("/d"), opened, options(policy)) else {
            return acknowledged;
        };
        let mut put = |log: &Log, memory: &mut Vec<u32>, acknowledged: &mut Vec<u32>| {
            key += 1;
            let effects = effects(&key.to_string(), &"v".repeat(300));
            if log.reserve(effects.byte_len()).is_err() {
                return;
            }
            memory.push(key);
            let Ok(lsn) = log.append(&effects) else { return };
            if policy == Policy::Always && log.wait_durable(lsn).is_err() {
                return;
            }
            acknowledged.push(key);
        };
        for _ in 0..8 {
            put(&log, &mut memory, &mut acknowledged);
        }
        if policy == Policy::EverySec {
            let _ = log.sync();
        }
        if let Ok(mut rewrite) = log.begin_rewrite() {
            put(&log, &mut memory, &mut acknowledged);
            if rewrite.switch().is_ok() {
                let text = memory.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
                put(&log, &mut memory, &mut acknowledged);
                let written = rewrite.create_base(true).and_then(|mut base| {
                    let mut bytes = b"REDIS0011".to_vec();
                    bytes.push(text.len() as u8);
                    bytes.extend_from_slice(text.as_bytes());
                    std::io::Write::write_all(&mut base, &bytes)
                        .map_err(|e| crate::Error::io("writing", "base".as_ref(), e))
                });
                if written.is_ok() {
                    let _ = rewrite.commit();
                }
            }
        }
        for _ in 0..8 {
            put(&log, &mut memory, &mut acknowledged);
        }
        if policy == Policy::EverySec && log.sync().is_err() {
            // Not synced, and the machine may go down: nothing can be said of the last ones.
            acknowledged.truncate(acknowledged.len().saturating_sub(18));
        }
        if log.close().is_err() {
            std::mem::forget(log);
            return acknowledged;
        }
    }
    acknowledged
}
