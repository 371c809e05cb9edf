//! One passage of an event from a provider's dialect to a client's: what the client could not be told.

use std::fmt::Display;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Dialect, EventContext};
use crate::model::{Event, Extra, Warning};

/// Gathers what is lost while callbacks are written. Nothing is refused here: what happened has happened, and a client
/// that hears most of it is better off than one that hears nothing.
pub struct Telling<'a> {
    provider: &'a dyn Dialect,
    client: &'a dyn Dialect,
    warnings: Vec<Warning>,
}

impl<'a> Telling<'a> {
    /// A passage between two dialects.
    pub fn new(provider: &'a dyn Dialect, client: &'a dyn Dialect) -> Self {
        Self { provider, client, warnings: Vec::new() }
    }

    /// Says an event in the client's dialect; nothing, where the client does not want to hear of it.
    pub fn tell(&mut self, event: &Event, context: &EventContext<'_>) -> Vec<http::Request<Bytes>> {
        if context.tastes.want(event) { self.client.encode_event(event, context, self) } else { Vec::new() }
    }

    /// What was left out.
    pub fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }

    /// A member cannot be said and is left out. It is given in the spelling of the
    /// [`reference`](super::reference).
    pub fn lose(&mut self, member: impl Display, why: impl Display) {
        let member = member.to_string();
        let text = format!("{member}: the {} client is not told it ({why})", self.client.name());
        self.warnings.push(Warning::new(member, text));
    }

    /// As [`Self::lose`], for a member that may be absent.
    pub fn lose_if(&mut self, present: bool, member: impl Display, why: impl Display) {
        if present {
            self.lose(member, why);
        }
    }

    /// A whole event cannot be said.
    pub fn lose_all(&mut self, member: impl Display, why: impl Display) -> Vec<http::Request<Bytes>> {
        self.lose(member, why);
        Vec::new()
    }

    /// Whether provider and client are of one family, so that the client gets what the provider sent, member for
    /// member.
    pub fn keeps_members(&self) -> bool {
        self.provider.family() == self.client.family()
    }

    /// Puts unknown members back where the client speaks their family; elsewhere each is noted as left out.
    pub fn extra(&mut self, extra: &Extra, path: impl Display, into: &mut Map<String, Value>) {
        if !self.keeps_members() {
            return self.leave_out(extra, path);
        }
        merge(&extra.0, into);
    }

    /// Notes unknown members as left out, of whatever family.
    pub fn leave_out(&mut self, extra: &Extra, path: impl Display) {
        let path = path.to_string();
        for name in extra.0.keys() {
            let member = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            self.lose(member, "it is not a member that we know");
        }
    }
}

/// Adds members; an object that is there already gets those that it lacks.
fn merge(extra: &Map<String, Value>, into: &mut Map<String, Value>) {
    for (name, value) in extra {
        match (into.get_mut(name), value) {
            (Some(Value::Object(into)), Value::Object(extra)) => merge(extra, into),
            (Some(_), _) => {}
            (None, value) => drop(into.insert(name.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialect::named;

    #[test]
    fn unknown_members_stay_in_the_family_and_are_named_elsewhere() {
        let Value::Object(members) = json!({"priority": 3, "pricing": {"tier": "new"}}) else { unreachable!() };
        let extra = Extra(members);
        let told = |client: &str| {
            let mut telling = Telling::new(named("cloud").unwrap(), named(client).unwrap());
            let Value::Object(mut into) = json!({"id": "wamid.A1", "pricing": {"billable": true}}) else {
                unreachable!()
            };
            telling.extra(&extra, "statuses[0]", &mut into);
            let lost: Vec<_> = telling.into_warnings().into_iter().map(|warning| warning.member).collect();
            (Value::Object(into), lost)
        };
        let (kept, lost) = told("cloud");
        assert_eq!(kept, json!({"id": "wamid.A1", "pricing": {"billable": true, "tier": "new"}, "priority": 3}));
        assert!(lost.is_empty());
        let (left, lost) = told("channel-request");
        assert_eq!(left, json!({"id": "wamid.A1", "pricing": {"billable": true}}));
        assert_eq!(lost, ["statuses[0].priority", "statuses[0].pricing"]);

        let mut telling = Telling::new(named("cloud").unwrap(), named("cloud").unwrap());
        telling.leave_out(&extra, "");
        let lost: Vec<_> = telling.into_warnings().into_iter().map(|warning| warning.member).collect();
        assert_eq!(lost, ["priority", "pricing"]);
    }
}
