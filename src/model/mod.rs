//! What a message is, whoever speaks of it.
//!
//! The model is the hub between the dialects: a client's request is decoded into it and an upstream's request is
//! encoded from it. It knows neither wire names nor status codes, does no I/O and asks no clock.
//!
//! To add a kind of content: a variant of [`Content`], a sample under `src/dialect/samples/`, then wherever the
//! compiler points.

mod contact;
mod content;
mod event;
mod extra;
mod fault;
mod files;
mod format;
mod ids;
mod interactive;
mod message;
mod outcome;
mod pace;
mod recipient;
mod service;
mod state;
mod template;

pub use contact::Contact;
pub use content::{Content, Kind, Location, Media, MediaKind, MediaSource, Provider, Reaction, Text};
pub use event::{
    Business, ButtonReply, Conversation, Event, EventKind, FlowReply, Inbound, InboundContent, InboundMedia, Known,
    ListReply, Notice, Order, Person, Place, Pricing, Problem, Progress, Quoted, Status, System, Tastes,
    TemplateButton, Trouble, Unreadable, Unsupported, Written,
};
pub use extra::Extra;
pub use fault::{Fault, FaultKind, Origin, UpstreamError, Verdict};
pub use files::File;
pub use format::MediaFormat;
pub use ids::{ParseIdError, TransactionId};
pub use interactive::{
    Action, ButtonExtra, Header, HeaderContent, Interactive, ListRow, ListSection, Paragraph, ProductItem,
    ProductSection, ReplyButton,
};
pub use message::{Channel, Message, Quote, ReadMark, References, Relay, Request, ReturnAddress};
pub use outcome::{Accepted, Warning};
pub use pace::{Meter, Pace, Rate};
pub use recipient::{NoUserId, PhoneNumber, PhoneNumberError, Recipient, RecipientAddress};
pub use service::{CheckedContact, HealthForm, Login, Manner, Served, Service, Setting};
pub use state::State;
pub use template::{Component, ComponentKind, Parameter, ParameterValue, Template};
