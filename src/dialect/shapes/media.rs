//! `{ "id" or "link", "caption"?, "filename"?, "voice"? }`

use serde_json::Value;
use url::Url;

use super::{MAX_CAPTION, Object};
use crate::dialect::Translation;
use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::model::{Fault, Media, MediaKind, MediaSource, Warning};

/// Reads a media object: exactly one of `id` and `link`.
///
/// # Errors
/// When both or neither is there, the link is no web address, or the caption is too long.
pub fn decode_media(kind: MediaKind, mut members: Members, warnings: &mut Vec<Warning>) -> Result<Media, Fault> {
    let id = members.optional_text("id", ANY_LENGTH)?.filter(|id| !id.is_empty());
    let link = members.optional_text("link", ANY_LENGTH)?.filter(|link| !link.is_empty());
    let source = match (id, link) {
        (Some(id), None) => MediaSource::Id(id),
        (None, Some(link)) => {
            check_link(&members.path("link"), &link)?;
            MediaSource::Link(link)
        }
        (Some(_), Some(_)) => {
            return Err(Fault::invalid(members.own_path(), "holds both id and link; give one of them"));
        }
        (None, None) => return Err(Fault::missing(members.path("link"), "give a link, or the id of an upload")),
    };
    let caption = members.optional_text("caption", MAX_CAPTION)?;
    if caption.is_some() && !kind.has_caption() {
        let text = format!("WhatsApp shows no caption beside {}: left out", kind.as_str());
        warnings.push(Warning::new(members.path("caption"), text));
    }
    let filename = if kind == MediaKind::Document { members.optional_text("filename", ANY_LENGTH)? } else { None };
    let voice = if kind == MediaKind::Audio { members.optional_flag("voice")? } else { None };
    Ok(Media {
        kind,
        source,
        caption: caption.filter(|_| kind.has_caption()),
        filename,
        voice,
        provider: None,
        extra: members.rest(),
    })
}

/// Writes a media object for dialects that know ids, links and voice notes, but no provider.
///
/// # Errors
/// Where the translation does not allow a loss.
pub fn encode_media(media: &Media, path: &str, translation: &mut Translation<'_>) -> Result<Value, Fault> {
    let why = "it has no named credentials for links";
    translation.lose_if(media.provider.is_some(), format_args!("{path}.provider"), why)?;
    let mut object = Object::new();
    match &media.source {
        MediaSource::Id(id) => object.put("id", id.as_str()),
        MediaSource::Link(link) => object.put("link", link.as_str()),
    }
    if let Some(caption) = &media.caption {
        translation.within(format_args!("{path}.caption"), caption, MAX_CAPTION)?;
        object.put("caption", caption.as_str());
    }
    object.put_some("filename", &media.filename);
    object.put_some("voice", &media.voice);
    translation.extra(&media.extra, path, &mut object.0);
    Ok(object.into())
}

/// Checks that a link is an `http` or `https` address with a host.
///
/// # Errors
/// When it is not; the fault names what is wrong and not the link.
pub fn check_link(path: &str, link: &str) -> Result<(), Fault> {
    let expected = "give an http or https address";
    let url =
        Url::parse(link).map_err(|error| Fault::invalid(path, format_args!("is no address ({error}); {expected}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Fault::invalid(path, format_args!("begins with {}:; {expected}", url.scheme())));
    }
    Ok(())
}
