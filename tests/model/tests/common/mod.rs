//! Runs a model under many schedules, and shows that it would find a fault.

use std::panic::{AssertUnwindSafe, catch_unwind};

use persistkv::sync::planted::{Fault, plant};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};

/// How many schedules, times what `PERSISTKV_MODEL_SCALE` says.
fn scaled(schedules: usize) -> usize {
    let scale = std::env::var("PERSISTKV_MODEL_SCALE").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    schedules * scale
}

fn run(schedules: usize, model: fn()) {
    // Random schedules, and ones with few changes at chosen points, which find what needs a certain order.
    Runner::new(RandomScheduler::new(schedules.div_ceil(2)), Config::new()).run(model);
    Runner::new(PctScheduler::new(3, schedules.div_ceil(2)), Config::new()).run(model);
}

/// The model holds under so many schedules; else it panics with the schedule that breaks it.
#[allow(dead_code, reason = "not every file uses each of these")]
pub(crate) fn holds(schedules: usize, model: fn()) {
    run(scaled(schedules), model);
}

/// With a fault planted, some schedule breaks the model, with `why` in its message.
#[allow(dead_code, reason = "not every file uses each of these")]
pub(crate) fn finds(fault: Fault, schedules: usize, why: &str, model: fn()) {
    plant(fault);
    broken(schedules, why, model);
}

/// Some schedule ends with everybody waiting.
#[allow(dead_code, reason = "not every file uses each of these")]
pub(crate) fn finds_deadlock(schedules: usize, model: fn()) {
    broken(schedules, "deadlock", model);
}

fn broken(schedules: usize, why: &str, model: fn()) {
    let outcome = catch_unwind(AssertUnwindSafe(|| run(schedules, model)));
    let panic = outcome.expect_err("no schedule breaks it");
    let text = panic.downcast_ref::<String>().cloned();
    let text =
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
    assert!(text.contains(why), "it breaks otherwise: {text}");
}
