//! Failures, normalised: what went wrong, whose it is, and whether to try again.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest that a fault asks anybody to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// A normalised failure.
///
/// `detail` names the member, what was found, the limit and the remedy. It is safe to show to the caller and to
/// store; it holds no message text, number or key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct Fault {
    /// What went wrong.
    pub kind: FaultKind,
    /// On whose side.
    pub origin: Origin,
    /// For people.
    pub detail: String,
    /// The member at fault, as the caller spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// How long to wait before the next try, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
    /// What the upstream said, where it said something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Box<UpstreamError>>,
}

/// An upstream's own words for a fault.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UpstreamError {
    /// The family of the dialect that it is said in.
    pub family: String,
    /// The status of the answer; 0 where it was said in a webhook.
    pub status: u16,
    /// The code, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The code's fixed title or message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The vendor's trace id, to quote to its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// On whose side a fault lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The client's request.
    Client,
    /// The gateway or its configuration.
    Gateway,
    /// The provider, or WhatsApp behind it.
    Upstream,
}

/// What a fault means for the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The same request fails again.
    Permanent,
    /// The same request may succeed a little later.
    Transient,
    /// It went too fast: slow down, then repeat.
    Rate,
    /// The sender's account or credential is at fault: every request fails until someone acts.
    Credential,
    /// The message may have gone out: no blind retry.
    Ambiguous,
}

/// Declares the kinds with their stable codes and verdicts in one table.
macro_rules! fault_kinds {
    ($(#[doc = $meaning:literal] $name:ident = $code:literal, $verdict:ident;)+) => {
        /// The kinds of fault. The snake-case code of each is stable: it stands in records, labels and documents.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum FaultKind {
            $(#[doc = $meaning] #[serde(rename = $code)] $name,)+
        }

        impl FaultKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The stable code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What it means, in one sentence: the one that stands beside it below.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }.trim()
            }

            /// What it means for the next try.
            pub fn verdict(self) -> Verdict {
                match self { $(Self::$name => Verdict::$verdict,)+ }
            }
        }
    };
}

fault_kinds! {
    // The request itself.
    /// The body is not JSON, or not an object.
    MalformedBody = "malformed_body", Permanent;
    /// The Content-Type is not one that the path takes.
    WrongContentType = "wrong_content_type", Permanent;
    /// The body is larger than the limit.
    BodyTooLarge = "body_too_large", Permanent;
    /// The body did not arrive in time.
    BodyTimeout = "body_timeout", Transient;
    /// A required member is missing.
    MissingMember = "missing_member", Permanent;
    /// A member's value is not one that it can have.
    InvalidMember = "invalid_member", Permanent;
    /// A text is longer, or a list has more entries, than allowed.
    TooLong = "too_long", Permanent;
    /// A kind of message that the dialect or the target does not have.
    UnsupportedKind = "unsupported_kind", Permanent;
    /// A member that the target cannot say.
    UnsupportedMember = "unsupported_member", Permanent;
    /// The recipient is not a number or id.
    InvalidRecipient = "invalid_recipient", Permanent;
    /// No upstream serves the channel.
    NoUpstream = "no_upstream", Permanent;
    /// No credential, or not one of ours.
    Unauthenticated = "unauthenticated", Permanent;
    /// A valid credential that may not do this.
    Forbidden = "forbidden", Permanent;
    /// No such path or object.
    NotFound = "not_found", Permanent;
    /// The path does not have the method.
    MethodNotAllowed = "method_not_allowed", Permanent;
    /// The request contradicts one that is under way or done.
    Conflict = "conflict", Permanent;
    /// The idempotency key came before, with another request.
    KeyReused = "key_reused", Permanent;

    // Media.
    /// The link could not be fetched.
    MediaUnreachable = "media_unreachable", Permanent;
    /// The file is larger than its kind may be.
    MediaTooLarge = "media_too_large", Permanent;
    /// The file is not of a type that its kind may have.
    MediaTypeRefused = "media_type_refused", Permanent;

    // Pace.
    /// Too many requests of this client or this sender.
    RateLimited = "rate_limited", Rate;
    /// Too many messages from this sender to this recipient.
    PairRateLimited = "pair_rate_limited", Rate;
    /// The sender is held back for spam or low quality; hours, not seconds.
    SpamLimited = "spam_limited", Permanent;

    // The recipient.
    /// The recipient cannot be reached on WhatsApp.
    NotOnWhatsapp = "not_on_whatsapp", Permanent;
    /// Recipient and sender are the same.
    RecipientIsSender = "recipient_is_sender", Permanent;
    /// The recipient is not on the test number's list.
    RecipientNotAllowed = "recipient_not_allowed", Permanent;
    /// The recipient blocked the sender, or is on a block list.
    RecipientBlocked = "recipient_blocked", Permanent;
    /// The recipient takes no marketing messages.
    RecipientOptedOut = "recipient_opted_out", Permanent;
    /// WhatsApp withholds the message: marketing cap or experiment.
    Withheld = "withheld", Permanent;
    /// The recipient's identity changed.
    IdentityChanged = "identity_changed", Permanent;
    /// The sender may not message that country.
    CountryRestricted = "country_restricted", Permanent;
    /// More than 24 hours since the recipient's last message: a template is needed.
    WindowClosed = "window_closed", Permanent;
    /// The message expired before it could be delivered.
    Expired = "expired", Permanent;

    // Templates and flows.
    /// No such template in that language, or not approved.
    TemplateNotFound = "template_not_found", Permanent;
    /// The parameters do not fit the template.
    TemplateMismatch = "template_mismatch", Permanent;
    /// The filled template is too long.
    TemplateTooLong = "template_too_long", Permanent;
    /// The template's text violates a policy.
    TemplatePolicy = "template_policy", Permanent;
    /// The template is paused for low quality.
    TemplatePaused = "template_paused", Permanent;
    /// The template is disabled for good.
    TemplateDisabled = "template_disabled", Permanent;
    /// The flow is blocked.
    FlowBlocked = "flow_blocked", Permanent;
    /// The flow is throttled.
    FlowThrottled = "flow_throttled", Permanent;

    // The sender's account at the provider.
    /// The provider refused the gateway's credential.
    UpstreamCredential = "upstream_credential", Credential;
    /// The credential may not do this.
    UpstreamPermission = "upstream_permission", Credential;
    /// The account is locked or restricted.
    AccountLocked = "account_locked", Credential;
    /// Payment or eligibility problem.
    PaymentRequired = "payment_required", Credential;
    /// The sender's number is unknown, not registered or not approved.
    SenderUnavailable = "sender_unavailable", Credential;
    /// The sender's number is in maintenance for a minute or so.
    SenderMaintenance = "sender_maintenance", Transient;

    // The way there.
    /// Nothing was written to the upstream: name, connection or TLS failed.
    UpstreamUnreachable = "upstream_unreachable", Transient;
    /// The upstream says that it cannot take the request now, and that it did not.
    UpstreamUnavailable = "upstream_unavailable", Transient;
    /// The upstream refused for a reason that we do not know.
    UpstreamRefused = "upstream_refused", Permanent;
    /// No answer in time, after bytes were written.
    UpstreamTimeout = "upstream_timeout", Ambiguous;
    /// The connection broke after bytes were written.
    UpstreamReset = "upstream_reset", Ambiguous;
    /// The upstream failed in a way that leaves open whether it took the message.
    UpstreamFailed = "upstream_failed", Ambiguous;
    /// The upstream's answer could not be read.
    UpstreamUnreadable = "upstream_unreadable", Ambiguous;

    // The gateway.
    /// More requests than the gateway takes at once.
    Overloaded = "overloaded", Transient;
    /// The store cannot record, so nothing is accepted.
    StoreUnavailable = "store_unavailable", Transient;
    /// A defect of the gateway.
    Internal = "internal", Transient;
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FaultKind {
    /// The kind whose stable code this is.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }
}

impl Fault {
    fn new(kind: FaultKind, origin: Origin, detail: impl Into<String>) -> Self {
        Self { kind, origin, detail: detail.into(), member: None, retry_after: None, upstream: None }
    }

    /// A fault of the client's request.
    pub fn client(kind: FaultKind, detail: impl Into<String>) -> Self {
        Self::new(kind, Origin::Client, detail)
    }

    /// A fault of the gateway.
    pub fn gateway(kind: FaultKind, detail: impl Into<String>) -> Self {
        Self::new(kind, Origin::Gateway, detail)
    }

    /// A fault of the provider or of WhatsApp behind it.
    pub fn upstream(kind: FaultKind, detail: impl Into<String>) -> Self {
        Self::new(kind, Origin::Upstream, detail)
    }

    /// A fault of the client at one member: the detail begins with the member's name.
    pub fn at(kind: FaultKind, member: impl Into<String>, what: impl fmt::Display) -> Self {
        let member = member.into();
        let detail = format!("{member}: {what}");
        Self { member: Some(member), ..Self::client(kind, detail) }
    }

    /// A required member is missing.
    pub fn missing(member: impl Into<String>, remedy: impl fmt::Display) -> Self {
        Self::at(FaultKind::MissingMember, member, format_args!("is missing; {remedy}"))
    }

    /// A member has a value that it cannot have.
    pub fn invalid(member: impl Into<String>, what: impl fmt::Display) -> Self {
        Self::at(FaultKind::InvalidMember, member, what)
    }

    /// The same fault, with what the upstream said.
    #[must_use]
    pub fn said_by(mut self, upstream: UpstreamError) -> Self {
        self.upstream = Some(Box::new(upstream));
        self
    }

    /// The same fault, with a time to wait; whoever says more than a day means a day.
    #[must_use]
    pub fn retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait.map(|wait| wait.min(LONGEST_WAIT)).or(self.retry_after);
        self
    }

    /// What it means for the next try.
    pub fn verdict(&self) -> Verdict {
        self.kind.verdict()
    }

    /// Whether the same request fails again. That this sender is none is the answer to this request alone: another try may
    /// not mend it, and a client that named a wrong one shall hear of it.
    pub fn is_final(&self) -> bool {
        self.verdict() == Verdict::Permanent || self.kind == FaultKind::SenderUnavailable
    }

    /// The fault as the client may see it: that the gateway's own credential or account fails at the provider is the
    /// operator's affair. A client that saw a 401 would log in again for ever; it is told to come back later.
    #[must_use]
    pub fn for_client(&self) -> Self {
        if self.origin == Origin::Client || self.is_final() || self.verdict() != Verdict::Credential {
            return self.clone();
        }
        let detail = "the provider refuses the gateway's account at the moment; the operator has to act";
        Self::gateway(FaultKind::UpstreamUnavailable, detail)
    }
}
