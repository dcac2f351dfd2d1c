//! LCS: the longest common subsequence of two strings, by the table of dynamic programming, with Redis's choice among
//! equally long ones.

use super::args;
use super::ctx::Ctx;
use crate::config::Directive;
use crate::error::{Error, Result};
use crate::keyspace::StrRef;
use crate::reply::ReplySink;

/// What was asked for.
#[derive(Default)]
struct Options {
    len: bool,
    idx: bool,
    with_match_len: bool,
    min_match_len: u64,
}

/// A run of equal bytes: where it starts in each string, and its length.
struct Run {
    a: usize,
    b: usize,
    len: usize,
}

pub(super) fn lcs(ctx: &mut Ctx<'_>, out: &mut dyn ReplySink) -> Result<()> {
    let string = |key| match ctx.string(key) {
        Ok(found) => Ok(found.map(StrRef::to_vec).unwrap_or_default()),
        Err(_) => Err(Error::command("ERR The specified keys must contain string values")),
    };
    // Both are looked for before anything is said of either.
    let (a, b) = (string(ctx.argv[1]), string(ctx.argv[2]));
    let (a, b) = (a?, b?);
    let options = parse(&ctx.argv[3..])?;
    let most = usize::try_from(ctx.config().int(Directive::ProtoMaxBulkLen)).unwrap_or(usize::MAX);
    let table = Table::fill(&a, &b, most)?;
    let total = table.at(a.len(), b.len()) as usize;
    if options.idx {
        let mut runs = table.walk(&a, &b).1;
        runs.retain(|run| run.len as u64 >= options.min_match_len);
        put_runs(&runs, total, options.with_match_len, out);
    } else if options.len {
        out.int(total as i64);
    } else {
        out.bulk(&table.walk(&a, &b).0);
    }
    Ok(())
}

fn parse(words: &[&[u8]]) -> Result<Options> {
    let mut options = Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if args::is(word, "idx") {
            options.idx = true;
        } else if args::is(word, "len") {
            options.len = true;
        } else if args::is(word, "withmatchlen") {
            options.with_match_len = true;
        } else if args::is(word, "minmatchlen") {
            let n = words.next().ok_or_else(Error::syntax)?;
            options.min_match_len = u64::try_from(args::int(n)?).unwrap_or(0);
        } else {
            return Err(Error::syntax());
        }
    }
    if options.idx && options.len {
        let text = "ERR If you want both the length and indexes, please just use IDX.";
        return Err(Error::command(text));
    }
    Ok(options)
}

fn put_runs(runs: &[Run], total: usize, with_len: bool, out: &mut dyn ReplySink) {
    out.map(2);
    out.bulk(b"matches");
    out.array(runs.len());
    for run in runs {
        out.array(2 + usize::from(with_len));
        for start in [run.a, run.b] {
            out.array(2);
            out.int(start as i64);
            out.int((start + run.len - 1) as i64);
        }
        if with_len {
            out.int(run.len as i64);
        }
    }
    out.bulk(b"len");
    out.int(total as i64);
}

/// Lengths of the longest common subsequence of every pair of prefixes.
struct Table {
    width: usize,
    cells: Vec<u32>,
}

impl Table {
    fn fill(a: &[u8], b: &[u8], most: usize) -> Result<Self> {
        let too_long = u32::MAX as usize - 1;
        if a.len() >= too_long || b.len() >= too_long {
            return Err(Error::command("ERR String too long for LCS"));
        }
        let refused = |why: &str| Error::command(format!("ERR Insufficient memory, {why}"));
        let width = b.len() + 1;
        let cells = (a.len() + 1).checked_mul(width);
        let fits = cells.and_then(|n| n.checked_mul(size_of::<u32>())).is_some_and(|bytes| bytes <= most);
        let Some(cells) = cells.filter(|_| fits) else {
            return Err(refused("transient memory for LCS exceeds proto-max-bulk-len"));
        };
        let mut table = Vec::new();
        table.try_reserve_exact(cells).map_err(|_| refused("failed allocating transient memory for LCS"))?;
        table.resize(cells, 0u32);
        for (i, x) in a.iter().enumerate() {
            let (above, row) = table[i * width..(i + 2) * width].split_at_mut(width);
            for (j, y) in b.iter().enumerate() {
                row[j + 1] = if x == y { above[j] + 1 } else { above[j + 1].max(row[j]) };
            }
        }
        Ok(Self { width, cells: table })
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.cells[i * self.width + j]
    }

    /// The subsequence, and its runs from the last to the first.
    fn walk(&self, a: &[u8], b: &[u8]) -> (Vec<u8>, Vec<Run>) {
        let (mut i, mut j) = (a.len(), b.len());
        let mut common = Vec::with_capacity(self.at(i, j) as usize);
        let mut runs: Vec<Run> = Vec::new();
        let mut in_run = false;
        while i > 0 && j > 0 {
            if a[i - 1] == b[j - 1] {
                (i, j) = (i - 1, j - 1);
                common.push(a[i]);
                match runs.last_mut() {
                    Some(run) if in_run => *run = Run { a: i, b: j, len: run.len + 1 },
                    _ => runs.push(Run { a: i, b: j, len: 1 }),
                }
                in_run = true;
            } else {
                if self.at(i - 1, j) > self.at(i, j - 1) {
                    i -= 1;
                } else {
                    j -= 1;
                }
                in_run = false;
            }
        }
        common.reverse();
        (common, runs)
    }
}
