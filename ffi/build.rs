//! How the shared library is linked: a soname of its own, and never unloaded (the engine's fork handler stays
//! registered with the C library for the life of the process).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if matches!(os.as_str(), "linux" | "android" | "freebsd" | "netbsd" | "openbsd" | "dragonfly") {
        // The number changes when a program that was linked with the library would no longer run with a new one.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libpersistkv.so.0");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
