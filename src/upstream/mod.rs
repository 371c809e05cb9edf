//! Whom we call: an upstream is a dialect, an address, a credential and limits. A provider is configuration, so a new
//! one whose dialect is known needs no code.

mod callback;
mod files;
mod limits;
mod sandbox;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
pub use callback::Callback;
pub use files::{Coming, FileName, Found};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{Request, Response, Uri};
pub use limits::Limits;
pub use sandbox::{
    Behaviour, ButtonText, Entry, Fate, Filled, FilledButton, FilledHeader, InProcess, Kept, KeptFile, Line, MAGIC,
    Magic, Orders, Outlet, Part, Person, Pressable, Received, Said, Sandbox, SandboxConfig, Talk, TemplateText,
    Templates, asked_of_files, fill, name_in, pressables,
};
use serde::Deserialize;
use url::Url;

use crate::dialect::{CredentialForm, Dialect, FileFacts, Losses, Target, Translation, Upload};
use crate::model::{self, Accepted, Fault, FaultKind, TransactionId, Warning};
use crate::net::{self, CallError, Chunks, Streamed};
use crate::secret::Secret;

/// The scheme of the address that stands for the sandbox in this process.
pub const SANDBOX_SCHEME: &str = "sandbox";

/// An upstream as the configuration describes it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Config {
    /// Its name in routes, accounts, records and labels.
    pub name: String,
    /// The provider, whose entry under `providers` says what is not said here.
    pub provider: Option<String>,
    /// The dialect that it speaks.
    pub dialect: Option<String>,
    /// The address in front of the dialect's paths.
    pub base_url: Option<String>,
    /// How the credential travels.
    pub credential: Option<CredentialForm>,
    /// The credential.
    pub key: Option<Secret>,
    /// The sender's number in digits.
    pub sender: Option<String>,
    /// The sender's phone number id, where the provider's paths name it.
    pub phone_number_id: Option<String>,
    /// The namespace of templates for clients that give none (On-Premises).
    pub template_namespace: Option<String>,
    /// How files behind links get there.
    #[serde(default)]
    pub media: MediaWay,
    /// Messages a second, of all gateways on one database together.
    pub rate: Option<f64>,
    /// Messages at once, after a pause; those of a second where it is not said.
    pub burst: Option<u32>,
    /// Between two messages of one sender to one recipient.
    #[serde(default, with = "humantime_serde::option")]
    pub pair_interval: Option<Duration>,
    /// Messages of one sender to one recipient at once, after a pause.
    pub pair_burst: Option<u32>,
    /// Calls at once.
    pub concurrency: Option<u32>,
    /// The secret that its webhooks are signed with, or that they repeat.
    pub webhook_secret: Option<Secret>,
    /// The token with which its provider makes sure that the address is ours; the secret where it is not said.
    pub webhook_token: Option<Secret>,
    /// The accounts that hear of what people write; all that use it where it is not said.
    pub inbound: Option<Vec<String>>,
}

/// How files behind links get to an upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaWay {
    /// The gateway fetches, checks and uploads them, and names them by id.
    #[default]
    Upload,
    /// The gateway checks them and passes the link on.
    Link,
    /// The link is passed on, and nothing is fetched.
    Unchecked,
}

/// What is the same for all upstreams at one provider.
#[derive(Clone, Debug, Deserialize)]
pub struct Provider {
    /// The dialect that it speaks.
    pub dialect: String,
    /// The address, where all customers have the same.
    pub base_url: Option<String>,
    /// How the credential travels; the dialect's own form where it is not said.
    pub credential: Option<CredentialForm>,
    /// Messages a second, of all gateways on one database together.
    pub rate: Option<f64>,
    /// Messages at once, after a pause; those of a second where it is not said.
    pub burst: Option<u32>,
    /// Between two messages of one sender to one recipient.
    #[serde(default, with = "humantime_serde::option")]
    pub pair_interval: Option<Duration>,
    /// Messages of one sender to one recipient at once, after a pause.
    pub pair_burst: Option<u32>,
}

/// How a request reaches an upstream.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Makes one call.
    ///
    /// # Errors
    /// Where no answer came, told apart by whether the request may have been taken.
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, CallError>;

    /// Makes one call with a streamed body.
    ///
    /// # Errors
    /// As [`Self::call`].
    async fn upload(&self, request: Request<Streamed>) -> Result<Response<Bytes>, CallError>;

    /// Makes one call whose answer is given as it comes.
    ///
    /// # Errors
    /// As [`Self::call`].
    async fn download(&self, request: Request<Bytes>) -> Result<Response<Chunks>, CallError>;
}

#[async_trait]
impl Transport for net::Client {
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, CallError> {
        Self::call(self, request).await
    }

    async fn upload(&self, request: Request<Streamed>) -> Result<Response<Bytes>, CallError> {
        Self::upload(self, request).await
    }

    async fn download(&self, request: Request<Bytes>) -> Result<Response<Chunks>, CallError> {
        Self::download(self, request).await
    }
}

/// A provider that is ready to be called.
pub struct Upstream {
    /// Its name.
    pub name: String,
    /// What it speaks.
    pub dialect: &'static dyn Dialect,
    /// Where it is.
    pub base_url: Url,
    /// How its credential travels.
    pub credential: CredentialForm,
    /// The credential.
    pub key: Option<Secret>,
    /// The sender's number in digits.
    pub sender: Option<String>,
    /// The sender's phone number id.
    pub phone_number_id: Option<String>,
    /// The namespace of templates.
    pub template_namespace: Option<String>,
    /// How files behind links get there.
    pub media: MediaWay,
    /// How fast it is called, and how often at once.
    pub limits: Limits,
    /// The secret of its webhooks; without one only this machine itself may tell, where it is trusted.
    pub webhook_secret: Option<Secret>,
    /// The token of its provider's question.
    pub webhook_token: Option<Secret>,
    /// Where its provider tells what becomes of messages; none where the gateway's own address is not known.
    pub callback: Option<Callback>,
    /// The accounts that hear of what people write.
    pub inbound: Option<Vec<String>>,
    /// How it is reached.
    pub transport: Arc<dyn Transport>,
}

/// A request in the upstream's words, without the credential: it can be recorded and shown.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The request with its whole address.
    pub request: Request<Bytes>,
    /// What was dropped or bent on the way.
    pub warnings: Vec<Warning>,
}

/// What came of a call.
#[derive(Debug)]
pub struct Answered {
    /// What it means.
    pub outcome: Result<Accepted, Fault>,
    /// The answer itself, where one came.
    pub response: Option<Response<Bytes>>,
}

/// A file that an upstream took.
#[derive(Debug)]
pub struct Uploaded {
    /// The id that it gave.
    pub id: String,
    /// How long it keeps the file.
    pub kept: time::Duration,
}

impl Upstream {
    /// Whether it is the simulated provider in this process, which reads no links.
    pub fn is_sandbox(&self) -> bool {
        self.base_url.scheme() == SANDBOX_SCHEME
    }

    /// Its number, as the sandbox knows it whose number it is.
    pub fn line(&self) -> Line {
        let (number, phone_number_id) = (self.sender.clone(), self.phone_number_id.clone());
        let business = model::Business { number, phone_number_id, account_id: None };
        Line { upstream: self.name.clone(), dialect: self.dialect, business, secret: self.webhook_secret.clone() }
    }

    /// Says a request in the upstream's dialect.
    ///
    /// # Errors
    /// Where the dialect cannot say it.
    pub fn prepare(
        &self,
        request: &model::Request,
        transaction: TransactionId,
        client: &dyn Dialect,
        losses: Losses,
    ) -> Result<Prepared, Fault> {
        let target = self.target(Some(transaction));
        let mut translation = Translation::new(client, self.dialect, losses);
        let mut request = translation.say(request, &target)?;
        *request.uri_mut() = self.address(request.uri())?;
        Ok(Prepared { request, warnings: translation.into_warnings() })
    }

    fn target(&self, correlation: Option<TransactionId>) -> Target<'_> {
        Target {
            correlation,
            callback: self.callback.as_ref().map(Callback::shown),
            sender: self.sender.as_deref(),
            phone_number_id: self.phone_number_id.as_deref(),
            template_namespace: self.template_namespace.as_deref(),
        }
    }

    /// The upstream's address with one of its dialect's paths behind it.
    fn address(&self, path: &Uri) -> Result<Uri, Fault> {
        let base = self.base_url.as_str().trim_end_matches('/');
        format!("{base}{path}").parse().map_err(|_| {
            Fault::gateway(FaultKind::Internal, format!("the address of upstream {} cannot be formed", self.name))
        })
    }

    /// Makes the call, the credential attached, and reads what it means.
    pub async fn send(&self, mut request: Request<Bytes>) -> Answered {
        if let Err(fault) = self.attach_credential(&mut request) {
            return Answered { outcome: Err(fault), response: None };
        }
        if let Some(callback) = &self.callback {
            self.dialect.fill_callback(&mut request, callback.shown(), callback.called());
        }
        match self.transport.call(request).await {
            Ok(response) => Answered { outcome: self.dialect.decode_outcome(&response), response: Some(response) },
            Err(error) => Answered { outcome: Err(self.fault_of(&error)), response: None },
        }
    }

    /// Uploads a file for messages to name by its id.
    ///
    /// # Errors
    /// Where the dialect knows no uploads, no answer came, or the upstream refused.
    pub async fn upload(&self, file: &FileFacts<'_>, bytes: Chunks) -> Result<Uploaded, Fault> {
        let upload = self.dialect.encode_upload(file, &self.target(None))?;
        let kept = upload.kept;
        let mut request = around(upload, file.size, bytes);
        *request.uri_mut() = self.address(request.uri())?;
        self.attach_credential(&mut request)?;
        let answer = self.transport.upload(request).await.map_err(|error| self.fault_of(&error))?;
        Ok(Uploaded { id: self.dialect.decode_uploaded(&answer)?, kept })
    }

    fn attach_credential<T>(&self, request: &mut Request<T>) -> Result<(), Fault> {
        let Some(key) = &self.key else { return Ok(()) };
        let value = http::HeaderValue::from_str(&self.credential.value(key.expose()));
        let mut value = value.map_err(|_| {
            Fault::gateway(
                FaultKind::UpstreamCredential,
                format!("the key of upstream {} is no header text", self.name),
            )
        })?;
        value.set_sensitive(true);
        request.headers_mut().insert(self.credential.header(), value);
        Ok(())
    }

    fn fault_of(&self, error: &CallError) -> Fault {
        let (kind, what) = match error {
            CallError::NotSent(_) => (FaultKind::UpstreamUnreachable, "cannot be reached; nothing was sent"),
            CallError::TimedOut(_) => {
                (FaultKind::UpstreamTimeout, "did not answer in time; it may have taken the message")
            }
            CallError::Broken(_) => (FaultKind::UpstreamReset, "broke the connection; it may have taken the message"),
            CallError::TooLarge(_) => (FaultKind::UpstreamUnreadable, "gave an answer that is too large to read"),
        };
        tracing::warn!(upstream.name = self.name, fault.kind = %kind, error = error as &dyn std::error::Error, "call failed");
        Fault::upstream(kind, format!("upstream {} {what}", self.name))
    }
}

/// The whole body of an upload: what the dialect writes before and after the file, and the file.
fn around(upload: Upload, size: u64, bytes: Chunks) -> Request<Streamed> {
    let length = size + (upload.before.len() + upload.after.len()) as u64;
    let [before, after] = [upload.before, upload.after].map(|part| stream::iter([Ok(part)]));
    let chunks = before.chain(bytes).chain(after).try_filter(|chunk| std::future::ready(!chunk.is_empty()));
    upload.head.map(|()| Streamed { length, chunks: chunks.boxed() })
}
