//! `bundle serve`, asked by curl and by our own client.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};

use taskbox_bundle::{
    Access, Artifact, Builder, Bundle, Client, ClientOptions, Content, Downloads, FoundImage, Image, Kind,
    Promise, Reference, Registry, Served, TlsFiles, image_size, pull, serve,
};

use crate::{body, download, hash, options};

fn blob(bytes: &[u8]) -> (String, Content) {
    (format!("sha256:{}", hash(bytes)), Content::Bytes(bytes.into()))
}

/// A program and a small image.
fn bundle(folder: &Path) -> Bundle {
    let mut builder = Builder::new(None);
    let artifact = Artifact {
        path: "bin/amd64/etcd".into(),
        kind: Kind::Program,
        name: "etcd".into(),
        arch: Some("amd64".into()),
        ..Artifact::default()
    };
    builder.add(artifact, Content::Bytes(body(1_000_000).into())).unwrap();
    let config = blob(br#"{"architecture":"amd64","os":"linux"}"#);
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = blob(
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":37}},"layers":[]}}"#,
            config.0
        )
        .as_bytes(),
    );
    let blobs = vec![manifest.clone(), config];
    let image = Image {
        reference: "docker.io/library/redis:7".into(),
        arch: "amd64".into(),
        digest: manifest.0,
        media_type: media_type.into(),
        blobs: blobs.iter().map(|(digest, _)| digest.clone()).collect(),
    };
    FoundImage { image, blobs }.add_to(&mut builder).unwrap();
    let path = folder.join("b.bundle");
    builder.write(&path).unwrap();
    Bundle::open(&path).unwrap()
}

/// Serves until the tests end; what was asked is collected.
fn start(folder: &Path, tls: bool, access: Access) -> (SocketAddr, Arc<Mutex<Vec<Served>>>) {
    let bundle = bundle(folder);
    let files = tls.then(|| {
        let made =
            rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        let certificates = made.cert.pem().into_bytes();
        std::fs::write(folder.join("cert.pem"), &certificates).unwrap();
        TlsFiles { certificates, key: made.signing_key.serialize_pem().into_bytes() }
    });
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (ready, address) = mpsc::channel();
    let watch = seen.clone();
    std::thread::spawn(move || {
        let watch = Arc::new(move |served: &Served| watch.lock().unwrap().push(served.clone()));
        serve(
            &bundle,
            "127.0.0.1:0".parse().unwrap(),
            files.as_ref(),
            access,
            |at| ready.send(at).unwrap(),
            watch,
        )
    });
    (address.recv().unwrap(), seen)
}

fn curl(args: &[&str]) -> (String, Vec<u8>) {
    let out = Command::new("curl")
        .args(["-sS", "-o", "-", "-w", "%{stderr}%{http_code}"])
        .args(args)
        .output()
        .unwrap();
    (String::from_utf8_lossy(&out.stderr).into_owned(), out.stdout)
}

#[test]
fn files_come_over_tls_to_who_knows_the_token() {
    let dir = tempfile::tempdir().unwrap();
    let (address, seen) = start(dir.path(), true, Access::Token("s3cret".into()));
    let ca = dir.path().join("cert.pem").display().to_string();
    let url = format!("https://{address}/bin/amd64/etcd");
    let (said, _) = curl(&[&url]);
    assert!(said.contains("certificate"), "not without its certificate: {said}");
    assert_eq!(curl(&["--cacert", &ca, &url]).0, "401");
    assert_eq!(curl(&["--cacert", &ca, "-u", "x:wrong", &url]).0, "401");
    let bearer = "Authorization: Bearer s3cret";
    let (status, bytes) = curl(&["--cacert", &ca, "-H", bearer, &url]);
    assert_eq!((status.as_str(), bytes), ("200", body(1_000_000)));
    let (status, bytes) = curl(&["--cacert", &ca, "-u", "any:s3cret", "-r", "999990-", &url]);
    assert_eq!((status.as_str(), bytes), ("206", body(1_000_000)[999_990..].to_vec()));
    assert_eq!(curl(&["--cacert", &ca, "-H", bearer, "-r", "1000000-", &url]).0, "416");
    assert_eq!(curl(&["--cacert", &ca, "-H", bearer, "-X", "PUT", "-d", "x", &url]).0, "405");
    let whole = std::fs::read(dir.path().join("b.bundle")).unwrap();
    assert_eq!(curl(&["--cacert", &ca, "-H", bearer, &format!("https://{address}/bundle.tar")]).1, whole);
    let (_, sums) = curl(&["--cacert", &ca, "-H", bearer, &format!("https://{address}/")]);
    assert_eq!(String::from_utf8(sums).unwrap(), format!("{}  bin/amd64/etcd\n", hash(&body(1_000_000))));
    let last = seen.lock().unwrap().last().cloned().unwrap();
    assert_eq!((last.request.as_str(), last.status), ("GET /", 200));
}

#[test]
fn nothing_but_the_bundle_can_be_reached() {
    let dir = tempfile::tempdir().unwrap();
    let (address, _) = start(dir.path(), false, Access::Open);
    std::fs::write(dir.path().join("secret"), "x").unwrap();
    for path in [
        "/../secret",
        "/%2e%2e/secret",
        "//etc/passwd",
        "/bin/amd64/../../../etc/passwd",
        "/bin",
        "/v2/x/blobs/../../secret",
    ] {
        assert_eq!(curl(&["--path-as-is", &format!("http://{address}{path}")]).0, "404", "{path}");
    }
}

#[test]
fn a_broken_download_of_it_goes_on_and_its_images_can_be_pulled() {
    let dir = tempfile::tempdir().unwrap();
    let (address, seen) = start(dir.path(), false, Access::Token("s3cret".into()));
    let work = dir.path().join("work");
    let client = Client::new(ClientOptions { tries: 1, ..options() }).unwrap();
    let downloads = Downloads { client: &client, folder: &work, watch: &|_| {} };
    let mut wanted =
        download(format!("http://{address}/bin/amd64/etcd"), Promise::Known(hash(&body(1_000_000))));
    wanted.headers.push(("Authorization".into(), "Bearer s3cret".into()));
    let file = downloads.one(&wanted).unwrap();
    // As a download that was broken off leaves it.
    let part = file.with_file_name(format!("{}.part", file.file_name().unwrap().to_str().unwrap()));
    std::fs::write(&part, &body(1_000_000)[..600_000]).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(std::fs::read(downloads.one(&wanted).unwrap()).unwrap(), body(1_000_000));
    assert_eq!(seen.lock().unwrap().last().map(|served| (served.status, served.sent)), Some((206, 400_000)));

    let host = address.to_string();
    let registry = Registry::new(&client, &host, true, Some(("any".into(), "s3cret".into())));
    let name = Reference::parse(&format!("{host}/library/redis:7")).unwrap();
    let pulled = pull(&registry, &downloads, &name, &name, &["amd64".to_owned()], 1).unwrap();
    assert_eq!(pulled[0].blobs.len(), 2);
    assert_eq!(
        image_size(&registry, &downloads, &name, &["amd64".to_owned()]).unwrap(),
        37,
        "as its manifest says"
    );
}

#[test]
fn sizes_are_asked_without_fetching() {
    let dir = tempfile::tempdir().unwrap();
    let (address, seen) = start(dir.path(), false, Access::Open);
    let client = Client::new(ClientOptions { tries: 1, ..options() }).unwrap();
    let downloads = Downloads { client: &client, folder: dir.path(), watch: &|_| {} };
    assert_eq!(downloads.size(&format!("http://{address}/bin/amd64/etcd")).unwrap(), Some(1_000_000));
    assert_eq!(seen.lock().unwrap().iter().map(|served| served.sent).sum::<u64>(), 0);
    assert!(downloads.size(&format!("http://{address}/nowhere")).unwrap_err().to_string().contains("404"));
}
