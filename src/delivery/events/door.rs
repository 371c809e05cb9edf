//! The door: who may tell something. Nothing is kept of what is not genuine.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response};

use super::Listener;
use crate::dialect::Webhook;
use crate::model::{Fault, FaultKind};
use crate::secret::Secret;
use crate::store::{NewWebhook, StoreError};
use crate::upstream::Upstream;
use crate::{measure, text};

/// Headers that are kept beside the body. None holds a credential.
const KEPT: [&str; 2] = ["content-type", "user-agent"];

/// What a call at the door came to.
pub enum Entry {
    /// The provider asked whether the address is ours.
    Answered(Response<Bytes>),
    /// Its webhook is kept.
    Kept,
}

/// Why a call was turned away.
#[derive(Debug, thiserror::Error)]
pub enum Turned {
    /// No upstream has this name.
    #[error("no upstream has this name; give the address that ends with the upstream's")]
    Unknown,
    /// It is not genuine, or cannot be read.
    #[error("{}", .0.detail)]
    Refused(Fault),
    /// It could not be kept.
    #[error("the webhook could not be kept; send it again")]
    NotKept(#[source] StoreError),
}

impl Turned {
    /// Its name in measurements.
    fn name(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown_upstream",
            Self::Refused(fault) => fault.kind.code(),
            Self::NotKept(_) => "not_kept",
        }
    }
}

impl Listener {
    /// Takes a provider's call for an upstream: answers its question, or keeps its webhook. `is_local` says that it comes
    /// from this machine itself and that this is trusted: an upstream without a secret listens to nobody else.
    ///
    /// # Errors
    /// Where it is turned away.
    pub async fn take(&self, upstream: &str, webhook: Webhook, is_local: bool) -> Result<Entry, Turned> {
        let taken = self.receive(upstream, webhook, is_local).await;
        let known = self.delivery.directory().upstream(upstream).is_some();
        // A name that is not ours is no label: anybody could make up more.
        let label = if known { upstream } else { "none" };
        match &taken {
            Ok(Entry::Answered(_)) => measure::webhook(label, "challenge"),
            Ok(Entry::Kept) => measure::webhook(label, "kept"),
            Err(turned) => {
                measure::webhook(label, turned.name());
                tracing::warn!(upstream.name = label, outcome = turned.name(), "webhook turned away");
            }
        }
        taken
    }

    /// Counts a call whose body was not even read.
    pub fn turn_away(&self, upstream: &str, fault: Fault) -> Turned {
        let known = self.delivery.directory().upstream(upstream).is_some();
        measure::webhook(if known { upstream } else { "none" }, fault.kind.code());
        if known { Turned::Refused(fault) } else { Turned::Unknown }
    }

    async fn receive(&self, name: &str, webhook: Webhook, is_local: bool) -> Result<Entry, Turned> {
        let upstream = self.delivery.directory().upstream(name).ok_or(Turned::Unknown)?;
        if webhook.method == Method::GET {
            return answer(&upstream, &webhook).map(Entry::Answered).map_err(Turned::Refused);
        }
        self.check(&upstream, &webhook, is_local).map_err(Turned::Refused)?;
        // What a provider signs and is no JSON will not be when it is sent again; the rest is judged behind the commit.
        webhook.json().map_err(Turned::Refused)?;
        self.intake.keep(self.kept(name, webhook)).await.map_err(Turned::NotKept)?;
        self.look_again();
        Ok(Entry::Kept)
    }

    fn check(&self, upstream: &Arc<Upstream>, webhook: &Webhook, is_local: bool) -> Result<(), Fault> {
        match &upstream.webhook_secret {
            Some(secret) => upstream.dialect.verify_webhook(webhook, secret.expose(), self.clock.now()),
            None if is_local => Ok(()),
            None => {
                let detail = "the upstream has no webhook_secret, so nobody may tell; configure one";
                Err(Fault::client(FaultKind::Unauthenticated, detail))
            }
        }
    }

    fn kept(&self, upstream: &str, webhook: Webhook) -> NewWebhook {
        let header = |name: &str| Some((name.to_owned(), webhook.header(name)?.to_owned()));
        let headers: BTreeMap<_, _> = KEPT.into_iter().filter_map(header).collect();
        NewWebhook {
            id: self.clock.record_id(),
            upstream: upstream.to_owned(),
            received_at: self.clock.now(),
            headers,
            body: text::of(&webhook.body),
        }
    }
}

/// The answer to a provider that makes sure that the address is ours.
fn answer(upstream: &Upstream, webhook: &Webhook) -> Result<Response<Bytes>, Fault> {
    let token = upstream.webhook_token.as_ref().or(upstream.webhook_secret.as_ref()).map(Secret::expose);
    let token = token.ok_or_else(|| {
        Fault::client(
            FaultKind::Forbidden,
            "the upstream has no webhook_token; configure the one given to the provider",
        )
    })?;
    upstream.dialect.answer_challenge(webhook, token).unwrap_or_else(|| {
        Err(Fault::client(FaultKind::MethodNotAllowed, "is no question of the provider; webhooks are posted"))
    })
}
