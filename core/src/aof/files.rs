//! Where the files of the log are and how they are called.

use std::path::PathBuf;

use super::manifest::Kind;

/// Places and names, from the directives `dir`, `appenddirname` and `appendfilename`.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The store's directory.
    pub dir: PathBuf,
    /// Name of the folder in it that holds the log.
    pub dirname: String,
    /// What the log's file names start with.
    pub filename: String,
}

impl Layout {
    /// Redis's default names in a directory.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), dirname: "appendonlydir".to_owned(), filename: "appendonly.aof".to_owned() }
    }

    /// The folder that holds the log.
    pub fn folder(&self) -> PathBuf {
        self.dir.join(&self.dirname)
    }

    /// A file of the log.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Where a server older than 7.0 has its log, in one file.
    pub fn old_single_file(&self) -> PathBuf {
        self.dir.join(&self.filename)
    }

    /// Name of the manifest.
    pub fn manifest_name(&self) -> String {
        format!("{}.manifest", self.filename)
    }

    /// Name of the file in which we note what we have open; servers do not look at it.
    pub fn session_name(&self) -> String {
        format!("{}.session", self.filename)
    }

    /// Name of a base that is being written.
    pub fn temp_base_name(&self) -> String {
        format!("temp-{}.base", self.filename)
    }

    /// Name of the commands that will stand behind a snapshot in a base that is being written.
    pub fn temp_tail_name(&self) -> String {
        format!("temp-{}.tail", self.filename)
    }

    /// Name of a base, by number and whether it is in RDB form.
    pub fn base_name(&self, seq: u64, rdb: bool) -> String {
        format!("{}.{seq}.base.{}", self.filename, if rdb { "rdb" } else { "aof" })
    }

    /// Name of an incremental file.
    pub fn incr_name(&self, seq: u64) -> String {
        format!("{}.{seq}.incr.aof", self.filename)
    }

    /// Kind and number of a file by its name, if it is one of ours.
    pub fn parse_name(&self, name: &str) -> Option<(Kind, u64)> {
        let rest = name.strip_prefix(&self.filename)?.strip_prefix('.')?;
        let (seq, kind) = rest.split_once('.')?;
        let seq = seq.parse().ok()?;
        match kind {
            "base.rdb" | "base.aof" => Some((Kind::Base, seq)),
            "incr.aof" => Some((Kind::Incr, seq)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        let layout = Layout::new("/d");
        assert_eq!(layout.parse_name(&layout.base_name(3, true)), Some((Kind::Base, 3)));
        assert_eq!(layout.parse_name(&layout.base_name(3, false)), Some((Kind::Base, 3)));
        assert_eq!(layout.parse_name(&layout.incr_name(12)), Some((Kind::Incr, 12)));
        for other in
            ["appendonly.aof", "appendonly.aof.manifest", "appendonly.aof.x.incr.aof", "a.1.incr.aof"]
        {
            assert_eq!(layout.parse_name(other), None, "{other}");
        }
    }
}
