//! `{ "id", "mime_type", "sha256", "caption"?, "filename"?, "voice"?, "animated"? }`

use serde_json::Value;

use super::{EventForms, filled};
use crate::dialect::Telling;
use crate::dialect::reader::Members;
use crate::dialect::shapes::Object;
use crate::model::{Fault, InboundMedia, MediaKind};

/// Reads a file that was sent to the business.
///
/// # Errors
/// When a member has the wrong kind.
pub fn decode_media(kind: MediaKind, mut members: Members) -> Result<InboundMedia, Fault> {
    members.alias("url", "link")?;
    Ok(InboundMedia {
        kind,
        id: filled(&mut members, "id")?,
        link: filled(&mut members, "link")?,
        mime_type: filled(&mut members, "mime_type")?,
        sha256: filled(&mut members, "sha256")?,
        caption: filled(&mut members, "caption")?,
        filename: filled(&mut members, "filename")?,
        voice: members.optional_flag("voice")?,
        animated: members.optional_flag("animated")?,
        extra: members.rest(),
    })
}

/// Writes a file; that a sound is a voice note stands in it, or in the message's type.
pub fn encode_media(media: &InboundMedia, path: &str, forms: &EventForms, telling: &mut Telling<'_>) -> Value {
    let mut object = Object::new();
    object.put_some("id", &media.id);
    object.put_some(forms.link, &media.link);
    object.put_some("mime_type", &media.mime_type);
    object.put_some("sha256", &media.sha256);
    object.put_some("caption", &media.caption);
    object.put_some("filename", &media.filename);
    if forms.voice == MediaKind::Audio.as_str() {
        object.put_some("voice", &media.voice);
    }
    object.put_some("animated", &media.animated);
    telling.extra(&media.extra, path, &mut object.0);
    object.into()
}
