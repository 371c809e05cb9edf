//! Bodies, sealed before they are written: AES-256-GCM-SIV under keys that only the configuration has.
//!
//! Without keys nothing is sealed, and nothing of this costs anything. A sealed text names its key, so that several can be in
//! use: the first seals, each opens; what was written in the clear stays readable. It is bound to its column, so that it
//! cannot be passed off as what stands in another. A random nonce for each is enough: this cipher stands a repeated one.
//!
//! What lists and look-ups need stands in the clear: numbers, ids, states, names of accounts and files.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, de};
use sha2::{Digest, Sha256};

use super::{Config, StoreError};
use crate::secret::{Secret, SecretError};

/// What a sealed text begins with. No JSON begins so, and what else does is changed where it is written.
const SIGN: char = '\u{1}';
/// Between the parts of a sealed text.
const SEPARATOR: char = '.';

/// A key of the store: 32 bytes, in the configuration as 64 hexadecimal digits.
#[derive(Clone)]
pub struct SealingKey(Arc<Keyed>);

struct Keyed {
    id: String,
    key: RandomizedNonceKey,
}

impl SealingKey {
    /// A fresh key in the form of the configuration.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn fresh() -> Result<Secret, StoreError> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(StoreError::defect)?;
        Ok(Secret::new(hex::encode(bytes)))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        let id = Sha256::new().chain_update("sabir store key").chain_update(bytes).finalize();
        let id = hex::encode(id.get(..8)?);
        Some(Self(Arc::new(Keyed { id, key: RandomizedNonceKey::new(&AES_256_GCM_SIV, &bytes).ok()? })))
    }

    /// What it is called where something is sealed with it: a part of its hash.
    pub fn id(&self) -> &str {
        &self.0.id
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({})", self.0.id)
    }
}

impl<'de> Deserialize<'de> for SealingKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let secret = Secret::deserialize(deserializer)?;
        Self::parse(secret.expose()).ok_or_else(|| de::Error::custom(SecretError::SealingKey))
    }
}

/// Why a sealed text does not open; nothing of it is repeated.
#[derive(Debug, thiserror::Error)]
enum SealError {
    /// Its key is not there.
    #[error("{column} is sealed with the key {id}, which store.encryption_keys lacks; add it")]
    NoKey { column: &'static str, id: String },
    /// It is not what was written there.
    #[error("{column} is sealed and does not open: it is damaged, or was moved there from elsewhere")]
    Broken { column: &'static str },
    /// The cipher does not work.
    #[error("{column} could not be sealed")]
    Unsealed { column: &'static str },
}

/// Seals and opens.
#[derive(Clone, Debug, Default)]
pub(super) struct Seal {
    keys: Vec<SealingKey>,
    /// Whether the first of them seals what is written; else they only open.
    writes: bool,
}

impl Seal {
    pub fn new(config: &Config) -> Self {
        Self { keys: config.encryption_keys.clone(), writes: config.encrypt && !config.encryption_keys.is_empty() }
    }

    /// The key that seals; none where what is written is left in the clear.
    pub fn first(&self) -> Option<&SealingKey> {
        self.keys.first().filter(|_| self.writes)
    }

    /// Whether there is a key of that id.
    pub fn has(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id() == id)
    }

    /// A text as it is kept in the column. What is empty stays so: it says that the text was forgotten.
    pub fn keep<'a>(&self, column: &'static str, text: Cow<'a, str>) -> Result<Cow<'a, str>, StoreError> {
        match self.first() {
            Some(key) if !text.is_empty() => Ok(Cow::Owned(sealed(key, column, text.into_owned())?)),
            _ if text.starts_with(SIGN) => Ok(Cow::Owned(text.replacen(SIGN, "\u{fffd}", 1))),
            _ => Ok(text),
        }
    }

    /// As [`Self::keep`], of a text that was made for it.
    pub fn keep_own(&self, column: &'static str, text: String) -> Result<String, StoreError> {
        self.keep(column, Cow::Owned(text)).map(Cow::into_owned)
    }

    /// What was kept in the column.
    pub fn open(&self, column: &'static str, kept: String) -> Result<String, StoreError> {
        let Some(sealed) = kept.strip_prefix(SIGN) else { return Ok(kept) };
        self.opened(column, sealed).map_err(StoreError::defect)
    }

    /// As [`Self::open`], of what may be null.
    pub fn open_some(&self, column: &'static str, kept: Option<String>) -> Result<Option<String>, StoreError> {
        kept.map(|kept| self.open(column, kept)).transpose()
    }

    /// What is to stand in the column instead; none where it is as it would be written today.
    pub fn rewrapped(&self, column: &'static str, kept: &str) -> Result<Option<String>, StoreError> {
        let id = kept.strip_prefix(SIGN).and_then(|sealed| Some(sealed.split_once(SEPARATOR)?.0));
        if kept.is_empty() || id == self.first().map(SealingKey::id) {
            return Ok(None);
        }
        self.keep_own(column, self.open(column, kept.to_owned())?).map(Some)
    }

    fn opened(&self, column: &'static str, sealed: &str) -> Result<String, SealError> {
        let broken = || SealError::Broken { column };
        let (id, sealed) = sealed.split_once(SEPARATOR).ok_or_else(broken)?;
        let key = self.keys.iter().find(|key| key.id() == id);
        let key = key.ok_or_else(|| SealError::NoKey { column, id: id.to_owned() })?;
        let mut sealed = STANDARD_NO_PAD.decode(sealed).map_err(|_| broken())?;
        let (nonce, text) = sealed.split_at_mut_checked(NONCE_LEN).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let text = key.0.key.open_in_place(nonce, Aad::from(column), text).map_err(|_| broken())?;
        String::from_utf8(text.to_vec()).map_err(|_| broken())
    }
}

fn sealed(key: &SealingKey, column: &'static str, text: String) -> Result<String, StoreError> {
    let mut bytes = text.into_bytes();
    let nonce = key.0.key.seal_in_place_append_tag(Aad::from(column), &mut bytes);
    let nonce = nonce.map_err(|_| StoreError::defect(SealError::Unsealed { column }))?;
    let whole = [nonce.as_ref().as_slice(), &bytes].concat();
    Ok(format!("{SIGN}{}{SEPARATOR}{}", key.id(), STANDARD_NO_PAD.encode(whole)))
}

/// A row that holds sealed texts.
pub(super) trait Sealed: Sized {
    /// The row with its texts opened.
    fn open(self, seal: &Seal) -> Result<Self, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(digit: char) -> SealingKey {
        SealingKey::parse(&digit.to_string().repeat(64)).unwrap()
    }

    fn seal(keys: &[SealingKey]) -> Seal {
        Seal { keys: keys.to_vec(), writes: true }
    }

    fn kept(seal: &Seal, text: &str) -> String {
        seal.keep("a.b", Cow::Borrowed(text)).unwrap().into_owned()
    }

    fn why(opened: Result<String, StoreError>) -> String {
        std::error::Error::source(&opened.unwrap_err()).unwrap().to_string()
    }

    #[test]
    fn what_is_sealed_says_nothing_and_opens_again() {
        let seal = seal(&[key('a')]);
        let (one, other) = (kept(&seal, "447700900123"), kept(&seal, "447700900123"));
        assert!(one != other && !one.contains("447700900123"), "no two are alike");
        assert_eq!(seal.open("a.b", one).unwrap(), "447700900123");
    }

    #[test]
    fn a_new_key_seals_and_the_old_one_opens() {
        let (old, both) = (seal(&[key('a')]), seal(&[key('b'), key('a')]));
        let of_old = kept(&old, "Hi");
        let anew = both.rewrapped("a.b", &of_old).unwrap().unwrap();
        assert_eq!(both.open("a.b", of_old).unwrap(), "Hi");
        assert_eq!(both.rewrapped("a.b", &anew).unwrap(), None);
        assert_eq!(seal(&[key('b')]).open("a.b", anew.clone()).unwrap(), "Hi");
        assert!(
            why(old.open("a.b", anew))
                .contains(&format!("the key {}, which store.encryption_keys lacks", key('b').id()))
        );
    }

    #[test]
    fn what_was_written_in_the_clear_is_read_and_sealed_later() {
        let seal = seal(&[key('a')]);
        assert_eq!(seal.open("a.b", "{}".to_owned()).unwrap(), "{}");
        assert!(seal.rewrapped("a.b", "{}").unwrap().unwrap().starts_with(SIGN));
        assert_eq!(
            (kept(&seal, ""), seal.rewrapped("a.b", "").unwrap()),
            (String::new(), None),
            "forgotten stays forgotten"
        );
    }

    #[test]
    fn without_keys_nothing_changes_but_what_would_look_sealed() {
        let none = Seal::default();
        assert!(matches!(none.keep("a.b", Cow::Borrowed("Hi")).unwrap(), Cow::Borrowed("Hi")));
        assert_eq!(kept(&none, "\u{1}key.text"), "\u{fffd}key.text");
        let opening = Seal { keys: vec![key('a')], writes: false };
        let sealed = kept(&seal(&[key('a')]), "Hi");
        assert_eq!(opening.rewrapped("a.b", &sealed).unwrap().as_deref(), Some("Hi"));
    }

    #[test]
    fn what_was_changed_or_moved_does_not_open() {
        let seal = seal(&[key('a')]);
        let sealed = kept(&seal, "Hi");
        assert!(why(seal.open("a.c", sealed.clone())).contains("does not open"));
        for at in 0..sealed.len() {
            let mut bent = sealed.clone().into_bytes();
            bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
            assert_ne!(seal.open("a.b", String::from_utf8(bent).unwrap()).ok().as_deref(), Some("Hi"), "{at}");
        }
        assert!(why(seal.open("a.b", format!("{SIGN}{}.", key('a').id()))).contains("does not open"));
    }

    #[test]
    fn a_key_prints_its_id_alone_and_has_64_digits() {
        assert!(!format!("{:?}", key('a')).contains("aaaaaaaa"));
        assert!(SealingKey::parse("abc").is_none() && SealingKey::parse(&"x".repeat(64)).is_none());
        assert!(SealingKey::parse(SealingKey::fresh().unwrap().expose()).is_some());
    }
}
