//! Secrets: read from where the configuration says, compared by hash, printed as stars.

use std::fs::{DirBuilder, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::{fmt, io};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A secret of the configuration: written literally, as `env:NAME` or as `file:PATH`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// A secret that is known.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Reads a secret from where the text says.
    ///
    /// # Errors
    /// When the variable or file cannot be read, or holds nothing.
    pub fn resolve(text: &str) -> Result<Self, SecretError> {
        let found = if let Some(name) = text.strip_prefix("env:") {
            std::env::var(name).map_err(|_| SecretError::Variable(name.to_owned()))?
        } else if let Some(path) = text.strip_prefix("file:") {
            let read = std::fs::read_to_string(path);
            read.map_err(|error| SecretError::File(path.to_owned(), error))?.trim_end().to_owned()
        } else {
            text.to_owned()
        };
        if found.is_empty() { Err(SecretError::Empty) } else { Ok(Self::new(found)) }
    }

    /// The secret itself, for the one place that sends or compares it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::resolve(&text).map_err(de::Error::custom)
    }
}

/// Why a secret cannot be read; the words never repeat it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set.
    #[error("the environment has no variable {0}; set it, or write the secret as file:PATH")]
    Variable(String),
    /// The file cannot be read.
    #[error("the file {0} cannot be read ({1})")]
    File(String, #[source] std::io::Error),
    /// Nothing in it.
    #[error("is empty; give a secret, env:NAME or file:PATH")]
    Empty,
    /// Not a hash.
    #[error("is no hash; sha256: is followed by 64 hexadecimal digits, as `sabir key new` prints them")]
    Hash,
    /// Not a key of the store.
    #[error("is no key of 32 bytes; give 64 hexadecimal digits, as `sabir store key` prints them")]
    SealingKey,
}

/// Makes a file, and the folders above it, that only their owner can read: it is to hold what is nobody else's affair.
///
/// # Errors
/// Where the file is there already, or cannot be made.
pub fn private_file(path: &Path) -> io::Result<File> {
    let (mut folders, mut file) = (DirBuilder::new(), OpenOptions::new());
    folders.recursive(true);
    file.write(true).create_new(true);
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    }
    if let Some(folder) = path.parent() {
        folders.create(folder)?;
    }
    file.open(path)
}

/// The SHA-256 of a key that is only ever compared, and always in constant time: as a map's key too.
#[derive(Clone, Copy)]
pub struct KeyHash([u8; 32]);

impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyHash {}

impl Hash for KeyHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl KeyHash {
    /// The hash of a key.
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// Whether it is the hash of that key.
    pub fn matches(&self, key: &str) -> bool {
        *self == Self::of(key)
    }

    /// One hash of both, in this order: who has it learns of neither without guessing the other.
    pub fn joined(&self, other: &Self) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(other.0).finalize().into())
    }

    /// A hash that a store kept; none where it is not one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The hash itself, as a store keeps it.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The form that goes into a configuration: `sha256:` and 64 hexadecimal digits.
    pub fn to_config(&self) -> String {
        format!("sha256:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:***")
    }
}

impl<'de> Deserialize<'de> for KeyHash {
    /// Takes `sha256:HEX`, or a key in any form of [`Secret`].
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let secret = Secret::deserialize(deserializer)?;
        let Some(digits) = secret.expose().strip_prefix("sha256:") else { return Ok(Self::of(secret.expose())) };
        let mut hash = [0; 32];
        hex::decode_to_slice(digits, &mut hash).map_err(|_| de::Error::custom(SecretError::Hash))?;
        Ok(Self(hash))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_prints_as_stars() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
        assert_eq!(format!("{:?}", KeyHash::of("hunter2")), "sha256:***");
    }

    /// Equality is `subtle`'s, which looks at every byte whatever it finds; it has to be right for each of them.
    #[test]
    fn hashes_differ_wherever_a_single_bit_does() {
        let hash = KeyHash::of("hunter2");
        assert_eq!(hash, KeyHash::of("hunter2"));
        for bit in 0..256 {
            let mut other = hash;
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(hash, other, "bit {bit}");
        }
    }

    #[test]
    fn joined_hashes_depend_on_both_and_on_their_order() {
        let (one, two) = (KeyHash::of("one"), KeyHash::of("two"));
        assert_eq!(one.joined(&two), one.joined(&two));
        assert!(one.joined(&two) != two.joined(&one) && one.joined(&two) != one.joined(&one));
    }

    #[test]
    fn a_key_may_be_given_as_its_hash() {
        let written = KeyHash::of("hunter2").to_config();
        let read: KeyHash = serde_json::from_value(json!(written)).unwrap();
        assert!(read.matches("hunter2") && !read.matches("hunter3"));
        assert!(serde_json::from_value::<KeyHash>(json!("sha256:12")).is_err());
    }

    #[test]
    fn a_missing_variable_is_named_and_a_literal_is_not_repeated() {
        let error = Secret::resolve("env:SABIR_NO_SUCH_VARIABLE").unwrap_err().to_string();
        assert!(error.contains("SABIR_NO_SUCH_VARIABLE"), "{error}");
        assert!(Secret::resolve("").is_err());
    }
}
