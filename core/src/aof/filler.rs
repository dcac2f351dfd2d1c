//! What stands in the prepared, unused tail of a log file.
//!
//! `#` bytes, with a line feed as the last byte of each 512: every line is an annotation to Redis 7.0 and later, so the
//! file is a valid log however much of the tail is used, and it ends in a line feed wherever an extension that was
//! interrupted between two pages stopped, so that a server which appends to it starts a line of its own.
//!
//! Two limits follow from how Redis reads. A line longer than 1,023 bytes is read in pieces that each must start with
//! `#`; ours are shorter. And no line may be a lone line feed, which is a format error: so data never ends one byte
//! before a line end ([`pad`]).

/// Length of a filler line.
pub(crate) const LINE: u64 = 512;

/// What is put behind data that would end one byte before a filler line's end.
pub(crate) const PAD: &[u8; 2] = b"#\n";

/// How many bytes of [`PAD`] must follow data that ends at `end`.
pub(crate) fn pad(end: u64) -> usize {
    if end % LINE == LINE - 1 { PAD.len() } else { 0 }
}

/// The filler for `len` bytes of a file from `offset` on.
pub(crate) fn make(offset: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![b'#'; len];
    let first = (LINE - 1 - offset % LINE) as usize;
    for at in (first..len).step_by(LINE as usize) {
        bytes[at] = b'\n';
    }
    bytes
}

/// Whether a line (line end included) consists of nothing but filler.
pub(crate) fn is_filler(line: &[u8]) -> bool {
    let body = line.strip_suffix(b"\n").unwrap_or(line);
    body.iter().all(|&b| b == b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_fixed_places_of_the_file() {
        let filler = make(1000, 2000);
        for (i, b) in filler.iter().enumerate() {
            let expected = if (1000 + i as u64) % LINE == LINE - 1 { b'\n' } else { b'#' };
            assert_eq!(*b, expected, "at {i}");
        }
    }

    /// Reads as Redis does: pieces of at most 1,023 bytes, each of which must start with `#`.
    #[test]
    fn a_tail_from_any_end_of_data_is_annotations_only() {
        for end in 0..2048u64 {
            let mut tail = make(end, (4096 - end) as usize);
            tail[..pad(end)].copy_from_slice(&PAD[..pad(end)]);
            let mut rest = tail.as_slice();
            while !rest.is_empty() {
                assert_eq!(rest[0], b'#', "data ends at {end}, {} bytes before the file's end", rest.len());
                let line = &rest[..rest.len().min(1023)];
                let n = line.iter().position(|&b| b == b'\n').map_or(line.len(), |at| at + 1);
                rest = &rest[n..];
            }
        }
    }
}
