//! Which families of facts are gathered (`gather_subset`), in which order, and which facts of them are kept (`filter`).

use std::collections::BTreeSet;

use data::{Map, Value, fnmatch};

use super::*;
use crate::Failure;

/// One family of facts.
struct Family {
    /// Its name in `gather_subset`.
    name: &'static str,
    /// Names of facts that ask for it too.
    facts: &'static [&'static str],
    /// Whether it is gathered unless `!min` is asked.
    minimal: bool,
    /// Families whose facts it needs.
    needs: &'static [&'static str],
    /// Gathers it.
    gather: fn(&mut Gather) -> Map,
}

impl Family {
    /// A family of one fact, outside the minimal set.
    const fn new(name: &'static str, gather: fn(&mut Gather) -> Map) -> Self {
        Self { name, facts: &[], minimal: false, needs: &[], gather }
    }

    const fn minimal(mut self) -> Self {
        self.minimal = true;
        self
    }

    const fn facts(mut self, facts: &'static [&'static str]) -> Self {
        self.facts = facts;
        self
    }

    const fn needs(mut self, needs: &'static [&'static str]) -> Self {
        self.needs = needs;
        self
    }
}

/// All families; one that needs another comes after it.
const FAMILIES: &[Family] = &[
    Family::new("platform", |gather| platform::platform(gather)).minimal().facts(&[
        "system",
        "kernel",
        "kernel_version",
        "machine",
        "architecture",
        "machine_id",
    ]),
    Family::new("distribution", |_| distribution::of_this_host().clone()).minimal().facts(&[
        "distribution_version",
        "distribution_release",
        "distribution_major_version",
        "os_family",
    ]),
    Family::new("lsb", |gather| lsb::lsb(gather)).minimal(),
    Family::new("selinux", |_| security::selinux()).minimal(),
    Family::new("apparmor", |_| security::apparmor()).minimal(),
    Family::new("chroot", |_| security::chroot()).facts(&["is_chroot"]),
    Family::new("fips", |_| security::fips()).minimal(),
    Family::new("caps", |gather| security::capabilities(gather))
        .minimal()
        .facts(&["system_capabilities", "system_capabilities_enforced"]),
    Family::new("pkg_mgr", |gather| managers::package_manager(gather)).minimal().needs(&["distribution"]),
    Family::new("service_mgr", |gather| managers::service_manager(gather))
        .minimal()
        .needs(&["platform", "distribution"]),
    Family::new("cmdline", |_| kernel_line::kernel_line()).minimal(),
    Family::new("date_time", |_| date_time::date_time()).minimal(),
    Family::new("env", |gather| login::environment(gather)).minimal(),
    Family::new("loadavg", |_| load::load()),
    Family::new("ssh_pub_keys", |_| identity::ssh_host_keys()).minimal().facts(&[
        "ssh_host_pub_keys",
        "ssh_host_key_dsa_public",
        "ssh_host_key_rsa_public",
        "ssh_host_key_ecdsa_public",
        "ssh_host_key_ed25519_public",
    ]),
    Family::new("user", |_| login::login()).minimal().facts(&[
        "user_id",
        "user_uid",
        "user_gid",
        "user_gecos",
        "user_dir",
        "user_shell",
        "real_user_id",
        "effective_user_id",
        "effective_group_ids",
    ]),
    Family::new("systemd", |gather| managers::systemd(gather)),
    Family::new("virtual", |gather| virtualization::virtualization(gather)).facts(&[
        "virtualization_type",
        "virtualization_role",
        "virtualization_tech_guest",
        "virtualization_tech_host",
    ]),
    Family::new("hardware", hardware)
        .facts(&["processor", "processor_cores", "processor_count", "mounts", "devices"])
        .needs(&["platform"]),
    Family::new("dns", |_| resolver::dns()).minimal(),
    Family::new("fibre_channel_wwn", |_| identity::fibre_channel()),
    Family::new("network", |gather| network::network(gather))
        .facts(&["interfaces", "default_ipv4", "default_ipv6", "all_ipv4_addresses", "all_ipv6_addresses"])
        .needs(&["platform", "distribution"]),
    Family::new("iscsi", |_| identity::iscsi()),
    Family::new("nvme", |_| identity::nvme()),
    Family::new("local", local::local).minimal(),
    // Last: it was asked at the start.
    Family::new("python", |gather| gather.python.take().map(python::Asked::facts).unwrap_or_default())
        .minimal()
        .facts(&["python_version"]),
];

fn hardware(gather: &mut Gather) -> Map {
    let (mounts, warnings) = mounts::mounts(gather.timeout);
    gather.warnings.extend(warnings);
    let mut found = processor::processor(gather.fact("architecture"));
    let parts = [
        memory::memory(),
        memory::uptime(),
        dmi::dmi(gather),
        devices::devices(gather),
        lvm::lvm(gather),
        mounts,
    ];
    parts.iter().for_each(|part| found.extend_from(part));
    found
}

/// Gathers the families that `subset` asks for and keeps the facts that one of the `filter` patterns matches (all without patterns).
/// Names carry the prefix `ansible_`.
pub(super) fn collect(gather: &mut Gather, subset: &[&str], filter: &[&str]) -> Result<Map, Failure> {
    let chosen = chosen(subset)?;
    let mut facts = Map::new();
    if chosen.contains("python") {
        gather.python = python::Asked::begin(gather.interpreter.as_deref(), &gather.environment);
    }
    for family in FAMILIES.iter().filter(|family| chosen.contains(family.name)) {
        let found = (family.gather)(gather);
        gather.facts.extend_from(&found);
        let named: Vec<_> =
            found.into_iter().filter_map(|(key, value)| Some((fact_name(key.as_str()?), value))).collect();
        facts.extend_from(&named.into_iter().collect());
    }
    facts.insert("gather_subset", subset.iter().map(|name| Value::from(*name)).collect::<Value>());
    facts.insert("module_setup", true);
    Ok(filtered(facts, filter))
}

/// The name of a fact as a variable: with the prefix, and without dashes, which no variable's name has.
fn fact_name(name: &str) -> String {
    format!("ansible_{}", name.replace('-', "_"))
}

/// The names of the families to gather, by Ansible's rules: the minimal set first, then what is added, less what is excluded, but what is
/// asked for by name always.
fn chosen(subset: &[&str]) -> Result<BTreeSet<&'static str>, Failure> {
    let minimal = || FAMILIES.iter().filter(|family| family.minimal).map(|family| family.name);
    let all = || FAMILIES.iter().flat_map(|family| family.facts.iter().copied().chain([family.name]));
    let (mut added, mut excluded, mut asked) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for word in ["min"].iter().chain(subset) {
        match *word {
            "min" => added.extend(minimal()),
            "all" => added.extend(all()),
            "!min" => excluded.extend(minimal()),
            "!all" => {
                let minimal: BTreeSet<_> = minimal().collect();
                excluded.extend(all().filter(|name| !minimal.contains(name)));
            }
            word => match word.strip_prefix('!') {
                Some(name) => {
                    let family = FAMILIES.iter().find(|family| family.name == name);
                    excluded.extend(family.into_iter().flat_map(|family| family.facts.iter().copied()));
                    excluded.extend(all().filter(|known| *known == name));
                }
                None => asked
                    .extend([all().find(|known| *known == word).ok_or_else(|| bad_subset(word, all()))?]),
            },
        }
    }
    added.extend(&asked);
    if added.is_empty() {
        added.extend(all());
    }
    added.retain(|name| asked.contains(name) || !excluded.contains(name));
    let wanted = |family: &&Family| {
        added.contains(family.name) || family.facts.iter().any(|fact| added.contains(fact))
    };
    let families: Vec<_> = FAMILIES.iter().filter(wanted).collect();
    Ok(families.iter().flat_map(|family| family.needs.iter().copied().chain([family.name])).collect())
}

fn bad_subset(word: &str, all: impl Iterator<Item = &'static str>) -> Failure {
    let names: BTreeSet<_> = all.collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    Failure::new(format!("Bad subset '{word}' given to Ansible. gather_subset options allowed: all, {names}"))
}

fn filtered(facts: Map, filter: &[&str]) -> Map {
    if filter.is_empty() || *filter == ["*"] {
        return facts;
    }
    let matches = |name: &str| {
        filter.iter().any(|pattern| {
            let prefixed =
                || !pattern.starts_with("ansible_") && fnmatch(&format!("ansible_{pattern}"), name);
            pattern.is_empty() || fnmatch(pattern, name) || prefixed()
        })
    };
    facts.into_iter().filter(|(key, _)| key.as_str().is_some_and(matches)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(subset: &[&str]) -> Vec<&'static str> {
        chosen(subset).unwrap().into_iter().collect()
    }

    #[test]
    fn subsets_add_and_exclude_as_in_ansible() {
        assert_eq!(names(&["all"]).len(), FAMILIES.len());
        assert!(!names(&["!all"]).contains(&"network"));
        assert!(names(&["!all"]).contains(&"platform"));
        assert_eq!(names(&["!all", "!min"]), Vec::<&str>::new());
        assert_eq!(names(&["!all", "!min", "network"]), ["distribution", "network", "platform"]);
        assert_eq!(names(&["!all", "!min", "mounts"]), ["hardware", "platform"]);
        assert!(!names(&["!hardware"]).contains(&"hardware"));
        assert!(names(&["!facter"]).contains(&"platform"));
    }

    #[test]
    fn an_unknown_subset_is_refused_with_the_known_ones() {
        let failure = chosen(&["netwrk"]).unwrap_err();
        assert!(failure.msg.starts_with(
            "Bad subset 'netwrk' given to Ansible. gather_subset options allowed: all, all_ipv4_addresses,"
        ));
    }

    #[test]
    fn filters_match_with_and_without_the_prefix() {
        let facts = || {
            Map::from([
                ("ansible_memtotal_mb", 1),
                ("ansible_memfree_mb", 2),
                ("ansible_fqdn", 3),
                ("gather_subset", 4),
            ])
        };
        let kept = |filter: &[&str]| filtered(facts(), filter).len();
        assert_eq!(kept(&[]), 4);
        assert_eq!(kept(&["*"]), 4);
        assert_eq!(kept(&["ansible_*_mb"]), 2);
        assert_eq!(kept(&["mem*"]), 2);
        assert_eq!(kept(&["fqdn", "memfree_mb"]), 2);
        assert_eq!(kept(&["{fqdn}"]), 0);
    }

    #[test]
    fn an_interface_with_a_dash_is_a_variable_with_an_underscore() {
        assert_eq!(fact_name("br-0a1b"), "ansible_br_0a1b");
    }

    #[test]
    fn every_need_comes_before_its_family() {
        for (index, family) in FAMILIES.iter().enumerate() {
            for need in family.needs {
                assert!(
                    FAMILIES[..index].iter().any(|before| before.name == *need),
                    "{} needs {need}",
                    family.name
                );
            }
        }
    }

    #[test]
    fn the_facts_that_roles_ask_for_are_there() {
        let mut gather = Gather::for_test();
        let facts = collect(&mut gather, &["all"], &[]).unwrap();
        for name in [
            "hostname",
            "fqdn",
            "nodename",
            "distribution",
            "distribution_version",
            "distribution_release",
            "os_family",
            "kernel",
            "architecture",
            "memtotal_mb",
            "processor_vcpus",
            "default_ipv4",
            "all_ipv4_addresses",
            "interfaces",
            "mounts",
            "date_time",
            "service_mgr",
            "pkg_mgr",
            "swaptotal_mb",
            "virtualization_type",
            "dns",
            "user_id",
            "env",
            "lo",
        ] {
            assert!(facts.contains_key(format!("ansible_{name}").as_str()), "{name}");
        }
    }
}
