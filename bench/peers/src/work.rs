//! The operations, and the six workloads made of them. The same numbers give the same operations to every peer.

/// One operation. Keys, fields and members are numbers that each peer writes as 16 bytes; values are 100 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// Sets a key, to the value with the second number.
    Set(u64, u64),
    /// Reads a key.
    Get(u64),
    /// Adds one to a counter.
    Incr(u64),
    /// Puts a job into the queue.
    Push,
    /// Takes the oldest job out of the queue.
    Pop,
    /// Sets a field of a session, to the value with the third number.
    SetField(u64, u64, u64),
    /// Reads a whole session.
    Session(u64),
    /// Gives a player a score.
    Score(u64, u64),
    /// The ten best players.
    Best,
}

/// Operations that belong together.
pub(crate) struct Workload {
    /// Its name in the table.
    pub(crate) name: &'static str,
    scene: fn() -> Vec<Op>,
    op: fn(u64) -> Op,
}

const KEYS: u64 = 100_000;
const COUNTERS: u64 = 1000;
const SESSIONS: u64 = 1000;
const FIELDS: u64 = 10;
const PLAYERS: u64 = 10_000;

pub(crate) const WORKLOADS: [Workload; 6] = [
    Workload {
        name: "SET, 100,000 keys",
        scene: || (0..KEYS).map(|n| Op::Set(n, n)).collect(),
        op: |n| Op::Set(mix(n) % KEYS, n),
    },
    Workload { name: "GET", scene: Vec::new, op: |n| Op::Get(mix(n) % KEYS) },
    Workload { name: "INCR, 1,000 counters", scene: Vec::new, op: |n| Op::Incr(mix(n) % COUNTERS) },
    Workload {
        name: "queue: LPUSH, RPOP",
        scene: || vec![Op::Push; 1000],
        op: |n| if n.is_multiple_of(2) { Op::Push } else { Op::Pop },
    },
    Workload {
        name: "session: HSET, HGETALL of 10 fields",
        scene: || (0..SESSIONS * FIELDS).map(|n| Op::SetField(n / FIELDS, n % FIELDS, n)).collect(),
        op: |n| {
            let random = mix(n);
            let session = random % SESSIONS;
            if n.is_multiple_of(2) {
                Op::SetField(session, random / SESSIONS % FIELDS, n)
            } else {
                Op::Session(session)
            }
        },
    },
    Workload {
        name: "leaderboard: ZADD, ten best of 10,000",
        scene: || (0..PLAYERS).map(|n| Op::Score(n, mix(n) % 1_000_000)).collect(),
        op: |n| {
            let random = mix(n);
            if n.is_multiple_of(2) {
                Op::Score(random % PLAYERS, random / PLAYERS % 1_000_000)
            } else {
                Op::Best
            }
        },
    },
];

impl Workload {
    /// What must be there before.
    pub(crate) fn scene(&self) -> Vec<Op> {
        (self.scene)()
    }

    /// The operations of a round.
    pub(crate) fn ops(&self, round: u64, count: u64) -> Vec<Op> {
        (0..count).map(|n| (self.op)(round * 1_000_000_000 + n)).collect()
    }
}

/// The value of a job.
pub(crate) const JOB: [u8; 100] = [b'v'; 100];

/// A value: never the same again, as SQLite writes nothing then.
pub(crate) fn value(n: u64) -> [u8; 100] {
    let mut value = JOB;
    value[..16].copy_from_slice(&key(n));
    value
}

/// A number as 16 bytes.
pub(crate) fn key(n: u64) -> [u8; 16] {
    let mut key = *b"key:000000000000";
    let mut rest = n;
    for digit in key[4..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

/// A cheap pseudo-random sequence, the same in each run.
fn mix(n: u64) -> u64 {
    let mut x = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
