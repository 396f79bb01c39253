//! `controlPlaneEndpoint`: the load balancer before the control plane.

use data::yaml::Node;
use data::{Diagnostic, Map, Value, suggest};

use super::fields::ENDPOINT;
use crate::conf::vars::named;

/// Reads the endpoint into `loadbalancer_apiserver`, `internal_lb` and the domain's name.
pub(super) fn read(endpoint: &Node, vars: &mut Map, findings: &mut Vec<Diagnostic>) {
    let Some(entries) = endpoint.as_map() else {
        if !endpoint.is_null() {
            let title =
                format!("`spec.controlPlaneEndpoint` must be a mapping, found {}", endpoint.kind_name());
            findings.push(Diagnostic::error(title).at(&endpoint.place, ""));
        }
        return;
    };
    let mut balancer = Map::new();
    for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
        match key.as_str() {
            Some("domain") => {
                vars.insert(named("apiserver_loadbalancer_domain_name", &key.place), value.to_value());
            }
            // The samples leave it empty where an internal load balancer is chosen.
            Some("address") if value.as_str() == Some("") => {}
            Some("address") => {
                balancer.insert(named("address", &key.place), value.to_value());
            }
            Some("port") => {
                balancer.insert(named("port", &key.place), number(value));
            }
            Some("internalLoadbalancer") => internal(key, value, vars, findings),
            Some("kubevip") => {
                if let Some((key, mode)) = value.entry("mode") {
                    vars.insert(named("kube_vip_mode", &key.place), mode.to_value());
                }
            }
            Some("externalDNS") => {
                vars.insert(named("external_dns", &key.place), value.to_value());
            }
            _ => {
                let name = key.place.text();
                let found = Diagnostic::warning(format!("unknown field `spec.controlPlaneEndpoint.{name}`"));
                let found = found.at(&key.place, "");
                findings.push(match suggest::nearest(name, ENDPOINT) {
                    Some(near) => found.help(format!("did you mean `{near}`?")),
                    None => found,
                });
            }
        }
    }
    // A port alone names no load balancer.
    if balancer.contains_key("address") {
        vars.insert(named("loadbalancer_apiserver", &endpoint.place), balancer);
    }
}

fn internal(key: &Node, value: &Node, vars: &mut Map, findings: &mut Vec<Diagnostic>) {
    let mode =
        match value.as_str() {
            Some("") => "",
            Some("haproxy") => "haproxy_localhost",
            Some("kube-vip") => "kube_vip",
            _ => {
                let title = format!("`internalLoadbalancer` cannot be `{}`", value.place.text());
                findings.push(Diagnostic::error(title).at(&value.place, "").help(
                    "it is `haproxy`, `kube-vip` or empty (with an `address` of your own load balancer)",
                ));
                return;
            }
        };
    vars.insert(named("internal_lb", &key.place), Value::str(mode));
}

/// A port, which the samples write in quotes.
fn number(value: &Node) -> Value {
    let number = value.as_str().and_then(|text| text.trim().parse::<i64>().ok());
    number.map_or_else(|| value.to_value(), Value::from)
}
