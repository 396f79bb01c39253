//! The parser of host patterns, and what it selects.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let hosts = inventory::load(&["a,b,web1,web2"], &inventory::LoadOptions::default());
    if let (Ok(pattern), Ok(loaded)) = (inventory::Pattern::parse_limit(text), hosts) {
        let _ = pattern.select(&loaded.inventory);
    }
});
