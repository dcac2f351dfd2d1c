//! What the command table knows of each command: its names for completion, its arguments as a hint, and what HELP shows.

use std::collections::BTreeMap;
use std::fmt::Write;

use persistkv::{Reply, Result, Store};

/// What is known of a command.
#[derive(Default)]
struct Doc {
    arguments: String,
    summary: String,
    since: String,
    group: String,
}

/// Each command by its full name in capitals, as `SET` and `CLIENT KILL`.
pub(super) struct Hints(BTreeMap<String, Doc>);

const HELP: &str = "\
To get help about commands type:
      \"help @<group>\" to get a list of commands in <group>
      \"help <command>\" for help on <command>
      \"help <tab>\" to get a list of possible help topics
      \"quit\" or Ctrl-D to leave; Ctrl-C ends what waits
";

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

    /// What HELP answers to these words.
    pub(super) fn help(&self, words: &[&str]) -> String {
        let mut out = String::new();
        let topic = words.join(" ").to_ascii_uppercase();
        let of_group = topic.strip_prefix('@').map(|group| group.replace('_', "-"));
        for (name, doc) in &self.0 {
            let is_wanted = match &of_group {
                Some(group) => doc.group.eq_ignore_ascii_case(group),
                // A container's commands too.
                None => {
                    name.strip_prefix(&topic).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
                }
            };
            if !topic.is_empty() && is_wanted {
                let _ = write!(out, "\n  {name} {}\n  summary: {}\n", doc.arguments, doc.summary);
                if of_group.is_none() {
                    let _ = write!(out, "  since: {}\n  group: {}\n", doc.since, doc.group);
                }
            }
        }
        match out.is_empty() {
            true if topic.is_empty() => HELP.to_owned(),
            true => format!("There is no command or group '{}'\n", words.join(" ")),
            false => out + "\n",
        }
    }

    /// Names of groups, as HELP takes them.
    pub(super) fn groups(&self) -> Vec<String> {
        let mut groups: Vec<String> = self.0.values().map(|doc| format!("@{}", doc.group)).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// Whether there is a command of this name.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.0.contains_key(&name.to_ascii_uppercase())
    }

    /// What is still to be written of a line's arguments; `None` when its command is not known.
    pub(super) fn rest(&self, line: &str) -> Option<String> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        // The longest name that fits: CLIENT KILL before CLIENT.
        let found = (1..=words.len().min(2)).rev().find_map(|count| {
            let name = words[..count].join(" ").to_ascii_uppercase();
            self.0.get(&name).map(|doc| (count, &doc.arguments))
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

fn enter(docs: &Reply, hints: &mut BTreeMap<String, Doc>) {
    for (name, fields) in pairs(docs) {
        let mut doc = Doc::default();
        for (field, value) in pairs(fields) {
            match field.as_str() {
                "arguments" => doc.arguments = arguments(value),
                "summary" => doc.summary = name_of(value),
                "since" => doc.since = name_of(value),
                "group" => doc.group = name_of(value),
                "subcommands" => enter(value, hints),
                _ => {}
            }
        }
        hints.insert(name.replace('|', " ").to_uppercase(), doc);
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
        let help = hints.help(&["get"]);
        assert!(
            help.starts_with("\n  GET key\n  summary: ") && help.ends_with("\n  group: string\n\n"),
            "{help}"
        );
        assert!(hints.help(&["client", "kill"]).contains("CLIENT KILL "));
        assert!(
            hints.help(&["client"]).contains("CLIENT KILL ")
                && hints.help(&["@list"]).contains("\n  LPOP key")
        );
        assert!(
            hints.help(&[]).contains("help <command>")
                && hints.help(&["x"]).contains("no command or group 'x'")
        );
        assert!(
            hints.groups().contains(&"@sorted-set".to_owned()) && hints.knows("get") && !hints.knows("x")
        );
    }
}
