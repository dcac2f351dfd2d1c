//! Whatever bytes come, and however they are cut: no panic, no hang, no memory for what is only claimed; and the next
//! connection is served.

mod common;

use std::io::{Read, Write};
use std::time::Duration;

use common::{Wire, serve};
use proptest::prelude::*;

/// Pieces that a request is made of, whole and broken.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        b"*1\r\n",
        b"*2\r\n",
        b"*3\r\n",
        b"*-1\r\n",
        b"*0\r\n",
        b"*2147483647\r\n",
        b"*x\r\n",
        b"$0\r\n\r\n",
        b"$3\r\nSET\r\n",
        b"$3\r\nGET\r\n",
        b"$1\r\nk\r\n",
        b"$536870912\r\n",
        b"$9223372036854775807\r\n",
        b"$-1\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"PING\r\n",
        b"MULTI\r\n",
        b"EXEC\r\n",
        b"RESET\r\n",
        b"HELLO 3\r\n",
        b"SUBSCRIBE a\r\n",
        b"UNSUBSCRIBE\r\n",
        b"PUBLISH a b\r\n",
        b"BLPOP k 0.01\r\n",
        b"CLIENT TRACKING ON\r\n",
        b"CLIENT TRACKING ON BCAST PREFIX a\r\n",
        b"CLIENT TRACKING OFF\r\n",
        b"CLIENT REPLY SKIP\r\n",
        b"CLIENT REPLY OFF\r\n",
        b"CLIENT REPLY ON\r\n",
        b"MONITOR\r\n",
        b"SET k \"v\"\r\n",
        b"GET 'k\r\n",
        b"QUIT\r\n",
        b"WAIT 1 1\r\n",
        b"CLIENT LIST\r\n",
        b"CLIENT KILL ID 1\r\n",
        b"CLIENT NO-EVICT ON\r\n",
        b"LPUSH k a\r\n",
        b"DEL k\r\n",
        b"AUTH a b\r\n",
    ];
    prop_oneof![
        8 => prop::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_leave_the_listener_well(
        connections in prop::collection::vec(prop::collection::vec(piece(), 0..25), 1..4),
    ) {
        let (store, listener, dir) = serve(&[]);
        let mut wires: Vec<Wire> = connections.iter().map(|_| Wire::connect(&dir.socket())).collect();
        // In turns, so that what one does is met by the others.
        for at in 0..25 {
            for (wire, pieces) in wires.iter_mut().zip(&connections) {
                if let Some(piece) = pieces.get(at) {
                    // It may have been closed long ago.
                    let _ = wire.0.write_all(piece);
                }
            }
        }
        for wire in &mut wires {
            let _ = wire.0.shutdown(std::net::Shutdown::Write);
            wire.0.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            let mut rest = Vec::new();
            // All of it is answered or refused, and then it ends: no hang.
            let ended = wire.0.read_to_end(&mut rest);
            prop_assert!(
                ended.as_ref().map_or_else(|e| e.kind() == std::io::ErrorKind::ConnectionReset, |_| true),
                "{ended:?}"
            );
        }
        drop(wires);
        common::until(|| listener.connections() == 0);
        Wire::connect(&dir.socket()).ask("ping", "+PONG\r\n");
        prop_assert!(store.client().execute(&["DBSIZE"]).is_ok());
    }
}

#[test]
fn a_claim_takes_no_memory() {
    let (store, _listener, dir) = serve(&[]);
    let wires: Vec<Wire> = (0..100)
        .map(|_| {
            let mut wire = Wire::connect(&dir.socket());
            wire.send("*2147483647\r\n$536870912\r\nabc");
            wire
        })
        .collect();
    let mut other = Wire::connect(&dir.socket());
    other.send("client list\r\n");
    let list = other.bulk();
    assert_eq!(list.lines().count(), 102 - 1);
    for line in list.lines() {
        let free = line.split(" qbuf-free=").nth(1).and_then(|rest| rest.split(' ').next());
        assert!(
            free.and_then(|free| free.parse::<usize>().ok()).is_some_and(|free| free <= 16 * 1024),
            "{line}"
        );
    }
    drop(wires);
    assert!(store.client().execute(&["PING"]).is_ok());
}
