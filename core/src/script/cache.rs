//! The texts that EVALSHA knows by their SHA-1.
//!
//! What SCRIPT LOAD brought stays until SCRIPT FLUSH. Of what EVAL brought only the latest 500 stay, as in Redis 7.4 and
//! later: programs that write their arguments into the text would fill memory otherwise.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::shebang::Script;

/// Scripts kept that only EVAL brought.
const BY_EVAL_MAX: usize = 500;

struct Known {
    script: Arc<Script>,
    /// When it was last run, if only EVAL brought it.
    used: Option<u64>,
}

/// See the module's head.
#[derive(Default)]
pub struct Cache {
    scripts: HashMap<Arc<str>, Known, RandomState>,
    /// The SHA-1 of each text: EVAL need not compute it again.
    by_text: HashMap<Arc<[u8]>, Arc<str>, RandomState>,
    clock: u64,
    by_eval: usize,
    bytes: usize,
    evicted: u64,
}

impl Cache {
    /// A script by the SHA-1 of its text, lower case. `by_eval`: it is about to be run; otherwise it is to stay.
    pub fn find(&mut self, sha: &str, by_eval: bool) -> Option<Arc<Script>> {
        self.clock += 1;
        let known = self.scripts.get_mut(sha)?;
        if known.used.is_some() {
            if by_eval {
                known.used = Some(self.clock);
            } else {
                known.used = None;
                self.by_eval -= 1;
            }
        }
        Some(Arc::clone(&known.script))
    }

    /// The same by the text.
    pub(super) fn find_text(&mut self, body: &[u8], by_eval: bool) -> Option<Arc<Script>> {
        let sha = Arc::clone(self.by_text.get(body)?);
        self.find(&sha, by_eval)
    }

    /// Whether it is known.
    pub fn has(&self, sha: &str) -> bool {
        self.scripts.contains_key(sha)
    }

    /// The text of a script.
    pub fn body(&self, sha: &str) -> Option<Arc<[u8]>> {
        self.scripts.get(sha).map(|known| Arc::clone(&known.script.body))
    }

    /// Adds a script that is not known yet; the one that had to go for it, if any.
    pub(super) fn add(&mut self, script: Arc<Script>, by_eval: bool) -> Option<Arc<str>> {
        let mut gone = None;
        if by_eval && self.by_eval >= BY_EVAL_MAX {
            let used = |known: &Known| known.used.unwrap_or(u64::MAX);
            let oldest =
                self.scripts.iter().min_by_key(|(_, known)| used(known)).map(|(sha, _)| Arc::clone(sha));
            if let Some(known) = oldest.as_ref().and_then(|sha| self.scripts.remove(sha)) {
                self.by_text.remove(&known.script.body);
                self.bytes -= known.script.body.len();
                self.by_eval -= 1;
                self.evicted += 1;
            }
            gone = oldest;
        }
        self.bytes += script.body.len();
        self.by_eval += usize::from(by_eval);
        let used = by_eval.then_some(self.clock);
        self.by_text.insert(Arc::clone(&script.body), Arc::clone(&script.sha));
        self.scripts.insert(Arc::clone(&script.sha), Known { script, used });
        gone
    }

    pub(super) fn clear(&mut self) {
        *self = Self { evicted: self.evicted, ..Self::default() };
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.scripts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.scripts.is_empty()
    }

    /// Bytes of all texts.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many had to go for others.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(n: usize) -> Arc<Script> {
        Arc::new(Script::parse(format!("{n}").into(), b"return 1").unwrap())
    }

    #[test]
    fn the_least_recently_run_goes_unless_it_was_loaded() {
        let mut cache = Cache::default();
        assert_eq!(cache.add(script(1000), false), None);
        for n in 0..BY_EVAL_MAX {
            cache.find("nope", true);
            assert_eq!(cache.add(script(n), true), None);
        }
        assert!(cache.find("0", true).is_some());
        assert_eq!(cache.add(script(9999), true).as_deref(), Some("1"));
        assert!(cache.find("2", false).is_some(), "it stays from now on");
        assert_eq!(cache.add(script(9998), true), None);
        assert_eq!(cache.add(script(9997), true).as_deref(), Some("3"));
        assert_eq!((cache.len(), cache.evicted()), (BY_EVAL_MAX + 2, 2));
        assert!(cache.has("1000") && cache.bytes() == cache.len() * 8);
    }
}
