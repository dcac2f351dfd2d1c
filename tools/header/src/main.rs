//! Makes the C header from the sources of `ffi/`, or checks that it is current.
//!
//! `persistkv-header FILE` writes the header, `persistkv-header --check FILE` compares. A program of its own rather
//! than a build script: cbindgen would cost everybody who builds the library 47 seconds, and the header is committed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The files whose items make up the header, in its order.
const SOURCES: &[&str] = &[
    "error.rs",
    "logging.rs",
    "directives.rs",
    "store.rs",
    "listener.rs",
    "client.rs",
    "reply.rs",
    "pointers.rs",
    "strings.rs",
    "collections.rs",
    "transactions.rs",
];

const MANUAL: &str = include_str!("manual.txt");
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--check", path] => header().and_then(|text| check(path.as_ref(), &text)),
        [path] if !path.starts_with('-') => {
            header().and_then(|text| std::fs::write(path, text).map_err(|e| format!("writing {path}: {e}")))
        }
        _ => Err("usage: persistkv-header [--check] FILE".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            let mut stderr = std::io::stderr();
            let _ = std::io::Write::write_all(&mut stderr, format!("{text}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

/// The header's text.
fn header() -> Result<String, String> {
    let source: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ffi/src");
    let numbers: Vec<&str> = VERSION.split('.').collect();
    let [major, minor, patch] = numbers[..] else { return Err(format!("version {VERSION}")) };
    let after = format!(
        "\n#define PKV_VERSION \"{VERSION}\"\n#define PKV_VERSION_MAJOR {major}\n\
         #define PKV_VERSION_MINOR {minor}\n#define PKV_VERSION_PATCH {patch}\n\n\
         // A string literal as two arguments, bytes and length: pkv_set(client, PKV_LIT(\"name\"), PKV_LIT(\"Ada\")).\n\
         #define PKV_LIT(literal) (\"\" literal), (sizeof(literal) - 1)\n"
    );
    let config = cbindgen::Config {
        language: cbindgen::Language::C,
        cpp_compat: true,
        header: Some(MANUAL.trim_end().to_owned()),
        include_guard: Some("PERSISTKV_H".to_owned()),
        no_includes: true,
        sys_includes: vec!["stddef.h".to_owned(), "stdint.h".to_owned()],
        after_includes: Some(after),
        style: cbindgen::Style::Both,
        documentation_style: cbindgen::DocumentationStyle::C99,
        documentation_length: cbindgen::DocumentationLength::Full,
        line_length: 110,
        tab_width: 4,
        usize_is_size_t: true,
        export: cbindgen::ExportConfig {
            include: vec!["pkv_reply_type".to_owned(), "pkv_log_level".to_owned()],
            ..cbindgen::ExportConfig::default()
        },
        ..cbindgen::Config::default()
    };
    let mut builder = cbindgen::Builder::new().with_config(config);
    for name in SOURCES {
        builder = builder.with_src(source.join(name));
    }
    let bindings = builder.generate().map_err(|e| format!("reading {}: {e}", source.display()))?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).map_err(|e| e.to_string())
}

/// Compares a header with what it should be.
fn check(path: &Path, text: &str) -> Result<(), String> {
    let found = std::fs::read_to_string(path).map_err(|e| format!("reading {}: {e}", path.display()))?;
    if found == text {
        return Ok(());
    }
    let (mut line, mut theirs, mut ours) = (1, found.lines(), text.lines());
    loop {
        match (theirs.next(), ours.next()) {
            (a, b) if a == b => line += 1,
            (a, b) => {
                return Err(format!(
                    "{}:{line} is not current; run `make header`.\n- {}\n+ {}",
                    path.display(),
                    a.unwrap_or("(end)"),
                    b.unwrap_or("(end)")
                ));
            }
        }
    }
}
