//! Check-and-set: threads move money between accounts at once; none is made or lost, and no account goes below zero.
//! `cargo run -p persistkv --example transfer [DIR]`.
#![allow(clippy::print_stdout)]

use persistkv::{Client, Reply, Result, Store};

const ACCOUNTS: [&str; 3] = ["a", "b", "c"];

fn balance(client: &mut Client, account: &str) -> Result<i64> {
    Ok(match client.execute(&["GET", account])? {
        Reply::Bulk(text) => String::from_utf8_lossy(&text).parse().unwrap_or(0),
        _ => 0,
    })
}

/// False if there is not enough.
fn transfer(client: &mut Client, from: &str, to: &str, amount: i64) -> Result<bool> {
    // Begins again when somebody else changed the account between the look and the transfer.
    let replies = client.transaction(&[from], |client, todo| {
        if balance(client, from)? >= amount {
            let amount = amount.to_string();
            todo.add(&["DECRBY", from, &amount]).add(&["INCRBY", to, &amount]);
        }
        Ok(())
    })?;
    Ok(!replies.is_empty())
}

fn main() -> Result<()> {
    let dir = std::env::args().nth(1).unwrap_or_else(|| "transfer-data".to_owned());
    let store = Store::open(dir, &[("appendonly", "yes")])?;
    let mut client = store.client();
    for account in ACCOUNTS {
        client.execute(&["SET", account, "100", "NX"])?;
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4_usize)
            .map(|thread| {
                let mut client = store.client(); // one for each thread
                scope.spawn(move || {
                    for n in 0..1000_usize {
                        let (from, to) = (ACCOUNTS[n % 3], ACCOUNTS[(n + thread + 1) % 3]);
                        transfer(&mut client, from, to, (n * 7 % 20) as i64)?;
                    }
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a thread does not panic"))
    })?;
    let mut balances = Vec::new();
    for account in ACCOUNTS {
        balances.push(balance(&mut client, account)?);
    }
    let below = if balances.iter().all(|n| *n >= 0) { "no account" } else { "an account" };
    println!("4000 transfers: {} in all, {below} below zero", balances.iter().sum::<i64>());
    store.close()
}
