//! Refuses an OpenSSL without threads: connections run in parallel, and its locks would be empty.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let Some(include) = env::var_os("DEP_OPENSSL_INCLUDE") else { return };
    // A system's own OpenSSL may keep this file elsewhere; distributions build with threads.
    let Ok(text) = fs::read_to_string(Path::new(&include).join("openssl/configuration.h")) else { return };
    if !text.lines().any(|line| line.trim_start_matches(['#', ' ']) == "define OPENSSL_THREADS") {
        println!(
            "cargo::error=OpenSSL was built without threads; build from the checkout, whose .cargo/config.toml sets OPENSSL_SRC_PERL"
        );
    }
}
