//! The list of directives that a store may be opened with.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_int};
use std::sync::OnceLock;

use engine::config::TABLE;

/// A directive. Read it through the pointer that `pkv_directive_at` gives: fields may be added at the end.
#[allow(non_camel_case_types)]
#[repr(C)]
pub struct pkv_directive {
    /// Redis's name of it.
    pub name: *const c_char,
    /// An older name that is accepted too, or NULL.
    pub alias: *const c_char,
    /// Its value unless another one is given.
    pub default_value: *const c_char,
    /// What its value may be, in words.
    pub values: *const c_char,
    /// What it does, in a sentence.
    pub summary: *const c_char,
    /// 1 if CONFIG SET may change it while the store is open, else 0.
    pub at_run_time: c_int,
}

/// The table, with texts that live for ever.
struct Listed(Vec<pkv_directive>);

// SAFETY: all pointers are to constant text that is never freed.
unsafe impl Send for Listed {}
// SAFETY: as above.
unsafe impl Sync for Listed {}

fn listed() -> &'static [pkv_directive] {
    static LISTED: OnceLock<Listed> = OnceLock::new();
    fn text(text: &str) -> *const c_char {
        CString::new(text).unwrap_or_default().into_raw()
    }
    let list = LISTED.get_or_init(|| {
        let directive = |row: &engine::config::Row| pkv_directive {
            name: text(row.name),
            alias: row.alias.map_or(std::ptr::null(), text),
            default_value: text(row.default),
            values: text(&row.kind.to_string()),
            summary: text(row.summary),
            at_run_time: row.at_run_time.into(),
        };
        Listed(TABLE.iter().filter(|row| !row.of_server).map(directive).collect())
    });
    &list.0
}

/// The directive of this index, from 0; NULL behind the last. It is constant and needs no freeing.
#[unsafe(no_mangle)]
pub extern "C" fn pkv_directive_at(index: usize) -> *const pkv_directive {
    crate::boundary::pointer(|| {
        Ok(listed().get(index).map_or(std::ptr::null_mut(), |found| std::ptr::from_ref(found).cast_mut()))
    })
}
