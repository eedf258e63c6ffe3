"""``cupola stats``: charts that fit any terminal and need no colour, and the same numbers as JSON."""

import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from rich.cells import cell_len

HOSTILE = "\x1b[31m\x07\u202e[b]rouge[/b] 任务"


@pytest.fixture
def stats(cupola, held):
    """Runs ``cupola stats --archive``."""
    return lambda *arguments, **width: cupola("stats", "--archive", held.folder, *arguments, **width)


@pytest.fixture
def proxima(held):
    """A mission of half a year, without a post in February; one picture is wanted."""
    for number, (month, posts) in enumerate([(11, 3), (12, 16), (13, 8), (15, 1)]):
        for post in range(posts):
            day = date(2016 + (month - 1) // 12, (month - 1) % 12 + 1, 1 + post)
            held.add(f"{number}-{post}", fr="Un", en="One" if post else None, published=day, mission="proxima")
    held.add("x", source="thom", other="Uno", mission=HOSTILE, needs_review=True, pictures=({}, {"data": b"x" * 5000}))
    return held


def lines_of(answer, title):
    """The lines of one chart."""
    lines = answer.out.split("\n")
    begin = next(number for number, line in enumerate(lines) if line.startswith(title)) + 1
    return [line.rstrip() for line in lines[begin : lines.index("", begin)]] if "" in lines[begin:] else lines[begin:]


@pytest.mark.parametrize("columns", [40, 60, 80, 119, 120, 200])
def test_charts_fit_their_terminal(stats, proxima, columns):
    """No line is wider than the terminal, and every chart is there."""
    answer = stats(columns=columns)
    assert answer.status == 0
    assert max(map(cell_len, answer.out.splitlines())) <= columns
    for title in ("Posts by month", "Posts by caption", "Posts by source", "Posts by mission", "Pictures", "Last runs"):
        assert title in answer.out


def test_bars_are_to_scale_and_months_have_no_gap(stats, proxima):
    """The greatest bar reaches the edge, half of it is half as long, and a month without a post has its line."""
    lines = lines_of(stats(columns=80), "Posts by month")
    assert [line.split()[:2] for line in lines] == [
        ["2016-11", "3"], ["2016-12", "16"], ["2017-01", "8"], ["2017-02", "0"], ["2017-03", "1"],
    ]  # fmt: skip
    bars = [line.partition("█")[2].count("█") + 1 if "█" in line else 0 for line in lines]
    assert cell_len(lines[1]) == 80
    assert abs(bars[1] - 2 * bars[2]) <= 1
    assert bars[3] == 0
    assert bars[4] >= 1


def test_what_is_incomplete_is_told_with_what_to_do(stats, proxima):
    """Wanted pictures, posts to look at, undated ones: each with the command that helps."""
    lines = lines_of(stats(), "Incomplete")
    assert lines == [
        "1 picture wanted: the next run takes what it can, or `cupola retry`",
        "1 post to look at: `cupola query --needs-review`",
        "1 post without a date",
    ]
    assert stats().out.startswith("29 posts, 2016-11-01 to 2017-03-01\n2 pictures, 1 file held, 5.0 kB\n")


def test_no_colour_is_needed_and_nothing_is_obeyed(stats, proxima):
    """Remote words are shown, not obeyed; wide letters do not push the bars out of line."""
    answer = stats(columns=80)
    assert not {"\x1b", "\x07", "\u202e"} & set(answer.out)
    lines = lines_of(answer, "Posts by mission")
    assert "[b]rouge[/b] 任务" in answer.out
    assert len({cell_len(line[: re.search("[▏▎▍▌▋▊▉█]", line).start()]) for line in lines}) == 1


def test_the_days_of_a_mission_are_a_strip(stats, held):
    """A day a cell, or some days: as high as the share that has a post; then how many, and the longest gap."""
    for day in (1, 2, 3, 6, 10):
        held.add(str(day), fr="Un", published=date(2017, 1, day), mission="proxima")
    assert lines_of(stats(), "Days with a post") == [
        "proxima  2017-01-01 to 2017-01-10",
        "███··█···█",
        "5 of 10 days (50%); longest gap 3 days, 2017-01-07 to 2017-01-09",
    ]
    held.add("later", fr="Un", published=date(2017, 5, 19), mission="proxima")
    lines = lines_of(stats(columns=80), "Days with a post")
    assert lines[1] == "█▄▄·▄" + "·" * 64 + "█"
    assert lines[2] == "6 of 139 days (4%); longest gap 128 days, 2017-01-11 to 2017-05-18"


def test_missions_have_the_days_of_the_configuration(cupola, held, tmp_path):
    """Their days count from the configured start to the end, also without a post; --archive stands in its place."""
    held.add("1", fr="Un", published=date(2017, 1, 2), mission="proxima")
    file = tmp_path / "config.yaml"
    file.write_text(
        "archive: {folder: archive}\nmissions:\n"
        "  proxima: {name: Proxima, start: 2017-01-01, end: 2017-01-04}\n"
        "  alpha: {name: Alpha, start: 2021-04-23, end: 2021-04-24}\n"
    )
    for given in (["--config", file], ["--config", file, "--archive", held.folder]):
        answer = cupola("stats", *given)
        assert lines_of(answer, "Days with a post") == [
            "proxima  2017-01-01 to 2017-01-04",
            "·█··",
            "1 of 4 days (25%); longest gap 2 days, 2017-01-03 to 2017-01-04",
            "alpha  2021-04-23 to 2021-04-24",
            "··",
            "0 of 2 days (0%); longest gap 2 days, 2021-04-23 to 2021-04-24",
        ]
    told = json.loads(cupola("stats", "--json", "--config", file, "--mission", "alpha").out)["coverage"]
    assert told == [
        {
            "mission": "alpha",
            "first": "2021-04-23",
            "last": "2021-04-24",
            "posts": 0,
            "days": 0,
            "missing": 2,
            "longest_gap": {"first": "2021-04-23", "last": "2021-04-24", "days": 2},
            "gaps": [{"first": "2021-04-23", "last": "2021-04-24", "days": 2}],
        }
    ]
    assert "1 of 1 day (100%), no gap" in cupola("stats", "--archive", held.folder).out


@pytest.mark.parametrize("columns", [80, 120])
def test_the_size_and_growth_of_the_whole_archive_are_told(stats, proxima, columns):
    """Whatever the filters: bytes of database, pictures and answers, and what came in which month; as in JSON."""
    told = json.loads(stats("--json").out)
    assert sum(month["posts"] for month in told["growth"]) == 29
    for more in ([], ["--source", "thom"]):
        answer = stats(*more, columns=columns)
        assert "The whole archive" in answer.out
        assert "pictures 5.0 kB" in answer.out
        assert re.search(rf"{told['growth'][0]['month']} +29 +5.0 kB █", answer.out)


def test_any_filter_holds_in_the_numbers(stats, proxima):
    """What `cupola query` takes as a filter, `cupola stats` takes, too."""
    assert json.loads(stats("--json", "--lacks", "en", "--lang", "fr").out)["posts"] == 4
    assert json.loads(stats("--json", "--text", "one").out)["posts"] == 24
    assert json.loads(stats("--json", "--media", "pending", "--needs-review").out)["pictures"]["pending"] == 1
    assert stats("--text", "(one").status == 2


def test_many_years_are_a_line_each(stats, held):
    """Over two years each year has twelve months and a sum; years without a post are there, or told together."""
    for year in (1970, 2010, 2011, 2014, 2014):
        held.add(f"{year}-{len(held.folder.name)}-{os.urandom(4).hex()}", fr="Un", published=date(year, 3, 1))
    lines = lines_of(stats(columns=80), "Posts by month and year")
    assert lines[0] == "     JFMAMJJASOND"
    assert lines[1].startswith("1970 ··▄········· 1 ████")
    assert lines[2] == "···  39 years without a post"
    assert [line[:19] for line in lines[3:]] == [
        "2010 ··▄········· 1",
        "2011 ··▄········· 1",
        "2012 ············ 0",
        "2013 ············ 0",
        "2014 ··█········· 2",
    ]
    assert cell_len(lines[-1]) == 80


def test_many_missions_end_in_one_line(stats, held):
    """A dozen lines are enough; the rest is summed up, not left out."""
    for number in range(20):
        held.add(str(number), fr="Un", mission=f"m{number:02}")
    lines = lines_of(stats(), "Posts by mission")
    assert len(lines) == 12
    assert lines[-1].split()[:4] == ["9", "more", "missions", "9"]


def test_json_has_the_same_numbers(stats, proxima):
    """--json is one object; filters hold in it as in the charts."""
    record = json.loads(stats("--json").out)
    assert (record["posts"], record["undated"], record["pictures"]["pending"]) == (29, 1, 1)
    assert record["captions"] == {"both": 24, "fr": 4, "en": 0, "other": 1, "none": 0}
    only = json.loads(stats("--json", "--mission", "proxima", "--since", "2017-01-01", "--until", "2017-02-01").out)
    assert only["months"] == [{"month": "2017-01", "posts": 8}]
    assert only["posts"] == 8


def test_nothing_is_told_as_nothing(stats, held):
    """An empty archive, and a name that the archive does not know."""
    assert stats().out.startswith("No posts.\n")
    held.add("1", fr="Un")
    answer = stats("--source", "esa")
    assert answer.out.startswith("No posts.\n")
    assert answer.err == "The archive has no source 'esa'; it has esa-proxima.\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--since", "2017-01-01", "--until", "2016-01-01"], 2, "does not lie before"),
        (["--since", "soon"], 2, "is not a date"),
        (["--archive", "nowhere"], 3, "there is no archive"),
    ],
)
def test_wrong_use_is_told(stats, arguments, status, words):
    """The statuses of every reading command."""
    answer = stats(*arguments)
    assert (answer.status, answer.out) == (status, "")
    assert words in answer.err


def test_a_terminal_without_blocks_has_bars_too(proxima):
    """Where the encoding has no block letters, a bar is made of signs that it has."""
    command = [Path(sys.executable).with_name("cupola"), "stats", "--archive", proxima.folder]
    plain = {"PYTHONIOENCODING": "ascii", "PATH": os.environ["PATH"], "COLUMNS": "60"}
    plain |= {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    ended = subprocess.run(command, capture_output=True, check=True, env=plain)
    assert b"2016-12 16 ####" in ended.stdout
    assert b"?" not in ended.stdout.partition(b"Posts by mission")[0]
