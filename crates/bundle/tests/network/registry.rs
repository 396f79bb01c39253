//! Pushing to and pulling from CNCF distribution's registry: `docker-registry` of Debian's packages, or `registry`. `./test.sh`
//! installs it; without it these tests fail.

use std::collections::HashMap;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use taskbox_bundle::{
    Artifact, Builder, Bundle, Client, Content, Downloads, FoundImage, Image, Kind, Reference, Registry,
    blob_path, places, pull, push, push_all,
};

use crate::{hash, options};

/// A running registry; ends with the test.
struct Running {
    child: Child,
    host: String,
    _folder: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(password_file: bool) -> Running {
    let program = ["docker-registry", "registry"].into_iter().find(|name| {
        Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    });
    let program = program.expect("docker-registry, or registry, is needed: apt-get install docker-registry");
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let host = format!("127.0.0.1:{port}");
    let mut config = format!(
        "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {host}\n",
        folder.path().join("data").display()
    );
    if password_file {
        let file = folder.path().join("htpasswd");
        let secret = bcrypt::hash_with_result("secret", 5).unwrap().format_for_version(bcrypt::Version::TwoY);
        std::fs::write(&file, format!("ops:{secret}\n")).unwrap();
        config += &format!("auth:\n  htpasswd:\n    realm: test\n    path: {}\n", file.display());
    }
    let path = folder.path().join("config.yml");
    std::fs::write(&path, config).unwrap();
    let child = Command::new(program)
        .arg("serve")
        .arg(&path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(&host).is_err() {
        assert!(Instant::now() < deadline, "the registry does not come up");
        std::thread::sleep(Duration::from_millis(50));
    }
    Running { child, host, _folder: folder }
}

fn blob(bytes: &[u8]) -> (String, Content) {
    (format!("sha256:{}", hash(bytes)), Content::Bytes(bytes.into()))
}

/// An image with two layers, the first of which all architectures share.
fn image(arch: &str) -> FoundImage {
    let config = blob(
        format!(r#"{{"architecture":"{arch}","os":"linux","rootfs":{{"type":"layers","diff_ids":[]}}}}"#)
            .as_bytes(),
    );
    let shared = blob(&[7; 400_000]);
    let own = blob(arch.as_bytes());
    let describe = |(digest, content): &(String, Content), media_type: &str| {
        let size = content.digest().unwrap().0;
        format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}}}"#)
    };
    let layer = "application/vnd.oci.image.layer.v1.tar";
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[{},{}]}}"#,
        describe(&config, "application/vnd.oci.image.config.v1+json"),
        describe(&shared, layer),
        describe(&own, layer)
    );
    let manifest = blob(manifest.as_bytes());
    let blobs = vec![manifest.clone(), config, shared, own];
    let image = Image {
        reference: "registry.k8s.io/pause:3.10.1".into(),
        arch: arch.into(),
        digest: manifest.0,
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        blobs: blobs.iter().map(|(digest, _)| digest.clone()).collect(),
    };
    FoundImage { image, blobs }
}

fn by_path(found: &FoundImage) -> HashMap<String, Content> {
    found.blobs.iter().map(|(digest, content)| (blob_path(digest), content.clone())).collect()
}

/// Puts a list of manifests under a tag, as `docker manifest push` does; with curl, so that not only our own code speaks to the registry.
fn put_index(host: &str, tag: &str, images: &[&Image]) {
    let entries: Vec<String> = images
        .iter()
        .map(|image| {
            format!(
                r#"{{"mediaType":"{}","digest":"{}","size":1,"platform":{{"architecture":"{}","os":"linux"}}}}"#,
                image.media_type, image.digest, image.arch
            )
        })
        .collect();
    let media_type = "application/vnd.docker.distribution.manifest.list.v2+json";
    let index =
        format!(r#"{{"schemaVersion":2,"mediaType":"{media_type}","manifests":[{}]}}"#, entries.join(","));
    let url = format!("http://{host}/v2/pause/manifests/{tag}");
    let mut curl = Command::new("curl")
        .args([
            "-fsS",
            "-X",
            "PUT",
            "-H",
            &format!("Content-Type: {media_type}"),
            "--data-binary",
            "@-",
            &url,
        ])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    curl.stdin.take().unwrap().write_all(index.as_bytes()).unwrap();
    assert!(curl.wait().unwrap().success());
}

fn downloads<'a>(client: &'a Client, folder: &'a Path) -> Downloads<'a> {
    Downloads { client, folder, watch: &|_| {} }
}

#[test]
fn an_image_goes_to_a_registry_and_comes_back_for_both_architectures() {
    let running = start(false);
    let dir = tempfile::tempdir().unwrap();
    let client = Client::new(options()).unwrap();
    let registry = Registry::new(&client, &running.host, true, None);
    let downloads = downloads(&client, dir.path());
    let images: Vec<FoundImage> = ["amd64", "arm64"].map(image).into();
    for found in &images {
        let to = Reference::parse(&format!("{}/pause:{}", running.host, found.image.arch)).unwrap();
        let first = push(&registry, &downloads, &found.image, &to, &by_path(found)).unwrap();
        assert!(first.changed);
        assert_eq!(
            first.sent,
            if found.image.arch == "amd64" { 3 } else { 2 },
            "the shared layer is sent once"
        );
        let second = push(&registry, &downloads, &found.image, &to, &by_path(found)).unwrap();
        assert_eq!((second.sent, second.changed), (0, false), "a second push sends nothing");
    }
    put_index(&running.host, "3.10.1", &[&images[0].image, &images[1].image]);

    let name = Reference::parse("registry.k8s.io/pause:3.10.1").unwrap();
    let from = Reference::parse(&format!("{}/pause:3.10.1", running.host)).unwrap();
    let archs = ["amd64".to_owned(), "arm64".to_owned()];
    let pulled = pull(&registry, &downloads, &name, &from, &archs, 4).unwrap();
    let mut builder = Builder::new(None);
    for (found, original) in pulled.into_iter().zip(&images) {
        assert_eq!(found.image, original.image);
        found.add_to(&mut builder).unwrap();
    }
    let bundle = dir.path().join("b.bundle");
    let manifest = builder.write(&bundle).unwrap();
    let blobs = manifest.artifacts.iter().filter(|artifact: &&Artifact| artifact.kind == Kind::Blob).count();
    assert_eq!(blobs, 7, "the shared layer is stored once");
    Bundle::open(&bundle).unwrap().verify().unwrap();

    let missing = pull(&registry, &downloads, &name, &from, &["s390x".to_owned()], 4).unwrap_err();
    assert!(missing.to_string().contains("does not have it for s390x"), "{missing}");
    let unknown = Reference::parse(&format!("{}/nothing:1", running.host)).unwrap();
    let missing = pull(&registry, &downloads, &unknown, &unknown, &archs, 4).unwrap_err();
    assert!(missing.to_string().contains("404"), "{missing}");
}

#[test]
fn a_digest_in_the_name_must_be_that_of_the_image() {
    let running = start(false);
    let dir = tempfile::tempdir().unwrap();
    let client = Client::new(options()).unwrap();
    let registry = Registry::new(&client, &running.host, true, None);
    let downloads = downloads(&client, dir.path());
    let found = image("amd64");
    let to = Reference::parse(&format!("{}/pause:1", running.host)).unwrap();
    push(&registry, &downloads, &found.image, &to, &by_path(&found)).unwrap();
    let right = Reference { digest: Some(found.image.digest.clone()), ..to.clone() };
    assert!(pull(&registry, &downloads, &right, &right, &["amd64".to_owned()], 2).is_ok());
    let wrong = Reference { digest: Some(format!("sha256:{}", "0".repeat(64))), ..to.clone() };
    let refused = pull(&registry, &downloads, &wrong, &to, &["amd64".to_owned()], 2).unwrap_err();
    assert!(refused.to_string().contains("promises"), "{refused}");
}

#[test]
fn a_registry_that_wants_a_password_gets_it() {
    let running = start(true);
    let dir = tempfile::tempdir().unwrap();
    let client = Client::new(options()).unwrap();
    let downloads = downloads(&client, dir.path());
    let found = image("amd64");
    let to = Reference::parse(&format!("{}/pause:1", running.host)).unwrap();
    let nobody = Registry::new(&client, &running.host, true, None);
    let refused = push(&nobody, &downloads, &found.image, &to, &by_path(&found)).unwrap_err();
    assert!(refused.to_string().contains("wants a user and a password"), "{refused}");
    let wrong = Registry::new(&client, &running.host, true, Some(("ops".into(), "wrong".into())));
    let refused = push(&wrong, &downloads, &found.image, &to, &by_path(&found)).unwrap_err();
    assert!(refused.to_string().contains("401"), "{refused}");
    let known = Registry::new(&client, &running.host, true, Some(("ops".into(), "secret".into())));
    assert!(push(&known, &downloads, &found.image, &to, &by_path(&found)).unwrap().changed);
    let pulled = pull(&known, &downloads, &to, &to, &["amd64".to_owned()], 2).unwrap();
    assert_eq!(pulled[0].image.digest, found.image.digest);
}

#[test]
fn a_bundles_images_go_to_a_registry_and_only_what_it_lacks() {
    let running = start(true);
    let dir = tempfile::tempdir().unwrap();
    let client = Client::new(options()).unwrap();
    let registry = Registry::new(&client, &running.host, true, Some(("ops".into(), "secret".into())));
    let downloads = downloads(&client, dir.path());
    let mut builder = Builder::new(None);
    for arch in ["amd64", "arm64"] {
        image(arch).add_to(&mut builder).unwrap();
    }
    let path = dir.path().join("b.bundle");
    let manifest = builder.write(&path).unwrap();
    let contents = Bundle::open(&path).unwrap().contents().unwrap();
    let run = |look_only| {
        let mut seen = Vec::new();
        let say = &mut |placed: &taskbox_bundle::Placed, pushed| seen.push((placed.name(), pushed));
        push_all(&registry, &downloads, (&manifest, &contents), Some("mirror/k8s"), look_only, say).unwrap();
        seen
    };
    let looked = run(true);
    assert!(looked[0].1.changed && looked[0].1.sent == 0, "{looked:?}");
    let sent = run(false);
    assert_eq!(sent[0].0, "pause:3.10.1");
    assert_eq!(
        (sent[0].1.sent, sent[0].1.kept, sent[0].1.changed),
        (5, 1, true),
        "the shared layer is sent once"
    );
    let again = run(false);
    assert_eq!((again[0].1.sent, again[0].1.changed), (0, false));
    // The name leads to both architectures, and to the digest that was foretold.
    let name = Reference::parse(&format!("{}/mirror/k8s/pause:3.10.1", running.host)).unwrap();
    let archs = ["amd64".to_owned(), "arm64".to_owned()];
    assert_eq!(pull(&registry, &downloads, &name, &name, &archs, 2).unwrap().len(), 2);
    let by_digest = Reference { digest: Some(places(&manifest).unwrap()[0].digest.clone()), ..name.clone() };
    assert!(pull(&registry, &downloads, &name, &by_digest, &archs, 2).is_ok());
}
