//! What a program is made for, by its first bytes.

/// Bytes of an ELF header that are needed.
pub(crate) const HEADER: usize = 20;

/// The architecture of an ELF program in Go's names; `None` if it is no ELF program or for a rare machine.
pub(crate) fn architecture(start: &[u8]) -> Option<&'static str> {
    if start.len() < HEADER || !start.starts_with(b"\x7fELF") {
        return None;
    }
    let little = start[5] == 1;
    let machine = [start[18], start[19]];
    let machine = if little { u16::from_le_bytes(machine) } else { u16::from_be_bytes(machine) };
    Some(match (machine, start[4]) {
        (62, _) => "amd64",
        (183, _) => "arm64",
        (40, _) => "arm",
        (3, _) => "386",
        (21, _) => "ppc64le",
        (22, _) => "s390x",
        (243, 2) => "riscv64",
        (258, _) => "loong64",
        _ => return None,
    })
}

/// This machine's architecture in Go's names.
pub(crate) fn own() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_is_for_this_machine() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(architecture(&bytes), Some(own()));
        assert_eq!(architecture(b"#!/bin/sh"), None);
    }
}
