//! Members that we do not know.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The members of one wire object that the model has no field for, as they came.
///
/// Nothing unknown is lost: they come out again, at the same place, where the target speaks the family that they
/// came from. Elsewhere each one that is dropped becomes a warning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Extra(pub Map<String, Value>);

impl Extra {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
