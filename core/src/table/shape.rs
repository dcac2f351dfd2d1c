//! What a table looks like inside, for DEBUG HTSTATS.

use std::collections::BTreeMap;

use super::Table;

/// Added up over one table or several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Buckets of the main arrays.
    pub buckets: usize,
    /// Buckets of the arrays that entries are being moved to.
    pub target: usize,
    /// Entries.
    pub entries: usize,
    /// How many steps of a scan (a bucket with those chained to it) find how many entries; empty unless asked for.
    pub chains: BTreeMap<usize, usize>,
}

impl Shape {
    /// Adds what a table looks like; with the chains in O(its entries).
    pub fn add<B>(&mut self, table: &Table<B>, with_chains: bool) {
        let (buckets, target) = table.bucket_counts();
        self.buckets += buckets;
        self.target += target;
        self.entries += table.len();
        if !with_chains || table.is_empty() {
            return;
        }
        let mut cursor = 0;
        loop {
            let mut found = 0;
            cursor = table.scan(cursor, |_| found += 1);
            *self.chains.entry(found).or_default() += 1;
            if cursor == 0 {
                return;
            }
        }
    }

    /// The longest chain and its length, as lines of text below a title.
    pub fn describe(&self, title: &str) -> String {
        use std::fmt::Write;
        let mut out =
            format!("{title}:\n table size: {}\n number of elements: {}\n", self.buckets, self.entries);
        if self.target > 0 {
            let _ = writeln!(out, " rehashing target size: {}", self.target);
        }
        let chains: usize = self.chains.values().sum();
        if chains > 0 {
            let filled = chains - self.chains.get(&0).copied().unwrap_or(0);
            let longest = self.chains.keys().next_back().copied().unwrap_or(0);
            let average = self.entries as f64 / filled.max(1) as f64;
            let _ = write!(
                out,
                " different slots: {filled}\n max chain length: {longest}\n avg chain length (counted): {average:.2}\n \
                 Chain length distribution:\n"
            );
            for (length, count) in &self.chains {
                let _ = writeln!(out, "   {length}: {count} ({:.2}%)", *count as f64 * 100.0 / chains as f64);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Entry, hash};
    use super::*;

    #[test]
    fn every_entry_is_in_some_chain() {
        let mut table: Table<()> = Table::new();
        for n in 0..1000 {
            let key = format!("key {n}");
            table.insert(hash(key.as_bytes()), Entry::with_bytes(key.as_bytes(), b"", None, 0, 0));
        }
        let mut shape = Shape::default();
        shape.add(&table, true);
        assert_eq!(shape.entries, 1000);
        assert_eq!(shape.chains.iter().map(|(length, count)| length * count).sum::<usize>(), 1000);
        assert!(shape.describe("x").starts_with("x:\n table size: "));
    }
}
