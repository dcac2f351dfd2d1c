//! What a connection receives: commands, or an error, and the same however it arrives. The first byte says in which
//! pieces, and whether the password is still owed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use persistkv::resp::encode_command;
use persistkv_resp::commands;

fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else { return };
    let (piece, is_locked_out) = (usize::from(first & 0x7F) + 1, first & 0x80 != 0);
    let whole = commands(bytes, usize::MAX, is_locked_out);
    let mut pieces = commands(bytes, piece, is_locked_out);
    assert_eq!(pieces.0, whole.0);
    // A line that is too long is noticed with the byte that makes it so: in pieces perhaps not at all.
    if whole.1.as_ref().is_some_and(|why| why.starts_with("too big")) {
        pieces.1.clone_from(&whole.1);
    }
    assert_eq!(pieces.1, whole.1);
    // What was found is found again when it is written as a client writes it.
    let found: Vec<_> = whole.0.into_iter().filter(|argv| argv.iter().all(|arg| arg.len() < 1 << 20)).collect();
    let mut written = Vec::new();
    for argv in &found {
        encode_command(&mut written, argv);
    }
    if !is_locked_out {
        assert_eq!(commands(&written, piece, false), (found, None));
    }
});
