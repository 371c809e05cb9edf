//! Files that people sent, as an upstream gives them: by its own id in one step or two, or behind an address.

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::{HeaderName, Request, Response, header};
use url::Url;

use super::Upstream;
use crate::dialect::{FileAt, MediaCall};
use crate::model::{Fault, FaultKind};
use crate::net::{Chunks, Credentials};

/// The longest refusal that is read in the place of a file, in bytes.
const MAX_REFUSAL: usize = 64 << 10;

/// How a provider named a file.
#[derive(Clone, Copy, Debug)]
pub struct FileName<'a> {
    /// By an id.
    pub id: Option<&'a str>,
    /// By an address.
    pub link: Option<&'a str>,
}

/// Where a file was found.
pub enum Found {
    /// Here it comes.
    Here(Coming),
    /// Behind a link of another host, which is to be called as clients' links are.
    Behind {
        /// The link.
        link: Url,
        /// What its host is shown, where it may know the upstream's credential.
        credentials: Option<Credentials>,
    },
}

/// A file that comes.
pub struct Coming {
    /// Its type, as the answer says.
    pub mime_type: Option<String>,
    /// Its bytes.
    pub chunks: Chunks,
}

impl Upstream {
    /// Whether a file of that name can be asked for.
    pub fn can_find(&self, name: FileName<'_>) -> bool {
        name.link.is_some() || name.id.is_some_and(|id| self.dialect.file_call(id).is_some())
    }

    /// Asks for a file that somebody sent.
    ///
    /// # Errors
    /// [`FaultKind::NotFound`] where the provider has not got it, or not any more; else why it does not come now.
    pub async fn find_file(&self, name: FileName<'_>) -> Result<Found, Fault> {
        match name.id.and_then(|id| self.dialect.file_call(id)) {
            Some(call @ MediaCall::Describe(_)) => self.described(&call).await,
            Some(call) => self.download(self.file_request(&call)?).await.map(Found::Here),
            None => self.at(name.link.ok_or_else(unnamed)?).await,
        }
    }

    /// Where it is was said just now: that nothing is there is a moment's trouble.
    async fn described(&self, call: &MediaCall) -> Result<Found, Fault> {
        let mut request = self.file_request(call)?;
        self.attach_credential(&mut request)?;
        let answer = self.transport.call(request).await.map_err(|error| self.fault_of(&error))?;
        let described = self.dialect.decode_described(&answer)?;
        let found = self.at(&described.url).await.map_err(|fault| match fault.kind {
            FaultKind::NotFound => Fault { kind: FaultKind::UpstreamUnavailable, ..fault },
            _ => fault,
        })?;
        Ok(match found {
            Found::Here(coming) => {
                Found::Here(Coming { mime_type: described.mime_type.or(coming.mime_type), ..coming })
            }
            behind @ Found::Behind { .. } => behind,
        })
    }

    async fn at(&self, address: &str) -> Result<Found, Fault> {
        let address = Url::parse(address).map_err(|_| unnamed())?;
        match self.dialect.file_at(address, &self.base_url) {
            FileAt::Own(url) => self.download(request_for(&url)?).await.map(Found::Here),
            FileAt::Vendor(link) => Ok(Found::Behind { link, credentials: self.credentials()? }),
            FileAt::Public(link) => Ok(Found::Behind { link, credentials: None }),
        }
    }

    fn file_request(&self, call: &MediaCall) -> Result<Request<Bytes>, Fault> {
        let mut request = self.dialect.encode_media_call(call, &self.target(None))?;
        *request.uri_mut() = self.address(request.uri())?;
        Ok(request)
    }

    /// Asks this upstream itself, with its credential.
    async fn download(&self, mut request: Request<Bytes>) -> Result<Coming, Fault> {
        self.attach_credential(&mut request)?;
        let answer = self.transport.download(request).await.map_err(|error| self.fault_of(&error))?;
        let (head, chunks) = answer.into_parts();
        let head = Response::from_parts(head, ());
        if !self.dialect.is_file(&head) {
            return Err(self
                .dialect
                .decode_no_file(&Response::from_parts(head.into_parts().0, beginning(chunks).await)));
        }
        let mime_type = head.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Ok(Coming { mime_type: mime_type.map(str::to_owned), chunks })
    }

    fn credentials(&self) -> Result<Option<Credentials>, Fault> {
        let mut request = Request::new(());
        self.attach_credential(&mut request)?;
        let name = HeaderName::from_static(self.credential.header());
        Ok(request.headers_mut().remove(&name).map(|value| Credentials::header(name, value)))
    }
}

/// As much of a refusal as tells why.
async fn beginning(mut chunks: Chunks) -> Bytes {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = chunks.try_next().await {
        if body.len() + chunk.len() > MAX_REFUSAL {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    body.into()
}

fn request_for(url: &Url) -> Result<Request<Bytes>, Fault> {
    Request::get(url.as_str()).body(Bytes::new()).map_err(|_| unnamed())
}

fn unnamed() -> Fault {
    Fault::upstream(FaultKind::NotFound, "the provider gave the file neither an id nor an address that can be called")
}
