//! `{ "latitude", "longitude", "name"?, "address"? }`

use serde_json::Value;

use super::Object;
use crate::dialect::Translation;
use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::model::{Fault, Location};

/// Reads a place; the coordinates may be texts.
///
/// # Errors
/// When a coordinate is missing, no number or out of range.
pub fn decode_location(mut members: Members) -> Result<Location, Fault> {
    Ok(Location {
        latitude: members.number("latitude", -90.0, 90.0)?,
        longitude: members.number("longitude", -180.0, 180.0)?,
        name: members.optional_text("name", ANY_LENGTH)?,
        address: members.optional_text("address", ANY_LENGTH)?,
        extra: members.rest(),
    })
}

/// Writes a place, the coordinates as numbers.
pub fn encode_location(location: &Location, path: &str, translation: &mut Translation<'_>) -> Value {
    let mut object = Object::new();
    object.put("latitude", location.latitude);
    object.put("longitude", location.longitude);
    object.put_some("name", &location.name);
    object.put_some("address", &location.address);
    translation.extra(&location.extra, path, &mut object.0);
    object.into()
}
