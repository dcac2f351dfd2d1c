//! The snapshots of eight real servers: they load, and nothing of them is lost on the way through our writer. That what
//! is loaded is what the servers had is tested where the descriptions are read, in the tests crate.

use std::fs;
use std::path::Path;

use super::*;

const SERVERS: [&str; 8] = [
    "redis-6.2.5",
    "redis-7.0.15",
    "redis-7.2.6",
    "redis-7.4.1",
    "redis-8.2.3",
    "valkey-8.0.1",
    "valkey-8.1.8",
    "valkey-9.1.2",
];

fn dump(server: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(server).join("dump.rdb");
    fs::read(path).expect("fixtures are in the repository")
}

#[test]
fn snapshots_of_real_servers_are_sound() {
    for server in SERVERS {
        let data = dump(server);
        let (keep, report) = read(&data, &LoadOptions::default()).expect(server);
        assert_eq!(report.bytes, data.len() as u64, "{server}");
        assert_eq!(report.checksum, Checksum::Verified, "{server}");
        assert_eq!(report.format.family == Family::Valkey, server == "valkey-9.1.2", "{server}");
        assert_eq!(keep.functions.len(), usize::from(server != "redis-6.2.5"), "{server}");
        let sets = |kind: &str| keep.keys.values().filter(|got| got.encoding == kind).count();
        for encoding in
            ["int", "embstr", "raw", "listpack", "quicklist", "intset", "hashtable", "skiplist", "stream"]
        {
            assert!(sets(encoding) > 0, "{server}: {encoding}");
        }
        let field_expiry = matches!(server, "redis-7.4.1" | "redis-8.2.3" | "valkey-9.1.2");
        assert_eq!(sets("listpackex") > 0, field_expiry, "{server}");
        let checked = check::check(&mut &data[..], &LoadOptions::default(), 0).expect("no I/O errors");
        assert!(checked.is_sound(), "{server}: {:?}", checked.problem);
        assert!(checked.loads(), "{server}");
        assert_eq!(checked.keys(), report.keys + report.left_out - keep.functions.len() as u64, "{server}");
        assert_eq!(checked.types["stream"], sets("stream") as u64, "{server}");
        assert_eq!(checked.file.aux, report.aux);
        assert_eq!(checked.functions.len(), keep.functions.len());
        assert_eq!(checked.expiring, keep.keys.values().filter(|got| got.expiry.is_some()).count() as u64);
    }
}

/// What a target can not hold (functions, in a build without Lua) ends the load of a store with an error that says so and names the file.
#[test]
fn what_is_not_supported_is_named() {
    for (server, wanted) in [
        ("redis-7.2.6", "; open the data with a server"),
        ("redis-7.2.6", "function libraries can not be held"),
    ] {
        let mut keep = Keep { strict: true, ..Keep::default() };
        let options = LoadOptions { file: "/data/dump.rdb".into(), ..LoadOptions::default() };
        let error = load(&mut &dump(server)[..], &options, &mut keep).expect_err("it has functions");
        assert!(error.message().contains(wanted), "{error}");
        assert!(error.message().starts_with("/data/dump.rdb: at byte "), "{error}");
    }
}

#[test]
fn snapshots_of_real_servers_survive_our_writer() {
    for server in SERVERS {
        let (keep, report) = read(&dump(server), &LoadOptions::default()).expect(server);
        for level in [Level::V9, Level::V10, Level::V11, Level::V12, Level::Valkey] {
            let keys: Vec<_> = keep
                .values
                .iter()
                .map(|(name, value)| (head(name.0, &name.1, keep.keys[name].expiry), value))
                .collect();
            let options = WriteOptions { level, aux: report.foreign_aux(), ..WriteOptions::default() };
            let bytes = write(options, &keys).expect("a vector takes everything");
            let (again, report) = read(&bytes, &LoadOptions::default()).expect(server);
            let family = if level == Level::Valkey { Family::Valkey } else { Family::Redis };
            assert_eq!(report.format, Format { family, version: level.version() });
            assert_eq!(again.keys.len(), keep.keys.len());
            for (name, got) in &again.keys {
                let before = keep.keys[name].clone();
                let wanted = (before.value.at_level(level), before.expiry);
                assert_eq!((&got.value, got.expiry), (&wanted.0, wanted.1), "{server} {name:?}");
            }
        }
    }
}
