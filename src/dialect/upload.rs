//! Files on their way to an upstream that keeps them: what a dialect writes around the bytes, which it never sees.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use time::Duration;

use crate::model::{Fault, FaultKind};

/// The request that uploads a file, whose own bytes stand between `before` and `after`.
#[derive(Debug)]
pub struct Upload {
    /// Method, path and headers; the path is relative to the upstream's address.
    pub head: Request<()>,
    /// What stands in front of the file's bytes.
    pub before: Bytes,
    /// What stands behind them.
    pub after: Bytes,
    /// How long the vendor keeps an upload.
    pub kept: Duration,
}

impl Upload {
    /// A POST of that Content-Type.
    ///
    /// # Errors
    /// Where path or type cannot stand in a request.
    pub(super) fn post(path: &str, content_type: &str, kept: Duration) -> Result<Self, Fault> {
        let content_type = HeaderValue::from_str(content_type)
            .map_err(|_| Fault::client(FaultKind::MediaTypeRefused, "the file's type holds control characters"))?;
        let head = Request::builder().method(Method::POST).uri(path).header(header::CONTENT_TYPE, content_type);
        let head =
            head.body(()).map_err(|_| Fault::gateway(FaultKind::Internal, "the upload's path could not be formed"))?;
        Ok(Self { head, before: Bytes::new(), after: Bytes::new(), kept })
    }
}
