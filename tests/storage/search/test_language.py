"""The query language: what each construct means, and that whatever is typed is read or refused with a caret."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import QueryRefused
from storage.search.language import parse
from storage.search.tree import Captioned, Either, Every, Not, Phrase, Prefix, Tagged

SPECIAL = (
    '( ) | || - -- NOT OR AND lang:fr lang:en LANG:FR lang: lang:xx " « » “ ” mont* eaux #Alpha #a* la the '
    "l'eau arc-en-ciel 🚀 \x00 \ud800 & ! :* <-> ' \\ * ' {fr} : ^ NEAR(a,2) + ~ %"
)

#: questions as hypothesis makes them: pieces of the language, and whatever else
QUESTIONS = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.one_of(
            st.sampled_from(SPECIAL.split(" ")),
            st.text(st.characters(codec=None), min_size=1, max_size=4),
        ),
        max_size=14,
    ).map(" ".join),
)


def word(form, lang=None):
    return Phrase((form,), lang)


A, B, C = word("aube"), word("brume"), word("cap")


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("aube brume", Every((A, B))),
        ("aube AND brume", Every((A, B))),
        ("aube OR brume cap", Either((A, Every((B, C))))),
        ("aube|brume || cap", Either((A, B, C))),
        ("aube (brume OR cap)", Every((A, Either((B, C))))),
        ("((aube)) () (…)", A),
        ("aube NOT brume", Every((A, Not(B)))),
        ("aube -brume", Every((A, Not(B)))),
        ("-aube", Not(A)),
        ("NOT NOT aube", A),
        ("-(aube OR -brume)", Every((Not(A), B))),
        ("aube - brume -- cap", Every((A, B, C))),
        ("aube aube AUBE", A),
        ('"la montée des eaux"', Phrase(("la", "montee", "des", "eaux"))),
        ("« la montée »", Phrase(("la", "montee"))),
        ("“la montée”", Phrase(("la", "montee"))),
        ("„la montée“", Phrase(("la", "montee"))),
        ("»la montée«", Phrase(("la", "montee"))),
        ('aube"brume cap"', Every((A, Phrase(("brume", "cap"))))),
        ('aube "" "…"', A),
        ("arc-en-ciel", Phrase(("arc", "en", "ciel"))),
        ("1,000", Phrase(("1", "000"))),
        ("l'aube d’aube", A),
        ("montée des eaux", Every((word("montee"), word("eaux")))),
        ("to be", word("be")),
        ("the of", Every((word("the"), word("of")))),
        ("the -aube", Every((word("the"), Not(A)))),
        ("aube -the", Every((A, Not(word("the"))))),
        ('aube "the"', Every((A, word("the")))),
        ("aube and brume or cap not", Every((A, B, C, word("not")))),
        ("mont*", Prefix("mont")),
        ("l'astro*", Prefix("astro")),
        ("Gœ* ", Prefix("goe")),
        ("日*", Prefix("日")),
        ("mont*, aube", Every((Prefix("mont"), A))),
        ("arc-en-ci*", Every((Phrase(("arc", "en")), Prefix("ci")))),
        ("aube ** * brume", Every((A, B))),
        ("#MissionAlpha", Tagged("missionalpha")),
        ("#Été_2021", Tagged("ete_2021")),
        ("#mission*", Tagged("mission", begun=True)),
        ("-#alpha", Not(Tagged("alpha"))),
        ("aube #", A),
        ("lang:fr", Captioned("fr")),
        ("Lang:EN", Captioned("en")),
        ("lang:fr lang:fr aube", word("aube", "fr")),
        ("lang:fr aube -brume", Every((word("aube", "fr"), Not(word("brume", "fr"))))),
        ("lang:fr -brume", Every((Not(word("brume", "fr")), Captioned("fr")))),
        ("lang:fr #alpha", Every((Tagged("alpha"), Captioned("fr")))),
        ("lang:fr (aube OR mont*)", Either((word("aube", "fr"), Prefix("mont", "fr")))),
        ("lang:fr (aube OR #b)", Every((Either((word("aube", "fr"), Tagged("b"))), Captioned("fr")))),
        ("lang:fr aube OR brume", Either((word("aube", "fr"), B))),
        ("lang:fr aube (lang:en brume)", Every((word("aube", "fr"), word("brume", "en")))),
        ("(lang:fr) (lang:en)", Every((Captioned("fr"), Captioned("en")))),
        ("aube -lang:en", Every((A, Not(Captioned("en"))))),
        ("'; DROP TABLE posts; --", Every((word("drop"), word("table"), word("posts")))),
        ("aube & brume ! cap", Every((A, B, C))),
        ("fr:aube {cap} ^brume", Every((Phrase(("fr", "aube")), C, B))),
        ("aube\x00brume", Phrase(("aube", "brume"))),
        ("🚀", word("🚀")),
        ("\ud800 aube", A),
    ],
)
def test_what_a_question_means(text, root):
    """Each construct of the language, and what has no meaning to it, which is left out."""
    assert parse(text).root == root
    assert parse(text).text == text


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        ("", None, "no word"),
        ("  … !", None, "no word"),
        ("()", None, "no word"),
        ("OR aube", 0, "before it is none"),
        ("aube OR", 5, "behind it is none"),
        ("aube OR …", 5, "behind it is none"),
        ("aube OR OR brume", 5, "behind it is none"),
        ("| aube", 0, "before it is none"),
        ("AND aube", 0, "before it is none"),
        ("aube AND", 5, "behind it is none"),
        ("aube AND AND brume", 9, "before it is none"),
        ("aube AND OR brume", 5, "behind it is none"),
        ("NOT", 0, "behind this one is nothing"),
        ("aube NOT", 5, "behind this one is nothing"),
        ("NOT OR aube", 0, "behind this one is nothing"),
        ("aube -()", 5, "behind this one is nothing"),
        ("(aube", 0, "not closed"),
        ("((aube) brume", 0, "not closed"),
        ("aube)", 4, "closes nothing"),
        ("aube :-)", 7, "closes nothing"),
        ('aube "brume', 5, "no end"),
        ("« aube", 0, "no end"),
        ('5"', 1, "no end"),
        ("lang:xx aube", 5, "lang:fr or lang:en"),
        ("aube lang:", 10, "lang:fr or lang:en"),
        ("lang:fr* aube", 5, "lang:fr or lang:en"),
        ("lang:fr lang:en", 8, "one language"),
        ("a*", 0, "at least 2 letters"),
        ("aube mo*t", 7, "ends a word"),
        ("*tion", 0, "ends a word"),
        ("aube " * 1_000 + "brume", 5_000, "at most 1,000 words"),
        ("m " * 10_000, None, "at most 10,000 letters, and this one has 20,000"),
        ("(" * 51 + "aube" + ")" * 51, 50, "50 deep"),
        ("(" * 9_000, 50, "50 deep"),
        ("aube\nbrume OR\n", 11, "behind it is none"),
    ],
)
def test_what_is_wrong_is_pointed_at(text, at, why):
    """A fault is told in words, with a caret below it where it has a place."""
    with pytest.raises(QueryRefused, match=why) as refused:
        parse(text)
    assert refused.value.at == at
    assert refused.value.text == text
    lines = str(refused.value).splitlines()
    assert len(lines) == (1 if at is None else 3)
    if at is not None and at < len(text):
        assert lines[1][lines[2].index("^")] == text[at]


def test_deep_and_long_questions_are_read():
    """What stays below the bounds is no error, however odd."""
    parse("(" * 50 + "aube" + ")" * 50)
    parse("NOT " * 2_000 + "aube")
    parse(" ".join(f"mot{at}" for at in range(1_000)))
    parse('"' + "mot " * 1_000 + '"')


@given(QUESTIONS)
def test_any_text_is_read_or_refused(text):
    """Nothing that is typed is anything but a question or a refusal that a person can read."""
    with suppress(QueryRefused):
        assert parse(text).text == text
