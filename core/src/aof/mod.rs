//! The append-only log.

pub mod effects;

pub use effects::Effects;
