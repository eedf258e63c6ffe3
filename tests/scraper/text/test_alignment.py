"""Which sentence answers which: against captions aligned by hand, and against captions that are no translations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.model import Lang, Segment, captions_of
from scraper.text.alignment import Alignment, align
from scraper.text.sentences import sentences_of

HERE = Path(__file__).parent
SHARED = Path(__file__).parents[3].parent / "shared"
#: floors, which only ever rise: beads found of those drawn by hand, and how well the score tells translations apart
RIGHT, APART = 0.97, 0.975

Bead = tuple[list[str], list[str]]


def aligned() -> Iterator[tuple[str, list[Bead]]]:
    """The captions of ``aligned.txt``: what joins their sentences, and their beads."""
    lines = (HERE / "aligned.txt").read_text(encoding="utf-8").splitlines()
    for block in "\n".join(line for line in lines if not line.startswith("#")).strip().split("\n\n"):
        beads: list[Bead] = []
        for line in block.strip().removeprefix("~\n").splitlines():
            fr, en = ([piece.strip() for piece in side.split("|") if piece.strip()] for side in line.split("<=>"))
            beads.append((fr, en))
        yield "\n" if block.startswith("~") else " ", beads


def texts(glue: str, beads: list[Bead]) -> tuple[str, str]:
    """The French and the English caption."""
    fr, en = (glue.join(sentence for bead in beads for sentence in bead[side]) for side in (0, 1))
    return fr, en


def found_in(fr: str, en: str) -> list[tuple[str, str]]:
    """The beads that are found, as text."""
    return [
        (fr[slice(*bead.fr)] if bead.fr else "", en[slice(*bead.en)] if bead.en else "") for bead in align(fr, en).beads
    ]


def test_captions_aligned_by_hand() -> None:
    """Sentences that were merged, split or left out in the other language are found."""
    right = drawn = given_ = 0
    for glue, beads in aligned():
        fr, en = texts(glue, beads)
        for text, side in ((fr, 0), (en, 1)):
            wanted = [sentence for bead in beads for sentence in bead[side]]
            assert [text[start:end] for start, end in sentences_of(text)] == wanted
        ours = {(glue.join(a), glue.join(b)) for a, b in beads}
        theirs = found_in(fr, en)
        right += len(ours & set(theirs))
        drawn, given_ = drawn + len(ours), given_ + len(theirs)
    assert right / drawn >= RIGHT
    assert right / given_ >= RIGHT


def test_translations_score_high_and_strangers_low() -> None:
    """Each caption against its own translation, and against that of the next caption."""
    pairs = [texts(glue, beads) for glue, beads in aligned()]
    own = [align(fr, en).score for fr, en in pairs]
    strange = [align(fr, pairs[i - 1][1]).score for i, (fr, _) in enumerate(pairs)]
    assert auroc(own, strange) >= APART
    assert min(own) > 0.4


def test_a_sentence_that_nobody_answers_is_told() -> None:
    """With the score 0, wherever it stands; the others keep their answers."""
    fr = ["La lune se lève sur le Pacifique.", "Les élèves de Lyon nous ont posé 20 questions.", "Bonne nuit !"]
    en = ["The moon is rising over the Pacific.", "Pupils from Lyon asked us 20 questions.", "Good night!"]
    for missing in range(3):
        rest = [sentence for i, sentence in enumerate(en) if i != missing]
        beads = align(" ".join(fr), " ".join(rest)).beads
        alone = [bead for bead in beads if bead.en is None]
        assert [" ".join(fr)[slice(*bead.fr or (0, 0))] for bead in alone] == [fr[missing]]
        assert alone[0].score == 0
        assert all(bead.score > 0.5 for bead in beads if bead.en)


def test_neighbours_that_changed_places_answer_together() -> None:
    """The row is kept, nothing is lost."""
    fr = "Une tempête approche de la Floride. Nous avons réparé la pompe n° 3."
    straight = align(fr, "A storm is approaching Florida. We repaired pump no. 3.")
    crossed = align(fr, "We repaired pump no. 3. A storm is approaching Florida.")
    assert [len(straight.beads), len(crossed.beads)] == [2, 1]
    assert min(straight.score, crossed.score) > 0.8


@pytest.mark.parametrize(("fr", "en"), [("", ""), ("Oui", ""), ("", "Yes")])
def test_nothing_is_answered_by_nothing(fr: str, en: str) -> None:
    """An empty caption leaves the other alone."""
    assert align(fr, en).score == 0


@given(st.text(), st.text())
def test_every_sentence_is_in_one_bead(fr: str, en: str) -> None:
    """For any two strings, in their order, and the same each time."""
    found = align(fr, en)
    assert found == align(fr, en)
    assert 0 <= found.score <= 1
    for text, spans in ((fr, [bead.fr for bead in found.beads]), (en, [bead.en for bead in found.beads])):
        kept = [span for span in spans if span is not None]
        starts = {start for start, _ in sentences_of(text)}
        ends = {end for _, end in sentences_of(text)}
        assert {start for start, _ in kept} <= starts
        assert {end for _, end in kept} <= ends
        assert "".join("".join(text[slice(*span)].split()) for span in kept) == "".join(text.split())


def test_long_captions_are_searched_along_the_diagonal() -> None:
    """With more sentences than are compared each with each, what is missing is still found."""
    fr = [f"Voici la photo {n} de la station." for n in range(400)]
    en = [f"Here is picture {n} of the station." for n in range(400) if n != 200]
    beads = align(" ".join(fr), " ".join(en)).beads
    alone = [" ".join(fr)[slice(*bead.fr or (0, 0))] for bead in beads if bead.en is None]
    assert alone == [fr[200]]
    assert len(beads) == 400


def auroc(high: list[float], low: list[float]) -> float:
    """How often one of ``high`` lies above one of ``low``."""
    return sum((h > w) + 0.5 * (h == w) for h in high for w in low) / len(high) / len(low)


@pytest.mark.parametrize(
    ("fr", "en"),
    [
        ("La fontaine de la place coule de nouveau.", "The fountain on the square is flowing again."),
        ("Prenez une petite laine, il fait frais là-haut.", "Bring a jumper, it gets chilly up there."),
    ],
)
def test_capitals_make_no_names(fr: str, en: str) -> None:
    """Captions in capitals answer each other as they do in small letters."""
    assert align(fr.upper(), en.upper()).score == pytest.approx(align(fr, en).score, abs=0.05)


#: layouts of the composed captions whose parts were put together from strangers, and one of which only some are
STRANGERS, MIXED = {"nonparallel", "unequal", "quoting_both"}, "paragraphs_uneven"


@pytest.mark.parametrize(
    ("path", "apart", "found", "claimed"),
    [
        (HERE / "tune.jsonl", 0.99, 0.9, 0.02),
        (HERE / "aside.jsonl", 0.97, 0.85, 0.02),
        (SHARED / "captions" / "composed.jsonl", 0.98, 0.85, 0.04),
    ],
    ids=["tune", "aside", "composed"],
)
def test_parts_that_are_no_translation_are_found(path: Path, apart: float, found: float, claimed: float) -> None:
    """Their score is low, most of them are called doubtful, and hardly any translation is."""
    if not path.exists():
        pytest.skip("../shared is not here: its captions cannot be scored")
    pairs: dict[bool, list[Alignment]] = {True: [], False: []}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        segments, at = [], 0
        for part in row["segments"]:
            segments.append(Segment(lang=Lang(part["lang"]), text=part["text"], start=at, end=at + len(part["text"])))
            at = segments[-1].end
        captions = captions_of(segments)
        if len(captions) == 2 and MIXED not in row["tags"]:
            strange = bool(STRANGERS & set(row["tags"]))
            pairs[strange].append(align(captions[Lang.FR].text, captions[Lang.EN].text))
    assert auroc(*([pair.score for pair in pairs[strange]] for strange in (False, True))) >= apart
    assert sum(pair.doubtful for pair in pairs[True]) / len(pairs[True]) >= found
    assert sum(pair.doubtful for pair in pairs[False]) / len(pairs[False]) <= claimed
