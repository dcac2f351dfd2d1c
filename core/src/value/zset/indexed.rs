//! The big form of a sorted set: a dictionary of members and scores, and a tree that orders them.
//!
//! The member's bytes exist once, in its dictionary entry; the tree refers to the entry, which is an allocation of its
//! own and stays where it is while its value keeps its 8 bytes (see [`Elements::set`]). The two are kept in step here
//! and nowhere else: **every handle in the tree leads to a live entry of the dictionary**. That is the invariant all
//! `unsafe` of this file stands on.
#![allow(unsafe_code)]

use super::tree::{Item, Member, Range, Tree};
use crate::table::{Entry, EntryPlace};
use crate::value::elements::Elements;

/// A member by the place of its entry.
#[derive(Clone, Copy)]
pub(super) struct Handle(EntryPlace);

impl Handle {
    /// # Safety
    /// The entry must outlive every use of the handle.
    unsafe fn of(entry: &Entry<()>) -> Self {
        Self(entry.place())
    }
}

impl Member for Handle {
    fn bytes(&self) -> &[u8] {
        // SAFETY: whoever made the handle promised that its entry lives whenever the handle is used, and keys never
        // change.
        unsafe { self.0.key() }
    }
}

/// The score that an entry of the dictionary holds.
pub(super) fn score_of(entry: &Entry<()>) -> f64 {
    let bytes =
        entry.bytes().first_chunk::<8>().expect("entries of a sorted set hold the 8 bytes of a score");
    f64::from_le_bytes(*bytes)
}

/// See the module's head.
pub(crate) struct Indexed {
    elements: Elements,
    tree: Tree<Handle>,
}

impl Indexed {
    /// Number of members.
    pub(super) fn len(&self) -> usize {
        self.elements.len()
    }

    /// Bytes taken from the allocator, the box around this included. O(1).
    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + self.elements.memory() + self.tree.memory()
    }

    /// The dictionary.
    pub(super) fn elements(&self) -> &Elements {
        &self.elements
    }

    /// The dictionary, for the snapshot's book-keeping only (registering, saving in steps): whoever added, removed or
    /// moved elements here would leave the tree with handles that lead nowhere.
    pub(super) fn elements_mut(&mut self) -> &mut Elements {
        &mut self.elements
    }

    /// The score of a member.
    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        self.elements.get(member).map(score_of)
    }

    /// Adds a member that is not present.
    pub(super) fn insert(&mut self, member: &[u8], score: f64) {
        let entry = self.elements.insert_absent(member, &score.to_le_bytes());
        // SAFETY: the entry is in the dictionary now; `remove` and `remove_ranks` free it after the tree has forgotten
        // its handle, and nobody else does.
        let handle = unsafe { Handle::of(entry) };
        self.tree.insert(Item { score, member: handle });
    }

    /// Gives a member that is present, with the score `old`, another score.
    pub(super) fn rescore(&mut self, member: &[u8], old: f64, new: f64) {
        if !self.tree.rescore_in_place(old, member, new) {
            let Some(entry) = self.elements.get(member) else { return };
            // SAFETY: as in `insert`; setting a value of the same length leaves the entry where it is.
            let handle = unsafe { Handle::of(entry) };
            if self.tree.remove(old, member) {
                self.tree.insert(Item { score: new, member: handle });
            }
        }
        self.elements.set(member, &new.to_le_bytes());
    }

    /// Removes a member and gives its score.
    pub(super) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        // The entry goes at the end of this function, when the tree has forgotten it.
        let entry = self.elements.remove(member)?;
        let score = score_of(&entry);
        let known = self.tree.remove(score, member);
        debug_assert!(known);
        Some(score)
    }

    /// Removes the members with ranks `start..start + count`.
    pub(super) fn remove_ranks(&mut self, start: usize, count: usize) {
        let mut gone = Vec::new();
        self.tree.remove_ranks(start, count, &mut gone);
        for item in gone {
            // The handle is used before its entry goes, and each entry goes once.
            let entry = self.elements.remove(item.member.bytes());
            debug_assert!(entry.is_some());
        }
    }

    /// How many members come before the given place.
    pub(super) fn rank(&self, score: f64, member: &[u8]) -> usize {
        self.tree.count_while(|item| item.cmp_to(score, member).is_lt())
    }

    /// How many members from the first on satisfy `below`, see [`Tree::count_while`].
    pub(super) fn count_while(&self, below: impl Fn(f64, &Handle) -> bool) -> usize {
        self.tree.count_while(|item| below(item.score, &item.member))
    }

    /// The members with ranks `start..end`.
    pub(super) fn range(&self, start: usize, end: usize) -> Range<'_, Handle> {
        self.tree.range(start, end)
    }

    #[cfg(test)]
    pub(super) fn check(&self) {
        self.tree.check();
        assert_eq!(self.tree.len(), self.elements.len());
        for item in self.tree.range(0, usize::MAX) {
            assert_eq!(self.score(item.member.bytes()).map(f64::to_bits), Some(item.score.to_bits()));
        }
    }
}

impl Clone for Indexed {
    /// A copy of its own: new entries, in the order of the tree, and a tree built on them. O(n).
    fn clone(&self) -> Self {
        let mut copy = Builder::with_capacity(self.len());
        for item in self.tree.range(0, usize::MAX) {
            copy.add_absent(item.member.bytes(), item.score);
        }
        copy.finish()
    }
}

/// Collects members in any order, and orders them once at the end.
pub(super) struct Builder {
    elements: Elements,
    items: Vec<Item<Handle>>,
}

impl Builder {
    /// Room for `n` members.
    pub(super) fn with_capacity(n: usize) -> Self {
        Self { elements: Elements::with_capacity(n), items: Vec::with_capacity(n) }
    }

    /// Number of members so far.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Adds a member; false (and nothing done) when it is present already. The score is not NaN.
    pub(super) fn add(&mut self, member: &[u8], score: f64) -> bool {
        let absent = !self.elements.contains(member);
        if absent {
            self.add_absent(member, score);
        }
        absent
    }

    fn add_absent(&mut self, member: &[u8], score: f64) {
        let entry = self.elements.insert_absent(member, &score.to_le_bytes());
        // SAFETY: nothing leaves the builder's dictionary, which goes where the handles go.
        let handle = unsafe { Handle::of(entry) };
        self.items.push(Item { score, member: handle });
    }

    /// The members in ascending order.
    pub(super) fn sorted(&mut self) -> impl Iterator<Item = (&[u8], f64)> {
        self.items.sort_unstable_by(|a, b| a.cmp_to(b.score, b.member.bytes()));
        self.items.iter().map(|item| (item.member.bytes(), item.score))
    }

    /// The sorted set.
    pub(super) fn finish(mut self) -> Indexed {
        let ordered = |w: &[Item<Handle>]| w[0].cmp_to(w[1].score, w[1].member.bytes()).is_lt();
        if !self.items.windows(2).all(ordered) {
            self.items.sort_unstable_by(|a, b| a.cmp_to(b.score, b.member.bytes()));
        }
        Indexed { tree: Tree::from_sorted(&self.items), elements: self.elements }
    }
}
