//! Where a request comes from: the address at the other end, or the one that a proxy of ours names.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::HeaderMap;
use serde::{Deserialize, Deserializer, de};

/// A range of addresses, such as `10.0.0.0/8`; a single one is a range too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: u128,
    /// How many leading bits are the network's, of 128: addresses of IPv4 are compared in their IPv6 form.
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let (most, before) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
        let bits: u32 = bits.map_or(Some(most), |bits| bits.parse().ok()).filter(|bits| *bits <= most)?;
        Some(Self { first: number(address), bits: before + bits })
    }

    /// Whether the address is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        let differing = self.first ^ number(address);
        differing.checked_shr(128 - self.bits).unwrap_or(0) == 0
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom("is no address or range; give such as 10.0.0.7 or 10.0.0.0/8"))
    }
}

/// Who counts as one: an address, and of IPv6 its first 64 bits, since whoever has one of those has all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Visitor(IpAddr);

impl Visitor {
    /// Whoever has this address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
            address => address,
        })
    }
}

/// The address that a request came from. What `X-Forwarded-For` says counts as far as proxies of ours wrote it: it is
/// read from its end, and everybody can write the beginning.
pub fn of(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let mut address = peer.to_canonical();
    let is_ours = |address| proxies.iter().any(|network| network.contains(address));
    let named = headers.get_all("x-forwarded-for").iter().rev();
    let mut named = named.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    while is_ours(address) {
        let Some(next) = named.next().and_then(parsed) else { break };
        address = next.to_canonical();
    }
    address
}

/// Some proxies write the port too.
fn parsed(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn networks(list: &[&str]) -> Vec<Network> {
        list.iter().map(|text| Network::parse(text).unwrap()).collect()
    }

    fn seen(peer: &str, forwarded: &[&'static str]) -> String {
        let name = HeaderName::from_static("x-forwarded-for");
        let headers = forwarded.iter().map(|value| (name.clone(), HeaderValue::from_static(value)));
        let proxies = networks(&["127.0.0.0/8", "10.0.0.0/8", "2001:db8:1::/48"]);
        of(peer.parse().unwrap(), &headers.collect(), &proxies).to_string()
    }

    #[test]
    fn only_what_our_own_proxies_wrote_counts() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"]), "203.0.113.9", "anybody can write the header");
        assert_eq!(seen("10.1.1.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("10.1.1.1", &["192.0.2.66, 198.51.100.1, 10.2.2.2"]), "198.51.100.1");
        assert_eq!(seen("10.1.1.1", &["192.0.2.66", "198.51.100.1:5000"]), "198.51.100.1");
        assert_eq!(seen("10.1.1.1", &["192.0.2.66, unknown"]), "10.1.1.1", "what cannot be read ends it");
        assert_eq!(seen("::ffff:127.0.0.1", &["2001:db8:2::7"]), "2001:db8:2::7");
        assert_eq!(seen("2001:db8:1::1", &[]), "2001:db8:1::1");
    }

    #[test]
    fn ranges_hold_what_they_say() {
        let [range, single, all, six] = networks(&["10.1.0.0/16", "10.2.0.1", "0.0.0.0/0", "fd00::/8"])[..] else {
            panic!("four");
        };
        let at = |text: &str| -> IpAddr { text.parse().unwrap() };
        assert!(range.contains(at("10.1.255.255")) && !range.contains(at("10.2.0.0")));
        assert!(single.contains(at("10.2.0.1")) && !single.contains(at("10.2.0.2")));
        assert!(all.contains(at("203.0.113.9")) && !all.contains(at("fd00::1")), "of IPv4 all");
        assert!(six.contains(at("fdff::1")) && !six.contains(at("fe00::1")));
        for wrong in ["10.0.0.0/33", "10.0.0/8", "::/129", "host", "", "10.0.0.0/-1"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_network_of_ipv6_is_one_visitor() {
        let of = |text: &str| Visitor::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("203.0.113.9"), of("203.0.113.8"));
        assert_eq!(of("::ffff:203.0.113.9"), of("203.0.113.9"));
    }
}
