//! Which addresses stand for a host on the public internet: the special-purpose registries of IANA, and the services of
//! cloud platforms.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Refusal;

/// IPv4 networks, narrower ones first.
const V4: &[([u8; 4], u8, Refusal)] = &[
    // Services of platforms: credentials, user data, host agents. 168.63.129.16 looks public.
    ([169, 254, 169, 0], 24, Refusal::Metadata),
    ([169, 254, 170, 0], 24, Refusal::Metadata),
    ([169, 254, 42, 42], 32, Refusal::Metadata),
    ([169, 254, 0, 23], 32, Refusal::Metadata),
    ([100, 100, 100, 200], 32, Refusal::Metadata),
    ([192, 0, 0, 192], 32, Refusal::Metadata),
    ([168, 63, 129, 16], 32, Refusal::Metadata),
    ([0, 0, 0, 0], 8, Refusal::Reserved),
    ([10, 0, 0, 0], 8, Refusal::Private),
    ([100, 64, 0, 0], 10, Refusal::Shared),
    ([127, 0, 0, 0], 8, Refusal::Loopback),
    ([169, 254, 0, 0], 16, Refusal::LinkLocal),
    ([172, 16, 0, 0], 12, Refusal::Private),
    ([192, 0, 0, 0], 24, Refusal::Reserved),
    ([192, 0, 2, 0], 24, Refusal::Reserved),
    ([192, 88, 99, 0], 24, Refusal::Reserved),
    ([192, 168, 0, 0], 16, Refusal::Private),
    ([198, 18, 0, 0], 15, Refusal::Reserved),
    ([198, 51, 100, 0], 24, Refusal::Reserved),
    ([203, 0, 113, 0], 24, Refusal::Reserved),
    ([224, 0, 0, 0], 3, Refusal::Reserved),
];

/// IPv6 networks by their first 64 bits, narrower ones first. Those that hold an IPv4 address are refused as a form.
const V6: &[(u128, u8, Refusal)] = &[
    (0xfd00_0ec2_0000_0000 << 64 | 0x0254, 128, Refusal::Metadata),
    (0xfd20_00ce_0000_0000 << 64 | 0x0254, 128, Refusal::Metadata),
    (0xfd00_0042_0000_0000 << 64 | 0x0042, 128, Refusal::Metadata),
    (0, 128, Refusal::Reserved),
    (1, 128, Refusal::Loopback),
    (0, 96, Refusal::Embedded),
    (0xffff << 32, 96, Refusal::Embedded),
    (0xffff << 48, 96, Refusal::Embedded),
    (0x0064_ff9b << 96, 96, Refusal::Embedded),
    (0x0064_ff9b_0001 << 80, 48, Refusal::Embedded),
    (0x2001 << 112, 32, Refusal::Embedded),
    (0x2002 << 112, 16, Refusal::Embedded),
    (0x2001 << 112, 23, Refusal::Reserved),
    (0x2001_0db8 << 96, 32, Refusal::Reserved),
    (0x3fff << 112, 20, Refusal::Reserved),
    (0xfc00 << 112, 7, Refusal::Private),
    (0xfe80 << 112, 10, Refusal::LinkLocal),
    (0xfec0 << 112, 10, Refusal::Private),
];

/// All that is given out to hosts lies here; the rest is refused whatever becomes of it.
const GLOBAL_V6: (u128, u8) = (0x2000 << 112, 3);

/// The well-known prefix of translators to IPv4.
const NAT64: (u128, u8) = (0x0064_ff9b << 96, 96);

/// Why an address is not one of the public internet.
pub fn refusal(address: IpAddr) -> Option<Refusal> {
    match address {
        IpAddr::V4(address) => of_v4(address),
        // What a form hides is not to be had by writing it differently.
        IpAddr::V6(address) if inside(address).and_then(of_v4) == Some(Refusal::Metadata) => Some(Refusal::Metadata),
        IpAddr::V6(address) => of_v6(address),
    }
}

/// The IPv4 address that a translator would call.
pub fn behind_nat64(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V6(address) if is_in(address, NAT64) => inside(address).map(IpAddr::V4),
        _ => None,
    }
}

fn of_v4(address: Ipv4Addr) -> Option<Refusal> {
    let bits = address.to_bits();
    let is_in = |network: [u8; 4], prefix: u8| (bits ^ u32::from_be_bytes(network)) >> (32 - u32::from(prefix)) == 0;
    V4.iter().find(|(network, prefix, _)| is_in(*network, *prefix)).map(|(_, _, refusal)| *refusal)
}

fn of_v6(address: Ipv6Addr) -> Option<Refusal> {
    let found = V6.iter().find(|(network, prefix, _)| is_in(address, (*network, *prefix)));
    let beyond = (!is_in(address, GLOBAL_V6)).then_some(Refusal::Reserved);
    found.map(|(_, _, refusal)| *refusal).or(beyond)
}

fn is_in(address: Ipv6Addr, (network, prefix): (u128, u8)) -> bool {
    (address.to_bits() ^ network) >> (128 - u32::from(prefix)) == 0
}

/// The IPv4 address inside an IPv6 address, where its form has one.
fn inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    let [_, high, low, ..] = address.segments();
    match of_v6(address)? {
        Refusal::Embedded if high == 0 && address.segments().first() == Some(&0x2001) => {
            // Teredo turns the bits of its client over.
            Some(Ipv4Addr::from_bits(!low_32(bits)))
        }
        Refusal::Embedded if address.segments().first() == Some(&0x2002) => {
            Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        Refusal::Embedded => Some(Ipv4Addr::from_bits(low_32(bits))),
        _ => None,
    }
}

/// The last 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "the rest is meant to go")]
fn low_32(bits: u128) -> u32 {
    bits as u32
}
