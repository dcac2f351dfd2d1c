//! A big list is filled, split and merged as a real server's quicklist: after every command the form is the same, and
//! so is the number of nodes, which decides when a list becomes a listpack again.

use persistkv::value::Limits;
use persistkv::value::list::{End, List};
use persistkv_tests::resp::Connection;
use persistkv_tests::text::command_line;
use persistkv_tests::{Endpoint, Reply, skip_unless_server};

/// One command on both; `argv` is shown when they part.
fn step(rng: &mut fastrand::Rng, list: &mut List, server: &mut Connection, limits: &Limits) -> Vec<Vec<u8>> {
    let len = list.len();
    let element = |rng: &mut fastrand::Rng| match rng.u8(0..12) {
        0 => vec![b'x'; rng.usize(0..600)],
        1 => vec![b'y'; rng.usize(3_900..4_200)],
        2 => vec![b'z'; rng.usize(8_100..8_300)],
        3 => rng.i64(..).to_string().into_bytes(),
        4..8 => rng.u8(0..40).to_string().into_bytes(),
        _ => vec![b'a' + rng.u8(0..6); rng.usize(1..30)],
    };
    let index = |rng: &mut fastrand::Rng| rng.i64(-(len as i64)..(len as i64).max(1));
    let text = |word: &str| word.as_bytes().to_vec();
    let number = |n: i64| n.to_string().into_bytes();
    let (head, end) = if rng.bool() { (true, End::Head) } else { (false, End::Tail) };
    // A list that grows long is worn down again.
    let argv = match rng.u8(0..if len > 3_000 { 40 } else { 24 }) {
        0..8 => {
            let few = if rng.u8(0..8) == 0 { 200 } else { 4 };
            let elements: Vec<Vec<u8>> = (0..rng.usize(1..=few)).map(|_| element(rng)).collect();
            let refs: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
            list.push(end, &refs, limits);
            let mut argv = vec![text(if head { "LPUSH" } else { "RPUSH" }), text("k")];
            argv.extend(elements);
            argv
        }
        8..11 => {
            let (at, value) = (index(rng), element(rng));
            if len == 0 {
                return Vec::new();
            }
            list.set(at, &value, limits);
            vec![text("LSET"), text("k"), number(at), value]
        }
        11..16 => {
            let pivot = list.get(index(rng)).map_or_else(|| text("none"), |value| value.to_vec());
            let (before, value) = (rng.bool(), element(rng));
            if len == 0 {
                return Vec::new();
            }
            list.insert(&pivot, before, &value, limits);
            vec![text("LINSERT"), text("k"), text(if before { "BEFORE" } else { "AFTER" }), pivot, value]
        }
        16..18 => {
            let count = rng.i64(-3..4);
            let victim = list.get(index(rng)).map_or_else(|| text("none"), |value| value.to_vec());
            let from = if count < 0 { End::Tail } else { End::Head };
            let most = if count == 0 { usize::MAX } else { count.unsigned_abs() as usize };
            list.remove(&victim, most, from, limits);
            vec![text("LREM"), text("k"), number(count), victim]
        }
        18..20 => {
            let to = if rng.bool() { End::Head } else { End::Tail };
            list.rotate(end, to, limits);
            let side = |end| text(if end == End::Head { "LEFT" } else { "RIGHT" });
            vec![text("LMOVE"), text("k"), text("k"), side(end), side(to)]
        }
        20..23 => {
            let count = rng.usize(1..6);
            list.pop(end, count, limits, |_| ());
            vec![text(if head { "LPOP" } else { "RPOP" }), text("k"), number(count as i64)]
        }
        _ => {
            let start = rng.usize(0..len.max(1));
            let kept = rng.usize(0..=len - start.min(len));
            if len == 0 {
                return Vec::new();
            }
            list.trim(start, kept, limits);
            let last = start as i64 + kept as i64 - 1;
            // No elements are written as a range that ends before it starts.
            let (first, last) = if kept == 0 { (1, 0) } else { (start as i64, last) };
            vec![text("LTRIM"), text("k"), number(first), number(last)]
        }
    };
    if let Reply::Error(e) = server.command(&argv) {
        panic!("{}: {}", command_line(&argv), String::from_utf8_lossy(&e));
    }
    if list.is_empty() {
        // The key is gone there; here the next list starts anew.
        *list = List::new();
    }
    argv
}

/// The form and the number of nodes on the server.
fn shape(server: &mut Connection) -> (String, usize) {
    let Reply::Bulk(encoding) = server.line("OBJECT ENCODING k") else { return ("none".into(), 0) };
    let encoding = String::from_utf8_lossy(&encoding).into_owned();
    let nodes = match server.line("DEBUG OBJECT k") {
        Reply::Status(text) => {
            let text = String::from_utf8_lossy(&text).into_owned();
            let after = text.split_once("ql_nodes:").map(|(_, rest)| rest.to_owned());
            after.and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap_or(0)
        }
        other => panic!("DEBUG OBJECT k: {other}"),
    };
    (encoding, nodes)
}

#[test]
fn nodes_are_those_of_a_real_server() {
    for tag in ["v81", "r82"] {
        let server = skip_unless_server!(tag);
        let mut server = server.connect();
        let (mut most, mut compared) = (0, 0);
        for seed in 0..48 {
            let size = [-2, -1, 4, 64, 1, -5][seed as usize % 6];
            let limits = Limits { list_max_listpack_size: size, ..Limits::default() };
            server.line("DEL k");
            server.line(&format!("CONFIG SET list-max-listpack-size {size}"));
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut list = List::new();
            for at in 0..150 {
                let argv = step(&mut rng, &mut list, &mut server, &limits);
                let ours = match &list {
                    list if list.is_empty() => ("none".to_owned(), 0),
                    List::Listpack(_) => ("listpack".to_owned(), 0),
                    List::Nodes(nodes) => ("quicklist".to_owned(), nodes.node_count()),
                };
                most = most.max(ours.1);
                compared += usize::from(ours.1 > 1);
                assert_eq!(
                    ours,
                    shape(&mut server),
                    "{tag}, seed {seed}, size {size}, step {at}: {}",
                    command_line(&argv)
                );
            }
            let Reply::Array(theirs) = server.line("LRANGE k 0 -1") else {
                panic!("LRANGE answers an array")
            };
            let ours: Vec<Reply> = list.iter().map(|value| Reply::Bulk(value.to_vec())).collect();
            assert!(ours == theirs, "{tag}, seed {seed}: the elements are different");
        }
        assert!(most > 100 && compared > 1_000, "too few nodes to compare: at most {most}, {compared} times");
    }
}
