//! An entry of `errors` in a webhook. Vendor page (archived): docs/whatsapp/on-premises/errors.
//!
//! Webhooks have codes of their own: a recipient that cannot be reached is 1013 in an answer and 1026 here.

use serde_json::Value;

use crate::dialect::Telling;
use crate::dialect::on_premises::fault::{CLOUD, FAMILY, GENERIC, HREF, kind_of_code, row};
use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::dialect::shapes::Object;
use crate::dialect::shapes::event::filled;
use crate::model::{Fault, FaultKind, Problem, UpstreamError};

/// Reads `{"code", "title", "details"?, "href"?}`; Turn hands the Cloud API's members through.
pub fn decode(mut error: Members) -> Result<Problem, Fault> {
    let code: Option<i64> = error.optional_text("code", ANY_LENGTH)?.and_then(|code| code.parse().ok());
    let title = filled(&mut error, "title")?;
    let mut details = filled(&mut error, "details")?;
    if let Some(mut data) = error.optional_object("error_data")? {
        details = details.or(filled(&mut data, "details")?);
        error.keep("error_data", data);
    }
    let words = details.or_else(|| title.clone());
    let detail = words.unwrap_or_else(|| "the provider does not say why".to_owned());
    error.ignore(&["href"]);
    let kind = code.and_then(|code| kind_of_code(code).or_else(|| kind_of_code(code.checked_sub(CLOUD)?)));
    let fault = Fault::upstream(kind.unwrap_or(FaultKind::UpstreamRefused), detail).said_by(UpstreamError {
        family: FAMILY.to_owned(),
        code: code.map(|code| code.to_string()),
        title,
        ..UpstreamError::default()
    });
    Ok(Problem { fault, extra: error.rest() })
}

/// What 1000 is in an answer.
const GENERIC_HERE: i64 = 500;

/// The Cloud API's codes for what has one of its own here too, and only a kind in common with something else.
fn kin(code: &str) -> Option<(i64, &'static str)> {
    match code {
        "130472" => Some((472, "User's number is part of an experiment")),
        "131045" => Some((430, "Unsigned certificate")),
        "132012" => Some((2012, "Template parameter format mismatch")),
        _ => None,
    }
}

/// Code and title of each kind in a webhook.
fn told(kind: FaultKind) -> (i64, &'static str) {
    use FaultKind::*;
    match kind {
        NotOnWhatsapp => (1026, "Receiver incapable"),
        RateLimited | PairRateLimited => (429, "Rate limit hit"),
        // In an answer courier stops an account's bulk messages for a day at it; in a webhook it is the word for it.
        SpamLimited | Withheld => (471, "Spam rate limit hit"),
        IdentityChanged => (480, "User potentially changed"),
        UnsupportedKind => (501, "Message type is not currently supported"),
        SenderUnavailable => (1011, "Service not ready"),
        kind => match row(kind) {
            (_, GENERIC, title) => (GENERIC_HERE, title),
            (_, code, title) => (code, title),
        },
    }
}

/// Writes it. Where the provider speaks this dialect too, its own code and title are kept; where there is no code for
/// the fault, the details tell the provider's.
pub fn encode(problem: &Problem, telling: &mut Telling<'_>) -> Value {
    let fault = &problem.fault;
    let said = fault.upstream.as_deref();
    let (code, title) = said.and_then(|said| kin(said.code.as_deref()?)).unwrap_or_else(|| told(fault.kind));
    let own = said.filter(|said| said.family == FAMILY).and_then(|said| Some((said.code.as_deref()?, said)));
    let own = own.and_then(|(code, said)| Some((code.parse::<i64>().ok()?, said.title.as_deref()?)));
    let mut object = Object::new();
    object.put("code", own.map_or(code, |(code, _)| code));
    object.put("title", own.map_or(title, |(_, title)| title));
    object.put("details", details(fault, own.is_none() && code == GENERIC_HERE));
    object.put("href", HREF);
    telling.extra(&problem.extra, "errors[0]", &mut object.0);
    object.into()
}

/// The fault's own words, with the provider's code where ours says nothing.
fn details(fault: &Fault, is_generic: bool) -> String {
    match fault.upstream.as_deref().and_then(|said| said.code.as_deref()) {
        Some(said) if is_generic => format!("upstream code {said}: {}", fault.detail),
        _ => fault.detail.clone(),
    }
}
