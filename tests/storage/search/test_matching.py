"""Marks in texts, and which post answers best."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.search.documents import Texts, document
from storage.search.language import parse
from storage.search.matching import hits
from storage.search.ranking import scores, standing


def marked(question, text, lang=None):
    """``text`` with brackets round what is marked."""
    shown, at = "", 0
    for start, end in hits(parse(question), text, lang):
        shown += f"{text[at:start]}[{text[start:end]}]"
        at = end
    return shown + text[at:]


@pytest.mark.parametrize(
    ("question", "lang", "expected"),
    [
        ("montée des eaux", "fr", "La [Montée] de l’[eau], les [eaux]"),
        ('"la montée"', "fr", "[La Montée] de l'eau, la montagne"),
        ("mont* -eau", "fr", "[Montée], [montagne] et l'eau"),
        ("NOT (eau -montée)", "fr", "[montée] de l'eau"),
        ("eau OR aube", "fr", "[Aube] sur l'[eau]"),
        ("lang:fr eau", "fr", "l'[eau]"),
        ("lang:fr eau", "en", "eau"),
        ("lang:fr eau", None, "eau"),
        ("stations", "en", "The [Station]'s arm, two [stations]"),
        ("étés", "fr", "L'[e\u0301te\u0301] et l’[ÉTÉ]"),
        ("monter rising", None, "[Montée]; [rise]; [rising]"),
        ("#missionalpha", None, "[#MissionAlpha], MissionAlpha"),
        ("#mission*", None, "[#MissionAlpha] #Proxima"),
        ("alpha", None, "#Mission[Alpha], [Alpha]"),
        ('"mission alpha"', None, "#[MissionAlpha] et [Mission Alpha]"),
        ("aube aub*", "fr", "[aubes]"),
        ('"aube brume" "brume cap"', "fr", "[aube brume cap]"),
        ("🚀 lang:en", None, "🚀"),
        ("🚀", "fr", "a[🚀]b"),
        ("lang:fr", "fr", "aube"),
        ("-aube", "fr", "aube"),
    ],
)
def test_what_is_marked(question, lang, expected):
    """What was looked for is marked in the rules of the text's language; what was denied is not."""
    assert marked(question, expected.replace("[", "").replace("]", ""), lang) == expected


@given(st.text(st.characters(codec=None), max_size=60), st.sampled_from(["fr", "en", None]))
def test_marks_never_overlap(text, lang):
    """In any text marks stand in order, inside of it, and none over another."""
    end = 0
    for start, stop in hits(parse('a* | "b c" | #d* | 1'.replace("a*", "ab*")), text, lang):
        assert end <= start < stop <= len(text)
        end = stop


def scored(question, posts):
    return scores(parse(question), [standing(document(post)) for post in posts])


def best(question, *posts):
    """The places of the posts, the best first."""
    found = scored(question, posts)
    assert scored(question, posts[::-1]) == found[::-1]
    return sorted(range(len(posts)), key=found.__getitem__, reverse=True)


def test_captions_and_titles_are_above_the_rest():
    """A word in a title answers better than in a caption, and there better than in a credit; often better than once."""
    title, caption = Texts(title_fr="Une aube", fr="Vue"), Texts(title_fr="Vue", fr="Une aube")
    rest, none = Texts(fr="Vue", rest=("Une aube",)), Texts(fr="Vue une fois")
    often = Texts(title_fr="Vue", fr="aube aube aube")
    assert best("aube OR vue", none, rest, caption, title)[:3] == [3, 2, 1]
    assert best("aube", caption, often) == [1, 0]


def test_a_rare_word_weighs_more():
    """Of two words, the one that fewer of the candidates have decides."""
    common = [Texts(fr="aube")] * 5
    assert best("aube OR brume", *common, Texts(fr="brume"), *common)[0] == 5


def test_a_short_post_answers_better():
    """The same word among fewer others answers better."""
    assert best("aube", Texts(fr="aube " + "mot " * 50), Texts(fr="aube")) == [1, 0]


def test_equal_answers_are_equal():
    """Posts that answer alike have one score, so what else orders them decides."""
    assert len(set(scored("aube OR #a", [Texts(fr="une aube", tags=("a",))] * 7))) == 1


@pytest.mark.parametrize("question", ["aube", "-aube", "lang:fr", "#alpha", '"une aube"', "au* -brume", "aube | #al*"])
def test_any_question_ranks_any_posts(question):
    """Scores are there for every post, also where nothing is to be weighed."""
    posts = [Texts(), Texts(fr=""), Texts(fr="une aube", tags=("Alpha",)), Texts(rest=("…",))]
    found = scored(question, posts)
    assert len(found) == 4
    assert all(score >= 0 for score in found)
    assert scored(question, []) == []
    assert found[0] == found[1] == found[3] == 0
