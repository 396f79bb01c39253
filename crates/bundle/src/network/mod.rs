//! What a bundle is made of, from the network: files over HTTP with resume and checksums, images from registries by digest.

mod client;
mod download;
mod pull;
mod push;
mod push_all;
mod registry;
mod sizes;

pub use client::{Client, ClientOptions, Resolve};
pub use download::{Download, Downloads, Event, Promise};
pub use pull::pull;
pub use push::{Pushed, push};
pub use push_all::{Placed, places, push_all};
pub use registry::Registry;
pub use sizes::image_size;
