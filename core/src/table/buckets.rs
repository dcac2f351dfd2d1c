//! The arrays of buckets: find, insert, remove, rehash, scan.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr;

use super::array::{Array, Bucket, CHAINED, PRESENT, SLOTS, prefetch};
use super::entry::Entry;
use super::hash;

/// Grow when there are more entries than this per bucket on average.
const FILL_MAX: usize = 6;
/// Shrink when a table of more than [`SHRINK_MIN`] buckets has less than one entry per this many buckets.
const FILL_MIN_BUCKETS: usize = 2;
const SHRINK_MIN: usize = 64;
/// Chains moved by each changing call while a rehash is under way.
const REHASH_CHAINS: usize = 2;
/// Empty chains passed over by each such call.
const REHASH_EMPTY: usize = 64;
/// Cache lines of an entry that are fetched ahead: most small entries fit.
const ENTRY_LINES: usize = 3;

/// A hash table of [`Entry`]s with incremental rehash and a SCAN cursor.
///
/// `find`, `insert`, `remove` are O(1); no call is O(n) except iteration and dropping.
pub struct Table<B> {
    /// `arrays[1]` exists while a rehash moves entries into it.
    arrays: [Array; 2],
    /// Chains of `arrays[0]` below this one have been moved.
    moved: usize,
    len: usize,
    owns: PhantomData<Entry<B>>,
}

// SAFETY: the table owns its entries; see Entry.
unsafe impl<B: Send> Send for Table<B> {}

impl<B> Default for Table<B> {
    fn default() -> Self {
        Self::new()
    }
}

fn tag(hash: u64) -> u8 {
    (hash >> 48) as u8
}

impl<B> Table<B> {
    /// An empty table; allocates nothing.
    pub const fn new() -> Self {
        Self { arrays: [Array::NONE, Array::NONE], moved: 0, len: 0, owns: PhantomData }
    }

    /// An empty table with room for `n` entries.
    pub fn with_capacity(n: usize) -> Self {
        let mut table = Self::new();
        if n > 0 {
            table.arrays[0] = Array::new(Self::buckets_for(n));
        }
        table
    }

    fn buckets_for(n: usize) -> usize {
        n.div_ceil(FILL_MAX).max(1).next_power_of_two()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of the arrays and chained buckets, without the entries.
    pub fn memory(&self) -> usize {
        self.arrays[0].memory() + self.arrays[1].memory()
    }

    /// Whether a rehash is under way.
    pub fn is_rehashing(&self) -> bool {
        self.arrays[1].exists()
    }

    /// Buckets of the main array and of the one a rehash moves to, for `DEBUG HTSTATS`.
    pub fn bucket_counts(&self) -> (usize, usize) {
        (self.arrays[0].len(), self.arrays[1].len())
    }

    fn locate(&self, hash: u64, key: &[u8]) -> Option<(*mut Bucket, usize, usize)> {
        for which in 0..2 {
            let array = &self.arrays[which];
            if !array.exists() {
                continue;
            }
            let mut bucket = array.at(hash as usize & array.mask);
            while !bucket.is_null() {
                // SAFETY: buckets reached from the array or through a chain are live; entries in present slots too.
                unsafe {
                    let mut found = (*bucket).candidates(tag(hash));
                    while found != 0 {
                        let slot = found.trailing_zeros() as usize;
                        if Self::peek(&(*bucket).slots[slot]).key() == key {
                            return Some((bucket, slot, which));
                        }
                        found &= found - 1;
                    }
                    bucket = (*bucket).next();
                }
            }
        }
        None
    }

    /// # Safety
    /// `slot` holds an entry of this table.
    unsafe fn peek(slot: &*mut u8) -> &Entry<B> {
        // SAFETY: an Entry is a thin non-null pointer, so a slot that holds one may be seen as one.
        unsafe { &*ptr::from_ref(slot).cast::<Entry<B>>() }
    }

    /// # Safety
    /// `slot` holds an entry of this table, and nobody else has a reference to it.
    unsafe fn peek_mut(slot: &mut *mut u8) -> &mut Entry<B> {
        // SAFETY: as in `peek`, exclusively.
        unsafe { &mut *ptr::from_mut(slot).cast::<Entry<B>>() }
    }

    /// The entry of `key`; `hash` is [`hash`]`(key)`.
    pub fn find(&self, hash: u64, key: &[u8]) -> Option<&Entry<B>> {
        let (bucket, slot, _) = self.locate(hash, key)?;
        // SAFETY: `locate` returned a present slot; the borrow of self keeps it there.
        Some(unsafe { Self::peek(&(*bucket).slots[slot]) })
    }

    /// The entry of `key` for changing it. Its key must stay the same.
    pub fn find_mut(&mut self, hash: u64, key: &[u8]) -> Option<&mut Entry<B>> {
        self.rehash_some();
        let (bucket, slot, _) = self.locate(hash, key)?;
        // SAFETY: as in `find`, and the borrow of self is exclusive.
        Some(unsafe { Self::peek_mut(&mut (*bucket).slots[slot]) })
    }

    /// The entries whose key hashes to `hash` exactly, until `f` returns true.
    pub fn find_by_hash(&self, wanted: u64, mut f: impl FnMut(&Entry<B>) -> bool) {
        for array in &self.arrays {
            if !array.exists() {
                continue;
            }
            let mut bucket = array.at(wanted as usize & array.mask);
            while !bucket.is_null() {
                // SAFETY: as in `locate`.
                unsafe {
                    let mut found = (*bucket).candidates(tag(wanted));
                    while found != 0 {
                        let slot = found.trailing_zeros() as usize;
                        let entry = Self::peek(&(*bucket).slots[slot]);
                        if hash(entry.key()) == wanted && f(entry) {
                            return;
                        }
                        found &= found - 1;
                    }
                    bucket = (*bucket).next();
                }
            }
        }
    }

    /// Adds an entry whose key is not in the table, and returns it.
    pub fn insert(&mut self, hash: u64, entry: Entry<B>) -> &mut Entry<B> {
        debug_assert!(self.locate(hash, entry.key()).is_none(), "insert is for new keys");
        self.rehash_some();
        self.grow_if_full();
        let into = usize::from(self.is_rehashing());
        let (bucket, slot) = Self::place(&mut self.arrays[into], hash, entry.into_raw());
        self.len += 1;
        // SAFETY: `place` has just filled that slot.
        unsafe { Self::peek_mut(&mut (*bucket).slots[slot]) }
    }

    fn place(array: &mut Array, hash: u64, entry: *mut u8) -> (*mut Bucket, usize) {
        let mut bucket = array.at(hash as usize & array.mask);
        // SAFETY: buckets reached from the array or through a chain are live and exclusively ours.
        unsafe {
            loop {
                if let Some(slot) = (*bucket).free_slot() {
                    (*bucket).put(slot, tag(hash), entry);
                    return (bucket, slot);
                }
                if !(*bucket).chained() {
                    let (moved_tag, moved) = (*bucket).take(SLOTS - 1);
                    let mut child = Box::new(Bucket::EMPTY);
                    child.put(0, moved_tag, moved);
                    array.chained += 1;
                    (*bucket).slots[SLOTS - 1] = Box::into_raw(child).cast();
                    (*bucket).state |= CHAINED;
                }
                bucket = (*bucket).next();
            }
        }
    }

    /// Takes the entry of `key` out.
    pub fn remove(&mut self, hash: u64, key: &[u8]) -> Option<Entry<B>> {
        self.rehash_some();
        let (bucket, slot, which) = self.locate(hash, key)?;
        let array = &mut self.arrays[which];
        // SAFETY: `locate` returned a present slot; the chain of that bucket index is live and exclusively ours.
        let entry = unsafe {
            let (_, raw) = (*bucket).take(slot);
            Self::close_gap(array, array.at(hash as usize & array.mask), bucket, slot);
            Entry::from_raw(raw)
        };
        self.len -= 1;
        self.shrink_if_sparse();
        Some(entry)
    }

    /// Fills a gap from the end of its chain, so that chains stay as short as they can.
    ///
    /// # Safety
    /// `holed` is in the chain that begins at `head`, and its `slot` is empty.
    unsafe fn close_gap(array: &mut Array, head: *mut Bucket, holed: *mut Bucket, slot: usize) {
        // SAFETY: every bucket of the chain is live; the last one's box is freed only after it is unlinked.
        unsafe {
            let (mut parent, mut last) = (ptr::null_mut::<Bucket>(), head);
            while (*last).chained() {
                parent = last;
                last = (*last).next();
            }
            if parent.is_null() {
                return;
            }
            if last != holed && (*last).count() > 0 {
                let from = ((*last).state & PRESENT).trailing_zeros() as usize;
                let (moved_tag, moved) = (*last).take(from);
                (*holed).put(slot, moved_tag, moved);
            }
            if (*last).count() <= 1 {
                let rest = (*last).state & PRESENT;
                (*parent).state &= !CHAINED;
                (*parent).slots[SLOTS - 1] = ptr::null_mut();
                if rest != 0 {
                    let (moved_tag, moved) = (*last).take(rest.trailing_zeros() as usize);
                    (*parent).put(SLOTS - 1, moved_tag, moved);
                }
                drop(Box::from_raw(last));
                array.chained -= 1;
            }
        }
    }

    /// Makes room for `more` further entries in one go, when nothing is being moved. For loading.
    pub fn reserve(&mut self, more: usize) {
        let wanted = Self::buckets_for(self.len.saturating_add(more));
        if self.is_rehashing() || wanted <= self.arrays[0].len() {
            return;
        }
        if self.len == 0 {
            self.arrays[0] = Array::new(wanted);
        } else {
            self.start_rehash(wanted);
        }
    }

    fn grow_if_full(&mut self) {
        if !self.arrays[0].exists() {
            self.arrays[0] = Array::new(1);
        } else if !self.is_rehashing() && self.len >= self.arrays[0].len() * FILL_MAX {
            self.start_rehash(self.arrays[0].len() * 2);
        }
    }

    fn shrink_if_sparse(&mut self) {
        let buckets = self.arrays[0].len();
        if !self.is_rehashing() && buckets > SHRINK_MIN && self.len * FILL_MIN_BUCKETS < buckets {
            self.start_rehash(Self::buckets_for(self.len * 2));
        }
    }

    fn start_rehash(&mut self, buckets: usize) {
        self.arrays[1] = Array::new(buckets);
        self.moved = 0;
    }

    /// Moves a few chains of a rehash that is under way.
    fn rehash_some(&mut self) {
        if self.is_rehashing() {
            self.rehash_steps(REHASH_CHAINS, REHASH_EMPTY);
        }
    }

    /// Moves up to `chains` chains, passing over up to `empty` empty ones. True while work is left.
    pub fn rehash_steps(&mut self, mut chains: usize, mut empty: usize) -> bool {
        if !self.is_rehashing() {
            return false;
        }
        while chains > 0 && self.moved < self.arrays[0].len() {
            let head = self.arrays[0].at(self.moved);
            // SAFETY: `moved` is below the array's length.
            if unsafe { (*head).state } == 0 {
                if empty == 0 {
                    return true;
                }
                empty -= 1;
            } else {
                self.move_chain(head);
                chains -= 1;
            }
            self.moved += 1;
        }
        if self.moved < self.arrays[0].len() {
            return true;
        }
        let new = std::mem::replace(&mut self.arrays[1], Array::NONE);
        let old = std::mem::replace(&mut self.arrays[0], new);
        let size = old.memory();
        crate::reclaim::later(old, size);
        false
    }

    fn move_chain(&mut self, head: *mut Bucket) {
        let [from, to] = &mut self.arrays;
        let mut bucket = head;
        // SAFETY: the chain is live; each entry moves once, each child bucket is freed after it was emptied.
        unsafe {
            while !bucket.is_null() {
                for slot in 0..SLOTS {
                    if (*bucket).has(slot) {
                        let (_, raw) = (*bucket).take(slot);
                        Self::place(to, hash(Self::peek(&raw).key()), raw);
                    }
                }
                let next = (*bucket).next();
                if bucket == head {
                    *bucket = Bucket::EMPTY;
                } else {
                    drop(Box::from_raw(bucket));
                    from.chained -= 1;
                }
                bucket = next;
            }
        }
    }

    /// One step of the reverse-binary cursor: calls `f` for every entry of one bucket chain (during a rehash: of the
    /// small array's chain and all those of the large one it maps to). Start with 0; 0 means the scan is complete.
    pub fn scan<'a>(&'a self, cursor: u64, mut f: impl FnMut(&'a Entry<B>)) -> u64 {
        if !self.arrays[0].exists() {
            return 0;
        }
        let mut v = cursor;
        if !self.is_rehashing() {
            let mask = self.arrays[0].mask as u64;
            self.visit(&self.arrays[0], (v & mask) as usize, &mut f);
            return advance(v, mask);
        }
        let (small, large) = if self.arrays[0].mask <= self.arrays[1].mask {
            (&self.arrays[0], &self.arrays[1])
        } else {
            (&self.arrays[1], &self.arrays[0])
        };
        let (small_mask, large_mask) = (small.mask as u64, large.mask as u64);
        self.visit(small, (v & small_mask) as usize, &mut f);
        loop {
            self.visit(large, (v & large_mask) as usize, &mut f);
            v = advance(v, large_mask);
            if v & (small_mask ^ large_mask) == 0 {
                return v;
            }
        }
    }

    fn visit<'a>(&'a self, array: &Array, index: usize, f: &mut impl FnMut(&'a Entry<B>)) {
        let mut bucket = array.at(index);
        while !bucket.is_null() {
            // SAFETY: the chain is live and the borrow of self keeps it unchanged.
            unsafe {
                for slot in 0..SLOTS {
                    if (*bucket).has(slot) {
                        f(Self::peek(&(*bucket).slots[slot]));
                    }
                }
                bucket = (*bucket).next();
            }
        }
    }

    /// Asks the processor for what the scan will read after the step at `cursor`: the entries of the chain after it, whose
    /// bucket was asked for a step before, and the bucket after that. So steps under a lock find their memory near. Changes
    /// nothing; during a rehash it asks for nothing.
    pub fn prefetch(&self, cursor: u64) {
        if !self.arrays[0].exists() || self.is_rehashing() {
            return;
        }
        let array = &self.arrays[0];
        let mask = array.mask as u64;
        let next = advance(cursor, mask);
        self.visit(array, (next & mask) as usize, &mut |entry| prefetch(entry.address(), ENTRY_LINES));
        prefetch(array.at((advance(next, mask) & mask) as usize).cast(), 1);
    }

    /// Every entry once, in no particular order.
    pub fn for_each<'a>(&'a self, mut f: impl FnMut(&'a Entry<B>)) {
        for array in &self.arrays {
            for index in 0..array.len() {
                self.visit(array, index, &mut f);
            }
        }
    }

    /// Every entry once, as an iterator.
    pub fn iter(&self) -> Iter<'_, B> {
        Iter { table: self, which: 0, index: 0, chain: Vec::new() }
    }

    /// An entry chosen uniformly at random (`random(n)` gives a number below n).
    pub fn random(&self, mut random: impl FnMut(usize) -> usize) -> Option<&Entry<B>> {
        if self.len == 0 {
            return None;
        }
        let skip = if self.is_rehashing() { self.moved } else { 0 };
        let first = self.arrays[0].len() - skip;
        loop {
            let pick = random(first + self.arrays[1].len());
            let (array, index) =
                if pick < first { (&self.arrays[0], skip + pick) } else { (&self.arrays[1], pick - first) };
            let mut chain = Vec::new();
            self.visit(array, index, &mut |entry| chain.push(entry));
            // Rejecting by the slot keeps entries of short chains from being favoured.
            let slot = random(chain.len().max(2 * SLOTS));
            if let Some(entry) = chain.get(slot) {
                return Some(entry);
            }
        }
    }

    /// Removes everything; big memory is freed in the background.
    pub fn clear(&mut self)
    where
        B: Send + 'static,
    {
        let old = std::mem::take(self);
        let size = old.memory() + old.len * 32;
        crate::reclaim::later(old, size);
    }
}

/// The next cursor: adds one to the bits under the mask, counted from the high end.
fn advance(cursor: u64, mask: u64) -> u64 {
    (cursor | !mask).reverse_bits().wrapping_add(1).reverse_bits()
}

impl<B> Drop for Table<B> {
    fn drop(&mut self) {
        for which in 0..2 {
            for index in 0..self.arrays[which].len() {
                let head = self.arrays[which].at(index);
                let mut bucket = head;
                while !bucket.is_null() {
                    // SAFETY: each entry and each child bucket is freed once; the array itself is freed by its own Drop.
                    unsafe {
                        for slot in 0..SLOTS {
                            if (*bucket).has(slot) {
                                drop(Entry::<B>::from_raw((*bucket).slots[slot]));
                            }
                        }
                        let next = (*bucket).next();
                        if bucket != head {
                            drop(Box::from_raw(bucket));
                        }
                        bucket = next;
                    }
                }
            }
        }
    }
}

/// Iterator over all entries, see [`Table::iter`].
pub struct Iter<'a, B> {
    table: &'a Table<B>,
    which: usize,
    index: usize,
    chain: Vec<&'a Entry<B>>,
}

impl<'a, B> Iterator for Iter<'a, B> {
    type Item = &'a Entry<B>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.chain.is_empty() {
            let array = self.table.arrays.get(self.which)?;
            if self.index >= array.len() {
                self.which += 1;
                self.index = 0;
                continue;
            }
            let chain = &mut self.chain;
            self.table.visit(array, self.index, &mut |entry| chain.push(entry));
            self.index += 1;
        }
        self.chain.pop()
    }
}
