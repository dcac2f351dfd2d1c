//! What a simulated disk may hold after the power fails, and what the page cache holds after a kill.
//!
//! A [`Replayer`] steps through the record of a [`SimFs`]. After each step it knows, for each file, what
//! is durable and which changes since may or may not have reached the disk, and the same for the directory entries.
//! From that it builds disks:
//!
//! * [`after_kill`](Replayer::after_kill): every change happened; the next store perhaps in part.
//! * [`after_power_cut`](Replayer::after_power_cut): any subset of the unsynced directory changes in their order, and for
//!   each file independently one of [`Loss`].
//!
//! What is not modelled: blocks of other files showing up in a file, and an extension that reaches the disk up to the
//! middle of a page (file systems extend by pages or by whole writes).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Body, Inode, Op, PAGE, SimFs, put_bytes};

/// What became of the unsynced changes of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// None of them is on the disk.
    All,
    /// All are.
    Nothing,
    /// Those before a random one are.
    Suffix,
    /// The same, and a part of that one.
    Torn,
    /// The length is there, the bytes are zeros where nothing was before.
    Zeros,
    /// Each page for itself has one of the contents it had; the length too.
    Pages,
    /// Each sector of 512 bytes for itself.
    Sectors,
}

const LOSSES: [Loss; 7] =
    [Loss::All, Loss::Nothing, Loss::Suffix, Loss::Torn, Loss::Zeros, Loss::Pages, Loss::Sectors];

#[derive(Clone, Debug)]
enum Change {
    Bytes { offset: u64, data: Vec<u8> },
    Len(u64),
}

#[derive(Clone, Debug)]
enum Link {
    Create { path: PathBuf, inode: Inode },
    Rename { from: PathBuf, to: PathBuf, inode: Inode },
    Unlink { path: PathBuf, inode: Inode },
}

impl Link {
    fn is_in(&self, dir: &Path) -> bool {
        match self {
            Link::Create { path, .. } | Link::Unlink { path, .. } => path.parent() == Some(dir),
            Link::Rename { from, to, .. } => to.parent() == Some(dir) || from.parent() == Some(dir),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Inode>) {
        let remove = |names: &mut BTreeMap<PathBuf, Inode>, path: &PathBuf, inode: &Inode| {
            if names.get(path) == Some(inode) {
                names.remove(path);
            }
        };
        match self {
            Link::Create { path, inode } => {
                names.insert(path.clone(), *inode);
            }
            Link::Rename { from, to, inode } => {
                remove(names, from, inode);
                names.insert(to.clone(), *inode);
            }
            Link::Unlink { path, inode } => remove(names, path, inode),
        }
    }
}

#[derive(Clone, Debug, Default)]
struct FileState {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Replayer {
    boot: String,
    files: BTreeMap<Inode, FileState>,
    /// As every process sees them.
    names: BTreeMap<PathBuf, Inode>,
    durable_names: BTreeMap<PathBuf, Inode>,
    pending_links: Vec<Link>,
}

fn apply(data: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Bytes { offset, data: bytes } => put_bytes(data, *offset, bytes),
        Change::Len(len) => data.resize(*len as usize, 0),
    }
}

impl Replayer {
    /// Before the first change, on a machine that runs since `boot`.
    pub fn new(boot: impl Into<String>) -> Self {
        Self {
            boot: boot.into(),
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending_links: Vec::new(),
        }
    }

    fn link(&mut self, link: Link) {
        link.apply(&mut self.names);
        self.pending_links.push(link);
    }

    /// One more change has happened.
    pub fn step(&mut self, op: &Op) {
        match op {
            Op::Create { path, inode } => {
                self.files.insert(*inode, FileState::default());
                self.link(Link::Create { path: path.clone(), inode: *inode });
            }
            Op::Rename { from, to } => {
                if let Some(&inode) = self.names.get(from) {
                    self.link(Link::Rename { from: from.clone(), to: to.clone(), inode });
                }
            }
            Op::Unlink { path } => {
                if let Some(&inode) = self.names.get(path) {
                    self.link(Link::Unlink { path: path.clone(), inode });
                }
            }
            Op::Write { inode, offset, data } | Op::Store { inode, offset, data, .. } => {
                if let Some(file) = self.files.get_mut(inode) {
                    file.pending.push(Change::Bytes { offset: *offset, data: data.clone() });
                }
            }
            Op::SetLen { inode, len } => {
                if let Some(file) = self.files.get_mut(inode) {
                    file.pending.push(Change::Len(*len));
                }
            }
            Op::Sync { inode } => {
                if let Some(file) = self.files.get_mut(inode) {
                    for change in std::mem::take(&mut file.pending) {
                        apply(&mut file.durable, &change);
                    }
                }
            }
            Op::SyncDir { path } => {
                let (now, later) =
                    std::mem::take(&mut self.pending_links).into_iter().partition(|link| link.is_in(path));
                let now: Vec<Link> = now;
                for link in &now {
                    link.apply(&mut self.durable_names);
                }
                self.pending_links = later;
            }
            Op::Mark(_) => {}
        }
    }

    fn disk(names: &BTreeMap<PathBuf, Inode>, content: impl Fn(Inode) -> Vec<u8>, boot: &str) -> SimFs {
        let fs = SimFs::new();
        {
            let mut state = fs.state();
            state.boot = boot.to_owned();
            state.next_inode = names.values().max().map_or(1, |top| top + 1);
            for (path, &inode) in names {
                for dir in path.ancestors().skip(1) {
                    if !state.dirs.iter().any(|d| d == dir) {
                        state.dirs.push(dir.to_path_buf());
                    }
                }
                let data = content(inode);
                // So that a crash of what comes next starts from here.
                state.record(Op::Create { path: path.clone(), inode });
                state.record(Op::Write { inode, offset: 0, data: data.clone() });
                state.record(Op::Sync { inode });
                if let Some(dir) = path.parent() {
                    state.record(Op::SyncDir { path: dir.to_path_buf() });
                }
                state.bodies.insert(inode, Body { data, ..Body::default() });
                state.name(path.clone(), inode);
            }
        }
        fs
    }

    /// The disk as the next process sees it after a kill: the page cache outlives it. With `partial`, so much of `next`
    /// was stored: that many bytes from its start, or, negative, from its end.
    pub fn after_kill(&self, partial: Option<(&Op, isize)>) -> SimFs {
        let content = |inode: Inode| {
            let mut data = Vec::new();
            if let Some(file) = self.files.get(&inode) {
                data.clone_from(&file.durable);
                for change in &file.pending {
                    apply(&mut data, change);
                }
            }
            if let Some((Op::Store { inode: to, offset, data: bytes, .. }, n)) = partial
                && *to == inode
            {
                let k = n.unsigned_abs().min(bytes.len());
                if n >= 0 {
                    put_bytes(&mut data, *offset, &bytes[..k]);
                } else {
                    let skip = bytes.len() - k;
                    put_bytes(&mut data, *offset + skip as u64, &bytes[skip..]);
                }
            }
            data
        };
        Self::disk(&self.names, content, &self.boot)
    }

    /// A disk as it may be found after a power cut, at random. The machine has booted again.
    pub fn after_power_cut(&self, random: &mut fastrand::Rng) -> SimFs {
        let mut names = self.durable_names.clone();
        match random.u8(0..4) {
            0 => {}
            1 => self.pending_links.iter().for_each(|link| link.apply(&mut names)),
            2 => {
                let n = random.usize(0..=self.pending_links.len());
                self.pending_links[..n].iter().for_each(|link| link.apply(&mut names));
            }
            _ => self.pending_links.iter().filter(|_| random.bool()).for_each(|link| link.apply(&mut names)),
        }
        let mut contents = BTreeMap::new();
        for inode in names.values() {
            let loss = LOSSES[random.usize(0..LOSSES.len())];
            let data = self.files.get(inode).map(|file| survive(file, loss, random)).unwrap_or_default();
            contents.insert(*inode, data);
        }
        let boot = format!("boot-{:016x}", random.u64(..));
        Self::disk(&names, |inode| contents.get(&inode).cloned().unwrap_or_default(), &boot)
    }
}

/// The content of one file after a loss.
fn survive(file: &FileState, loss: Loss, random: &mut fastrand::Rng) -> Vec<u8> {
    let mut data = file.durable.clone();
    let pending = &file.pending;
    match loss {
        Loss::All => {}
        Loss::Nothing => pending.iter().for_each(|change| apply(&mut data, change)),
        Loss::Suffix | Loss::Torn => {
            let n = random.usize(0..=pending.len());
            pending[..n].iter().for_each(|change| apply(&mut data, change));
            if loss == Loss::Torn
                && let Some(Change::Bytes { offset, data: bytes }) = pending.get(n)
            {
                let keep = random.usize(0..=bytes.len());
                let grows = offset + bytes.len() as u64 > data.len() as u64;
                // An extension stops at a page; within a page that is there, anything may be torn.
                let keep = if grows && keep < bytes.len() {
                    let end = (offset + keep as u64) / PAGE * PAGE;
                    end.saturating_sub(*offset) as usize
                } else {
                    keep
                };
                put_bytes(&mut data, *offset, &bytes[..keep]);
            }
        }
        Loss::Zeros => {
            for change in pending {
                match change {
                    Change::Len(len) => data.resize(*len as usize, 0),
                    Change::Bytes { offset, data: bytes } => {
                        let end = *offset as usize + bytes.len();
                        if data.len() < end {
                            data.resize(end, 0);
                        }
                    }
                }
            }
        }
        Loss::Pages => return mixed(file, PAGE, random),
        Loss::Sectors => return mixed(file, 512, random),
    }
    data
}

/// Each unit of the file for itself as it was after some of the changes, and the length after some of them.
fn mixed(file: &FileState, unit: u64, random: &mut fastrand::Rng) -> Vec<u8> {
    let n = file.pending.len();
    let mut all = file.durable.clone();
    let mut longest = all.len();
    let mut lengths = vec![all.len()];
    for change in &file.pending {
        apply(&mut all, change);
        longest = longest.max(all.len());
        lengths.push(all.len());
    }
    let units = longest.div_ceil(unit as usize);
    // Whole or nothing often, for those are the combinations that fool a reader.
    let version = |random: &mut fastrand::Rng| match random.u8(0..4) {
        0 => 0,
        1 => n,
        _ => random.usize(0..=n),
    };
    let versions: Vec<usize> = (0..units).map(|_| version(random)).collect();
    let mut data = file.durable.clone();
    data.resize(longest, 0);
    for (i, change) in file.pending.iter().enumerate() {
        let (start, bytes): (usize, &[u8]) = match change {
            Change::Bytes { offset, data } => (*offset as usize, data),
            Change::Len(len) => {
                let len = *len as usize;
                for (at, byte) in data.iter_mut().enumerate().skip(len) {
                    if versions[at / unit as usize] > i {
                        *byte = 0;
                    }
                }
                continue;
            }
        };
        for (at, &byte) in (start..).zip(bytes) {
            if versions[at / unit as usize] > i {
                data[at] = byte;
            }
        }
    }
    data.truncate(lengths[version(random)]);
    data
}

#[cfg(test)]
mod tests {
    use super::super::super::{FileExt, FileSystem, Open};
    use super::*;

    fn after(fs: &SimFs) -> Replayer {
        let mut replayer = Replayer::new(fs.boot_id());
        fs.ops().iter().for_each(|op| replayer.step(op));
        replayer
    }

    /// All contents of `/f` that random power cuts leave; `None` when it has no name.
    fn outcomes(fs: &SimFs) -> std::collections::BTreeSet<Option<Vec<u8>>> {
        let replayer = after(fs);
        let mut random = fastrand::Rng::with_seed(1);
        (0..500).map(|_| replayer.after_power_cut(&mut random).content("/f")).collect()
    }

    #[test]
    fn what_is_not_synced_may_be_there_or_not() {
        let fs = SimFs::new();
        let file = fs.open("/f".as_ref(), Open::New).expect("creates");
        file.write_all_at(b"ab", 0).expect("writes");
        let all = outcomes(&fs);
        assert!(all.contains(&None) && all.contains(&Some(vec![])) && all.contains(&Some(b"ab".to_vec())));
        assert!(all.contains(&Some(vec![0, 0])), "length without content");
        assert_eq!(after(&fs).after_kill(None).content("/f"), Some(b"ab".to_vec()));
    }

    #[test]
    fn what_is_synced_stays() {
        let fs = SimFs::new();
        let file = fs.open("/f".as_ref(), Open::New).expect("creates");
        file.write_all_at(b"ab", 0).expect("writes");
        file.sync_all().expect("syncs");
        assert!(outcomes(&fs).contains(&None), "the name is not durable yet");
        fs.sync_dir("/".as_ref()).expect("syncs");
        assert_eq!(outcomes(&fs).into_iter().collect::<Vec<_>>(), [Some(b"ab".to_vec())]);
    }

    #[test]
    fn a_failed_sync_is_not_made_good_by_the_next() {
        use super::super::{Call, Fault};
        let fs = SimFs::new();
        let file = fs.open("/f".as_ref(), Open::New).expect("creates");
        fs.sync_dir("/".as_ref()).expect("syncs");
        file.write_all_at(b"ab", 0).expect("writes");
        fs.fail_at(|_, call, _| (call == Call::Sync).then_some(Fault::Io));
        assert!(file.sync_all().is_err());
        fs.heal();
        assert!(file.sync_all().is_ok());
        assert!(outcomes(&fs).contains(&Some(vec![])));
    }

    #[test]
    fn a_rename_is_old_or_new() {
        let fs = SimFs::new();
        fs.put_file("/f", b"old");
        fs.put_file("/t", b"new");
        fs.rename("/t".as_ref(), "/f".as_ref()).expect("renames");
        let all: Vec<_> = outcomes(&fs).into_iter().collect();
        assert_eq!(all, [Some(b"new".to_vec()), Some(b"old".to_vec())]);
    }
}
