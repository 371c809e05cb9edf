//! Any event that the model can hold, as providers tell them: in whole seconds, with ids that are not empty.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sabir::model::{
    Business, ButtonReply, Conversation, Event, Extra, Fault, FaultKind, FlowReply, Inbound, InboundContent,
    InboundMedia, ListReply, Location, MediaKind, Order, Person, Place, Pricing, Problem, Progress, Quoted, Reaction,
    References, Status, System, TemplateButton, Unsupported, Written,
};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

/// Any event.
pub fn event() -> impl Strategy<Value = Event> {
    prop_oneof![status().prop_map(Event::Status).boxed(), inbound().prop_map(Event::Inbound).boxed()]
}

fn sometimes<S: Strategy>(value: S) -> impl Strategy<Value = Option<S::Value>> {
    option::weighted(0.3, value)
}

/// What looks like JSON in a text stays a text.
fn text() -> BoxedStrategy<String> {
    "[a-zA-Z0-9{\\[\"'<&äß€漢👍][ -~\näß€漢👍]{0,14}".boxed()
}

fn id() -> impl Strategy<Value = String> {
    "[A-Za-z0-9][A-Za-z0-9_.=/+-]{3,20}"
}

fn number() -> impl Strategy<Value = String> {
    "[1-9][0-9]{6,14}"
}

fn time() -> impl Strategy<Value = OffsetDateTime> {
    (1_500_000_000_i64..2_000_000_000).prop_map(|at| OffsetDateTime::from_unix_timestamp(at).unwrap())
}

fn person() -> impl Strategy<Value = Person> {
    let known = prop_oneof![
        8 => number().prop_map(|wa_id| Person { wa_id: Some(wa_id), ..Person::default() }),
        1 => user_id().prop_map(|user_id| Person { user_id: Some(user_id), ..Person::default() }),
        1 => (number(), user_id(), sometimes(text())).prop_map(|(wa_id, user_id, username)| Person {
            wa_id: Some(wa_id),
            user_id: Some(user_id),
            username,
            ..Person::default()
        }),
    ];
    (known, sometimes(text())).prop_map(|(person, name)| Person { name, ..person })
}

fn user_id() -> impl Strategy<Value = String> {
    "[A-Z]{2}\\.[0-9A-Za-z]{5,12}"
}

fn problem() -> impl Strategy<Value = Problem> {
    (prop::sample::select(FaultKind::ALL), text()).prop_map(|(kind, detail)| Fault::upstream(kind, detail).into())
}

fn status() -> impl Strategy<Value = Status> {
    let step = prop::sample::select(vec![
        Progress::Accepted,
        Progress::Sending,
        Progress::Sent,
        Progress::Delivered,
        Progress::Read,
        Progress::Played,
        Progress::Failed,
        Progress::Deleted,
    ]);
    let money = (sometimes(conversation()), sometimes(pricing()));
    let references = (sometimes(id()), sometimes(id()), sometimes(text()));
    (step, id(), time(), person(), problem(), money, references).prop_map(
        |(progress, message_id, at, recipient, problem, (conversation, pricing), references)| Status {
            message_id: Some(message_id),
            at: Some(at),
            recipient,
            problems: if progress == Progress::Failed { vec![problem] } else { Vec::new() },
            references: References { client_id: references.0, external_id: references.1, opaque: references.2 },
            conversation,
            pricing,
            ..Status::new(progress)
        },
    )
}

fn conversation() -> impl Strategy<Value = Conversation> {
    (id(), sometimes(time()), sometimes(id())).prop_map(|(id, expires_at, origin)| Conversation {
        id: Some(id),
        expires_at,
        origin,
        extra: Extra::default(),
    })
}

fn pricing() -> impl Strategy<Value = Pricing> {
    (any::<Option<bool>>(), sometimes(id()), sometimes(id()), sometimes(id())).prop_map(
        |(billable, model, kind, category)| Pricing { billable, model, kind, category, extra: Extra::default() },
    )
}

fn inbound() -> impl Strategy<Value = Inbound> {
    let about = (sometimes(quoted()), sometimes(object()), sometimes(object()), sometimes(id()));
    (content(), id(), time(), person(), about).prop_map(
        |(content, message_id, at, sender, (quoted, referral, identity, group_id))| Inbound {
            message_id: Some(message_id),
            at: Some(at),
            business: Business::default(),
            sender,
            quoted,
            referral,
            identity,
            group_id,
            ..Inbound::new(content)
        },
    )
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    (text(), any::<bool>(), any::<u32>()).prop_map(|(text, flag, number)| {
        Map::from_iter([("a".into(), text.into()), ("b".into(), flag.into()), ("c".into(), number.into())])
    })
}

fn quoted() -> impl Strategy<Value = Quoted> {
    (sometimes(id()), sometimes(number()), any::<Option<bool>>(), sometimes(object())).prop_map(
        |(message_id, from, forwarded, product)| Quoted { message_id, from, forwarded, product, ..Quoted::default() },
    )
}

fn content() -> impl Strategy<Value = InboundContent> {
    prop_oneof![
        4 => text().prop_map(|body| InboundContent::Text(Written { body, extra: Extra::default() })),
        4 => media().prop_map(InboundContent::Media),
        1 => place().prop_map(InboundContent::Location),
        1 => vec(object().prop_map(Value::from), 1..3).prop_map(InboundContent::Contacts),
        3 => reply(),
        1 => order().prop_map(InboundContent::Order),
        1 => (id(), text()).prop_map(|(message_id, emoji)| {
            InboundContent::Reaction(Reaction { message_id, emoji, extra: Extra::default() })
        }),
        1 => (sometimes(id()), sometimes(text()), sometimes(number())).prop_map(|(kind, body, new_wa_id)| {
            InboundContent::System(System { kind, body, new_wa_id, extra: Extra::default() })
        }),
        1 => (text(), sometimes(id())).prop_map(|(detail, kind)| {
            let problems = vec![Fault::upstream(FaultKind::UnsupportedKind, detail).into()];
            InboundContent::Unsupported(Unsupported { kind, problems, ..Unsupported::default() })
        }),
        1 => ("x_[a-z]{2,9}", sometimes(object()))
            .prop_map(|(kind, body)| InboundContent::Other { kind, body: body.map(Value::from) }),
    ]
}

fn media() -> impl Strategy<Value = InboundMedia> {
    let words = (sometimes(text()), sometimes(text()));
    (prop::sample::select(&MediaKind::ALL[..]), sometimes(id()), sometimes(id()), words, any::<Option<bool>>())
        .prop_map(|(kind, id, link, (caption, filename), flag)| InboundMedia {
            id,
            link,
            caption,
            filename,
            voice: flag.filter(|_| kind == MediaKind::Audio),
            animated: flag.filter(|_| kind == MediaKind::Sticker),
            ..InboundMedia::new(kind)
        })
}

fn place() -> impl Strategy<Value = Place> {
    (-90.0..90.0_f64, -180.0..180.0_f64, sometimes(text()), sometimes(text()), sometimes(id())).prop_map(
        |(latitude, longitude, name, address, url)| Place {
            location: Location { latitude, longitude, name, address, extra: Extra::default() },
            url,
        },
    )
}

fn reply() -> impl Strategy<Value = InboundContent> {
    (0..4_u8, id(), text(), sometimes(text())).prop_map(|(form, id, title, more)| {
        let extra = Extra::default();
        match form {
            0 => InboundContent::ButtonReply(ButtonReply { id, title, extra }),
            1 => InboundContent::ListReply(ListReply { id, title, description: more, extra }),
            2 => InboundContent::FlowReply(FlowReply { name: Some(id), body: more, response_json: title, extra }),
            _ => InboundContent::TemplateButton(TemplateButton { payload: more, text: title, extra }),
        }
    })
}

fn order() -> impl Strategy<Value = Order> {
    (sometimes(id()), sometimes(text()), 0..3_usize).prop_map(|(catalog_id, text, items)| Order {
        catalog_id,
        text,
        items: vec![json!({ "product_retailer_id": "kettle-2l", "quantity": 2 }); items],
        extra: Extra::default(),
    })
}
