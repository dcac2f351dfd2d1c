#![allow(unsafe_code)]
use super::*;
use engine::Reply;
use engine::reply::ReplyBuilder;
use std::mem::offset_of;

/// A reply for C, read back as the engine's own.
fn read(reply: *const pkv_reply) -> Reply {
    // SAFETY: the tests give replies that were just built.
    let (node, text, parts) = unsafe {
        let node = &*reply;
        let text = (!node.str.is_null()).then(|| {
            let text = std::slice::from_raw_parts(node.str.cast::<u8>(), node.len + 1);
            assert_eq!(text[node.len], 0, "every text ends with a NUL");
            text[..node.len].to_vec()
        });
        let parts = if node.elements == 0 {
            assert!(node.element.is_null());
            &[][..]
        } else {
            std::slice::from_raw_parts(node.element, node.elements)
        };
        (node, text, parts.iter().map(|part| read(*part)).collect::<Vec<_>>())
    };
    let string = || String::from_utf8(text.clone().unwrap()).unwrap();
    match node.r#type {
        1 => Reply::Bulk(text.unwrap()),
        2 => Reply::Array(parts),
        3 => Reply::Int(node.integer),
        4 => Reply::Null,
        5 => Reply::Simple(string().into()),
        6 => Reply::Error(string()),
        7 => {
            assert_eq!(string(), num::fmt_f64(node.dval).as_str());
            Reply::Double(node.dval)
        }
        8 => Reply::Bool(node.integer != 0),
        9 => Reply::Map(parts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()),
        10 => Reply::Set(parts),
        14 => {
            let format = node.vtype[..3].iter().map(|c| *c as u8 as char).collect();
            Reply::Verbatim(format, text.unwrap())
        }
        other => panic!("type {other}"),
    }
}

fn everything(out: &mut dyn ReplySink) {
    out.array(9);
    out.map(2);
    out.bulk(b"k\0ey");
    out.set(0);
    out.bulk(b"");
    out.set(2);
    out.int(-5);
    out.null();
    out.double(1.5);
    out.bool(true);
    out.verbatim("txt", b"words");
    out.error(&Error::wrong_type());
    out.array(1);
    out.array(1);
    out.array(0);
    out.null_array();
    out.simple("OK");
    out.bulk(&[7; 100_000]);
}

fn both(resp3: bool, scratch: &mut Scratch, write: impl Fn(&mut dyn ReplySink)) {
    let mut theirs = ReplyBuilder::new(resp3);
    write(&mut theirs);
    let mut ours = Writer::new(resp3, scratch);
    write(&mut ours);
    let reply = ours.finish().unwrap();
    assert_eq!(Some(read(reply)), theirs.finish());
    // SAFETY: it was handed out just now.
    unsafe { pkv_reply_free(reply) };
}

#[test]
fn replies_are_what_the_engine_builds() {
    let mut scratch = Scratch::default();
    for resp3 in [false, true] {
        both(resp3, &mut scratch, everything);
        both(resp3, &mut scratch, |out| out.bulk(b"one"));
        both(resp3, &mut scratch, |out| out.double(-0.25));
        both(resp3, &mut scratch, |out| out.map(0));
        both(resp3, &mut scratch, |out| out.null());
        both(resp3, &mut scratch, |out| {
            // Nested as deep as a script may answer.
            for _ in 0..5000 {
                out.array(2);
                out.int(1);
            }
            out.null();
        });
    }
    assert!(scratch.bytes.capacity() <= KEEP_BYTES && scratch.parts.capacity() <= KEEP_PARTS);
}

#[test]
fn too_little_or_too_much_is_not_a_reply() {
    let mut scratch = Scratch::default();
    let mut writer = Writer::new(false, &mut scratch);
    writer.array(2);
    writer.int(1);
    assert_eq!(writer.finish().unwrap_err().code, pkv_err::PKV_ERR_INTERNAL);
    assert_eq!(Writer::new(false, &mut scratch).finish().unwrap_err().code, pkv_err::PKV_ERR_INTERNAL);
    let mut writer = Writer::new(false, &mut scratch);
    writer.array(3);
    writer.map(usize::MAX);
    assert_eq!(writer.finish().unwrap_err().code, pkv_err::PKV_ERR_NO_MEMORY);
    both(false, &mut scratch, |out| out.int(1));
}

/// hiredis's `redisReply` on a 64-bit system; C asserts the same against its declaration.
#[test]
#[cfg(target_pointer_width = "64")]
fn the_layout_is_that_of_hiredis() {
    let at = [
        offset_of!(pkv_reply, r#type),
        offset_of!(pkv_reply, integer),
        offset_of!(pkv_reply, dval),
        offset_of!(pkv_reply, len),
        offset_of!(pkv_reply, str),
        offset_of!(pkv_reply, vtype),
        offset_of!(pkv_reply, elements),
        offset_of!(pkv_reply, element),
        size_of::<pkv_reply>(),
    ];
    assert_eq!(at, [0, 8, 16, 24, 32, 40, 48, 56, 64]);
}
