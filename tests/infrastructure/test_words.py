"""The check of names, terms and lengths (.ci/words.py) finds what it is for."""

from __future__ import annotations

import runpy
import subprocess

import pytest

from infra.blocks import ROOT

WORDS = runpy.run_path(str(ROOT / ".ci/words.py"))
COPIES = runpy.run_path(str(ROOT / ".ci/copies.py"))

BINDINGS = {
    "a variable": "one = 1",
    "a parameter": "def f(told): return told",
    "a lambda's parameter": "f = lambda at: at",
    "a loop": "for found in (): pass",
    "a comprehension": "x = [said for said in ()]",
    "an attribute": "class A:\n    def f(self): self.told = 1",
    "a private attribute": "class A:\n    def f(self): self._told = 1",
    "a field": "class A:\n    at: int",
    "a function": "def found(): pass",
    "a class": "class told: pass",
    "an import": "import json as one",
    "a walrus": "if (found := 1): pass",
    "a context": "with open('x') as said: pass",
    "an exception": "try: pass\nexcept ValueError as told: pass",
    "a pattern": "match 1:\n    case found: pass",
}


@pytest.mark.parametrize("text", BINDINGS.values(), ids=BINDINGS)
def test_a_binding_that_could_hold_anything_is_found(text):
    assert len(list(WORDS["empty_names"]("a.py", text))) == 1


@pytest.mark.parametrize("rest", ['"and more"', 'f"and {x}"', "'and more'"])
def test_the_second_half_of_a_text_that_nothing_uses_is_found(rest):
    assert [fault.line for fault in WORDS["lost_texts"]("a.py", f'x = "a text, "\n{rest}\n')] == [2]


@pytest.mark.parametrize("text", ['x = ("a, "\n"b")', 'x = 1\n"""What x is."""', 'def f():\n    """Doc."""\n    ...'])
def test_whole_texts_and_docstrings_are_not_lost(text):
    assert not list(WORDS["lost_texts"]("a.py", text))


@pytest.mark.parametrize("text", ["_TOLD = 1", "class One: ...", "AT: int = 0", "ones = []"])
def test_a_constant_a_class_and_a_plural_are_found_too(text):
    assert len(list(WORDS["empty_names"]("a.py", text))) == 1


def test_names_that_say_what_they_hold_are_left_alone():
    assert list(WORDS["empty_names"]("a.py", "x = record.one + found_ids\nprint(told)")) == []


@pytest.mark.parametrize("text", ["It is put back.", "Heals what was lost", "the brakes", "Who may press?"])
def test_a_private_word_is_found_in_texts_and_in_strings(text):
    assert len(list(WORDS["private_words"]("a.md", text))) == 1
    assert len(list(WORDS["private_words"]("a.py", f"x = 'The text: {text}'"))) == 1


def test_words_of_the_field_and_names_in_code_are_left_alone():
    assert list(WORDS["private_words"]("a.md", "The finding is remediated; health checks pass.")) == []
    assert list(WORDS["private_words"]("a.py", "brakes = load('brakes')  # put back")) == []


def test_a_file_that_is_too_long_is_found():
    assert len(list(WORDS["too_long"]("a.md", "x\n" * 501))) == 1
    assert list(WORDS["too_long"]("a.md", "x\n" * 500)) == []


BODY = """
def {function}({value}, names):
    \"\"\"{text}\"\"\"
    *around, last = names
    for {name} in around:
        {value} = {value}.setdefault({name}, {{}})
    return {value}[last], {end}
"""


def body(function="put", value="node", name="name", text="Put it there.", end="node_count(names)"):
    return BODY.format(function=function, value=value, name=name, text=text, end=end)


def test_a_function_that_stands_twice_is_found_whatever_its_names():
    modules = {"a.py": body(), "b.py": body("store", "holder", "key", "Store it.")}
    assert [(path, line) for path, line, _ in COPIES["faults"](modules)] == [("b.py", 2)]


@pytest.mark.parametrize("end", ["other_count(names)", "node_count(last)", "node_count(names, 2)"])
def test_functions_that_differ_in_what_they_do_are_no_copies(end):
    assert list(COPIES["faults"]({"a.py": body(), "b.py": body(end=end)})) == []


def test_a_method_in_the_same_module_is_a_copy_too_and_a_short_one_is_not():
    method = "class A:\n" + "\n".join(f"    {line}" for line in body().splitlines())
    assert len(list(COPIES["faults"]({"a.py": body() + method}))) == 1
    assert list(COPIES["faults"]({"a.py": "def f(x): return x.y\n", "b.py": "def g(z): return z.y\n"})) == []


def test_a_regular_expression_that_stands_twice_is_found_whatever_is_done_with_it():
    modules = {
        "a.py": "import re\nA = re.compile(r'[a-z]+-\\d')\n",
        "b.py": "import re\nre.sub('[a-z]+-\\\\d', '', B)\n",
    }
    assert [(path, line) for path, line, _ in COPIES["faults"](modules)] == [("b.py", 2)]
    assert list(COPIES["faults"]({"a.py": "re.compile('[*?]')", "b.py": "re.compile('[*?]')"})) == []
    assert list(COPIES["faults"]({"a.py": "re.compile(f'{A}longer')", "b.py": "re.compile(f'{A}longer')"})) == []


def test_commits_that_only_move_and_rename_are_left_out_of_blame():
    names = [line for line in (ROOT / ".git-blame-ignore-revs").read_text().splitlines() if line[0] != "#"]
    assert len(names) == len(set(names)) >= 2
    assert all(len(name) == 40 for name in names)
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of Git")
    known = subprocess.run(
        ["git", "cat-file", "-e", f"{names[0]}^{{commit}}"], cwd=ROOT, check=False, capture_output=True
    )
    shallow = subprocess.run(["git", "rev-parse", "--is-shallow-repository"], cwd=ROOT, check=True, capture_output=True)
    assert known.returncode == 0 or shallow.stdout.strip() == b"true"


def test_no_link_that_is_tracked_leads_out_of_the_repository():
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of Git")
    listed = subprocess.run(["git", "ls-files", "-s"], cwd=ROOT, check=True, capture_output=True, text=True)
    links = [line.partition("\t")[2] for line in listed.stdout.splitlines() if line.startswith("120000")]
    assert links
    assert all((ROOT / link).resolve().is_relative_to(ROOT) for link in links), links
