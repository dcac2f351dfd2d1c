//! What the command table knows of each command: its names for completion, its arguments as a hint.

use std::collections::BTreeMap;

use persistkv::{Reply, Result, Store};

/// Each command's arguments by its full name in capitals, as `SET` and `CLIENT KILL`.
pub(super) struct Hints(BTreeMap<String, String>);

impl Hints {
    /// From the documentation of the table's commands.
    pub(super) fn load() -> Result<Self> {
        let reply = Store::memory()?.client().execute(&["COMMAND", "DOCS"])?;
        let mut hints = BTreeMap::new();
        enter(&reply, &mut hints);
        Ok(Self(hints))
    }

    /// Commands that begin as this text does.
    pub(super) fn beginning(&self, text: &str) -> impl Iterator<Item = &str> {
        let wanted = text.to_ascii_uppercase();
        self.0.keys().map(String::as_str).filter(move |name| name.starts_with(&wanted))
    }

    /// What is still to be written of a line's arguments; `None` when its command is not known.
    pub(super) fn rest(&self, line: &str) -> Option<String> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        // The longest name that fits: CLIENT KILL before CLIENT.
        let found = (1..=words.len().min(2)).rev().find_map(|count| {
            let name = words[..count].join(" ").to_ascii_uppercase();
            self.0.get(&name).map(|hint| (count, hint))
        });
        let (count, hint) = found?;
        let given = words.len() - count;
        // What is given is taken from the front, word by word, as far as the hint is plain there.
        let mut rest = hint.as_str();
        for _ in 0..given {
            if rest.starts_with('[') || rest.is_empty() {
                break;
            }
            rest = rest.split_once(' ').map_or("", |(_, rest)| rest);
        }
        (!rest.is_empty()).then(|| rest.to_owned())
    }
}

fn name_of(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Simple(text) => text.to_string(),
        _ => String::new(),
    }
}

/// Pairs of a map, whichever shape it has.
fn pairs(reply: &Reply) -> Vec<(String, &Reply)> {
    match reply {
        Reply::Array(parts) => parts.chunks_exact(2).map(|pair| (name_of(&pair[0]), &pair[1])).collect(),
        Reply::Map(pairs) => pairs.iter().map(|(key, value)| (name_of(key), value)).collect(),
        _ => Vec::new(),
    }
}

fn enter(docs: &Reply, hints: &mut BTreeMap<String, String>) {
    for (name, doc) in pairs(docs) {
        let mut hint = String::new();
        for (field, value) in pairs(doc) {
            match field.as_str() {
                "arguments" => hint = arguments(value),
                "subcommands" => enter(value, hints),
                _ => {}
            }
        }
        hints.insert(name.replace('|', " ").to_uppercase(), hint);
    }
}

fn arguments(reply: &Reply) -> String {
    let Reply::Array(parts) = reply else { return String::new() };
    parts.iter().map(argument).collect::<Vec<_>>().join(" ")
}

/// `key`, `[NX|XX]`, `key [key ...]`, `[EX seconds]` …
fn argument(reply: &Reply) -> String {
    let fields: BTreeMap<String, &Reply> = pairs(reply).into_iter().collect();
    let text = |name: &str| fields.get(name).map(|value| name_of(value)).unwrap_or_default();
    let (name, kind, token) = (text("name"), text("type"), text("token"));
    let parts = || match fields.get("arguments") {
        Some(Reply::Array(parts)) => parts.iter().map(argument).collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    let flags: Vec<String> = match fields.get("flags") {
        Some(Reply::Array(flags) | Reply::Set(flags)) => flags.iter().map(name_of).collect(),
        _ => Vec::new(),
    };
    let has = |flag: &str| flags.iter().any(|known| known == flag);
    let mut shown = match kind.as_str() {
        "pure-token" => token.clone(),
        "oneof" => parts().join("|"),
        "block" => parts().join(" "),
        _ => name,
    };
    if !token.is_empty() && kind != "pure-token" {
        shown = format!("{token} {shown}");
    }
    if kind == "oneof" && !has("optional") {
        shown = format!("<{shown}>");
    }
    if has("multiple") {
        shown = format!("{shown} [{shown} ...]");
    }
    if has("optional") { format!("[{shown}]") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_completed_by_what_its_command_wants() {
        let hints = Hints::load().unwrap();
        assert_eq!(hints.rest("get").as_deref(), Some("key"));
        assert_eq!(hints.rest("get k"), None);
        assert!(
            hints.rest("set k").is_some_and(|rest| rest.starts_with("value [")),
            "{:?}",
            hints.rest("set k")
        );
        assert_eq!(hints.rest("nope"), None);
        assert_eq!(hints.rest("client setname").as_deref(), Some("connection-name"));
        assert!(hints.beginning("client k").eq(["CLIENT KILL"]));
        assert!(hints.beginning("ZR").count() > 5);
    }
}
