//! One key, element or field in one allocation.
//!
//! ```text
//! offset  size  what
//!      0     4  value length in bytes (8 when the value is boxed)
//!      4     4  access clock (24 bits, high) and stamp (8 bits, low)
//!      8     2  key length, or 0xFFFF when the length does not fit (LONG_KEY)
//!     10     1  kind: meaning belongs to the owner of the table
//!     11     1  flags: LONG_KEY, HAS_EXPIRY, BOXED
//!     12     4  key length as u32          only with LONG_KEY
//!      .     8  expiry, ms since the epoch only with HAS_EXPIRY
//!      .     n  key
//!      .     m  value bytes, or the pointer of a Box<B>
//! ```
//!
//! A key of 16 bytes with a value of 100 takes 128 bytes, a malloc class of its own. There is no second dictionary
//! for expiry and no padding. Knows nobody; the keyspace and the big values are built on it.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

const LONG_KEY: u8 = 1;
const HAS_EXPIRY: u8 = 2;
const BOXED: u8 = 4;
const ALIGN: usize = 8;
const LONG_KEY_LEN: u16 = u16::MAX;
const POINTER: usize = size_of::<*mut u8>();

/// Largest key and largest inline value: Redis's own limit for a string.
pub const MAX_LEN: usize = 512 * 1024 * 1024;

#[repr(C)]
struct Header {
    value_len: u32,
    clock_stamp: Cell<u32>,
    key_len: u16,
    kind: u8,
    flags: u8,
}

const HEADER: usize = size_of::<Header>();
const _: () = assert!(HEADER == 12);

/// What an entry holds, borrowed.
pub enum Payload<'a, B> {
    /// The value's bytes lie in the entry.
    Inline(&'a [u8]),
    /// The value is an allocation of its own.
    Boxed(&'a B),
}

/// What an entry holds, for changing it in place.
pub enum PayloadMut<'a, B> {
    /// The value's bytes lie in the entry; their number can not change in place.
    Inline(&'a mut [u8]),
    /// The value is an allocation of its own.
    Boxed(&'a mut B),
}

/// An owned entry: a thin pointer to its single allocation.
pub struct Entry<B> {
    at: NonNull<Header>,
    owns: PhantomData<Box<B>>,
}

// SAFETY: an entry owns its allocation and its Box<B>; nothing in it is tied to a thread.
unsafe impl<B: Send> Send for Entry<B> {}

/// What the allocator hands out for `n` bytes: used for `used_memory`, rounded as glibc's malloc does.
pub fn good_size(n: usize) -> usize {
    ((n + 8 + 15) & !15).max(32)
}

struct Shape {
    key_len: usize,
    value_len: usize,
    flags: u8,
}

impl Shape {
    fn key_offset(&self) -> usize {
        let mut at = HEADER;
        if self.flags & LONG_KEY != 0 {
            at += 4;
        }
        if self.flags & HAS_EXPIRY != 0 {
            at += 8;
        }
        at
    }

    fn size(&self) -> usize {
        self.key_offset() + self.key_len + self.value_len
    }

    fn layout(&self) -> Layout {
        Layout::from_size_align(self.size(), ALIGN).expect("key and value are at most 512 MiB each")
    }
}

impl<B> Entry<B> {
    /// An entry whose value bytes lie inside it. Key and value must not exceed [`MAX_LEN`].
    pub fn with_bytes(key: &[u8], value: &[u8], expiry: Option<i64>, kind: u8, stamp: u8) -> Self {
        let entry = Self::allocate(key, value.len(), 0, expiry, kind, stamp);
        // SAFETY: `allocate` made room for value_len bytes at the value offset.
        unsafe { ptr::copy_nonoverlapping(value.as_ptr(), entry.value_at(), value.len()) };
        entry
    }

    /// An entry whose value is an allocation of its own.
    pub fn with_boxed(key: &[u8], value: Box<B>, expiry: Option<i64>, kind: u8, stamp: u8) -> Self {
        let entry = Self::allocate(key, POINTER, BOXED, expiry, kind, stamp);
        // SAFETY: the value region is POINTER bytes long; it may be unaligned.
        unsafe { entry.value_at().cast::<*mut B>().write_unaligned(Box::into_raw(value)) };
        entry
    }

    fn allocate(key: &[u8], value_len: usize, flags: u8, expiry: Option<i64>, kind: u8, stamp: u8) -> Self {
        assert!(key.len() <= MAX_LEN && value_len <= MAX_LEN, "lengths are checked where they enter");
        let long = key.len() >= usize::from(LONG_KEY_LEN);
        let flags = flags | if long { LONG_KEY } else { 0 } | if expiry.is_some() { HAS_EXPIRY } else { 0 };
        let shape = Shape { key_len: key.len(), value_len, flags };
        let layout = shape.layout();
        // SAFETY: the layout is never of size 0 (it holds the header); every write below stays inside `shape.size()`.
        unsafe {
            let raw = alloc(layout);
            if raw.is_null() {
                handle_alloc_error(layout);
            }
            raw.cast::<Header>().write(Header {
                value_len: value_len as u32,
                clock_stamp: Cell::new(u32::from(stamp)),
                key_len: if long { LONG_KEY_LEN } else { key.len() as u16 },
                kind,
                flags,
            });
            if long {
                raw.add(HEADER).cast::<u32>().write_unaligned(key.len() as u32);
            }
            if let Some(at) = expiry {
                raw.add(shape.key_offset() - 8).cast::<i64>().write_unaligned(at);
            }
            ptr::copy_nonoverlapping(key.as_ptr(), raw.add(shape.key_offset()), key.len());
            Self { at: NonNull::new_unchecked(raw.cast()), owns: PhantomData }
        }
    }

    fn header(&self) -> &Header {
        // SAFETY: `at` points to a live, initialised header owned by self.
        unsafe { self.at.as_ref() }
    }

    fn shape(&self) -> Shape {
        let header = self.header();
        let key_len = if header.flags & LONG_KEY != 0 {
            // SAFETY: with LONG_KEY the u32 length follows the header.
            unsafe { self.base().add(HEADER).cast::<u32>().read_unaligned() as usize }
        } else {
            usize::from(header.key_len)
        };
        Shape { key_len, value_len: header.value_len as usize, flags: header.flags }
    }

    fn base(&self) -> *mut u8 {
        self.at.as_ptr().cast()
    }

    fn value_at(&self) -> *mut u8 {
        let shape = self.shape();
        // SAFETY: the value region begins behind the key, inside the allocation (or one past its end when empty).
        unsafe { self.base().add(shape.key_offset() + shape.key_len) }
    }

    /// Where the entry begins in memory, for fetching it ahead.
    pub(super) fn address(&self) -> *const u8 {
        self.base()
    }

    /// The key's bytes.
    pub fn key(&self) -> &[u8] {
        let shape = self.shape();
        // SAFETY: key_len initialised bytes lie at key_offset, and live as long as self.
        unsafe { std::slice::from_raw_parts(self.base().add(shape.key_offset()), shape.key_len) }
    }

    /// The value, borrowed.
    pub fn payload(&self) -> Payload<'_, B> {
        let shape = self.shape();
        // SAFETY: BOXED tells which of the two forms the value region holds; both live as long as self.
        unsafe {
            if shape.flags & BOXED != 0 {
                Payload::Boxed(&*self.value_at().cast::<*mut B>().read_unaligned())
            } else {
                Payload::Inline(std::slice::from_raw_parts(self.value_at(), shape.value_len))
            }
        }
    }

    /// The value, for changing it in place. Whoever calls this has run the snapshot hook.
    pub fn payload_mut(&mut self) -> PayloadMut<'_, B> {
        let shape = self.shape();
        // SAFETY: as in `payload`, and `&mut self` makes the access exclusive.
        unsafe {
            if shape.flags & BOXED != 0 {
                PayloadMut::Boxed(&mut *self.value_at().cast::<*mut B>().read_unaligned())
            } else {
                PayloadMut::Inline(std::slice::from_raw_parts_mut(self.value_at(), shape.value_len))
            }
        }
    }

    /// The value bytes of an entry that is known to be inline; empty for a boxed one.
    pub fn bytes(&self) -> &[u8] {
        match self.payload() {
            Payload::Inline(bytes) => bytes,
            Payload::Boxed(_) => &[],
        }
    }

    /// Replaces the value by inline bytes, keeping key, expiry and clock; in place when the length is the same.
    pub fn set_bytes(&mut self, value: &[u8], kind: u8) {
        if let PayloadMut::Inline(old) = self.payload_mut()
            && old.len() == value.len()
        {
            old.copy_from_slice(value);
            self.set_kind(kind);
            return;
        }
        let fresh = Self::with_bytes(self.key(), value, self.expiry(), kind, 0);
        self.take_place(fresh);
    }

    /// Replaces the value by a boxed one, keeping key, expiry and clock.
    pub fn set_boxed(&mut self, value: Box<B>, kind: u8) {
        let fresh = Self::with_boxed(self.key(), value, self.expiry(), kind, 0);
        self.take_place(fresh);
    }

    fn take_place(&mut self, fresh: Self) {
        fresh.header().clock_stamp.set(self.header().clock_stamp.get());
        *self = fresh;
    }

    /// Takes the boxed value out and ends the entry; `None` for an inline value.
    pub fn into_boxed(self) -> Option<Box<B>> {
        let shape = self.shape();
        let boxed = if shape.flags & BOXED != 0 {
            // SAFETY: the pointer came from Box::into_raw and is given back once: the entry is deallocated below without dropping it.
            Some(unsafe { Box::from_raw(self.value_at().cast::<*mut B>().read_unaligned()) })
        } else {
            None
        };
        // SAFETY: same layout as allocated; `forget` keeps Drop from running a second time.
        unsafe { dealloc(self.base(), shape.layout()) };
        std::mem::forget(self);
        boxed
    }

    /// Absolute expiry in ms since the epoch, if there is one.
    pub fn expiry(&self) -> Option<i64> {
        let shape = self.shape();
        if shape.flags & HAS_EXPIRY == 0 {
            return None;
        }
        // SAFETY: with HAS_EXPIRY the 8 bytes before the key hold the expiry.
        Some(unsafe { self.base().add(shape.key_offset() - 8).cast::<i64>().read_unaligned() })
    }

    /// Sets or removes the expiry; moves the entry when that changes its shape.
    pub fn set_expiry(&mut self, expiry: Option<i64>) {
        let shape = self.shape();
        match expiry {
            Some(at) if shape.flags & HAS_EXPIRY != 0 => {
                // SAFETY: with HAS_EXPIRY the 8 bytes before the key hold the expiry.
                unsafe { self.base().add(shape.key_offset() - 8).cast::<i64>().write_unaligned(at) };
            }
            None if shape.flags & HAS_EXPIRY == 0 => {}
            _ => {
                let kind = self.kind();
                let fresh = Self::allocate(self.key(), shape.value_len, shape.flags & BOXED, expiry, kind, 0);
                fresh.header().clock_stamp.set(self.header().clock_stamp.get());
                // SAFETY: both value regions are value_len bytes; a boxed pointer moves to the new entry, and the
                // old allocation is released without dropping the box.
                unsafe {
                    ptr::copy_nonoverlapping(self.value_at(), fresh.value_at(), shape.value_len);
                    dealloc(self.base(), shape.layout());
                    ptr::write(self, fresh);
                }
            }
        }
    }

    /// The owner's tag of this entry (type and encoding in the keyspace).
    pub fn kind(&self) -> u8 {
        self.header().kind
    }

    /// Changes the owner's tag.
    pub fn set_kind(&mut self, kind: u8) {
        // SAFETY: `at` is live and `&mut self` makes the access exclusive.
        unsafe { self.at.as_mut().kind = kind };
    }

    /// The epoch in which this entry was last saved or born.
    pub fn stamp(&self) -> u8 {
        self.header().clock_stamp.get() as u8
    }

    /// Marks the entry as saved in `epoch`.
    pub fn set_stamp(&self, epoch: u8) {
        let cell = &self.header().clock_stamp;
        cell.set((cell.get() & !0xFF) | u32::from(epoch));
    }

    /// The 24-bit access clock (LRU seconds, or LFU minutes and counter).
    pub fn clock(&self) -> u32 {
        self.header().clock_stamp.get() >> 8
    }

    /// Sets the 24-bit access clock.
    pub fn set_clock(&self, clock: u32) {
        let cell = &self.header().clock_stamp;
        cell.set((cell.get() & 0xFF) | (clock << 8));
    }

    /// Bytes this entry takes from the allocator, without what a boxed value owns.
    pub fn alloc_size(&self) -> usize {
        good_size(self.shape().size())
    }

    /// Where the entry lies. It stays there until it is removed, or changed in a way that says it moves the entry.
    pub fn place(&self) -> EntryPlace {
        EntryPlace(self.at)
    }

    /// Gives the entry away as a raw pointer, for the table's slots.
    pub(super) fn into_raw(self) -> *mut u8 {
        let raw = self.base();
        std::mem::forget(self);
        raw
    }

    /// # Safety
    /// `raw` came from [`Entry::into_raw`] of the same `B` and is not used again.
    pub(super) unsafe fn from_raw(raw: *mut u8) -> Self {
        // SAFETY: non-null by the contract.
        Self { at: unsafe { NonNull::new_unchecked(raw.cast()) }, owns: PhantomData }
    }
}

/// The place of an entry that somebody else owns, for a second index over the same entries.
#[derive(Clone, Copy)]
pub struct EntryPlace(NonNull<Header>);

// SAFETY: it is a number until somebody promises that the entry is there.
unsafe impl Send for EntryPlace {}

impl EntryPlace {
    /// The entry's key.
    ///
    /// # Safety
    /// The entry is alive, has not moved, and lives on for `'a`.
    pub unsafe fn key<'a>(self) -> &'a [u8] {
        let entry = ManuallyDrop::new(Entry::<()> { at: self.0, owns: PhantomData });
        let key = entry.key();
        // SAFETY: header and key are laid out alike for every kind of boxed value; the key lives as long as the entry,
        // which the caller promises, and is never written to.
        unsafe { std::slice::from_raw_parts(key.as_ptr(), key.len()) }
    }
}

impl<B> Drop for Entry<B> {
    fn drop(&mut self) {
        let shape = self.shape();
        // SAFETY: the allocation was made with this very layout, and a boxed value is dropped exactly once.
        unsafe {
            if shape.flags & BOXED != 0 {
                drop(Box::from_raw(self.value_at().cast::<*mut B>().read_unaligned()));
            }
            dealloc(self.base(), shape.layout());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_keeps_its_parts() {
        for key_len in [0usize, 1, 16, 65_534, 65_535, 70_000] {
            let key = vec![b'k'; key_len];
            for expiry in [None, Some(-5), Some(i64::MAX)] {
                let mut inline: Entry<String> = Entry::with_bytes(&key, b"value", expiry, 3, 9);
                assert_eq!((inline.key(), inline.bytes()), (&key[..], &b"value"[..]));
                assert_eq!(
                    (inline.expiry(), inline.kind(), inline.stamp(), inline.clock()),
                    (expiry, 3, 9, 0)
                );
                inline.set_clock(0x00AB_CDEF);
                inline.set_bytes(b"longer than before", 4);
                inline.set_expiry(Some(77));
                inline.set_boxed(Box::new("boxed".to_owned()), 5);
                inline.set_expiry(None);
                assert!(matches!(inline.payload(), Payload::Boxed(s) if s == "boxed"));
                assert_eq!((inline.clock(), inline.stamp(), inline.kind()), (0x00AB_CDEF, 9, 5));
                inline.set_stamp(200);
                assert_eq!((inline.clock(), inline.stamp()), (0x00AB_CDEF, 200));
                inline.set_expiry(Some(1));
                assert_eq!(inline.key(), &key[..]);
                assert_eq!(inline.into_boxed().as_deref().map(String::as_str), Some("boxed"));
            }
        }
    }

    #[test]
    fn the_usual_entry_takes_one_malloc_class() {
        let entry: Entry<()> = Entry::with_bytes(&[0; 16], &[0; 100], None, 0, 0);
        assert_eq!(entry.shape().size(), 128);
    }
}
