//! Modules for clusters, through the `kubectl` and `helm` of the target: they speak every version of the API that the cluster's own
//! programs speak, and need nothing else.

mod access;
mod changes;
mod definitions;
mod helm;
mod helm_release;
mod k8s;
mod k8s_info;
mod kubectl;
mod ready;

use crate::ModuleSpec;

pub(crate) const MODULES: &[&ModuleSpec] = &[&helm::SPEC, &k8s::SPEC, &k8s_info::SPEC];
