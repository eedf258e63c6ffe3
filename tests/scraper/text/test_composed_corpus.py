"""Our own composed captions: made anew they are the committed bytes, and their labels obey the rules."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent
SENTENCES = HERE / "sentences"
SHARED = Path(__file__).parents[4] / "shared" / "captions"
FILES = ["tune", "aside", "aside-hand"]
FLAG = re.compile("[\U0001f1e6-\U0001f1ff]")
LINK = re.compile(r"https?://|www\.|pic\.twitter")
BLOCK_OF_TAGS = re.compile(r"#\w+\s+#\w+")


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def composer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compose", HERE / "compose.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("half", ["tune", "aside"])
def test_the_composer_writes_the_committed_files_byte_for_byte(composer: ModuleType, half: str) -> None:
    """The same sentences, layouts and seed give the same captions, in whichever process."""
    assert composer.compose(half).encode() == (HERE / f"{half}.jsonl").read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_segments_rebuild_their_caption_and_none_is_empty(name: str) -> None:
    """No caption stands twice in a file, and neighbours differ in their label."""
    cases = read(HERE / f"{name}.jsonl")
    assert len(cases) == (120 if name == "aside-hand" else 800)
    assert len({case["id"] for case in cases}) == len({case["raw"] for case in cases}) == len(cases)
    for case in cases:
        assert "".join(s["text"] for s in case["segments"]) == case["raw"], case["id"]
        assert all(s["text"] for s in case["segments"]), case["id"]
        assert {s["lang"] for s in case["segments"]} <= {"fr", "en", "other", "none"}, case["id"]
        labels = [s["lang"] for s in case["segments"]]
        assert all(a != b for a, b in itertools.pairwise(labels)), case["id"]
        assert case["origin"] == "synthetic"
        assert case["tags"], case["id"]


@pytest.mark.parametrize("name", FILES)
def test_a_part_is_running_text_and_nothing_else(name: str) -> None:
    """It has letters, no space at its edges, no flag, no link and no block of hashtags."""
    texts = [(c["id"], s["text"]) for c in read(HERE / f"{name}.jsonl") for s in c["segments"] if s["lang"] != "none"]
    for where, text in texts:
        assert text == text.strip(), where
        assert any(c.isalpha() for c in text), where
        assert not LINK.search(text), where
        assert not BLOCK_OF_TAGS.search(text), where
        assert not text.startswith("@"), where
        if name != "aside-hand":
            assert not FLAG.search(text), where
            assert not text.startswith("#"), where
            assert not text.split()[-1].startswith("#"), where


@pytest.mark.parametrize("name", FILES)
def test_a_text_is_cut_only_by_what_is_no_text(name: str) -> None:
    """Two texts of one language have more between them than space: a separator, a link, tags, a credit line."""
    for case in read(HERE / f"{name}.jsonl"):
        for before, between, after in zip(case["segments"], case["segments"][1:], case["segments"][2:], strict=False):
            if (
                before["lang"] == after["lang"] != "other"
                and before["lang"] in ("fr", "en")
                and between["lang"] == "none"
            ):
                assert between["text"].strip(), case["id"]


def test_the_halves_share_no_subject_and_no_sentence() -> None:
    """What is kept aside says nothing that was tuned on; each half has hundreds of pairs and every third language."""
    halves = {name: read(SENTENCES / f"{name}.jsonl") for name in ("tune", "aside")}
    texts, groups = {}, {}
    for name, rows in halves.items():
        texts[name] = [
            r[lang].casefold() for r in rows if r["kind"] != "hashtags" for lang in ("fr", "en") if lang in r
        ]
        groups[name] = {r["group"] for r in rows}
        pairs = [r for r in rows if r["kind"] in ("word", "title", "sentence", "loan", "list")]
        assert len(pairs) >= 225
        assert all(r["fr"] != r["en"] for r in pairs)
        assert all(sum(code in r for r in rows) >= 24 for code in ("de", "it", "es", "pt", "nl", "ru", "ja", "ar"))
    assert not set(texts["tune"]) & set(texts["aside"])
    assert not groups["tune"] & groups["aside"]


def test_a_quarter_of_the_layouts_is_only_in_what_is_kept_aside() -> None:
    """A layout never seen while tuning is tagged ``unseen``, and each layout has its captions."""
    kinds = {name: {c["tags"][0] for c in read(HERE / f"{name}.jsonl")} for name in ("tune", "aside")}
    unseen = {c["tags"][0] for c in read(HERE / "aside.jsonl") if "unseen" in c["tags"]}
    assert kinds["aside"] - kinds["tune"] == unseen
    assert kinds["tune"] < kinds["aside"]
    assert len(unseen) * 4 >= len(kinds["aside"])


@pytest.mark.parametrize("name", FILES)
def test_the_labels_agree_with_themselves_by_the_shared_scorer(name: str, tmp_path: Path) -> None:
    """The parts that the labels give, handed in as predictions, are right in every measure."""
    if not SHARED.is_dir():
        pytest.skip("../shared is not here: the scorer is not part of the repository")
    predictions = tmp_path / "predictions.jsonl"
    with predictions.open("w", encoding="utf-8") as file:
        for case in read(HERE / f"{name}.jsonl"):
            parts = {k: [s["text"] for s in case["segments"] if s["lang"] == k] for k in ("fr", "en")}
            file.write(json.dumps({"id": case["id"], **parts}) + "\n")
    command: list[str | Path] = [sys.executable, SHARED / "score.py", HERE / f"{name}.jsonl", predictions]
    required = ["exact=1", "strict=1", "chars=1", "false_split=0", "missed_split=0", "leak=0", "invented=0"]
    done = subprocess.run([*command, "--require", *required], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
