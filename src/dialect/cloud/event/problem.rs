//! An entry of `errors` in a webhook. Vendor pages: support/error-codes, webhooks/reference/messages/errors.

use serde_json::{Value, json};

use crate::dialect::Telling;
use crate::dialect::cloud::fault::{kind_of_code, kind_of_media, row, whole};
use crate::dialect::reader::Members;
use crate::dialect::shapes::Object;
use crate::dialect::shapes::event::filled;
use crate::model::{Fault, FaultKind, Problem, UpstreamError};

const FAMILY: &str = "cloud";
const HREF: &str = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/";

/// Reads `{"code", "title", "message", "error_data": {"details"}, "href"}`.
pub fn decode(mut error: Members) -> Result<Problem, Fault> {
    let code = error.take("code").as_ref().and_then(whole);
    let (title, message) = (filled(&mut error, "title")?, filled(&mut error, "message")?);
    let mut details = None;
    if let Some(mut data) = error.optional_object("error_data")? {
        details = filled(&mut data, "details")?;
        data.ignore(&["messaging_product"]);
        error.keep("error_data", data);
    }
    let words = details.or_else(|| message.clone()).or_else(|| title.clone());
    let detail = words.unwrap_or_else(|| "the provider does not say why".to_owned());
    error.ignore(&["href"]);
    let fault = Fault::upstream(kind_of(code, &detail), detail).said_by(UpstreamError {
        family: FAMILY.to_owned(),
        code: code.map(|code| code.to_string()),
        title: title.or(message),
        ..UpstreamError::default()
    });
    Ok(Problem { fault, extra: error.rest() })
}

/// What a webhook says of a failure that has no code of its own.
const GENERIC: (i64, &str) = (131_000, "Something went wrong");

/// A failure that a webhook tells is certain: nothing of it is ambiguous, and "something went wrong" will not pass.
fn kind_of(code: Option<i64>, detail: &str) -> FaultKind {
    match code.filter(|code| *code != GENERIC.0).and_then(kind_of_code) {
        Some(FaultKind::MediaTypeRefused) => kind_of_media(detail),
        Some(kind) => kind,
        None => FaultKind::UpstreamRefused,
    }
}

/// Code and title.
fn told(fault: &Fault) -> (i64, &'static str) {
    let said = fault.upstream.as_deref().filter(|said| said.family != FAMILY);
    if let Some(kin) = said.and_then(|said| kin(said.code.as_deref()?)) {
        return kin;
    }
    match (fault.kind, row(fault.kind)) {
        (FaultKind::UpstreamRefused, _) => GENERIC,
        (_, (_, code, title)) => (code, title),
    }
}

/// The On-Premises API's codes for what has one of its own here too, and only a kind in common with something else.
fn kin(code: &str) -> Option<(i64, &'static str)> {
    match code {
        "400" => Some((131_052, "Media download error")),
        "430" | "432" | "433" => Some((131_045, "Incorrect certificate")),
        "472" => Some((130_472, "User's number is part of an experiment")),
        "2012" => Some((132_012, "Parameter format does not match")),
        _ => None,
    }
}

/// Writes it. Where the provider speaks this dialect too, its own code and title are kept.
pub fn encode(problem: &Problem, telling: &mut Telling<'_>) -> Value {
    let fault = &problem.fault;
    let (code, title) = told(fault);
    let relayed = fault.upstream.as_deref().filter(|upstream| upstream.family == FAMILY);
    let code = relayed.and_then(|upstream| upstream.code.as_deref()?.parse().ok()).unwrap_or(code);
    let title = relayed.and_then(|upstream| upstream.title.as_deref()).unwrap_or(title);
    let mut object = Object::new();
    object.put("code", code);
    object.put("title", title);
    object.put("message", title);
    object.put("error_data", json!({ "details": fault.detail }));
    object.put("href", HREF);
    telling.extra(&problem.extra, "errors[0]", &mut object.0);
    object.into()
}
