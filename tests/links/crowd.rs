//! Many at once.

use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use futures_util::future::join_all;
use sabir::media::links::Ask;

use crate::origin::{Body, Origin, Reply};
use crate::{Bench, ask, read};

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_who_want_one_file_at_once_cost_one_request() {
    let origin = Origin::start(|_| {
        let body = Body::Drip(Arc::new(read("valid/image_rgb_640x480.jpg")), 4000);
        Reply::new(200, &[("Content-Type", "image/jpeg")], body)
    })
    .await;
    let bench = Bench::new();
    let fetches = (0..1000).map(|_| async { bench.links.fetch(&ask(&origin.url)).await });
    let fetched = join_all(fetches).await;
    let hashes: std::collections::HashSet<_> = fetched.into_iter().map(|fetched| fetched.unwrap().sha256).collect();
    assert_eq!((hashes.len(), origin.requests().len(), bench.files()), (1, 1, 0));
}

/// A film of 16 MB.
fn film() -> Vec<u8> {
    let film = read("valid/video_h264_baseline_aac.mp4");
    let missing = 16_000_000 - film.len();
    [film.as_slice(), &u32::try_from(missing).unwrap().to_be_bytes(), b"free", &vec![0; missing - 8]].concat()
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(target_os = "linux")]
async fn many_large_files_are_fetched_without_being_held_in_memory() {
    if !crate::alone::is_alone("crowd::many_large_files_are_fetched_without_being_held_in_memory") {
        return;
    }
    const FILES: usize = 64;
    const MOST: usize = 96 << 20;
    let film = Arc::new(film());
    let expected = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(film.as_slice()));
    let origin = Origin::start(move |_| Reply::new(200, &[], Body::Whole(Arc::clone(&film)))).await;
    let bench = Bench::with(&["127.0.0.0/8"], |config| {
        config.total_timeout = Duration::from_secs(60);
        config.cache_size = ByteSize::b(0);
    });
    let before = resident();
    let most = 16_777_216;
    let fetches = (0..FILES).map(|at| {
        let (bench, url) = (&bench, format!("{}/{at}", origin.url));
        async move { bench.links.fetch(&Ask { max_bytes: most, ..ask(&url) }).await.unwrap().sha256 }
    });
    let hashes = join_all(fetches).await;
    let grown = peak().saturating_sub(before);
    println!("{FILES} files of 16 MB: {grown} bytes more than before");
    assert!(hashes.iter().all(|hash| *hash == expected));
    assert!(grown < MOST, "{grown} bytes");
}

#[cfg(target_os = "linux")]
fn status(line: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|it| it.starts_with(line)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
fn resident() -> usize {
    status("VmRSS:")
}

#[cfg(target_os = "linux")]
fn peak() -> usize {
    status("VmHWM:")
}

#[tokio::test]
async fn no_more_go_on_at_once_than_are_allowed_and_the_rest_waits() {
    let origin =
        Origin::start(|_| Reply::new(200, &[], Body::Drip(Arc::new(read("valid/image_rgb_640x480.jpg")), 6_000))).await;
    for (per_host, per_account) in [(2, 64), (64, 2)] {
        let bench = Bench::with(&["127.0.0.0/8"], |config| {
            config.fetches_per_host = per_host;
            config.fetches_per_account = per_account;
            config.total_timeout = Duration::from_secs(5);
        });
        let urls: Vec<_> = (0..6).map(|at| format!("{}/{per_host}/{at}", origin.url)).collect();
        let begin = std::time::Instant::now();
        for fetched in join_all(urls.iter().map(|url| async { bench.links.fetch(&ask(url)).await })).await {
            fetched.unwrap();
        }
        // Each takes a tenth of a second, so six in two lanes take three tenths.
        assert!(begin.elapsed() >= Duration::from_millis(290), "{:?}", begin.elapsed());
    }
}
