//! What clients of this dialect call beside sends and media: the vendor's catalogue, row by row.
//!
//! What the gateway has no part in (users, registration, certificates, profile photos) is refused with 1005, as the
//! vendor's server did for a user who may not: clients take it for an answer. Groups left the product long ago.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::providers;
use super::{BASIC, fault, meta_of, settings};
use crate::dialect::reader::{ANY_LENGTH, Members, decimal, kind_of, unquoted};
use crate::dialect::{Call, Serving, answer};
use crate::model::{CheckedContact, Fault, FaultKind, HealthForm, Login, Manner, Served, Service, Setting};

/// How long a token of a login is good for.
const LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Shortest and longest password.
const PASSWORD: std::ops::RangeInclusive<usize> = 8..=64;

/// Whether a path is one of this dialect's alone; AISoule, which has a few below `/v1` too, has none of these.
pub fn is_own(path: &str) -> bool {
    let first = path.strip_prefix("/v1/").and_then(|path| path.split('/').next());
    matches!(
        first,
        Some(
            "users"
                | "contacts"
                | "media"
                | "health"
                | "settings"
                | "configs"
                | "stats"
                | "metrics"
                | "support"
                | "services"
                | "groups"
                | "account"
                | "certificates"
                | "stickerpacks"
        )
    )
}

/// Reads a call; none where the catalogue has no such row.
pub fn decode(call: &Call) -> Option<Result<Service, Fault>> {
    let path: Vec<&str> = call.path.strip_prefix("/v1/")?.split('/').collect();
    let method = if call.method == Method::HEAD { "GET" } else { call.method.as_str() };
    Some(match (method, path.as_slice()) {
        ("POST", ["users", "login"]) => login(call),
        ("POST", ["users", "logout"]) => Ok(Service::Logout),
        ("POST", ["contacts"]) => contacts(call),
        ("GET", ["health"]) => Ok(Service::Health),
        ("GET", ["stats", _] | ["metrics" | "support"]) => Ok(Service::Statistics),
        ("PUT" | "POST", ["services", "message", "gc"]) => Ok(Service::Nothing),
        ("GET", ["configs", "phone_number"]) => Ok(Service::Profile),
        ("GET", ["configs", "templates"]) => Ok(Service::Templates),
        ("PUT", ["contacts", _, "identity"]) => Ok(Service::Nothing),
        ("GET", ["contacts", _, "identity"]) => not_found("no change of identity is known of this contact"),
        ("GET", ["settings", "profile", "photo"]) => not_found("no photo is set; photos are kept by the provider"),
        ("DELETE", ["settings", "profile", "photo"]) => Ok(Service::Nothing),
        (_, ["groups", ..]) => {
            let fault = Fault::invalid("recipient_type", "groups are no longer served; write to persons");
            Ok(Service::Refuse(fault))
        }
        (method, ["settings" | "configs", ..]) => return setting(method, &path, call),
        (_, ["users" | "account" | "certificates" | "stickerpacks", ..] | ["contacts", _, "block"]) => forbidden(),
        _ => return None,
    })
}

fn setting(method: &str, path: &[&str], call: &Call) -> Option<Result<Service, Fault>> {
    let setting = match path {
        ["settings", "application"] => Setting::Application,
        ["settings", "business", "profile"] => Setting::BusinessProfile,
        ["settings", "profile", "about"] => Setting::About,
        ["configs", "webhook"] => Setting::Webhook,
        ["settings", "application", "media", "providers"] => Setting::MediaProviders,
        ["settings", "application", "media", "providers", name] if method == "DELETE" => {
            return Some(Ok(Service::Change(Setting::MediaProviders, providers::without(name))));
        }
        // Templates, photos, the two-step code, backups: the provider's affair.
        _ => return Some(forbidden()),
    };
    match method {
        "GET" => Some(Ok(Service::Read(setting))),
        "DELETE" => Some(Ok(Service::Clear(setting))),
        "POST" | "PATCH" | "PUT" => {
            Some(settings::decode(setting, call.body.clone()).map(|value| Service::Change(setting, value)))
        }
        _ => None,
    }
}

fn not_found(detail: &str) -> Result<Service, Fault> {
    Ok(Service::Refuse(Fault::client(FaultKind::NotFound, detail)))
}

fn forbidden() -> Result<Service, Fault> {
    let detail = "the gateway has no part in this; ask its operator, or the provider behind it";
    Ok(Service::Refuse(Fault::client(FaultKind::Forbidden, detail)))
}

/// Name and password stand in the header. The body is absent, empty, `null`, or holds a new password.
fn login(call: &Call) -> Result<Service, Fault> {
    let body = match call.body.clone() {
        Value::Null => Value::Object(Map::new()),
        body => body,
    };
    let new_password = Members::of_body(body)?.optional_text("new_password", ANY_LENGTH)?;
    if new_password.as_deref().is_some_and(|password| !is_strong(password)) {
        let what = "is too weak; give 8 to 64 characters with an upper case letter, a lower case letter, a digit and \
                    another sign";
        return Err(Fault::invalid("new_password", what));
    }
    let Some((user, password)) = basic(call) else {
        let detail = "no name and password came with the request; send Authorization: Basic";
        return Err(Fault::client(FaultKind::Unauthenticated, detail));
    };
    Ok(Service::Login(Login {
        user,
        password: SecretString::from(password),
        new_password: new_password.map(SecretString::from),
        life: LIFE,
    }))
}

fn basic(call: &Call) -> Option<(String, String)> {
    let (scheme, coded) = call.headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    let decoded = STANDARD.decode(coded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

fn is_strong(password: &str) -> bool {
    let has = |test: fn(char) -> bool| password.chars().any(test);
    PASSWORD.contains(&password.chars().count())
        && has(char::is_uppercase)
        && has(char::is_lowercase)
        && has(char::is_numeric)
        && has(|c| !c.is_alphanumeric())
}

/// `blocking` and `force_check` mean nothing here: the answer is known at once. The members of one list, or the one
/// member that a form with a single field holds.
fn contacts(call: &Call) -> Result<Service, Fault> {
    let mut body = Members::of_body(call.body.clone())?;
    let entries = match unquoted(body.require("contacts", "give a list of numbers")?) {
        Value::Array(entries) => entries,
        one @ (Value::String(_) | Value::Number(_)) => vec![one],
        other => {
            return Err(Fault::invalid("contacts", format_args!("is {}; give a list of numbers", kind_of(&other))));
        }
    };
    let inputs = entries.into_iter().enumerate().map(|(at, entry)| match entry {
        Value::String(input) => Ok(input),
        Value::Number(input) => Ok(decimal(&input)),
        other => {
            let what = format_args!("is {}; give a number as a text", kind_of(&other)).to_string();
            Err(Fault::invalid(format!("contacts[{at}]"), what))
        }
    });
    Ok(Service::CheckContacts(inputs.collect::<Result<_, _>>()?))
}

/// Writes the answer: exactly 200, and `meta` beside what was asked for, but on the paths that are 360dialog's own.
pub fn encode(serving: &Serving<'_>) -> Response<Bytes> {
    let body = match serving.served {
        Served::LoginRefused => return refuse_login(),
        Served::Templates => return answer(StatusCode::OK, &no_templates()),
        Served::Profile(_) => return answer(StatusCode::OK, &json!({ "phone_number": serving.sender })),
        Served::Setting(Setting::Webhook, value) => return webhook(value.as_ref()),
        Served::Changed(Setting::Webhook, value) => return webhook(Some(value)),
        Served::LoggedIn { token, expires_at } => json!({ "users": [user(token, *expires_at)] }),
        Served::Contacts(contacts) => json!({ "contacts": contacts.iter().map(contact).collect::<Vec<_>>() }),
        Served::Health { ready } => json!({ "health": health(*ready, serving.manner) }),
        Served::Statistics => json!({ "stats": {} }),
        Served::Setting(setting, value) => settings::encode(*setting, value.as_ref(), serving.sender),
        Served::Done | Served::Changed(..) => json!({}),
    };
    let mut response = answer(StatusCode::OK, &with_meta(body, serving.manner));
    if matches!(serving.served, Served::LoggedIn { .. }) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(BASIC));
    }
    response
}

fn webhook(value: Option<&Value>) -> Response<Bytes> {
    answer(StatusCode::OK, &settings::encode(Setting::Webhook, value, None))
}

fn with_meta(mut body: Value, manner: &Manner) -> Value {
    if let Value::Object(members) = &mut body {
        members.insert("meta".to_owned(), meta_of(manner.version.as_deref()));
    }
    body
}

fn refuse_login() -> Response<Bytes> {
    fault::encode(&Fault::client(FaultKind::Unauthenticated, "the name or the password is wrong"))
}

/// A blank between date and time, an offset with a colon, no fraction: one client reads exactly this, and ends where it
/// cannot.
fn user(token: &SecretString, expires_at: OffsetDateTime) -> Value {
    let form = format_description!(
        "[year]-[month]-[day] [hour]:[minute]:[second][offset_hour sign:mandatory]:[offset_minute]"
    );
    json!({ "token": token.expose_secret(), "expires_after": expires_at.format(form).unwrap_or_default() })
}

fn contact(contact: &CheckedContact) -> Value {
    match &contact.wa_id {
        Some(wa_id) => json!({ "input": contact.input, "status": "valid", "wa_id": wa_id }),
        None => json!({ "input": contact.input, "status": "invalid" }),
    }
}

/// LoyJoy restarts the machine at anything but `connected` in the flat form, and no restart brings back a store that is
/// away: `/readyz` tells that.
fn health(ready: bool, manner: &Manner) -> Value {
    match manner.health {
        HealthForm::Flat => json!({ "gateway_status": "connected" }),
        HealthForm::Nodes => {
            let status = if ready { "connected" } else { "connecting" };
            json!({ "sabir:core-0": { "gateway_status": status, "role": "coreapp" } })
        }
    }
}

fn no_templates() -> Value {
    json!({
        "count": 0, "total": 0, "limit": 1000, "offset": 0, "sort": [], "filters": {}, "waba_templates": []
    })
}
