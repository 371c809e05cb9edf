//! Why there is no file behind a link that could be judged, in words that tell nothing of the network inside.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use time::format_description::well_known::Rfc2822;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use super::signed;
use crate::media::check::{Code, Finding};
use crate::net::{FetchError, Link, Refusal};

/// The words for every address that is not called, and for one that does not answer: the difference would tell callers
/// what stands inside.
const NOT_PUBLIC: &str =
    "The link points to an address that is not on the public internet, or cannot be reached there. Use a public link.";

/// Why there is no file behind a link that could be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFault {
    /// What happened, for logs and operators. For clients there is [`Self::finding`].
    pub code: Code,
    /// For the caller: no query, no password, no address within the network.
    pub text: String,
    /// Whether it may pass by itself.
    pub retry: bool,
    /// When to try again, where the origin says so.
    pub retry_after: Option<Duration>,
    /// What a client is told instead of the code.
    told: Code,
}

impl LinkFault {
    /// One that stays.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), retry: false, retry_after: None, told: code }
    }

    /// What a client is told of it. A name that leads inside looks like one that leads nowhere: what its client may not
    /// call, it may not learn of either.
    pub fn finding(&self) -> Finding {
        Finding::new(self.told, self.text.clone())
    }

    /// One that may pass by itself.
    pub(super) fn passing(code: Code, text: impl Into<String>) -> Self {
        Self { retry: true, ..Self::new(code, text) }
    }

    /// A link that the rules forbid by what stands in it.
    pub(super) fn refused(refusal: Refusal) -> Self {
        Self::new(code(refusal), text(refusal))
    }

    /// A call that brought no answer, or not the whole.
    pub(super) fn of_call(error: FetchError) -> Self {
        match error {
            FetchError::Refused(refusal) => Self::refused(refusal),
            FetchError::Inside(Refusal::Port) => Self::refused(Refusal::Port),
            FetchError::Inside(refusal) => Self { told: Code::NetDns, ..Self::refused(refusal) },
            FetchError::Redirected { status, to } => Self::new(Code::HttpRedirect, redirected(status, to.as_deref())),
            FetchError::Loop => {
                Self::new(Code::HttpLoop, "The link redirects more than 3 times. Use the final address.")
            }
            FetchError::Downgrade => {
                let text = "The link redirects from https to http. Use the final address, with https.";
                Self::new(Code::HttpDowngrade, text)
            }
            FetchError::Unreachable => Self::passing(Code::NetUnreachable, NOT_PUBLIC),
            FetchError::Tls => {
                let text = "The link's server has no certificate that can be trusted. Renew it, with its whole chain.";
                Self::new(Code::Tls, text)
            }
            FetchError::TimedOut => {
                Self::passing(Code::HttpTimeout, "The link's server does not answer, or is too slow. Try again later.")
            }
            FetchError::Head => {
                let text = "The link's server gives an answer whose head is no HTTP, or is over 64 KiB.";
                Self::new(Code::HttpStatus, text)
            }
            FetchError::Broken => Self::passing(
                Code::Truncated,
                "The link's server ended its answer before the length that it promised. Is the file stored whole?",
            ),
        }
    }

    /// An answer of another status than 200; `report` is how its body begins.
    pub(super) fn of_status(
        status: StatusCode,
        headers: &HeaderMap,
        report: &str,
        link: &Link,
        now: OffsetDateTime,
    ) -> Self {
        if matches!(status.as_u16(), 400 | 403) && tells_of_end(report) {
            return Self::new(
                Code::HttpExpired,
                expired(signed::ran_out(report).or_else(|| signed::runs_out(link.url()))),
            );
        }
        let number = status.as_u16();
        match number {
            401 | 403 => {
                let text = format!("The link answered {number}. The file must be readable without login.");
                Self::new(Code::HttpAuth, text)
            }
            404 | 410 => {
                Self::new(Code::HttpGone, format!("The link answered {number}: there is no file. Check the link."))
            }
            429 => {
                let text = "The link answered 429: its server is asked too often. Try again later.";
                Self { retry_after: retry_after(headers, now), ..Self::passing(Code::HttpRate, text) }
            }
            500..=599 => {
                let text = format!("The link answered {number}: its server has a fault. Try again later.");
                Self { retry_after: retry_after(headers, now), ..Self::passing(Code::HttpServer, text) }
            }
            _ => Self::new(Code::HttpStatus, format!("The link answered {number}; it must answer 200 with the file.")),
        }
    }

    /// A file that is too large, as its origin says or as was counted.
    pub(super) fn too_large(kind: &str, declared: Option<u64>, most: u64) -> Self {
        let size = declared.map_or_else(|| format!("more than {most} bytes"), |bytes| format!("{bytes} bytes"));
        Self::new(Code::SizeOver, format!("The {kind} has {size}; at most {most} are read. Make it smaller."))
    }

    /// Compressed on the way, although that was not wanted.
    pub(super) fn encoded() -> Self {
        let text = "The link's server compresses the file (Content-Encoding), although it was asked not to. \
                    Let it send the file as it is.";
        Self::new(Code::HttpEncoding, text)
    }

    /// The gateway cannot write.
    pub(super) fn disk(error: &std::io::Error) -> Self {
        tracing::error!(error = error as &dyn std::error::Error, "a fetched file could not be written");
        Self::passing(Code::Disk, "The gateway cannot keep the file at the moment. Try again later.")
    }
}

/// How a signed link ended.
fn expired(end: Option<OffsetDateTime>) -> String {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    let end = end.and_then(|end| end.to_offset(UtcOffset::UTC).format(form).ok());
    let ended = end.map_or_else(|| "has expired".to_owned(), |end| format!("expired on {end}"));
    format!("The signed link {ended}. Create a new one with a longer life.")
}

fn redirected(status: StatusCode, to: Option<&str>) -> String {
    let to = to.map(|to| format!(" to {to}")).unwrap_or_default();
    let status = status.as_u16();
    format!("The link redirects ({status}){to}. Redirects are not supported here; use the final address.")
}

/// Whether a store's report says that a signed link ran out.
fn tells_of_end(report: &str) -> bool {
    ["Request has expired", "AuthenticationFailed", "ExpiredToken"].iter().any(|words| report.contains(words))
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    let until = || (OffsetDateTime::parse(text, &Rfc2822).ok()? - now).try_into().ok();
    seconds.or_else(until)
}

fn code(refusal: Refusal) -> Code {
    match refusal {
        Refusal::Parse => Code::UrlParse,
        Refusal::Scheme => Code::UrlScheme,
        Refusal::Userinfo => Code::UrlUserinfo,
        Refusal::Port => Code::UrlPort,
        Refusal::Host => Code::UrlHost,
        Refusal::Chars => Code::UrlChars,
        Refusal::Long => Code::UrlLong,
        Refusal::Loopback => Code::NetLoopback,
        Refusal::Private => Code::NetPrivate,
        Refusal::LinkLocal => Code::NetLinkLocal,
        Refusal::Metadata => Code::NetMetadata,
        Refusal::Shared => Code::NetShared,
        Refusal::Reserved => Code::NetReserved,
        Refusal::Embedded => Code::NetEmbedded,
        Refusal::Dns => Code::NetDns,
        Refusal::Rebind => Code::NetRebind,
    }
}

fn text(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Parse => "The link is no whole address. Give one that begins with https://.",
        Refusal::Scheme => "The link is neither http nor https. Give one that begins with https://.",
        Refusal::Userinfo => {
            "The link holds a user name or password. Leave them out; the file must be readable without."
        }
        Refusal::Port => "The link names a port other than 80 and 443. Serve the file on one of these.",
        Refusal::Host => "The link's host is a name of a local network. Use a public link.",
        Refusal::Chars => "The link holds blanks, control characters or backslashes. Percent-encode them.",
        Refusal::Long => "The link has over 2048 characters. Use a shorter one.",
        _ => NOT_PUBLIC,
    }
}
