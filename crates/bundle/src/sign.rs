//! Signatures: ed25519 over the manifest, which holds the SHA-256 of everything else.
//!
//! The second entry of a bundle, `manifest.sig`, is a block of 512 bytes that waits for the signature. Signing writes that block and
//! nothing else, so a bundle of any size is signed at once and in place.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::BundleError;

/// Name of the second entry.
pub(crate) const SIGNATURE: &str = "manifest.sig";
/// Its size: one block of a tar archive.
pub(crate) const SIGNATURE_SIZE: usize = 512;

/// DER of a SubjectPublicKeyInfo for ed25519, up to the key's 32 bytes (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// What stands in the block.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Signature {
    /// The signer's public key, base64.
    key: String,
    /// The signature of the manifest's bytes, base64.
    ed25519: String,
}

impl Signature {
    /// Reads the block; `None` is an unsigned bundle.
    pub(crate) fn parse(block: &[u8]) -> Result<Option<Self>, String> {
        let text = block.trim_ascii();
        if text.is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(text).map(Some).map_err(|error| error.to_string())
    }

    fn block(&self) -> Vec<u8> {
        let mut block =
            format!("{{\"key\":\"{}\",\"ed25519\":\"{}\"}}\n", self.key, self.ed25519).into_bytes();
        block.resize(SIGNATURE_SIZE, b'\n');
        block
    }

    /// Who signed.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Whether `key` signed these bytes.
    pub(crate) fn is_by(&self, key: &PublicKey, bytes: &[u8]) -> bool {
        let Ok(signature) = STANDARD.decode(&self.ed25519) else { return false };
        UnparsedPublicKey::new(&ED25519, key.0).verify(bytes, &signature).is_ok()
    }
}

/// A key that bundles are checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The key of a setting: base64 of its 32 bytes, a PEM block, or the path of a file with either.
    ///
    /// # Errors
    /// It is none of these.
    pub fn from_setting(text: &str, folder: &Path) -> Result<Self, BundleError> {
        if let Some(key) = Self::parse(text) {
            return Ok(key);
        }
        let path = folder.join(text.trim());
        let wrong = |reason: String| BundleError::Key { name: text.trim().to_owned(), reason };
        let content = std::fs::read_to_string(&path).map_err(|error| {
            wrong(format!("it is no base64 of 32 bytes, and as a file it cannot be read: {error}"))
        })?;
        Self::parse(&content).ok_or_else(|| wrong("the file holds no ed25519 public key".into()))
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(bytes) = STANDARD.decode(text) {
            return bytes.try_into().ok().map(Self);
        }
        let der = pem::parse(text).ok()?.into_contents();
        der.strip_prefix(&SPKI)?.try_into().ok().map(Self)
    }

    /// Base64 of its bytes, as it stands in `vars.yml`.
    pub fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }
}

/// A key that bundles are signed with.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Makes a pair: the private key in `path`, readable by its owner only, the public one in `path.pub`.
    ///
    /// # Errors
    /// One of the files is there already or cannot be written.
    pub fn generate(path: &Path) -> Result<(PathBuf, PublicKey), BundleError> {
        let failed =
            |reason: &str| BundleError::Key { name: path.display().to_string(), reason: reason.into() };
        let secret = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_| failed("the system gives no random numbers"))?;
        let pair = Ed25519KeyPair::from_pkcs8(secret.as_ref()).map_err(|_| failed("it could not be made"))?;
        let public = public_of(&pair).ok_or_else(|| failed("it could not be made"))?;
        let pem = pem::encode(&pem::Pem::new("PRIVATE KEY", secret.as_ref()));
        write_new(path, 0o600, &pem)?;
        let mut name = path.as_os_str().to_owned();
        name.push(".pub");
        let beside = PathBuf::from(name);
        write_new(&beside, 0o644, &format!("{}\n", public.base64()))?;
        Ok((beside, public))
    }

    /// Reads a private key: PKCS#8 in PEM, as `taskbox bundle key` and `openssl genpkey -algorithm ed25519` write it.
    ///
    /// # Errors
    /// It cannot be read, others can read it too, or it is no such key.
    pub fn read(path: &Path) -> Result<Self, BundleError> {
        use std::os::unix::fs::PermissionsExt;
        let wrong = |reason: String| BundleError::Key { name: path.display().to_string(), reason };
        let mut file = std::fs::File::open(path).map_err(BundleError::file("read", path))?;
        let mode = file.metadata().map_err(BundleError::file("read", path))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(wrong(format!("others may read it (mode {:04o}); `chmod 600` it", mode & 0o7777)));
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(BundleError::file("read", path))?;
        let der = pem::parse(&text).map_err(|error| wrong(error.to_string()))?.into_contents();
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
        pair.map(Self).map_err(|_| wrong("it holds no ed25519 private key".into()))
    }

    /// Signs the manifest of a bundle, in place, and says with which public key.
    ///
    /// # Errors
    /// The file is no bundle, or cannot be written.
    pub fn sign(&self, bundle: &Path) -> Result<PublicKey, BundleError> {
        let opened = crate::Bundle::open(bundle)?;
        let refuse = || BundleError::Key { name: "the key".into(), reason: "its public part is odd".into() };
        let public = public_of(&self.0).ok_or_else(refuse)?;
        let signature = Signature {
            key: public.base64(),
            ed25519: STANDARD.encode(self.0.sign(opened.manifest_bytes())),
        };
        let file = OpenOptions::new().write(true).open(bundle).map_err(BundleError::file("write", bundle))?;
        file.write_all_at(&signature.block(), opened.signature_offset())
            .and_then(|()| file.sync_all())
            .map_err(BundleError::file("write", bundle))?;
        Ok(public)
    }
}

fn public_of(pair: &Ed25519KeyPair) -> Option<PublicKey> {
    pair.public_key().as_ref().try_into().ok().map(PublicKey)
}

fn write_new(path: &Path, mode: u32, text: &str) -> Result<(), BundleError> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(BundleError::file("create", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, test 1, as `openssl pkey -pubout` prints it.
    #[test]
    fn a_public_key_is_read_in_every_form() {
        let bytes = STANDARD.decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=").unwrap();
        let mut der = SPKI.to_vec();
        der.extend(&bytes);
        let block = pem::encode(&pem::Pem::new("PUBLIC KEY", der));
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("k.pub"), &block).unwrap();
        for text in ["11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n", &block, "k.pub"] {
            let key = PublicKey::from_setting(text, dir.path()).unwrap();
            assert_eq!(key.base64(), "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
        }
        assert!(PublicKey::from_setting("nonsense", dir.path()).is_err());
    }

    #[test]
    fn a_private_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let (public, _) = SigningKey::generate(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(public.ends_with("key.pub"));
        assert!(SigningKey::read(&path).is_ok());
        assert!(SigningKey::generate(&path).is_err(), "a key is never overwritten");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(SigningKey::read(&path).is_err());
    }
}
