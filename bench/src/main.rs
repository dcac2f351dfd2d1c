//! Measurements of the engine in one process. Each prints figures next to those of the same run without the thing
//! measured, and their ratio: absolute numbers depend on the machine, ratios much less.
//!
//! `cargo run --release -p persistkv-bench -- [log|snapshot|bighash|scripts|all] [scale]`, scale 1 being the full size.
#![allow(clippy::print_stdout)]

mod log;
mod measure;
mod scripts;
mod snapshot;

fn main() {
    let mut args = std::env::args().skip(1);
    let what = args.next().unwrap_or_else(|| "all".to_owned());
    let scale: f64 = args.next().and_then(|scale| scale.parse().ok()).unwrap_or(1.0);
    let scaled = |n: usize| ((n as f64 * scale) as usize).max(1000);
    let all = what == "all";
    let mut known = all;
    for (name, run) in [
        ("log", log::run as fn(&dyn Fn(usize) -> usize)),
        ("snapshot", snapshot::many_keys),
        ("bighash", snapshot::one_big_hash),
        ("scripts", scripts::run),
    ] {
        if all || what == name {
            known = true;
            run(&scaled);
        }
    }
    if !known {
        println!("usage: persistkv-bench [log|snapshot|bighash|scripts|all] [scale]");
        std::process::exit(2);
    }
}
