//! What would happen to a request: the answer to `?dry_run=true`.

use serde::Serialize;
use serde_json::Value;

use super::Order;
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
    pub(super) fn new(order: &Order, upstream: Option<&Upstream>, prepared: Result<Prepared, Fault>) -> Self {
        let mut losses = order.warnings.clone();
        let (request, fault) = match (upstream, prepared) {
            (Some(upstream), Ok(prepared)) => {
                losses.extend(prepared.warnings);
                (Some(UpstreamRequest::new(upstream, &prepared.request)), None)
            }
            (_, Err(fault)) => (None, Some(fault)),
            (None, Ok(_)) => (None, None),
        };
        Self {
            would_send: fault.is_none(),
            account: order.account.name.clone(),
            dialect: order.dialect.name(),
            model: order.request.clone(),
            upstream: upstream.map(|upstream| upstream.name.clone()),
            upstream_request: request,
            losses,
            fault,
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
