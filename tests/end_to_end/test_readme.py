"""The README's quick start is typed as it stands there, and prints what stands there."""

import re

from ..helpers.world import PROJECT, random_bytes

README = (PROJECT / "README.md").read_text(encoding="utf-8")
_MARK = "--- next"


def sessions():
    """The `console` blocks, each a list of (command, what it prints)."""
    for block in re.findall(r"^```console\n(.*?)^```$", README, re.DOTALL | re.MULTILINE):
        yield [
            (command, printed)
            for command, printed in re.findall(
                r"^\$ ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", block, re.MULTILINE
            )
        ]


def play(world, session, folder):
    """What each command really prints, on both of its outputs; the folder it ends in."""
    script = ["exec 2>&1", *(f"{command} || exit\necho '{_MARK}'" for command, _ in session), "pwd"]
    text = "\n".join(script).replace("/srv/", f"{world.root}/srv/")
    *printed, ends = world.run("bash", "-c", text, cwd=folder).out.split(f"{_MARK}\n")
    return [part.replace(f"{world.root}/srv/", "/srv/") for part in printed], ends.strip()


def test_the_quick_start_prints_what_it_says(world):
    for number in range(1000):
        path = world.root / f"songs/{'live' if number % 4 else 'studio'}/{number:03d}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random_bytes(20_000, number))
    for number in range(10):
        path = world.root / f"songs/images/{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(random_bytes(50_000, 1000 + number))
    world.git("init", "-q", "--bare", "-b", "main", "srv/git/songs.git")

    folder, shown = world.root, 0
    for session in sessions():
        printed, folder = play(world, session, folder)
        assert list(zip((command for command, _ in session), printed, strict=True)) == session
        shown += len(session)
    assert shown > 5  # the blocks were found

    for path in (world.root / "songs").rglob("*.flac"):
        copied = world.root / "copy" / path.relative_to(world.root / "songs")
        assert copied.read_bytes() == path.read_bytes()
    assert (world.root / "srv/registry/data/manifest").exists()
