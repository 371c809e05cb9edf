//! The media endpoints of every dialect that has them: files come, are shown, and go.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::request::Parts;
use http::uri::Authority;
use http::{Method, header};
use serde_json::Value;

use super::upload::{self, Received};
use super::{AppState, Shared, auth, error, send};
use crate::delivery::{self, Account, Behind, Opened, Scope};
use crate::dialect::{self, Answer, Call, Dialect, FileFacts, MediaAnswer, MediaCall, Speaker, UploadForm};
use crate::measure;
use crate::media::check::{self, Question};
use crate::media::{Vault, VaultError};
use crate::model::{Fault, FaultKind};
use crate::secret::KeyHash;
use crate::store::{StoreError, StoredMedia};

/// The member that a refused upload is about: the part of the form, in the vendors' words too.
const FILE: &str = "file";

/// Takes a call in whichever dialect has the path and answers in the same. What is no call of these is an unknown path:
/// the ids of the Cloud API stand where any path may.
pub async fn media(State(state): State<Shared>, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    let caller = auth::caller(&state, &parts).await;
    let setting = caller.as_ref().ok().and_then(|caller| caller.dialect);
    let Some((speaker, asked)) = dialect::media_call(&call(&parts), setting) else {
        return error::unknown_path(State(state), Request::from_parts(parts, body)).await;
    };
    let (pace, leave) = auth::leave(&state, &caller, Some(Scope::Media));
    let done = match leave.and_then(|place| Ok((place, caller?.account, asked?))) {
        Ok((_place, account, asked)) => {
            let counter = Counter { state: &state, account: &account, dialect: speaker.dialect() };
            counter.serve(asked, &parts, &mut body).await
        }
        Err(fault) => Err(fault),
    };
    done.unwrap_or_else(|fault| {
        let answer = Answer { pace, ..send::answer(&state, &parts.extensions) };
        send::refused(&speaker, &fault, &answer)
    })
}

/// `GET /files/{token}`: a file that somebody sent, for clients of dialects without media endpoints, who are told a link. What
/// stands in the link is all that is asked for, so who guesses is held up as with keys.
pub async fn behind(State(state): State<Shared>, Path(token): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let found = match guarded(&state, &parts, &token).await {
        Ok(Some(found)) => found,
        Ok(None) => return error::unknown_path(State(state), Request::from_parts(parts, body)).await,
        Err(fault) => return error::turned_away(&state, Request::from_parts(parts, body), &fault),
    };
    let (pace, counted) = found.account.access.count(false, state.clock.now());
    let counter = Counter { state: &state, account: &found.account, dialect: found.dialect };
    let done = match counted.and_then(|()| found.account.access.place()) {
        Ok(_place) => counter.download(&found.id).await,
        Err(fault) => Err(fault),
    };
    done.unwrap_or_else(|fault| {
        let answer = Answer { pace, ..send::answer(&state, &parts.extensions) };
        send::refused(&Speaker::of(found.dialect), &fault, &answer)
    })
}

async fn guarded(state: &AppState, parts: &Parts, token: &str) -> Result<Option<Behind>, Fault> {
    let (visitor, shown) = (state.door.visitor(&parts.extensions, &parts.headers), KeyHash::of(token));
    state.door.try_key(visitor, shown, state.clock.now())?;
    let found = state.delivery.behind_link(token).await?;
    if found.is_some() {
        state.door.was_right(visitor, shown);
    }
    Ok(found)
}

/// Whoever asks for a head alone is answered as if for the whole; the server leaves out the body.
fn call(parts: &Parts) -> Call {
    let method = if parts.method == Method::HEAD { Method::GET } else { parts.method.clone() };
    let (path, headers) = (parts.uri.path().to_owned(), parts.headers.clone());
    Call { method, path, headers, body: Value::Null }
}

/// Serves one call of one account.
struct Counter<'a> {
    state: &'a AppState,
    account: &'a Account,
    dialect: &'static dyn Dialect,
}

impl Counter<'_> {
    async fn serve(&self, asked: MediaCall, parts: &Parts, body: &mut Body) -> Result<Response, Fault> {
        match asked {
            MediaCall::Upload(form) => self.upload(form, parts, body).await,
            MediaCall::Describe(id) => self.describe(&id, parts).await,
            MediaCall::Download(id) => self.download(&id).await,
            MediaCall::Delete(id) => self.delete(&id).await,
        }
    }

    /// The bytes first, then the row: what is on the record can be read.
    async fn upload(&self, form: UploadForm, parts: &Parts, body: &mut Body) -> Result<Response, Fault> {
        let id = self.state.clock.media_id();
        let mut kept = Kept { vault: &self.state.vault, id: &id, is_recorded: false };
        let received = upload::receive(kept.vault, &id, form, &parts.headers, body, &self.state.config()).await?;
        self.check(&received)?;
        self.state.known.learn(&received.stored.sha256, received.inspection.clone());
        self.state.store.add_media(&self.row(&id, received)).await.map_err(|error| store_fault(&error))?;
        kept.is_recorded = true;
        Ok(self.say(&MediaAnswer::Uploaded(&id)))
    }

    /// Refuses what could not be sent as anything. As what it will be sent only the message says, and is checked then.
    fn check(&self, received: &Received) -> Result<(), Fault> {
        let report = check::as_whatever_fits(&received.inspection, |kind| Question {
            dialect_limits: self.state.dialect_limits,
            repair: self.account.repair,
            content_type: Some(&received.mime_type),
            ..Question::new(kind, self.dialect.media_promise())
        });
        let code = report.findings.first().map(|finding| finding.code.as_str());
        measure::media_check(report.verdict.as_str(), code);
        delivery::refusal(&report, FILE).map_or(Ok(()), Err)
    }

    fn row(&self, id: &str, received: Received) -> StoredMedia {
        tracing::info!(
            media.id = id,
            account.name = self.account.name,
            dialect = self.dialect.name(),
            bytes = received.stored.size,
            "media uploaded"
        );
        StoredMedia {
            id: id.to_owned(),
            account: self.account.name.clone(),
            mime_type: received.mime_type,
            filename: received.filename,
            size: received.stored.size,
            sha256: received.stored.sha256,
            created_at: self.state.clock.now(),
        }
    }

    async fn describe(&self, id: &str, parts: &Parts) -> Result<Response, Fault> {
        let file = self.find(id).await?;
        let origin = origin(self.state, parts);
        Ok(self.say(&MediaAnswer::Described { file: facts(&file), origin: &origin }))
    }

    async fn download(&self, id: &str) -> Result<Response, Fault> {
        let Opened { media, size, bytes } = self.state.delivery.open_file(&self.account.name, id).await?;
        let file = FileFacts { size, ..facts(&media) };
        Ok(self.say(&MediaAnswer::Downloaded(file)).map(|_| Body::from_stream(bytes)))
    }

    /// The row first: what is on the record can be read.
    async fn delete(&self, id: &str) -> Result<Response, Fault> {
        let (state, account) = (self.state, &self.account.name);
        if !state.delivery.remove_file(account, id).await? {
            if !state.store.delete_media(account, id).await.map_err(|error| store_fault(&error))? {
                return Err(unknown());
            }
            remove(&state.vault, id).await;
        }
        tracing::info!(media.id = id, account.name = account, "media deleted");
        Ok(self.say(&MediaAnswer::Deleted))
    }

    async fn find(&self, id: &str) -> Result<StoredMedia, Fault> {
        self.state.delivery.file(&self.account.name, id).await
    }

    fn say(&self, said: &MediaAnswer<'_>) -> Response {
        send::into_axum(self.dialect.encode_media_answer(said))
    }
}

/// Bytes that go again unless their row was written, also where the client goes away in between.
struct Kept<'a> {
    vault: &'a Vault,
    id: &'a str,
    is_recorded: bool,
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        if !self.is_recorded {
            let (vault, id) = (self.vault.clone(), self.id.to_owned());
            tokio::spawn(async move { remove(&vault, &id).await });
        }
    }
}

async fn remove(vault: &Vault, id: &str) {
    if let Err(error) = vault.delete(id).await {
        tracing::warn!(media.id = id, error = &error as &dyn std::error::Error, "the file could not be removed");
    }
}

fn facts(file: &StoredMedia) -> FileFacts<'_> {
    FileFacts {
        id: &file.id,
        mime_type: &file.mime_type,
        filename: file.filename.as_deref(),
        size: file.size,
        sha256: &file.sha256,
    }
}

/// Where the gateway is for this client: as configured, else as the client itself wrote it, so that a link leads back
/// through the same proxy.
fn origin(state: &AppState, parts: &Parts) -> String {
    if let Some(url) = &state.config().public_url {
        return url.as_str().trim_end_matches('/').to_owned();
    }
    let header = |name| parts.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    // HTTP/2 has the host in the address, HTTP/1 in a header.
    let host = parts.uri.authority().map(Authority::as_str).or_else(|| header(header::HOST.as_str()));
    let host = host.filter(|host| host.parse::<Authority>().is_ok());
    let forwarded = header("x-forwarded-proto").and_then(|protocols| protocols.split(',').next()).unwrap_or_default();
    let scheme = if forwarded.trim().eq_ignore_ascii_case("https") { "https" } else { "http" };
    format!("{scheme}://{}", host.map_or_else(|| state.config().listen.to_string(), str::to_owned))
}

fn unknown() -> Fault {
    let detail = "no media of this account has the id; it was deleted, or never uploaded here";
    Fault::client(FaultKind::NotFound, detail)
}

fn store_fault(error: &StoreError) -> Fault {
    tracing::error!(error = error as &dyn std::error::Error, "the record of media failed");
    away("the record of media cannot be reached now; try again")
}

/// Of a file that is read or written: the gateway's own trouble.
pub(super) fn vault_fault(error: &VaultError) -> Fault {
    tracing::error!(error = error as &dyn std::error::Error, "the vault failed");
    away("the file cannot be kept or read now; try again")
}

fn away(detail: &str) -> Fault {
    Fault::gateway(FaultKind::StoreUnavailable, detail).retry_after(Some(Duration::from_secs(1)))
}
