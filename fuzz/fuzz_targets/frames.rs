//! Bytes as an agent could send them: through the decoder, the joining of parts, and into every message.
//!
//! `cargo +nightly fuzz run frames`
#![no_main]

use libfuzzer_sys::fuzz_target;
use modules::wire::{Decoder, Hello, Kind, Messages, Reply, Request};

fuzz_target!(|bytes: &[u8]| {
    let (mut decoder, mut messages) = (Decoder::default(), Messages::default());
    for piece in bytes.chunks(7) {
        decoder.push(piece);
        while let Ok(Some(frame)) = decoder.next_frame() {
            let Ok(Some(message)) = messages.push(frame) else { return };
            match message.kind {
                Kind::Hello => drop(message.decode::<Hello>()),
                Kind::Request => drop(message.decode::<Request>()),
                _ => drop(message.decode::<Reply>()),
            }
        }
    }
});
