//! `{"transactionId", "channel", "type", "from", "to", "externalId", "clientId", "status", "timestamp"}`
//! Vendor page: whatsapp-status, which lists the statuses of the WhatsApp channel.

use super::CHANNEL;
use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::dialect::shapes::Object;
use crate::dialect::shapes::event::{decode_failure, decode_time, filled, identified, international, lose_beside};
use crate::dialect::{EventContext, Telling};
use crate::model::{Business, Extra, Fault, FaultKind, Kind, Problem, Progress, References, Status, UpstreamError};

const FAMILY: &str = "channel-request";

pub fn decode(mut body: Members) -> Result<Status, Fault> {
    let word = body.text("status", ANY_LENGTH)?.trim().to_ascii_uppercase();
    let (progress, kind) = step(&word);
    let at = decode_time(&mut body, "timestamp")?;
    let recipient = filled(&mut body, "to")?.map(|number| number.trim_start_matches('+').to_owned());
    let business = Business { number: filled(&mut body, "from")?, ..Business::default() };
    let problem = kind.map(|kind| decode_problem(kind, &word, &mut body)).transpose()?;
    body.ignore(&["statusDescription"]);
    Ok(Status {
        message_id: filled(&mut body, "transactionId")?,
        at,
        business,
        recipient: identified(recipient),
        references: References {
            client_id: filled(&mut body, "clientId")?,
            external_id: filled(&mut body, "externalId")?,
            opaque: None,
        },
        message_kind: filled(&mut body, "type")?.and_then(|name| kind_named(&name)),
        problems: problem.into_iter().collect(),
        extra: body.rest(),
        ..Status::new(progress)
    })
}

/// The step that a word stands for, and what is wrong where it is a failure. The last three are expected rather than
/// printed: the vendor's list of final statuses is not public.
fn step(word: &str) -> (Progress, Option<FaultKind>) {
    use FaultKind::*;
    let failed = |kind| (Progress::Failed, Some(kind));
    match word {
        "QUEUE" | "QUEUED" | "ACCEPTED" => (Progress::Accepted, None),
        "DEQUEUED" => (Progress::Sending, None),
        "CODE_NOT_ALLOWED" => failed(SenderUnavailable),
        "INCOMPLETE" => failed(TemplateMismatch),
        "BLACKLISTED" => failed(RecipientBlocked),
        "QUOTA_EXCEEDED" => failed(RateLimited),
        "FAILED" | "REJECTED" => failed(UpstreamRefused),
        "UNDELIVERED" => failed(NotOnWhatsapp),
        "EXPIRED" => failed(Expired),
        "SENT" | "DELIVERED" | "READ" => (Progress::named(word), None),
        other => (Progress::Other(other.to_owned()), None),
    }
}

/// Our code beside the words tells more than the status does.
fn decode_problem(kind: FaultKind, word: &str, body: &mut Members) -> Result<Problem, Fault> {
    let mut words = filled(body, "statusDescription")?;
    let (mut code, mut extra) = (None, Extra::default());
    if let Some(mut errors) = decode_failure(body, "errors", "reason")? {
        code = filled(&mut errors, "code")?;
        words = words.or(filled(&mut errors, "reason")?);
        errors.ignore(&["reason"]);
        extra = errors.rest();
    }
    let detail = words.clone().unwrap_or_else(|| format!("the provider says {word} and not why"));
    let told = code.as_deref().and_then(FaultKind::from_code).unwrap_or(kind);
    let said = UpstreamError { family: FAMILY.to_owned(), code, title: words, ..UpstreamError::default() };
    Ok(Problem { fault: Fault::upstream(told, detail).said_by(said), extra })
}

fn kind_named(name: &str) -> Option<Kind> {
    serde_json::from_value(name.to_ascii_lowercase().into()).ok()
}

/// Writes it; none where the dialect has no word for the step.
pub fn encode(status: &Status, context: &EventContext<'_>, telling: &mut Telling<'_>) -> Option<Object> {
    let (word, description) = word(status, telling)?;
    lose_beside(status, telling);
    let at = status.at.unwrap_or(context.at);
    let mut body = Object::new();
    body.put_some("transactionId", &status.message_id);
    body.put("channel", CHANNEL);
    body.put_some("type", &status.message_kind.map(Kind::as_str));
    body.put_some("from", &context.business(&status.business).number);
    body.put_some("to", &international(&status.recipient));
    body.put_some("externalId", &status.references.external_id);
    body.put_some("clientId", &status.references.client_id);
    body.put("status", word);
    body.put("statusDescription", description);
    if let Some(problem) = status.problems.first() {
        body.put("errors", encode_problem(problem, telling));
    }
    body.put("timestamp", at.unix_timestamp() * 1000 + i64::from(at.millisecond()));
    telling.extra(&status.extra, "", &mut body.0);
    Some(body)
}

/// As in an answer: the reason in words, our code beside it.
fn encode_problem(problem: &Problem, telling: &mut Telling<'_>) -> Object {
    let mut errors = Object::new();
    errors.put("reason", problem.fault.detail.as_str());
    errors.put("code", problem.fault.kind.code());
    telling.extra(&problem.extra, "errors[0]", &mut errors.0);
    errors
}

/// The status and its description.
fn word<'a>(status: &'a Status, telling: &Telling<'_>) -> Option<(&'a str, &'a str)> {
    let fault = status.problems.first().map(|problem| &problem.fault);
    Some(match &status.progress {
        Progress::Accepted => ("QUEUE", "Waiting in the queue"),
        Progress::Sending => ("DEQUEUED", "On its way to WhatsApp"),
        Progress::Sent => ("SENT", "Handed to WhatsApp"),
        Progress::Delivered => ("DELIVERED", "On the recipient's device"),
        Progress::Read => ("READ", "Seen by the recipient"),
        Progress::Failed => match fault {
            Some(fault) => (failure(fault.kind), &fault.detail),
            None => ("FAILED", "Not delivered"),
        },
        Progress::Other(word) if telling.keeps_members() => (word, ""),
        Progress::Played | Progress::Deleted | Progress::Warning | Progress::Other(_) => return None,
    })
}

fn failure(kind: FaultKind) -> &'static str {
    use FaultKind::*;
    match kind {
        SenderUnavailable | AccountLocked | UpstreamCredential | UpstreamPermission | CountryRestricted
        | RecipientNotAllowed => "CODE_NOT_ALLOWED",
        TemplateMismatch | MissingMember => "INCOMPLETE",
        RecipientBlocked | RecipientOptedOut => "BLACKLISTED",
        RateLimited | PairRateLimited | SpamLimited | PaymentRequired => "QUOTA_EXCEEDED",
        NotOnWhatsapp => "UNDELIVERED",
        Expired => "EXPIRED",
        _ => "FAILED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_the_vendors_word() {
        use FaultKind::*;
        let words: [(&str, &[FaultKind]); 7] = [
            (
                "CODE_NOT_ALLOWED",
                &[
                    SenderUnavailable,
                    AccountLocked,
                    UpstreamCredential,
                    UpstreamPermission,
                    CountryRestricted,
                    RecipientNotAllowed,
                ],
            ),
            ("INCOMPLETE", &[TemplateMismatch, MissingMember]),
            ("BLACKLISTED", &[RecipientBlocked, RecipientOptedOut]),
            ("QUOTA_EXCEEDED", &[RateLimited, PairRateLimited, SpamLimited, PaymentRequired]),
            ("UNDELIVERED", &[NotOnWhatsapp]),
            ("EXPIRED", &[Expired]),
            ("FAILED", &[WindowClosed, Internal]),
        ];
        for (word, kinds) in words {
            for kind in kinds {
                assert_eq!(failure(*kind), word, "{kind}");
            }
        }
    }
}
