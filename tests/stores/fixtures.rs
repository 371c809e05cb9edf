//! Transactions to record and settlements to end them.

use sabir::model::{
    Content, Fault, FaultKind, Message, PhoneNumber, Recipient, RecipientAddress, References, Request, State, Text,
    TransactionId, Warning,
};
use sabir::store::{NewAttempt, NewTransaction, Settlement, Write};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

pub const SENDER: &str = "442079460000";
pub const RECIPIENT: &str = "447700900123";

/// A time of the tests, so many seconds after the first.
pub fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_790_000_123).unwrap()
        + Duration::microseconds(456_789)
        + Duration::seconds(seconds)
}

/// A text that is under way, received at the first time.
pub fn sending() -> NewTransaction {
    NewTransaction {
        id: TransactionId(Uuid::now_v7()),
        account: "shop".into(),
        dialect: "aisoule".into(),
        upstream: Some("main".into()),
        state: State::Sending,
        fault: None,
        received_at: at(0),
        client_request: json!({"to": "+447700900123", "type": "text", "text": "Your table is free"}),
        request: Request::Send(text_to(RECIPIENT, "Your table is free")),
        warnings: vec![Warning::new("priority", "is not known here and was dropped")],
        attempt: Some(NewAttempt {
            number: 1,
            upstream: "main".into(),
            method: "POST".into(),
            url: "https://provider.example.net/messages".into(),
            body: r#"{"type":"text"}"#.into(),
            started_at: at(1),
        }),
    }
}

/// The same, changed.
pub fn sending_with(change: impl FnOnce(&mut NewTransaction)) -> NewTransaction {
    let mut new = sending();
    change(&mut new);
    new
}

/// A request that was refused before anything was sent.
pub fn refused() -> NewTransaction {
    let fault = Fault::at(FaultKind::TooLong, "text.body", "is longer than 4096 characters");
    NewTransaction { upstream: None, state: State::Failed, fault: Some(fault), attempt: None, ..sending() }
}

/// The first attempt's good end.
pub fn sent(new: &NewTransaction, message_id: &str) -> Settlement {
    Settlement {
        transaction: new.id,
        attempt: 1,
        state: State::Sent,
        message_id: Some(message_id.into()),
        status: Some(200),
        answer: Some(format!(r#"{{"messages":[{{"id":"{message_id}"}}]}}"#)),
        fault: None,
        finished_at: at(2),
    }
}

/// The first attempt's bad end.
pub fn failed(new: &NewTransaction) -> Settlement {
    Settlement {
        state: State::Failed,
        message_id: None,
        status: Some(400),
        fault: Some(Fault::upstream(FaultKind::NotOnWhatsapp, "the recipient cannot be reached")),
        ..sent(new, "")
    }
}

pub fn text_to(number: &str, body: &str) -> Message {
    let phone = PhoneNumber::parse(number).unwrap();
    Message {
        sender: Some(SENDER.into()),
        recipient: Recipient { address: RecipientAddress::Phone(phone), input: number.into() },
        content: Content::Text(Text { body: body.into(), preview_url: None, extra: Default::default() }),
        reply_to: None,
        references: References::default(),
        callbacks: Vec::new(),
        ttl_seconds: None,
        identity_key_hash: None,
        extra: Default::default(),
    }
}

pub fn record(new: &NewTransaction) -> Write {
    Write::Record(Box::new(new.clone()))
}

pub fn settle(settlement: &Settlement) -> Write {
    Write::Settle(Box::new(settlement.clone()))
}
