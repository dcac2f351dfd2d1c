//! A child process writes until it is killed with SIGKILL; everything it was told is written comes back.
#![allow(clippy::print_stdout)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use persistkv::{Reply, Store};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().unwrap_or_else(|| "crash-data".to_owned());
    let directives = [("appendonly", "yes"), ("save", "")];
    if args.next().as_deref() == Some("write") {
        let mut client = Store::open(dir, &directives)?.client();
        let mut told = std::io::stdout();
        loop {
            let Reply::Int(n) = client.execute(&["INCR", "n"])? else { continue };
            client.execute(&["SET", &format!("k{n}"), "v"])?;
            // Whatever is printed was acknowledged before.
            writeln!(told, "{n}")?;
        }
    }
    let mut writer =
        Command::new(std::env::current_exe()?).args([&dir, "write"]).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(writer.stdout.take().ok_or("no pipe")?).lines();
    let mut last: i64 = lines.by_ref().take(10_000).last().ok_or("the writer said nothing")??.parse()?;
    writer.kill()?;
    for line in lines.map_while(Result::ok) {
        // What the writer still said before it died; its last line may be cut short.
        last = line.parse().ok().filter(|n| *n == last + 1).unwrap_or(last);
    }
    writer.wait()?;

    let mut client = Store::open(dir, &directives)?.client();
    let mut missing = 0;
    for n in 1..=last {
        missing += i32::from(client.execute(&["EXISTS", &format!("k{n}")])? != Reply::Int(1));
    }
    println!("{last} writes were acknowledged before the kill, {missing} are missing");
    if missing == 0 { Ok(()) } else { Err("acknowledged writes are missing".into()) }
}
