//! What holds for every call, answer and webhook, whoever wrote it: as `probe.rs` for files.

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use sabir::dialect::{self, Call, Dialect, EventContext, Losses, Receipt, Telling, Translation, Webhook};
use sabir::model::{Accepted, Business, Event, Fault, Origin, Request, Tastes};
use serde_json::Value;

use super::golden::{answer, target};

/// Any send is refused in words that can be rendered, or becomes a request that every upstream's own decoder takes, and
/// that stays what it is however often it is read and written.
pub fn send(client: &'static dyn Dialect, call: Call) {
    let heard = match client.decode_send(call) {
        Ok(heard) => heard.value,
        Err(fault) => return refused(client, &fault),
    };
    for &upstream in dialect::all() {
        for losses in [Losses::Refuse, Losses::Warn] {
            if let Ok(said) = encode(client, upstream, &heard, losses) {
                settles(upstream, &said);
            }
        }
    }
    let accepted = Accepted::default();
    client.encode_receipt(&Receipt { answer: answer(), request: &heard, accepted: &accepted });
}

fn refused(client: &dyn Dialect, fault: &Fault) {
    assert_eq!(fault.origin, Origin::Client, "{fault}");
    let told = client.encode_fault(fault, &answer());
    assert!(told.status().as_u16() >= 400, "{fault}: {told:?}");
}

/// What we say is understood by our own decoder. What says nothing may go when it is said again, as a part without content
/// does; from then on it stays as it is.
fn settles(dialect: &'static dyn Dialect, said: &http::Request<Bytes>) {
    let again = repeated(dialect, said);
    assert_eq!(repeated(dialect, &again).body(), again.body(), "{}", dialect.name());
}

/// What a dialect says once it has heard this.
fn repeated(dialect: &'static dyn Dialect, said: &http::Request<Bytes>) -> http::Request<Bytes> {
    let body = serde_json::from_slice(said.body()).unwrap_or(Value::Null);
    let (method, path) = (said.method().clone(), said.uri().path().to_owned());
    let heard = dialect.decode_send(Call { method, path, headers: said.headers().clone(), body });
    let heard = heard.unwrap_or_else(|fault| panic!("{} refuses what it says: {fault}: {said:?}", dialect.name()));
    let again = encode(dialect, dialect, &heard.value, Losses::Refuse);
    again.unwrap_or_else(|fault| panic!("{} cannot repeat it: {fault}: {said:?}", dialect.name()))
}

fn encode(
    client: &dyn Dialect,
    upstream: &dyn Dialect,
    request: &Request,
    losses: Losses,
) -> Result<http::Request<Bytes>, Fault> {
    Translation::new(client, upstream, losses).say(request, &target())
}

/// Any call that is no send is none of the dialect's, is understood, or is refused in words that can be rendered.
pub fn other_call(dialect: &'static dyn Dialect, call: &Call) {
    if let Some(Err(fault)) = dialect.decode_service(call) {
        refused(dialect, &fault);
    }
    if let Some(Err(fault)) = dialect.decode_media_call(call) {
        refused(dialect, &fault);
    }
}

/// Any answer of an upstream is an outcome.
pub fn outcome(dialect: &dyn Dialect, status: u16, retry_after: Option<&str>, body: Vec<u8>) {
    let mut response = Response::builder().status(status);
    if let Some(wait) = retry_after {
        response = response.header("retry-after", wait);
    }
    let Ok(response) = response.body(Bytes::from(body)) else { return };
    if let Err(fault) = dialect.decode_outcome(&response) {
        for &client in dialect::all() {
            client.encode_fault(&fault.clone().for_client(), &answer());
        }
    }
    let _ = dialect.decode_uploaded(&response);
}

/// Any webhook is refused, or read entry by entry; each event can be told to every client, and what a client is told can
/// be read again. It may be refused there: what a provider left out is missing in what is told, too.
pub fn webhook(provider: &'static dyn Dialect, body: Vec<u8>) {
    for mut heard in provider.decode_webhook(&call_with(body.into())).unwrap_or_default() {
        let _ = (heard.value.identity(), heard.value.message_ids().len(), heard.value.media().is_some());
        for &client in dialect::all() {
            for callback in tell(provider, client, &heard.value) {
                let _ = client.decode_webhook(&call_with(callback.body().clone()));
            }
        }
    }
}

fn tell(provider: &dyn Dialect, client: &dyn Dialect, event: &Event) -> Vec<http::Request<Bytes>> {
    let (business, tastes) = (Business::default(), Tastes::default());
    let context = EventContext { business: &business, tastes: &tastes, at: answer().at };
    Telling::new(provider, client).tell(event, &context)
}

fn call_with(body: Bytes) -> Webhook {
    let (method, path) = (Method::POST, "/webhooks/main".to_owned());
    Webhook { method, path, query: String::new(), headers: HeaderMap::new(), body }
}
