//! The settings that clients read and change: what may stand in them, and how they are answered.
//!
//! Only what the gateway acts on is checked. The rest is kept and given back, so that a client finds what it set.

use serde_json::{Value, json};
use url::Url;

use super::providers;
use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::model::{Fault, FaultKind, Setting};

/// Longest line below the business's name.
const ABOUT: usize = 139;
/// Addresses of a business at most.
const WEBSITES: usize = 2;

/// Reads what a client sets.
pub fn decode(setting: Setting, body: Value) -> Result<Value, Fault> {
    match setting {
        Setting::Application => application(body),
        Setting::Webhook => webhook(body),
        Setting::BusinessProfile => business_profile(body),
        Setting::About => about(body),
        Setting::MediaProviders => providers::decode(body),
    }
}

fn application(body: Value) -> Result<Value, Fault> {
    let mut members = Members::of_body(body.clone())?;
    if let Some(mut webhooks) = members.optional_object("webhooks")? {
        let path = webhooks.path("url");
        if let Some(url) = webhooks.optional_text("url", ANY_LENGTH)? {
            check_address(&path, &url)?;
        }
    }
    Ok(body)
}

fn webhook(body: Value) -> Result<Value, Fault> {
    let mut members = Members::of_body(body)?;
    let url = members.optional_text("url", ANY_LENGTH)?;
    let url = url.ok_or_else(|| Fault::missing("url", "give the address that events are sent to"))?;
    check_address("url", &url)?;
    let headers = members.optional_object("headers")?.map(|headers| Value::Object(headers.rest().0));
    Ok(json!({ "url": url, "headers": headers.unwrap_or_else(|| json!({})) }))
}

/// An empty address takes the webhook away.
fn check_address(member: &str, address: &str) -> Result<(), Fault> {
    let scheme = Url::parse(address).ok().map(|url| url.scheme().to_owned());
    match scheme.as_deref() {
        Some("http" | "https") => Ok(()),
        None if address.is_empty() => Ok(()),
        _ => Err(Fault::invalid(member, "is no address; give one that begins with https://")),
    }
}

fn business_profile(body: Value) -> Result<Value, Fault> {
    let websites = Members::of_body(body.clone())?.list("websites")?.len();
    if websites > WEBSITES {
        let what = format_args!("has {websites} entries; at most {WEBSITES} are allowed");
        return Err(Fault::at(FaultKind::TooLong, "websites", what));
    }
    Ok(body)
}

fn about(body: Value) -> Result<Value, Fault> {
    let text = Members::of_body(body)?.optional_text("text", ABOUT)?;
    let text = text.ok_or_else(|| Fault::missing("text", "give the line to show"))?;
    Ok(json!({ "text": text }))
}

/// Writes a setting for a client that asks for it. 360dialog's webhook stands alone, without `settings` around it.
pub fn encode(setting: Setting, value: Option<&Value>, sender: Option<&str>) -> Value {
    let or = |default: Value| value.cloned().unwrap_or(default);
    let inside = match setting {
        Setting::Webhook => return or(json!({ "url": "", "headers": {} })),
        Setting::Application => json!({ "application": application_of(value, sender) }),
        Setting::BusinessProfile => json!({ "business": { "profile": or(json!({})) } }),
        Setting::About => json!({ "profile": { "about": or(json!({ "text": "" })) } }),
        Setting::MediaProviders => providers::encode(value),
    };
    json!({ "settings": inside })
}

/// Every key that the vendor documents, with the client's values over its defaults. That `sent` is told unless a client
/// forbids it is the gateway's own.
fn application_of(changes: Option<&Value>, sender: Option<&str>) -> Value {
    let mut all = defaults();
    merge(&mut all, changes.unwrap_or(&Value::Null));
    merge(&mut all, &json!({ "wa_id": sender.unwrap_or_default() }));
    merge(&mut all, &sent_of(changes));
    all
}

/// The later option for `sent` takes the place of the earlier one, whichever the client set.
fn sent_of(changes: Option<&Value>) -> Value {
    let said = |pointer: &str| changes.and_then(|changes| changes.pointer(pointer)).and_then(Value::as_bool);
    let sent = said("/webhooks/message/sent").or_else(|| said("/sent_status")).unwrap_or(true);
    json!({ "sent_status": sent, "webhooks": { "message": { "sent": sent } } })
}

fn defaults() -> Value {
    json!({
        "callback_backoff_delay_ms": "3000",
        "callback_persist": true,
        "contacts_api_rate_limit": ["15", "54600", "1000000"],
        "contacts_scrape_rate_limit": "",
        "heartbeat_interval": 5,
        "max_callback_backoff_delay_ms": "900000",
        "media": { "auto_download": [] },
        "messaging_api_rate_limit": ["15", "54600", "1000000"],
        "notify_user_change_number": false,
        "on_call_pager": "",
        "pass_through": false,
        "show_security_notifications": false,
        "skip_referral_media_download": false,
        "unhealthy_interval": 30,
        "webhooks": { "max_concurrent_requests": 6, "message": { "delivered": true, "read": true }, "url": "" },
    })
}

/// Lays the members of one object over those of another.
fn merge(all: &mut Value, changes: &Value) {
    match (all, changes) {
        (Value::Object(all), Value::Object(changes)) => {
            for (name, change) in changes {
                merge(all.entry(name).or_insert(Value::Null), change);
            }
        }
        (_, Value::Null) => {}
        (place, change) => *place = change.clone(),
    }
}
