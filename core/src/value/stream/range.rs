//! Walks over a stream's entries.

use super::node::Node;
use super::{Entry, Stream, StreamId};

impl Stream {
    /// The entries between two identifiers (both included), in order. Finding the first takes O(log n).
    pub fn range(&self, start: StreamId, end: StreamId) -> impl Iterator<Item = Entry<'_>> {
        // The node before the start may reach into the range.
        let first = self.nodes.floor(start).map_or(start, |(key, _)| key);
        self.nodes
            .range(first, end)
            .flat_map(|(key, list)| Node::new(key, list).entries())
            .filter(move |entry| !entry.is_deleted() && entry.id >= start)
            .take_while(move |entry| entry.id <= end)
    }

    /// The same entries from the last to the first.
    pub fn range_back(&self, start: StreamId, end: StreamId) -> impl Iterator<Item = Entry<'_>> {
        let first = self.nodes.floor(start).map_or(start, |(key, _)| key);
        self.nodes
            .range(first, end)
            .rev()
            .flat_map(|(key, list)| Node::new(key, list).entries_back())
            .filter(move |entry| !entry.is_deleted() && entry.id <= end)
            .take_while(move |entry| entry.id >= start)
    }

    /// All entries in order.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        self.range(StreamId::MIN, StreamId::MAX)
    }
}
