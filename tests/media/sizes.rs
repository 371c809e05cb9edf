//! Files grown to the bytes at which a limit begins.

use sabir::media::check::{self, Question};
use sabir::model::{MediaFormat, MediaKind};
use serde::Deserialize;
use serde_json::Value;

use crate::corpus::word;
use crate::{dialects, inspect, manifest, pad, read};

#[derive(Deserialize)]
struct Recipe {
    id: String,
    base: String,
    message_type: String,
    steps: Vec<Value>,
}

/// Files of up to 5 MB are made and read; of larger ones the size is told, for they are read in the same way.
const REALLY: u64 = 5_300_000;

#[test]
fn limits_begin_at_the_byte_that_the_list_states() {
    let recipes = manifest().recipes.into_iter().filter_map(|recipe| serde_json::from_value::<Recipe>(recipe).ok());
    let mut steps = 0;
    for recipe in recipes {
        let base = read(&recipe.base);
        let kind = MediaKind::named(&recipe.message_type).unwrap();
        for step in &recipe.steps {
            let bytes = step["bytes"].as_u64().unwrap();
            let mut inspection = inspect(&base, 1000);
            if bytes <= REALLY {
                inspection = inspect(&pad::to(&base, inspection.format, usize::try_from(bytes).unwrap()), 64 << 10);
            }
            inspection.bytes = bytes;
            for dialect in dialects() {
                let expected = step.get(dialect.name()).unwrap_or(&step["cloud"]).as_str().unwrap();
                let report = check::check(&inspection, &Question::new(kind, dialect.media_promise()));
                let codes = report.codes(|_| true);
                let id = &recipe.id;
                assert_eq!(
                    word(report.verdict)[..1],
                    expected[..1].to_lowercase(),
                    "{id} {bytes} {} {codes:?}",
                    dialect.name()
                );
            }
            steps += 1;
        }
    }
    assert!(steps > 30, "{steps}");
}

#[test]
fn a_large_file_is_read_as_a_small_one() {
    for (name, bytes) in [("valid/doc_report.pdf", 64_000_000), ("valid/video_h264_baseline_aac.mp4", 16_777_216)] {
        let base = read(name);
        let format = inspect(&base, 1000).format;
        let inspection = inspect(&pad::to(&base, format, bytes), 1 << 20);
        assert_eq!((inspection.format, inspection.bytes), (format, bytes as u64));
        assert_eq!(inspection.findings, []);
    }
}

#[test]
fn zeros_behind_a_picture_count() {
    let mut file = read("valid/image_rgb_640x480.jpg");
    file.resize(5_500_000, 0);
    let inspection = inspect(&file, 64 << 10);
    assert_eq!(inspection.format, MediaFormat::Jpeg);
    let report = check::check(&inspection, &Question::new(MediaKind::Image, dialects()[0].media_promise()));
    let codes: Vec<_> = report.codes(|_| true).iter().map(|code| code.as_str()).collect();
    assert_eq!(codes, ["SIZE-OVER", "TRAILING"]);
}
