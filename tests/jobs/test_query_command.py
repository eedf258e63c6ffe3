"""``cupola query``: what was asked for on stdout, all else on stderr, in five forms."""

import csv
import ctypes
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from rich.cells import cell_len

from jobs.logs import printable
from storage.engine import open_database

HOSTILE = "\x1b]0;pwned\x07rouge\x1b[31m \u202erenversé [bold]pas de balise[/bold] :smile:"
SPREADSHEET = ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1")


@pytest.fixture
def four(held):
    """An archive with four posts: a bilingual one, a short one, a hostile one without a date, a Spanish one."""
    held.add(
        "Proxima_image_1",
        fr="« Passé à la verticale de Paris cette nuit, un œil sur l’été. »",
        en='"Flying over Paris tonight."',
        published=date(2016, 12, 3),
        credit_line="Thomas Pesquet, Proxima mission image 03/12/2016",
        mission="proxima",
        hashtags=("Proxima", "Paris"),
        title="Paris",
        pictures=({"data": b"x" * 2000, "alt": "Paris"}, {"state": "failed", "reason": "HTTP 500"}),
    )
    held.add("113", source="thom", fr="Court.", en="Short.", published=datetime(2017, 1, 2, 3, 4, 5, tzinfo=UTC))
    held.add("hostile\x1b[31m", fr=HOSTILE)
    held.add("es", other="La Tierra", published=date(2016, 12, 1), needs_review=True)
    return held


KEYS = ["thom:113", "esa-proxima:Proxima_image_1", "esa-proxima:es", "esa-proxima:hostile\x1b[31m"]


@pytest.fixture
def query(cupola, four):
    """Runs ``cupola query --archive`` on the four posts."""
    return lambda *arguments, **width: cupola("query", "--archive", four.folder, *arguments, **width)


def keys(answer):
    assert answer.status == 0
    return answer.out.split("\n")[:-1]


# the forms


def test_ids_are_keys_one_a_line(query):
    """--format ids gives each key raw, newest first, undated last."""
    assert keys(query("--format", "ids")) == KEYS


def test_jsonl_is_one_object_a_line_in_its_own_letters(query):
    """Each line is a whole record; letters are not escaped, control characters are."""
    answer = query("--format", "jsonl")
    records = [json.loads(line) for line in answer.out.splitlines()]
    assert [record["key"] for record in records] == KEYS
    assert records[1]["captions"] == {
        "fr": "« Passé à la verticale de Paris cette nuit, un œil sur l’été. »",
        "en": '"Flying over Paris tonight."',
    }
    assert records[1]["media"][0]["alt"] == "Paris"
    assert records[3]["text"] == HOSTILE
    assert "œil sur l’été" in answer.out
    assert "\x1b" not in answer.out
    assert answer.err == ""


def test_json_is_one_array(query):
    """--format json is the same records in one array, also when there are none."""
    lines = query("--format", "jsonl").out.splitlines()
    assert json.loads(query("--format", "json").out) == [json.loads(line) for line in lines]
    assert json.loads(query("--format", "json", "--text", "nowhere").out) == []


def test_csv_is_rfc_4180_with_the_columns_of_the_view(query):
    """CSV begins with the names of archive_posts; quotes are doubled and lines end in CRLF."""
    answer = query("--format", "csv")
    rows = list(csv.DictReader(io.StringIO(answer.out, newline="")))
    assert [row["key"] for row in rows] == KEYS
    names = "key source native_id mission url author title published_at published_precision published_origin"
    assert answer.out.startswith(names.replace(" ", ",") + ",edited_at,caption_fr,caption_en,text,")
    assert answer.out.count("\r\n") == 5
    assert rows[1]["caption_en"] == '"Flying over Paris tonight."'
    assert rows[1]["published_at"] == "2016-12-03"
    assert json.loads(rows[1]["hashtags"]) == ["Proxima", "Paris"]
    assert rows[1]["needs_review"] == "false"
    assert rows[1]["edited_at"] == ""
    assert rows[2]["needs_review"] == "true"


@pytest.mark.parametrize("text", SPREADSHEET)
def test_a_csv_cell_is_no_formula(held, cupola, text):
    """What a spreadsheet would run gets an apostrophe in front; nothing else is changed."""
    held.add("1", fr=text, title=f"a{text}")
    answer = cupola("query", "--archive", held.folder, "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(answer.out, newline=""))
    assert row["text"] == f"'{text}"
    assert row["title"] == f"a{text}"


@pytest.mark.parametrize("columns", [40, 80, 120, 200])
def test_a_table_fits_its_terminal(query, columns):
    """No line is wider than the terminal, and each post is there with date, key, captions and pictures."""
    answer = query(columns=columns)
    assert max(map(cell_len, answer.out.splitlines())) <= columns
    if columns >= 80:
        assert "2016-12-03" in answer.out
        assert "undated" in answer.out
        assert "1/2" in answer.out
        assert "thom:113" in answer.out
        assert "Passé" in answer.out
        assert "Flying" in answer.out
        assert "La Tierra" in answer.out


def test_an_id_of_eighteen_digits_stands_in_one_piece_in_eighty_columns(held, cupola):
    """A Mastodon id can be copied from the table; the source stands on the line before."""
    held.add("114641492508672000", source="aurore-mastodon", fr="Atterrie.", en="Landed.")
    lines = cupola("query", "--archive", held.folder, columns=80).out.splitlines()
    assert [line[12:30].rstrip() for line in lines[2:4]] == ["aurore-mastodon:", "114641492508672000"]


def test_a_wide_table_tells_the_time_and_more_of_the_caption(query):
    """From 120 columns on there is room for the time of day and for whole captions."""
    answer = query(columns=200)
    assert "2017-01-02 03:04" in answer.out
    assert "un œil sur l’été. »" in answer.out
    assert "…" not in answer.out


def test_remote_text_obeys_no_terminal(query):
    """Escapes, direction marks and markup in a caption or a key are shown, not obeyed."""
    answer = query(columns=200)
    assert "\x1b" not in answer.out
    assert "\x07" not in answer.out
    assert "\u202e" not in answer.out
    assert "[bold]pas de balise[/bold] :smile:" in answer.out


def test_a_table_shows_fifty_and_says_how_many_more(held, cupola):
    """Without --limit a table stops at 50 rows; with one it shows as many as asked for. The rest has no limit."""
    for number in range(53):
        held.add(f"n{number:03}", fr=f"numéro {number}")
    ask = ("query", "--archive", held.folder)
    answer = cupola(*ask)
    assert answer.out.count("numéro") == 50
    assert "3 more" in answer.out
    answer = cupola(*ask, "--limit", "52")
    assert answer.out.count("numéro") == 52
    assert "1 more" in answer.out
    assert "more" not in cupola(*ask, "--limit", "53").out
    assert len(keys(cupola(*ask, "--format", "ids"))) == 53
    assert len(keys(cupola(*ask, "--format", "ids", "--limit", "2"))) == 2


@pytest.mark.parametrize("form", ["table", "jsonl", "json", "csv", "ids"])
def test_the_next_page_is_had_by_the_line_that_says_so(cupola, four, form):
    """What a limit cut off is told with a whole command, to be copied: beneath a table, else on stderr."""
    ask = ["query", "--archive", str(four.folder), "--text", '-it\'s OR -"xyz"', "--sort", "newest"]
    found, command = [], ["cupola", *ask, "--limit", "1", "--format", form]
    while command:
        answer = cupola(*command[1:], columns=200)
        assert answer.status == 0
        found += [key for key in KEYS if printable(key) in answer.out or key in answer.out.replace("\\u001b", "\x1b")]
        told, other = (answer.out, answer.err) if form == "table" else (answer.err, answer.out)
        assert "--page" not in other
        follows = [line for line in told.splitlines() if line.startswith("  cupola query")]
        command = shlex.split(follows[0]) if follows else None
    assert found == KEYS


def test_who_has_enough_of_a_page_is_told_of_no_next_one(held):
    """`cupola query --limit 300 | head -1` has no word about what was not read."""
    for number in range(400):
        held.add(f"{number:03}", fr="x" * 500)
    command = [sys.executable, "-m", "jobs", "query", "--archive", str(held.folder), "--limit", "300"]
    with subprocess.Popen([*command, "--format", "jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


@pytest.mark.parametrize("token", ["", "x", "-" * 500, "é", "AAAA", "' OR 1=1 --", "🚀" * 50, "9" * 5000])
def test_a_page_token_that_is_none_ends_with_2(query, token):
    """Whatever is given for one is refused in words, also a good one with other filters."""
    answer = query("--page", token)
    assert (answer.status, answer.out) == (2, "")
    assert "--page: this is not a page token" in answer.err
    good = query("--limit", "1", "--format", "ids").err.partition("--page=")[2].strip()
    assert query("--page", good, "--format", "ids").out.split("\n")[:-1] == KEYS[1:]
    answer = query("--page", good, "--lang", "fr")
    assert (answer.status, answer.out) == (2, "")
    assert "belongs to another question" in answer.err


def test_fifty_posts_are_not_fewer_than_all(held, cupola):
    """A table that is full to the last row says nothing of more."""
    for number in range(50):
        held.add(str(number))
    assert "more" not in cupola("query", "--archive", held.folder).out


def test_a_post_without_a_word_is_told_to_have_none(held, cupola):
    """Its row is not empty."""
    held.add("1", pictures=({},))
    assert "no text" in cupola("query", "--archive", held.folder).out


def test_count_is_a_number_alone(query):
    """--count prints how many, and nothing else."""
    assert query("--count").out == "4\n"
    assert query("--count", "--text", "paris").out == "1\n"
    assert query("--count", "--text", "nowhere").out == "0\n"


# the filters


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (["--text", "OEIL SUR L'ETE"], [1]),
        (["--lang", "en"], [0, 1]),
        (["--lang", "other"], [2]),
        (["--lang", "fr", "--lang", "en", "--source", "esa-proxima"], [1]),
        (["--lang", "other", "--lang", "en"], []),
        (["--source", "thom"], [0]),
        (["--mission", "proxima"], [1]),
        (["--since", "2016-12-03T12:00"], [0, 1]),
        (["--until", "2016-12-03"], [2]),
        (["--since", "2016-12-02", "--until", "2017-01-01"], [1]),
        (["--verdict", "unreviewed"], [0, 1, 2, 3]),
        (["--verdict", "selected"], []),
        (["--tag", "#PROXIMA"], [1]),
        (["--needs-review"], [2, 3]),
        (["--lang", "fr", "--source", "esa-proxima", "--since", "2016-01-01"], [1]),
        (["--since", "7d"], []),
        (["--lacks", "EN"], [2, 3]),
        (["--lang", "fr", "--no-lang", "en"], [3]),
        (["--lacks", "fr", "--lacks", "other"], []),
        (["--source", "thom", "--source", "esa-proxima", "--lang", "en"], [0, 1]),
        (["--mission", "proxima", "--mission", "alpha"], [1]),
        (["--undated"], [3]),
        (["--dated"], [0, 1, 2]),
        (["--seen-since", "2000-01-01"], [0, 1, 2, 3]),
        (["--seen-until", "2000-01-01"], []),
        (["--verdict", "selected", "--verdict", "unreviewed"], [0, 1, 2, 3]),
        (["--tag", "paris", "--tag", "proxima"], [1]),
        (["--hashtag", "PARIS"], [1]),
        (["--curator-tag", "paris"], []),
        (["--rating", "4"], []),
        (["--rating", "none"], [0, 1, 2, 3]),
        (["--reviewed"], [0, 1]),
        (["--noted"], []),
        (["--not-noted"], [0, 1, 2, 3]),
        (["--with-picture"], [1]),
        (["--without-picture"], [0, 2, 3]),
        (["--media", "failed"], [1]),
        (["--media", "failed", "--media", "stored"], [1]),
        (["--media", "gone"], []),
        (["--edited"], []),
        (["--unedited"], [0, 1, 2, 3]),
        (["--gone"], []),
        (["--not-gone"], [0, 1, 2, 3]),
        (["--sort", "oldest"], [2, 1, 0, 3]),
        (["--sort", "seen"], [2, 3, 0, 1]),
        (["--sort", "rating"], [0, 1, 2, 3]),
    ],
)
def test_each_filter_takes_its_posts(query, filters, found):
    """The filters of the design, each by its name; all that are given must hold."""
    answer = query("--format", "ids", *filters)
    assert keys(answer) == [KEYS[index] for index in found]
    assert answer.err == ""


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (["--since", "yesterday"], "is not a date"),
        (["--since", "2017-01-01", "--until", "2016-01-01"], "does not lie before"),
        (["--text", " "], "at least one letter"),
        (["--tag", "#"], "at least one letter"),
        (["--lang", "de"], "'de' is not one of"),
        (["--format", "xml"], "'xml' is not one of"),
        (["--limit", "0"], "not in the range"),
        (["--limit", str(10**30)], "a limit is neither negative nor beyond"),
        (["--nonsense"], "No such option"),
        (["--lang", "fr", "--lang", "de"], "'de' is not one of"),
        (["--text", "paris", "--text", "nuit"], "--text is given 2 times, and counts once"),
        (["--lang", "fr", "--no-lang", "fr"], "no post both has and lacks a caption in fr"),
        (["--gone", "--not-gone"], "--gone and --not-gone cannot both hold"),
        (["--without-picture", "--min-size", "1x1"], "a post without a picture has no size"),
        (["--undated", "--since", "2016-01-01"], "neither before nor after"),
        (["--min-size", "1920"], "expected width and height as 1920x1080"),
        (["--min-size", "x"], "expected width and height as 1920x1080"),
        (["--min-size", "0x0"], "a number of pixels from 1"),
        (["--min-size", "100x", "--max-size", "99x99"], "at least 100x and at most 99x99"),
        (["--max-size", f"{10**11}x"], "a number of pixels from 1"),
        (["--rating", "6"], "a rating is from 0 to 5, not 6"),
        (["--rating", "4-2"], "at least 4 and at most 2"),
        (["--rating", "good"], "expected 4, 2-4, 4+ or none"),
        (["--rating", "٤"], "expected 4, 2-4, 4+ or none"),
        (["--sort", "rank"], "none is given"),
        (["--count", "--page", "x"], "--count counts all"),
        (["--previews", "--format", "ids"], "--previews is for a table"),
        (["--orientation", "round"], "'round' is not one of"),
        (["--seen-since", "2017-01-01", "--seen-until", "2016-01-01"], "--seen-since 2017-01-01 does not lie before"),
    ],
)
def test_wrong_use_is_said_and_ends_with_2(query, filters, message):
    """What cannot be meant is an error of its user, told on stderr."""
    answer = query(*filters)
    assert answer.status == 2
    assert message in answer.err
    assert answer.out == ""


@pytest.mark.parametrize("form", ["table", "jsonl", "ids"])
def test_nothing_found_is_no_error(query, form):
    """No rows is exit 0 with nothing on stdout."""
    answer = query("--text", "nowhere", "--format", form)
    assert (answer.status, answer.out) == (0, "")


def test_a_name_that_the_archive_does_not_know_is_pointed_out(query):
    """An unknown source or mission finds nothing, and stderr says which there are."""
    answer = query("--source", "nasa", "--mission", "apollo", "--format", "ids")
    assert (answer.status, answer.out) == (0, "")
    assert "no source 'nasa'; it has esa-proxima, thom" in answer.err
    assert "no mission 'apollo'; it has proxima" in answer.err
    assert query("--source", "thom", "--mission", "proxima").err == "No posts found.\n"


def test_sizes_and_orientations_are_those_of_the_largest_picture(cupola, held):
    """--min-size and --max-size bound width and height, or one of them; both ends count."""
    for name, width, height in (("wide", 1920, 1080), ("tall", 1080, 1920), ("small", 640, 640)):
        held.add(name, pictures=({"width": width, "height": height},))
    for given, found in (
        (["--min-size", "1920x1080"], {"wide"}),
        (["--min-size", "1000X"], {"wide", "tall"}),
        (["--min-size", "×1081"], {"tall"}),
        (["--max-size", "640x640"], {"small"}),
        (["--orientation", "portrait"], {"tall"}),
    ):
        answer = cupola("query", "--archive", held.folder, "--format", "ids", *given)
        assert {key.partition(":")[2] for key in answer.out.split()} == found


def test_a_bad_question_has_a_caret_under_its_fault(query):
    """The caret stands below the very letter, also behind wide letters; nothing of it obeys the terminal."""
    for text, fault in (
        ('aube OR "nuit', '"nuit'),
        ("東京 🚀 lang:de", "de"),
        ("e\u0301te\u0301 \u202e lang:de", "de"),
        ("\x1b[31m lang:de", "de"),
    ):
        answer = query("--text", text)
        assert (answer.status, answer.out) == (2, "")
        line, caret = answer.err.rstrip("\n").split("\n")[-2:]
        assert caret.strip() == "^"
        assert cell_len(caret) - 1 == cell_len(line[: line.rindex(fault)])
        assert "\x1b" not in answer.err


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE posts; --",
        "\"); DELETE FROM post_search; --",
        "caption:x NEAR(a b) fr:* ^début {a b}: c",
        "a & b | !c:* <-> d",
        "AND AND", "OR", "NOT", "-", "(", ")", '"', "«", "*", "a*b", "lang:", "lang:xx", "#",
        "🚀🛰️", "\u202eשלום עולם", "مرحبا", "e\u0301" * 100, "\\", "%_%", "\r\n\t", "\udcff",
        " ".join(f"mot{number}" for number in range(10_000)),
        "(" * 5000, "-" * 9000, '"' * 999,
    ],
)  # fmt: skip
def test_whatever_is_looked_for_is_answered_or_refused_in_words(query, text):
    """Operators, SQL, quotes, emoji, right-to-left text, ten thousand words: an answer or exit 2, never a traceback."""
    for form in ("ids", "table"):
        answer = query("--text", text, "--format", form)
        assert answer.status in (0, 2), answer.err
        assert "Traceback" not in answer.err
        assert answer.status == 0 or answer.err.startswith("Error: ")
        assert len(answer.err) < 2000
    assert query("--count").out == "4\n"


@pytest.mark.parametrize(
    "option", ["--source", "--mission", "--tag", "--hashtag", "--curator-tag", "--since", "--min-size", "--rating"]
)
def test_sql_in_a_field_is_a_word_like_others(query, option):
    """It finds nothing, or is no date, size or rating; the posts are all still there."""
    for value in ("'; DELETE FROM posts; --", "x' OR '1'='1", '" OR 1=1 /*', "%", "\x1b]0;x\x07a"):
        answer = query(option, value, "--format", "ids")
        assert answer.status in (0, 2)
        assert answer.out == ""
        assert "\x1b" not in answer.err
        assert "Traceback" not in answer.err
    assert query("--count").out == "4\n"


# what was found


def test_hits_stand_in_brackets_where_there_is_no_colour(query):
    """A table that is piped marks words by their stem, in both captions; the same in few columns."""
    answer = query("--text", "nuit OR night* OR paris", columns=200)
    assert "Passé à la verticale de [Paris] cette [nuit]" in answer.out
    assert '"Flying over [Paris] tonight."' in answer.out
    assert "\x1b" not in answer.out
    assert "[" not in query(columns=200).out.replace("[bold]", "").replace("[/bold]", "").replace("␛[31m", "")


def test_a_long_caption_is_cut_around_its_first_hit(cupola, held):
    """Where the hit would not be seen the caption begins before it, at a word, with an ellipsis."""
    held.add("1", fr="mot " * 3000 + "enfin l'aurore boréale" + " mot" * 3000, en="Short.")
    for columns in (60, 80, 120, 200):
        answer = cupola("query", "--archive", held.folder, "--text", "aurore", columns=columns)
        assert "[aurore]" in answer.out.replace("\n", ""), answer.out
        assert "…" in answer.out
        assert max(map(cell_len, answer.out.splitlines())) <= columns


def test_what_was_found_elsewhere_is_told_with_its_place(query):
    """A hit that stands in no caption has a line of its own: of a credit, an alternative text, the rest of a text."""
    assert "[Thomas] [Pesquet], Proxima" in query("--text", "pesquet thomas", columns=200).out


def test_json_has_the_offsets_of_hits_when_a_text_is_asked_for(query):
    """`hits` name the field and code points; without --text there is no such name, and never in CSV."""
    (record,) = json.loads(query("--text", "paris OR nuit", "--format", "json").out)
    fields = {"caption_fr": record["captions"]["fr"], "caption_en": record["captions"]["en"]}
    fields |= {"title": record["title"], "text": record["text"], "alt": record["media"][0]["alt"]}
    said = {(hit["field"], fields[hit["field"]][hit["start"] : hit["end"]].lower()) for hit in record["hits"]}
    assert {("caption_fr", "paris"), ("caption_fr", "nuit"), ("title", "paris"), ("alt", "paris")} <= said
    assert {name for _, name in said} <= {"paris", "nuit"}
    assert [hit["medium"] for hit in record["hits"] if hit["field"] == "alt"] == [0]
    assert "hits" not in json.loads(query("--format", "jsonl").out.splitlines()[0])


# the archive


def test_the_archive_may_come_from_the_configuration(cupola, four, tmp_path, monkeypatch):
    """Without --archive the folder is that of --config, $CUPOLA_CONFIG or ./config.yaml."""
    file = tmp_path / "config.yaml"
    file.write_text("archive: {folder: archive}\n")
    assert keys(cupola("query", "--config", file, "--format", "ids")) == KEYS
    monkeypatch.setenv("CUPOLA_CONFIG", str(file))
    assert keys(cupola("query", "--format", "ids")) == KEYS
    monkeypatch.delenv("CUPOLA_CONFIG")
    monkeypatch.chdir(tmp_path)
    assert keys(cupola("query", "--format", "ids")) == KEYS


def test_no_archive_is_said_and_ends_with_3(cupola, tmp_path):
    """A missing archive is named, with the way to make one; none is made."""
    answer = cupola("query", "--archive", tmp_path / "nothing")
    assert answer.status == 3
    assert str(tmp_path / "nothing") in answer.err
    assert "cupola scrape" in answer.err
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(("version", "says"), [("0000", "cupola db upgrade"), ("9999", "upgrade Cupola")])
def test_an_archive_of_another_schema_ends_with_3(cupola, four, version, says):
    """An older schema names the command that upgrades it, a newer one asks for a newer Cupola."""
    with four.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")
    answer = cupola("query", "--archive", four.folder)
    assert answer.status == 3
    assert says in answer.err
    assert answer.out == ""


def test_a_file_that_is_no_database_ends_with_3(cupola, tmp_path):
    """Garbage in place of the database is said to be that."""
    (tmp_path / "cupola.db").write_bytes(b"garbage" * 1000)
    answer = cupola("query", "--archive", tmp_path)
    assert answer.status == 3
    assert "not a database or is damaged" in answer.err


def test_reading_goes_on_while_another_process_writes(cupola, four):
    """A writer in the middle of its work keeps no reader out; what it has not finished is not seen."""
    with four.database.write() as connection:
        connection.exec_driver_sql("UPDATE posts SET title = 'changed'")
        assert keys(cupola("query", "--archive", four.folder, "--format", "ids")) == KEYS
        assert "changed" not in cupola("query", "--archive", four.folder, "--format", "csv").out
    assert "changed" in cupola("query", "--archive", four.folder, "--format", "csv").out


@pytest.mark.skipif(sys.platform != "linux", reason="how root gives up its rights over files is Linux's own")
def test_an_archive_that_may_only_be_read_can_be_queried(four, tmp_path):
    """A folder that nobody may write to gives its posts, and stays as it is."""
    four.database.close()
    place = Path(shutil.copytree(four.folder, tmp_path / "shelf"))
    for path in (place, *place.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    there = sorted(path.name for path in place.iterdir())

    def run(*command):
        return subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, check=False, preexec_fn=_bound_by_permissions
        )

    assert "PermissionError" in run("-c", f"open({str(place / 'new')!r}, 'w')").stderr
    found = run("-m", "jobs", "query", "--archive", str(place), "--format", "ids")
    assert (found.stdout.split("\n")[:-1], found.returncode) == (KEYS, 0), found.stderr
    assert run("-m", "jobs", "verify", "--archive", str(place)).returncode == 0
    assert sorted(path.name for path in place.iterdir()) == there


def _bound_by_permissions():
    """Let root be bound by the permissions of files in the program that comes next; see capabilities(7)."""
    drop, may_override, may_search = 24, 1, 2
    libc = ctypes.CDLL(None)
    if os.geteuid() == 0:
        libc.prctl(drop, may_override, 0, 0, 0)
        libc.prctl(drop, may_search, 0, 0, 0)


def test_who_reads_no_further_ends_it_quietly(held):
    """``cupola query | head`` is no error, however much was still to come."""
    for number in range(600):
        held.add(f"{number:03}", fr="x" * 500)
    for form in ("jsonl", "json", "csv"):
        process = subprocess.Popen(
            [sys.executable, "-m", "jobs", "query", "--archive", str(held.folder), "--format", form],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0
        process.stderr.close()


def test_json_and_csv_are_utf_8_whatever_the_locale(four):
    """A program gets UTF-8 also where the terminal's encoding is an old one; a person gets question marks."""
    environment = os.environ | {"PYTHONIOENCODING": "latin-1", "COLUMNS": "200"}

    def run(form):
        command = [sys.executable, "-m", "jobs", "query", "--archive", str(four.folder), "--format", form]
        return subprocess.run(command, capture_output=True, env=environment, check=True).stdout

    assert "un œil sur l’été".encode() in run("jsonl")
    assert "un œil sur l’été".encode() in run("csv")
    assert "un ?il sur l?été".encode("latin-1") in run("table")


def test_the_archive_is_left_as_it_is(cupola, four):
    """Reading writes nothing into the database."""
    with open_database(four.folder, read_only=True).read() as connection:
        before = connection.exec_driver_sql("PRAGMA data_version").scalar()
        cupola("query", "--archive", four.folder, "--text", "paris", "--tag", "proxima")
        assert connection.exec_driver_sql("PRAGMA data_version").scalar() == before
