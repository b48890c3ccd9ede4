import pytest

from git_data.selection import Selection


@pytest.mark.parametrize(
    ("include", "exclude", "path", "wanted"),
    [
        ((), (), "a/b.bin", True),
        (("a",), (), "a/b.bin", True),
        (("a/",), (), "a/b.bin", True),
        (("a",), (), "c/a/b.bin", True),
        (("a",), (), "ab/b.bin", False),
        (("/a/b",), (), "a/b/c/d", True),
        (("a/b",), (), "x/a/b", False),
        (("*.bin",), (), "deep/er/x.bin", True),
        (("images/**",), (), "images/x/y.png", True),
        (("images/**",), (), "other/x.png", False),
        ((), ("raw",), "a/raw/x", False),
        (("*.bin",), ("raw/*.bin",), "raw/x.bin", False),
        (("*.bin",), ("raw/*.bin",), "x.bin", True),
    ],
)
def test_include_and_exclude(include, exclude, path, wanted):
    assert Selection(include, exclude).includes(path) is wanted
