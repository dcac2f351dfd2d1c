//! Link arguments of a Node addon.

fn main() {
    napi_build::setup();
    // Node unloads an addon with the last worker that uses it, while a thread of ours may still finish a file, and while
    // the C library knows our fork handlers. Staying costs nothing.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
