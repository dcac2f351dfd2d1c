//! Random choice among the elements of a value: what SRANDMEMBER, SPOP and HRANDFIELD stand on.
//!
//! Randomness comes from the caller as `random(n)`, a number below `n`. Knows the element table.

use std::collections::HashSet;

use super::elements::Elements;
use crate::encoding::intset::Intset;
use crate::table::Entry;

/// Takes `count` distinct items of an iterator of `len` items, each selection equally likely, in the iterator's order.
/// One pass, at most `len` draws.
pub(super) fn select<T>(
    items: impl Iterator<Item = T>,
    len: usize,
    count: usize,
    random: &mut impl FnMut(usize) -> usize,
) -> Vec<T> {
    let mut needed = count.min(len);
    let mut chosen = Vec::with_capacity(needed);
    for (i, item) in items.take(len).enumerate() {
        if needed == 0 {
            break;
        }
        if random(len - i) < needed {
            chosen.push(item);
            needed -= 1;
        }
    }
    chosen
}

/// `count` distinct entries of a table, each selection equally likely. Picks one at a time while few are wanted; when
/// repeats would become frequent (Redis's factor of 3), passes over all.
pub(super) fn select_entries<'a>(
    elements: &'a Elements,
    count: usize,
    random: &mut impl FnMut(usize) -> usize,
) -> Vec<&'a Entry<()>> {
    let len = elements.len();
    if count.saturating_mul(3) > len {
        return select(elements.iter(), len, count, random);
    }
    let mut seen = HashSet::with_capacity(count);
    let mut chosen = Vec::with_capacity(count);
    while chosen.len() < count
        && let Some(entry) = elements.random(&mut *random)
    {
        if seen.insert(entry.key().as_ptr()) {
            chosen.push(entry);
        }
    }
    chosen
}

/// Picks elements again and again, repeats included, each equally likely.
pub enum Picker<'a, T> {
    /// The elements of a listpack.
    Few(Vec<T>),
    /// An intset, and what an integer becomes.
    Ints(&'a Intset, fn(i64) -> T),
    /// A table, and what an entry becomes.
    Table(&'a Elements, fn(&'a Entry<()>) -> T),
}

impl<T: Copy> Picker<'_, T> {
    /// Whether there is nothing to pick.
    pub fn is_empty(&self) -> bool {
        match self {
            Picker::Few(items) => items.is_empty(),
            Picker::Ints(ints, _) => ints.is_empty(),
            Picker::Table(elements, _) => elements.is_empty(),
        }
    }

    /// One element; `None` only when there is none.
    pub fn pick(&self, random: &mut impl FnMut(usize) -> usize) -> Option<T> {
        match self {
            Picker::Few(items) if items.is_empty() => None,
            Picker::Few(items) => items.get(random(items.len())).copied(),
            Picker::Ints(ints, make) if !ints.is_empty() => ints.get(random(ints.len())).map(*make),
            Picker::Ints(..) => None,
            Picker::Table(elements, make) => elements.random(random).map(make),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_are_distinct_complete_and_fair() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut hits = [0u32; 10];
        for _ in 0..3_000 {
            let chosen = select(0..10usize, 10, 3, &mut |n| rng.usize(..n));
            assert!(chosen.len() == 3 && chosen.windows(2).all(|w| w[0] < w[1]));
            chosen.iter().for_each(|&i| hits[i] += 1);
        }
        // 900 expected each; six standard deviations are 150.
        assert!(hits.iter().all(|&n| (750..1_050).contains(&n)), "{hits:?}");
        assert_eq!(select(0..4, 4, 9, &mut |n| rng.usize(..n)), [0, 1, 2, 3]);
        assert_eq!(select(0..4, 4, 0, &mut |n| rng.usize(..n)), [0; 0]);
    }

    #[test]
    fn entries_are_chosen_fairly_both_ways() {
        let mut rng = fastrand::Rng::with_seed(2);
        let mut elements = Elements::default();
        (0..60u8).for_each(|n| _ = elements.insert(&[n], b""));
        for count in [10, 40] {
            let mut hits = [0usize; 60];
            for _ in 0..1_200 {
                let chosen = select_entries(&elements, count, &mut |n| rng.usize(..n));
                assert_eq!(chosen.len(), count);
                chosen.iter().for_each(|entry| hits[usize::from(entry.key()[0])] += 1);
                let distinct: HashSet<_> = chosen.iter().map(|entry| entry.key()).collect();
                assert_eq!(distinct.len(), count);
            }
            // 20 expected per unit of count; the bounds are seven standard deviations away.
            let (low, high) = (20 * count - 120, 20 * count + 120);
            assert!(hits.iter().all(|&n| (low..high).contains(&n)), "{count}: {hits:?}");
        }
    }
}
