//! Buckets of one cache line and the arrays of them; what the table is made of. Knows nobody.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr;

/// Slots of a bucket; in a chained bucket the last one points to the next bucket.
pub(super) const SLOTS: usize = 7;
const BUCKET: usize = 64;

pub(super) const CHAINED: u8 = 0x80;
pub(super) const PRESENT: u8 = 0x7F;

#[repr(C, align(64))]
pub(super) struct Bucket {
    /// Bits 0–6: slot i holds an entry; bit 7: the last slot points to the next bucket.
    pub(super) state: u8,
    pub(super) tags: [u8; SLOTS],
    pub(super) slots: [*mut u8; SLOTS],
}

const _: () = assert!(size_of::<Bucket>() == BUCKET);

impl Bucket {
    pub(super) const EMPTY: Bucket = Bucket { state: 0, tags: [0; SLOTS], slots: [ptr::null_mut(); SLOTS] };

    pub(super) fn chained(&self) -> bool {
        self.state & CHAINED != 0
    }

    pub(super) fn next(&self) -> *mut Bucket {
        if self.chained() { self.slots[SLOTS - 1].cast() } else { ptr::null_mut() }
    }

    pub(super) fn count(&self) -> usize {
        (self.state & PRESENT).count_ones() as usize
    }

    pub(super) fn has(&self, slot: usize) -> bool {
        self.state & (1 << slot) != 0
    }

    /// The first slot an entry may go to.
    pub(super) fn free_slot(&self) -> Option<usize> {
        let usable = if self.chained() { SLOTS - 1 } else { SLOTS };
        let slot = (!self.state).trailing_zeros() as usize;
        (slot < usable).then_some(slot)
    }

    pub(super) fn put(&mut self, slot: usize, tag: u8, entry: *mut u8) {
        self.state |= 1 << slot;
        self.tags[slot] = tag;
        self.slots[slot] = entry;
    }

    pub(super) fn take(&mut self, slot: usize) -> (u8, *mut u8) {
        self.state &= !(1 << slot);
        (self.tags[slot], self.slots[slot])
    }

    /// Bit i is set when slot i's tag may equal `tag` (a superset: presence and key are checked by the caller).
    pub(super) fn candidates(&self, tag: u8) -> u8 {
        let mut found = 0;
        for (i, t) in self.tags.iter().enumerate() {
            found |= u8::from(*t == tag) << i;
        }
        found & self.state & PRESENT
    }
}

/// One array of 2^n buckets, lazily zeroed by the system.
pub(super) struct Array {
    raw: *mut u8,
    buckets: *mut Bucket,
    pub(super) mask: usize,
    /// Chained buckets hanging off this array.
    pub(super) chained: usize,
}

// SAFETY: an array owns its memory; entries in it are Send when the table's are.
unsafe impl Send for Array {}

impl Array {
    pub(super) const NONE: Array =
        Array { raw: ptr::null_mut(), buckets: ptr::null_mut(), mask: 0, chained: 0 };

    /// Over-allocates with malloc's own alignment: an aligned zeroed allocation would touch every page.
    fn layout(count: usize) -> Layout {
        Layout::from_size_align(count * BUCKET + BUCKET - 16, 16)
            .expect("bucket arrays stay far below isize::MAX")
    }

    pub(super) fn new(count: usize) -> Self {
        debug_assert!(count.is_power_of_two());
        let layout = Self::layout(count);
        // SAFETY: the layout is not empty; the aligned start leaves room for `count` buckets, and all-zero is an empty bucket.
        unsafe {
            let raw = alloc_zeroed(layout);
            if raw.is_null() {
                handle_alloc_error(layout);
            }
            let buckets = raw.add(raw.align_offset(BUCKET)).cast();
            Self { raw, buckets, mask: count - 1, chained: 0 }
        }
    }

    pub(super) fn exists(&self) -> bool {
        !self.raw.is_null()
    }

    pub(super) fn len(&self) -> usize {
        if self.exists() { self.mask + 1 } else { 0 }
    }

    pub(super) fn at(&self, index: usize) -> *mut Bucket {
        debug_assert!(index < self.len());
        // SAFETY: index is below the array's length.
        unsafe { self.buckets.add(index) }
    }

    pub(super) fn memory(&self) -> usize {
        self.len() * BUCKET + self.chained * BUCKET
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        if self.exists() {
            // SAFETY: allocated with this very layout; chained buckets and entries are gone by then.
            unsafe { dealloc(self.raw, Self::layout(self.mask + 1)) };
        }
    }
}

/// Asks for `lines` cache lines from `address` on. A hint: any address may be given, nothing is read or written.
pub(super) fn prefetch(address: *const u8, lines: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..lines {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the instruction never faults, and `wrapping_add` needs no valid range.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.wrapping_add(line * BUCKET).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (address, lines);
}
