"""Who may import whom, and who may do what: the package's layers, kept true.

Imports point down or along a row as the table says, never up, never in a ring. A new module gets a
row here, chosen with its layer in mind: words, formats, places, engine, operations, faces.
"""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "git_data"
MODULES = {  # "" is the package itself, "stores" the file stores/__init__.py
    path.relative_to(PACKAGE).with_suffix("").as_posix().removesuffix("__init__").rstrip("/"): path
    for path in PACKAGE.rglob("*.py")
}

WORDS = "oid progress errors"
PLACES = "cache worktree stores stores/base stores/mirrored config project git files"
OPERATIONS = (
    "bringing unsent filter remote hooks upkeep scan upload inventory pulling storing tracking"
    " installation merging checks trial guard checking stored ranges hooking teamchecks"
    " addresses adoption carrying passing registryservice which tracing history showing resolving"
    " anchor datafirst"
    " origin sources listing listings getting importing asking differing standing"
    " updating settling"
)
VALUES = "conversation gitattributes transfer"  # whose records the commands take and give

# module -> what it may import from the package; "cli/*" is every other module of that folder
TABLE = {
    # words
    "errors": "",
    "pip": "",
    "progress": "",
    "oid": "errors",
    # formats
    "chunker": "",
    "selection": "",
    "interrupt": "",
    "gitattributes": "",
    "pktline": "errors",
    "gitindex": "errors",
    "pointer": "oid errors",
    "pack": "oid errors",
    "index": "pack oid errors",
    "indexing": "index pack oid errors",
    "manifest": "oid errors",
    "conversation": "pktline errors",
    "conflict": "pointer",
    "faults": "conflict pointer",
    "refnames": "",
    "gitmanifest": "manifest refnames stores/base oid errors",
    "bundleheader": "refnames errors",
    "sshcommand": "errors",
    "texts": "",
    # places
    "disk": "",
    "unfinished": "",
    "threads": "unfinished",
    "files": "disk unfinished errors",
    "locks": "files disk errors",
    "git": "errors",
    "config": "git errors",
    "project": "treewriter git errors",
    "addresses": "git errors",
    "seal": "disk oid",
    "cachepack": "oid",
    "packfile": "cachepack seal files disk oid",
    "packed": "packfile cachepack seal files disk oid errors",
    "objects": "packed seal files unfinished disk oid errors",
    "giving": "objects seal files disk oid errors",
    "cache": "giving objects packed seal files disk git pointer oid errors",
    "placements": "files locks pointer oid errors",
    "indexlock": "files errors",
    "indexupdate": "git gitindex indexlock files errors",
    "treewriter": "disk errors",
    "survivor": "",
    "copies": "placements treewriter files pointer errors",
    "beside": "disk files treewriter oid errors",
    "preparing": f"copies placements treewriter files {WORDS}",
    "worktree": "preparing files git pointer gitindex indexlock indexupdate copies placements"
    f" survivor treewriter {WORDS}",
    "onlookers": "git hookfiles errors",
    "caller": "",
    "hookfiles": "",
    "managers": "hookfiles",
    "confirmed": "git files oid errors",
    "installation": "git errors",
    "stores/base": "errors",
    "stores/local": "stores/base files locks disk oid errors",
    "stores/http": "stores/web/* stores/base stores/access errors",
    "stores/web": "",
    "stores/filestore": "stores/base oid errors",
    "stores/filesystems": "pip stores/filestore stores/web/* stores/base stores/access errors",
    "stores/sftp": "stores/ssh stores/filestore stores/base stores/access errors",
    "stores/ssh": "pip stores/filestore stores/web/* stores/base stores/access errors",
    "stores/web/*": "stores/web/* stores/base stores/access stores/body oid errors",
    "stores/s3": "stores/base stores/access stores/s3address stores/s3body stores/s3client"
    " stores/s3errors errors",
    "stores/s3address": "errors",
    "stores/s3body": "stores/base stores/body",
    "stores/s3client": "stores/base stores/body stores/access stores/s3address stores/s3body"
    " stores/s3errors errors",
    "stores/s3errors": "stores/base errors",
    "stores/access": "",
    "stores/wrap": "stores/base errors",
    "stores/retry": "stores/wrap stores/base errors",
    "stores/pace": "stores/wrap stores/base errors",
    "stores/body": "stores/base",
    "stores/mirrored": "stores/wrap stores/base errors",
    "reach": "config git stores stores/access stores/s3address stores/web/url",
    "stores/probe": "stores/base threads errors",
    "stores": "stores/base stores/local stores/http stores/s3 stores/wrap stores/retry stores/pace"
    " stores/probe stores/access errors",
    # engine
    "hashing": "oid",
    "journal": "files locks index indexing oid errors",
    "lookup": "files index manifest stores/base oid errors",
    "packing": "pack index indexing chunker cache stores/base oid errors",
    "unpacking": "pack index oid errors",
    "publishing": "index indexing lookup manifest errors",
    "ahead": "stores/base",
    "reading": "lookup unpacking index pack stores/base errors",
    "sending": "ahead transplant hashing packing publishing lookup journal index indexing"
    f" chunker pack cache {WORDS}",
    "arrival": "cache lookup packing pack files oid errors",
    "transplant": "reading unpacking lookup packing pack index oid errors",
    "inplace": "lookup reading unpacking index pack errors",
    "fetching": f"ahead arrival reading cache lookup unpacking packing index pack {WORDS}",
    "history": "git errors",
    "bundles": f"bundleheader gitmanifest history files threads stores/base {WORDS}",
    "refs": f"bundles gitmanifest history stores/base {WORDS}",
    "updates": "history refnames errors",
    "merge": "refs bundles gitmanifest history stores/base errors",
    "pushing": "refs merge bundles updates gitmanifest manifest history errors",
    "transfer": "ahead transplant sending fetching inplace reading publishing packing journal"
    f" lookup threads manifest cache stores/base {WORDS}",
    "repo": f"{PLACES} stores/access stores/mirrored addresses reach transfer packing gitmanifest"
    f" pointer selection {WORDS}",
    "bringing": f"repo cache packed files oid transfer {WORDS}",
    # operations
    "scan": "repo git pointer oid errors",
    "entries": "project git",
    "mending": "entries faults",
    "tracking": f"repo scan faults git gitattributes project pointer files {WORDS}",
    "proving": "repo stores stores/base stores/probe files manifest oid errors",
    "upload": "bringing repo scan confirmed transplant proving stores stores/wrap transfer project"
    f" pointer {WORDS}",
    "inventory": f"repo scan listing upload transfer cache pointer {WORDS}",
    "unsent": f"inventory repo scan upload transfer {WORDS}",
    "pulling": f"bringing repo inventory worktree {WORDS}",
    "storing": f"unsent repo inventory proving project transfer stores stores/probe stores/wrap"
    f" {WORDS}",
    "trial": "git installation pointer errors",
    "teamchecks": "repo hooking managers installation receiving beside mending git",
    "checks": "pip repo checking guard inventory storing tracking teamchecks installation project"
    f" worktree chunker git {WORDS}",
    "remote": "updates refnames errors",
    "registryservice": "remote deepening pushing refs bundles updates history refnames git config"
    f" which stores {WORDS}",
    "deepening": f"remote refs bundles gitmanifest history git files locks {WORDS}",
    "passing": "updates refnames pktline errors",
    "carrying": "passing remote sshcommand addresses history git config errors",
    "which": "addresses manifest gitmanifest reach config git stores stores/base stores/access"
    " errors",
    "adoption": "hooking installation repo git errors",
    "anchor": "addresses git",
    "datafirst": f"upload proving repo which addresses git stores {WORDS}",
    "tracing": "stores/base stores/wrap",
    "merging": f"bringing repo beside caller faults mending texts transfer project pointer {WORDS}",
    "resolving": f"repo scan entries beside treewriter conflict faults git pointer {WORDS}",
    "showing": f"bringing repo caller texts transfer project pointer {WORDS}",
    "filter": "bringing repo worktree cache showing faults conversation onlookers interrupt"
    f" selection transfer pointer pktline {WORDS}",
    "ranges": f"repo scan {WORDS}",
    "guard": f"repo scan entries faults mending project pointer {WORDS}",
    "locked": f"repo guard mending entries project git {WORDS}",
    "stored": f"repo scan upload transfer guard entries pointer {WORDS}",
    "checking": "unsent repo scan guard locked stored ranges entries inventory upload project git "
    + WORDS,
    "receiving": f"repo scan stored checking entries guard inventory project pointer {WORDS}",
    "hooking": f"repo hookfiles managers files {WORDS}",
    "hooks": f"repo hookfiles checking guard receiving upload {WORDS}",
    "upkeep": f"repo scan git {WORDS}",
    "origin": "addresses repo stores git errors",
    "asking": "origin git errors",
    "keeping": "asking origin files locks git oid errors",
    "listing": "git pointer errors",
    "sources": "addresses asking keeping origin repo stores transfer project config git oid errors",
    "names": "treewriter errors",
    "blobs": "git errors",
    "landing": "cache listing treewriter files oid errors",
    "getting": "bringing blobs names landing listing listings sources treewriter files repo"
    f" transfer {WORDS}",
    "painting": "",
    "sections": "painting gitattributes git project",
    "grafting": "listing repo git errors",
    "incoming": "bringing blobs grafting listing listings names sources project repo transfer"
    " errors progress",
    "applying": "grafting incoming sections tracking project repo files git errors",
    "importing": "git applying asking incoming sources project repo treewriter errors progress",
    "differing": "listing scan inventory repo",
    "standing": "asking grafting listing sources inventory project repo git errors",
    "updating": "git applying asking differing importing incoming inventory listing pulling sources"
    " standing project repo errors progress",
    "settling": "resolving applying grafting listing sections sources standing tracking project"
    " repo files git errors",
    "listings": "listing names sources files pointer oid errors",
    # faces
    "streams": "inplace",
    "views": "blobs cache inplace listing listings names pointer repo sources streams errors",
    "api": "views asking differing getting importing inventory listing project sources standing"
    " updating config git repo errors",
    "filesystem": "api views listing threads transfer errors",
    "cli/terminal": "progress",
    "cli/leaving": "unfinished",
    "cli": "cli/*",
    "cli/*": f"cli cli/* {OPERATIONS} {WORDS} {VALUES} config project git repo stores/base",
    "__main__": "cli",
    "": "api",  # when it is used
}

# Each outside library has one home, and is replaced there alone.
HOMES = {
    "blake3": "oid",
    "pyfastcdc": "chunker",
    "backports": "pack",
    "compression": "pack",
    "boto3": "stores/s3client",
    "botocore": "stores/s3client",
    "urllib3": "stores/s3client",
    "requests": "stores/web/wire",
    "dulwich": "api",
    "fsspec": "filesystem stores/filesystems",
    "paramiko": "stores/ssh",
    "tqdm": "cli/terminal",
}

STARTS = {
    "subprocess": ("Popen", "run", "call", "check_call", "check_output", "getoutput"),
    "os": ("system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "startfile"),
    "pty": ("spawn", "fork"),
}


def row_of(module):
    if module in TABLE or "/" not in module:
        return TABLE.get(module)
    return TABLE.get(f"{module.rpartition('/')[0]}/*")


def allows(row, imported):
    words = row.split()
    return imported in words or f"{imported.rpartition('/')[0]}/*" in words


def tree_of(module):
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imports(module):
    """(module of the package, "") or ("", outside package) for each import, wherever it stands."""
    folder = module if MODULES[module].name == "__init__.py" else module.rpartition("/")[0]
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from named(alias.name, [])
        elif isinstance(node, ast.ImportFrom):
            if not node.level:
                yield from named(node.module, node.names)
                continue
            parts = folder.split("/") if folder else []
            parts = parts[: len(parts) - node.level + 1]
            yield from inside([*parts, *(node.module or "").split(".")], node.names)


def named(dotted, aliases):
    first, *rest = dotted.split(".")
    if first == "git_data":
        yield from inside(rest, aliases)
    else:
        yield "", first


def inside(parts, aliases):
    """`from A import b` imports the module A/b where there is one, else something of A."""
    base = "/".join(part for part in parts if part)
    whole = {name for alias in aliases if (name := f"{base}/{alias.name}".strip("/")) in MODULES}
    if len(whole) < len(aliases) or not aliases:
        whole.add(base)
    for module in whole:
        if module:  # the package itself only hands the Python face on
            yield module, ""


def attributes(module, owner):
    """The names used of a module of the standard library, as `os.environ` or imported from it."""
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == owner:
                yield node.attr
        elif isinstance(node, ast.ImportFrom) and node.module == owner:
            yield from (alias.name for alias in node.names)


def calls(module):
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.fixture(params=sorted(MODULES), ids=lambda module: module or "git_data")
def module(request):
    return request.param


def test_a_module_imports_what_its_row_allows(module):
    row = row_of(module)
    assert row is not None, f"{module} has no row in the table of {Path(__file__).name}"
    wrong = {name for name, _ in imports(module) if name and not allows(row, name)}
    assert not wrong, f"{module} must not import {sorted(wrong)}"


def test_an_outside_library_is_imported_in_its_home(module):
    for _, library in imports(module):
        if library in HOMES:
            assert module in HOMES[library].split()
        elif library:
            assert library in sys.stdlib_module_names, f"{library} has no home yet"


def test_only_git_starts_programs(module):
    started = {
        call
        for call in calls(module)
        for owner, names in STARTS.items()
        if call.startswith(("os.exec", "os.spawn")) or call in {f"{owner}.{n}" for n in names}
    }
    # survivor: a fork, no program; caller: ps, where there is no /proc
    assert module in ("git", "survivor", "caller") or not started


def test_only_config_reads_the_environment(module):
    read = {"environ", "environb", "getenv", "getenvb"} & {*attributes(module, "os")}
    assert module == "config" or not read


def test_only_the_command_line_prints(module):
    printed = {"stdout", "stderr", "__stdout__", "__stderr__"} & {*attributes(module, "sys")}
    if "print" in calls(module):
        printed.add("print")
    assert module.startswith("cli") or not printed


def test_the_table_has_no_ring():
    """So that "down" means something: some order of the modules has every import pointing back."""
    left = {module: {*row.split()} & set(TABLE) - {module} for module, row in TABLE.items()}
    left["cli"] = set()  # the frame starts its commands, and they use what it has
    while ready := {module for module, needs in left.items() if not needs & set(left)}:
        left = {module: needs for module, needs in left.items() if module not in ready}
    assert not left


def test_this_test_sees_every_kind_of_import():
    assert ("pktline", "") in imports("conversation")  # from . import pktline
    assert ("errors", "") in imports("oid")  # from .errors import …
    assert ("", "blake3") in imports("oid")
    assert ("config", "") in imports("cli/install")  # from ..config import …
    assert ("hooking", "") in imports("cli/install")  # from .. import hooking
    assert ("cli/dispatch", "") in imports("cli")  # inside a function
    assert list(named("git_data.oid", [])) == [("oid", "")]  # import git_data.oid
