#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scripts for faulty_registry.py that spoil single answers of the images of faulty_image.py.

    faulty_script.py DIR [NAME=ANSWERS]...    writes DIR/script.json: honest but for these

NAME is manifest, config, layer0 ... of a, with "N:" before it for listener N only, or a key of the
script ("GET /token"). ANSWERS is an object or a list: each is the honest answer with these changes;
{} is the honest one, {"like": NAME} that of NAME. A status of 300 or more and a body of its own have
nothing of the honest body.
"""

import json
import os
import sys

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
BODIES = {"body", "base64", "fill", "raw", "text"}


def repository_of(name):
    return next((r for r in ("many", "old") if name.startswith(r)), "a")


def read_parts(directory):
    with open(os.path.join(directory, "parts"), encoding="ascii") as source:
        return {words[0]: words[1] for words in map(str.split, source)}


def keys_of(name, digest):
    """The requests that one part answers."""
    repository = repository_of(name)
    if name.endswith("manifest"):
        return ["%s /v2/%s/manifests/latest" % (method, repository) for method in ("GET", "HEAD")]
    return ["GET /v2/%s/blobs/%s" % (repository, digest)]


def answer_of(directory, name, digest):
    answer = {"file": os.path.join(directory, "parts.d", name)}
    if name.endswith("manifest"):
        answer["headers"] = {"Content-Type": MANIFEST, "Docker-Content-Digest": digest}
    else:
        answer["range"] = True
        answer["headers"] = {"Content-Type": "application/octet-stream", "ETag": '"one"'}
    return answer


def changed(base, change):
    """The honest answer with the changes; a header of null is taken away."""
    result = {**base, **change}
    headers = {**base.get("headers", {}), **change.get("headers", {})}
    if change.get("status", 200) >= 300 or BODIES & change.keys():
        for gone in ("file", "range"):
            result.pop(gone, None)
        headers = change.get("headers", {})
    result["headers"] = {key: value for key, value in headers.items() if value is not None}
    return result


def script(directory, changes):
    parts = read_parts(directory)
    honest_answers = {name: answer_of(directory, name, digest) for name, digest in parts.items()}
    whole = {key: [honest_answers[name]] for name, digest in parts.items()
             for key in keys_of(name, digest)}
    for change in changes:
        key, _, text = change.partition("=")
        listener, _, name = key.rpartition(":") if key.rpartition(":")[2] in parts else ("", "", key)
        if name in parts:  # a pull of a name that is there asks by HEAD first: that stays honest
            key = (listener + " " + keys_of(name, parts[name])[0]).strip()
        answers = json.loads(text)
        answers = answers if isinstance(answers, list) else [answers]
        whole[key] = [changed(honest_answers.get(one.pop("like", name), {}), one) for one in answers]
    new = os.path.join(directory, "script.new")
    with open(new, "w", encoding="ascii") as out:
        json.dump(whole, out)
    os.replace(new, os.path.join(directory, "script.json"))


if __name__ == "__main__":
    script(sys.argv[1], sys.argv[2:])
