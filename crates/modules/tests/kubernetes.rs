//! `k8s`, `k8s_info` and `helm` against command traffic: a stand-in for `kubectl` and `helm` that notes how it was called and answers in
//! the programs' own form. The form is that of kubectl 1.33 and helm 3.17; no cluster runs here.

#![allow(clippy::unwrap_used, reason = "the functions beside the test are test code too")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use data::{Map, Value, json};
use taskbox_modules::{RunRequest, run_local};

/// An API server of one object: its state is the file `object`. Strategic merges are refused for the kind `Thing`, as for all custom kinds.
const KUBECTL: &str = r#"#!/bin/sh
echo "kubectl $*" >> "$STATE/calls"
for word in "$@"; do
    case $word in
    get | create | apply | patch | replace | delete) verb=$word ;;
    --dry-run=server) dry=1 ;;
    Thing*) thing=1 ;;
    --type=strategic) strategic=1 ;;
    Nothing*) echo "error: the server doesn't have a resource type \"Nothing\"" >&2; exit 1 ;;
    esac
done
case $verb in
get) [ ! -e "$STATE/object" ] || cat "$STATE/object" ;;
delete) [ "$dry" ] || rm -f "$STATE/object" ;;
*)
    if [ "$thing" ] && [ "$strategic" ]; then
        cat > /dev/null
        echo "Error from server (UnsupportedMediaType): the body of the request was in an unknown format" >&2
        exit 1
    fi
    echo "Warning: this version is deprecated" >&2
    if [ "$dry" ]; then cat; else tee "$STATE/object"; fi ;;
esac
"#;

const HELM: &str = r#"#!/bin/sh
echo "helm $*" >> "$STATE/calls"
shift
case "$1 $2" in
"list "*) [ -e "$STATE/release" ] && cat "$STATE/release" || echo '[]' ;;
"get values") echo '{"replicas":2}' ;;
"plugin list") echo 'NAME VERSION DESCRIPTION' ;;
"show chart") printf 'name: web\nversion: 1.2.0\nappVersion: "3"\n' ;;
"upgrade "*) echo '[{"name":"web","namespace":"n","revision":"1","status":"deployed","chart":"web-1.2.0","app_version":"3"}]' > "$STATE/release" ;;
"uninstall "*) rm "$STATE/release" ;;
esac
"#;

struct Host(tempfile::TempDir);

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, script) in [("kubectl", KUBECTL), ("helm", HELM)] {
            let path = folder.path().join(name);
            fs::write(&path, script).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, module: &str, args: &str, check: bool) -> Map {
        let args = json::parse(args).unwrap().as_map().unwrap().clone();
        let mut request = RunRequest { check, diff: true, ..RunRequest::new(module, args) };
        let folder = self.path().display().to_string();
        request.environment =
            vec![("PATH".into(), format!("{folder}:/usr/bin:/bin")), ("STATE".into(), folder)];
        run_local(&request)
    }

    /// The calls since the last time.
    fn calls(&self) -> Vec<String> {
        let path = self.path().join("calls");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(path);
        text.lines().map(str::to_owned).collect()
    }
}

fn changed(result: &Map) -> bool {
    assert_eq!(result.get("failed"), None, "{result:?}");
    result.get("changed") == Some(&Value::from(true))
}

const SECRET: &str = r#"{"definition": "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: n}\nstringData: {p: s3cret}\n"}"#;

#[test]
fn an_object_is_created_once_and_check_mode_asks_the_server() {
    let host = Host::new();
    assert!(changed(&host.run("kubernetes.core.k8s", SECRET, true)));
    assert!(!host.path().join("object").exists());
    let calls = host.calls();
    assert_eq!(calls[0], "kubectl get --output=json --ignore-not-found Secret.v1. s --namespace=n");
    assert_eq!(calls[1], "kubectl create --filename=- --output=json --namespace=n --dry-run=server");
    let result = host.run("kubernetes.core.k8s", SECRET, false);
    assert!(changed(&result) && result.get_str("method") == Some("create"));
    assert_eq!(
        result.get("warnings").and_then(Value::as_list).unwrap()[0].as_str(),
        Some("this version is deprecated")
    );
    assert!(host.calls().iter().all(|call| !call.contains("s3cret")), "secrets stay off command lines");
    let again = host.run("kubernetes.core.k8s", SECRET, false);
    assert!(!changed(&again) && again.get_str("method") == Some("update"));
    let patch =
        "kubectl patch Secret.v1. s --namespace=n --type=strategic --patch-file=/dev/stdin --output=json";
    assert_eq!(host.calls()[1], patch);
}

#[test]
fn an_object_is_deleted_once() {
    let host = Host::new();
    host.run("k8s", SECRET, false);
    let absent = r#"{"kind": "Secret", "name": "s", "namespace": "n", "state": "absent", "wait": true, "wait_sleep": 1}"#;
    host.calls();
    assert!(changed(&host.run("k8s", absent, true)) && host.path().join("object").exists());
    let delete = "kubectl delete --ignore-not-found --wait=false --dry-run=server Secret.v1. s --namespace=n";
    assert_eq!(host.calls()[1], delete);
    assert!(changed(&host.run("k8s", absent, false)));
    assert!(!changed(&host.run("k8s", absent, false)));
}

#[test]
fn custom_kinds_are_merged_plainly_and_apply_may_be_the_servers() {
    let host = Host::new();
    let thing = r#"{"definition": {"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"a": 1}}}"#;
    host.run("k8s", thing, false);
    assert!(!changed(&host.run("k8s", thing, false)));
    assert!(host.calls().last().unwrap().contains("Thing.v1.x.io t --type=merge"));
    let apply = thing.replace(
        "{\"definition\"",
        "{\"apply\": true, \"server_side_apply\": {\"field_manager\": \"taskbox\", \"force_conflicts\": true}, \"definition\"",
    );
    assert_eq!(
        host.run("k8s", &apply.replace("\"a\": 1", "\"a\": 2"), false).get_str("method"),
        Some("apply")
    );
    let call = host.calls().pop().unwrap();
    assert_eq!(
        call,
        "kubectl apply --server-side --field-manager=taskbox --force-conflicts=true --filename=- --output=json"
    );
}

#[test]
fn a_wait_that_is_not_met_fails_with_the_object() {
    let host = Host::new();
    let wait = r#"{"wait": true, "wait_timeout": 1, "wait_sleep": 1, "wait_condition": {"type": "Ready", "status": true},
        "definition": {"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "t"}}}"#;
    let result = host.run("k8s", wait, false);
    assert_eq!(result.get_str("msg"), Some("\"Thing\" \"t\": Timed out waiting on resource"));
    assert!(result.get("result").and_then(|object| object.get("kind")).is_some());
}

#[test]
fn info_tells_kinds_that_are_not_there_from_objects_that_are_not() {
    let host = Host::new();
    let result = host.run("k8s_info", r#"{"kind": "Secret", "label_selectors": ["a=b", "c"]}"#, false);
    assert_eq!(result.get("api_found"), Some(&Value::from(true)));
    let call = "kubectl get --output=json --ignore-not-found Secret.v1. --all-namespaces --selector=a=b,c";
    assert_eq!(host.calls(), [call]);
    let result = host.run("k8s_info", r#"{"kind": "Nothing", "api_version": "x.io/v1"}"#, false);
    assert_eq!(result.get("api_found"), Some(&Value::from(false)));
    host.run("k8s", SECRET, false);
    let result = host.run("k8s_info", r#"{"kind": "Secret", "name": "s", "namespace": "n"}"#, false);
    assert_eq!(result.get("resources").and_then(Value::as_list).unwrap().len(), 1);
}

#[test]
fn a_release_is_installed_once_and_removed_once() {
    let host = Host::new();
    let args = r#"{"name": "web", "namespace": "n", "chart_ref": "/charts/web", "values": {"replicas": 2}, "create_namespace": true}"#;
    assert!(changed(&host.run("kubernetes.core.helm", args, true)) && !host.path().join("release").exists());
    host.calls();
    let result = host.run("helm", args, false);
    assert!(changed(&result));
    assert_eq!(
        result.get("status").and_then(|status| status.get("status")).and_then(Value::as_str),
        Some("deployed")
    );
    let call = host.calls().into_iter().find(|call| call.contains("upgrade")).unwrap();
    assert!(
        call.starts_with("helm --namespace=n upgrade --install --reset-values --create-namespace --values="),
        "{call}"
    );
    assert!(call.ends_with(" web /charts/web"), "{call}");
    assert!(!changed(&host.run("helm", args, false)));
    assert!(changed(&host.run("helm", &args.replace("\"replicas\": 2", "\"replicas\": 3"), true)));
    let absent = r#"{"name": "web", "namespace": "n", "state": "absent"}"#;
    assert!(changed(&host.run("helm", absent, false)));
    assert!(!changed(&host.run("helm", absent, false)));
}

#[test]
fn without_the_program_the_failure_says_what_to_do() {
    let host = Host::new();
    fs::remove_file(host.path().join("kubectl")).unwrap();
    let result = host.run("k8s_info", r#"{"kind": "Pod"}"#, false);
    // A host that has kubectl elsewhere cannot show this.
    if !["/usr/local/bin/kubectl", "/usr/bin/kubectl", "/bin/kubectl"]
        .iter()
        .any(|path| Path::new(path).exists())
    {
        assert!(result.get_str("msg").unwrap().starts_with("kubectl was not found on the host"));
    }
}
