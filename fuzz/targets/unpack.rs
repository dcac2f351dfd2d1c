//! Any bytes for `cjson.decode`, `cmsgpack.unpack` and `struct.unpack` (the first byte chooses): an error, or a value, which
//! the same library can write and read again.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use persistkv::{Client, Reply, Store};

thread_local! {
    static CLIENT: RefCell<Client> = RefCell::new(client());
}

fn client() -> Client {
    let directives = [("lua-memory-limit", "64mb")];
    Store::memory_with(&directives).expect("a store in memory opens").client()
}

/// What is not a number is not written as JSON, nor what is sparse; all else that is read is. Objects have no order.
const JSON: &str = "local ok, value = pcall(cjson.decode, ARGV[1])
    if not ok then return 'refused' end
    local ok, text = pcall(cjson.encode, value)
    if ok then return #cjson.encode(cjson.decode(text)) == #text and 'same' or 'different ' .. text end
    assert(text:find('NaN') or text:find('sparse') or text:find('depth') or text:find('nest'), text)
    return 'refused'";
/// What is nested too deep is written as nil, which can be no key.
const MESSAGES: &str = "local all = {pcall(cmsgpack.unpack, ARGV[1])}
    if not table.remove(all, 1) then return 'refused' end
    if #all == 0 or #all > 100 then return 'same' end
    local bytes = cmsgpack.pack(unpack(all))
    local is_exact = type(all[1]) == 'string' or type(all[1]) == 'number' and math.abs(all[1]) < 2 ^ 53
    if #all == 1 and is_exact then
        return cmsgpack.unpack(bytes) == all[1] and 'same' or 'different'
    end
    pcall(cmsgpack.unpack, bytes)
    pcall(cmsgpack.unpack_one, ARGV[1], #ARGV[1] / 2)
    pcall(cmsgpack.unpack_limit, ARGV[1], 3, 0)
    return 'same'";
const STRUCT: &str = "local ok = pcall(struct.size, ARGV[2])
    local ok, value = pcall(struct.unpack, ARGV[2], ARGV[1])
    pcall(struct.pack, ARGV[2], value, 1, 'text', -1)
    pcall(struct.unpack, ARGV[2], ARGV[1], #ARGV[1] / 2)
    return 'same'";

fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else { return };
    let script = [JSON, MESSAGES, STRUCT][usize::from(first % 3)];
    // The format of a struct comes first.
    let end = bytes.iter().position(|b| *b == b'|').unwrap_or(0);
    let (format, packed) = if first % 3 == 2 { bytes.split_at(end) } else { (&b""[..], bytes) };
    let reply = CLIENT
        .with_borrow_mut(|client| client.execute(&[b"EVAL_RO", script.as_bytes(), b"0", packed, format]));
    match reply {
        Ok(Reply::Bulk(said)) => {
            assert!(said != b"different" && !said.starts_with(b"different "), "{said:?}")
        }
        Ok(other) => panic!("{other:?}"),
        Err(error) => assert!(error.message().contains("not enough memory"), "{error}"),
    }
});
