//! The splitter of free-form arguments.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let text = data::Text::plain(text);
    let _ = data::split::split_args(&text);
    let _ = data::split::parse_kv(&text, false);
    let _ = data::split::parse_kv(&text, true);
});
