#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images for faulty_registry.py.

    faulty_image.py DIR    writes the images' parts to DIR/parts.d and their list to DIR/parts

a:latest has a manifest, a config and layers 0 to 7, the last of them of 3 MB; many:latest 200 layers
(many0 ...), of which 100 and 101 are the same; old:latest one layer. A line of DIR/parts is
"name digest size".
"""

import io
import os
import random
import sys
import tarfile

import images


def tar(name, size):
    """A layer with one file of bytes that do not compress."""
    data = random.Random(name).randbytes(size)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o644, 1700000000
        archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def make(directory):
    sizes = [40000 + 1000 * i for i in range(7)] + [3000000]
    kinds = {
        "a": [images.Layer(tar("file%d" % i, size)) for i, size in enumerate(sizes)],
        "many": [images.Layer(tar("many%d" % (i - (i == 101)), 100)) for i in range(200)],
        "old": [images.Layer(tar("old", 100))],
    }
    with open(os.path.join(directory, "parts"), "w", encoding="ascii") as parts:
        for repository, layers in kinds.items():
            image = images.Image(layers)
            prefix = "" if repository == "a" else repository
            named = [(prefix + "manifest", image.manifest), (prefix + "config", image.config)]
            named += [((prefix or "layer") + str(i), layer.blob) for i, layer in enumerate(layers)]
            for name, data in named:
                images.write(os.path.join(directory, "parts.d", name), data)
                parts.write("%s %s %d\n" % (name, images.sha256(data), len(data)))


if __name__ == "__main__":
    make(sys.argv[1])
