"""A filter that answers every smudge with the content at once: what all else is compared with.

Run as `python -IS reference_filter.py SITE STORE`, where SITE is the folder of the blake3 package
and STORE a folder of contents, each named by its hash. It shares no code with git-data, and is
small enough to be right by reading.
"""

import os
import re
import sys

sys.path.append(sys.argv[1])

from blake3 import blake3

STORE = sys.argv[2]
POINTER = re.compile(rb"version git-data/1\noid blake3:([0-9a-f]{64})\nsize [1-9][0-9]*\n")
SUCCESS = (b"status=success\n", None)


def read_list():
    """The packets up to a flush; None at the end of input."""
    packets = []
    while head := sys.stdin.buffer.read(4):
        size = int(head, 16)
        if size == 0:
            return packets
        packets.append(sys.stdin.buffer.read(size - 4))
    return None


def write(*packets):
    for packet in packets:
        data = b"0000" if packet is None else b"%04x" % (len(packet) + 4) + packet
        sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def clean(content):
    conflict = b"<<<<<<< " in content and b"oid blake3:" in content
    if not content or conflict or POINTER.fullmatch(content):
        return content
    name = blake3(content).hexdigest()
    path = os.path.join(STORE, name)
    if not os.path.exists(path):
        with open(f"{path}.{os.getpid()}", "wb") as file:
            file.write(content)
        os.rename(file.name, path)
    return b"version git-data/1\noid blake3:%s\nsize %d\n" % (name.encode(), len(content))


def smudge(content):
    if not (found := POINTER.fullmatch(content)):
        return content
    with open(os.path.join(STORE, found[1].decode()), "rb") as file:
        return file.read()


def main():
    read_list()
    write(b"git-filter-server\n", b"version=2\n", None)
    read_list()
    write(b"capability=clean\n", b"capability=smudge\n", None)
    while (request := read_list()) is not None:
        content = b"".join(read_list() or ())
        answer = clean(content) if b"command=clean\n" in request else smudge(content)
        parts = [answer[at : at + 65516] for at in range(0, len(answer), 65516)]
        write(*SUCCESS, *parts, None, None)


main()
