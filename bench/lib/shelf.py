# SPDX-License-Identifier: Apache-2.0
"""The images that the bench pulls, in the storage of a docker-registry.

    alpine   one small layer
    big      six layers of Debian packages, several hundred megabytes
    change   big again, with only its last layer changed; pulled where big is
    many     130 layers of three small files
    zstd     the layers of big, compressed with zstd

The packages are downloaded once and never installed; what is made of them is kept in the cache.
"""

import dataclasses
import glob
import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import tempfile

import catalog
import images
from measure import run
from rawtar import Tar
from report import say

NAMES = ("alpine", "big", "change", "many", "zstd")
PACKAGES = (
    ("bash", "coreutils", "libc6", "perl-modules-5.36", "git"),
    ("openjdk-17-jre-headless", "libpython3.11-stdlib"),
    ("libllvm14", "libclang-cpp14"),
    ("libboost1.74-dev",),
    ("python3-numpy", "python3-scipy", "libopenblas0-pthread"),
    ("gcc-12", "cpp-12", "iso-codes"),
)
LAST = len(PACKAGES) - 1
COMPRESS = {"gzip": (".gz", ["gzip", "-n", "-6", "-c"]), "zstd": (".zst", ["zstd", "-q", "-3", "-c"])}
MANY = 130
FEWER = 125  # the most that docker takes


@dataclasses.dataclass
class Shelved:
    """An image in the registry. fetched: the layers that a pull has to fetch, by their facts."""

    name: str
    reference: str
    layers: list
    fetched: list
    kind: str = "gzip"
    docker_target: float = None     # docker's time / minidock's, at least
    pipeline_target: float = None   # minidock's time / the pipeline's, at most
    fewer: "Shelved" = None         # what a peer gets that has a limit of layers

    def describe(self):
        size, unpacked, entries = (sum(f[key] for f in self.layers)
                                   for key in ("size", "unpacked", "entries"))
        count = len(self.layers)
        return (f"{self.reference}: {count} layer{'s' if count > 1 else ''}, {size / 1e6:.1f} MB, "
                f"{unpacked / 1e6:.1f} MB unpacked, {entries} entries")


# --- layers made of packages ------------------------------------------------------------------------

def sha256_file(path):
    with open(path, "rb") as source:
        return "sha256:" + hashlib.file_digest(source, "sha256").hexdigest()


def pack(tar, target, kind, entries):
    """Compress a tar to the file `target` with its kind's suffix; the facts."""
    suffix, compress = COMPRESS[kind]
    with open(target + suffix, "wb") as out:
        run([*compress, tar], stdout=out)
    return {"diff_id": sha256_file(tar), "digest": sha256_file(target + suffix),
            "size": os.path.getsize(target + suffix), "unpacked": os.path.getsize(tar),
            "entries": entries}


def cached(cache, name, kind, make):
    """The facts of a layer in the cache; make(work, target) puts it there when it is not."""
    target = os.path.join(cache, name)
    if os.path.exists(target + ".json"):
        with open(target + ".json", encoding="utf-8") as source:
            facts = json.load(source)
    else:
        say(f"making {name}")
        with tempfile.TemporaryDirectory(dir=cache) as work:
            facts = make(work, target)
        images.write(target + ".json", json.dumps(facts).encode())
    return {**facts, "file": target + COMPRESS[kind][0], "kind": kind}


def package_layer(index, cache):
    def make(work, target):
        tree = os.path.join(work, "tree")
        os.makedirs(tree)
        for name in PACKAGES[index]:
            got = subprocess.run(["apt-get", "-q", "download", name], cwd=work, check=False,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            if got.returncode:
                say(f"left out, cannot be downloaded: {name}: {got.stderr.strip()}")
        for package in glob.glob(os.path.join(work, "*.deb")):
            run(["dpkg-deb", "-x", package, tree])
        tar = os.path.join(work, "layer.tar")
        run(["tar", "--numeric-owner", "--sort=name", "-C", tree, "-cf", tar, "."])
        return pack(tar, target, "gzip", sum(len(d) + len(f) for _, d, f in os.walk(tree)))
    return cached(cache, f"layer{index}", "gzip", make)


def unpacked_tar(facts, work):
    tar = os.path.join(work, "layer.tar")
    with open(tar, "wb") as out:
        run(["gzip", "-d", "-c", facts["file"]], stdout=out)
    return tar


def zstd_layer(index, cache):
    base = package_layer(index, cache)

    def make(work, target):
        return pack(unpacked_tar(base, work), target, "zstd", base["entries"])
    return cached(cache, f"layer{index}-zstd", "zstd", make)


def changed_layer(cache):
    """The last layer of big with one more file."""
    base = package_layer(LAST, cache)

    def make(work, target):
        tar = unpacked_tar(base, work)
        images.write(os.path.join(work, "changed"), b"one more file\n")
        run(["tar", "--numeric-owner", "--mtime=@0", "-C", work, "-rf", tar, "changed"])
        return pack(tar, target, "gzip", base["entries"] + 1)
    return cached(cache, f"layer{LAST}-changed", "gzip", make)


def prepare(names, cache):
    """Everything that needs the network or much time, for these images."""
    os.makedirs(cache, exist_ok=True)
    for index in range(len(PACKAGES)):
        if {"big", "change", "zstd"} & set(names):
            package_layer(index, cache)
        if "zstd" in names:
            zstd_layer(index, cache)
    if "change" in names:
        changed_layer(cache)


# --- images -------------------------------------------------------------------------------------------

def put_files(registry, reference, layers):
    """An image whose layers are files of the cache."""
    repository, tag = reference.split(":")
    types = images.TYPES["oci"]
    for facts in layers:
        path = registry.blob_path(facts["digest"])
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copyfile(facts["file"], path)
        registry.link(repository, "_layers/sha256/" + facts["digest"][7:], facts["digest"])
    config = images.to_json({
        "architecture": images.HERE, "os": "linux", "config": {"Cmd": ["/bin/bash"]},
        "rootfs": {"type": "layers", "diff_ids": [f["diff_id"] for f in layers]}})
    manifest = images.to_json({
        "schemaVersion": 2, "mediaType": types["manifest"],
        "config": images.Image.descriptor(types["config"], config),
        "layers": [{"mediaType": types[f["kind"]], "digest": f["digest"], "size": f["size"]}
                   for f in layers]})
    registry.link(repository, "_layers/sha256/" + registry.put_blob(config)[7:],
                  images.sha256(config))
    digest = registry.put_blob(manifest)
    registry.link(repository, "_manifests/revisions/sha256/" + digest[7:], digest)
    registry.tag(repository, tag, digest)


def facts_of(layer, entries):
    return {"diff_id": layer.diff_id, "digest": layer.digest, "size": len(layer.blob),
            "unpacked": len(layer.tar), "entries": entries}


def alpine(registry, _cache):
    image = catalog.host_image(catalog.alpine(os.environ.get("MINIDOCK_TEST_IMAGES")))
    registry.put("bench/alpine", image, "latest")
    layer = images.Layer(gzip.decompress(image.layers[0].blob), blob=image.layers[0].blob)
    names = subprocess.run(["tar", "-t"], input=layer.tar, stdout=subprocess.PIPE, check=True).stdout
    layers = [facts_of(layer, names.count(b"\n"))]
    return Shelved("alpine", "bench/alpine:latest", layers, layers)


def big(registry, cache):
    layers = [package_layer(i, cache) for i in range(len(PACKAGES))]
    put_files(registry, "bench/big:1", layers)
    return Shelved("big", "bench/big:1", layers, layers, docker_target=5, pipeline_target=1.4)


def change(registry, cache):
    layers = [package_layer(i, cache) for i in range(LAST)] + [changed_layer(cache)]
    put_files(registry, "bench/big:2", layers)
    return Shelved("change", "bench/big:2", layers, layers[LAST:], pipeline_target=1.4)


def zstd(registry, cache):
    layers = [zstd_layer(i, cache) for i in range(len(PACKAGES))]
    put_files(registry, "bench/zstd:latest", layers)
    return Shelved("zstd", "bench/zstd:latest", layers, layers, kind="zstd", docker_target=5,
                   pipeline_target=1.4)


def noise_layers(count, files, size):
    """Layers that do not compress: the same each time."""
    noise = random.Random(count)
    for number in range(count):
        tar = Tar().directory(b"data")
        for name in range(files):
            tar.file(b"data/%d-%d" % (number, name), noise.randbytes(size))
        yield images.Layer(tar.bytes())


def many(registry, _cache):
    layers = list(noise_layers(MANY, 3, 2000))
    facts = [facts_of(layer, 4) for layer in layers]
    made = []
    for count in (FEWER, MANY):
        registry.put("bench/many", images.Image(layers[:count]), str(count))
        made.append(Shelved("many", f"bench/many:{count}", facts[:count], facts[:count],
                            fewer=made[0] if made else None))
    return made[-1]


MAKERS = {"alpine": alpine, "big": big, "change": change, "many": many, "zstd": zstd}


def series(registry, cache, names):
    """Lists of images: those of one list are pulled one after the other into the same directory."""
    chains = {name: (name,) for name in NAMES if name in names}
    if "change" in names:
        chains.pop("big", None)
        chains["change"] = ("big", "change")
    return [[MAKERS[name](registry, cache) for name in chain] for chain in chains.values()]
