//! The four persistence modes: what is on disk after a close, and what comes back.
#![allow(clippy::print_stdout)]

use persistkv::{Reply, Result, Store};

const MODES: [(&str, &[(&str, &str)]); 4] = [
    ("none", &[("save", ""), ("appendonly", "no")]),
    ("snapshot", &[("save", "3600 1 300 100"), ("appendonly", "no")]),
    ("log", &[("save", ""), ("appendonly", "yes"), ("appendfsync", "everysec")]),
    ("both", &[("save", "3600 1"), ("appendonly", "yes")]),
];

fn main() -> Result<()> {
    let root = std::env::args().nth(1).unwrap_or_else(|| "four-modes-data".to_owned());
    for (name, directives) in MODES {
        let dir = format!("{root}/{name}");
        let store = Store::open(&dir, directives)?;
        store.client().execute(&["INCR", "runs"])?;
        store.close()?;

        let mut files: Vec<String> = std::fs::read_dir(&dir)
            .map(|found| {
                found.flatten().map(|file| file.file_name().to_string_lossy().into_owned()).collect()
            })
            .unwrap_or_default();
        files.retain(|file| file != "persistkv.lock");
        files.sort();
        let store = Store::open(&dir, directives)?;
        let kept = store.client().execute(&["GET", "runs"])? != Reply::Null;
        println!("{name:<10} kept: {kept:<5}  files: {}", files.join(" "));
        store.close()?;
    }
    Ok(())
}
