//! What holds for every link, whoever wrote it: as `probe.rs` for files.

use sabir::net::{Guard, Link};

/// Any text is refused or is a link to a public place, and stays that however often it is written and read.
pub fn link(text: &str) {
    let guard = Guard::default();
    if let Ok(link) = guard.link(text) {
        is_public(&guard, &link);
    }
    let base = guard.link("https://example.com/a/b?c").unwrap();
    if let Ok(link) = guard.redirect(&base, text) {
        is_public(&guard, &link);
    }
}

fn is_public(guard: &Guard, link: &Link) {
    let url = link.url();
    assert!(matches!(url.scheme(), "http" | "https") && matches!(link.port(), 80 | 443), "{url}");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{url}");
    assert!(!link.shown().contains('?'), "{url}");
    assert!(guard.link(url.as_str()).as_ref() == Ok(link), "{url}");
    match link.literal() {
        None => assert!(link.name().contains('.') && link.name() != "localhost", "{url}"),
        Some(std::net::IpAddr::V4(it)) => {
            let is_inside = it.is_private() || it.is_loopback() || it.is_link_local() || it.is_unspecified();
            assert!(!is_inside && !it.is_multicast() && !it.is_broadcast(), "{url}");
        }
        Some(std::net::IpAddr::V6(it)) => {
            assert!(it.to_ipv4().is_none() && !it.is_unique_local() && !it.is_unicast_link_local(), "{url}");
            assert!(!it.is_loopback() && !it.is_multicast(), "{url}");
        }
    }
}
