from __future__ import annotations

import subprocess

from hypothesis import given
from hypothesis import strategies as st

from setpoint.cli.unified_diff import unified

TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "spec:\n", "\n", "two\u2028in one\n"]), max_size=40).map("".join)


@given(TEXTS, TEXTS, st.sampled_from(["", "end"]), st.sampled_from(["", "end"]))
def test_patch_makes_of_the_one_text_the_other(tmp_path_factory, before, after, last, end):
    folder = tmp_path_factory.mktemp("patched")
    (folder / "f").write_text(before + last)

    patch = "".join(unified("f", before + last, after + end))

    done = subprocess.run(["patch", "-p1", "-s"], input=patch, text=True, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    patched = folder / "f"
    assert (patched.read_text() if patched.exists() else "") == after + end


def test_a_long_file_of_lines_that_come_often_shows_only_what_changes():
    block = "---\nkind: Declaration\nspec:\n  remediation:\n    mode: approve\n  data:\n"
    before = "".join(f"{block}    age: {n}\n" for n in range(100))
    after = before.replace("age: 50\n", "age: 50\n    other: x\n").replace("  data:\n    age: 51\n", "  data: {}\n")

    signed = [line for line in unified("f", before, after) if line[0] in "+-" and line[:3] not in ("+++", "---")]

    assert signed == ["+    other: x\n", "-  data:\n", "-    age: 51\n", "+  data: {}\n"]
