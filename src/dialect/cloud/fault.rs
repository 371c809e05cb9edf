//! Faults ↔ Graph errors. Vendor pages: support/error-codes; docs.360dialog.com support/api-error-message-list.
//!
//! The code decides, never the status: throttles come as 400, and some 500s are not transient.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde_json::{Value, json};

use crate::dialect::{Answer, answer, retry_after};
use crate::model::{Fault, FaultKind, UpstreamError};

/// Status, code and title of each kind. One title per code: a fault's own words go into `error_data.details`.
pub(super) fn row(kind: FaultKind) -> (u16, i64, &'static str) {
    use FaultKind::*;
    match kind {
        MalformedBody | WrongContentType => (400, 100, "Invalid parameter"),
        BodyTooLarge => (413, 100, "Invalid parameter"),
        BodyTimeout => (408, 2, "Service temporarily unavailable"),
        MissingMember => (400, 131008, "Required parameter is missing"),
        InvalidMember | InvalidRecipient => (400, 131009, "Parameter value is not valid"),
        TooLong | UnsupportedMember => (400, 100, "Invalid parameter"),
        UnsupportedKind => (400, 131051, "Unsupported message type"),
        NoUpstream => (400, 100, "Invalid parameter"),
        Unauthenticated => (401, 190, "Invalid OAuth access token"),
        Forbidden => (403, 10, "Application does not have permission for this action"),
        NotFound => (404, 100, "Unsupported request"),
        MethodNotAllowed => (405, 100, "Unsupported request"),
        Conflict => (409, 100, "Invalid parameter"),
        KeyReused => (422, 100, "Invalid parameter"),
        // 131052, "Media download error", speaks of files that people send.
        MediaUnreachable | MediaTooLarge | MediaTypeRefused => (400, 131053, "Media upload error"),
        RateLimited => (429, 130429, "Rate limit hit"),
        PairRateLimited => (429, 131056, "(Business Account, Consumer Account) pair rate limit hit"),
        SpamLimited => (429, 131048, "Spam rate limit hit"),
        NotOnWhatsapp => (400, 131026, "Message undeliverable"),
        RecipientIsSender => (400, 131021, "Recipient cannot be sender"),
        RecipientNotAllowed => (400, 131030, "Recipient phone number not in allowed list"),
        RecipientBlocked => (400, 130403, "User blocked by the business"),
        RecipientOptedOut => (400, 131050, "User has stopped marketing messages"),
        Withheld => (400, 131049, "Message withheld to maintain healthy ecosystem engagement"),
        IdentityChanged => (400, 137000, "Recipient identity key hash mismatch"),
        CountryRestricted => (403, 130497, "Business account is restricted from messaging users in this country"),
        WindowClosed => (400, 131047, "Re-engagement message"),
        Expired => (400, 131043, "Message expired"),
        TemplateNotFound => (404, 132001, "Template does not exist"),
        TemplateMismatch => (400, 132000, "Template param count mismatch"),
        TemplateTooLong => (400, 132005, "Template hydrated text too long"),
        TemplatePolicy => (400, 132007, "Template format character policy violated"),
        TemplatePaused => (400, 132015, "Template is paused"),
        TemplateDisabled => (400, 132016, "Template is disabled"),
        FlowBlocked => (400, 132068, "Flow is in blocked state"),
        FlowThrottled => (400, 132069, "Flow is in throttled state"),
        UpstreamCredential => (401, 190, "Access token has expired"),
        UpstreamPermission => (403, 131005, "Access denied"),
        AccountLocked => (403, 131031, "Business account locked"),
        PaymentRequired => (400, 131042, "Business eligibility payment issue"),
        SenderUnavailable => (400, 133010, "Phone number not registered"),
        SenderMaintenance => (400, 131057, "Account in maintenance mode"),
        UpstreamRefused => (400, 135000, "Generic user error"),
        UpstreamUnreachable | UpstreamUnavailable | Overloaded | StoreUnavailable => {
            (503, 131016, "Service unavailable")
        }
        UpstreamTimeout | UpstreamReset | UpstreamFailed | UpstreamUnreadable | Internal => {
            (500, 131000, "Something went wrong")
        }
    }
}

/// The row of a fault: an upload that is refused is a parameter, not a message's file.
fn row_of(fault: &Fault) -> (u16, i64, &'static str) {
    use FaultKind::{MediaTooLarge, MediaTypeRefused, MediaUnreachable, UnsupportedMember};
    match (fault.kind, fault.member.as_deref()) {
        (MediaTooLarge | MediaTypeRefused | MediaUnreachable, Some("file")) => row(UnsupportedMember),
        (kind, _) => row(kind),
    }
}

/// The kind that a code stands for; none where the code says nothing.
pub(super) fn kind_of_code(code: i64) -> Option<FaultKind> {
    use FaultKind::*;
    Some(match code {
        0 | 102 | 104 | 190 => UpstreamCredential,
        1 | 2 | 131000 | 131016 => UpstreamUnavailable,
        3 | 10 | 200..=299 | 131005 | 134011 | 134102 => UpstreamPermission,
        4 | 17 | 341 | 613 | 80007 | 130429 | 131208 => RateLimited,
        33 | 131037 | 131045 | 133000..=133003 | 133005..=133010 | 133015 | 133016 => SenderUnavailable,
        100 | 131009 => InvalidMember,
        368 | 131031 | 131064 => AccountLocked,
        130403 => RecipientBlocked,
        130472 | 131049 => Withheld,
        130497 => CountryRestricted,
        131008 => MissingMember,
        131014 | 131052 => MediaUnreachable,
        131021 => RecipientIsSender,
        131026 => NotOnWhatsapp,
        131030 => RecipientNotAllowed,
        131062 => InvalidRecipient,
        131042 => PaymentRequired,
        131043 => Expired,
        131047 => WindowClosed,
        131048 => SpamLimited,
        131050 => RecipientOptedOut,
        131051 => UnsupportedKind,
        131053 => MediaTypeRefused,
        131056 => PairRateLimited,
        131057 | 133004 | 134101 => SenderMaintenance,
        132000 | 132008 | 132012 | 132018 => TemplateMismatch,
        132001 => TemplateNotFound,
        132005 => TemplateTooLong,
        132007 => TemplatePolicy,
        132015 => TemplatePaused,
        132016 => TemplateDisabled,
        132068 => FlowBlocked,
        132069 => FlowThrottled,
        // Groups, and messages that took the wrong one of the two marketing routes.
        131020 | 131041 | 131055 | 131063 | 131200..=131299 | 134100 | 135000 => UpstreamRefused,
        137000 => IdentityChanged,
        _ => return None,
    })
}

/// Writes the Graph envelope. Where the upstream spoke this family too, its own code, title and trace are kept.
pub fn encode(fault: &Fault, to: &Answer) -> Response<Bytes> {
    let (status, code, title) = row_of(fault);
    let relayed = fault.upstream.as_deref().filter(|upstream| upstream.family == "cloud");
    let code = relayed.and_then(|upstream| upstream.code.as_deref()?.parse().ok()).unwrap_or(code);
    let title = relayed.and_then(|upstream| upstream.title.as_deref()).unwrap_or(title);
    let message = if title.starts_with("(#") { title.to_owned() } else { format!("(#{code}) {title}") };
    let trace = relayed.and_then(|upstream| upstream.trace_id.clone());
    let body = json!({
        "error": {
            "message": message,
            "type": "OAuthException",
            "code": code,
            "error_data": { "messaging_product": "whatsapp", "details": fault.detail },
            "fbtrace_id": trace.unwrap_or_else(|| to.transaction.0.simple().to_string()),
        }
    });
    let mut response = answer(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &body);
    if let Some(wait) = fault.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
    }
    response
}

/// What an upstream said: a Graph error, bare or wrapped once more, or one of 360dialog's own bodies.
struct Said<'a> {
    code: Option<i64>,
    subcode: Option<i64>,
    title: Option<&'a str>,
    details: Option<&'a str>,
    trace_id: Option<&'a str>,
}

fn said(body: &Value) -> Said<'_> {
    let errors = ["/error", "/detail/error"];
    if let Some(error) = errors.iter().find_map(|pointer| body.pointer(pointer).filter(|error| error.is_object())) {
        let text = |pointer: &str| error.pointer(pointer).and_then(Value::as_str);
        return Said {
            code: error.get("code").and_then(whole),
            subcode: error.get("error_subcode").and_then(whole),
            title: text("/message"),
            details: text("/error_data/details").or_else(|| text("/error_data")).or_else(|| text("/error_user_msg")),
            trace_id: text("/fbtrace_id"),
        };
    }
    let own = ["/meta/developer_message", "/meta/developerMessage", "/error", "/detail"];
    let title = own.iter().find_map(|pointer| body.pointer(pointer).and_then(Value::as_str));
    let trace_id = body.pointer("/meta/360dialog_trace_id").and_then(Value::as_str);
    Said { code: None, subcode: None, title, details: None, trace_id }
}

pub(super) fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// Reads an error answer.
pub fn decode(response: &Response<Bytes>, body: &Value) -> Fault {
    let status = response.status();
    let said = said(body);
    let detail = match said.details.or(said.title) {
        Some(words) => words.to_owned(),
        None => format!("the upstream answered {status} without saying why"),
    };
    let wait = retry_after(response).or_else(|| said.code.and_then(usual_wait));
    Fault::upstream(kind_of(status, &said), detail).retry_after(wait).said_by(UpstreamError {
        family: "cloud".to_owned(),
        status: status.as_u16(),
        code: said.code.map(|code| code.to_string()),
        title: said.title.map(str::to_owned),
        trace_id: said.trace_id.map(str::to_owned),
    })
}

fn kind_of(status: StatusCode, said: &Said<'_>) -> FaultKind {
    match said.code.and_then(kind_of_code) {
        // "Unknown" and "unavailable" under a 5xx leave open whether the message went out.
        Some(FaultKind::UpstreamUnavailable) if status.is_server_error() => FaultKind::UpstreamFailed,
        // "Object with ID … does not exist": the phone number id in the path.
        Some(FaultKind::InvalidMember) if said.subcode == Some(33) => FaultKind::SenderUnavailable,
        Some(FaultKind::InvalidMember) if is_missing(said) => FaultKind::MissingMember,
        Some(FaultKind::MediaTypeRefused) => kind_of_media(said.details.unwrap_or_default()),
        Some(kind) => kind,
        None => kind_of_words(status, said),
    }
}

/// One code stands for whatever is wrong with a parameter; its words tell one that is missing.
fn is_missing(said: &Said<'_>) -> bool {
    [said.title, said.details].into_iter().flatten().any(|words| {
        let words = words.to_ascii_lowercase();
        words.contains("is required") || words.contains("is missing") || words.contains("missing required")
    })
}

/// One code stands for every trouble with a file that we send; its details tell them apart.
pub(super) fn kind_of_media(details: &str) -> FaultKind {
    let details = details.to_ascii_lowercase();
    let has = |part: &str| details.contains(part);
    if has("weblink") || has("download") {
        FaultKind::MediaUnreachable
    } else if has("size") || has("too large") {
        FaultKind::MediaTooLarge
    } else {
        FaultKind::MediaTypeRefused
    }
}

/// How long the causes that pass by themselves take, in Meta's words: maintenance, a template that is being synced.
fn usual_wait(code: i64) -> Option<Duration> {
    match code {
        131057 => Some(Duration::from_secs(60)),
        134101 => Some(Duration::from_secs(600)),
        _ => None,
    }
}

/// 360dialog's own refusals have no code, and a throttle may be a 400: their words decide, then the status.
fn kind_of_words(status: StatusCode, said: &Said<'_>) -> FaultKind {
    let words = said.title.unwrap_or_default().to_ascii_lowercase();
    let has = |part: &str| words.contains(part);
    match status.as_u16() {
        429 => FaultKind::RateLimited,
        400 if said.code.is_some() => FaultKind::UpstreamRefused,
        400 if has("rate limit") || has("request every") => FaultKind::RateLimited,
        400 if has("disabled") => FaultKind::AccountLocked,
        400 if has("invoice") || has("payment") => FaultKind::PaymentRequired,
        401 => FaultKind::UpstreamCredential,
        403 => FaultKind::UpstreamPermission,
        // 360dialog's gateway refuses under load before it passes anything on, and says so in words.
        503 if said.title.is_some() && said.code.is_none() => FaultKind::UpstreamUnavailable,
        500..=599 => FaultKind::UpstreamFailed,
        200..=299 => FaultKind::UpstreamUnreadable,
        _ => FaultKind::UpstreamRefused,
    }
}
