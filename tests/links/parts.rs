//! Preflights read what they need, from servers that give parts and from servers that do not.

use std::sync::Arc;

use sabir::media::check::{Facts, Inspection, Inspector};
use sabir::media::links::{Ask, Seen};
use sabir::model::{MediaFormat, MediaKind};

use crate::origin::{Body, Origin, Reply, Request};
use crate::{Bench, ask, read};

/// How a server treats a wish for a part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// It gives it.
    Gives,
    /// It says nothing of parts.
    Silent,
    /// It promises parts and gives the whole.
    Whole,
    /// It promises parts and refuses them so.
    Refuses(u16),
    /// It gives another part than was asked for.
    Other,
}

/// A film of 8 MB whose index stands at its end, behind what nobody has to see.
fn film() -> Vec<u8> {
    let film = read("valid/video_moov_at_end.mp4");
    let moov = film.windows(4).position(|window| window == b"moov").unwrap() - 4;
    let filler = 8_000_000_u32;
    let (front, end) = film.split_at(moov);
    [front, &filler.to_be_bytes(), b"free", &vec![0; filler as usize - 8], end].concat()
}

fn reply(request: &Request, file: &Arc<Vec<u8>>, manner: Manner) -> Reply {
    let whole = |headers: &[(&str, &str)]| Reply::new(200, headers, Body::Whole(Arc::clone(file)));
    let from = request.headers.get("range").map(|range| {
        let from = range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')).unwrap();
        from.parse::<usize>().unwrap()
    });
    match (from, manner) {
        (_, Manner::Silent) => whole(&[]),
        (None, _) | (_, Manner::Whole) => whole(&[("Accept-Ranges", "bytes"), ("ETag", "\"v1\"")]),
        (Some(_), Manner::Refuses(status)) => Reply::new(status, &[], Body::Empty),
        (Some(from), _) => {
            let from = if manner == Manner::Other { from - 1 } else { from };
            let range = format!("bytes {from}-{}/{}", file.len() - 1, file.len());
            Reply::new(206, &[("Content-Range", &range)], Body::Whole(Arc::new(file[from..].to_vec())))
        }
    }
}

async fn preflight(file: Vec<u8>, manner: Manner) -> (Seen, Origin) {
    let file = Arc::new(file);
    let origin = Origin::start(move |request| reply(request, &file, manner)).await;
    let ask = Ask { kind: MediaKind::Video, max_bytes: 16_777_216, ..ask(&origin.url) };
    let seen = Bench::new().links.preflight(&ask).await.unwrap();
    (seen, origin)
}

fn inspect(file: &[u8]) -> Inspection {
    let mut inspector = Inspector::new();
    file.chunks(5000).for_each(|bytes| inspector.push(bytes));
    inspector.finish()
}

fn said(inspection: &Inspection) -> String {
    format!("{inspection:?}")
}

#[tokio::test]
async fn a_preflight_leaves_out_what_nobody_has_to_see() {
    let (seen, origin) = preflight(film(), Manner::Gives).await;
    assert_eq!(said(&seen.inspection), said(&inspect(&film())));
    assert!(matches!(&seen.inspection.facts, Facts::Movie(_)));
    let requests = origin.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].headers["if-range"], "\"v1\"");
    assert!(origin.sent() < 5_000_000, "{} bytes of 8 MB", origin.sent());
}

#[tokio::test]
async fn a_server_that_gives_no_parts_is_read_to_the_end() {
    for (manner, requests) in [
        (Manner::Silent, 1),
        (Manner::Whole, 3),
        (Manner::Refuses(416), 3),
        (Manner::Refuses(403), 3),
        (Manner::Refuses(500), 3),
        (Manner::Other, 3),
    ] {
        let (seen, origin) = preflight(film(), manner).await;
        assert_eq!(said(&seen.inspection), said(&inspect(&film())));
        assert_eq!(origin.requests().len(), requests);
    }
}

#[tokio::test]
async fn small_files_and_those_that_are_read_whole_cost_one_request() {
    for name in ["valid/image_rgb_640x480.jpg", "valid/doc_report.pdf", "valid/audio_id3.mp3", "valid/doc_letter.docx"]
    {
        let (seen, origin) = preflight(read(name), Manner::Gives).await;
        assert_eq!(said(&seen.inspection), said(&inspect(&read(name))), "{name}");
        assert_eq!(origin.requests().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn what_passes_parts_over_says_what_the_whole_says() {
    for name in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/media/valid")).unwrap() {
        let name = format!("valid/{}", name.unwrap().file_name().to_string_lossy());
        let file = read(&name);
        let (mut inspector, mut at) = (Inspector::new(), 0);
        while at < file.len() {
            let end = (at + 700).min(file.len());
            inspector.push(&file[at..end]);
            let left = (file.len() - end).saturating_sub(Inspector::END as usize) as u64;
            let jump = inspector.passes_over().min(left);
            inspector.pass_over(jump);
            at = end + usize::try_from(jump).unwrap();
        }
        assert_eq!(said(&inspector.finish()), said(&inspect(&file)), "{name}");
    }
    assert_eq!(inspect(&film()).format, MediaFormat::Mp4);
}
