//! BGSAVE is the data set of one instant, while writers go on.
#![allow(clippy::print_stdout)]

use persistkv::{Reply, Result, Store};

fn main() -> Result<()> {
    let dir = std::env::args().nth(1).unwrap_or_else(|| "snapshot-data".to_owned());
    let store = Store::open(&dir, &[("save", ""), ("appendonly", "no")])?;
    let mut client = store.client();
    for n in 0..100_000 {
        client.execute(&["SET", &format!("k{n}"), "before"])?;
    }
    client.execute(&["BGSAVE"])?;
    for n in 0..100_000 {
        client.execute(&["SET", &format!("k{n}"), "after"])?;
    }
    loop {
        let Reply::Bulk(text) = client.execute(&["INFO", "persistence"])? else { continue };
        if String::from_utf8_lossy(&text).contains("rdb_bgsave_in_progress:0") {
            break;
        }
        std::thread::yield_now();
    }
    store.close()?;

    let store = Store::open(&dir, &[("save", "")])?;
    let mut client = store.client();
    let mut before = 0;
    for n in 0..100_000 {
        before += i32::from(client.execute(&["GET", &format!("k{n}")])? == Reply::Bulk(b"before".to_vec()));
    }
    println!("{before} of 100000 keys have the value they had when the snapshot began");
    store.close()
}
