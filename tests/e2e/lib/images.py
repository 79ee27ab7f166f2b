# SPDX-License-Identifier: Apache-2.0
"""Makes images, and writes them into a docker-registry's storage or into an OCI layout.

Everything is deterministic: the same calls give the same digests.
"""

import gzip
import hashlib
import json
import os
import subprocess

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
TYPES = {
    "oci": {
        "index": OCI + "index.v1+json",
        "manifest": OCI + "manifest.v1+json",
        "config": OCI + "config.v1+json",
        "plain": OCI + "layer.v1.tar",
        "gzip": OCI + "layer.v1.tar+gzip",
        "zstd": OCI + "layer.v1.tar+zstd",
    },
    "docker": {
        "index": DOCKER + "distribution.manifest.list.v2+json",
        "manifest": DOCKER + "distribution.manifest.v2+json",
        "config": DOCKER + "container.image.v1+json",
        "plain": DOCKER + "image.rootfs.diff.tar",
        "gzip": DOCKER + "image.rootfs.diff.tar.gzip",
        "zstd": DOCKER + "image.rootfs.diff.tar.zstd",
    },
}
HERE = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
CREATED = "2024-01-02T03:04:05Z"


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def to_json(value):
    return json.dumps(value, separators=(",", ":")).encode()


def members(data):
    """Several gzip members, cut where no tar block ends, with an empty one among them."""
    cuts = sorted({0, 1, 511, 700, len(data) // 3, len(data) // 2 + 1, len(data)})
    parts = [data[a:b] for a, b in zip(cuts, cuts[1:])]
    return b"".join(gzip.compress(p, 6, mtime=0) for p in parts[:2] + [b""] + parts[2:])


def zstd(data):
    return subprocess.run(["zstd", "-q", "-3", "--no-progress", "-c"], input=data,
                          stdout=subprocess.PIPE, check=True).stdout


COMPRESS = {
    "plain": ("plain", lambda data: data),
    "gzip": ("gzip", lambda data: gzip.compress(data, 1, mtime=0)),
    "members": ("gzip", members),
    "zstd": ("zstd", zstd),
}


class Layer:
    """One layer: the tar, and the blob it is sent as."""

    def __init__(self, tar, how="gzip", blob=None):
        self.tar = tar
        self.how, compress = COMPRESS[how]
        self.blob = compress(tar) if blob is None else blob
        self.digest = sha256(self.blob)
        self.diff_id = sha256(tar)


class Image:
    """Config and manifest for layers. change(manifest) may spoil the manifest before it is sealed."""

    def __init__(self, layers, family="oci", config=None, architecture=HERE, config_bytes=None,
                 diff_ids=None, change=None):
        types = TYPES[family]
        self.layers = layers
        self.config = config_bytes or to_json({
            "created": CREATED, "architecture": architecture, "os": "linux",
            "config": config or {"Cmd": ["/bin/sh"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids or [l.diff_id for l in layers]},
            "history": [{"created": CREATED, "created_by": "layer %d" % i}
                        for i in range(len(layers))],
        })
        manifest = {
            "schemaVersion": 2, "mediaType": types["manifest"],
            "config": self.descriptor(types["config"], self.config),
            "layers": [self.descriptor(types[l.how], l.blob) for l in layers],
        }
        if change:
            change(manifest)
        self.seal(to_json(manifest), types["manifest"], architecture)

    def seal(self, manifest, media_type, architecture):
        self.manifest = manifest
        self.digest = sha256(manifest)
        self.media_type = media_type
        self.platform = {"architecture": architecture, "os": "linux"}
        if architecture == "arm64":
            self.platform["variant"] = "v8"

    @staticmethod
    def descriptor(media_type, data):
        return {"mediaType": media_type, "digest": sha256(data), "size": len(data)}

    def blobs(self):
        return [self.config] + [l.blob for l in self.layers]

    def parts(self):
        return []

    def entry(self):
        """This image's row in an index."""
        return {**self.descriptor(self.media_type, self.manifest), "platform": self.platform}

    def facts(self):
        return {"digest": self.digest, "manifest": self.digest, "config": sha256(self.config),
                "image_id": sha256(self.config)[7:],
                "layers": [l.digest for l in self.layers],
                "sizes": [len(l.blob) for l in self.layers],
                "diff_ids": [l.diff_id for l in self.layers]}


class Index:
    """An index (or manifest list) of images and indexes; extra entries are sent as they are."""

    def __init__(self, images, family="oci", extra=(), raw=None, change=None):
        value = {"schemaVersion": 2, "mediaType": TYPES[family]["index"],
                 "manifests": [i.entry() for i in images] + list(extra)}
        if change:
            change(value)
        self.images = images
        self.manifest = raw or to_json(value)
        self.digest = sha256(self.manifest)
        self.media_type = TYPES[family]["index"]

    def blobs(self):
        return []

    def parts(self):
        return self.images

    def entry(self):
        return Image.descriptor(self.media_type, self.manifest)

    def facts(self):
        inner = self.images[0].facts()
        return {**inner, "digest": self.digest, "index": self.digest,
                "manifests": [i.facts()["manifest"] for i in self.images]}


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = path + ".new"
    with open(temporary, "wb") as out:
        out.write(data)
    os.replace(temporary, path)


class Registry:
    """The file system storage of docker-registry 2 (its `filesystem` driver)."""

    def __init__(self, root):
        self.root = os.path.join(root, "docker/registry/v2")

    def blob_path(self, digest):
        algorithm, _, digits = digest.partition(":")
        return os.path.join(self.root, "blobs", algorithm, digits[:2], digits, "data")

    def put_blob(self, data):
        path = self.blob_path(sha256(data))
        if not os.path.exists(path):
            write(path, data)
        return sha256(data)

    def link(self, repository, where, digest):
        write(os.path.join(self.root, "repositories", repository, where, "link"), digest.encode())

    def tag(self, repository, tag, digest):
        """Point a tag at a manifest: what a push does last."""
        tags = "_manifests/tags/%s/" % tag
        self.link(repository, tags + "index/sha256/" + digest[7:], digest)
        self.link(repository, tags + "current", digest)

    def put(self, repository, image, *tags):
        for part in image.parts():
            self.put(repository, part)
        for data in image.blobs():
            self.link(repository, "_layers/sha256/" + self.put_blob(data)[7:], sha256(data))
        self.put_blob(image.manifest)
        self.link(repository, "_manifests/revisions/sha256/" + image.digest[7:], image.digest)
        for tag in tags:
            self.tag(repository, tag, image.digest)


def write_layout(directory, image, tag):
    """An OCI layout with this one image, for tools that read no registry."""
    for data in image.blobs() + [image.manifest]:
        write(os.path.join(directory, "blobs/sha256", sha256(data)[7:]), data)
    entry = {**Image.descriptor(image.media_type, image.manifest),
             "annotations": {"org.opencontainers.image.ref.name": tag}}
    write(os.path.join(directory, "oci-layout"), to_json({"imageLayoutVersion": "1.0.0"}))
    write(os.path.join(directory, "index.json"), to_json({"schemaVersion": 2,
                                                          "manifests": [entry]}))
