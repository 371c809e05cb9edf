//! The rules, with exceptions and without.

use super::*;

fn guard(allowed: &[&str]) -> Guard {
    Guard::new(&allowed.iter().map(|entry| entry.parse().unwrap()).collect::<Vec<_>>())
}

fn refused(guard: &Guard, link: &str) -> Option<Refusal> {
    guard.link(link).err()
}

fn resolved(guard: &Guard, link: &str, address: &str) -> Option<Refusal> {
    let link = guard.link(link).unwrap();
    guard.addresses(&link, &[address.parse().unwrap()]).err()
}

#[test]
fn what_is_allowed_is_allowed_and_no_more() {
    let guard = guard(&["10.0.0.0/8", "192.168.7.1:9000", "store.internal", "[fd12::/16]:9000"]);
    for open in [
        "http://10.1.2.3/a",
        "http://10.1.2.3:8080/a",
        "http://192.168.7.1:9000/a",
        "http://store.internal:8080/a",
        "http://STORE.internal./a",
        "http://[fd12::7]:9000/a",
    ] {
        assert_eq!(refused(&guard, open), None, "{open}");
    }
    for (closed, refusal) in [
        ("http://11.1.2.3:8080/a", Refusal::Port),
        ("http://192.168.7.1/a", Refusal::Private),
        ("http://192.168.7.2:9000/a", Refusal::Private),
        ("http://other.internal/a", Refusal::Host),
        ("http://a.store.internal/a", Refusal::Host),
        ("http://[fd12::7]/a", Refusal::Private),
        ("http://127.0.0.1/a", Refusal::Loopback),
    ] {
        assert_eq!(refused(&guard, closed), Some(refusal), "{closed}");
    }
    assert_eq!(resolved(&guard, "http://store.internal/a", "10.1.2.3"), None);
    assert_eq!(resolved(&guard, "http://files.example.net/a", "10.1.2.3"), None);
    assert_eq!(resolved(&guard, "http://files.example.net:9000/a", "93.184.216.34"), Some(Refusal::Port));
}

#[test]
fn services_of_platforms_are_never_allowed() {
    let guard = guard(&["169.254.0.0/16", "0.0.0.0/0", "::/0", "store.internal"]);
    for link in [
        "http://169.254.169.254/",
        "http://168.63.129.16/",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::]/",
    ] {
        assert_eq!(refused(&guard, link), Some(Refusal::Metadata), "{link}");
    }
    assert_eq!(resolved(&guard, "http://store.internal/", "169.254.169.254"), Some(Refusal::Metadata));
    for entry in ["169.254.169.254", "168.63.129.16:80", "[fd00:ec2::254]:80", "0xa9.0xfe.0xa9.0xfe"] {
        assert_eq!(entry.parse::<Allowed>(), Err(AllowedError::Metadata), "{entry}");
    }
}

#[test]
fn a_translator_to_ipv4_opens_public_addresses_alone() {
    let guard = guard(&["64:ff9b::/96"]);
    assert_eq!(refused(&guard, "http://[64:ff9b::5db8:d822]/a"), None);
    assert_eq!(refused(&guard, "http://[64:ff9b::7f00:1]/a"), Some(Refusal::Loopback));
    assert_eq!(refused(&guard, "http://[64:ff9b::a00:1]/a"), Some(Refusal::Private));
}

#[test]
fn every_network_of_the_registries_is_closed() {
    let closed = [
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.255.255.255",
        "169.254.1.1",
        "172.16.0.1",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "239.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::1.2.3.4",
        "::ffff:1.2.3.4",
        "::ffff:0:1.2.3.4",
        "64:ff9b::1.2.3.4",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:1ff::1",
        "2001:db8::1",
        "2002::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];
    for address in closed {
        assert!(address::refusal(address.parse().unwrap()).is_some(), "{address}");
    }
    for address in ["1.1.1.1", "100.63.255.255", "100.128.0.0", "172.32.0.1", "198.20.0.0", "223.255.255.255"] {
        assert_eq!(address::refusal(address.parse().unwrap()), None, "{address}");
    }
    for address in ["2606:2800:220:1::1", "2001:200::1", "2a00::1", "2003::1"] {
        assert_eq!(address::refusal(address.parse().unwrap()), None, "{address}");
    }
}

#[test]
fn an_entry_that_cannot_be_read_says_what_to_write() {
    for (entry, error) in [
        ("", AllowedError::Unreadable),
        ("https://a.example.net", AllowedError::Port),
        ("a b", AllowedError::Unreadable),
        ("*.example.net", AllowedError::Unreadable),
        ("10.0.0.0/33", AllowedError::Unreadable),
        ("10.0.0.1/8", AllowedError::Bits),
        ("files.example.net:0", AllowedError::Port),
        ("files.example.net:65536", AllowedError::Port),
        ("[::1", AllowedError::Unreadable),
    ] {
        assert_eq!(entry.parse::<Allowed>(), Err(error), "{entry}");
    }
    for entry in ["files.example.net", "files.example.net:8443", "10.0.0.0/8", "fd00::/8", "[fd00::/8]:9000"] {
        assert_eq!(entry.parse::<Allowed>().unwrap().to_string(), *entry);
    }
}

#[test]
fn a_redirect_is_judged_like_a_link() {
    let guard = guard(&[]);
    let from = guard.link("https://example.com/a/b?secret#c").unwrap();
    assert_eq!(guard.redirect(&from, "../d").unwrap().url().as_str(), "https://example.com/d");
    assert_eq!(guard.redirect(&from, "//169.254.169.254/").err(), Some(Refusal::Metadata));
    assert_eq!(guard.redirect(&from, "file:///etc/passwd").err(), Some(Refusal::Scheme));
    assert_eq!(guard.redirect(&from, "http://u:p@example.com/").err(), Some(Refusal::Userinfo));
    assert_eq!(format!("{from:?}"), "https://example.com/a/b");
}
