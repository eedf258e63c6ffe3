"""What differs between two states of a post, as a person reads it."""

from __future__ import annotations

from dataclasses import replace

from jobs.differences import WIDTH, difference
from scraper.model import CreditLine, Lang, Post, Reading, Segment, Split

BODY = "La lune se lève. Le lac est gelé. Bonne nuit !"


def state(body: str = BODY, *, confidence: float = 0.9, credit: CreditLine | None = None) -> tuple[Post, Reading]:
    segment = Segment(lang=Lang.FR, text=body, start=0, end=len(body))
    split = Split(segments=(segment,), confidence=confidence)
    return Post(source_id="log", native_id="1", body=body), Reading(split=split, credit=credit)


def test_a_long_caption_is_told_by_the_sentence_that_differs() -> None:
    """Not twice from its beginning to its end."""
    found = difference("log:1", "updated", state(), state(BODY.replace("gelé", "bleu")))
    lines = list(found.lines())
    at = lines.index("@@ caption_fr")
    assert lines[at + 1 : at + 5] == [" La lune se lève.", "-Le lac est gelé.", "+Le lac est bleu.", " Bonne nuit !"]


def test_what_differs_far_behind_is_told_all_the_same() -> None:
    """Also where a text has no sentences, and where only its line breaks differ."""
    row = "mot " * 200
    lines = list(difference("log:1", "updated", state(f"{row}fin"), state(f"{row}bout")).lines())
    assert any(line.startswith("-") and line.endswith("fin") for line in lines)
    assert any(line.startswith("+") and line.endswith("bout") for line in lines)
    assert max(map(len, lines)) <= WIDTH + 1
    lines = list(difference("log:1", "updated", state("Un. Deux."), state("Un.\nDeux.")).lines())
    assert lines[:4] == ["@@ text", "-Un. Deux.", "+Un.", "+Deux."]


def test_cuts_are_told_one_by_one() -> None:
    """Of many segments only those that differ."""
    old, new = state(), state()
    cut = len("La lune se lève.")
    parts = (
        Segment(lang=Lang.FR, text=BODY[:cut], start=0, end=cut),
        Segment(lang=Lang.NONE, text=BODY[cut:], start=cut, end=len(BODY)),
    )
    new = (new[0], replace(new[1], split=Split(segments=parts, confidence=0.9)))
    lines = list(difference("log:1", "updated", old, new).lines())
    assert lines[lines.index("@@ segments") + 1 :] == ["-fr:0-46", "+fr:0-16", "+none:16-46"]


def test_another_confidence_alone_is_slight() -> None:
    """Nothing that anybody reads differs; a credit line that is read otherwise is more than that."""
    assert difference("log:1", "updated", state(), state(confidence=0.8)).is_slight
    one = CreditLine(text="ESA/Rosetta", start=0, agency="ESA", person="Rosetta")
    read = difference("log:1", "updated", state(credit=one), state(credit=replace(one, person=None)))
    assert not read.is_slight
    assert list(read.lines()) == ["@@ credit_read", "-Rosetta, ESA", "+ESA"]
