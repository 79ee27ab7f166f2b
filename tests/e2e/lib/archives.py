# SPDX-License-Identifier: Apache-2.0
"""Makes image archives as `docker save` and others write them, and spoiled ones.

    archives.py KIND DESTINATION

The kinds are the functions below whose names begin with make_ ("docker-legacy" is
make_docker_legacy); each gives a list of (name, type, content or target) that becomes a tar, or,
when DESTINATION ends in "/", a directory. What a kind is called by says what is in it, or wrong.
"""

import gzip
import io
import os
import sys
import tarfile

from catalog import ELSEWHERE, HERE, implied_layers, small_layers
from images import Image, Layer, sha256, to_json, write

FILE, LINK, HARD = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
REF_NAME = "org.opencontainers.image.ref.name"


def file(name, data):
    return (name, FILE, data)


def change(entries, name, data):
    return [(n, t, data if n == name else d) for n, t, d in entries]


def without(entries, name):
    return [e for e in entries if e[0] != name]


def flipped(data, at=600):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


# --- docker save -------------------------------------------------------------------------------

def small():
    return Image(small_layers("plain"))


def row(image, tags, layer_name="%s.tar", config="%s.json"):
    return {"Config": config % sha256(image.config)[7:], "RepoTags": tags,
            "Layers": [layer_name % l.diff_id[7:] for l in image.layers]}


def docker(*pairs, rows=None):
    """The archive of pairs of image and tags; the files of a layer once only."""
    entries = {}
    for image, _ in pairs:
        entries[sha256(image.config)[7:] + ".json"] = image.config
        for layer in image.layers:
            entries[layer.diff_id[7:] + ".tar"] = layer.tar
    rows = rows or [row(image, tags) for image, tags in pairs]
    return [file(n, d) for n, d in entries.items()] + [file("manifest.json", to_json(rows))]


def make_docker():
    return docker((small(), ["small:1", "registry.example/team/small:2"]))


def make_docker_untagged():
    return docker((small(), None))


def make_docker_several():
    return docker((small(), ["small:1"]), (Image(implied_layers("plain")), ["implied:1"]),
                  (Image(small_layers("plain")[:2]), None))


def make_docker_legacy():
    """One directory for each layer; a layer that comes twice is a link to the first."""
    layers = small_layers("plain")
    image = Image(layers + layers[1:2])
    entries, first, names = [], {}, []
    for number, layer in enumerate(image.layers):
        directory = "%064x" % (number + 1)
        entries += [(directory + "/", tarfile.DIRTYPE, b""), file(directory + "/VERSION", b"1.0"),
                    file(directory + "/json", to_json({"id": directory}))]
        if layer.diff_id in first:
            entries.append((directory + "/layer.tar", LINK, "../%s/layer.tar" % first[layer.diff_id]))
        else:
            entries.append(file(directory + "/layer.tar", layer.tar))
        first.setdefault(layer.diff_id, directory)
        names.append(directory + "/layer.tar")
    config = sha256(image.config)[7:] + ".json"
    rows = [{"Config": config, "RepoTags": ["legacy:1"], "Layers": names}]
    return entries + [file(config, image.config), file("manifest.json", to_json(rows)),
                      file("repositories", to_json({"legacy": {"1": names[-1][:64]}}))]


def make_docker_gzip():
    """Layers that are compressed inside, as some tools write them."""
    image = small()
    entries = docker((image, ["small:1"]))
    for layer in image.layers[:2]:
        entries = change(entries, layer.diff_id[7:] + ".tar", gzip.compress(layer.tar, 1, mtime=0))
    return entries


def make_docker_both():
    """As docker writes since version 25: an OCI layout with a manifest.json beside it."""
    image = small()
    entries = layout(([image.entry()], {"io.containerd.image.name": "docker.io/library/small:1",
                                        REF_NAME: "1"}), images=[image])
    rows = [row(image, ["small:1"], "blobs/sha256/%s", "blobs/sha256/%s")]
    return entries + [file("manifest.json", to_json(rows))]


def make_docker_flipped_layer():
    name = small().layers[0].diff_id[7:] + ".tar"
    entries = make_docker()
    return change(entries, name, flipped(dict((n, d) for n, _, d in entries)[name]))


def make_docker_flipped_config():
    config = small().config
    return change(make_docker(), sha256(config)[7:] + ".json", config.replace(b"/bin/sh", b"/bin/zz"))


def make_docker_missing_layer():
    return without(make_docker(), small().layers[1].diff_id[7:] + ".tar")


def make_docker_missing_config():
    return without(make_docker(), sha256(small().config)[7:] + ".json")


def make_docker_short():
    image = small()
    rows = [row(image, ["small:1"])]
    rows[0]["Layers"].pop()
    return docker((image, None), rows=rows)


def make_docker_bad_name():
    return docker((small(), ["../../etc:1"]))


def make_docker_digest_name():
    return docker((small(), ["small@sha256:" + "0" * 64]))


def make_docker_no_list():
    return change(make_docker(), "manifest.json", b'{"Config": 1}')


def make_docker_outside():
    return [file("../outside", b"x")] + make_docker()


def make_docker_twice():
    return make_docker() + [file("./manifest.json", to_json([row(small(), ["other:1"])]))]


def linked(target, kind=LINK):
    name = small().layers[0].diff_id[7:] + ".tar"
    return [(n, kind, target) if n == name else (n, t, d) for n, t, d in make_docker()]


def make_docker_link_out():
    return linked("../../../../../etc/passwd")


def make_docker_link_absolute():
    return linked("/etc/passwd")


def make_docker_link_loop():
    return linked(small().layers[0].diff_id[7:] + ".tar")


def make_docker_hard_link():
    """A link that is fine: the layer lies under another name."""
    image = small()
    return [file("here.tar", image.layers[0].tar)] + linked("here.tar", HARD)


def make_nothing():
    return [file("blobs/readme", b"no image")]


# --- OCI layouts -------------------------------------------------------------------------------

def layout(*groups, images=()):
    """Pairs of index rows and the annotations that each of them gets."""
    entries = [file("oci-layout", to_json({"imageLayoutVersion": "1.0.0"}))]
    rows = [{**entry, "annotations": notes} for rows, notes in groups for entry in rows]
    entries.append(file("index.json", to_json({"schemaVersion": 2, "manifests": rows})))
    blobs = {}
    for image in images:
        for data in image.blobs() + [image.manifest]:
            blobs[sha256(data)[7:]] = data
    return entries + [file("blobs/sha256/" + n, d) for n, d in blobs.items()]


def oci():
    image = Image(small_layers())
    return layout(([image.entry()], {REF_NAME: "v1"}), images=[image]), image


def make_oci():
    return oci()[0]


def make_oci_platforms():
    """One name for two platforms; and a second image."""
    ours, theirs = Image(small_layers()), Image(implied_layers(), architecture=ELSEWHERE)
    other = Image(implied_layers())
    return layout(([theirs.entry(), ours.entry()], {REF_NAME: "registry.example/both:1"}),
                  ([{k: v for k, v in other.entry().items() if k != "platform"}], {}),
                  images=[ours, theirs, other])


def blob(entries, image, which):
    name = {"layer": image.layers[0].digest, "config": sha256(image.config),
            "manifest": image.digest}[which][7:]
    return "blobs/sha256/" + name


def make_oci_flipped(which="layer", at=30):
    entries, image = oci()
    name = blob(entries, image, which)
    return change(entries, name, flipped(dict((n, d) for n, _, d in entries)[name], at))


def make_oci_flipped_config():
    return make_oci_flipped("config")


def make_oci_flipped_manifest():
    return make_oci_flipped("manifest")


def make_oci_long_layer():
    entries, image = oci()
    name = blob(entries, image, "layer")
    return change(entries, name, image.layers[0].blob + b"x")


def make_oci_missing():
    entries, image = oci()
    return without(entries, blob(entries, image, "layer"))


def make_oci_version():
    return change(make_oci(), "oci-layout", to_json({"imageLayoutVersion": "2.0.0"}))


def make_oci_no_index():
    return change(make_oci(), "index.json", b"[]")


# --- writing -----------------------------------------------------------------------------------

def write_tar(path, entries):
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, content in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind in (LINK, HARD):
                info.linkname = content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))


def main(arguments):
    if len(arguments) != 2:
        sys.exit(__doc__)
    entries = globals()["make_" + arguments[0].replace("-", "_")]()
    if not arguments[1].endswith("/"):
        return write_tar(arguments[1], entries)
    for name, kind, content in entries:
        assert kind == FILE
        write(os.path.join(arguments[1], name), content)
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
