//! Entries of `net.allow_private`: a host, an address or a network, each on one port or on any.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Host;

use super::{Refusal, address};

/// What links and callbacks may call although it is not public, or not on port 80 or 443.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    what: What,
    /// Any, where there is none.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// One name, whatever it resolves to.
    Name(String),
    /// Every address of a network, whatever name it has.
    Network(IpNet),
}

/// Why an entry cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowedError {
    /// Neither host nor network.
    #[error(
        "is no host, address or network; give one such as files.example.net, 10.0.0.7:9000, 10.0.0.0/8 or [fd00::/8]:9000"
    )]
    Unreadable,
    /// Not a port.
    #[error("ends in no port; give a number from 1 to 65535 after the colon, or leave the colon out for any port")]
    Port,
    /// A network with bits beyond its prefix.
    #[error("has bits set behind the prefix of its network; give the network's own address, such as 10.0.0.0/8")]
    Bits,
    /// It would open what is never opened.
    #[error("is a service of cloud platforms that hands out credentials; those are never allowed")]
    Metadata,
}

impl Allowed {
    /// Whether the name may be called on the port, wherever it lies.
    pub fn covers_name(&self, name: &str, port: u16) -> bool {
        matches!(&self.what, What::Name(own) if own == name) && self.is_on(port)
    }

    /// Whether the address may be called on the port.
    pub fn covers(&self, address: IpAddr, port: u16) -> bool {
        matches!(&self.what, What::Network(network) if network.contains(&address)) && self.is_on(port)
    }

    /// Whether a network is allowed on the port.
    pub fn is_network_on(&self, port: u16) -> bool {
        matches!(self.what, What::Network(_)) && self.is_on(port)
    }

    fn is_on(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }
}

impl FromStr for Allowed {
    type Err = AllowedError;

    fn from_str(text: &str) -> Result<Self, AllowedError> {
        let (host, port) = split(text)?;
        Ok(Self { what: what(host)?, port })
    }
}

/// Host and port; an IPv6 address before a port stands in brackets.
fn split(text: &str) -> Result<(&str, Option<u16>), AllowedError> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or(AllowedError::Unreadable)?;
        return match rest.strip_prefix(':') {
            Some(number) => Ok((host, Some(port(number)?))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(AllowedError::Unreadable),
        };
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => Ok((text, None)),
        Some((host, number)) => Ok((host, Some(port(number)?))),
        None => Ok((text, None)),
    }
}

fn port(text: &str) -> Result<u16, AllowedError> {
    text.parse().ok().filter(|port| *port != 0).ok_or(AllowedError::Port)
}

fn what(host: &str) -> Result<What, AllowedError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return network(address.into());
    }
    if host.contains('/') {
        let network_of = host.parse::<IpNet>().map_err(|_| AllowedError::Unreadable)?;
        return if network_of.trunc() == network_of { network(network_of) } else { Err(AllowedError::Bits) };
    }
    // As links are read: one spelling, and `127.1` is an address.
    match Host::parse(host).map_err(|_| AllowedError::Unreadable)? {
        Host::Domain(name) if is_name(&name) => Ok(What::Name(name.trim_end_matches('.').to_owned())),
        Host::Domain(_) => Err(AllowedError::Unreadable),
        Host::Ipv4(address) => network(IpAddr::V4(address).into()),
        Host::Ipv6(address) => network(IpAddr::V6(address).into()),
    }
}

fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')) && !name.starts_with('.')
}

/// A whole network may hold such services: they stay forbidden there. One by itself is a mistake that is told.
fn network(network: IpNet) -> Result<What, AllowedError> {
    let is_one = network.prefix_len() == network.max_prefix_len();
    if is_one && address::refusal(network.addr()) == Some(Refusal::Metadata) {
        return Err(AllowedError::Metadata);
    }
    Ok(What::Network(network))
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.what, self.port) {
            (What::Name(name), None) => f.write_str(name),
            (What::Name(name), Some(port)) => write!(f, "{name}:{port}"),
            (What::Network(network), None) => write!(f, "{network}"),
            (What::Network(network), Some(port)) => write!(f, "[{network}]:{port}"),
        }
    }
}

impl Serialize for Allowed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Allowed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
