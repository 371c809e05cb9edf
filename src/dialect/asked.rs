//! Files that people sent, as they are asked of a provider: by an id or by an address. The bytes themselves never come
//! here.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::model::{Accepted, Fault, FaultKind};

/// What may stand in a segment of a path as it is.
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~').remove(b'.');

/// What a provider says of a file before it gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Where it is.
    pub url: String,
    /// Its type.
    pub mime_type: Option<String>,
}

/// Whose an address of a file is, and so what it is asked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileAt {
    /// The upstream's own: it is called as it is for messages.
    Own(Url),
    /// Its vendor's, who knows the upstream's credential too.
    Vendor(Url),
    /// Anybody's: no credential goes there.
    Public(Url),
}

/// An address of the upstream's own host is the upstream's; of every other nothing is known.
pub fn file_at(address: Url, base: &Url) -> FileAt {
    if is_same_host(&address, base) { FileAt::Own(address) } else { FileAt::Public(address) }
}

/// Scheme, host and port. What has no host, or a scheme that nobody knows, has an origin of its own each time.
fn is_same_host(one: &Url, other: &Url) -> bool {
    let host = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default());
    one.host().is_some() && host(one) == host(other)
}

/// A call for a file.
///
/// # Errors
/// Where the path cannot stand in a request.
pub fn get(path: &str) -> Result<Request<Bytes>, Fault> {
    let request = Request::builder().method(Method::GET).uri(path).body(Bytes::new());
    request.map_err(|_| Fault::gateway(FaultKind::Internal, "the path of the file could not be formed"))
}

/// Why an upstream does not give a file, from what its answer would mean of a message: one that it does not know is its
/// own kind, whatever stands beside the status.
pub fn refusal(answer: &Response<Bytes>, meant: Result<Accepted, Fault>) -> Fault {
    let unreadable = || Fault::upstream(FaultKind::UpstreamUnreadable, "the upstream's answer is no file");
    let fault = meant.err().unwrap_or_else(unreadable);
    let is_gone = matches!(answer.status(), StatusCode::NOT_FOUND | StatusCode::GONE);
    if is_gone { Fault { kind: FaultKind::NotFound, ..fault } } else { fault }
}

/// An id as one segment of a path. It came in a webhook, and leads nowhere else.
///
/// # Errors
/// Where nothing of it could name a file.
pub fn segment(id: &str) -> Result<String, Fault> {
    if id.chars().all(|c| c == '.') {
        return Err(Fault::upstream(FaultKind::NotFound, "the provider gave the file an id that is none"));
    }
    Ok(utf8_percent_encode(id, &PLAIN).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn only_the_upstreams_own_host_is_its_own() {
        let base = url("https://waba.example.net:8443/v1");
        for own in ["https://waba.example.net:8443/media/1?x=2", "https://WABA.example.net:8443/"] {
            assert_eq!(file_at(url(own), &base), FileAt::Own(url(own)));
        }
        for other in [
            "http://waba.example.net:8443/media/1",
            "https://waba.example.net/media/1",
            "https://waba.example.net.evil.example/media/1",
            "https://user@cdn.example.net:8443/media/1",
            "data:,x",
        ] {
            assert_eq!(file_at(url(other), &base), FileAt::Public(url(other)), "{other}");
        }
        let within = url("sandbox://in-process");
        assert!(matches!(file_at(url("sandbox://in-process/media/1"), &within), FileAt::Own(_)));
    }

    #[test]
    fn an_id_is_one_segment_and_leads_nowhere_else() {
        for (id, written) in
            [("4410", "4410"), ("b0c7-9d4", "b0c7-9d4"), ("../x?y#z", "..%2Fx%3Fy%23z"), ("é", "%C3%A9")]
        {
            assert_eq!(segment(id).unwrap(), written);
        }
        for id in ["", ".", ".."] {
            assert!(segment(id).is_err(), "{id}");
        }
    }
}
