//! Named credentials for media links: `/v1/settings/application/media/providers`. Vendor page (archived):
//! docs/whatsapp/api/settings/app, "Media Providers".
//!
//! They are kept by their names, each as `{"bearer"}` or `{"user", "password"}`, and are never given back.

use serde_json::{Map, Value, json};

use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::model::Fault;

/// Names that can stand in front of a link, as old clients write them.
const NAME: usize = 128;

/// Reads a list of credentials. One of a name takes the place of the one before.
pub fn decode(body: Value) -> Result<Value, Fault> {
    let Value::Array(entries) = body else {
        return Err(Fault::invalid("providers", "is no list; send [{\"name\", \"type\": \"www\", \"config\"}]"));
    };
    let entries = entries.into_iter().enumerate().map(|(at, entry)| provider(&format!("[{at}]"), entry));
    entries.collect::<Result<Map<_, _>, _>>().map(Value::Object)
}

fn provider(path: &str, entry: Value) -> Result<(String, Value), Fault> {
    let mut members = Members::of(path, entry)?;
    let name = members.optional_text("name", NAME)?.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Fault::missing(format!("{path}.name"), "messages call for it by this name"))?;
    let missing =
        || Fault::missing(format!("{path}.config"), "give {\"bearer\"} or {\"basic\": {\"username\", \"password\"}}");
    let mut config = members.optional_object("config")?.ok_or_else(missing)?;
    let bearer = config.optional_text("bearer", ANY_LENGTH)?;
    let Some(mut basic) = config.optional_object("basic")? else {
        let token = bearer.ok_or_else(missing)?;
        return Ok((name, json!({ "bearer": token, "user": null, "password": null })));
    };
    let user = basic.optional_text("username", ANY_LENGTH)?.ok_or_else(missing)?;
    let password = basic.optional_text("password", ANY_LENGTH)?.ok_or_else(missing)?;
    Ok((name, json!({ "bearer": null, "user": user, "password": password })))
}

/// Takes one away.
pub fn without(name: &str) -> Value {
    json!({ name: null })
}

/// Their names and forms.
pub fn encode(value: Option<&Value>) -> Value {
    let providers = value.and_then(Value::as_object).into_iter().flatten().map(|(name, config)| {
        let form = if config.get("bearer").is_some() { "bearer" } else { "basic" };
        json!({ "name": name, "type": "www", "config": { form: "***" } })
    });
    json!({ "application": { "media": { "providers": providers.collect::<Vec<_>>() } } })
}
