//! How fast files are inspected that lie in memory. The floor is far below what an optimised build does, so that it
//! holds on a busy machine; `cargo test --release --test media speed -- --nocapture` prints the figures.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::{inspect, pad, read};

/// As the network delivers them.
const BUFFER: usize = 64 << 10;
/// In megabytes a second.
const FLOOR: f64 = if cfg!(debug_assertions) { 1.0 } else { 200.0 };

#[test]
fn speed_of_inspection() {
    for (name, bytes) in [
        ("valid/video_h264_baseline_aac.mp4", 16_000_000),
        ("valid/image_rgb8_320x240.png", 5_000_000),
        ("valid/doc_report.pdf", 20_000_000),
        ("valid/doc_note.txt", 20_000_000),
    ] {
        let base = read(name);
        let format = inspect(&base, BUFFER).format;
        measure(name, &pad::to(&base, format, bytes));
    }
    measure("a JPEG whose samples fill it", &samples(5_000_000));
    for name in ["valid/audio_opus_mono.ogg", "valid/audio_id3.mp3", "valid/audio_adts.aac", "valid/audio_amr_nb.amr"] {
        measure(name, &read(name));
    }
}

/// A JPEG of one scan, filled with what a scan looks like: noise in which FF is followed by 00.
fn samples(bytes: usize) -> Vec<u8> {
    let base = read("valid/image_rgb_640x480.jpg");
    let (begin, end) = base.split_at(base.len() - 2);
    let mut file = begin.to_vec();
    let mut noise = 1_u32;
    while file.len() < bytes {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let byte = (noise >> 24) as u8;
        file.push(byte);
        if byte == 0xFF {
            file.push(0);
        }
    }
    [&file, end].concat()
}

/// The best of several passes, for others use the machine too.
fn measure(name: &str, file: &[u8]) {
    let mut best = Duration::MAX;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(200) {
        let pass = Instant::now();
        assert_eq!(black_box(inspect(black_box(file), BUFFER)).findings, [], "{name}");
        best = best.min(pass.elapsed());
    }
    let rate = file.len() as f64 / best.as_secs_f64() / 1e6;
    println!("{name:<36} {:>10} bytes {rate:>10.0} MB/s", file.len());
    assert!(rate > FLOOR, "{name}: {rate} MB/s");
}
