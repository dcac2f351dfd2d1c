//! What a random command must not do, as two sides could not be compared afterwards, or the test would hang.

use super::Command;

/// Changes a command where it would do that.
pub(super) fn tame(argv: &mut Command) {
    keep_from_expiring(argv);
    keep_lexical_order(argv);
    keep_strings_short(argv);
    keep_places_plain(argv);
    keep_from_waiting(argv);
    keep_identifiers_given(argv);
}

fn number(arg: &[u8]) -> Option<i64> {
    std::str::from_utf8(arg).ok()?.parse().ok()
}

/// Two endpoints run a command at slightly different instants, so nothing may expire while a sequence runs: short
/// relative times become long ones. Times that are over at once (zero, negative, absolute in the past) stay.
fn keep_from_expiring(argv: &mut Command) {
    let name = argv[0].to_ascii_uppercase();
    let lengthen = |arg: &mut Vec<u8>, limit: i64| {
        if let Some(n) = number(arg)
            && (1..limit).contains(&n)
        {
            *arg = (n + limit).to_string().into_bytes();
        }
    };
    let direct = match name.as_slice() {
        b"PSETEX" | b"PEXPIRE" | b"HPEXPIRE" | b"RESTORE" => Some(600_000),
        b"SETEX" | b"EXPIRE" | b"HEXPIRE" => Some(600),
        _ => None,
    };
    if let (Some(limit), Some(arg)) = (direct, argv.get_mut(2)) {
        lengthen(arg, limit);
    }
    if matches!(name.as_slice(), b"SET" | b"GETEX" | b"HSETEX" | b"HGETEX" | b"MSETEX") {
        for i in 1..argv.len() {
            let limit = match argv[i - 1].to_ascii_uppercase().as_slice() {
                b"PX" => 600_000,
                b"EX" => 600,
                _ => continue,
            };
            lengthen(&mut argv[i], limit);
        }
    }
}

/// Over members of different scores the commands by lexical order find what the inner build happens to let them
/// find: they are kept to sorted sets of one score.
fn keep_lexical_order(argv: &mut Command) {
    let name = argv[0].to_ascii_uppercase();
    let lexical =
        name.windows(3).any(|w| w == b"LEX") || argv.iter().any(|a| a.eq_ignore_ascii_case(b"BYLEX"));
    let rename = |arg: Option<&mut Vec<u8>>, from: u8, to: u8| {
        if let Some(first) = arg.and_then(|a| a.first_mut())
            && *first == from
        {
            *first = to;
        }
    };
    // A spoilt command may have made any other key a sorted set.
    let one_score = |arg: Option<&mut Vec<u8>>| {
        if let Some(key) = arg {
            key.splice(..key.len().min(1), *b"y");
        }
    };
    if name == b"ZRANGESTORE" {
        rename(argv.get_mut(1), b'y', b'z');
        if lexical { one_score(argv.get_mut(2)) } else { rename(argv.get_mut(2), b'y', b'z') }
    } else if lexical {
        one_score(argv.get_mut(1));
    } else if name == b"ZADD" && argv.get(1).is_some_and(|key| key.starts_with(b"y")) {
        for score in argv.iter_mut().skip(2).step_by(2) {
            *score = b"0".to_vec();
        }
    }
}

/// No command may make a string of many megabytes: it would only cost time.
fn keep_strings_short(argv: &mut Command) {
    let name = argv[0].to_ascii_uppercase();
    let shorten = |offset: &mut Vec<u8>, limit: i64, beyond: i64| {
        let digits = offset.strip_prefix(b"#").unwrap_or(offset);
        if number(digits).is_some_and(|n| (limit..beyond).contains(&n)) {
            *offset = b"7".to_vec();
        }
    };
    match (name.as_slice(), argv.get_mut(2)) {
        (b"SETRANGE", Some(offset)) => shorten(offset, 1000, 512 << 20),
        (b"SETBIT", Some(offset)) => shorten(offset, 8000, 4 << 30),
        (b"BITFIELD", _) => {
            for at in 3..argv.len() {
                if matches!(argv[at - 1].as_slice(), [b'i' | b'u', b'0'..=b'9', ..]) {
                    shorten(&mut argv[at], 8000, 4 << 30);
                }
            }
        }
        _ => {}
    }
}

/// Only some servers read hexadecimal numbers, and others are the only ones to search in polygons.
fn keep_places_plain(argv: &mut Command) {
    if argv[0].get(..3).is_some_and(|name| name.eq_ignore_ascii_case(b"GEO")) {
        for arg in argv.iter_mut().skip(1).filter(|arg| arg.starts_with(b"0x")) {
            *arg = b"16".to_vec();
        }
    }
}

/// Nobody else is there who could end a wait.
fn keep_from_waiting(argv: &mut Command) {
    let name = argv[0].to_ascii_uppercase();
    let last = argv.len() - 1;
    let (at, short) = match name.as_slice() {
        b"BLPOP" | b"BRPOP" | b"BZPOPMIN" | b"BZPOPMAX" | b"BRPOPLPUSH" | b"BLMOVE" => (last, "0.01"),
        b"BLMPOP" | b"BZMPOP" => (1, "0.01"),
        b"XREAD" | b"XREADGROUP" => match argv.iter().position(|a| a.eq_ignore_ascii_case(b"BLOCK")) {
            Some(at) => (at + 1, "10"),
            None => return,
        },
        _ => return,
    };
    if let Some(arg) = argv.get_mut(at)
        && let Ok(text) = std::str::from_utf8(arg)
        && (text.contains('x') || text.parse::<f64>().is_ok_and(|n| (0.0..1e15).contains(&n)))
    {
        *arg = short.as_bytes().to_vec();
    }
}

/// Identifiers made from the clock are different on each side.
fn keep_identifiers_given(argv: &mut Command) {
    if argv[0].eq_ignore_ascii_case(b"XADD") {
        for arg in argv.iter_mut().skip(2).filter(|arg| *arg == b"*") {
            *arg = b"9-*".to_vec();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_expires_meanwhile() {
        let mut argv = crate::endpoint::argv("set k v PX 5");
        keep_from_expiring(&mut argv);
        assert_eq!(argv[4], b"600005");
        let mut argv = crate::endpoint::argv("EXPIRE k -1");
        keep_from_expiring(&mut argv);
        assert_eq!(argv[2], b"-1");
    }
}
