# SPDX-License-Identifier: Apache-2.0
"""What the box has on its shelves: every image of the end-to-end tests.

    catalog.py layout NAME DIRECTORY    write the image NAME (tag: the part after the colon)
                                        as an OCI layout of gzip layers, for umoci
    catalog.py tar NAME FILE            write its lowest layer as a plain tar

The published images (Alpine, BusyBox, hello-world) come from $MINIDOCK_TEST_IMAGES. Without it
alpine, busybox and hello-world are stand-ins made of the static BusyBox, which is
$MINIDOCK_BUSYBOX or the host's.
"""

import functools
import gzip
import os
import random
import struct
import sys

from images import (Image, Index, Layer, Registry, sha256, to_json, write, write_layout, DOCKER,
                    HERE, OCI)
from rawtar import Tar

ELSEWHERE = {"amd64": "arm64", "arm64": "amd64"}[HERE]
NS = 10**9
T1 = 1_600_000_000 * NS + 123_456_789
T2 = 1_650_000_000 * NS + 1
T3 = 1_700_000_000 * NS + 999_999_999
APPLETS = ("sh ls cat echo ps mount hostname id true false sleep env pwd touch mkdir rm stat find "
           "head wc sha256sum test tty stty kill grep awk sed ip df cp mv ln chmod seq").split()


def busybox():
    for path in (os.environ.get("MINIDOCK_BUSYBOX", ""), "/bin/busybox", "/usr/bin/busybox"):
        try:
            with open(path, "rb") as program:
                return program.read()
        except FileNotFoundError:
            continue
    raise SystemExit("needs busybox-static")


def read(*path):
    with open(os.path.join(*path), "rb") as source:
        return source.read()


def capability(bits):
    """security.capability, version 2: effective, `bits` permitted."""
    return struct.pack("<IIIII", 0x02000001, bits, 0, 0, 0)


# --- stand-ins and small images ---------------------------------------------------------------

def small_root(os_release, architecture=HERE):
    """A root file system of BusyBox, laid out as Alpine's; without a program for elsewhere."""
    tar = Tar().directory(b".", mtime_ns=T1)
    tar.directory(b"bin", mtime_ns=T1)
    if architecture == HERE:
        tar.file(b"bin/busybox", busybox(), 0o755, mtime_ns=T1)
    else:
        tar.file(b"bin/busybox", b"a program for " + architecture.encode(), 0o755, mtime_ns=T1)
    for name in APPLETS:
        tar.symlink(b"bin/" + name.encode(), b"/bin/busybox", mtime_ns=T1)
    for name in (b"dev", b"etc", b"proc", b"sys", b"run", b"usr", b"usr/bin", b"var", b"home"):
        tar.directory(name, mtime_ns=T1)
    tar.directory(b"root", 0o700, mtime_ns=T1)
    tar.directory(b"tmp", 0o1777, mtime_ns=T1)
    tar.file(b"etc/os-release", os_release, mtime_ns=T1)
    tar.file(b"etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"
             b"nobody:x:65534:65534:nobody:/:/sbin/nologin\n", mtime_ns=T1)
    tar.file(b"etc/group", b"root:x:0:root\nnobody:x:65534:\n", mtime_ns=T1)
    tar.file(b"etc/shadow", b"root:*::0:::::\n", 0o640, gid=42, mtime_ns=T1)
    return tar.bytes()


def attestation(image):
    """The row that builders add to an index for each image: no platform anyone runs."""
    extra = Image([Layer(to_json({"_type": "statement"}), "plain")], architecture="unknown")
    return {**extra.entry(), "platform": {"architecture": "unknown", "os": "unknown"},
            "annotations": {"vnd.docker.reference.type": "attestation-manifest",
                            "vnd.docker.reference.digest": image.digest}}


def alpine(folder):
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    config = {"Env": [path], "Cmd": ["/bin/sh"], "WorkingDir": "/"}
    images = []
    for architecture, file_name in (("amd64", "x86_64"), ("arm64", "aarch64")):
        if folder:
            blob = read(folder, "alpine-minirootfs-3.20.3-%s.tar.gz" % file_name)
            layer = Layer(gzip.decompress(blob), blob=blob)
        else:
            layer = Layer(small_root(b'NAME="Alpine Linux"\nID=alpine\n', architecture))
        images.append(Image([layer], config=config, architecture=architecture))
    return Index(images, extra=[attestation(i) for i in images])


def published_busybox(folder):
    """BusyBox with every byte as published."""
    folder = os.path.join(folder, "busybox-1.38.0-musl")
    blob = read(folder, "rootfs.tar.gz")
    image = Image([Layer(gzip.decompress(blob), blob=blob)],
                  config_bytes=read(folder, "image-config.json"))
    image.seal(read(folder, "image-manifest.json"), image.media_type, "amd64")
    return image, Index([image], raw=read(folder, "index.json"))


def hello_world(folder):
    if folder:
        program, command = read(folder, "hello-world-amd64"), ["/hello"]
    else:
        program, command = busybox(), ["/hello", "echo", "Hello from Docker!"]
    tar = Tar().file(b"hello" if folder else b"busybox", program, 0o755, mtime_ns=T1)
    if not folder:
        tar.symlink(b"hello", b"busybox")
    return Index([Image([Layer(tar.bytes())], "docker", {"Cmd": command},
                        "amd64" if folder else HERE)], "docker")


@functools.cache
def small_layers(how="gzip", salt=b""):
    """Three layers, quick to pull: for faults that hit one blob after the other."""
    base = Layer(small_root(b"NAME=small\n" + salt), how)
    middle = Layer(Tar().file(b"etc/middle", b"middle\n", mtime_ns=T2).bytes(), how)
    top = Layer(Tar().file(b"etc/top", b"top" + salt + b"\n", mtime_ns=T3)
                .whiteout(b"etc/shadow").bytes(), how)
    return [base, middle, top]


def big_layers():
    """Layers that do not compress; one is larger than 8 MiB, from which on pulls can resume."""
    noise = random.Random(20240102)
    return [Layer(small_root(b"NAME=big\n"))] + [
        Layer(Tar().directory(b"data").file(b"data/%d" % i, noise.randbytes(size),
                                            mtime_ns=T2).bytes())
        for i, size in enumerate((2 << 20, 9 << 20, 1 << 20))]


def roomy_layers():
    """A layer that can be resumed, and that needs far more room than its compressed size says."""
    noise = random.Random(20240103).randbytes(10 << 20)
    tar = Tar().directory(b"data").file(b"data/noise", noise, mtime_ns=T2)
    for i in range(8):
        tar.file(b"data/text%d" % i, b"line %d\n" % i * (1 << 20), mtime_ns=T2)
    return [Layer(small_root(b"NAME=roomy\n")), Layer(tar.bytes())]


# --- the zoo: everything a tar of an image can hold --------------------------------------------

LONG = b"a-name-of-many-words-that-goes-on-" * 7
DEEP = b"/".join([b"deep"] * 30)


def zoo_base():
    tar = Tar().directory(b".", 0o755, mtime_ns=T1)
    for name in (b"usr", b"usr/bin", b"usr/lib", b"usr/share", b"etc", b"etc/conf.d", b"dev", b"proc",
                 b"sys", b"run", b"var", b"var/cache", b"var/cache/old", b"var/cache/old/sub",
                 b"names", b"change", b"home", b"links"):
        tar.directory(name, mtime_ns=T1)
    tar.symlink(b"bin", b"usr/bin", mtime_ns=T1).symlink(b"lib", b"usr/lib", mtime_ns=T1)
    tar.symlink(b"sbin", b"/usr/bin", mtime_ns=T1)
    tar.file(b"usr/bin/busybox", busybox(), 0o755, mtime_ns=T1)
    for name in APPLETS:
        tar.symlink(b"usr/bin/" + name.encode(), b"busybox", mtime_ns=T1)
    tar.file(b"etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n",
             mtime_ns=T1)
    tar.file(b"etc/group", b"root:x:0:\nuser:x:1000:\n", mtime_ns=T1)
    tar.directory(b"root", 0o700, mtime_ns=T2).directory(b"tmp", 0o1777, mtime_ns=T2)
    tar.directory(b"home/user", 0o2750, uid=1000, gid=1000, mtime_ns=T3)
    tar.file(b"home/user/note", b"hers\n", 0o600, uid=1000, gid=1000, mtime_ns=T3)
    tar.file(b"home/big-id", b"", 0o640, uid=3_000_000_000, gid=65534, mtime_ns=T1)
    zoo_modes(tar)
    zoo_names(tar)
    zoo_below(tar)
    return tar.bytes()


def zoo_modes(tar):
    tar.file(b"usr/bin/su", b"#!/bin/sh\n", 0o4755, mtime_ns=T1)
    tar.file(b"usr/bin/wall", b"#!/bin/sh\n", 0o2755, gid=5, mtime_ns=T1)
    tar.file(b"usr/bin/theirs", b"#!/bin/sh\n", 0o6711, uid=1000, gid=1000, mtime_ns=T1)
    tar.file(b"usr/bin/ping", b"#!/bin/sh\n", 0o755, mtime_ns=T1,
             xattrs={b"security.capability": capability(1 << 13), b"user.note": b"raw \xff\0 bytes"})
    tar.file(b"usr/bin/arping", b"#!/bin/sh\n", 0o755, mtime_ns=T1,
             xattrs={b"security.capability": capability(1 << 13), b"user.note": b"raw \xff\0 bytes"})
    tar.directory(b"usr/share/kept", xattrs={b"user.dir": b"of a directory"}, mtime_ns=T1)
    tar.file(b"usr/share/kept/none", b"", 0o000, xattrs={b"user.one": b"1"}, mtime_ns=T1)
    tar.directory(b"usr/share/attr", xattrs={b"user.dir": b"of a directory"}, mtime_ns=T1)
    tar.file(b"usr/share/attr/empty", b"", 0o000, xattrs={b"user.one": b"1"}, mtime_ns=T1)
    tar.fifo(b"run/fifo", 0o622, uid=7, mtime_ns=T1)
    tar.char(b"dev/null", 1, 3, 0o666, mtime_ns=T1)
    tar.char(b"dev/console", 5, 1, 0o620, gid=5, mtime_ns=T1)
    tar.block(b"dev/block", 7, 200, 0o660, gid=6, mtime_ns=T1)
    tar.file(b"usr/share/old", b"before 1970\n", mtime_ns=-5 * NS)
    tar.file(b"usr/share/epoch", b"", mtime_ns=0).file(b"usr/share/late", b"", mtime_ns=2**33 * NS + 7)


def zoo_names(tar):
    for name in (b"caf\xe9", b"\xff\xfe\xfd", "naïve-✓".encode(), b"new\nline", b"back\\slash", b"tab\there",
                 b" space ", b"-dash", b"star*", b"a:b,c=d", b"..dots", b"...", LONG[:255]):
        tar.file(b"names/" + name, name, mtime_ns=T1)
    tar.symlink(b"names/to-\xe9", b"caf\xe9", mtime_ns=T1)
    tar.file(b"names/gnu-" + LONG[:200], b"gnu", gnu=True, mtime_ns=T1)
    tar.symlink(b"names/gnu-link", LONG[:150], gnu=True, mtime_ns=T1)
    tar.symlink(b"names/pax-link", b"/" + LONG, mtime_ns=T1)
    tar.hardlink(b"names/gnu-hard-" + LONG[:120], b"names/gnu-" + LONG[:200], gnu=True, mtime_ns=T1)
    tar.entry(b"prefixed", b"0", b"ustar prefix\n", prefix=b"names", mtime_ns=T1)
    at = b""
    for part in DEEP.split(b"/"):
        at = at + b"/" + part if at else part
        tar.directory(at, mtime_ns=T1)
    tar.file(DEEP + b"/bottom", b"far down\n", mtime_ns=T2)


def zoo_below(tar):
    """What the upper layers will hide, replace or link to."""
    tar.file(b"var/cache/old/a", b"a").file(b"var/cache/old/sub/b", b"b").file(b"var/cache/keep", b"k",
                                                                              mtime_ns=T1)
    for name in (b"1", b"2"):
        tar.file(b"etc/conf.d/" + name, name, mtime_ns=T1)
    tar.directory(b"etc/conf.d/sub", mtime_ns=T1).file(b"etc/conf.d/sub/x", b"x")
    tar.file(b"links/one", b"same\n", mtime_ns=T1).hardlink(b"links/two", b"links/one", mtime_ns=T1)
    tar.hardlink(b"links/three", b"./links/one", mtime_ns=T1)
    tar.symlink(b"links/soft", b"one", mtime_ns=T1).hardlink(b"links/soft-too", b"links/soft",
                                                             mtime_ns=T1)
    for kind in (b"file", b"dir", b"link", b"fifo"):
        for over in (b"file", b"dir", b"link", b"fifo"):
            put(tar, b"change/" + kind + b"-to-" + over, kind, b"below")


def put(tar, name, kind, text):
    if kind == b"file":
        tar.file(name, text, mtime_ns=T1)
    elif kind == b"dir":
        tar.directory(name, 0o700 if text == b"below" else 0o755, mtime_ns=T1)
        tar.file(name + b"/" + text, text, mtime_ns=T1).directory(name, 0o711, mtime_ns=T2)
    elif kind == b"link":
        tar.symlink(name, b"/usr/share/attr", mtime_ns=T1)
    else:
        tar.fifo(name, mtime_ns=T1)


def zoo_middle():
    """Whiteouts, an opaque mark before its directory's new files, and every kind over every kind."""
    tar = Tar()
    tar.directory(b"var/cache", 0o750, mtime_ns=T2).whiteout(b"var/cache/old")
    tar.directory(b"etc/conf.d", mtime_ns=T2).opaque(b"etc/conf.d").file(b"etc/conf.d/3", b"3",
                                                                         mtime_ns=T2)
    tar.file(b"lib/through-a-link", b"usrmerge\n", mtime_ns=T2)
    tar.hardlink(b"usr/bin/linked", b"usr/bin/busybox", mtime_ns=T1)
    tar.hardlink(b"bin/linked-too", b"bin/busybox", mtime_ns=T1)
    tar.hardlink(b"bin/arping-too", b"usr/bin/arping", mode=0o755, mtime_ns=T1)
    tar.hardlink(b"usr/bin/su-too", b"usr/bin/su", mode=0o4755, mtime_ns=T1)
    for kind in (b"file", b"dir", b"link", b"fifo"):
        for over in (b"file", b"dir", b"link", b"fifo"):
            put(tar, b"change/" + kind + b"-to-" + over, over, b"above")
    tar.whiteout(b"never-there").whiteout(b"names/caf\xe9")
    return tar.bytes()


def zoo_top():
    """The same marks the other way round, and changes to one name of a hard-linked file."""
    tar = Tar()
    tar.file(b"links/two", b"changed above\n", mtime_ns=T3).whiteout(b"links/one")
    tar.whiteout(b"links/soft").file(b"etc/conf.d/4", b"4", mtime_ns=T3)
    tar.directory(b"usr/share/attr", 0o755, mtime_ns=T3)
    tar.file(b"usr/share/attr/new", b"new", mtime_ns=T3).opaque(b"usr/share/attr")
    tar.file(b"var/cache/keep", b"again", mtime_ns=T3).whiteout(b"var/cache/keep")
    tar.file(b"usr/bin/ping", b"#!/bin/sh\n# without the capability\n", 0o755, mtime_ns=T3)
    tar.hardlink(b"lib/deep-link", b"lib/through-a-link", mtime_ns=T2)
    tar.directory(b"lib/sub", mtime_ns=T3).file(b"lib/sub/file", b"below a link\n", mtime_ns=T3)
    return tar.bytes()


@functools.cache
def zoo_layers(how="gzip"):
    empty = Tar().bytes()
    return [Layer(tar, how) for tar in (zoo_base(), zoo_middle(), empty, zoo_top())]


@functools.cache
def implied_layers(how="gzip"):
    """Files whose directories the tar never mentions, also below a directory of a lower layer."""
    base = Tar().directory(b"seen", 0o711, uid=3, mtime_ns=T1).file(b"a/b/c/file", b"1", mtime_ns=T1)
    top = Tar().file(b"seen/new/file", b"2", mtime_ns=T2).file(b"a/b/other", b"3", mtime_ns=T2)
    return [Layer(base.bytes(), how), Layer(top.bytes(), how)]


def dropped_layers():
    """Attributes that would mean something to the kernel's overlay, and one that must stay."""
    tar = Tar().directory(b"d", xattrs={b"trusted.overlay.opaque": b"y", b"trusted.other": b"1",
                                        b"user.overlay.opaque": b"y"})
    tar.file(b"d/f", b"kept\n", xattrs={b"user.kept": b"1", b"trusted.overlay.metacopy": b"",
                                        b"trusted.overlay.redirect": b"/../../etc"})
    return [Layer(tar.bytes())]


# --- images that must be refused -----------------------------------------------------------------

def with_layer_type(media_type, index=1):
    def change(manifest):
        manifest["layers"][index]["mediaType"] = media_type
    return change


def with_config_type(media_type):
    def change(manifest):
        manifest["config"]["mediaType"] = media_type
    return change


def with_artifact(manifest):
    manifest["artifactType"] = "application/vnd.example.sbom.v1"
    manifest["config"]["mediaType"] = "application/vnd.oci.empty.v1+json"


REFUSED = {
    "bzip2": with_layer_type(OCI + "layer.v1.tar+bzip2"),
    "xz": with_layer_type(OCI + "layer.v1.tar+xz"),
    "encrypted": with_layer_type(OCI + "layer.v1.tar+gzip+encrypted"),
    "wasm": with_layer_type("application/vnd.wasm.content.layer.v1+wasm", 0),
    "helm": with_config_type("application/vnd.cncf.helm.config.v1+json"),
    "plugin": with_config_type(DOCKER + "plugin.v1+json"),
    "artifact": with_artifact,
}


def wrong_size(where, delta):
    def change(manifest):
        found = manifest["config"] if where == "config" else manifest["layers"][int(where)]
        found["size"] += delta
    return change


def wrong_images():
    """Pairs of tag and image: each has one size or diff id that is not the blob's."""
    for where in ("config", "0", "1", "2"):
        name = where if where == "config" else "layer" + where
        for word, delta in (("less", -1), ("more", 1)):
            yield "size-%s-%s" % (word, name), Image(small_layers(), change=wrong_size(where, delta))
    for word, delta in (("less", -1), ("more", 1)):
        image = Image(small_layers())
        entry = image.entry()
        entry["size"] += delta
        yield "size-%s-manifest" % word, Index([image], change=lambda v: v.update(manifests=[entry]))
    for where in range(3):
        layers = small_layers()
        ids = [l.diff_id for l in layers]
        ids[where] = sha256(b"something else")
        yield "diffid-layer%d" % where, Image(layers, diff_ids=ids)
    layers = small_layers()
    yield "diffid-missing", Image(layers, diff_ids=[l.diff_id for l in layers[:2]])
    yield "diffid-swapped", Image(layers, diff_ids=[layers[i].diff_id for i in (1, 0, 2)])
    damaged = Layer(Tar().file(b"f", b"x" * 5000).bytes())
    cut = Layer(damaged.tar, blob=damaged.blob[:-9])
    yield "gzip-cut", Image(small_layers()[:1] + [cut])
    yield "gzip-garbage", Image(small_layers()[:1] + [Layer(damaged.tar, blob=b"no gzip at all" * 9)])


# --- all of it -------------------------------------------------------------------------------------

def zoo():
    """Pairs of tag and image; the same tree by every road."""
    for how in ("gzip", "members", "zstd", "plain"):
        yield how, Image(zoo_layers(how))
    yield "docker", Image(zoo_layers(), "docker")
    oci, other = Image(zoo_layers()), Image(implied_layers(), architecture=ELSEWHERE)
    yield "index", Index([other, oci])
    yield "list", Index([Image(implied_layers(), "docker", architecture=ELSEWHERE),
                         Image(zoo_layers(), "docker")], "docker")
    yield "nested", Index([Index([other]), Index([oci])])
    unknown = {"mediaType": "application/vnd.example.future.v9+json", "digest": "sha256:" + "0" * 64,
               "size": 7, "platform": {"architecture": HERE, "os": "linux"}}
    yield "future", Index([oci], change=lambda v: v["manifests"].insert(0, unknown))


def everything(folder):
    """Triples of repository, tag and image."""
    index = alpine(folder)
    for tag in ("latest", "3.20.3", "3.20"):
        yield "library/alpine", tag, index
    image, single = published_busybox(folder) if folder else (None, None)
    image = image or Image([Layer(small_root(b"NAME=BusyBox\n"))], config={"Cmd": ["sh"]})
    for tag in ("1.38.0-musl", "latest", "musl"):
        yield "library/busybox", tag, single or Index([image])
    yield "library/hello-world", "latest", hello_world(folder)
    for tag, image in zoo():
        yield "library/zoo", tag, image
    yield "library/implied", "latest", Image(implied_layers())
    yield "library/dropped", "latest", Image(dropped_layers())
    yield "library/small", "latest", Index([Image(small_layers())])
    yield "library/small", "manifest", Image(small_layers())
    yield "private/app", "latest", Image(small_layers())
    yield "library/moving", "old", Image(small_layers())
    yield "library/moving", "new", Image(small_layers(salt=b" newer"))
    yield "library/moving", "latest", Image(small_layers())
    yield "library/big", "latest", Index([Image(big_layers())])
    more = Layer(Tar().file(b"data/more", b"more\n", mtime_ns=T3).bytes())
    yield "library/big", "more", Index([Image(big_layers() + [more])])
    yield "library/roomy", "latest", Index([Image(roomy_layers())])
    yield "library/nothing-for-us", "latest", Index([Image(implied_layers(), architecture="s390x")])
    yield "team/app", "1.0", Image(small_layers("zstd"), config={
        "Entrypoint": ["/bin/echo"], "Cmd": ["from", "app"], "Env": ["A=1", "B=two words"],
        "WorkingDir": "/home", "User": "nobody", "Labels": {"a": "b"}, "StopSignal": "SIGINT",
        "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/data": {}}})
    for tag, change in REFUSED.items():
        yield "library/refused", tag, Image(small_layers(), change=change)
    for tag, image in wrong_images():
        yield "library/wrong", tag, image


def stock(root, folder):
    """Fill a registry's storage; the facts (digests, sizes) of everything in it, by NAME:TAG."""
    registry = Registry(root)
    facts = {}
    for repository, tag, image in everything(folder):
        registry.put(repository, image, tag)
        facts["%s:%s" % (repository.removeprefix("library/"), tag)] = image.facts()
    return facts


def host_image(image):
    """The image itself, or of an index the one for this machine."""
    parts = image.parts()
    found = [p for p in parts if getattr(p, "platform", {}).get("architecture") == HERE]
    return (found or parts or [image])[0]


def main(arguments):
    if len(arguments) != 3 or arguments[0] not in ("layout", "tar"):
        sys.exit(__doc__)
    name, _, tag = arguments[1].partition(":")
    made = {"zoo": zoo_layers, "zoo-base": lambda: zoo_layers()[:1], "implied": implied_layers,
            "small": small_layers}
    published = {"alpine": alpine, "hello-world": hello_world,
                 "busybox": lambda folder: published_busybox(folder)[0]}
    if name in made:
        image = Image(made[name]())
    else:
        image = host_image(published[name](os.environ.get("MINIDOCK_TEST_IMAGES")))
        image = Image(image.layers, config_bytes=image.config)  # as OCI, whatever it was
    if arguments[0] == "tar":
        write(arguments[2], image.layers[0].tar)
    else:
        write_layout(arguments[2], image, tag or "latest")


if __name__ == "__main__":
    main(sys.argv[1:])
