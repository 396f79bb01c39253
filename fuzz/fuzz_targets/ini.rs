//! The INI parser of inventories.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = inventory::IniFile::parse(&data::Source::new("hosts", text));
});
