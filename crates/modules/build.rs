//! Names the build: a hash over the sources of all that controller and agent share, so that both know when they are not of one build.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    // As it is now, not as it was when this script was compiled: a checkout may be copied together with its target folder.
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let crates = here.parent().map(Path::to_path_buf).unwrap_or_default();
    let mut files = Vec::new();
    for folder in ["modules/src", "data/src", "agent/src"] {
        collect(&crates.join(folder), &mut files);
        println!("cargo::rerun-if-changed={}", crates.join(folder).display());
    }
    files.sort();
    let mut hash = Fnv::new();
    for file in files {
        let name = file.strip_prefix(&crates).unwrap_or(&file).to_string_lossy().into_owned();
        hash.write(name.as_bytes());
        hash.write(&fs::read(&file).unwrap_or_default());
    }
    println!("cargo::rustc-env=TASKBOX_BUILD={}-{:032x}", env!("CARGO_PKG_VERSION"), hash.0);
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// FNV-1a with 128 bits: enough to tell builds apart, and no crate needed to build.
struct Fnv(u128);

impl Fnv {
    fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 ^= u128::from(*byte);
            self.0 = self.0.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
}
