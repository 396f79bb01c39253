//! The YAML loader: a document, or errors with places inside the text.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let source = data::Source::new("fuzz.yml", text);
    if let Ok(loaded) = data::yaml::load(&source)
        && let Some(node) = loaded.node
    {
        let value = node.to_value();
        let _ = data::yaml::dump(&value, &data::yaml::DumpStyle::nice());
    }
});
