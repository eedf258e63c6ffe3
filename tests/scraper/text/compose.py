"""Composes labelled captions from our own sentences: ``python compose.py`` writes tune.jsonl and aside.jsonl anew.

The two halves share no sentence and no subject; the same seed gives the same bytes. What a layout looks like
is data (``sentences/layouts.jsonl``, explained in ``sentences/README.md``), and so is what stands around the parts
(``sentences/dressing.json``). The labels follow from how a caption is made and are never guessed.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SENTENCES = HERE / "sentences"
SEEDS = {"tune": 20310214, "aside": 20320921}
CAPTIONS = 800
BOTH = ("fr", "en")
TEXT = (*BOTH, "other")
THIRD = {"de": "🇩🇪", "it": "🇮🇹", "es": "🇪🇸", "pt": "🇵🇹", "nl": "🇳🇱", "ru": "🇷🇺", "ja": "🇯🇵", "ar": "🇸🇦"}
THANKS = {"fr": "Merci à {} : ", "en": "Thanks to {}: "}
WITH = {"fr": " avec {} !", "en": " with {}!"}
ARTICLES = {"le", "la", "les", "un", "une", "des", "du", "on", "nous", "il", "ce", "the", "a", "an", "we", "this", "it"}
TAIL = {"emoji": 0.12, "mention": 0.1, "tags": 0.28, "link": 0.13, "credit": 0.14, "id": 0.07, "date": 0.06}
SLOT = re.compile(r"(?P<kind>[TLIibnq]?)(?P<lang>fr|en|1|2)(?P<index>[abc]?)")

Piece = tuple[str, str]
Row = dict[str, Any]


class UnfitError(Exception):
    """This draw does not suit the layout: a title where a full stop must end the part, say. Draw again."""


def read(name: str) -> list[Row]:
    """The rows of one file of the sentences' folder."""
    return [json.loads(line) for line in (SENTENCES / name).read_text(encoding="utf-8").splitlines()]


def plain_letters(text: str) -> str:
    """The text without its accents, as hurried people type it."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return bare.replace("œ", "oe").replace("Œ", "OE")


def spaced(text: str, space: str) -> str:
    """The text with this space before ``! ? : ;`` and inside guillemets, where it had an ordinary one."""
    return re.sub(r" (?=[!?:;»])|(?<=«) ", space, text)


# how a text may be typed: a weight, and what it does to the text; the label is the same in each
VARIANTS: dict[str, tuple[int, Callable[[str], str]]] = {
    "as_is": (36, lambda text: text),
    "curly": (20, lambda text: text.replace("'", "’")),
    "straight": (8, lambda text: re.sub(r"[“”]|« | »", '"', text)),
    "nbsp": (7, lambda text: spaced(text, "\u00a0")),
    "nnbsp": (6, lambda text: spaced(text, "\u202f").replace("'", "’")),
    "tight": (5, lambda text: re.sub(r" (?=[!?:;])", "", text)),
    "noaccent": (6, plain_letters),
    "upper": (4, str.upper),
    "lower": (4, str.lower),
    "nfd": (4, lambda text: unicodedata.normalize("NFD", text)),
}


class Draw:
    """One caption's choices: its group, its pairs, its two languages. A slot of a template asks for its words here."""

    def __init__(self, layout: Row, rng: random.Random, rows: list[Row], words: Row, used: Counter[str]) -> None:
        self.layout, self.rng, self.rows, self.words, self.used = layout, rng, rows, words, used
        self.group = rng.choice(sorted({row["group"] for row in rows}))
        self.length = rng.choice(layout.get("lengths", ["short", "one", "many"]))
        self.langs = rng.choice([BOTH, BOTH[::-1]])
        self.codes = rng.sample(sorted(THIRD), 2)
        self.marks = {name: rng.choice(words[name]) for name in ("marks", "odd_marks")}
        self.who, self.emoji = rng.choice(words["mention"]), rng.choice(words["emoji"])
        self.joint = rng.choice([" ", " ", " ", "\n"] if layout["templates"][0].startswith("{1}\n\n") else [" "])
        self.sentences = rng.choice([2, 2, 3])
        self.loose = rng.random() < 0.6
        self.pairs: dict[str, Row] = {}
        if layout.get("third"):
            self.length = "short"
            self.pairs["main"] = self.rarest([row for row in rows if "de" in row])
            self.group = self.pairs["main"]["group"]

    def pieces(self) -> Iterator[Piece]:
        """The pieces of one of the layout's templates, in order; ``literal`` is the template's own text."""
        for literal, name, _, _ in string.Formatter().parse(self.rng.choice(self.layout["templates"])):
            if literal:
                yield "literal", literal
            if name in ("x", "y"):
                yield "other", self.pair("main")[self.codes["xy".index(name)]]
            elif name == "shared":
                yield self.langs[0], self.pair("shared", "shared")["fr"]
            elif name and (found := SLOT.fullmatch(name)):
                lang = found["lang"] if found["lang"] in BOTH else self.langs[int(found["lang"]) - 1]
                yield lang, self.text(found["kind"], lang, found["index"])
            elif name:
                yield self.around(name)

    def pair(self, key: str, *kinds: str, foreign: bool = False) -> Row:
        """The pair of this key, drawn once, of these kinds, and never one that another key has."""
        if key not in self.pairs:
            held = [row["id"] for row in self.pairs.values()]
            fit = [row for row in self.rows if row["kind"] in kinds and row["id"] not in held]
            self.pairs[key] = self.rarest([row for row in fit if (row["group"] != self.group) is foreign])
        return self.pairs[key]

    def rarest(self, rows: list[Row]) -> Row:
        """One of those rows that were used least."""
        least = min(self.used[row["id"]] for row in rows)
        chosen: Row = self.rng.choice([row for row in rows if self.used[row["id"]] == least])
        self.used[chosen["id"]] += 1
        return chosen

    def text(self, kind: str, lang: str, index: str) -> str:
        """Running text of this kind in this language, ended as the layout wants it."""
        if kind == "q":
            return str(self.rarest([row for row in self.rows if row["kind"] == "quoting" and lang in row])[lang])
        if kind in ("L", "I", "i"):
            return self.listed(kind, lang, index)
        if kind == "T":
            return str(self.pair("title", "title")[lang])
        if kind == "b":
            return self.ended(self.pair("loan", "loan")[lang], lang)
        if kind == "n":
            return self.ended(self.pair("foreign", "sentence", foreign=True)[lang], lang)
        kinds = ["title"] if self.length == "short" else ["sentence", "loan"]
        return self.ended(self.pair(index, *kinds)[lang] if index else self.main(lang), lang)

    def main(self, lang: str) -> str:
        """The main text: a word or title, a sentence, or two or three of them."""
        if self.length == "short":
            return str(self.pair("main", "word", "title")[lang])
        keys = ["main", "second", "third"][: self.sentences if self.length == "many" else 1]
        return self.joint.join(self.pair(key, "sentence", "loan")[lang] for key in keys)

    def listed(self, kind: str, lang: str, index: str) -> str:
        """A list in a line, as lines with bullets, or one of its items that is not the same word in both languages."""
        row = self.pair("list", "list")
        items = str(row[lang]).split(", ")
        if kind == "L":
            return ", ".join(items)
        if kind == "I":
            return "\n• ".join(items)
        twins = zip(items, row["fr"].split(", "), row["en"].split(", "), strict=True)
        differing = [item for item, fr, en in twins if fr.casefold() != en.casefold()]
        if len(differing) < 3:
            raise UnfitError
        return differing["abc".index(index)]

    def ended(self, text: str, lang: str) -> str:
        """The text with the end, the first letter, the hashtags and the mentions that the layout asks for."""
        ends = self.layout.get("ends")
        if ends == "bare":
            text = re.sub(r"[\s.!?…]+$", "", text)
            if not (text[-1].isalnum() or text[-1] in "%)"):
                raise UnfitError
        elif ends == "stop" and not re.search(r"[.!?…][”»]?$", text):
            raise UnfitError
        elif ends == "loose" and self.loose:
            text = text.removesuffix(".")
        if self.layout.get("low") and lang == self.langs[1] and text.split()[0].casefold() in ARTICLES:
            text = text[0].lower() + text[1:]
        if self.layout.get("inside") == "hash":
            text = self.hashed(text)
        if self.layout.get("inside") == "emoji":
            words = text.split(" ")
            middle = next((i for i in range(len(words) // 2, len(words) - 1) if words[i][-1].isalpha()), None)
            if middle is None or not words[middle + 1][0].isalpha():
                raise UnfitError
            text = " ".join([*words[: middle + 1], self.emoji, *words[middle + 1 :]])
        if self.layout.get("inside") == "mention":
            bare = text.removesuffix(".")
            at_end = self.loose and bare[-1].isalpha()
            text = bare + WITH[lang].format(self.who) if at_end else THANKS[lang].format(self.who) + text
        return text

    def hashed(self, text: str) -> str:
        """The text with a word or two turned into hashtags, well inside it."""
        words = text.split(" ")
        inner = [i for i in range(1, len(words) - 2) if words[i].isalpha() and len(words[i]) > 3]
        if not inner:
            raise UnfitError
        for i in self.rng.sample(inner, min(len(inner), self.rng.choice([1, 2]))):
            if "#" not in words[i - 1] + words[i + 1]:
                words[i] = "#" + words[i]
        return " ".join(words)

    def tags(self, *langs: str) -> str:
        """A block of hashtags of the group in this language, or of both languages and the general ones."""
        row = next(row for row in self.rows if row["kind"] == "hashtags" and row["group"] == self.group)
        pool = {word for lang in langs or BOTH for word in row[lang].split()}
        pool |= set() if langs else set(self.words["hashtags"])
        return " ".join("#" + word for word in self.rng.sample(sorted(pool), self.rng.randint(1, min(5, len(pool)))))

    def around(self, name: str) -> Piece:
        """A slot that is no part's text: a marker, a flag, a credit line, a link; a 1 or 2 ending it says whose."""
        rng, words = self.rng, self.words
        base, own = name.rstrip("12"), name[-1] in "12"
        lang = self.langs[int(name[-1]) - 1] if own else self.langs[1]
        if base == "more":
            return lang, rng.choice(words["more"][lang])
        if base == "emoji":
            return "literal", rng.choice(words["emoji"])
        if base in ("M", "V"):
            return "none", self.marks["marks" if base == "M" else "odd_marks"][BOTH.index(lang)]
        if base in ("X", "fx", "fy"):
            code = self.codes[base == "fy"]
            return "none", code.upper() if base == "X" else THIRD[code]
        if base == "tags":
            return "none", self.tags(*([lang] if own else []))
        if base == "day":
            return "none", f"{rng.randint(1, 28):02}/{rng.randint(1, 12):02}/{rng.randint(2030, 2033)}"
        if base == "credit":
            return "none", rng.choice(words["credit"][lang if own else "en"])
        return "none", rng.choice(words[base][lang] if isinstance(words[base], dict) else words[base])

    def dressed(self, pieces: list[Piece]) -> tuple[list[Piece], list[str]]:
        """The pieces with what stands before and after them in real posts, and a tag for each of these."""
        tags: list[str] = []
        if self.rng.random() < 0.07:
            pieces, tags = [("none", self.around(self.rng.choice(["tags", "emoji"]))[1] + " "), *pieces], ["lead"]
        for name, share in TAIL.items():
            if self.rng.random() < share:
                joint = self.rng.choice(
                    ["\n", "\n\n"] if name in ("credit", "id", "date") else [" ", " ", "\n", "\n\n"]
                )
                whose = self.rng.choice("12") if name == "credit" else ""
                pieces, tags = [*pieces, ("none", joint + self.around(name + whose)[1])], [*tags, f"{name}_end"]
        return pieces, tags


def merged(pieces: list[Piece]) -> list[Piece]:
    """Neighbours of one label as one segment; space, emoji and bullets between two texts of one language are theirs.

    A separator («/», «|», «***») between them is of no part, as between two languages.
    """
    runs = [(label, "".join(t for _, t in run)) for label, run in itertools.groupby(pieces, key=lambda piece: piece[0])]
    for i, (label, text) in enumerate(runs):
        if label == "literal":
            before, after = (runs[k][0] if 0 <= k < len(runs) else "" for k in (i - 1, i + 1))
            parting = text.strip() and not any(c >= "\u2600" or c == "•" for c in text)
            runs[i] = (before if before == after and before in BOTH and not parting else "none", text)
    return [(label, "".join(t for _, t in run)) for label, run in itertools.groupby(runs, key=lambda piece: piece[0])]


def caption(layout: Row, rng: random.Random, rows: list[Row], words: Row, used: Counter[str]) -> Row:
    """One caption of this layout, without its id.

    Raises:
        UnfitError: what was drawn does not suit the layout.
    """
    draw = Draw(layout, rng, rows, words, used)
    pieces, around = list(draw.pieces()), list[str]()
    if layout.get("dress", True):
        pieces, around = draw.dressed(pieces)
    variant = rng.choices(list(VARIANTS), [weight for weight, _ in VARIANTS.values()])[0]
    typed = VARIANTS[variant][1]
    segments: list[Row] = []
    for label, text in merged(pieces):
        keep = label not in TEXT or (label == "other" and variant == "noaccent")
        segments.append({"lang": label, "text": text if keep else typed(text)})
    has = list(dict.fromkeys(s["lang"] for s in segments if s["lang"] in TEXT))
    if layout["kind"] == "third_only" and sum(len(s["text"].encode()) for s in segments) < 24:
        raise UnfitError  # one word alone may be of many languages
    tags = [layout["kind"], *around]
    tags += [draw.length] if "main" in draw.pairs and not layout.get("third") else []
    tags += [f"v_{variant}"] if has else []
    tags += ["unseen"] if "only" in layout else []
    tags += ["single"] if len(has) == 1 and has != ["other"] else []
    tags += [f"order_{lang}" for lang in has if lang in BOTH][:1] if {*BOTH} <= {*has} else []
    return {"raw": "".join(s["text"] for s in segments), "segments": segments, "tags": tags, "origin": "synthetic"}


def compose(half: str) -> str:
    """The composed file of one half (``tune`` or ``aside``) as JSON Lines: its layouts in turn, no caption twice."""
    rng, rows = random.Random(SEEDS[half]), read(f"{half}.jsonl")
    dressing = json.loads((SENTENCES / "dressing.json").read_text(encoding="utf-8"))
    words = dressing["both"] | dressing[half]
    layouts = [layout for layout in read("layouts.jsonl") if layout.get("only", half) == half]
    lines, seen, used = list[str](), set[str](), Counter[str]()
    while len(lines) < CAPTIONS:
        try:
            made = caption(layouts[len(lines) % len(layouts)], rng, rows, words, used)
        except UnfitError:
            continue
        if made["raw"] not in seen:
            seen.add(made["raw"])
            line = json.dumps({"id": f"{half}-{len(lines) + 1:04}", **made}, ensure_ascii=False)
            lines.append(line.replace("\u2028", "\\u2028") + "\n")  # which str.splitlines takes for a line's end
    return "".join(lines)


if __name__ == "__main__":
    for half in SEEDS:
        (HERE / f"{half}.jsonl").write_bytes(compose(half).encode())
