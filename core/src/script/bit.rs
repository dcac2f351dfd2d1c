//! The library `bit`: operations on 32-bit numbers, as LuaBitOp has them.

use mlua::{Lua, Result, Table, Value};

use super::function::{Args, Fault, Returned, function};

/// A number's lowest 32 bits, rounded to the nearest whole number.
fn bits(args: &Args<'_>, at: usize) -> std::result::Result<i32, Fault> {
    // Adding this moves the whole part into the low bits of the mantissa, rounded to even.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    Ok((args.number(at)? + SHIFT).to_bits() as i32)
}

fn number(n: i32) -> Returned {
    Ok(vec![Value::Number(f64::from(n))])
}

fn fold(args: &Args<'_>, f: impl Fn(i32, i32) -> i32) -> Returned {
    let mut all = bits(args, 1)?;
    for at in 2..=args.len() {
        all = f(all, bits(args, at)?);
    }
    number(all)
}

fn shift(args: &Args<'_>, f: impl Fn(i32, u32) -> i32) -> Returned {
    let (n, by) = (bits(args, 1)?, bits(args, 2)?);
    number(f(n, by as u32 & 31))
}

fn tohex(args: &Args<'_>) -> Returned {
    let n = bits(args, 1)? as u32;
    let digits = if args.get(2).is_nil() { 8 } else { bits(args, 2)? };
    let count = digits.unsigned_abs().min(8) as usize;
    let text = if digits < 0 { format!("{n:08X}") } else { format!("{n:08x}") };
    Ok(vec![Value::String(args.lua.create_string(&text[8 - count..])?)])
}

/// The table.
pub(super) fn library(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    macro_rules! add {
        ($($name:literal: $f:expr;)*) => { $(table.raw_set($name, function(lua, $f)?)?;)* };
    }
    add! {
        "tobit": |args: Args<'_>| number(bits(&args, 1)?);
        "bnot": |args: Args<'_>| number(!bits(&args, 1)?);
        "band": |args: Args<'_>| fold(&args, |a, b| a & b);
        "bor": |args: Args<'_>| fold(&args, |a, b| a | b);
        "bxor": |args: Args<'_>| fold(&args, |a, b| a ^ b);
        "lshift": |args: Args<'_>| shift(&args, |n, by| n << by);
        "rshift": |args: Args<'_>| shift(&args, |n, by| (n as u32 >> by) as i32);
        "arshift": |args: Args<'_>| shift(&args, |n, by| n >> by);
        "rol": |args: Args<'_>| shift(&args, i32::rotate_left);
        "ror": |args: Args<'_>| shift(&args, i32::rotate_right);
        "bswap": |args: Args<'_>| number(bits(&args, 1)?.swap_bytes());
        "tohex": |args: Args<'_>| tohex(&args);
    }
    Ok(table)
}
