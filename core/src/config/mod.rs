//! The directive table: what can be configured, by Redis's own names, with types, defaults and ranges.
//!
//! One table serves `Store::open`, CONFIG GET/SET, the configuration file and the documentation. Numbers, flags and
//! choices lie in atomics, so that a command reads a limit without a lock.

mod table;
mod values;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::encoding::glob;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Class;
use crate::switches::Switches;
use crate::value::Limits;

pub use table::{APPENDFSYNC, Directive, Kind, MAXMEMORY_POLICY, RDB_VERSION, Row, TABLE};
pub(crate) use values::memory;
pub use values::{OutputLimit, SavePoint};

use table::ALL;
use values::{CLASSES, Parsed, output_limits, parse};

/// The directives' values.
pub struct Config {
    numbers: Box<[AtomicI64]>,
    texts: RwLock<Vec<String>>,
    /// Directives about the process are taken too.
    of_server: bool,
    /// What DEBUG turns.
    pub switches: Switches,
    /// [`Config::output_limit`] of other clients and of subscribers: hard, soft, seconds.
    output_limits: [[AtomicU64; 3]; 2],
}

impl Default for Config {
    fn default() -> Self {
        let config = Self {
            numbers: TABLE.iter().map(|_| AtomicI64::new(0)).collect(),
            texts: RwLock::new(vec![String::new(); TABLE.len()]),
            of_server: false,
            switches: Switches::default(),
            output_limits: Default::default(),
        };
        for (index, row) in TABLE.iter().enumerate() {
            let parsed =
                parse(row, row.default.as_bytes()).expect("defaults are valid: a test parses them all");
            config.store(index, parsed);
        }
        config
    }
}

/// The row of a directive by name or alias, in any case.
fn position(name: &[u8]) -> Option<usize> {
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    TABLE.iter().position(|row| is(row.name) || row.alias.is_some_and(is))
}

impl Config {
    /// Directives for a server, which takes those about its process too.
    pub fn of_server() -> Self {
        Self { of_server: true, ..Self::default() }
    }

    /// Whether they are a server's.
    pub fn is_server(&self) -> bool {
        self.of_server
    }

    /// The value of an integer, memory, flag (0 or 1) or choice (its position) directive.
    pub fn int(&self, directive: Directive) -> i64 {
        self.numbers[directive as usize].load(Ordering::Relaxed)
    }

    /// Whether a flag is `yes`.
    pub fn flag(&self, directive: Directive) -> bool {
        self.int(directive) != 0
    }

    /// The word of a choice directive.
    pub fn choice(&self, directive: Directive) -> String {
        self.shown(directive as usize)
    }

    /// The value of a text directive.
    pub fn text(&self, directive: Directive) -> String {
        self.texts.read().unwrap_or_else(PoisonError::into_inner)[directive as usize].clone()
    }

    /// The save points in force.
    pub fn save_points(&self) -> Vec<SavePoint> {
        let text = self.text(Directive::Save);
        let numbers: Vec<i64> = text.split_ascii_whitespace().filter_map(|n| n.parse().ok()).collect();
        numbers.chunks_exact(2).map(|pair| SavePoint { seconds: pair[0], changes: pair[1] as u64 }).collect()
    }

    /// What may wait for a peer that does not read: of a subscriber, or of any other client. Read for every command.
    pub fn output_limit(&self, of_subscriber: bool) -> OutputLimit {
        let numbers = &self.output_limits[usize::from(of_subscriber)];
        let [hard, soft, seconds] = [0, 1, 2].map(|at: usize| numbers[at].load(Ordering::Relaxed));
        let size = |number| usize::try_from(number).unwrap_or(usize::MAX);
        OutputLimit { hard: size(hard), soft: size(soft), seconds }
    }

    /// The classes of keyspace events that are told; read for every event.
    pub fn events(&self) -> u32 {
        self.int(Directive::NotifyKeyspaceEvents) as u32
    }

    /// The limits of compact forms.
    pub fn limits(&self) -> Limits {
        let size = |directive| usize::try_from(self.int(directive)).unwrap_or(usize::MAX);
        Limits {
            list_max_listpack_size: self.int(Directive::ListMaxListpackSize),
            list_packed_threshold: self.switches.list_packed_threshold(),
            hash_max_listpack_entries: size(Directive::HashMaxListpackEntries),
            hash_max_listpack_value: size(Directive::HashMaxListpackValue),
            set_max_intset_entries: size(Directive::SetMaxIntsetEntries),
            set_max_listpack_entries: size(Directive::SetMaxListpackEntries),
            set_max_listpack_value: size(Directive::SetMaxListpackValue),
            zset_max_listpack_entries: size(Directive::ZSetMaxListpackEntries),
            zset_max_listpack_value: size(Directive::ZSetMaxListpackValue),
            stream_node_max_bytes: size(Directive::StreamNodeMaxBytes),
            stream_node_max_entries: size(Directive::StreamNodeMaxEntries) as u64,
        }
    }

    /// Names and values of all directives that match one of the patterns, for CONFIG GET.
    pub fn matching(&self, patterns: &[&[u8]]) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        for (index, row) in TABLE.iter().enumerate() {
            for name in std::iter::once(row.name).chain(row.alias) {
                if patterns.iter().any(|pattern| glob::matches(pattern, name.as_bytes(), true)) {
                    found.push((name, self.shown(index)));
                }
            }
        }
        found
    }

    /// The value of a directive as CONFIG GET shows it.
    fn shown(&self, index: usize) -> String {
        let number = self.numbers[index].load(Ordering::Relaxed);
        match TABLE[index].kind {
            Kind::Flag => if number != 0 { "yes" } else { "no" }.to_owned(),
            Kind::Int(..) | Kind::Memory(..) => number.to_string(),
            Kind::Choice(words) => words[number as usize].to_owned(),
            Kind::Octal => format!("{number:o}"),
            Kind::Events => Class::text(number as u32),
            Kind::FileName | Kind::Path | Kind::SavePoints | Kind::Text | Kind::OutputLimits => {
                self.texts.read().unwrap_or_else(PoisonError::into_inner)[index].clone()
            }
        }
    }

    fn store(&self, index: usize, parsed: Parsed) {
        let parsed = match parsed {
            // A class that is not named keeps its limits.
            Parsed::Text(text) if matches!(TABLE[index].kind, Kind::OutputLimits) => {
                let (old, new) = (output_limits(&self.shown(index)), output_limits(&text));
                let new = new.unwrap_or_default().into_iter().zip(old.unwrap_or_default());
                Parsed::Text(new.map(|(new, old)| if new.is_empty() { old } else { new }).collect())
            }
            parsed => parsed,
        };
        match parsed {
            Parsed::Number(number) => self.numbers[index].store(number, Ordering::Relaxed),
            Parsed::Text(text) => self.texts.write().unwrap_or_else(PoisonError::into_inner)[index] = text,
        }
        if matches!(TABLE[index].kind, Kind::OutputLimits) {
            let text = self.shown(index);
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            for (slots, class) in self.output_limits.iter().zip([CLASSES[0], CLASSES[2]]) {
                let Some(at) = words.iter().position(|word| *word == class) else { continue };
                for (slot, word) in slots.iter().zip(&words[at + 1..]) {
                    slot.store(word.parse().unwrap_or(0), Ordering::Relaxed);
                }
            }
        }
    }

    /// Sets directives at open time, where everything may be set. `save` may come several times, as in a configuration
    /// file: the points add up.
    pub fn set_at_open<N: AsRef<str>, V: AsRef<str>>(&self, pairs: &[(N, V)]) -> Result<()> {
        let mut saves: Option<String> = None;
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref());
            let unknown = || {
                let text = format!(
                    "unknown directive '{name}'; directives have the names of redis.conf, see docs/directives.md"
                );
                Error::new(ErrorKind::Config, text)
            };
            let index = position(name.as_bytes()).ok_or_else(unknown)?;
            if TABLE[index].of_server && !self.of_server {
                let text = format!("directive '{name}' is for a server: `persistkv serve` takes it");
                return Err(Error::new(ErrorKind::Config, text));
            }
            let refused =
                |reason| Error::new(ErrorKind::Config, format!("directive '{name}' = '{value}': {reason}"));
            let parsed = parse(&TABLE[index], value.as_bytes()).map_err(refused)?;
            if index == Directive::Save as usize
                && let Parsed::Text(points) = &parsed
            {
                let all = saves.get_or_insert_default();
                if points.is_empty() {
                    all.clear();
                } else {
                    all.push_str(if all.is_empty() { "" } else { " " });
                    all.push_str(points);
                }
                continue;
            }
            self.store(index, parsed);
        }
        if let Some(saves) = saves {
            self.store(Directive::Save as usize, Parsed::Text(saves));
        }
        Ok(())
    }

    /// Whether there is a directive of this name.
    pub fn knows(name: &str) -> bool {
        position(name.as_bytes()).is_some()
    }

    /// Whether there is a directive of this name, and why this can not be its value if so.
    pub fn check(name: &str, value: &str) -> std::result::Result<bool, String> {
        match position(name.as_bytes()) {
            None => Ok(false),
            Some(index) => parse(&TABLE[index], value.as_bytes()).map(|_| true),
        }
    }

    /// Refuses when a directive would have another value than the one in force: for opening a store a second time.
    pub fn agrees_with<N: AsRef<str>, V: AsRef<str>>(&self, pairs: &[(N, V)]) -> Result<()> {
        let wanted = Self { of_server: true, ..Self::default() };
        wanted.set_at_open(pairs)?;
        for (name, value) in pairs {
            let Some(index) = position(name.as_ref().as_bytes()) else { continue };
            let in_force = self.shown(index);
            if index != Directive::Dir as usize && wanted.shown(index) != in_force {
                let (name, value) = (name.as_ref(), value.as_ref());
                let text = format!(
                    "the directory is open in this process already, with {name} '{in_force}', not '{value}'; close it first, \
                     or leave the directive out"
                );
                return Err(Error::new(ErrorKind::Config, text));
            }
        }
        Ok(())
    }

    /// CONFIG SET: checks all pairs, then `apply` is told which directives will change (it may refuse), then all are
    /// stored. Redis's error texts.
    pub fn set_at_run_time(&self, pairs: &[(&[u8], &[u8])]) -> Result<Vec<Directive>> {
        let mut parsed = Vec::new();
        for (name, value) in pairs {
            let shown = String::from_utf8_lossy(name);
            let index = position(name).ok_or_else(|| {
                Error::command(format!(
                    "ERR Unknown option or number of arguments for CONFIG SET - '{shown}'"
                ))
            })?;
            let failed = |reason: String| {
                Error::command(format!(
                    "ERR CONFIG SET failed (possibly related to argument '{shown}') - {reason}"
                ))
            };
            if !TABLE[index].at_run_time || (TABLE[index].of_server && !self.of_server) {
                return Err(failed("can't set immutable config".to_owned()));
            }
            if parsed.iter().any(|(other, _)| *other == index) {
                return Err(failed("duplicate parameter".to_owned()));
            }
            parsed.push((index, parse(&TABLE[index], value).map_err(failed)?));
        }
        let changed = parsed.iter().map(|(index, _)| ALL[*index]).collect();
        for (index, value) in parsed {
            self.store(index, value);
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_enum_are_in_the_same_order() {
        for (index, directive) in ALL.iter().enumerate() {
            assert_eq!(*directive as usize, index);
        }
        let config = Config::default();
        assert_eq!(
            config.matching(&[b"*"]).len(),
            TABLE.len() + TABLE.iter().filter(|row| row.alias.is_some()).count()
        );
        assert_eq!(config.int(Directive::AutoAofRewriteMinSize), 64 << 20);
        assert_eq!(config.save_points().len(), 3);
    }

    #[test]
    fn values_are_checked() {
        let config = Config::default();
        for (name, value) in [
            ("appendonly", "maybe"),
            ("databases", "0"),
            ("dbfilename", "a/b"),
            ("save", "60"),
            ("save", "0 1"),
            ("appendfsync", "sometimes"),
            ("auto-aof-rewrite-min-size", "64 potatoes"),
            ("auto-aof-rewrite-min-size", "99999999999gb"),
            ("nope", "1"),
        ] {
            let error = config.set_at_open(&[(name, value)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.message().contains(name), "{error}");
        }
        config.set_at_open(&[("save", "60 1"), ("save", "10 100"), ("APPENDONLY", "YES")]).unwrap();
        assert_eq!(config.text(Directive::Save), "60 1 10 100");
        config.set_at_open(&[("save", "")]).unwrap();
        assert!(config.save_points().is_empty() && config.flag(Directive::AppendOnly));
    }

    #[test]
    fn a_set_at_run_time_is_all_or_nothing() {
        let config = Config::default();
        let error = config.set_at_run_time(&[(b"rdbcompression", b"no"), (b"databases", b"4")]).unwrap_err();
        assert_eq!(
            error.message(),
            "ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config"
        );
        assert!(config.flag(Directive::RdbCompression));
        config.set_at_run_time(&[(b"rdbcompression", b"no"), (b"save", b"")]).unwrap();
        assert!(!config.flag(Directive::RdbCompression));
        assert!(config.save_points().is_empty());
    }
}
