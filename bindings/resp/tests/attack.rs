//! Clients that mean no good, or are in a bad way: slow, half dead, greedy, many, and still there when the end comes.

mod common;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::atomic::Ordering;

use common::{Wire, serve, until};
use persistkv::Reply;

#[test]
fn who_reads_slowly_gets_everything_in_the_end() {
    let (store, _listener, dir) = serve(&[]);
    store.client().execute(&["SET", "k", &"v".repeat(10_000)]).unwrap();
    let mut wire = Wire::connect(&dir.socket());
    let reply = format!("$10000\r\n{}\r\n", "v".repeat(10_000));
    wire.send("get k\r\n".repeat(500));
    wire.0.shutdown(Shutdown::Write).unwrap();
    // In small sips, as from the far end of a bad line.
    let (mut got, mut sip) = (Vec::new(), [0; 1999]);
    loop {
        match wire.0.read(&mut sip).unwrap() {
            0 => break,
            n => got.extend_from_slice(&sip[..n]),
        }
        if got.len() % 64 == 0 {
            std::thread::yield_now();
        }
    }
    assert_eq!(got, reply.repeat(500).into_bytes());
}

#[test]
fn a_command_may_come_byte_by_byte_while_others_are_served() {
    let (_store, _listener, dir) = serve(&[]);
    let (mut slow, mut other) = (Wire::connect(&dir.socket()), Wire::connect(&dir.socket()));
    for (at, byte) in b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\nget k\r\n".iter().enumerate() {
        slow.send([*byte]);
        // Each has arrived before the next is sent.
        let total = format!(" tot-net-in={} ", at + 1);
        until(|| {
            other.send("client list\r\n");
            other.bulk().lines().any(|line| line.contains(&total)) || at > 30
        });
    }
    slow.expect("+OK\r\n$5\r\nvalue\r\n");
}

#[test]
fn a_pipeline_of_a_hundred_thousand_commands_is_answered_in_order() {
    let (store, _listener, dir) = serve(&[]);
    let mut wire = Wire::connect(&dir.socket());
    wire.send("incr n\r\n".repeat(100_000));
    for n in 1..=100_000 {
        wire.expect(&format!(":{n}\r\n"));
    }
    assert_eq!(store.client().execute(&["GET", "n"]).unwrap(), Reply::Bulk(b"100000".to_vec()));
}

#[test]
fn who_has_not_given_the_password_may_send_and_keep_little() {
    let (store, listener, dir) = serve(&[("requirepass", "secret")]);
    for (request, answer) in [
        ("*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n"),
        ("*2\r\n$4\r\nAUTH\r\n$536870912\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"),
        ("*2\r\n$4\r\nAUTH\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"),
    ] {
        let mut wire = Wire::connect(&dir.socket());
        wire.ask("ping", "-NOAUTH Authentication required.\r\n");
        wire.send(request);
        wire.expect(answer);
        wire.expect_end();
    }
    // Whoever never reads his refusals is soon gone, though there is no limit for others.
    let mut wire = Wire::connect(&dir.socket());
    let refused = || store.wire().output_limit_disconnections.load(Ordering::Relaxed) == 1;
    while !refused() && wire.0.write_all(&b"ping\r\n".repeat(1000)).is_ok() {}
    until(refused);
    until(|| listener.connections() == 0);
    let mut wire = Wire::connect(&dir.socket());
    wire.ask("auth secret", "+OK\r\n");
    wire.send("*11\r\n$4\r\nMGET\r\n");
    (0..10).for_each(|_| wire.send("$1\r\nk\r\n"));
    wire.expect("*10\r\n");
    (0..10).for_each(|_| wire.expect("$-1\r\n"));
}

#[test]
fn hello_says_what_is_wrong() {
    let (_store, _listener, dir) = serve(&[("requirepass", "secret")]);
    let mut wire = Wire::connect(&dir.socket());
    for (line, answer) in [
        ("hello 1", "-NOPROTO unsupported protocol version\r\n"),
        ("hello 4", "-NOPROTO unsupported protocol version\r\n"),
        ("hello x", "-ERR Protocol version is not an integer or out of range\r\n"),
        ("hello 3 auth default wrong", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
        ("hello 3 auth default", "-ERR Syntax error in HELLO option 'auth'\r\n"),
        ("hello 3 setname", "-ERR Syntax error in HELLO option 'setname'\r\n"),
        (
            "hello 3",
            "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> \
             option can be used to authenticate the client and select the RESP protocol version at the same time\r\n",
        ),
        ("ping", "-NOAUTH Authentication required.\r\n"),
    ] {
        wire.ask(line, answer);
    }
    wire.ask("hello 2 auth default secret setname me", "*14\r\n");
    while wire.line() != "modules\r\n" {}
    wire.expect("*0\r\n");
    wire.ask("client getname", "$2\r\nme\r\n");
    wire.ask(
        "hello 2 setname \"a b\"",
        "-ERR Client names cannot contain spaces, newlines or special characters.\r\n",
    );
}

#[test]
fn more_than_may_come_are_told_so_and_the_others_go_on() {
    let (store, listener, dir) = serve(&[("maxclients", "100")]);
    let mut inside: Vec<Wire> = (0..100).map(|_| Wire::connect(&dir.socket())).collect();
    inside.iter_mut().for_each(|wire| wire.ask("ping", "+PONG\r\n"));
    for _ in 0..500 {
        let mut wire = Wire::connect(&dir.socket());
        wire.expect("-ERR max number of clients reached\r\n");
    }
    inside.iter_mut().for_each(|wire| wire.ask("ping", "+PONG\r\n"));
    until(|| store.wire().rejected.load(Ordering::Relaxed) == 500);
    drop(inside);
    until(|| listener.connections() == 0);
    // Those who were turned away may still be on their way out.
    until(|| {
        let mut wire = Wire::connect(&dir.socket());
        wire.send("ping\r\n");
        wire.line() == "+PONG\r\n"
    });
}

#[test]
fn replies_that_were_not_read_yet_outlive_a_stop() {
    let (store, listener, dir) = serve(&[]);
    store.client().execute(&["SET", "k", &"v".repeat(100_000)]).unwrap();
    let mut wires: Vec<Wire> = (0..8).map(|_| Wire::connect(&dir.socket())).collect();
    wires.iter_mut().for_each(|wire| wire.send("get k\r\n".repeat(50)));
    // All of it is answered, most of it still on our side.
    until(|| store.wire().input.load(Ordering::Relaxed) == 8 * 50 * 7);
    let readers: Vec<_> = wires
        .into_iter()
        .map(|mut wire| {
            std::thread::spawn(move || {
                let mut all = Vec::new();
                wire.0.read_to_end(&mut all).unwrap();
                all
            })
        })
        .collect();
    listener.stop();
    for reader in readers {
        let got = reader.join().unwrap();
        // No reply is cut: each is whole, and there may be fewer than were asked for.
        assert_eq!(got.len() % 100_011, 0, "{}", got.len());
        assert!(!got.is_empty());
    }
}

#[test]
fn a_lot_of_arguments_take_what_they_take_and_go() {
    let (_store, _listener, dir) = serve(&[]);
    let mut wire = Wire::connect(&dir.socket());
    let mut request = b"*100001\r\n$4\r\nMGET\r\n".to_vec();
    request.extend(b"$1\r\nk\r\n".repeat(100_000));
    wire.send(&request);
    wire.expect("*100000\r\n");
    wire.expect(&"$-1\r\n".repeat(100_000));
    // An unending inline line.
    let line = vec![b'a'; 70_000];
    let _ = wire.0.write_all(&line);
    wire.expect("-ERR Protocol error: too big inline request\r\n");
    wire.expect_end();
}
