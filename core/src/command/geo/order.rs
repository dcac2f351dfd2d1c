//! Putting the first few of many into order, in the way Redis does: among equals the same come first.
//!
//! That is Bentley's and McIlroy's quicksort ("Engineering a Sort Function", 1993) which leaves alone what lies behind
//! the places that are wanted.

use std::cmp::Ordering;

/// Sorts so far that the first `wanted` of `items` are those of a whole sort, in order.
pub(super) fn sort_first<T>(items: &mut [T], wanted: usize, compare: impl Fn(&T, &T) -> Ordering) {
    if wanted >= items.len() {
        return items.sort_by(compare);
    }
    // Deeper than this it only gets on hostile data.
    let depth = 4 * (items.len().ilog2() + 1);
    partial(items, 0, wanted, &compare, depth);
}

/// Sorts a part that begins `from` places behind the first.
fn partial<T>(
    mut items: &mut [T],
    mut from: usize,
    wanted: usize,
    compare: &impl Fn(&T, &T) -> Ordering,
    mut depth: u32,
) {
    loop {
        let len = items.len();
        if len < 7 {
            for end in 1..len {
                for at in (1..=end).rev() {
                    if compare(&items[at - 1], &items[at]) != Ordering::Greater {
                        break;
                    }
                    items.swap(at - 1, at);
                }
            }
            return;
        }
        if depth == 0 {
            return items.sort_by(compare);
        }
        depth -= 1;
        let pivot = pivot(items, compare);
        items.swap(0, pivot);
        let (smaller, greater) = split(items, compare);
        if smaller > 1 && from < wanted {
            partial(&mut items[..smaller], from, wanted, compare, depth);
        }
        let behind = len - greater;
        if greater <= 1 || from + behind >= wanted {
            return;
        }
        items = &mut items[behind..];
        from += behind;
    }
}

/// The middle of three, or of nine when there are many.
fn pivot<T>(items: &[T], compare: &impl Fn(&T, &T) -> Ordering) -> usize {
    let median = |a: usize, b: usize, c: usize| {
        let is = |a: usize, b: usize| compare(&items[a], &items[b]);
        match is(a, b) {
            Ordering::Less if is(b, c) == Ordering::Less => b,
            Ordering::Less if is(a, c) == Ordering::Less => c,
            Ordering::Less => a,
            _ if is(b, c) == Ordering::Greater => b,
            _ if is(a, c) == Ordering::Less => a,
            _ => c,
        }
    };
    let len = items.len();
    let (mut low, mut middle, mut high) = (0, len / 2, len - 1);
    if len == 7 {
        return middle;
    }
    if len > 40 {
        let step = len / 8;
        low = median(low, low + step, low + 2 * step);
        middle = median(middle - step, middle, middle + step);
        high = median(high - 2 * step, high - step, high);
    }
    median(low, middle, high)
}

/// Splits around the first element: what is smaller goes to the front, what is greater to the back; how many there are of
/// either. Equal ones are gathered at both ends first and put between them afterwards.
fn split<T>(items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) -> (usize, usize) {
    let len = items.len();
    let (mut equal_front, mut front) = (1, 1);
    let (mut back, mut equal_back) = (len - 1, len - 1);
    loop {
        while front <= back {
            match compare(&items[front], &items[0]) {
                Ordering::Greater => break,
                Ordering::Equal => {
                    items.swap(equal_front, front);
                    equal_front += 1;
                }
                Ordering::Less => {}
            }
            front += 1;
        }
        while front <= back {
            match compare(&items[back], &items[0]) {
                Ordering::Less => break,
                Ordering::Equal => {
                    items.swap(back, equal_back);
                    equal_back -= 1;
                }
                Ordering::Greater => {}
            }
            back -= 1;
        }
        if front > back {
            break;
        }
        items.swap(front, back);
        front += 1;
        back -= 1;
    }
    let (smaller, greater) = (front - equal_front, equal_back - back);
    exchange(items, 0, front, equal_front.min(smaller));
    exchange(items, front, len, greater.min(len - equal_back - 1));
    (smaller, greater)
}

/// Exchanges `count` elements from `at` on with those before `end`.
fn exchange<T>(items: &mut [T], at: usize, end: usize, count: usize) {
    for n in 0..count {
        items.swap(at + n, end - count + n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_are_those_of_a_whole_sort(
            mut items in prop::collection::vec(0u32..50, 0..300), wanted in 0usize..320,
        ) {
            let mut sorted = items.clone();
            sorted.sort_unstable();
            sort_first(&mut items, wanted, u32::cmp);
            let wanted = wanted.min(items.len());
            prop_assert_eq!(&items[..wanted], &sorted[..wanted]);
            items.sort_unstable();
            prop_assert_eq!(items, sorted);
        }
    }

    #[test]
    fn any_order_ends_soon() {
        for count in [7usize, 8, 40, 41, 10_000] {
            let rising: Vec<usize> = (0..count).collect();
            let saw = rising.iter().map(|n| n % 16).collect();
            let organ = rising.iter().map(|n| (*n).min(count - n)).collect();
            for mut items in [vec![1; count], rising.iter().rev().copied().collect(), saw, organ, rising] {
                let least = items.iter().min().copied();
                sort_first(&mut items, count / 3, usize::cmp);
                assert!(items[..count / 3].is_sorted());
                assert_eq!(items.first().copied(), least);
            }
        }
    }
}
