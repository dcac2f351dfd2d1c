//! Texts of directives' values: what they say, and why they can not be taken.

use std::num::IntErrorKind;

use super::table::{Kind, Row};
use crate::encoding::num;
use crate::events::Class;

/// A parsed value.
pub(super) enum Parsed {
    Number(i64),
    Text(String),
}

/// A save point: so many changes within so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// Seconds since the last save.
    pub seconds: i64,
    /// Changes since then.
    pub changes: u64,
}

pub(super) fn parse(row: &Row, value: &[u8]) -> std::result::Result<Parsed, String> {
    let text = match std::str::from_utf8(value) {
        // As in C: up to a zero byte.
        _ if matches!(row.kind, Kind::Events) => {
            let letters = value.split(|byte| *byte == 0).next().unwrap_or_default();
            std::str::from_utf8(letters).unwrap_or("\u{fffd}")
        }
        Ok(text) => text,
        Err(_) if matches!(row.kind, Kind::FileName | Kind::Path) => {
            return Err("the value is not UTF-8".to_owned());
        }
        // No number, flag or word: refused below in the words of its kind.
        Err(_) => "\u{fffd}",
    };
    let within = |n: i64, low: i64, high: i64| {
        if n < low || n > high {
            return Err(format!("argument must be between {low} and {high} inclusive"));
        }
        Ok(Parsed::Number(n))
    };
    match row.kind {
        Kind::Flag if text.eq_ignore_ascii_case("yes") => Ok(Parsed::Number(1)),
        Kind::Flag if text.eq_ignore_ascii_case("no") => Ok(Parsed::Number(0)),
        Kind::Flag => Err("argument must be 'yes' or 'no'".to_owned()),
        Kind::Int(low, high) => {
            let n = num::parse_i64(value).ok_or("argument couldn't be parsed into an integer")?;
            within(n, low, high)
        }
        Kind::Memory(low, high) => within(memory(text).ok_or("argument must be a memory value")?, low, high),
        Kind::Choice(words) => {
            let at = words.iter().position(|word| text.eq_ignore_ascii_case(word));
            let at =
                at.ok_or_else(|| format!("argument(s) must be one of the following: {}", words.join(", ")))?;
            Ok(Parsed::Number(at as i64))
        }
        Kind::FileName if text.is_empty() => Err(format!("{} can't be empty", row.name)),
        Kind::FileName if text.contains('/') || text.contains('\0') || text == "." || text == ".." => {
            Err(format!("{} can't be a path, just a filename", row.name))
        }
        Kind::FileName => Ok(Parsed::Text(text.to_owned())),
        Kind::Path if text.is_empty() || text.contains('\0') => Err("a path can't be empty".to_owned()),
        Kind::Path => Ok(Parsed::Text(text.to_owned())),
        Kind::Text if std::str::from_utf8(value).is_err() => Err("the value is not UTF-8".to_owned()),
        Kind::Text => Ok(Parsed::Text(text.to_owned())),
        Kind::Octal => match i64::from_str_radix(text, 8) {
            Ok(n) => within(n, 0, 0o777),
            Err(_) => Err("argument couldn't be parsed as an octal number".to_owned()),
        },
        Kind::Events => match Class::parse(text) {
            Some(classes) => Ok(Parsed::Number(i64::from(classes))),
            None => Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".to_owned()),
        },
        Kind::OutputLimits => output_limits(text).map(|limits| Parsed::Text(limits.concat())),
        Kind::SavePoints => {
            save_points(text).map(Parsed::Text).ok_or_else(|| "Invalid save parameters".to_owned())
        }
    }
}

/// The canonical text of save points: an even count of numbers, seconds at least 1, changes at least 0.
fn save_points(text: &str) -> Option<String> {
    let text = text.trim_matches('"');
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    if !words.len().is_multiple_of(2) {
        return None;
    }
    for pair in words.chunks_exact(2) {
        let (seconds, changes) = (num::parse_i64(pair[0].as_bytes())?, num::parse_i64(pair[1].as_bytes())?);
        if seconds < 1 || changes < 0 {
            return None;
        }
    }
    Some(words.join(" "))
}

/// The classes of clients in `client-output-buffer-limit`, in its order.
pub(super) const CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];

/// The limits a text gives, by class; a class it does not name is empty.
pub(super) fn output_limits(text: &str) -> std::result::Result<[String; 3], String> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".to_owned());
    }
    let mut limits = [const { String::new() }; 3];
    for class in words.chunks_exact(4) {
        let name = if class[0].eq_ignore_ascii_case("replica") { "slave" } else { class[0] };
        let at = CLASSES.iter().position(|known| known.eq_ignore_ascii_case(name));
        let at = at.ok_or("Invalid client class specified in buffer limit configuration.")?;
        let numbers = [memory(class[1]), memory(class[2]), num::parse_i64(class[3].as_bytes())];
        let [Some(hard), Some(soft), Some(seconds)] = numbers else {
            return Err(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.".to_owned()
            );
        };
        if hard < 0 || soft < 0 || seconds < 0 {
            return Err(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.".to_owned()
            );
        }
        limits[at] = format!("{}{} {hard} {soft} {seconds}", if at == 0 { "" } else { " " }, CLASSES[at]);
    }
    Ok(limits)
}

/// A limit of what waits to be sent to a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// More bytes than this are too many at once; 0: no limit.
    pub hard: usize,
    /// More bytes than this are too many for long; 0: no limit.
    pub soft: usize,
    /// How long that is, in seconds.
    pub seconds: u64,
}

/// Bytes from `1024`, `1k`, `1kb`, `5mb` … (k = 1000, kb = 1024, as in redis.conf).
pub(crate) fn memory(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[digits..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1024,
        "m" => 1000 * 1000,
        "mb" => 1024 * 1024,
        "g" => 1000 * 1000 * 1000,
        "gb" => 1024 * 1024 * 1024,
        _ => return None,
    };
    // A number too large to be held is a number all the same, only out of every range.
    const TOO_LARGE: i64 = -1;
    match text[..digits].parse::<i64>() {
        // As Redis: no digits are zero.
        Err(_) if digits == 0 => Some(0),
        Ok(n) => Some(n.checked_mul(unit).unwrap_or(TOO_LARGE)),
        Err(e) if *e.kind() == IntErrorKind::PosOverflow => Some(TOO_LARGE),
        Err(_) => None,
    }
}
