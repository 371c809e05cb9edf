//! JSON objects that several dialects write alike: media, places, cards, interactive messages, templates.
//!
//! Each file has its decoder above its encoder. Where dialects differ inside a shared object, [`Forms`] says how.
//! Sources: Meta's Cloud API reference (messages/*), the archived On-Premises reference, AISoule's and Messangi's
//! pages, which print the same objects.

mod contacts;
pub mod event;
mod interactive;
mod location;
mod media;
mod quote;
mod reaction;
mod recipient;
mod template;

pub use contacts::{decode_contacts, encode_contacts};
pub use interactive::{decode_interactive, encode_interactive};
pub use location::{decode_location, encode_location};
pub use media::{check_link, decode_media, encode_media};
pub use quote::{decode_quote, encode_quote};
pub use reaction::{decode_reaction, encode_reaction};
pub use recipient::decode_user;
use serde_json::{Map, Value};
pub use template::{decode_template, encode_template};

use super::Translation;
use super::reader::Members;
use crate::model::{Fault, Media, MediaKind, Warning};

/// Longest text message.
pub const MAX_TEXT: usize = 4096;
/// Longest caption.
pub const MAX_CAPTION: usize = 1024;

/// Where dialects that share these objects differ.
#[derive(Clone, Copy)]
pub struct Forms {
    /// Reads a media object; `members` are the object's own.
    pub read_media: fn(MediaKind, Members, &mut Vec<Warning>) -> Result<Media, Fault>,
    /// Writes a media object that stands at `path`.
    pub write_media: fn(&Media, &str, &mut Translation<'_>) -> Result<Value, Fault>,
    /// Longest body of a list message, in characters.
    pub max_list_body: usize,
    /// The values of `interactive.type` that the dialect has; none means all, unknown ones too.
    pub interactive_kinds: Option<&'static [&'static str]>,
}

/// Collects the members of an object that is written.
#[derive(Default)]
pub struct Object(pub Map<String, Value>);

impl Object {
    /// An object with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member.
    pub fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Adds a member where there is a value.
    pub fn put_some<T: Clone + Into<Value>>(&mut self, name: &str, value: &Option<T>) {
        if let Some(value) = value {
            self.put(name, value.clone());
        }
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object.0)
    }
}
