//! Reading a damaged or hostile snapshot takes memory for the bytes that are there, not for those it claims. The
//! allocator counts; the one test of this program runs alone in it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use persistkv::Result;
use persistkv::rdb::{self, LoadOptions, LoadedKey, LoadedValue, Loader, Refused, Verdict, check};
use persistkv::value::Limits;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Counting;

fn grown(by: usize) {
    let now = NOW.fetch_add(by, Ordering::Relaxed) + by;
    PEAK.fetch_max(now, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator with the very arguments given, and its answer goes back unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        grown(size);
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes in use at any moment of `f`, above those in use before.
fn peak(f: impl FnOnce()) -> usize {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    f();
    PEAK.load(Ordering::Relaxed) - before
}

struct Forget;

impl Loader for Forget {
    fn key(&mut self, _: &LoadedKey<'_>, _: LoadedValue) -> Result<bool> {
        Ok(true)
    }

    fn unsupported(&mut self, _: Option<&LoadedKey<'_>>, _: &Refused) -> Verdict {
        Verdict::LeaveOut
    }
}

fn read(bytes: &[u8]) {
    let options = LoadOptions { checksum: false, ..LoadOptions::default() };
    let _ = rdb::load(&mut &*bytes, &options, &mut Forget);
}

const HUGE: [u8; 9] = [0x81, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const LARGE: [u8; 5] = [0x80, 0x3f, 0xff, 0xff, 0xff];

#[test]
fn memory_follows_the_bytes_that_are_there() {
    // What a key of each type needs before its first length, and after it.
    let before: [&[u8]; 22] = [
        b"\x00",
        b"\x00\x01k",
        b"\x00\x01k\xc3",
        b"\x00\x01k\xc3\x01",
        b"\x01\x01k",
        b"\x02\x01k",
        b"\x03\x01k",
        b"\x04\x01k",
        b"\x05\x01k",
        b"\x09\x01k",
        b"\x0a\x01k",
        b"\x0b\x01k",
        b"\x0e\x01k",
        b"\x10\x01k",
        b"\x11\x01k",
        b"\x12\x01k",
        b"\x12\x01k\x01\x02",
        b"\x14\x01k",
        b"\x15\x01k",
        b"\x15\x01k\x01\x10",
        b"\x18\x01k\0\0\0\0\0\0\0\0",
        b"\xfa\x01k",
    ];
    for body in before {
        for claim in [&HUGE[..], &LARGE[..]] {
            for filler in [0u8, 1, 2, 0x7f, 0xc3, 0xff] {
                let mut bytes = b"REDIS0011".to_vec();
                bytes.extend_from_slice(body);
                bytes.extend_from_slice(claim);
                bytes.extend_from_slice(claim);
                bytes.resize(bytes.len() + 10_000, filler);
                let took = peak(|| read(&bytes));
                assert!(took < 4 << 20, "{body:?} {claim:?} {filler}: {took} bytes");
                let mut payload = bytes[9..].to_vec();
                payload.drain(1..body.len().min(3));
                payload.extend_from_slice(&[11, 0]);
                let crc = persistkv::encoding::crc64::update(0, &payload);
                payload.extend_from_slice(&crc.to_le_bytes());
                let took = peak(|| drop(rdb::restore_payload(&payload, &Limits::default())));
                assert!(took < 4 << 20, "{body:?} {claim:?} {filler} restored: {took} bytes");
            }
        }
    }
    // Real data with one byte changed.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/redis-7.2.6/dump.rdb");
    let good = fs::read(path).expect("fixtures are in the repository");
    let sound = peak(|| read(&good));
    let mut rng = fastrand::Rng::with_seed(31);
    for _ in 0..300 {
        let mut bad = good.clone();
        let at = rng.usize(9..bad.len());
        bad[at] = [rng.u8(..), 0x80, 0x81, 0xc3, 0xff][rng.usize(..5)];
        let took = peak(|| read(&bad));
        assert!(took < sound + (4 << 20), "byte {at}: {took} bytes, {sound} for the sound file");
    }
    // The checker keeps 16 bytes a key (and a table's slack), nothing of the values.
    let mut many = b"REDIS0011".to_vec();
    for i in 0..20_000u32 {
        many.extend_from_slice(&[0, 4]);
        many.extend_from_slice(&i.to_be_bytes());
        many.extend_from_slice(&[0x40, 100]);
        many.resize(many.len() + 100, b'x');
    }
    many.push(0xff);
    many.extend_from_slice(&[0; 8]);
    let took = peak(|| {
        let report = check::check(&mut &many[..], &LoadOptions::default(), 0).expect("no I/O errors");
        assert_eq!((report.keys(), report.is_sound()), (20_000, true), "{:?}", report.problem);
    });
    assert!(took < 2 << 20, "{took}");
}
