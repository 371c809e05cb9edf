//! What would happen to a request: the answer to `?dry_run=true`.

use serde::Serialize;
use serde_json::Value;

use super::{FileReport, Order};
use crate::model::{Fault, Request, Warning};
use crate::upstream::{Prepared, Upstream};

/// The report.
#[derive(Debug, Serialize)]
pub struct Rehearsal {
    /// Whether the request would be sent.
    pub would_send: bool,
    /// Who asked.
    pub account: String,
    /// In which dialect the request was read.
    pub dialect: &'static str,
    /// What was understood.
    pub model: Request,
    /// The upstream that would get it.
    pub upstream: Option<String>,
    /// What that upstream would get, its credential masked.
    pub upstream_request: Option<UpstreamRequest>,
    /// Its files: what they are, which way they would go, and what is said of them.
    pub media: Vec<FileReport>,
    /// What would be dropped or bent.
    pub losses: Vec<Warning>,
    /// Why it would not be sent.
    pub fault: Option<Fault>,
}

/// A request as an upstream would get it.
#[derive(Debug, Serialize)]
pub struct UpstreamRequest {
    /// Its dialect.
    pub dialect: &'static str,
    /// The method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The headers, the credential as stars.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Value,
}

impl Rehearsal {
    pub(super) fn new(
        order: &Order,
        upstream: &Upstream,
        prepared: Result<Prepared, Fault>,
        media: Vec<FileReport>,
        of_media: Option<Fault>,
    ) -> Self {
        let mut rehearsal = Self { upstream: Some(upstream.name.clone()), media, ..Self::of(order) };
        match prepared {
            Ok(prepared) => {
                rehearsal.losses.extend(prepared.warnings);
                rehearsal.upstream_request = Some(UpstreamRequest::new(upstream, &prepared.request));
                rehearsal.fault = of_media;
            }
            Err(fault) => rehearsal.fault = Some(fault),
        }
        rehearsal.would_send = rehearsal.fault.is_none();
        rehearsal
    }

    /// A request that no upstream takes.
    pub(super) fn refused(order: &Order, fault: Fault) -> Self {
        Self { would_send: false, fault: Some(fault), ..Self::of(order) }
    }

    fn of(order: &Order) -> Self {
        Self {
            would_send: true,
            account: order.account.name.clone(),
            dialect: order.dialect.name(),
            model: Request::clone(&order.request),
            upstream: None,
            upstream_request: None,
            media: Vec::new(),
            losses: order.warnings.clone(),
            fault: None,
        }
    }
}

impl UpstreamRequest {
    fn new(upstream: &Upstream, request: &http::Request<bytes::Bytes>) -> Self {
        let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let mut headers: Vec<_> =
            request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        if upstream.key.is_some() {
            headers.push((upstream.credential.header().to_owned(), upstream.credential.value("***")));
        }
        Self {
            dialect: upstream.dialect.name(),
            method: request.method().to_string(),
            url: request.uri().to_string(),
            headers,
            body: serde_json::from_slice(request.body()).unwrap_or(Value::Null),
        }
    }
}
