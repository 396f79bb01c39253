//! kube-vip: holds the virtual address on one master at a time, by a lease, as its static pod says.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::api_client::Api;
use crate::controllers::hold;
use crate::{Result, say};

/// Runs until it is killed.
pub(crate) fn run(pod: &Value) -> Result<()> {
    let env = environment(pod);
    let wanted = |name: &str| env.get(name).cloned().ok_or_else(|| format!("kube-vip: {name} is not set"));
    let (address, interface, port) = (wanted("address")?, wanted("vip_interface")?, wanted("port")?);
    for (name, value) in [("vip_arp", "true"), ("cp_enable", "true"), ("vip_leaderelection", "true")] {
        if wanted(name)? != value {
            return Err(format!("kube-vip: {name} must be {value}"));
        }
    }
    let kubeconfig = pod["spec"]["volumes"][0]["hostPath"]["path"].as_str().unwrap_or_default().to_owned();
    let (lease, subnet) = (wanted("vip_leasename")?, wanted("vip_subnet")?);
    let label = format!("{address}/{subnet}");
    let mut held = false;
    loop {
        // Its pod calls this host's own API server `kubernetes`; the address does not exist before somebody holds it.
        let ours = Api::from_kubeconfig(&kubeconfig).and_then(|mut api| {
            api.server = format!("https://127.0.0.1:{port}");
            hold(&api, &lease)
        });
        let ours = ours.unwrap_or_else(|error| {
            say(&format!("kube-vip: {error}"));
            false
        });
        // The address ends by itself when its holder does: a stand-in that is killed cannot take it along.
        if ours {
            let lifetime = ["valid_lft", "10", "preferred_lft", "10"];
            let words = ["address", "replace", &label, "dev", &interface];
            let _ = Command::new("ip").args(words).args(lifetime).status();
        }
        if ours != held {
            let word = if ours { "holds" } else { "gives up" };
            say(&format!("taskbox's stand-in for kube-vip {word} {label} at {interface}"));
            held = ours;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn environment(pod: &Value) -> BTreeMap<String, String> {
    let list = pod["spec"]["containers"][0]["env"].as_array();
    let pair =
        |entry: &Value| Some((entry["name"].as_str()?.to_owned(), entry["value"].as_str()?.to_owned()));
    list.into_iter().flatten().filter_map(pair).collect()
}
