//! Patterns of KEYS, SCAN, PSUBSCRIBE and CONFIG GET: Redis's own glob (`stringmatchlen`), byte for byte.
//!
//! `*` any bytes, `?` one byte, `[abc]` `[a-z]` `[^…]` one of a class, `\x` a literal x.
//!
//! Time is bounded by pattern × text: when what follows a `*` fits nowhere in the rest of the text, no earlier `*` can
//! help, so only the last one is ever retried (Redis reaches the same with its `skipLongerMatches`). More than
//! [`MOST_STARS`] stars match nothing, as in Redis, where that bounds the recursion.

/// How many `*` a pattern may go through, not counting one at its end.
const MOST_STARS: usize = 1000;

/// Whether all of `text` fits `pattern`. `nocase` ignores the case of ASCII letters.
///
/// An empty text fits only an empty pattern, not `*`: that is what Redis does.
pub fn matches(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut stars = 0;
    // Where to go on when the bytes behind the last star do not fit: pattern behind it, and the text it starts from.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let fits = if p < pattern.len() && t < text.len() {
            match pattern[p] {
                b'*' => {
                    p += run_of_stars(&pattern[p..]);
                    if p == pattern.len() {
                        return true;
                    }
                    stars += 1;
                    if stars > MOST_STARS {
                        return false;
                    }
                    retry = Some((p, t));
                    continue;
                }
                b'?' => {
                    p += 1;
                    true
                }
                b'[' => {
                    let (hit, len) = class(&pattern[p..], text[t], nocase);
                    p += len;
                    hit
                }
                byte => {
                    let literal = match (byte, pattern.get(p + 1)) {
                        (b'\\', Some(&escaped)) => {
                            p += 1;
                            escaped
                        }
                        _ => byte,
                    };
                    p += 1;
                    same(literal, text[t], nocase)
                }
            }
        } else {
            false
        };
        if fits {
            t += 1;
            if t < text.len() {
                continue;
            }
            p += run_of_stars(&pattern[p..]);
        }
        if p == pattern.len() && t == text.len() {
            return true;
        }
        match retry {
            Some((after_star, from)) if from + 1 < text.len() => {
                retry = Some((after_star, from + 1));
                (p, t) = (after_star, from + 1);
            }
            _ => return false,
        }
    }
}

/// Whether `pattern` can only match itself, so that it names one key.
pub fn is_literal(pattern: &[u8]) -> bool {
    !pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

fn run_of_stars(pattern: &[u8]) -> usize {
    pattern.iter().take_while(|&&byte| byte == b'*').count()
}

#[inline]
fn same(a: u8, b: u8, nocase: bool) -> bool {
    if nocase { a.eq_ignore_ascii_case(&b) } else { a == b }
}

/// Whether `byte` is in the class at the start of `pattern`, and the length of the class. A class without `]` goes to the end
/// of the pattern; an escaped byte in a class heeds case even with `nocase`; both as in Redis.
fn class(pattern: &[u8], byte: u8, nocase: bool) -> (bool, usize) {
    let negated = pattern.get(1) == Some(&b'^');
    let mut at = 1 + usize::from(negated);
    let mut hit = false;
    loop {
        match &pattern[at..] {
            [] => return (hit != negated, at),
            [b'\\', escaped, ..] => {
                hit |= *escaped == byte;
                at += 2;
            }
            [b']', ..] => return (hit != negated, at + 1),
            [first, b'-', last, ..] => {
                let fold = |byte: u8| if nocase { byte.to_ascii_lowercase() } else { byte };
                // Redis compares `char`s, which are signed where it mostly runs: bytes from 0x80 on come first.
                let [first, last, byte] = [*first, *last, byte].map(|byte| fold(byte) as i8);
                hit |= (first.min(last)..=first.max(last)).contains(&byte);
                at += 3;
            }
            [literal, ..] => {
                hit |= same(*literal, byte, nocase);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Answers of Redis 7.0.15 (CONFIG GET aside, through PSUBSCRIBE and SCAN).
    #[test]
    fn fits_as_in_redis() {
        for (pattern, text, want) in [
            ("", "", true),
            ("*", "", false),
            ("", "a", false),
            ("*", "a", true),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h*llo", "heeeello", true),
            ("h*llo", "hllo", true),
            ("h*llo", "hll", false),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-b]llo", "hbllo", true),
            ("h[b-a]llo", "hallo", true),
            ("h[a-b]llo", "hcllo", false),
            ("h[^a-y]llo", "hzllo", true),
            ("h\\*llo", "h*llo", true),
            ("h\\*llo", "hello", false),
            ("a\\", "a\\", true),
            ("[\\]]", "]", true),
            ("[]]", "]", false),
            ("[]", "]", false),
            ("[^]x", "ax", true),
            ("[a", "a", true),
            ("[a", "b", false),
            ("[^a", "b", true),
            ("[", "[", false),
            ("[a-", "-", true),
            ("[a-]", "b", false),
            ("[a-]", "]", true),
            ("[a-]x]", "_", true),
            ("[\\a-c]", "b", false),
            ("[\\a-c]", "-", true),
            ("***a", "a", true),
            ("a***", "a", true),
            ("a*b*c", "axxbxxc", true),
            ("a*b*c", "axxbxx", false),
            ("*a*b", "ab", true),
            ("*ab", "aab", true),
            ("a?", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes(), false), want, "{pattern:?} {text:?}");
        }
        assert!(matches(b"H[A-C]LLO*", b"hbllO!", true));
        assert!(matches(b"[abc]", b"B", true));
        assert!(!matches(b"[\\b]", b"B", true));
        assert!(!matches(b"abc", b"ABC", false));
        assert!(matches(b"[\x80-a]", b"\xff", false) && matches(b"[\x80-a]", b"A", false));
        assert!(!matches(b"[a-\x80]", b"b", false));
        assert!(is_literal(b"user:1") && !is_literal(b"user:?"));
    }

    #[test]
    fn hostile_patterns_end_soon() {
        let pattern = [b"a*".repeat(900), b"b".to_vec()].concat();
        assert!(!matches(&pattern, &[b'a'; 20_000], false));
        assert!(matches(&b"*a".repeat(MOST_STARS), &[b'a'; MOST_STARS], false));
        assert!(!matches(&b"*a".repeat(MOST_STARS + 1), &[b'a'; MOST_STARS + 1], false));
        assert!(matches(&[b'*'; 5000], b"a", false));
    }

    /// Redis's recursion without its short cut.
    fn plainly(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
        let (mut p, mut t) = (0, 0);
        while p < pattern.len() && t < text.len() {
            if pattern[p] == b'*' {
                p += run_of_stars(&pattern[p..]);
                return p == pattern.len()
                    || (t..text.len()).any(|from| plainly(&pattern[p..], &text[from..], nocase));
            }
            let (hit, len) = match (pattern[p], pattern.get(p + 1)) {
                (b'?', _) => (true, 1),
                (b'[', _) => class(&pattern[p..], text[t], nocase),
                (b'\\', Some(&escaped)) => (same(escaped, text[t], nocase), 2),
                (byte, _) => (same(byte, text[t], nocase), 1),
            };
            if !hit {
                return false;
            }
            p += len;
            t += 1;
            if t == text.len() {
                p += run_of_stars(&pattern[p..]);
            }
        }
        p == pattern.len() && t == text.len()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_short_cut_changes_nothing(pattern in "[ab*?\\[\\]^\\\\-]{0,9}", text in "[abA]{0,8}", nocase: bool) {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(matches(pattern, text, nocase), plainly(pattern, text, nocase));
        }

        #[test]
        fn garbage_never_panics(pattern in proptest::collection::vec(any::<u8>(), 0..20), text in proptest::collection::vec(any::<u8>(), 0..20)) {
            matches(&pattern, &text, true);
        }
    }
}
