//! One passage from a client's dialect to an upstream's: what may get lost, and what did.

use std::fmt::Display;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::reader::within;
use super::{Call, Decoded, Dialect, Target};
use crate::model::{Extra, Fault, FaultKind, Request, Warning};

/// What happens to a member that the upstream's dialect cannot say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Losses {
    /// The request is refused, naming the member.
    #[default]
    Refuse,
    /// The member is dropped and a warning recorded.
    Warn,
}

/// Reads a request of a client of that dialect, sent where its sends go.
///
/// # Errors
/// As [`Dialect::decode_send`].
pub fn understand(client: &dyn Dialect, body: Value) -> Result<Decoded<Request>, Fault> {
    let path = client.send_path().to_owned();
    client.decode_send(Call { method: Method::POST, path, headers: HeaderMap::new(), body })
}

/// Says what was understood of a client in an upstream's dialect, with all that was dropped or bent on the whole way.
///
/// # Errors
/// As [`Dialect::encode_send`].
pub fn say(
    understood: &Decoded<Request>,
    (client, upstream): (&dyn Dialect, &dyn Dialect),
    losses: Losses,
    target: &Target<'_>,
) -> Result<Decoded<http::Request<Bytes>>, Fault> {
    let mut translation = Translation::new(client, upstream, losses);
    let value = translation.say(&understood.value, target)?;
    let warnings = understood.warnings.iter().cloned().chain(translation.into_warnings()).collect();
    Ok(Decoded { value, warnings })
}

/// Carries the policy and gathers the warnings while an upstream's request is written.
pub struct Translation<'a> {
    client: &'a dyn Dialect,
    upstream: &'a dyn Dialect,
    losses: Losses,
    warnings: Vec<Warning>,
}

impl<'a> Translation<'a> {
    /// A passage between two dialects.
    pub fn new(client: &'a dyn Dialect, upstream: &'a dyn Dialect, losses: Losses) -> Self {
        Self { client, upstream, losses, warnings: Vec::new() }
    }

    /// Says a request in the upstream's dialect.
    ///
    /// # Errors
    /// As [`Dialect::encode_send`].
    pub fn say(&mut self, request: &Request, target: &Target<'_>) -> Result<http::Request<Bytes>, Fault> {
        if let Request::Send(message) = request {
            self.envelope(&message.envelope_extra);
        }
        self.upstream.encode_send(request, target, self)
    }

    /// What was dropped or bent.
    pub fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }

    /// A member cannot be said: refuse, or note that it is left out. The member is given in the
    /// spelling of the [`reference`](super::reference).
    ///
    /// # Errors
    /// Where losses are refused.
    pub fn lose(&mut self, member: impl Display, why: impl Display) -> Result<(), Fault> {
        let fault = self.refuse(FaultKind::UnsupportedMember, member, why);
        match self.losses {
            Losses::Refuse => Err(fault),
            Losses::Warn => {
                let member = fault.member.unwrap_or_default();
                self.warnings.push(Warning::new(member, format!("{}: left out", fault.detail)));
                Ok(())
            }
        }
    }

    /// As [`Self::lose`], for a member that may be absent.
    ///
    /// # Errors
    /// Where it is there and losses are refused.
    pub fn lose_if(&mut self, present: bool, member: impl Display, why: impl Display) -> Result<(), Fault> {
        if present { self.lose(member, why) } else { Ok(()) }
    }

    /// What cannot be said and has no meaning left without it: always refused.
    pub fn refuse(&self, kind: FaultKind, member: impl Display, why: impl Display) -> Fault {
        let member = self.client.spell(&member.to_string());
        let detail = format!("{member}: the {} upstream cannot say it ({why})", self.upstream.name());
        Fault { member: Some(member), ..Fault::client(kind, detail) }
    }

    /// Checks a limit that is tighter at the upstream than at the client.
    ///
    /// # Errors
    /// When the text is longer than `max` characters.
    pub fn within(&self, member: impl Display, text: &str, max: usize) -> Result<(), Fault> {
        within(|| self.client.spell(&member.to_string()), text, max).map_err(|fault| Fault {
            detail: format!("{} by the {} upstream", fault.detail, self.upstream.name()),
            ..fault
        })
    }

    /// Whether client and upstream are of one family, so that the upstream gets what the client sent, member for
    /// member.
    pub fn keeps_members(&self) -> bool {
        self.client.family() == self.upstream.family()
    }

    /// Puts unknown members back where the upstream speaks their family; elsewhere each is noted as left out. They
    /// are never refused: the servers that old clients were written for ignored what they did not know.
    pub fn extra(&mut self, extra: &Extra, path: impl Display, into: &mut Map<String, Value>) {
        if !self.keeps_members() {
            return self.leave_out(extra, path);
        }
        for (name, value) in &extra.0 {
            into.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }

    /// Notes unknown members as left out, of whatever family: the upstream writes a plain text where the client wrote
    /// an object.
    pub fn leave_out(&mut self, extra: &Extra, path: impl Display) {
        for (name, value) in &extra.0 {
            if !value.is_null() {
                self.warn_unknown(&path, name);
            }
        }
    }

    /// Notes the unknown members of a client's envelope where the upstream is of another family, whose requests have
    /// no envelope to put them into.
    fn envelope(&mut self, extra: &Extra) {
        if !self.keeps_members() {
            extra.0.keys().for_each(|name| self.warn(name.clone()));
        }
    }

    fn warn_unknown(&mut self, path: &impl Display, name: &str) {
        let path = path.to_string();
        let member = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        self.warn(self.client.spell(&member));
    }

    fn warn(&mut self, member: String) {
        let text =
            format!("{member} is not a member that we know; the {} upstream does not get it", self.upstream.name());
        self.warnings.push(Warning::new(member, text));
    }
}
