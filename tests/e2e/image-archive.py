"""Writes a small container image as `docker save` does: image-archive.py FILE NAME"""
import hashlib
import io
import json
import sys
import tarfile


def add(archive, name, content):
    about = tarfile.TarInfo(name)
    about.size = len(content)
    archive.addfile(about, io.BytesIO(content))


inner = io.BytesIO()
with tarfile.open(fileobj=inner, mode="w") as layer:
    add(layer, "pause", b"not a program\n" * 10000)
layer = inner.getvalue()
config = json.dumps({
    "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[__import__("platform").machine()],
    "os": "linux",
    "config": {},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
}).encode()
with tarfile.open(sys.argv[1], "w") as archive:
    add(archive, "config.json", config)
    add(archive, "layer/layer.tar", layer)
    add(archive, "manifest.json", json.dumps([{"Config": "config.json", "RepoTags": [sys.argv[2]], "Layers": ["layer/layer.tar"]}]).encode())
