//! The protocol, the limits and the end of a listener, seen from the other side of a socket.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::sync::atomic::Ordering;

use common::{Dir, Wire, serve, until};
use persistkv::{ErrorKind, Reply, Store};
use persistkv_resp::{Address, Listener, Options, listen};

#[test]
fn commands_are_answered_in_order_whatever_form_they_have() {
    let (_store, _listener, dir) = serve(&[]);
    let mut wire = Wire::connect(&dir.socket());
    wire.send("PING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\na b\r\nget k\r\n\r\n*0\r\nSET k \"x\\ny\"\nGET k\nNOPE\n");
    wire.expect("+PONG\r\n+OK\r\n$3\r\na b\r\n+OK\r\n$3\r\nx\ny\r\n-ERR unknown command 'NOPE', with args beginning with: \r\n");
    wire.ask("hello 3", "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n");
    while !wire.line().starts_with('*') {}
    wire.ask("get none", "_\r\n");
    wire.ask("quit", "+OK\r\n");
    wire.expect_end();
}

#[test]
fn a_long_pipeline_is_answered_even_if_nothing_is_read_before_its_end() {
    let (_store, _listener, dir) = serve(&[]);
    let mut wire = Wire::connect(&dir.socket());
    let value = "v".repeat(1000);
    wire.ask(&format!("set k {value}"), "+OK\r\n");
    const COUNT: usize = 20_000;
    // More replies than any socket buffers, while we only write.
    wire.send("get k\r\n".repeat(COUNT));
    for _ in 0..COUNT {
        assert_eq!(wire.bulk().len(), value.len());
    }
    wire.ask("ping", "+PONG\r\n");
}

#[test]
fn broken_requests_are_told_so_and_end_the_connection() {
    let (_store, _listener, dir) = serve(&[]);
    for (bytes, error) in [
        ("*x\r\n", "invalid multibulk length"),
        ("*1\r\n:5\r\n", "expected '$', got ':'"),
        ("*1\r\n$-5\r\n", "invalid bulk length"),
        ("get \"x\r\n", "unbalanced quotes in request"),
        (&"a".repeat(70_000), "too big inline request"),
    ] {
        let mut wire = Wire::connect(&dir.socket());
        // What came before is answered.
        wire.send("PING\r\n");
        wire.send(bytes);
        wire.send("PING\r\n");
        wire.expect(&format!("+PONG\r\n-ERR Protocol error: {error}\r\n"));
        wire.expect_end();
    }
    let mut wire = Wire::connect(&dir.socket());
    wire.send("POST / HTTP/1.1\r\nHost: x\r\n\r\n");
    wire.expect_end();
}

#[test]
fn a_password_is_asked_for() {
    let (store, _listener, dir) = serve(&[("requirepass", "secret")]);
    let mut wire = Wire::connect(&dir.socket());
    wire.ask("get k", "-NOAUTH Authentication required.\r\n");
    wire.ask("nope", "-ERR unknown command 'nope', with args beginning with: \r\n");
    wire.ask("multi", "-NOAUTH Authentication required.\r\n");
    wire.ask("auth wrong", "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    wire.ask("auth nobody secret", "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    wire.ask("hello 3", "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time\r\n");
    wire.ask("auth secret", "+OK\r\n");
    wire.ask("get k", "$-1\r\n");
    wire.ask("reset", "+RESET\r\n");
    wire.ask("get k", "-NOAUTH Authentication required.\r\n");
    wire.ask("hello 2 auth default secret", "*14\r\n");
    let mut stranger = Wire::connect(&dir.socket());
    stranger.send("*11\r\n");
    stranger.expect("-ERR Protocol error: unauthenticated multibulk length\r\n");
    stranger.expect_end();
    // Inside the process nobody needs it; and it can be changed there.
    let mut client = store.client();
    client.execute(&["CONFIG", "SET", "requirepass", ""]).unwrap();
    Wire::connect(&dir.socket()).ask("get k", "$-1\r\n");
}

#[test]
fn too_many_connections_are_turned_away() {
    let (_store, listener, dir) = serve(&[("maxclients", "2")]);
    let mut first = Wire::connect(&dir.socket());
    let mut second = Wire::connect(&dir.socket());
    first.ask("ping", "+PONG\r\n");
    second.ask("ping", "+PONG\r\n");
    let mut third = Wire::connect(&dir.socket());
    third.expect("-ERR max number of clients reached\r\n");
    third.expect_end();
    drop(second);
    until(|| listener.connections() == 1);
    until(|| {
        let mut wire = Wire::connect(&dir.socket());
        wire.send("ping\r\n");
        wire.line() == "+PONG\r\n"
    });
    first.send("info stats\r\n");
    assert!(first.bulk().contains("\r\nrejected_connections:"));
}

#[test]
fn silent_connections_are_closed() {
    let (_store, _listener, dir) = serve(&[("timeout", "1")]);
    let mut wire = Wire::connect(&dir.socket());
    wire.ask("ping", "+PONG\r\n");
    wire.expect_end();
}

#[test]
fn who_does_not_read_is_cut_off() {
    for limits in ["normal 1000000 0 0", "normal 0 100000 1"] {
        let (store, listener, dir) = serve(&[("client-output-buffer-limit", limits)]);
        store.client().execute(&["SET", "k", &"v".repeat(100_000)]).unwrap();
        let mut wire = Wire::connect(&dir.socket());
        wire.send("get k\r\n".repeat(1000));
        until(|| store.wire().output_limit_disconnections.load(Ordering::Relaxed) == 1);
        until(|| listener.connections() == 0);
    }
}

#[test]
fn a_small_limit_of_replies_counts_too() {
    let (store, listener, dir) = serve(&[("client-output-buffer-limit", "normal 20000 0 0")]);
    store.client().execute(&["SET", "small", &"v".repeat(30_000)]).unwrap();
    store.client().execute(&["SET", "big", &"v".repeat(50_000)]).unwrap();
    let mut wire = Wire::connect(&dir.socket());
    // The first 16 KB are every client's own, as in Redis.
    wire.send("get small\r\n");
    assert_eq!(wire.bulk().len(), 30_000);
    wire.send("get big\r\n");
    wire.expect_end();
    assert_eq!(store.wire().output_limit_disconnections.load(Ordering::Relaxed), 1);
    until(|| listener.connections() == 0);
}

#[test]
fn a_listener_moves_to_other_ports_and_keeps_its_connections() {
    let store = Store::memory().unwrap();
    let listener = listen(&store, "127.0.0.1:0", &Options::default()).unwrap();
    let Address::Tcp(first) = listener.addresses()[0].clone() else { panic!() };
    let mut old = TcpStream::connect(first).unwrap();
    let ping = |stream: &mut TcpStream| {
        stream.write_all(b"ping\r\n").unwrap();
        let mut reply = [0; 7];
        stream.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"+PONG\r\n");
    };
    ping(&mut old);
    listener.rebind(&[Address::parse("127.0.0.1:0").unwrap()], &[]).unwrap();
    let Address::Tcp(second) = listener.addresses()[0].clone() else { panic!() };
    assert_ne!(first, second);
    assert!(TcpStream::connect(first).is_err());
    ping(&mut TcpStream::connect(second).unwrap());
    ping(&mut old);
    // Somebody else's port: it stays where it is.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = listener.rebind(&[Address::Tcp(taken.local_addr().unwrap())], &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(listener.addresses(), [Address::Tcp(second)]);
    ping(&mut TcpStream::connect(second).unwrap());
    // From its own port to all addresses of that port, and to none.
    let all = Address::of_host("*", second.port()).unwrap();
    listener.rebind(&[all], &[]).unwrap();
    ping(&mut TcpStream::connect(second).unwrap());
    listener.rebind(&[], &[]).unwrap();
    assert!(TcpStream::connect(second).is_err());
    ping(&mut old);
    listener.stop();
    assert_eq!(listener.rebind(&[], &[]).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn who_sends_too_much_at_once_is_cut_off() {
    let (store, listener, dir) =
        serve(&[("client-query-buffer-limit", "1mb"), ("proto-max-bulk-len", "512mb")]);
    let mut wire = Wire::connect(&dir.socket());
    wire.send("*2\r\n$3\r\nGET\r\n$100000000\r\n");
    let chunk = vec![b'x'; 64 * 1024];
    // It ends somewhere in between.
    let sent = (0..64).take_while(|_| wire.0.write_all(&chunk).is_ok()).count();
    assert!(sent < 64);
    assert_eq!(store.wire().query_limit_disconnections.load(Ordering::Relaxed), 1);
    until(|| listener.connections() == 0);
}

#[test]
fn a_command_may_wait_for_a_key_while_others_go_on() {
    let (store, _listener, dir) = serve(&[]);
    let mut waits = Wire::connect(&dir.socket());
    let mut other = Wire::connect(&dir.socket());
    waits.send("ping\r\nblpop k 0\r\nping\r\n");
    waits.expect("+PONG\r\n");
    until(|| {
        store
            .client()
            .execute(&["INFO", "clients"])
            .is_ok_and(|reply| text(&reply).contains("blocked_clients:1\r\n"))
    });
    other.ask("rpush k v", ":1\r\n");
    waits.expect("*2\r\n$1\r\nk\r\n$1\r\nv\r\n+PONG\r\n");
    waits.ask("blpop k 0.05", "*-1\r\n");
    // Inside a transaction nobody waits.
    waits.ask("multi", "+OK\r\n");
    waits.ask("blpop k 0", "+QUEUED\r\n");
    waits.ask("exec", "*1\r\n*-1\r\n");
    waits.ask("wait 1 10", ":0\r\n");
    // Whoever is gone waits no longer, and takes nothing away.
    waits.send("blpop k 0\r\n");
    until(|| {
        store
            .client()
            .execute(&["INFO", "clients"])
            .is_ok_and(|reply| text(&reply).contains("blocked_clients:1\r\n"))
    });
    drop(waits);
    until(|| {
        store
            .client()
            .execute(&["INFO", "clients"])
            .is_ok_and(|reply| text(&reply).contains("blocked_clients:0\r\n"))
    });
    other.ask("rpush k v", ":1\r\n");
    // A client inside the process waits for what comes over the wire, and the other way round.
    let mut inside = store.client();
    let thread = std::thread::spawn(move || inside.execute(&["BLPOP", "k2", "0"]).unwrap());
    until(|| {
        store
            .client()
            .execute(&["INFO", "clients"])
            .is_ok_and(|reply| text(&reply).contains("blocked_clients:1\r\n"))
    });
    other.ask("rpush k2 x", ":1\r\n");
    assert_eq!(
        thread.join().unwrap(),
        Reply::Array(vec![Reply::Bulk(b"k2".to_vec()), Reply::Bulk(b"x".to_vec())])
    );
}

#[test]
fn messages_come_between_replies_in_the_order_of_things() {
    let (store, listener, dir) = serve(&[("client-output-buffer-limit", "pubsub 1000000 0 0")]);
    let (mut two, mut three) = (Wire::connect(&dir.socket()), Wire::connect(&dir.socket()));
    two.send("subscribe a b\r\nping\r\nget k\r\n");
    two.expect("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n");
    two.expect("*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    two.expect("-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n");
    three.send("hello 3\r\n");
    while !three.line().starts_with('*') {}
    // In RESP3 everything may be run, and messages are pushes.
    three.send("psubscribe a*\r\nget k\r\npublish a own\r\nping\r\n");
    three.expect(">3\r\n$10\r\npsubscribe\r\n$2\r\na*\r\n:1\r\n_\r\n");
    three.expect(":2\r\n>4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$1\r\na\r\n$3\r\nown\r\n+PONG\r\n");
    two.expect("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\nown\r\n");
    // From inside the process too, to somebody who waits for a key meanwhile.
    three.send("blpop key 0\r\n");
    until(|| {
        store
            .client()
            .execute(&["INFO", "clients"])
            .is_ok_and(|reply| text(&reply).contains("blocked_clients:1\r\n"))
    });
    assert_eq!(store.client().execute(&["PUBLISH", "a", "x"]).unwrap(), Reply::Int(2));
    three.expect(">4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$1\r\na\r\n$1\r\nx\r\n");
    store.client().execute(&["RPUSH", "key", "v"]).unwrap();
    three.expect("*2\r\n$3\r\nkey\r\n$1\r\nv\r\n");
    two.expect("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n");
    two.ask(
        "unsubscribe",
        "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n",
    );
    two.ask("get k", "$-1\r\n");
    three.ask("client kill type pubsub skipme no", ":1\r\n");
    three.expect_end();
    until(|| listener.connections() == 1);
    // Who does not read what he has subscribed to is cut off.
    two.ask("subscribe a", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    let message = "m".repeat(100_000);
    until(|| store.client().execute(&["PUBLISH", "a", &message]).unwrap() == Reply::Int(0));
    until(|| listener.connections() == 0);
    assert_eq!(store.wire().output_limit_disconnections.load(Ordering::Relaxed), 1);
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn connections_can_be_killed_held_and_told_to_be_silent() {
    let (store, listener, dir) = serve(&[]);
    let (mut one, mut two) = (Wire::connect(&dir.socket()), Wire::connect(&dir.socket()));
    one.ask("client id", ":1\r\n");
    two.ask("client id", ":2\r\n");
    two.ask("client setname two", "+OK\r\n");
    one.ask("client kill type pubsub", ":0\r\n");
    one.ask("client kill id 2 skipme yes", ":1\r\n");
    two.expect_end();
    until(|| listener.connections() == 1);
    one.ask("client kill id 1", ":0\r\n");
    // A pause holds writes, or everything, until it is over.
    let mut two = Wire::connect(&dir.socket());
    one.ask("client pause 100000 write", "+OK\r\n");
    two.send("get k\r\nset k 1\r\nget k\r\n");
    two.expect("$-1\r\n");
    one.ask("get k", "$-1\r\n");
    one.ask("client unpause", "+OK\r\n");
    two.expect("+OK\r\n$1\r\n1\r\n");
    one.ask("client pause 50", "+OK\r\n");
    assert_eq!(store.client().execute(&["GET", "k"]).unwrap(), Reply::Bulk(b"1".to_vec()));
    one.ask("ping", "+PONG\r\n");
    // Replies that nobody wants.
    one.send("client reply off\r\nping\r\nset k 2\r\nclient reply on\r\nget k\r\n");
    one.expect("+OK\r\n$1\r\n2\r\n");
    one.send("client reply skip\r\nget k\r\nping\r\n");
    one.expect("+PONG\r\n");
    let addr = format!("{}:0", dir.socket().display());
    // All connections of a unix socket have one address: the caller's end too, when it was answered.
    one.ask(&format!("client kill {addr}"), "+OK\r\n");
    one.expect_end();
    two.expect_end();
}

#[test]
fn a_stop_finishes_what_is_under_way() {
    let (store, listener, dir) = serve(&[]);
    let mut wire = Wire::connect(&dir.socket());
    wire.ask("set n 0", "+OK\r\n");
    // Far more than a moment's work; what is answered when the end comes was done, and nothing else was.
    let writer = {
        let mut stream = wire.0.try_clone().unwrap();
        std::thread::spawn(move || {
            let lines = "incr n\r\n".repeat(1000);
            while stream.write_all(lines.as_bytes()).is_ok() {}
        })
    };
    until(|| store.client().execute(&["GET", "n"]).unwrap() != Reply::Bulk(b"0".to_vec()));
    listener.stop();
    let mut text = String::new();
    let _ = wire.0.read_to_string(&mut text);
    writer.join().unwrap();
    assert!(text.ends_with("\r\n"), "half a reply: {:?}", &text[text.len().saturating_sub(20)..]);
    let last = text.lines().last().unwrap();
    let done = store.client().execute(&["GET", "n"]).unwrap();
    assert_eq!(done, Reply::Bulk(last.as_bytes()[1..].to_vec()));
    assert!(!dir.socket().exists());
}

#[test]
fn a_closed_store_ends_its_listeners() {
    let (store, listener, dir) = serve(&[]);
    let mut wire = Wire::connect(&dir.socket());
    wire.ask("ping", "+PONG\r\n");
    store.close().unwrap();
    wire.expect_end();
    assert_eq!(listener.connections(), 0);
    let error = listen(&store, "127.0.0.1:0", &Options::default()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
fn a_dead_socket_is_replaced_and_a_live_one_is_not() {
    let dir = Dir::new();
    drop(UnixListener::bind(dir.socket()).unwrap());
    assert!(dir.socket().exists());
    let store = Store::memory_with(&[("unixsocketperm", "600")]).unwrap();
    let address = format!("unix:{}", dir.socket().display());
    let first = listen(&store, &address, &Options::default()).unwrap();
    let mode = std::fs::metadata(dir.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let error = listen(&store, &address, &Options::default()).err().unwrap();
    assert!(error.message().contains("another process listens there"), "{error}");
    Wire::connect(&dir.socket()).ask("ping", "+PONG\r\n");
    drop(first);
    std::fs::write(dir.socket(), "mine").unwrap();
    let error = listen(&store, &address, &Options::default()).err().unwrap();
    assert!(error.message().contains("no socket"), "{error}");
}

#[test]
fn other_machines_are_kept_out_without_a_password() {
    let store = Store::memory().unwrap();
    let error = listen(&store, "tcp:0.0.0.0:0", &Options::default()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    store.client().execute(&["CONFIG", "SET", "requirepass", "secret"]).unwrap();
    drop(listen(&store, "tcp:0.0.0.0:0", &Options::default()).unwrap());
    store.client().execute(&["CONFIG", "SET", "requirepass", "", "protected-mode", "no"]).unwrap();
    drop(listen(&store, "tcp:0.0.0.0:0", &Options::default()).unwrap());
}

#[test]
fn tcp_serves_too_and_a_client_is_shown_with_its_address() {
    let store = Store::memory().unwrap();
    let listener = Listener::start(&store, &[Address::parse("127.0.0.1:0").unwrap()], &Options::default());
    let listener = listener.unwrap();
    let Address::Tcp(address) = &listener.addresses()[0] else { panic!() };
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"client info\r\n").unwrap();
    let mut text = [0; 4096];
    let n = stream.read(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text[..n]);
    let (peer, local) = (stream.local_addr().unwrap(), address);
    assert!(text.contains(&format!(" addr={peer} laddr={local} fd=")), "{text}");
    let reply = store.client().execute(&["INFO", "server"]).unwrap();
    let Reply::Bulk(info) = reply else { panic!() };
    assert!(String::from_utf8_lossy(&info).contains(&format!("tcp_port:{}\r\n", address.port())));
}

#[test]
fn what_is_answered_under_always_is_durable_and_many_share_a_sync() {
    let dir = Dir::new();
    let data = dir.0.join("data");
    let directives = [("appendonly", "yes"), ("appendfsync", "always"), ("save", "")];
    let store = Store::open(&data, &directives).unwrap();
    let address = format!("unix:{}", dir.socket().display());
    let listener = listen(&store, &address, &Options::default()).unwrap();
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let mut wire = Wire::connect(&dir.socket());
            std::thread::spawn(move || {
                for i in 0..50 {
                    wire.ask(&format!("set k:{n}:{i} v"), "+OK\r\n");
                    wire.ask(&format!("get k:{n}:{i}"), "$1\r\nv\r\n");
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    listener.stop();
    store.close().unwrap();
    drop((listener, store));
    let store = Store::open(&data, &directives).unwrap();
    assert_eq!(store.client().execute(&["DBSIZE"]).unwrap(), Reply::Int(400));
}

#[test]
fn a_command_that_takes_long_keeps_nobody_else_waiting() {
    let (_store, _listener, dir) = serve(&[("enable-debug-command", "yes")]);
    let mut sleepers: Vec<Wire> = (0..16).map(|_| Wire::connect(&dir.socket())).collect();
    sleepers.iter_mut().for_each(|wire| wire.send("debug sleep 3\r\n"));
    Wire::connect(&dir.socket()).ask("ping", "+PONG\r\n");
    let sleeps = |wire: &mut Wire| {
        wire.0.set_nonblocking(true).unwrap();
        wire.0.read(&mut [0; 8]).is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock)
    };
    assert!(sleepers.iter_mut().any(sleeps), "it waited for those who sleep");
}
