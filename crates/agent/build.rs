//! Leaves out of the agent what it would carry to every host for nothing: tables for unwinding, in a program that does not unwind, and one
//! entry of 24 bytes for each address that moves with the program, where two bits do.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// Tables that only unwinding reads. The linker must meet them before its own rule for them, so the script goes before the code.
const WITHOUT_TABLES: &str = "SECTIONS { /DISCARD/ : { *(.eh_frame) *(.eh_frame.*) *(.gcc_except_table) *(.gcc_except_table.*) } } \
                              INSERT BEFORE .text;\n";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    // On this target the linker is the one that comes with Rust, whatever the machine has.
    if !is("TARGET", "x86_64-unknown-linux-gnu") {
        return;
    }
    if glibc_unpacks() {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    // The profile `agent` is the one that is built for size, and it ends a panic at once; others unwind.
    if is("OPT_LEVEL", "z")
        && let Some(folder) = env::var_os("OUT_DIR")
    {
        let script = Path::new(&folder).join("without_tables.ld");
        if fs::write(&script, WITHOUT_TABLES).is_ok() {
            println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
        }
    }
}

/// Whether the C library that is linked in reads packed relocations when a static program starts: glibc does from 2.36 on.
fn glibc_unpacks() -> bool {
    let Ok(output) = Command::new("getconf").arg("GNU_LIBC_VERSION").output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.trim().trim_start_matches("glibc ").split('.').map(str::parse::<u32>);
    matches!((numbers.next(), numbers.next()), (Some(Ok(2)), Some(Ok(minor))) if minor >= 36)
}
