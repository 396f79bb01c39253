//! Certificates and kubeconfigs, by the host's openssl.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Result;

/// Runs openssl with something on its standard input.
pub(crate) fn openssl(words: &[&str], input: &[u8]) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| format!("openssl: {error}");
    let mut child = Command::new("openssl")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut pipe) = child.stdin.take() {
        let _ = pipe.write_all(input);
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("openssl {}: {}", words[0], String::from_utf8_lossy(&output.stderr).trim()))
    }
}

/// A new key and a request for a subject such as `/O=system:masters/CN=admin`.
pub(crate) fn request(subject: &str) -> Result<(Vec<u8>, Vec<u8>)> {
    let key = openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"], b"")?;
    let request = openssl(&["req", "-new", "-key", "/dev/stdin", "-subj", subject], &key)?;
    Ok((key, request))
}

/// Signs a request with the cluster's authority, for one year.
pub(crate) fn sign(folder: &str, request: &[u8]) -> Result<Vec<u8>> {
    let (ca, key) = (format!("{folder}/ca.crt"), format!("{folder}/ca.key"));
    let serial = jiff::Timestamp::now().as_nanosecond().to_string();
    // With extensions it is a certificate of version 3; rustls takes no other.
    let extensions = format!("/run/kubernetes-standin.{serial}.cnf");
    write_private(
        &extensions,
        b"basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n",
    )?;
    let words = [
        "x509",
        "-req",
        "-days",
        "365",
        "-CA",
        &ca,
        "-CAkey",
        &key,
        "-set_serial",
        &serial,
        "-sha256",
        "-extfile",
        &extensions,
    ];
    let signed = openssl(&words, request);
    let _ = std::fs::remove_file(&extensions);
    signed
}

/// The hash of an authority's public key, as `--discovery-token-ca-cert-hash` has it.
pub(crate) fn authority_hash(ca: &[u8]) -> Result<String> {
    let public = openssl(&["x509", "-pubkey", "-noout"], ca)?;
    let der = openssl(&["pkey", "-pubin", "-outform", "der"], &public)?;
    let sum = openssl(&["dgst", "-sha256", "-r"], &der)?;
    let text = String::from_utf8_lossy(&sum).into_owned();
    Ok(format!("sha256:{}", text.split_whitespace().next().unwrap_or_default()))
}

/// The text of a kubeconfig.
pub(crate) fn kubeconfig(server: &str, user: &str, ca: &[u8], certificate: &[u8], key: &[u8]) -> String {
    let (ca, certificate, key) = (STANDARD.encode(ca), STANDARD.encode(certificate), STANDARD.encode(key));
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: kubernetes\n  cluster:\n    server: {server}\n    certificate-authority-data: {ca}\n\
         users:\n- name: {user}\n  user:\n    client-certificate-data: {certificate}\n    client-key-data: {key}\n\
         contexts:\n- name: {user}@kubernetes\n  context: {{cluster: kubernetes, user: {user}}}\ncurrent-context: {user}@kubernetes\n"
    )
}

/// Writes a file that only root may read, from its first byte.
pub(crate) fn write_private(path: &str, bytes: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| format!("{path}: {error}");
    if let Some((folder, _)) = path.rsplit_once('/') {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    file.write_all(bytes).map_err(failed)
}
