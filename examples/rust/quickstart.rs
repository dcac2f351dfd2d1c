//! Ten lines to a durable store: `cargo run -p persistkv --example quickstart [DIR]`.
#![allow(clippy::print_stdout)]

use persistkv::{Result, Store};

fn main() -> Result<()> {
    let dir = std::env::args().nth(1).unwrap_or_else(|| "quickstart-data".to_owned());
    let store = Store::open(dir, &[("appendonly", "yes")])?;
    let mut client = store.client();
    client.execute(&["SET", "greeting", "hello", "EX", "3600"])?;
    client.execute(&["HSET", "user:1", "name", "Ada", "visits", "1"])?;
    client.execute(&["RPUSH", "queue", "job-1", "job-2"])?;
    println!("{:?}", client.execute(&["GET", "greeting"])?);
    println!("{:?}", client.execute(&["LPOP", "queue"])?);
    println!("{:?}", client.execute(&["HGETALL", "user:1"])?);
    store.close()
}
