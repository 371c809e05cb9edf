//! The gateway's own address for a provider that is told with each message where to tell what becomes of it.

use url::Url;

use crate::secret::Secret;

/// The parameter in which the secret stands, for providers that sign nothing.
const PARAMETER: &str = "token";

/// An address of the gateway's for one upstream's webhooks.
#[derive(Clone, Debug)]
pub struct Callback {
    /// As it is recorded and shown: the secret as stars.
    shown: String,
    /// As the provider gets it.
    called: Secret,
}

impl Callback {
    /// The address below the gateway's own, with the secret where there is one; none where the gateway's can have no path.
    pub fn new(public_url: &Url, upstream: &str, secret: Option<&Secret>) -> Option<Self> {
        let mut url = public_url.clone();
        url.path_segments_mut().ok()?.pop_if_empty().extend(["webhooks", upstream]);
        let with = |secret: Option<&str>| {
            let mut url = url.clone();
            if let Some(secret) = secret {
                url.query_pairs_mut().append_pair(PARAMETER, secret);
            }
            url.to_string()
        };
        Some(Self { shown: with(secret.map(|_| "***")), called: Secret::new(with(secret.map(Secret::expose))) })
    }

    /// The address without the secret.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The address that is called.
    pub fn called(&self) -> &str {
        self.called.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(public_url: &str, secret: Option<&str>) -> Callback {
        let secret = secret.map(|secret| Secret::new(secret.to_owned()));
        Callback::new(&Url::parse(public_url).unwrap(), "main", secret.as_ref()).unwrap()
    }

    #[test]
    fn the_address_stands_below_the_gateways_and_shows_no_secret() {
        let plain = of("https://gateway.example.net", None);
        assert_eq!(plain.shown(), "https://gateway.example.net/webhooks/main");
        assert_eq!(plain.called(), plain.shown());
        let secret = of("https://example.net/sabir/", Some("a&b"));
        assert_eq!(secret.shown(), "https://example.net/sabir/webhooks/main?token=***");
        assert_eq!(secret.called(), "https://example.net/sabir/webhooks/main?token=a%26b");
        assert!(!format!("{secret:?}").contains("a%26b"));
    }
}
