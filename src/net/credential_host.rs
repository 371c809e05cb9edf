//! Where a credential for links may go: hosts that the operator names, since the links are others'.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};
use url::{Host, Origin, Url};

/// One host, reached by `https` on its own port where nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialHost(Origin);

/// Why an entry cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is no host; give its whole name, such as files.example.net or files.example.net:8443, and http:// in front where it has no TLS"
)]
pub struct NoHost;

impl CredentialHost {
    /// Whether a link leads there. Both are compared as they were parsed: a name is another than one below it, `http`
    /// another than `https`.
    pub fn is_of(&self, link: &str) -> bool {
        Url::parse(link).is_ok_and(|url| url.origin() == self.0)
    }
}

impl FromStr for CredentialHost {
    type Err = NoHost;

    fn from_str(text: &str) -> Result<Self, NoHost> {
        // The parser drops some of them, and what is compared must be what is meant.
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(NoHost);
        }
        let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = Url::parse(&whole).map_err(|_| NoHost)?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_named = url.username().is_empty() && url.password().is_none() && url.host().is_some_and(is_one);
        let is_known = matches!(url.scheme(), "http" | "https");
        if is_bare && is_named && is_known { Ok(Self(url.origin())) } else { Err(NoHost) }
    }
}

/// Whether it is one host: the parser takes `*.example.net` for a name like any other.
fn is_one(host: Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    }
}

impl<'de> Deserialize<'de> for CredentialHost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_goes_to_the_host_that_is_named_and_to_no_other() {
        for (entry, link, expected) in [
            ("files.example.net", "https://files.example.net/a", true),
            ("files.example.net", "https://FILES.example.net:443/a", true),
            ("files.example.net", "http://files.example.net/a", false),
            ("files.example.net", "http://files.example.net:443/a", false),
            ("files.example.net", "https://files.example.net:8443/a", false),
            ("files.example.net", "https://a.files.example.net/a", false),
            ("files.example.net", "https://files.example.net.evil.example/a", false),
            ("files.example.net", "https://files.example.net@evil.example/a", false),
            ("files.example.net", "https://evil.example/files.example.net", false),
            ("files.example.net:8443", "https://files.example.net:8443/a", true),
            ("http://files.internal:9000", "http://files.internal:9000/a", true),
            ("http://files.internal:9000", "https://files.internal:9000/a", false),
            ("bücher.example", "https://xn--bcher-kva.example/a", true),
            ("127.0.0.1", "https://127.1/a", true),
            ("[fd00::1]:9000", "https://[fd00:0::1]:9000/a", true),
            ("files.example.net", "no link", false),
        ] {
            let host: CredentialHost = entry.parse().unwrap();
            assert_eq!(host.is_of(link), expected, "{entry} {link}");
        }
    }

    #[test]
    fn what_is_not_one_host_is_refused() {
        for entry in [
            "",
            "*",
            "*.example.net",
            "10.0.0.0/8",
            "files.example.net/private",
            "https://files.example.net/?a",
            "user@files.example.net",
            "ftp://files.example.net",
            "files.example.net:0x",
            "files.example\t.net",
            " files.example.net",
            "data:text",
        ] {
            assert_eq!(entry.parse::<CredentialHost>(), Err(NoHost), "{entry}");
        }
    }
}
