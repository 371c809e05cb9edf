//! What the targets run: the bodies of the property tests, each target with the beginning that its reader wants.

#[path = "../tests/support/probe.rs"]
mod probe;
#[path = "../tests/support/probe_link.rs"]
mod probe_link;

/// Probes a file after its beginning was made to be one that leads to a reader: each piece is laid over its place.
pub fn file(data: &[u8], beginning: &[(usize, &[u8])]) {
    // The first byte says in which buffers it comes, so that a found case can be run again.
    let Some((buffer, data)) = data.split_first() else { return };
    let mut file = data.to_vec();
    for (at, piece) in beginning {
        file.resize(file.len().max(at + piece.len()), 0);
        file[*at..at + piece.len()].copy_from_slice(piece);
    }
    probe::file(&file, usize::from(*buffer) * 16 + 1);
}

/// Probes a link.
pub fn link(text: &str) {
    probe_link::link(text);
}
