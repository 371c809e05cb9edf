//! `"recipient"`, which names a person by the id that Meta gives them for one business.

use crate::model::{Fault, FaultKind, Recipient, RecipientAddress};

/// Reads the recipient that is named so.
///
/// # Errors
/// When it has not the form of such an id.
pub fn decode_user(user: String) -> Result<Recipient, Fault> {
    let address = RecipientAddress::user(user.clone());
    let address = address.map_err(|why| Fault::at(FaultKind::InvalidRecipient, "recipient", why))?;
    Ok(Recipient { address, input: user })
}
