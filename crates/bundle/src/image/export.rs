//! One image of a bundle as an archive that `ctr images import` reads, put together from stretches of the bundle.

use std::collections::HashMap;
use std::io;

use serde_json::json;

use crate::Image;
use crate::content::Content;
use crate::manifest::blob_path;

/// The pieces of an OCI archive of the image, in order. `blob` gives size and content of a blob by its path in the bundle.
///
/// # Errors
/// A blob of the image is not there.
pub fn archive(image: &Image, blobs: &HashMap<String, (u64, Content)>) -> io::Result<Vec<(u64, Content)>> {
    let size_of = |digest: &String| {
        blobs.get(&blob_path(digest)).cloned().ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("{}: blob {digest} is not in the bundle", image.reference),
            )
        })
    };
    let (manifest_size, _) = size_of(&image.digest)?;
    let index = json!({
        "schemaVersion": 2,
        "manifests": [{
            "mediaType": image.media_type,
            "digest": image.digest,
            "size": manifest_size,
            "annotations": {
                "io.containerd.image.name": image.reference,
                "org.opencontainers.image.ref.name": image.reference,
            },
        }],
    });
    let mut pieces = Vec::new();
    small(&mut pieces, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    small(&mut pieces, "index.json", index.to_string().as_bytes())?;
    let mut seen = std::collections::BTreeSet::new();
    for digest in image.blobs.iter().filter(|digest| seen.insert((*digest).clone())) {
        let (size, content) = size_of(digest)?;
        pieces.push(bytes(header(&format!("blobs/{}", digest.replace(':', "/")), size)?));
        pieces.push((size, content));
        pieces.push(bytes(vec![0; padding(size)]));
    }
    pieces.push(bytes(vec![0; 1024]));
    pieces.retain(|(size, _)| *size > 0);
    Ok(pieces)
}

fn bytes(bytes: Vec<u8>) -> (u64, Content) {
    (bytes.len() as u64, Content::Bytes(bytes.into()))
}

fn small(pieces: &mut Vec<(u64, Content)>, name: &str, content: &[u8]) -> io::Result<()> {
    let mut all = header(name, content.len() as u64)?;
    all.extend_from_slice(content);
    all.resize(all.len() + padding(content.len() as u64), 0);
    pieces.push(bytes(all));
    Ok(())
}

fn header(name: &str, size: u64) -> io::Result<Vec<u8>> {
    let mut header = tar::Header::new_gnu();
    header.set_path(name)?;
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    Ok(header.as_bytes().to_vec())
}

/// Bytes up to the next block of a tar archive.
fn padding(size: u64) -> usize {
    (512 - (size % 512) as usize) % 512
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::image::{read_docker, read_layout};
    use crate::read::tar_members;

    /// An archive as `docker save` made it until release 24: layers in folders, a link for a repeated one.
    fn docker_archive(to: &std::path::Path) {
        let mut archive = tar::Builder::new(std::fs::File::create(to).unwrap());
        let mut put = |name: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, bytes).unwrap();
        };
        put("a/layer.tar", &[5; 2000]);
        put(
            "config.json",
            br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#,
        );
        put(
            "manifest.json",
            br#"[{"Config":"config.json","RepoTags":["pause:3.10","registry.k8s.io/pause:3.10"],"Layers":["a/layer.tar","b/layer.tar"]}]"#,
        );
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        archive.append_link(&mut header, "b/layer.tar", "../a/layer.tar").unwrap();
        archive.finish().unwrap();
    }

    #[test]
    fn a_docker_archive_becomes_an_oci_archive_with_the_same_layers() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pause.tar");
        docker_archive(&path);
        let found = read_docker(&path, &tar_members(&path).unwrap()).unwrap();
        let names: Vec<_> = found.iter().map(|one| one.image.reference.as_str()).collect();
        assert_eq!(names, ["docker.io/library/pause:3.10", "registry.k8s.io/pause:3.10"]);
        let image = found[1].image.clone();
        let blobs: HashMap<_, _> = found[1]
            .blobs
            .iter()
            .map(|(digest, content)| (blob_path(digest), (content.digest().unwrap().0, content.clone())))
            .collect();
        let out = dir.path().join("out.tar");
        let mut file = std::fs::File::create(&out).unwrap();
        for (size, content) in archive(&image, &blobs).unwrap() {
            let mut bytes = Vec::new();
            content.open().unwrap().read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes.len() as u64, size);
            file.write_all(&bytes).unwrap();
        }
        let again = read_layout(&out, &tar_members(&out).unwrap()).unwrap();
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].image, image);
        assert_eq!(again[0].blobs[2].1.read_small(3000).unwrap(), vec![5; 2000]);
    }
}
