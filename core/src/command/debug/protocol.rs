//! DEBUG PROTOCOL: a reply of every shape there is, for tests of clients.

use super::super::args;
use crate::error::{Error, Result};
use crate::reply::ReplySink;

#[allow(clippy::approx_constant, reason = "what servers answer, digit by digit")]
pub(super) fn protocol(name: &[u8], out: &mut dyn ReplySink) -> Result<()> {
    let is = |word| args::is(name, word);
    match () {
        () if is("string") => out.bulk(b"Hello World"),
        () if is("integer") => out.int(12345),
        () if is("double") => out.double(3.141),
        () if is("null") => out.null(),
        () if is("array") => {
            out.array(3);
            (0..3).for_each(|n| out.int(n));
        }
        () if is("set") => {
            out.set(3);
            (0..3).for_each(|n| out.int(n));
        }
        () if is("map") => {
            out.map(3);
            for n in 0..3 {
                out.int(n);
                out.bool(n == 1);
            }
        }
        () if is("attrib") => {
            if out.attribute(1) {
                out.bulk(b"key-popularity");
                out.array(2);
                out.bulk(b"key:123");
                out.int(90);
            }
            out.bulk(b"Some real reply following the attribute");
        }
        () if is("push") && !out.resp3() => {
            return Err(Error::command("ERR RESP2 is not supported by this command"));
        }
        () if is("push") => {
            return Err(Error::command("ERR a push is not a reply: DEBUG PROTOCOL has none here"));
        }
        () if is("verbatim") => out.verbatim("txt", b"This is a verbatim\nstring"),
        () if is("true") => out.bool(true),
        () if is("false") => out.bool(false),
        () if is("bignum") => out.big_number("1234567999999999999999999999999999999"),
        () => {
            return Err(Error::command(
                "ERR Wrong protocol type name. Please use one of the following: \
                 string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(())
}
