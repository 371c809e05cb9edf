//! Kinds of fault ↔ statuses, words and Meta's codes, for both surfaces.
//! Vendor pages: help/integrations/error-codes, help/messaging/why-messages-fail.

use crate::model::FaultKind;

/// The status and the words of each kind. Surface B begins its messages with the words, and clients match them there:
/// those of the first seven are the vendor's own.
pub fn row(kind: FaultKind) -> (u16, &'static str) {
    use FaultKind::*;
    match kind {
        WindowClosed => (400, "Outside service window"),
        TemplateNotFound => (400, "Template not approved"),
        SenderUnavailable => (403, "Account disconnected"),
        NotOnWhatsapp => (400, "Recipient not on WhatsApp"),
        RateLimited => (429, "Rate limit exceeded"),
        InvalidRecipient => (400, "Invalid phone number"),
        MediaTooLarge => (400, "Media size exceeds limit"),
        MalformedBody => (400, "Invalid request body"),
        WrongContentType => (415, "Invalid content type"),
        BodyTooLarge => (413, "Request body too large"),
        BodyTimeout => (408, "Request timed out"),
        MissingMember => (400, "Missing parameter"),
        InvalidMember => (400, "Invalid parameter"),
        TooLong => (400, "Parameter too long"),
        UnsupportedKind => (400, "Unsupported message type"),
        UnsupportedMember => (400, "Unsupported parameter"),
        NoUpstream => (400, "No route for the message"),
        Unauthenticated | UpstreamCredential => (401, "Invalid API key"),
        Forbidden | UpstreamPermission => (403, "Permission denied"),
        NotFound => (404, "Not found"),
        MethodNotAllowed => (405, "Method not allowed"),
        Conflict => (409, "Duplicate request"),
        KeyReused => (422, "Idempotency key reused"),
        MediaUnreachable => (400, "Media download failed"),
        MediaTypeRefused => (400, "Media type not allowed"),
        PairRateLimited => (429, "Pair rate limit exceeded"),
        SpamLimited => (400, "Spam limit exceeded"),
        RecipientIsSender => (400, "Recipient is the sender"),
        RecipientNotAllowed => (400, "Recipient not allowed"),
        RecipientBlocked => (400, "Recipient blocked"),
        RecipientOptedOut => (400, "Recipient opted out"),
        Withheld => (400, "Message withheld"),
        IdentityChanged => (400, "Recipient identity changed"),
        CountryRestricted => (403, "Country restricted"),
        Expired => (400, "Message expired"),
        TemplateMismatch => (400, "Template parameters do not match"),
        TemplateTooLong => (400, "Template text too long"),
        TemplatePolicy => (400, "Template violates a policy"),
        TemplatePaused => (400, "Template paused"),
        TemplateDisabled => (400, "Template disabled"),
        FlowBlocked => (400, "Flow blocked"),
        FlowThrottled => (400, "Flow throttled"),
        AccountLocked => (403, "Account temporarily blocked"),
        PaymentRequired => (403, "Payment required"),
        SenderMaintenance => (503, "Account in maintenance"),
        UpstreamRefused => (400, "Message refused"),
        UpstreamUnreachable | UpstreamUnavailable | Overloaded | StoreUnavailable => (503, "Service unavailable"),
        UpstreamTimeout | UpstreamReset | UpstreamFailed | UpstreamUnreadable | Internal => (500, "Internal error"),
    }
}

/// A message that begins with a kind's words and goes on with the details.
pub fn say(kind: FaultKind, detail: &str) -> String {
    let (_, words) = row(kind);
    if detail.starts_with(words) { detail.to_owned() } else { format!("{words}: {detail}") }
}

/// The kind that a message speaks of, by its first words or by a code of Meta's in it, and the details in it.
pub fn read(message: &str) -> (Option<FaultKind>, &str) {
    for &kind in FaultKind::ALL {
        let (_, words) = row(kind);
        if let Some(rest) = after(message, words) {
            let detail = rest.strip_prefix(": ").filter(|detail| !detail.is_empty());
            return (Some(told(kind)), detail.unwrap_or(message));
        }
    }
    // The vendor's page of errors and its page of samples have different words for one fault.
    if after(message, "Session window closed").is_some() {
        return (Some(FaultKind::WindowClosed), message);
    }
    (number_in(message), message)
}

/// What follows the words where the message begins with them, in any case.
fn after<'a>(message: &'a str, words: &str) -> Option<&'a str> {
    let (start, rest) = message.split_at_checked(words.len())?;
    start.eq_ignore_ascii_case(words).then_some(rest)
}

/// What a server's fault is to the one who called it: that its key was refused is the caller's trouble with an
/// upstream, and what failed inside it is not to be told apart.
pub fn told(kind: FaultKind) -> FaultKind {
    use FaultKind::*;
    match kind {
        Unauthenticated => UpstreamCredential,
        Forbidden => UpstreamPermission,
        UpstreamUnreachable | Overloaded | StoreUnavailable => UpstreamUnavailable,
        UpstreamTimeout | UpstreamReset | UpstreamUnreadable | Internal => UpstreamFailed,
        kind => kind,
    }
}

/// The codes of Meta's that the vendor passes on.
pub fn kind_of_number(code: u32) -> Option<FaultKind> {
    use FaultKind::*;
    Some(match code {
        368 => AccountLocked,
        130429 => RateLimited,
        131047 => WindowClosed,
        131048 => SpamLimited,
        131049 => Withheld,
        131051 => UnsupportedKind,
        131052 => MediaUnreachable,
        131053 => MediaTypeRefused,
        131056 => PairRateLimited,
        131057 => SenderMaintenance,
        _ => return None,
    })
}

/// A code of Meta's in a text. Only those of six digits: any other number may count something.
fn number_in(text: &str) -> Option<FaultKind> {
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| digits.len() == 6);
    numbers.filter_map(|digits| digits.parse().ok()).find_map(kind_of_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_again_by_its_words() {
        for &kind in FaultKind::ALL {
            let message = say(kind, "to: has 3 digits");
            assert_eq!(read(&message), (Some(told(kind)), "to: has 3 digits"), "{kind}");
        }
    }

    #[test]
    fn a_message_without_details_is_its_own_detail() {
        assert_eq!(read("rate limit exceeded"), (Some(FaultKind::RateLimited), "rate limit exceeded"));
    }

    #[test]
    fn only_a_number_of_six_digits_is_a_code() {
        assert_eq!(read("Failed (#131047)").0, Some(FaultKind::WindowClosed));
        assert_eq!(read("has 368 characters").0, None);
        assert_eq!(read("no such id 1310470").0, None);
    }
}
