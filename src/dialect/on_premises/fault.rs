//! Faults ↔ `errors` beside `meta`. Vendor pages (archived): docs/whatsapp/on-premises/errors; docs.360dialog.com
//! (Error messages), whatsapp.turn.io/docs/api/errors.
//!
//! Codes that the vendor gave in webhooks only (400, 402, 410, 470) are answered at once where the gateway knows at
//! once: every client has them in its tables. 471 is not: courier stops an account's bulk messages for a day at it.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::{BASIC, meta};
use crate::dialect::{answer, retry_after};
use crate::model::{Fault, FaultKind, Origin, UpstreamError, Verdict};

pub(super) const HREF: &str = "https://developers.facebook.com/docs/whatsapp/on-premises/errors";
pub(super) const FAMILY: &str = "on-premises";
pub(super) const GENERIC: i64 = 1000;
/// Turn hands the Cloud API's codes through; but for the oldest, they are those of this dialect plus this.
pub(super) const CLOUD: i64 = 130_000;

/// Status, code and title of each kind. One title per code: a fault's own words go into `details`.
pub(super) fn row(kind: FaultKind) -> (u16, i64, &'static str) {
    use FaultKind::*;
    match kind {
        MalformedBody | WrongContentType => (400, 1025, "Request is not valid"),
        BodyTooLarge => (413, 1025, "Request is not valid"),
        BodyTimeout => (408, 1016, "System overloaded"),
        MissingMember => (400, 1008, "Required parameter is missing"),
        InvalidMember | InvalidRecipient | TooLong | UnsupportedKind | NoUpstream => {
            (400, 1009, "Parameter value is not valid")
        }
        UnsupportedMember => (400, 1010, "Parameter is not required"),
        Unauthenticated => (401, 1005, "Access denied"),
        Forbidden => (403, 1005, "Access denied"),
        NotFound => (404, 1006, "Resource not found"),
        MethodNotAllowed => (405, 1025, "Request is not valid"),
        Conflict => (409, 1004, "Resource already exists"),
        KeyReused => (422, 1004, "Resource already exists"),
        MediaUnreachable => (400, 400, "Media download error"),
        MediaTooLarge | MediaTypeRefused => (400, 1009, "Parameter value is not valid"),
        RateLimited | PairRateLimited => (429, 1015, "Too many requests"),
        NotOnWhatsapp => (400, 1013, "User is not valid"),
        RecipientIsSender => (400, 1021, "Bad user"),
        RecipientNotAllowed | RecipientBlocked => (400, 1007, "Recipient blocked"),
        IdentityChanged => (400, 1028, "Identity change needs acknowledgement"),
        WindowClosed => (400, 470, "Re-engagement message"),
        Expired => (400, 410, "Message expired"),
        TemplateNotFound => (400, 2001, "Template missing"),
        TemplateMismatch => (400, 2000, "Template param count mismatch"),
        TemplateTooLong => (400, 2005, "Template hydrated text too long"),
        TemplatePolicy => (400, 2007, "Template format character policy violated"),
        TemplatePaused => (400, 2061, "Template paused"),
        TemplateDisabled => (400, 2062, "Template disabled"),
        FlowBlocked => (400, 2068, "Flow blocked"),
        FlowThrottled => (400, 2069, "Flow throttled"),
        // Never 401: a client would log in again, for ever.
        UpstreamCredential | UpstreamPermission | SenderMaintenance => (503, 1011, "Service not ready"),
        // Nor 1011, which goes with 503: clients would repeat for ever what fails again.
        SenderUnavailable => (403, 1005, "Access denied"),
        AccountLocked => (403, 1031, "Sender account has been locked"),
        PaymentRequired => (400, 402, "Business eligibility — payment issue"),
        // No code of its own. Under 500 clients would repeat what fails again; a spam limit lasts hours, so that 429
        // would bring them back every other second.
        SpamLimited | Withheld | CountryRestricted | RecipientOptedOut | UpstreamRefused => {
            (400, GENERIC, "Generic error")
        }
        UpstreamUnreachable | UpstreamUnavailable | Overloaded | StoreUnavailable => (503, 1016, "System overloaded"),
        // The message may have gone out: not 1016 under 503, at which clients repeat it.
        UpstreamTimeout | UpstreamReset | UpstreamFailed | UpstreamUnreadable | Internal => {
            (500, GENERIC, "Generic error")
        }
    }
}

/// The row of a fault: some codes tell more than its kind.
fn row_of(fault: &Fault) -> (u16, i64, &'static str) {
    match (fault.kind, fault.member.as_deref()) {
        (FaultKind::TooLong, Some("text.body")) => (400, 1001, "Message too long"),
        (FaultKind::InvalidMember, Some("recipient_type")) => (400, 1002, "Invalid recipient type"),
        // 400 speaks of files that people send.
        (FaultKind::MediaUnreachable, _) if fault.origin == Origin::Client => row(FaultKind::InvalidMember),
        // At 404 clients check the contact and send again: it is for paths and files of ours.
        (FaultKind::NotFound, _) if fault.origin == Origin::Upstream => row(FaultKind::UpstreamRefused),
        // The gateway's own account fails at the provider.
        (FaultKind::UpstreamUnavailable, _) if fault.origin == Origin::Gateway => row(FaultKind::UpstreamCredential),
        (kind, _) => row(kind),
    }
}

/// The kind that a code stands for; none where the code says nothing.
pub(super) fn kind_of_code(code: i64) -> Option<FaultKind> {
    use FaultKind::*;
    Some(match code {
        // The Cloud API's oldest.
        1 | 2 => UpstreamUnavailable,
        4 | 80007 => RateLimited,
        33 | 131037 => SenderUnavailable,
        100 => InvalidMember,
        10 | 200..=299 => UpstreamPermission,
        190 => UpstreamCredential,
        368 => AccountLocked,
        400 | 131052 => MediaUnreachable,
        401 | 1003 | 1012 => InvalidRecipient,
        402 | 131042 => PaymentRequired,
        408 | 410 | 131043 => Expired,
        429 | 1015 => RateLimited,
        430 | 432 | 433 | 131045 | 133010 => SenderUnavailable,
        470 | 131047 => WindowClosed,
        471 | 131048 => SpamLimited,
        472 | 131049 => Withheld,
        480 | 1028 | 137000 => IdentityChanged,
        501 | 131051 => UnsupportedKind,
        1001 => TooLong,
        1002 | 1009 | 2015..=2017 | 2023..=2030 | 2036 | 2050 => InvalidMember,
        1004 => Conflict,
        1005 => UpstreamPermission,
        1006 => NotFound,
        1007 | 131030 => RecipientNotAllowed,
        1008 | 2014 => MissingMember,
        1010 => UnsupportedMember,
        1011 | 1016..=1018 => UpstreamUnavailable,
        1013 | 1026 => NotOnWhatsapp,
        1021 => RecipientIsSender,
        1024 => UpstreamCredential,
        1025 => MalformedBody,
        1031 => AccountLocked,
        2000 | 2008..=2013 => TemplateMismatch,
        2001..=2003 | 2060 => TemplateNotFound,
        2004 | 2005 => TemplateTooLong,
        2006 | 2007 => TemplatePolicy,
        2061 | 132015 => TemplatePaused,
        2062 | 132016 => TemplateDisabled,
        2068 => FlowBlocked,
        2069 => FlowThrottled,
        130497 => CountryRestricted,
        131050 => RecipientOptedOut,
        131053 => MediaTypeRefused,
        131056 => PairRateLimited,
        131057 | 133004 | 134101 => SenderMaintenance,
        _ => return None,
    })
}

/// Writes `errors` with one entry.
pub fn encode(fault: &Fault) -> Response<Bytes> {
    let (status, code, title) = row_of(fault);
    let details = details(fault, code);
    let (code, title) = relayed(fault).unwrap_or((code, title));
    let error = json!({ "code": code, "title": title, "details": &details, "href": HREF });
    let body = json!({ "errors": [error], "meta": failed_meta(status, &details) });
    let mut response = answer(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &body);
    if fault.kind == FaultKind::Unauthenticated {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(BASIC));
    }
    if let Some(wait) = fault.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
    }
    response
}

/// Clients of 360dialog look there for the words, and some nowhere else.
fn failed_meta(status: u16, words: &str) -> Value {
    let mut meta = meta();
    if let Value::Object(members) = &mut meta {
        members.insert("success".to_owned(), false.into());
        members.insert("http_code".to_owned(), status.into());
        members.insert("developer_message".to_owned(), words.into());
    }
    meta
}

/// Where the upstream spoke this dialect too, its own code and title are kept, but for two. A refused recipient has one
/// form: at 1013 clients turn to other channels, at 1006 they would check the contact and send again. And at 471 courier
/// stops an account's bulk messages for a day.
fn relayed(fault: &Fault) -> Option<(i64, &str)> {
    let upstream = fault.upstream.as_deref().filter(|upstream| upstream.family == FAMILY)?;
    let (code, title) = (upstream.code.as_deref()?.parse().ok()?, upstream.title.as_deref()?);
    (!matches!(fault.kind, FaultKind::NotOnWhatsapp | FaultKind::SpamLimited)).then_some((code, title))
}

/// The fault's own words, with the upstream's code where the answer's says nothing.
fn details(fault: &Fault, code: i64) -> String {
    let said = fault.upstream.as_deref().and_then(|upstream| upstream.code.as_deref());
    match said {
        _ if fault.kind == FaultKind::NotOnWhatsapp => "Recipient is not a valid WhatsApp user".to_owned(),
        Some(said) if code == GENERIC && relayed(fault).is_none() => format!("upstream code {said}: {}", fault.detail),
        _ => fault.detail.clone(),
    }
}

/// What an upstream said: the first of its `errors`, or one of 360dialog's own bodies.
struct Said<'a> {
    code: Option<i64>,
    title: Option<&'a str>,
    details: Option<&'a str>,
    trace_id: Option<&'a str>,
}

fn said(body: &Value) -> Said<'_> {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let code = body.pointer("/errors/0/code");
    let own = ["/errors/0/title", "/meta/developer_message", "/meta/developerMessage"];
    Said {
        code: code.and_then(|code| code.as_i64().or_else(|| code.as_str()?.parse().ok())),
        title: own.iter().find_map(|pointer| text(pointer)),
        details: text("/errors/0/details"),
        trace_id: text("/meta/360dialog_trace_id"),
    }
}

/// Reads an error answer.
pub fn decode(response: &Response<Bytes>, body: &Value) -> Fault {
    let status = response.status();
    let said = said(body);
    let detail = match said.details.or(said.title) {
        Some(words) => words.to_owned(),
        None => format!("the upstream answered {status} without saying why"),
    };
    Fault::upstream(kind_of(status, &said), detail).retry_after(retry_after(response)).said_by(UpstreamError {
        family: FAMILY.to_owned(),
        status: status.as_u16(),
        code: said.code.map(|code| code.to_string()),
        title: said.title.map(str::to_owned),
        trace_id: said.trace_id.map(str::to_owned),
    })
}

/// A typed error means that the message was not taken, whatever its status: the client container answers 1011, 1015
/// and 1016 before it does anything. Cloud codes under a 5xx come from further behind and leave it open.
fn kind_of(status: StatusCode, said: &Said<'_>) -> FaultKind {
    let Some(code) = said.code else { return kind_of_words(status, said) };
    match kind_of_code(code).or_else(|| kind_of_code(code.checked_sub(CLOUD)?)) {
        Some(FaultKind::UpstreamPermission) if status == StatusCode::UNAUTHORIZED => FaultKind::UpstreamCredential,
        Some(FaultKind::NotFound) if is_unknown_contact(said) => FaultKind::NotOnWhatsapp,
        Some(kind) if is_clouds(code) && status.is_server_error() && kind.verdict() == Verdict::Transient => {
            FaultKind::UpstreamFailed
        }
        Some(kind) => kind,
        None => kind_of_words(status, said),
    }
}

/// Whether a code is the Cloud API's: its oldest lie below this dialect's first.
fn is_clouds(code: i64) -> bool {
    !(400..=CLOUD).contains(&code)
}

/// Builds before 2.39 wanted the contact check first; 360dialog words it in its own way.
fn is_unknown_contact(said: &Said<'_>) -> bool {
    said.details.is_some_and(|details| details.contains("unknown contact") || details.contains("contact store"))
}

/// 360dialog's own refusals have no code, and its status is the same for many of them: their words decide first.
fn kind_of_words(status: StatusCode, said: &Said<'_>) -> FaultKind {
    let words = said.title.unwrap_or_default().to_ascii_lowercase();
    let has = |part: &str| words.contains(part);
    match status.as_u16() {
        429 => FaultKind::RateLimited,
        400 if has("quota") || has("rate limit") => FaultKind::RateLimited,
        400 if has("disabled") => FaultKind::AccountLocked,
        400 if has("invoice") || has("payment") || has("unpaid") => FaultKind::PaymentRequired,
        401 => FaultKind::UpstreamCredential,
        403 => FaultKind::UpstreamPermission,
        500..=599 => FaultKind::UpstreamFailed,
        _ => FaultKind::UpstreamRefused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(fault: &Fault) -> (u16, Value) {
        let response = encode(fault);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        (response.status().as_u16(), body["errors"][0].clone())
    }

    #[test]
    fn a_verdict_survives_the_trip_and_never_becomes_safer() {
        for &kind in FaultKind::ALL {
            let response = encode(&Fault::client(kind, "x"));
            let body: Value = serde_json::from_slice(response.body()).unwrap();
            let found = decode(&response, &body).verdict();
            let expected: &[Verdict] = match kind {
                // What a client may not do is, one hop further up, what the gateway's credential may not do.
                FaultKind::Unauthenticated | FaultKind::Forbidden => &[Verdict::Credential],
                FaultKind::Internal => &[Verdict::Ambiguous],
                // The operator's affair: clients are told to come back later.
                _ if kind.verdict() == Verdict::Credential => &[Verdict::Credential, Verdict::Transient],
                _ => &[kind.verdict()],
            };
            assert!(expected.contains(&found), "{kind}: {found:?}");
        }
    }

    /// The codes of the vendor's list and those of the Cloud API that its builds pass on.
    #[test]
    fn each_code_has_its_kind() {
        use FaultKind::*;
        let groups: &[(FaultKind, &[i64])] = &[
            (UpstreamUnavailable, &[1, 2, 1011, 1016, 1018]),
            (RateLimited, &[4, 80007, 429, 1015]),
            (SenderUnavailable, &[33, 131037, 430, 432, 433, 131045, 133010]),
            (InvalidMember, &[100, 1002, 1009, 2015, 2017, 2023, 2030, 2036, 2050]),
            (UpstreamPermission, &[10, 200, 299, 1005]),
            (UpstreamCredential, &[190, 1024]),
            (AccountLocked, &[368, 1031]),
            (MediaUnreachable, &[400, 131052]),
            (InvalidRecipient, &[401, 1003, 1012]),
            (PaymentRequired, &[402, 131042]),
            (Expired, &[408, 410, 131043]),
            (WindowClosed, &[470, 131047]),
            (SpamLimited, &[471, 131048]),
            (Withheld, &[472, 131049]),
            (IdentityChanged, &[480, 1028, 137000]),
            (UnsupportedKind, &[501, 131051]),
            (TooLong, &[1001]),
            (Conflict, &[1004]),
            (NotFound, &[1006]),
            (RecipientNotAllowed, &[1007, 131030]),
            (MissingMember, &[1008, 2014]),
            (UnsupportedMember, &[1010]),
            (NotOnWhatsapp, &[1013, 1026]),
            (RecipientIsSender, &[1021]),
            (MalformedBody, &[1025]),
            (TemplateMismatch, &[2000, 2008, 2013]),
            (TemplateNotFound, &[2001, 2003, 2060]),
            (TemplateTooLong, &[2004, 2005]),
            (TemplatePolicy, &[2006, 2007]),
            (TemplatePaused, &[2061, 132015]),
            (TemplateDisabled, &[2062, 132016]),
            (FlowBlocked, &[2068]),
            (FlowThrottled, &[2069]),
            (CountryRestricted, &[130497]),
            (RecipientOptedOut, &[131050]),
            (MediaTypeRefused, &[131053]),
            (PairRateLimited, &[131056]),
            (SenderMaintenance, &[131057, 133004, 134101]),
        ];
        for (kind, codes) in groups {
            for code in *codes {
                assert_eq!(kind_of_code(*code), Some(*kind), "{code}");
            }
        }
        assert_eq!(kind_of_code(999_999), None);
    }

    #[test]
    fn codes_that_tell_more_than_the_kind_are_taken_from_the_member() {
        let long = Fault::at(FaultKind::TooLong, "text.body", "has 5000 characters; at most 4096 are allowed");
        assert_eq!(error(&long).1["code"], 1001);
        let strange = Fault::invalid("recipient_type", "is unknown; give \"individual\" or \"group\"");
        assert_eq!(error(&strange).1["code"], 1002);
    }

    #[test]
    fn the_gateways_own_account_is_a_service_not_ready() {
        let (status, error) = error(&Fault::upstream(FaultKind::UpstreamCredential, "x").for_client());
        assert_eq!((status, &error["code"]), (503, &json!(1011)));
    }

    #[test]
    fn an_upstreams_own_code_is_kept_in_the_family_and_told_in_words_outside_it() {
        let said = |family: &str, code: &str, title: &str| {
            let (family, code, title) = (family.to_owned(), Some(code.to_owned()), Some(title.to_owned()));
            Fault::upstream(FaultKind::UpstreamRefused, "why").said_by(UpstreamError {
                family,
                code,
                title,
                ..UpstreamError::default()
            })
        };
        let own = error(&said("on-premises", "1022", "Webhooks URL is not configured")).1;
        assert_eq!((&own["code"], &own["details"]), (&json!(1022), &json!("why")));
        assert_eq!(own["title"], "Webhooks URL is not configured");
        let foreign = error(&said("cloud", "135000", "Generic user error")).1;
        assert_eq!((&foreign["code"], &foreign["details"]), (&json!(1000), &json!("upstream code 135000: why")));
    }

    #[test]
    fn a_refused_recipient_is_1013_even_where_the_upstream_said_1006() {
        let body = json!({"errors": [{"code": 1006, "title": "Resource not found", "details": "unknown contact"}]});
        let response = answer(StatusCode::NOT_FOUND, &body);
        let (status, error) = error(&decode(&response, &body));
        assert_eq!((status, &error["code"], &error["title"]), (400, &json!(1013), &json!("User is not valid")));
    }

    #[test]
    fn what_would_make_clients_stop_or_check_contacts_is_not_handed_on() {
        let heard = |status, code: i64, title: &str| {
            let body = json!({"errors": [{"code": code, "title": title, "details": "why"}]});
            error(&decode(&answer(status, &body), &body))
        };
        let (status, spam) = heard(StatusCode::BAD_REQUEST, 471, "Spam rate limit hit");
        assert_eq!((status, &spam["code"]), (400, &json!(GENERIC)));
        assert_eq!(heard(StatusCode::NOT_FOUND, 1006, "Resource not found").0, 400);
        assert_eq!(heard(StatusCode::NOT_FOUND, 2001, "Template missing").0, 400);
        assert_eq!(error(&Fault::client(FaultKind::NotFound, "no such file")).0, 404);
    }

    #[test]
    fn cloud_codes_that_turn_hands_through_are_understood() {
        let kind = |status: u16, code: i64| {
            let body = json!({"errors": [{"code": code, "title": "x"}]});
            decode(&answer(StatusCode::from_u16(status).unwrap(), &body), &body).kind
        };
        assert_eq!(kind(400, 131_047), FaultKind::WindowClosed);
        assert_eq!(kind(400, 131_026), FaultKind::NotOnWhatsapp);
        assert_eq!(kind(429, 130_429), FaultKind::RateLimited);
        assert_eq!(kind(503, 131_016), FaultKind::UpstreamFailed);
        assert_eq!(kind(500, 2), FaultKind::UpstreamFailed);
        assert_eq!(kind(400, 2), FaultKind::UpstreamUnavailable);
        assert_eq!(kind(400, 4), FaultKind::RateLimited);
        assert_eq!(kind(400, 100), FaultKind::InvalidMember);
        assert_eq!(kind(401, 190), FaultKind::UpstreamCredential);
        assert_eq!(kind(403, 200), FaultKind::UpstreamPermission);
        assert_eq!(kind(400, 368), FaultKind::AccountLocked);
        assert_eq!(kind(400, 133_004), FaultKind::SenderMaintenance);
        assert_eq!(kind(503, 1016), FaultKind::UpstreamUnavailable);
        assert_eq!(kind(400, i64::MIN), FaultKind::UpstreamRefused);
    }
}
