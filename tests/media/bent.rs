//! Files that nobody thought of: every file of the corpus, cut, changed and mixed. Whatever comes, the inspector ends,
//! keeps within its memory, takes time in proportion, and says the same however the bytes are cut into buffers.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::probe::{self, MAX_HELD, held_by, judge};
use crate::{inspect, manifest, pad, read};

fn files() -> Vec<String> {
    manifest().files.into_iter().map(|file| file.file).collect()
}

/// One change to a file.
#[derive(Clone, Debug)]
enum Bend {
    Set(Index, u8),
    Fill(Index, u8, usize),
    Cut(Index),
    Remove(Index, usize),
    Insert(Index, Vec<u8>),
    Repeat(Index, usize),
}

fn bend() -> impl Strategy<Value = Bend> {
    let at = any::<Index>;
    let telling = select(vec![0_u8, 1, 0x7F, 0x80, 0xFE, 0xFF]);
    prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Bend::Set(at, byte)),
        3 => (at(), telling, 1..9_usize).prop_map(|(at, byte, length)| Bend::Fill(at, byte, length)),
        1 => at().prop_map(Bend::Cut),
        1 => (at(), 1..64_usize).prop_map(|(at, length)| Bend::Remove(at, length)),
        1 => (at(), vec(any::<u8>(), 1..32)).prop_map(|(at, bytes)| Bend::Insert(at, bytes)),
        1 => (at(), 1..512_usize).prop_map(|(at, length)| Bend::Repeat(at, length)),
    ]
}

/// Most of what matters stands at the beginning, so most changes go there.
fn apply(file: &mut Vec<u8>, bend: &Bend) {
    if file.is_empty() {
        return;
    }
    let place = |at: &Index, length: usize| if at.index(2) == 0 { at.index(length) } else { at.index(length.min(512)) };
    let length = file.len();
    match bend {
        Bend::Set(at, byte) => file[place(at, length)] = *byte,
        Bend::Fill(at, byte, count) => file.iter_mut().skip(place(at, length)).take(*count).for_each(|it| *it = *byte),
        Bend::Cut(at) => file.truncate(at.index(length)),
        Bend::Remove(at, count) => drop(file.drain(place(at, length)..(place(at, length) + count).min(length))),
        Bend::Insert(at, bytes) => drop(file.splice(place(at, length)..place(at, length), bytes.iter().copied())),
        Bend::Repeat(at, count) => {
            let from = place(at, length);
            let again = file[from..(from + count).min(length)].to_vec();
            drop(file.splice(from..from, again));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bent_file_is_judged_alike_in_any_buffers_and_parts_and_within_bounds(
        name in select(files()),
        bends in vec(bend(), 1..6),
        buffer in prop_oneof![Just(1_usize), 2..64_usize, 64..5000_usize],
    ) {
        let mut file = read(&name);
        bends.iter().for_each(|bend| apply(&mut file, bend));
        probe::file(&file, buffer);
    }

    #[test]
    fn any_bytes_behind_any_beginning_are_judged(
        name in select(files()),
        keep in 0..64_usize,
        noise in vec(any::<u8>(), 0..2000),
    ) {
        let mut file = read(&name);
        file.truncate(keep);
        file.extend(noise);
        judge(&inspect(&file, 700));
    }
}

#[test]
fn a_file_cut_anywhere_is_judged() {
    for name in files() {
        let file = read(&name);
        let step = (file.len() / 150).max(1);
        for length in (0..file.len().min(600)).chain((600..file.len()).step_by(step)) {
            let (inspection, held) = held_by(|| inspect(&file[..length], 4096));
            assert_eq!(inspection.bytes, length as u64);
            assert!(held < MAX_HELD, "{name} cut to {length} holds {held} bytes");
        }
    }
}

#[test]
fn memory_does_not_grow_with_the_file() {
    for name in files() {
        let mut file = read(&name);
        let (_, small) = held_by(|| inspect(&file, 4096));
        let again = file.clone();
        while !file.is_empty() && file.len() < 8_000_000 {
            file.extend_from_slice(&again);
        }
        let (_, large) = held_by(|| inspect(&file, 64 << 10));
        assert!(large < small.max(1 << 20) + MAX_HELD, "{name}: {small} bytes, then {large}");
    }
}

#[test]
fn a_declared_length_allocates_nothing() {
    let huge = u32::MAX.to_be_bytes();
    let box_of = |kind: &[u8; 4]| [&huge, kind.as_slice()].concat();
    let ftyp = b"\0\0\0\x10ftypisom\0\0\0\0".as_slice();
    let pages = [b"OggS\0\x02".as_slice(), &[0; 20], &[255], &[255; 255]].concat();
    let member = [b"PK\x03\x04".as_slice(), &[0; 22], &[0xFF; 4], b"[Content_Types].xml"].concat();
    let files = [
        [ftyp, &box_of(b"moov"), &box_of(b"trak"), &box_of(b"stsd")].concat(),
        [b"\x89PNG\r\n\x1a\n".as_slice(), b"\x7f\xff\xff\xffIHDR"].concat(),
        [b"RIFF".as_slice(), &huge, b"WEBPVP8X", &huge].concat(),
        [b"ID3\x04\0\0\x7f\x7f\x7f\x7f".as_slice(), &[0; 20]].concat(),
        pages,
        member,
    ];
    for file in files {
        let (_, held) = held_by(|| inspect(&file, 64));
        assert!(held < 256 << 10, "{held} bytes for {file:?}");
    }
}

/// For each reader, what makes it do the most for a byte: a beginning, and a piece that is repeated behind it.
const BUSY: &[(&[u8], &[u8])] = &[
    (b"\0\0\0\x10ftypisom\0\0\0\0", b"\0\0\0\x08free"),
    (b"\0\0\0\x10ftypisom\0\0\0\0", b"\0\0\0\x10moov\0\0\0\x08trak"),
    (b"\xFF\xD8\xFF\xE0\0\x02", b"\xFF\xFE\0\x02"),
    (b"\xFF\xD8\xFF\xDA\0\x02", b"\xFF\0\xFF\xD0"),
    (b"\x89PNG\r\n\x1a\n", b"\0\0\0\0tEXt\0\0\0\0"),
    (b"RIFF\xF0\xFF\xFF\0WEBP", b"ANMF\0\0\0\0"),
    (b"", b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01a"),
    (b"", b"ID3\x04\0\0\0\0\0\0"),
    (b"", b"\xFF\xF1\x50\0\0\xFF\xFC"),
    (b"", b"\xFF\xFB\x10\xC4"),
    (b"#!AMR\n", b"\x7C"),
    (b"PK\x03\x04\x14\0\x08\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", b"PPKPK\x03"),
    (b"", b"PK\x03\x04\x14\0\x08\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml"),
    (b"", b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a"),
    (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", b"\x01\0\0\0W\0o\0"),
    (b"%PDF-1.7\n", b"/Encrypt "),
    (b"%PDF-1.7\n", b"%%EO"),
    (b"", b"<!-- -->"),
    (b"", b"<"),
];

#[test]
fn time_grows_in_proportion_and_memory_does_not() {
    for (beginning, piece) in BUSY {
        let file = [beginning, piece.repeat(2_000_000 / piece.len()).as_slice()].concat();
        let begin = Instant::now();
        let (_, held) = held_by(|| inspect(&file, 1 << 10));
        let took = begin.elapsed();
        let shown = piece.escape_ascii();
        assert!(took < Duration::from_secs(5) && held < MAX_HELD, "{shown}: {took:?}, {held} bytes");
    }
}

#[test]
fn time_grows_in_proportion() {
    let base = read("valid/image_rgb_640x480.jpg");
    let format = inspect(&base, 1000).format;
    let boxes = b"\0\0\0\x08free".repeat(500_000);
    let segments = pad::to(&base, format, 4_000_000);
    let members =
        b"PK\x03\x04\x14\0\x08\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml".repeat(80_000);
    let encrypt = [b"%PDF-1.7\n".as_slice(), &b"/Encrypt ".repeat(450_000)].concat();
    let hunted = [b"PK\x03\x04\x14\0\x08\0\x08\0".as_slice(), &[0; 20], &b"PPKPK\x03".repeat(700_000)].concat();
    let comments = [b"<!-- -->".repeat(500), b"x".repeat(4_000_000)].concat();
    for file in [boxes, segments, members, encrypt, hunted, comments] {
        let begin = Instant::now();
        inspect(&file, 1 << 10);
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?} for {} bytes", begin.elapsed(), file.len());
    }
}
