//! Signatures over webhooks and callbacks: HMAC-SHA256 over the bytes as they travel, compared in constant time.
//!
//! A missing signature is a missing credential, a wrong one a forbidden call. Providers that sign nothing can be given a
//! secret to repeat, in a header or in the address that they call.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, HeaderValue, Request};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use time::{Duration, OffsetDateTime};

use super::{CredentialForm, Signing, Webhook};
use crate::model::{Fault, FaultKind};

type HmacSha256 = Hmac<Sha256>;

/// How far the clocks of sender and receiver may differ, as the Standard Webhooks advise.
const TOLERANCE: Duration = Duration::minutes(5);
/// What a secret in the form of the Standard Webhooks begins with; the rest is base64.
const SECRET_PREFIX: &str = "whsec_";
/// The parameters of the address in which a provider may repeat the secret.
const PARAMETERS: [&str; 2] = ["token", "secret"];

/// The digest of some parts. A key longer than a block is hashed first, as the standard has it.
fn digest(secret: &[u8], parts: &[&[u8]]) -> HmacSha256 {
    let mut key = hmac::digest::Key::<HmacSha256>::default();
    let hashed = Sha256::digest(secret);
    let secret = if secret.len() > key.len() { hashed.as_slice() } else { secret };
    key.iter_mut().zip(secret).for_each(|(into, byte)| *into = *byte);
    let mut mac = HmacSha256::new(&key);
    parts.iter().for_each(|part| mac.update(part));
    mac
}

/// The signature of a body, in hexadecimal digits.
pub fn hex(secret: &str, body: &[u8]) -> String {
    hex::encode(digest(secret.as_bytes(), &[body]).finalize().into_bytes())
}

/// Checks a signature in hexadecimal digits after a prefix; none where the header is not there.
pub fn check_hex(webhook: &Webhook, header: &str, prefix: &str, secret: &str) -> Option<Result<(), Fault>> {
    let said = webhook.header(header)?;
    let said = said.strip_prefix(prefix).and_then(|said| hex::decode(said).ok());
    Some(check(digest(secret.as_bytes(), &[&webhook.body]), said, header))
}

/// Checks a signature in base64; none where the header is not there.
pub fn check_base64(webhook: &Webhook, header: &str, secret: &str) -> Option<Result<(), Fault>> {
    let said = STANDARD.decode(webhook.header(header)?).ok();
    Some(check(digest(secret.as_bytes(), &[&webhook.body]), said, header))
}

fn check(mac: HmacSha256, said: Option<Vec<u8>>, header: &str) -> Result<(), Fault> {
    let fits = said.is_some_and(|said| mac.verify_slice(&said).is_ok());
    if fits { Ok(()) } else { Err(forbidden(format!("{header} does not fit the body"))) }
}

fn forbidden(detail: impl Into<String>) -> Fault {
    Fault::client(FaultKind::Forbidden, detail)
}

/// Checks the secret itself, for providers that sign nothing: they repeat it in one of the credential's headers, or in
/// the address that they were given.
///
/// # Errors
/// Where it is not there, or another.
pub fn check_secret(webhook: &Webhook, secret: &str) -> Result<(), Fault> {
    let headers = CredentialForm::ALL.into_iter().filter_map(|form| form.read(&webhook.headers)).map(str::to_owned);
    let parameters = PARAMETERS.into_iter().filter_map(|name| webhook.parameter(name));
    let said: Vec<String> = headers.chain(parameters).collect();
    if said.is_empty() {
        let detail = "the webhook is not signed; configure its signature, or a header with the secret, at the provider";
        return Err(Fault::client(FaultKind::Unauthenticated, detail));
    }
    let fits = said.iter().any(|said| is_secret(said, secret));
    if fits { Ok(()) } else { Err(forbidden("the webhook's secret is another")) }
}

/// Whether a text is the secret, in constant time.
pub fn is_secret(said: &str, secret: &str) -> bool {
    said.as_bytes().ct_eq(secret.as_bytes()).into()
}

/// Checks the headers of the Standard Webhooks; none where they are not there. The time is signed too, so that a call
/// cannot be repeated later.
pub fn check_standard(webhook: &Webhook, secret: &str, now: OffsetDateTime) -> Option<Result<(), Fault>> {
    let [id, timestamp, signatures] =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| webhook.header(name));
    let (id, timestamp, signatures) = (id?, timestamp?, signatures?);
    let at = timestamp.parse().ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    if at.is_none_or(|at| (now - at).abs() > TOLERANCE) {
        return Some(Err(forbidden("webhook-timestamp is more than five minutes off")));
    }
    let fits = |said: &str| {
        let said = said.strip_prefix("v1,").and_then(|said| STANDARD.decode(said).ok());
        said.is_some_and(|said| standard(secret, id, timestamp, &webhook.body).verify_slice(&said).is_ok())
    };
    let fits = signatures.split(' ').any(fits);
    Some(if fits { Ok(()) } else { Err(forbidden("webhook-signature does not fit the body")) })
}

fn standard(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> HmacSha256 {
    let encoded = secret.strip_prefix(SECRET_PREFIX).and_then(|encoded| STANDARD.decode(encoded).ok());
    let key = encoded.unwrap_or_else(|| secret.as_bytes().to_vec());
    digest(&key, &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body])
}

/// Signs a callback as the Standard Webhooks say. <https://www.standardwebhooks.com>
pub fn sign_standard(callback: &mut Request<Bytes>, signing: &Signing<'_>) {
    let timestamp = signing.at.unix_timestamp().to_string();
    let mac = standard(signing.secret, signing.id, &timestamp, callback.body());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    put(callback, "webhook-id", signing.id);
    put(callback, "webhook-timestamp", &timestamp);
    put(callback, "webhook-signature", &signature);
}

/// Signs a callback with a header of hexadecimal digits after a prefix.
pub fn sign_hex(callback: &mut Request<Bytes>, header: &'static str, prefix: &str, signing: &Signing<'_>) {
    let signature = format!("{prefix}{}", hex(signing.secret, callback.body()));
    put(callback, header, &signature);
}

/// Signs a callback with a header in base64.
pub fn sign_base64(callback: &mut Request<Bytes>, header: &'static str, signing: &Signing<'_>) {
    let mac = digest(signing.secret.as_bytes(), &[callback.body()]);
    put(callback, header, &STANDARD.encode(mac.finalize().into_bytes()));
}

/// A header whose value is ours: ids, digits, base64.
fn put(callback: &mut Request<Bytes>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        callback.headers_mut().insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sixth case of RFC 4231; and a key that is as long as a block, which is none too long.
    #[test]
    fn a_key_longer_than_a_block_is_hashed_first() {
        let hex =
            |length, text: &str| hex::encode(digest(&vec![0xaa; length], &[text.as_bytes()]).finalize().into_bytes());
        assert_eq!(
            hex(131, "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
        assert_eq!(hex(64, "Hi There"), "ebef34e13d0a0fe04593d043bc7a865106db0604211d404c18206d862e5d7852");
    }
}
