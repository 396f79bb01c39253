//! `kubeadm token create`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{CERTIFICATES, admin};
use crate::api_client::file;
use crate::{Result, certificates, print};

pub(super) fn create(flags: &BTreeMap<String, String>) -> Result<()> {
    let ttl = flags.get("ttl").map_or("24h", String::as_str);
    let minutes: i64 = match ttl.strip_suffix('m') {
        Some(minutes) => minutes.parse().map_err(|_| format!("invalid duration {ttl:?}"))?,
        None => {
            ttl.strip_suffix('h')
                .and_then(|hours| hours.parse::<i64>().ok())
                .ok_or_else(|| format!("invalid duration {ttl:?}"))?
                * 60
        }
    };
    let random = certificates::openssl(&["rand", "-hex", "11"], b"")?;
    let random = String::from_utf8_lossy(&random).trim().to_owned();
    let (id, secret) = (&random[..6], &random[6..22]);
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(minutes);
    let expiration = end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let data = json!({"token-id": STANDARD.encode(id), "token-secret": STANDARD.encode(secret), "expiration": STANDARD.encode(expiration)});
    let api = admin()?;
    api.apply(
        "/api/v1/namespaces/kube-system/secrets",
        &json!({"metadata": {"name": format!("bootstrap-token-{id}")}, "data": data}),
    )?;
    if flags.contains_key("print-join-command") {
        let endpoint = api.server.trim_start_matches("https://");
        let hash = certificates::authority_hash(&file(&format!("{CERTIFICATES}/ca.crt"))?)?;
        print(&format!(
            "kubeadm join {endpoint} --token {id}.{secret} --discovery-token-ca-cert-hash {hash} "
        ));
    } else {
        print(&format!("{id}.{secret}"));
    }
    Ok(())
}
