//! The rows of the command table for sorted sets.

use super::super::table::{Command, Flags, Group, Keys};
use super::{blocking, combine, pop, range, read, write};

const READ: Command = Command {
    name: "",
    arity: 0,
    flags: Flags::READONLY,
    keys: Keys::Range(1, 1, 1),
    group: Group::SortedSet,
    categories: &[],
    since: "",
    summary: "",
    complexity: "",
    handler: read::zcard,
    subcommands: &[],
};
const FAST_READ: Command = Command { flags: Flags::READONLY.and(Flags::FAST), ..READ };
const WRITE: Command = Command { flags: Flags::WRITE, ..READ };
const FAST_WRITE: Command = Command { flags: Flags::WRITE.and(Flags::FAST), ..READ };
const FAST_ADD: Command = Command { flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST), ..READ };
/// `numkeys key …`
const COMBINE: Command =
    Command { flags: Flags::READONLY.and(Flags::MOVABLEKEYS), keys: Keys::Counted(1), ..READ };
/// `destination numkeys key …`
const COMBINE_STORE: Command = Command {
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLEKEYS),
    keys: Keys::DestAndCounted(2),
    ..READ
};

const LOG_OF_LEN: &str = "O(log(N)) with N being the number of elements in the sorted set.";
const LOG_AND_RETURNED: &str = "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.";
const LOG_AND_REMOVED: &str =
    "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed.";
const CONSTANT: &str = "O(1)";

pub(in crate::command) const COMMANDS: &[Command] = &[
    Command {
        name: "zadd",
        arity: -4,
        since: "1.2.0",
        summary: "Adds members to a sorted set, or updates their scores. Creates the key if it doesn't exist.",
        complexity: "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
        handler: write::zadd,
        ..FAST_ADD
    },
    Command {
        name: "zincrby",
        arity: 4,
        since: "1.2.0",
        summary: "Increments the score of a member in a sorted set.",
        complexity: LOG_OF_LEN,
        handler: write::zincrby,
        ..FAST_ADD
    },
    Command {
        name: "zrem",
        arity: -3,
        since: "1.2.0",
        summary: "Removes members from a sorted set. Deletes the key when all are removed.",
        complexity: "O(M*log(N)) with N being the number of elements in the sorted set and M the number of elements removed.",
        handler: write::zrem,
        ..FAST_WRITE
    },
    Command {
        name: "zremrangebyrank",
        arity: 4,
        since: "2.0.0",
        summary: "Removes members in a range of ranks. Deletes the key when all are removed.",
        complexity: LOG_AND_REMOVED,
        handler: write::zremrangebyrank,
        ..WRITE
    },
    Command {
        name: "zremrangebyscore",
        arity: 4,
        since: "1.2.0",
        summary: "Removes members in a range of scores. Deletes the key when all are removed.",
        complexity: LOG_AND_REMOVED,
        handler: write::zremrangebyscore,
        ..WRITE
    },
    Command {
        name: "zremrangebylex",
        arity: 4,
        since: "2.8.9",
        summary: "Removes members in a lexicographical range. Deletes the key when all are removed.",
        complexity: LOG_AND_REMOVED,
        handler: write::zremrangebylex,
        ..WRITE
    },
    Command {
        name: "zpopmin",
        arity: -2,
        since: "5.0.0",
        summary: "Removes and returns the members with the lowest scores. Deletes the key when the last is popped.",
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements popped.",
        handler: pop::zpopmin,
        ..FAST_WRITE
    },
    Command {
        name: "zpopmax",
        arity: -2,
        since: "5.0.0",
        summary: "Removes and returns the members with the highest scores. Deletes the key when the last is popped.",
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements popped.",
        handler: pop::zpopmax,
        ..FAST_WRITE
    },
    Command {
        name: "zmpop",
        arity: -4,
        flags: Flags::WRITE.and(Flags::MOVABLEKEYS),
        keys: Keys::Counted(1),
        since: "7.0.0",
        summary: "Removes and returns the lowest or highest members of the first sorted set that has any.",
        complexity: "O(K) + O(log(N)+M) with K being the number of keys, N the number of elements in the sorted set and M the number of elements popped.",
        handler: pop::zmpop,
        ..WRITE
    },
    Command {
        name: "bzpopmin",
        arity: -3,
        flags: Flags::WRITE.and(Flags::FAST).and(Flags::BLOCKING),
        keys: Keys::Range(1, -2, 1),
        since: "5.0.0",
        summary: "Removes and returns the member with the lowest score of the first sorted set that has one. Waits until there is one.",
        complexity: "O(log(N)) with N being the number of elements in the sorted set.",
        handler: blocking::bzpopmin,
        ..WRITE
    },
    Command {
        name: "bzpopmax",
        arity: -3,
        flags: Flags::WRITE.and(Flags::FAST).and(Flags::BLOCKING),
        keys: Keys::Range(1, -2, 1),
        since: "5.0.0",
        summary: "Removes and returns the member with the highest score of the first sorted set that has one. Waits until there is one.",
        complexity: "O(log(N)) with N being the number of elements in the sorted set.",
        handler: blocking::bzpopmax,
        ..WRITE
    },
    Command {
        name: "bzmpop",
        arity: -5,
        flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLEKEYS),
        keys: Keys::Counted(2),
        since: "7.0.0",
        summary: "Removes and returns the lowest or highest members of the first sorted set that has any. Waits until there are some.",
        complexity: "O(K) + O(log(N)+M) with K being the number of keys, N the number of elements in the sorted set and M the number of elements popped.",
        handler: blocking::bzmpop,
        ..WRITE
    },
    Command {
        name: "zcard",
        arity: 2,
        since: "1.2.0",
        summary: "Returns the number of members in a sorted set.",
        complexity: CONSTANT,
        handler: read::zcard,
        ..FAST_READ
    },
    Command {
        name: "zcount",
        arity: 4,
        since: "2.0.0",
        summary: "Returns the number of members whose scores are within a range.",
        complexity: LOG_OF_LEN,
        handler: read::zcount,
        ..FAST_READ
    },
    Command {
        name: "zlexcount",
        arity: 4,
        since: "2.8.9",
        summary: "Returns the number of members within a lexicographical range.",
        complexity: LOG_OF_LEN,
        handler: read::zlexcount,
        ..FAST_READ
    },
    Command {
        name: "zscore",
        arity: 3,
        since: "1.2.0",
        summary: "Returns the score of a member in a sorted set.",
        complexity: CONSTANT,
        handler: read::zscore,
        ..FAST_READ
    },
    Command {
        name: "zmscore",
        arity: -3,
        since: "6.2.0",
        summary: "Returns the scores of members in a sorted set.",
        complexity: "O(N) where N is the number of members being requested.",
        handler: read::zmscore,
        ..FAST_READ
    },
    Command {
        name: "zrank",
        arity: -3,
        since: "2.0.0",
        summary: "Returns the rank of a member in a sorted set ordered by ascending scores.",
        complexity: "O(log(N))",
        handler: read::zrank,
        ..FAST_READ
    },
    Command {
        name: "zrevrank",
        arity: -3,
        since: "2.0.0",
        summary: "Returns the rank of a member in a sorted set ordered by descending scores.",
        complexity: "O(log(N))",
        handler: read::zrevrank,
        ..FAST_READ
    },
    Command {
        name: "zrandmember",
        arity: -2,
        since: "6.2.0",
        summary: "Returns random members of a sorted set.",
        complexity: "O(N) where N is the number of members returned",
        handler: read::zrandmember,
        ..READ
    },
    Command {
        name: "zscan",
        arity: -3,
        since: "2.8.0",
        summary: "Iterates over members and scores of a sorted set.",
        complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.",
        handler: read::zscan,
        ..READ
    },
    Command {
        name: "zrange",
        arity: -4,
        since: "1.2.0",
        summary: "Returns members in a range of ranks, scores, or lexicographically.",
        complexity: LOG_AND_RETURNED,
        handler: range::zrange,
        ..READ
    },
    Command {
        name: "zrangestore",
        arity: -5,
        flags: Flags::WRITE.and(Flags::DENYOOM),
        keys: Keys::Range(1, 2, 1),
        since: "6.2.0",
        summary: "Stores a range of members of a sorted set in a key.",
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements stored into the destination key.",
        handler: range::zrangestore,
        ..WRITE
    },
    Command {
        name: "zrevrange",
        arity: -4,
        since: "1.2.0",
        summary: "Returns members in a range of ranks, in reverse order.",
        complexity: LOG_AND_RETURNED,
        handler: range::zrevrange,
        ..READ
    },
    Command {
        name: "zrangebyscore",
        arity: -4,
        since: "1.0.5",
        summary: "Returns members in a range of scores.",
        complexity: LOG_AND_RETURNED,
        handler: range::zrangebyscore,
        ..READ
    },
    Command {
        name: "zrevrangebyscore",
        arity: -4,
        since: "2.2.0",
        summary: "Returns members in a range of scores, in reverse order.",
        complexity: LOG_AND_RETURNED,
        handler: range::zrevrangebyscore,
        ..READ
    },
    Command {
        name: "zrangebylex",
        arity: -4,
        since: "2.8.9",
        summary: "Returns members in a lexicographical range.",
        complexity: LOG_AND_RETURNED,
        handler: range::zrangebylex,
        ..READ
    },
    Command {
        name: "zrevrangebylex",
        arity: -4,
        since: "2.8.9",
        summary: "Returns members in a lexicographical range, in reverse order.",
        complexity: LOG_AND_RETURNED,
        handler: range::zrevrangebylex,
        ..READ
    },
    Command {
        name: "zunion",
        arity: -3,
        since: "6.2.0",
        summary: "Returns the union of sorted sets.",
        complexity: "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.",
        handler: combine::zunion,
        ..COMBINE
    },
    Command {
        name: "zinter",
        arity: -3,
        since: "6.2.0",
        summary: "Returns the intersection of sorted sets.",
        complexity: "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.",
        handler: combine::zinter,
        ..COMBINE
    },
    Command {
        name: "zintercard",
        arity: -3,
        since: "7.0.0",
        summary: "Returns the number of members of the intersection of sorted sets.",
        complexity: "O(N*K) worst case with N being the smallest input sorted set, K being the number of input sorted sets.",
        handler: combine::zintercard,
        ..COMBINE
    },
    Command {
        name: "zdiff",
        arity: -3,
        since: "6.2.0",
        summary: "Returns the difference between the first sorted set and the others.",
        complexity: "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.",
        handler: combine::zdiff,
        ..COMBINE
    },
    Command {
        name: "zunionstore",
        arity: -4,
        since: "2.0.0",
        summary: "Stores the union of sorted sets in a key.",
        complexity: "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.",
        handler: combine::zunionstore,
        ..COMBINE_STORE
    },
    Command {
        name: "zinterstore",
        arity: -4,
        since: "2.0.0",
        summary: "Stores the intersection of sorted sets in a key.",
        complexity: "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.",
        handler: combine::zinterstore,
        ..COMBINE_STORE
    },
    Command {
        name: "zdiffstore",
        arity: -4,
        since: "6.2.0",
        summary: "Stores the difference between the first sorted set and the others in a key.",
        complexity: "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.",
        handler: combine::zdiffstore,
        ..COMBINE_STORE
    },
];
