# SPDX-License-Identifier: Apache-2.0
"""A tar writer that writes every header byte itself, so that nothing is normalised on the way.

Names and values are bytes. Times are nanoseconds. A record that the 512-byte header cannot
hold goes into a pax header, or into a GNU long name where the caller asks for one.
"""

BLOCK = 512


def octal(value, width):
    """An octal field of `width` bytes, NUL at its end."""
    digits = b"%0*o" % (width - 1, value)
    if len(digits) > width - 1:
        raise ValueError("%d does not fit in %d octal digits" % (value, width - 1))
    return digits + b"\0"


def base256(value, width):
    """The GNU form of a number that octal digits cannot hold, or that is negative."""
    raw = value.to_bytes(width, "big", signed=True)
    return bytes([raw[0] | 0x80]) + raw[1:]


def number(value, width):
    try:
        return octal(value, width) if value >= 0 else base256(value, width)
    except ValueError:
        return base256(value, width)


def header(name, typeflag, size=0, mode=0o644, uid=0, gid=0, mtime=0, linkname=b"",
           major=0, minor=0, magic=b"ustar\x0000", uname=b"", gname=b"", prefix=b"", **raw):
    """One 512-byte header; a keyword such as size_field=b"..." replaces that field's bytes."""
    block = b"".join((
        name[:100].ljust(100, b"\0"),
        raw.get("mode_field", number(mode, 8)),
        raw.get("uid_field", number(uid, 8)),
        raw.get("gid_field", number(gid, 8)),
        raw.get("size_field", number(size, 12)),
        raw.get("mtime_field", number(mtime, 12)),
        b" " * 8,
        typeflag,
        linkname[:100].ljust(100, b"\0"),
        magic,
        uname.ljust(32, b"\0"),
        gname.ljust(32, b"\0"),
        raw.get("major_field", number(major, 8)),
        raw.get("minor_field", number(minor, 8)),
        prefix.ljust(155, b"\0"),
    )).ljust(BLOCK, b"\0")
    checksum = raw.get("checksum", b"%06o\0 " % sum(block))
    return block[:148] + checksum + block[156:]


def padded(data):
    return data + b"\0" * (-len(data) % BLOCK)


def pax_record(key, value):
    """`LENGTH KEY=VALUE\\n`, where LENGTH counts its own digits too."""
    body = b" " + key + b"=" + value + b"\n"
    length = len(body)
    while len(b"%d" % length) + len(body) != length:
        length = len(b"%d" % length) + len(body)
    return b"%d" % length + body


def pax_time(nanoseconds):
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    return ("%s%d.%09d" % (sign, rest // 10**9, rest % 10**9)).encode()


class Tar:
    """Entries in the order of the calls; bytes() gives the archive."""

    def __init__(self):
        self.parts = []

    def raw(self, data):
        """Bytes as they are: no header, no padding."""
        self.parts.append(bytes(data))
        return self

    def extended(self, typeflag, records):
        body = b"".join(pax_record(k, v) for k, v in records)
        return self.raw(header(b"PaxHeaders/x", typeflag, len(body)) + padded(body))

    def gnu_long(self, typeflag, value):
        body = value + b"\0"
        return self.raw(header(b"././@LongLink", typeflag, len(body), magic=b"ustar  \0")
                        + padded(body))

    def entry(self, name, typeflag, data=b"", linkname=b"", mtime_ns=0, xattrs=None, pax=(),
              gnu=False, **fields):
        """One entry; gnu=True writes long names as GNU tar does, otherwise they are pax records."""
        records = list(pax)
        for what, key, flag in ((name, b"path", b"L"), (linkname, b"linkpath", b"K")):
            if len(what) > 100 and gnu:
                self.gnu_long(flag, what)
            elif len(what) > 100:
                records.append((key, what))
        if mtime_ns % 10**9:
            records.append((b"mtime", pax_time(mtime_ns)))
        for key, value in sorted((xattrs or {}).items()):
            records.append((b"SCHILY.xattr." + key, value))
        if records:
            self.extended(b"x", records)
        if gnu:
            fields.setdefault("magic", b"ustar  \0")
        self.raw(header(name, typeflag, len(data), mtime=mtime_ns // 10**9, linkname=linkname,
                        **fields))
        return self.raw(padded(data))

    def file(self, name, data=b"", mode=0o644, **more):
        return self.entry(name, b"0", data, mode=mode, **more)

    def directory(self, name, mode=0o755, **more):
        return self.entry(name if name.endswith(b"/") else name + b"/", b"5", mode=mode, **more)

    def symlink(self, name, target, **more):
        return self.entry(name, b"2", linkname=target, mode=0o777, **more)

    def hardlink(self, name, target, **more):
        return self.entry(name, b"1", linkname=target, **more)

    def char(self, name, major, minor, mode=0o600, **more):
        return self.entry(name, b"3", major=major, minor=minor, mode=mode, **more)

    def block(self, name, major, minor, mode=0o600, **more):
        return self.entry(name, b"4", major=major, minor=minor, mode=mode, **more)

    def fifo(self, name, mode=0o600, **more):
        return self.entry(name, b"6", mode=mode, **more)

    def whiteout(self, path):
        head, slash, tail = path.rpartition(b"/")
        return self.file(head + slash + b".wh." + tail)

    def opaque(self, directory):
        return self.file(directory.rstrip(b"/") + b"/.wh..wh..opq")

    def bytes(self, end=b"\0" * (2 * BLOCK)):
        return b"".join(self.parts) + end
