"""Documents and engines: a post is found by its own words, the same by SQLite, by PostgreSQL and as we read it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.errors import QueryRefused
from storage.search.documents import GAP, Texts, document
from storage.search.engines import fts5, tsquery
from storage.search.hashtags import hashtags, spelled, tag_key
from storage.search.language import parse
from storage.search.matching import hits, matches
from storage.search.stems import stem, term
from storage.search.tree import Phrase, Query, denied
from storage.search.words import LIMIT, words

#: words that have much to do with each other, so that short texts meet
SAID = (
    "la montée Montée monter eau eaux l'eau d’eau aube AUBE aubes arc-en-ciel station Station's stations été 🚀 日本 "
    "Привет international internationale #MissionAlpha #alpha mission alpha 1,000 œuf oeufs the of ﬁn mon\u00adtée x …"
)
ASKED = (
    '( ) | - NOT OR AND lang:fr lang:en -lang:fr "la_montée" "l\'eau_d’été" «arc_en» mont* inter* internati* '
    "stations* #Alpha #mission* -aube mont* Прив* #imprimer"
)
WORDS = st.sampled_from(SAID.split(" "))
TEXTS = st.one_of(st.lists(WORDS, max_size=8).map(" ".join), st.text(st.characters(codec=None), max_size=12))
SOME = st.one_of(st.none(), TEXTS)
DOCUMENTS = st.builds(
    Texts,
    fr=SOME,
    en=SOME,
    title_fr=SOME,
    title_en=SOME,
    rest=st.lists(TEXTS, max_size=3).map(tuple),
    tags=st.lists(st.sampled_from(["#MissionAlpha", "alpha", "ISSPhoto", "à imprimer", "#", "2021"]), max_size=3).map(
        tuple
    ),
)
QUESTIONS = st.lists(st.one_of(WORDS, st.sampled_from(ASKED.split(" "))), min_size=1, max_size=7).map(
    lambda pieces: " ".join(pieces).replace("_", " ")
)


def found(texts, question):
    return matches(parse(question), document(texts))


@pytest.mark.parametrize("text", ["Montée", "MONTEE", "la montée de l'eau", "montee\u0301 l’eau", "Les eaux montées"])
@pytest.mark.parametrize("place", ["fr", "title_fr", "rest"])
def test_the_question_of_the_issue(text, place):
    """``montée des eaux`` finds the words by their stems, in whatever case, accents and place of the post."""
    texts = Texts(**{place: (text + " eau",) if place == "rest" else text + " eau"})
    assert found(texts, "montée des eaux")
    assert not found(texts, "montée des eaux -eau")
    assert found(texts, "lang:fr montée eaux") == (place != "rest")
    assert not found(texts, "lang:en montee")


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("the station's waters", "stations water"),
        ("astronauts’ gloves", "astronaut glove"),
        ("Rising cities", "rise city"),
        ("un cœur", "coeur"),
        ("un coeur", "CŒUR"),
        ("Noe\u0308l", "noël"),
        ("Noel", "Noël"),
        ("un arc en ciel", "arc-en-ciel"),
        ("un arc-en-ciel", '"arc en ciel"'),
        ("qu'aujourd'hui", "aujourd’hui"),
        ("1,000 km", "1,000"),
        ("Bravo 🚀👩🏽\u200d🚀", "🚀👩‍🚀"),
        ("東京の夜", "東京"),
        ("première", "premiers"),
        ("ils montèrent", "monter"),
        ("photographiée", "photographies"),
        ("international", "internati*"),
        ("les montagnes", "montagnes*"),
    ],
)
def test_what_finds_what(said, asked):
    """By stem, without accents, by ligature, phrase and beginning: in the caption and in the rest alike."""
    for texts in (Texts(fr=said, en=said), Texts(rest=(said,))):
        assert found(texts, asked)
        assert not found(texts, f"-({asked})")


@pytest.mark.parametrize(
    "texts", [Texts(tags=("#MissionAlpha",)), Texts(tags=("MissionAlpha",)), Texts(fr="Vue de #MissionAlpha !")]
)
def test_hashtags_are_words_and_themselves(texts):
    """A hashtag is found as it is, as one word, and by the words that its capitals show."""
    for asked in ("missionalpha", "mission alpha", '"mission alpha"', "#missionalpha", "#MISSIONALPHA", "#mission*"):
        assert found(texts, asked), asked
    for asked in ("#mission", "#alpha", '"alpha mission"'):
        assert not found(texts, asked), asked
    assert not found(Texts(fr="missionalpha, mission alpha"), "#missionalpha")


def test_hashtags_stand_where_they_are_written():
    """Hashtags end where letters do; what capitals and digits show in them is found in its place."""
    text = "x#no #Été_2021! (#ISSPhoto) ＃日本 # #Apollo11"
    assert [text[tag.start : tag.end] for tag in hashtags(text)] == ["#Été_2021", "#ISSPhoto", "＃日本", "#Apollo11"]
    assert [tag_key(tag.name) for tag in hashtags(text)] == ["ete_2021", "issphoto", "日本", "apollo11"]
    assert [word.form for word in spelled("ISSPhotoOfTheDay")] == ["iss", "photo", "of", "the", "day"]
    assert [(word.start, word.end, word.form) for word in spelled("Apollo11")] == [(0, 6, "apollo"), (6, 8, "11")]
    assert spelled("alpha") == spelled("ALPHA") == spelled("") == ()


def test_a_phrase_stays_in_its_text():
    """No phrase runs from the title into the caption, or from one picture's alternative text into the next."""
    texts = Texts(title_fr="une aube", fr="rouge sang", rest=("Terre vue", "Lune pleine"), tags=("a", "b"))
    for asked in ('"une aube"', '"terre vue"', '"rouge sang"', '"lune pleine"'):
        assert found(texts, asked)
    for asked in ('"aube rouge"', '"vue lune"', '"sang terre"', '"aube une"', '"a b"'):
        assert not found(texts, asked)


def test_captions_are_told_from_their_absence():
    """``lang:fr`` is a caption, be there a word in it or not; a title alone is none."""
    assert found(Texts(fr="…"), "lang:fr")
    assert not found(Texts(title_fr="Aube", en="Dawn"), "lang:fr")
    assert found(Texts(title_fr="Aube", en="Dawn"), "-lang:fr lang:en")
    assert found(Texts(), "-aube")


def own_words(texts):
    for text in (texts.title_fr, texts.fr, texts.title_en, texts.en, *texts.rest, *texts.tags):
        if text:
            yield [word.form for word in words(text)]


@given(DOCUMENTS, st.data())
def test_a_post_is_found_by_its_own_words(texts, data):
    """By each word, by each run of its words as a phrase, and not by what denies it."""
    spoken = [forms for forms in own_words(texts) if forms]
    if not spoken:
        return
    forms = data.draw(st.sampled_from(spoken))
    start = data.draw(st.integers(0, len(forms) - 1))
    phrase = Phrase(tuple(forms[start : data.draw(st.integers(start + 1, len(forms)))]))
    terms = document(texts)
    assert matches(Query(phrase, ""), terms)
    assert not matches(Query(denied(phrase), ""), terms)


@given(DOCUMENTS, st.data())
def test_a_beginning_finds_all_that_begins_so(texts, data):
    """``mont*`` finds a post by each beginning of each of its words."""
    spoken = [form for forms in own_words(texts) for form in forms if len(form) > 1]
    if not spoken:
        return
    form = data.draw(st.sampled_from(spoken))
    begun = form[: data.draw(st.integers(2, len(form)))]
    if begun.isalnum():  # a beginning that ends within a sign of several is typed by nobody
        assert found(texts, f"{begun}*")


@given(DOCUMENTS, st.lists(st.one_of(WORDS, st.sampled_from(['"la montée"', "mont*", "#alpha", "#mission*"]))))
def test_what_is_found_is_marked(texts, asked):
    """A post that answers has in one of its texts what is marked, as long as nothing is denied."""
    try:
        query = parse(" OR ".join(asked))
    except QueryRefused:
        return
    own = [("fr", texts.title_fr), ("fr", texts.fr), ("en", texts.title_en), ("en", texts.en)]
    own += [(None, text) for text in (*texts.rest, *(f"#{tag.lstrip('#')}" for tag in texts.tags))]
    assert matches(query, document(texts)) == any(hits(query, text, lang) for lang, text in own if text)


def answers(query, documents):
    return {at for at, one in enumerate(documents) if matches(query, one)}


TOGETHER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@TOGETHER
@given(st.lists(DOCUMENTS, min_size=1, max_size=4), st.lists(QUESTIONS, min_size=1, max_size=6))
def test_sqlite_answers_as_we_read(in_sqlite, texts, questions):
    """FTS5 takes each expression and finds exactly the posts that answer the question."""
    documents = list(map(document, texts))
    ask = in_sqlite(documents)
    for question in questions:
        try:
            query = parse(question)
        except QueryRefused:
            continue
        assert ask(query) == answers(query, documents), question


@TOGETHER
@given(st.lists(DOCUMENTS, min_size=1, max_size=4), st.lists(QUESTIONS, min_size=1, max_size=6))
def test_postgresql_answers_as_we_read(in_postgresql, texts, questions):
    """PostgreSQL takes each expression and finds exactly the posts that answer the question."""
    documents = list(map(document, texts))
    ask = in_postgresql(documents)
    for question in questions:
        try:
            query = parse(question)
        except QueryRefused:
            continue
        assert ask(query) == answers(query, documents), question


@TOGETHER
@given(st.text(st.characters(codec=None), max_size=60), st.text(st.characters(codec=None), max_size=60))
def test_nothing_typed_reaches_an_engine(in_sqlite, said, asked):
    """Whatever is written in a post or asked, the engines get terms of a-z, 0-9 and ``_``, and signs of ours."""
    ask = in_sqlite([document(Texts(fr=said, rest=(said,), tags=(said,)))])
    try:
        query = parse(asked)
    except QueryRefused:
        return
    ask(query)
    for quote, expression in (('"', fts5(query)), ("'", tsquery(query))):
        assert all(re.fullmatch(r"[a-z0-9_ ]+", quoted) for quoted in expression.split(quote)[1::2])
        assert re.fullmatch(
            r"(?:[(){}:*!&|<> -]|AND|OR|NOT|fr|en|rest_fr|rest_en|[ABCD]+)*", "".join(expression.split(quote)[::2])
        )


def deepest():
    """A question as deep as they may be, each group with as many neighbours as fit."""
    text = "aube"
    for level in range(49):
        text = f"({text} {'OR' if level % 2 else ''} mont{level} {'OR' if level % 2 else ''} -(bru{level} cap{level}))"
    return text


@pytest.mark.parametrize(
    "question",
    [
        deepest(),
        " ".join(f"montée{at}" for at in range(1_000)),
        " OR ".join(f"-mont{at}*" for at in range(700)),
        '"' + "montée " * 1_000 + '"',
        "(" * 49 + " ".join(f"m{at})" for at in range(49)),
        " ".join(f"(a{at} OR -b{at} OR (c{at} -d{at} (e{at} OR f{at})))" for at in range(150)),
    ],
    ids=["deep", "many", "denied", "phrase", "left", "groups"],
)
def test_the_largest_questions_are_answered(in_sqlite, in_postgresql, question):
    """What the language allows, both engines take: their parsers are not piled too high."""
    documents = [document(Texts(fr="aube montée mont3", en="m1 a1 c1 e1")), document(Texts(rest=("a1",)))]
    query = parse(question)
    expected = answers(query, documents)
    assert in_sqlite(documents)(query) == expected
    assert in_postgresql(documents)(query) == expected


WIDE = " ".join("Ж" * 60 + chr(0x400 + at % 200) * 3 + str(at) for at in range(9_000))


@pytest.mark.parametrize(
    "text",
    ["aube " * 10_000, " ".join(f"mot{at}" for at in range(10_000)), "Ж" * 300_000, WIDE],
    ids=["one", "many", "endless", "wide"],
)
def test_a_huge_post_is_held_by_both(in_sqlite, in_postgresql, text):
    """A post beyond every bound is taken by both, found by its beginning, and by the marker that all posts have."""
    full = document(Texts(fr=text, en=text, rest=(text, text), tags=(text[:300],)))
    assert all(len(column) <= LIMIT for column in full.columns)
    first = next(words(text)).form
    for hold in (in_sqlite, in_postgresql):
        ask = hold([full, document(Texts())])
        assert ask(Query(Phrase((first,)), "")) == {0}
        assert ask(parse("lang:fr")) == {0}
        assert ask(parse("-nulle")) == {0, 1}


def test_terms_are_distinct():
    """No two forms have the same term, and none is a marker of ours."""
    assert term("été") != term("ete")
    assert term("жa") != term("ж") + "b"
    assert all(re.fullmatch("[a-z0-9_]+", term(form)) for form in ("ж", "日", "🚀", "abc1"))
    assert not any(term(chr(code)).startswith(("__", "_h", GAP + " ")) for code in range(0x80, 0x3000))


@given(st.text(st.characters(codec=None, exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_any_form_has_a_stem(form):
    """Stems are made of whatever there is, are never empty, and folded."""
    for word in words(form):
        assert stem(word.form, "fr")
        assert stem(word.form, "en")


def test_stems_are_those_that_archives_hold():
    """Another version of the stemmer may make others; then the index of every archive is to be made anew."""
    french = (
        "montee montees monter monterent premiere premiers different photographier photographies idees eaux etoiles"
    )
    english = "rising rises stations international cities photographed happily news"
    assert " ".join(stem(form, "fr") for form in french.split()) == (
        "mont mont mont mont premi premi different photograph photograph ide eau etoil"
    )
    assert " ".join(stem(form, "en") for form in english.split()) == (
        "rise rise station internat citi photograph happili news"
    )


def rows(heading):
    """The rows of the table below a heading of the page, as cells."""
    page = (Path(__file__).parents[3] / "docs/search.md").read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in page.splitlines() if line.startswith("| ")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_page_tells_what_is_so():
    """docs/search.md: each example is read, and what stands in a post is found by what the page says."""
    examples = [example for row in rows("The language") for example in re.findall("`([^`]+)`", row[0])]
    assert len(examples) > 15
    for example in examples:
        parse(example.replace("…", "mot").replace("\\|", "|"))
    held = rows("What is the same word")
    assert len(held) > 4
    for said, asked, _ in held:
        for question in re.findall("`([^`]+)`", asked):
            assert found(Texts(fr=said, en=said), question), question
