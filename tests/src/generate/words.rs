//! The words that commands are made of: few keys, small alphabets, and the values at which something changes (integer
//! widths, the sizes at which a compact encoding gives way, empty and binary strings, what looks like a number and is
//! none).

use fastrand::Rng;

/// How a kind of word is drawn.
pub type Draw = fn(&mut Words) -> Vec<u8>;

/// The source of words; everything follows from its seed.
#[derive(Debug)]
pub struct Words {
    rng: Rng,
    /// Every so often a whole sequence uses long repetitions, so that big encodings come up in every family.
    long: bool,
}

/// Integers where something changes, or that are none. No large negative ones: as a count for random members they
/// ask for endless replies.
const ODD_INTEGERS: &[&str] = &[
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "2147483648",
    "4294967296",
    "01",
    "+1",
    "-0",
    " 1",
    "1 ",
    "",
    "abc",
    "1.0",
    "1e3",
    "0x10",
];

/// Integers that fit the widths of the compact encodings exactly, or just not.
const WIDTHS: &[&str] = &[
    "127",
    "128",
    "-127",
    "-128",
    "-129",
    "255",
    "256",
    "4095",
    "4096",
    "-4096",
    "-4097",
    "8191",
    "32767",
    "32768",
    "-32768",
    "-32769",
    "65535",
    "8388607",
    "8388608",
    "-8388608",
    "-8388609",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "9223372036854775807",
    "-9223372036854775808",
];

const FLOATS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "3",
    "1.5",
    "-2.5",
    "0.1",
    "0.2",
    "-0.3",
    "3.0",
    "3.14159",
    "1e3",
    "5e-1",
    "100",
    "1e21",
    "1e17",
    "123456789.123",
    "1e-7",
    "0.30000000000000004",
    "-0",
    "-0.0",
    "17179869184",
];

const ODD_FLOATS: &[&str] = &[
    "inf",
    "+inf",
    "-inf",
    "infinity",
    "-Infinity",
    "nan",
    "-nan",
    "",
    " 1",
    "1 ",
    "abc",
    "1e400",
    "-1e400",
    "1e-400",
    "1.7976931348623157e308",
    "-1.7976931348623157e308",
    "5e-324",
    "0x1p3",
    "1e",
    ".5",
    "5.",
    "--1",
    "1,5",
    "9007199254740993",
    "12345678901234567890",
];

const PATTERNS: &[&str] = &[
    "*", "?", "??", "s*", "*1", "[sl]1", "[^s]*", "[a-m]*", "[^a-m]*", "\\*", "z\\1", "*[", "[a", "**",
    "a*b*c", "", "*:*", "h?", "[z-a]*", "*e", "f[0-9]", "k", "[]*", "*\\",
];

const NONSENSE: &[&str] = &[
    "NX",
    "XX",
    "GET",
    "EX",
    "PX",
    "LIMIT",
    "COUNT",
    "WITHSCORES",
    "KEEPTTL",
    "ASC",
    "FIELDS",
    "foo",
    "",
    "0",
    "1",
    "-1",
    "3",
    "*",
    "1.5",
    "inf",
    "nan",
    "abc",
    "s1",
    "l1",
    "z1",
    "nokey",
    "(1",
    "[a",
    "-",
    "+",
    "\u{e9}",
];

impl Words {
    /// The words of a seed.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let long = rng.u32(0..6) == 0;
        Self { rng, long }
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u32) -> u32 {
        self.rng.u32(0..n)
    }

    /// A number below `n`.
    pub fn below_usize(&mut self, n: usize) -> usize {
        self.rng.usize(0..n)
    }

    /// Puts a list in random order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        self.rng.shuffle(list);
    }

    /// How often something is repeated: mostly once to thrice, in some sequences also beyond the limits of the
    /// compact encodings.
    pub fn repetitions(&mut self) -> usize {
        match self.below(100) {
            0..=54 => 1,
            55..=74 => 2,
            75..=89 => 3,
            90..=97 => self.rng.usize(4..12),
            _ if self.long => self.rng.usize(100..200),
            _ => self.rng.usize(4..20),
        }
    }

    /// A word that hardly ever fits where it is put.
    pub fn nonsense(&mut self) -> Vec<u8> {
        if self.below(3) == 0 { self.pick(ODD_INTEGERS) } else { self.pick(NONSENSE) }
    }

    fn pick(&mut self, from: &[&str]) -> Vec<u8> {
        from[self.below_usize(from.len())].as_bytes().to_vec()
    }

    /// A key of a family: mostly one of four of its own, sometimes of another type, missing, empty or binary.
    fn key(&mut self, prefix: u8) -> Vec<u8> {
        match self.below(100) {
            0..=87 => vec![prefix, b'1' + self.rng.u8(0..4)],
            88..=95 => {
                let prefix = b"slthzx"[self.below_usize(6)];
                vec![prefix, b'1' + self.rng.u8(0..4)]
            }
            96 => b"nokey".to_vec(),
            97 => b"".to_vec(),
            98 => b"bin\x00\xff\r\n".to_vec(),
            _ => b"a key of more than forty-four bytes, as some hosts like to make them".to_vec(),
        }
    }

    fn integer(&mut self) -> Vec<u8> {
        match self.below(20) {
            0 => self.pick(ODD_INTEGERS),
            1 => self.pick(WIDTHS),
            _ => self.rng.i64(-12..13).to_string().into_bytes(),
        }
    }

    fn float(&mut self) -> Vec<u8> {
        match self.below(20) {
            0 => self.pick(ODD_FLOATS),
            1..=3 => self.pick(FLOATS),
            4..=6 => format!("{:.2}", self.rng.f64() * 20.0 - 10.0).into_bytes(),
            _ => self.rng.i64(-9..10).to_string().into_bytes(),
        }
    }

    /// A string value: short text, numbers, the boundaries at which strings change their encoding.
    fn value(&mut self) -> Vec<u8> {
        match self.below(24) {
            0 => b"".to_vec(),
            1 => self.pick(WIDTHS),
            2 => self.pick(ODD_INTEGERS),
            3 => self.pick(FLOATS),
            4 => vec![b'v'; 44],
            5 => vec![b'v'; 45],
            6 => vec![b'v'; 63 + self.rng.usize(0..3)],
            7 => b"\x00\x01\xfe\xff binary \r\n".to_vec(),
            8 if self.long => vec![b'L'; 3000],
            8 => "r\u{e9}sum\u{e9}".as_bytes().to_vec(),
            9..=13 => self.integer(),
            _ => {
                let n = 1 + self.rng.usize(0..6);
                (0..n).map(|_| b"abcde"[self.rng.usize(0..5)]).collect()
            }
        }
    }

    /// An element, member or field from a small alphabet, so that commands meet.
    fn element(&mut self) -> Vec<u8> {
        match self.below(60) {
            0 => b"".to_vec(),
            1 => vec![b'm'; 64],
            2 => vec![b'm'; 65],
            3 | 4 => self.pick(WIDTHS),
            5 => b"\x00bin\xff".to_vec(),
            6..=20 => self.rng.i64(-3..9).to_string().into_bytes(),
            21..=23 if self.long => self.rng.i64(0..400).to_string().into_bytes(),
            24..=29 if self.long => format!("m{}", self.rng.u32(0..400)).into_bytes(),
            _ => vec![b'a' + self.rng.u8(0..10)],
        }
    }

    /// The head of a HyperLogLog and runs of registers, sometimes more than there must be; never so short that its
    /// encoding would tell whether a command looked at it.
    fn hyperloglog(&mut self) -> Vec<u8> {
        let mut bytes = b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80".to_vec();
        let mut left = 16384;
        while bytes.len() < 45 || self.below(20) > 0 {
            let len = match self.below(8) {
                0 | 1 => 1 + self.rng.usize(0..64),
                7 if left > 8000 => 1 + self.rng.usize(0..2000),
                _ => 1 + self.rng.usize(0..4),
            };
            if left <= len {
                break;
            }
            match len {
                1..=4 => bytes.push(0x80 | self.rng.u8(0..6) << 2 | (len - 1) as u8),
                5..=64 => bytes.push((len - 1) as u8),
                _ => bytes.extend([0x40 | ((len - 1) >> 8) as u8, (len - 1) as u8]),
            }
            left -= len;
        }
        bytes.extend([0x40 | ((left - 1) >> 8) as u8, (left - 1) as u8]);
        match self.below(12) {
            0 => bytes[15] = 0,
            1 => bytes[4] = self.rng.u8(0..3),
            2 => bytes.push(self.rng.u8(..)),
            _ => {}
        }
        bytes
    }

    fn now_seconds() -> i64 {
        // Absolute times are far from now on either side; the fixed base keeps sequences the same for ever.
        4_102_444_800
    }

    /// A stream identifier; growing ones would need memory, so they come from a small range and often are too small.
    fn identifier(&mut self) -> Vec<u8> {
        let n = self.rng.u32(0..40);
        match self.below(16) {
            0 => self.pick(&[
                "0",
                "0-0",
                "18446744073709551615-18446744073709551615",
                "abc",
                "1-",
                "-1",
                "1-1-1",
            ]),
            1 => format!("{n}-*").into_bytes(),
            2..=7 => n.to_string().into_bytes(),
            _ => format!("{n}-{}", self.rng.u32(0..4)).into_bytes(),
        }
    }

    /// The kind of word that a template calls `name`.
    pub fn kind(name: &str) -> Option<Draw> {
        Some(match name {
            "skey" => |w| w.key(b's'),
            "lkey" => |w| w.key(b'l'),
            "tkey" => |w| w.key(b't'),
            "hkey" => |w| w.key(b'h'),
            "zkey" => |w| w.key(b'z'),
            // Sorted sets whose members all have one score, as the commands by lexical order ask for.
            "ykey" => |w| w.key(b'y'),
            "xkey" => |w| w.key(b'x'),
            "key" => |w| {
                let prefix = b"slthz"[w.below_usize(5)];
                w.key(prefix)
            },
            "val" => Self::value,
            "el" => Self::element,
            "int" => Self::integer,
            "float" => Self::float,
            "small" => |w| w.rng.i64(0..5).to_string().into_bytes(),
            "count" => |w| match w.below(12) {
                0 => b"0".to_vec(),
                1 => b"-1".to_vec(),
                2 => w.pick(ODD_INTEGERS),
                3 => b"150".to_vec(),
                _ => w.rng.i64(1..8).to_string().into_bytes(),
            },
            // A count that may be negative and then asks for repetitions.
            "randcount" => |w| match w.below(12) {
                0 => b"0".to_vec(),
                1 => w.pick(ODD_INTEGERS),
                _ => w.rng.i64(-12..13).to_string().into_bytes(),
            },
            "index" => |w| match w.below(14) {
                0 => w.pick(ODD_INTEGERS),
                1 => b"200".to_vec(),
                2 => b"-200".to_vec(),
                _ => w.rng.i64(-7..8).to_string().into_bytes(),
            },
            // Where SETRANGE writes: short, or beyond the limit; never something that allocates half a gigabyte.
            "offset" => |w| match w.below(16) {
                0 => b"-1".to_vec(),
                1 => b"536870912".to_vec(),
                2 => b"9223372036854775807".to_vec(),
                3 => b"600".to_vec(),
                4 => b"abc".to_vec(),
                _ => w.rng.i64(0..12).to_string().into_bytes(),
            },
            "sec" => |w| match w.below(12) {
                0 => b"0".to_vec(),
                1 => b"-1".to_vec(),
                2 => w.pick(ODD_INTEGERS),
                3 => b"9223372036854775".to_vec(),
                4 => b"-9223372036854775".to_vec(),
                _ => w.rng.i64(1000..9000).to_string().into_bytes(),
            },
            "msec" => |w| match w.below(12) {
                0 => b"0".to_vec(),
                1 => b"-1".to_vec(),
                2 => w.pick(ODD_INTEGERS),
                _ => w.rng.i64(1_000_000..9_000_000).to_string().into_bytes(),
            },
            "at" => |w| match w.below(12) {
                0 => b"1".to_vec(),
                1 => b"0".to_vec(),
                2 => w.pick(ODD_INTEGERS),
                _ => (Self::now_seconds() + w.rng.i64(0..9999)).to_string().into_bytes(),
            },
            "atms" => |w| match w.below(12) {
                0 => b"1".to_vec(),
                1 => b"0".to_vec(),
                2 => w.pick(ODD_INTEGERS),
                _ => (Self::now_seconds() * 1000 + w.rng.i64(0..9999)).to_string().into_bytes(),
            },
            "db" => |w| match w.below(24) {
                0 => b"16".to_vec(),
                1 => b"-1".to_vec(),
                2 => w.pick(ODD_INTEGERS),
                3 => b"15".to_vec(),
                _ => w.rng.i64(0..3).to_string().into_bytes(),
            },
            // A sorted set or a plain set, which the set operations of sorted sets take as well.
            "zset" => |w| if w.below(5) == 0 { w.key(b't') } else { w.key(b'z') },
            "sortby" => |w| w.pick(&["s*", "h*->a", "h1->*", "nokey*", "t*", "*", "h*->"]),
            "sortget" => |w| w.pick(&["#", "s*", "h1->*", "h*->a", "*", "nokey*", "foo"]),
            "bit" => |w| match w.below(16) {
                0 => b"4294967296".to_vec(),
                1 => b"-1".to_vec(),
                2 => b"999".to_vec(),
                _ => w.rng.i64(0..40).to_string().into_bytes(),
            },
            "bittype" => |w| match w.below(12) {
                0 => w.pick(&["u64", "i65", "u0", "i0", "x8", "u", "i64", "u63"]),
                _ => format!("{}{}", if w.below(2) == 0 { 'u' } else { 'i' }, w.rng.u32(1..34)).into_bytes(),
            },
            // Strings that may be unsound HyperLogLogs, places of which some servers do not know.
            "ukey" => |w| vec![b'u', b'1' + w.rng.u8(0..3)],
            // Elements of which there are many.
            "many" => |w| format!("m{}", w.rng.u32(0..100_000)).into_bytes(),
            // A HyperLogLog's string, or what looks like one.
            "hll" => |w| w.hyperloglog(),
            // A number for a field of bits: where its type ends as often as not.
            "wide" => |w| if w.below(2) == 0 { w.pick(WIDTHS) } else { w.integer() },
            "bitat" => |w| match w.below(8) {
                0 => b"-1".to_vec(),
                1 => [b"#".to_vec(), w.rng.i64(0..6).to_string().into_bytes()].concat(),
                2 => b"#-1".to_vec(),
                _ => w.rng.i64(0..60).to_string().into_bytes(),
            },
            "longitude" => |w| match w.below(16) {
                0 => w.pick(&["180", "-180", "180.1", "-181", "abc", "nan", "0", "13.361389"]),
                // Where many meet, so that distances are equal.
                1..=3 => w.rng.i64(-1..2).to_string().into_bytes(),
                4 => format!("{:.3}", w.rng.f64() * 360.0 - 180.0).into_bytes(),
                _ => format!("{:.4}", w.rng.f64() * 40.0 - 10.0).into_bytes(),
            },
            "latitude" => |w| match w.below(16) {
                0 => w.pick(&["85.05112878", "-85.05112878", "85.1", "-90", "", "inf", "0", "38.115556"]),
                1..=3 => w.rng.i64(-1..2).to_string().into_bytes(),
                4 => format!("{:.3}", w.rng.f64() * 170.0 - 85.0).into_bytes(),
                _ => format!("{:.4}", w.rng.f64() * 40.0 + 20.0).into_bytes(),
            },
            // Corners of polygons do not surround a pole: a server finds nothing then.
            "cornerlon" => |w| match w.below(16) {
                0 => w.pick(&["180.1", "abc"]),
                1..=3 => w.rng.i64(-1..2).to_string().into_bytes(),
                _ => format!("{:.4}", w.rng.f64() * 70.0 - 30.0).into_bytes(),
            },
            "cornerlat" => |w| match w.below(16) {
                0 => w.pick(&["85.1", ""]),
                1..=3 => w.rng.i64(-1..2).to_string().into_bytes(),
                _ => format!("{:.4}", w.rng.f64() * 100.0 - 40.0).into_bytes(),
            },
            "radius" => |w| match w.below(12) {
                0 => w.pick(&["0", "-1", "abc", "1e9", "40000"]),
                _ => w.rng.i64(1..4000).to_string().into_bytes(),
            },
            "unit" => |w| match w.below(10) {
                0 => w.pick(&["M", "KM", "parsec", ""]),
                1 => b"m".to_vec(),
                2 => b"mi".to_vec(),
                3 => b"ft".to_vec(),
                _ => b"km".to_vec(),
            },
            "id" => Self::identifier,
            "idmin" => |w| match w.below(6) {
                0 | 1 => b"-".to_vec(),
                2 => [b"(".to_vec(), w.identifier()].concat(),
                _ => w.identifier(),
            },
            "idmax" => |w| match w.below(6) {
                0..=2 => b"+".to_vec(),
                3 => [b"(".to_vec(), w.identifier()].concat(),
                _ => w.identifier(),
            },
            "script" => |w| w.pick(super::scripts::TEXTS),
            "library" => |w| w.pick(super::scripts::LIBRARIES),
            "passing" => |w| w.pick(super::scripts::PASSING),
            "group" => |w| w.pick(&["g1", "g1", "g1", "g2", "g2", "nogroup"]),
            "consumer" => |w| w.pick(&["alice", "bob", "carol", ""]),
            "pattern" => |w| w.pick(PATTERNS),
            "type" => |w| w.pick(&["string", "list", "set", "hash", "zset", "stream", "STRING", "foo"]),
            "scoremin" => |w| match w.below(6) {
                0 => b"-inf".to_vec(),
                1 => [b"(".to_vec(), w.float()].concat(),
                _ => w.float(),
            },
            "scoremax" => |w| match w.below(6) {
                0 | 1 => b"+inf".to_vec(),
                2 => [b"(".to_vec(), w.float()].concat(),
                _ => w.float(),
            },
            "lexmin" => |w| w.lex(b'-'),
            "lexmax" => |w| w.lex(b'+'),
            "payload" => |w| super::families::payload(w),
            "setting" => |w| {
                w.pick(&[
                    "hash-max-listpack-entries",
                    "hash-max-listpack-value",
                    "set-max-intset-entries",
                    "set-max-listpack-entries",
                    "zset-max-listpack-entries",
                    "list-max-listpack-size",
                    "aof-use-rdb-preamble",
                    "appendfsync",
                    "save",
                    "nosuchdirective",
                ])
            },
            _ => return None,
        })
    }

    fn lex(&mut self, open: u8) -> Vec<u8> {
        match self.below(10) {
            0 => self.element(),
            1..=3 => vec![open],
            4 => vec![if open == b'+' { b'-' } else { b'+' }],
            5..=7 => [b"[".to_vec(), self.element()].concat(),
            _ => [b"(".to_vec(), self.element()].concat(),
        }
    }
}
