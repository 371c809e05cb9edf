//! Whom the gateway calls for somebody else: rules for links and for the addresses behind them. Pure.
//!
//! A client chooses the link, and the gateway stands inside a network: without these rules it would fetch from there
//! what the client cannot. The link is judged as the parser understood it, never as text, and its addresses after the
//! name was resolved. What the operator allows beyond that stands in `net.allow_private`; addresses of platform
//! services are never allowed, since they hand out credentials.

mod address;
mod allowed;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

pub use allowed::{Allowed, AllowedError};
use url::{Host, Url};

/// The longest link.
const MAX_LINK: usize = 2048;

/// Ports of links that nobody has to allow.
const PORTS: [u16; 2] = [80, 443];

/// Names that only mean something inside.
const INSIDE: [&str; 5] = ["localhost", "local", "internal", "home.arpa", "localdomain"];

/// Declares why a call is not made, with the stable spelling of each.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)+) => {
        /// Why a call is not made.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Refusal {
            $($(#[$doc])* $name,)+
        }

        impl Refusal {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The stable spelling.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

refusals! {
    /// It is no absolute address.
    Parse = "URL-PARSE";
    /// Neither http nor https.
    Scheme = "URL-SCHEME";
    /// A name or password inside the link.
    Userinfo = "URL-USERINFO";
    /// A port that is not allowed.
    Port = "URL-PORT";
    /// A name that only means something inside.
    Host = "URL-HOST";
    /// Blanks, controls or backslashes, which parsers read differently.
    Chars = "URL-CHARS";
    /// Too long.
    Long = "URL-LONG";
    /// This machine itself.
    Loopback = "NET-LOOPBACK";
    /// A private network.
    Private = "NET-PRIVATE";
    /// A neighbour on the wire.
    LinkLocal = "NET-LINKLOCAL";
    /// A service of the platform that the gateway runs on.
    Metadata = "NET-METADATA";
    /// The carrier's side of a shared address.
    Shared = "NET-SHARED";
    /// An address that stands for no host on the public internet.
    Reserved = "NET-RESERVED";
    /// An IPv6 address with an IPv4 address inside.
    Embedded = "NET-EMBEDDED";
    /// The name does not resolve.
    Dns = "NET-DNS";
    /// Connected to another address than was judged.
    Rebind = "NET-REBIND";
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for Refusal {}

/// A link that the rules let through. Its name is not resolved yet.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Link(Url);

/// The rules, with what the operator allows.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    allowed: Vec<Allowed>,
}

impl Guard {
    /// The rules, with these hosts and networks allowed although they are not public.
    pub fn new(allow_private: &[Allowed]) -> Self {
        Self { allowed: allow_private.to_vec() }
    }

    /// Reads a link, once: from here on only the parsed form counts.
    ///
    /// # Errors
    /// As [`Refusal`] tells apart.
    pub fn link(&self, text: &str) -> Result<Link, Refusal> {
        if text.len() > MAX_LINK {
            return Err(Refusal::Long);
        }
        // Parsers drop or bend them, each in its own way; what is judged must be what is meant.
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(Refusal::Chars);
        }
        self.judge(Url::parse(text).map_err(|_| Refusal::Parse)?)
    }

    /// Reads where a redirect leads.
    ///
    /// # Errors
    /// As [`Self::link`].
    pub fn redirect(&self, from: &Link, location: &str) -> Result<Link, Refusal> {
        if location.chars().any(|c| c.is_control() || c == '\\') {
            return Err(Refusal::Chars);
        }
        let url = from.0.join(location).map_err(|_| Refusal::Parse)?;
        if url.as_str().len() > MAX_LINK { Err(Refusal::Long) } else { self.judge(url) }
    }

    fn judge(&self, mut url: Url) -> Result<Link, Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Userinfo);
        }
        url.set_fragment(None);
        let link = Link(url);
        match link.literal() {
            Some(address) => self.addresses(&link, &[address]).map(drop)?,
            None => self.judge_name(&link)?,
        }
        Ok(link)
    }

    fn judge_name(&self, link: &Link) -> Result<(), Refusal> {
        let (name, port) = (link.name(), link.port());
        if self.allowed.iter().any(|allowed| allowed.covers_name(name, port)) {
            return Ok(());
        }
        if is_inside(name) {
            return Err(Refusal::Host);
        }
        // A network may be allowed on this port; whether the name lies there is known once it is resolved.
        let may_be_allowed = self.allowed.iter().any(|allowed| allowed.is_network_on(port));
        if PORTS.contains(&port) || may_be_allowed { Ok(()) } else { Err(Refusal::Port) }
    }

    /// Judges what a link's name resolved to. One forbidden address forbids them all.
    ///
    /// # Errors
    /// Where there is none, or one of them must not be called.
    pub fn addresses(&self, link: &Link, found: &[IpAddr]) -> Result<Vec<SocketAddr>, Refusal> {
        if found.is_empty() {
            return Err(Refusal::Dns);
        }
        found.iter().try_for_each(|address| self.address(link, *address))?;
        Ok(found.iter().map(|address| SocketAddr::new(*address, link.port())).collect())
    }

    /// Judges one address of a link.
    ///
    /// # Errors
    /// Where it must not be called.
    pub fn address(&self, link: &Link, address: IpAddr) -> Result<(), Refusal> {
        let port = link.port();
        let refused = address::refusal(address);
        if refused == Some(Refusal::Metadata) {
            return Err(Refusal::Metadata);
        }
        let by_name = link.literal().is_none() && self.allowed.iter().any(|it| it.covers_name(link.name(), port));
        if by_name || self.allowed.iter().any(|allowed| allowed.covers(address, port)) {
            // Allowed is the way through the translator, not whatever lies behind it.
            return address::behind_nat64(address).map_or(Ok(()), |behind| self.address(link, behind));
        }
        match refused {
            Some(refusal) => Err(refusal),
            None if PORTS.contains(&port) => Ok(()),
            None => Err(Refusal::Port),
        }
    }
}

impl Link {
    /// The address, for the call.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The name or address of its host; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The host as names are compared: without the dot at the end.
    pub fn name(&self) -> &str {
        self.host().trim_end_matches('.')
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default()
    }

    /// Whether it is encrypted on the way.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The address that it names without a resolver.
    pub fn literal(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }

    /// How it may be shown and logged: without its query, which may hold a signature.
    pub fn shown(&self) -> String {
        let mut url = self.0.clone();
        url.set_query(None);
        url.into()
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// Whether a name means something inside only, or nothing at all.
fn is_inside(host: &str) -> bool {
    let is_below = |zone: &str| host.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let has_gap = host.split('.').any(str::is_empty);
    !host.contains('.') || has_gap || INSIDE.iter().any(|zone| is_below(zone))
}

#[cfg(test)]
mod tests;
