//! The options that XADD and XTRIM share.

use super::super::args;
use super::super::ctx::Ctx;
use super::id;
use crate::error::{Error, Result};
use crate::value::Limits;
use crate::value::stream::{Refs, Stream, StreamId, Trim, TrimTo};

/// What stands before an entry's fields, or behind XTRIM's key.
pub(super) struct Options {
    /// How to shorten the stream, if at all.
    pub(super) trim: Option<Trim>,
    /// Where the length or identifier to trim to stands, and where LIMIT does.
    trim_at: usize,
    limit_at: Option<usize>,
    /// NOMKSTREAM.
    pub(super) no_make: bool,
    /// XADD: the argument behind the options, which is the identifier.
    pub(super) id_at: usize,
    /// XADD: the identifier.
    pub(super) id: NewId,
}

/// The identifier an entry asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NewId {
    /// `*`
    Auto,
    /// `ms-*`
    AutoSeq(u64),
    Given(StreamId),
}

const BOTH: &str = "ERR syntax error, MAXLEN and MINID options at the same time are not compatible";
const LIMIT_ALONE: &str = "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy";
const LIMIT_EXACT: &str = "ERR syntax error, LIMIT cannot be used without the special ~ option";
const NO_STRATEGY: &str = "ERR syntax error, XTRIM must be called with a trimming strategy";

/// Without LIMIT an approximate trim takes at most so many full nodes, and at most so many entries.
const NODES_PER_TRIM: u64 = 100;
const ENTRIES_PER_TRIM: u64 = 1_000_000;
const ENTRIES_UNKNOWN: u64 = 10_000;

/// Reads the options of XADD (`adds`) or XTRIM.
pub(super) fn options(ctx: &Ctx<'_>, adds: bool) -> Result<Options> {
    let argv = ctx.argv;
    let mut options = Options {
        trim: None,
        trim_at: 0,
        limit_at: None,
        no_make: false,
        id_at: argv.len(),
        id: NewId::Auto,
    };
    let (mut limit, mut refs, mut at) = (0, None, 2);
    while at < argv.len() {
        let (option, more) = (argv[at], argv.len() - 1 - at);
        let max_len = args::is(option, "maxlen");
        if adds && option == b"*" {
            options.id_at = at;
            break;
        } else if more > 0 && (max_len || args::is(option, "minid")) {
            if options.trim.is_some() {
                return Err(Error::command(BOTH));
            }
            let approx = more >= 2 && argv[at + 1] == b"~";
            at += if approx || (more >= 2 && argv[at + 1] == b"=") { 2 } else { 1 };
            let to =
                if max_len { TrimTo::MaxLen(max_len_of(argv[at])?) } else { TrimTo::MinId(id(argv[at])?) };
            options.trim = Some(Trim { to, approx, limit: 0, refs: Refs::Keep });
            options.trim_at = at;
        } else if more > 0 && args::is(option, "limit") {
            limit = u64::try_from(args::int(argv[at + 1])?)
                .map_err(|_| Error::command("ERR The LIMIT argument must be >= 0."))?;
            options.limit_at = Some(at);
            at += 1;
        } else if let (Some(given), None) = (refs_of(option), refs) {
            refs = Some(given);
        } else if adds && args::is(option, "nomkstream") {
            options.no_make = true;
        } else if adds {
            let parsed = StreamId::parse_auto(option, 0).ok_or_else(|| Error::command(super::INVALID_ID))?;
            options.id = match parsed {
                (id, true) => NewId::AutoSeq(id.ms),
                (id, false) => NewId::Given(id),
            };
            options.id_at = at;
            break;
        } else {
            return Err(Error::syntax());
        }
        at += 1;
    }
    if let Some(trim) = &mut options.trim {
        trim.refs = refs.unwrap_or_default();
    }
    set_limit(&mut options, limit, ctx, adds)?;
    Ok(options)
}

/// KEEPREF, DELREF or ACKED.
pub(super) fn refs_of(word: &[u8]) -> Option<Refs> {
    match word {
        word if args::is(word, "keepref") => Some(Refs::Keep),
        word if args::is(word, "delref") => Some(Refs::Delete),
        word if args::is(word, "acked") => Some(Refs::Acked),
        _ => None,
    }
}

fn max_len_of(arg: &[u8]) -> Result<u64> {
    u64::try_from(args::int(arg)?).map_err(|_| Error::command("ERR The MAXLEN argument must be >= 0."))
}

fn set_limit(options: &mut Options, limit: u64, ctx: &Ctx<'_>, adds: bool) -> Result<()> {
    let Some(trim) = &mut options.trim else {
        return match (limit, adds) {
            (1.., _) => Err(Error::command(LIMIT_ALONE)),
            (0, true) => Ok(()),
            (0, false) => Err(Error::command(NO_STRATEGY)),
        };
    };
    if ctx.session.replaying {
        // What a log holds says exactly what was done.
        return Ok(());
    }
    if options.limit_at.is_some() {
        if !trim.approx {
            return Err(Error::command(LIMIT_EXACT));
        }
        trim.limit = limit;
    } else if trim.approx {
        trim.limit = match NODES_PER_TRIM.saturating_mul(ctx.limits().stream_node_max_entries) {
            0 => ENTRIES_UNKNOWN,
            entries => entries.min(ENTRIES_PER_TRIM),
        };
    }
    Ok(())
}

impl Options {
    /// Shortens the stream if that was asked for; how many entries went.
    pub(super) fn trim(&self, stream: &mut Stream, _: &Limits) -> u64 {
        self.trim.map_or(0, |trim| stream.trim(trim))
    }

    /// The command as it does the same again, exactly: an approximate trim as the exact one to what is left.
    pub(super) fn exact<'a>(&self, argv: &[&'a [u8]], left: &'a Left) -> Vec<&'a [u8]> {
        let mut argv = argv.to_vec();
        if let Some(trim) = self.trim.filter(|trim| trim.approx) {
            argv[self.trim_at - 1] = b"=";
            argv[self.trim_at] = match trim.to {
                TrimTo::MaxLen(_) => &left.len,
                TrimTo::MinId(_) => &left.first,
            };
            if let Some(at) = self.limit_at {
                argv.drain(at..at + 2);
            }
        }
        argv
    }

    /// Whether the command can not be logged as it was called.
    pub(super) fn is_approx(&self) -> bool {
        self.trim.is_some_and(|trim| trim.approx)
    }
}

/// What a trim left, as text.
pub(super) struct Left {
    len: Vec<u8>,
    first: Vec<u8>,
}

impl Left {
    pub(super) fn of(stream: &Stream) -> Self {
        let first = if stream.is_empty() { StreamId::MAX } else { stream.first_id() };
        Self { len: stream.len().to_string().into_bytes(), first: first.text().as_ref().to_vec() }
    }
}
