//! The etcd cluster, through its JSON gateway.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::Result;
use crate::api_client::{Credentials, agent};

/// A connection to whichever member answers.
#[derive(Clone)]
pub(crate) struct Etcd {
    agent: ureq::Agent,
    endpoints: Vec<String>,
}

/// A value with the revision at which it was written.
pub(crate) struct Entry {
    pub(crate) value: Value,
    pub(crate) revision: String,
}

impl Etcd {
    /// From the flags of the API server's static pod.
    pub(crate) fn open(endpoints: &str, ca: &str, certificate: &str, key: &str) -> Result<Self> {
        let credentials = Credentials::from_files(ca, certificate, key)?;
        let endpoints = endpoints.split(',').map(str::to_owned).collect();
        Ok(Self { agent: agent(&credentials)?, endpoints })
    }

    fn call(&self, what: &str, body: &Value) -> Result<Value> {
        let mut last = "no endpoint".to_owned();
        for endpoint in &self.endpoints {
            let sent = self.agent.post(format!("{endpoint}/v3/{what}")).send(body.to_string());
            match sent.map_err(|error| error.to_string()).and_then(|mut answer| {
                let text = answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
                if answer.status().is_success() { Ok(text) } else { Err(text) }
            }) {
                Ok(text) => return serde_json::from_str(&text).map_err(|error| error.to_string()),
                Err(error) => last = format!("etcd {endpoint}: {error}"),
            }
        }
        Err(last)
    }

    /// All entries whose keys begin so.
    pub(crate) fn list(&self, prefix: &str) -> Result<Vec<Entry>> {
        let mut end = prefix.as_bytes().to_vec();
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        let found = self
            .call("kv/range", &json!({"key": STANDARD.encode(prefix), "range_end": STANDARD.encode(end)}))?;
        Ok(found["kvs"].as_array().into_iter().flatten().filter_map(entry).collect())
    }

    /// One entry.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Entry>> {
        let found = self.call("kv/range", &json!({"key": STANDARD.encode(key)}))?;
        Ok(found["kvs"].as_array().into_iter().flatten().filter_map(entry).next())
    }

    /// Writes if the entry is still of that revision (`"0"`: not there); tells whether it was.
    pub(crate) fn put(&self, key: &str, value: &Value, revision: &str) -> Result<bool> {
        let key = STANDARD.encode(key);
        let asked = json!({
            "compare": [{"key": key, "target": "MOD", "mod_revision": revision, "result": "EQUAL"}],
            "success": [{"requestPut": {"key": key, "value": STANDARD.encode(value.to_string())}}],
        });
        Ok(self.call("kv/txn", &asked)?["succeeded"] == true)
    }

    /// Removes an entry.
    pub(crate) fn delete(&self, key: &str) -> Result<()> {
        self.call("kv/deleterange", &json!({"key": STANDARD.encode(key)})).map(drop)
    }

    /// The version of the server that answers.
    pub(crate) fn version(&self) -> Result<String> {
        let answer = self.call("maintenance/status", &json!({}))?;
        answer["version"].as_str().map(str::to_owned).ok_or_else(|| "etcd tells no version".to_owned())
    }
}

fn entry(kv: &Value) -> Option<Entry> {
    let bytes = STANDARD.decode(kv["value"].as_str()?).ok()?;
    Some(Entry {
        value: serde_json::from_slice(&bytes).ok()?,
        revision: kv["mod_revision"].as_str()?.to_owned(),
    })
}
