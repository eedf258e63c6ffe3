"""SQL of one's own: it reads whatever can be read, and nothing can be changed by it, whatever it says."""

import hashlib
import signal
import sqlite3

import pytest

from storage.engine import open_database
from storage.errors import SqlRefused, StorageError
from storage.sqlquery import asked

ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r)"


@pytest.fixture
def held(tmp_path, make_archive):
    """An archive in its folder, on SQLite."""
    return make_archive(tmp_path / "archive")


@pytest.fixture
def reading(held):
    """The database of an archive with two posts, open for reading."""
    held.add("1", fr="Un œil", en="An eye", title="Paris")
    held.add("2", fr="Deux")
    database = open_database(held.folder, read_only=True)
    yield database
    database.close()


@pytest.fixture
def ask(reading):
    """All rows of a statement."""

    def rows(statement, **options):
        with asked(reading, statement, **options) as answer:
            return list(answer)

    return rows


def refused(ask, statement, **options):
    """The words in which a statement is refused."""
    with pytest.raises(SqlRefused) as raised:
        ask(statement, **options)
    return str(raised.value)


# what can be read


def test_rows_come_with_the_names_of_their_columns(reading):
    """Columns are named as the statement names them, twice where it does so, and values keep their kinds."""
    with asked(reading, "SELECT key, 1 AS n, 2.5 AS n, NULL, x'00ff' FROM archive_posts ORDER BY key") as answer:
        assert answer.columns == ("key", "n", "n", "NULL", "x'00ff'")
        assert list(answer) == [
            ("esa-proxima:1", 1, 2.5, None, b"\x00\xff"),
            ("esa-proxima:2", 1, 2.5, None, b"\x00\xff"),
        ]


@pytest.mark.parametrize(
    "statement",
    [
        "VALUES (1), (2)",
        " \n/* a comment; with a semicolon */ SELECT 1 UNION SELECT 2 ; -- and another;",
        "WITH two(n) AS (SELECT 1 UNION SELECT 2) SELECT n FROM two ORDER BY n",
        "SELECT value FROM json_each('[1, 2]')",
        "SELECT row_number() OVER (ORDER BY native_id) FROM archive_posts",
        "SELECT CAST(native_id AS INTEGER) FROM posts ORDER BY 1",
    ],
)
def test_all_kinds_of_reading_are_there(ask, statement):
    """VALUES, comments, WITH, json_each, window functions, views and tables."""
    assert ask(statement) == [(1,), (2,)]


def test_the_schema_and_the_plan_can_be_asked_for(ask):
    """Telling PRAGMAs (also as tables), sqlite_master and EXPLAIN QUERY PLAN are reading."""
    assert "native_id" in {row[1] for row in ask("PRAGMA table_info(posts)")}
    assert ("key",) in ask("SELECT name FROM pragma_table_info('archive_posts')")
    assert ("archive_media",) in ask("SELECT name FROM sqlite_master WHERE type = 'view'")
    assert "archive" in str(ask("SELECT name FROM pragma_table_list"))
    assert "SCAN" in str(ask("EXPLAIN QUERY PLAN SELECT count(*) FROM archive_posts"))


def test_text_that_is_no_utf_8_is_told_with_a_replacement(ask):
    """What somebody put in by other means is read, not stumbled over."""
    assert ask("SELECT CAST(x'ff41' AS TEXT), CAST(x'410042' AS TEXT)") == [("\ufffdA", "A\0B")]


def test_rows_are_read_as_they_are_taken(reading):
    """An endless answer begins at once and can be left."""
    with asked(reading, f"{ENDLESS} SELECT x FROM r") as answer:
        rows = iter(answer)
        assert [next(rows) for _ in range(3)] == [(1,), (2,), (3,)]


# what cannot be done

WRITES = [
    "DELETE FROM posts",
    "UPDATE posts SET title = 'x'",
    "INSERT INTO sources VALUES ('x', 'y', 'z', '2020-01-01')",
    "INSERT INTO sources VALUES ('x', 'y', 'z', '2020-01-01') RETURNING id",
    "REPLACE INTO sources VALUES ('x', 'y', 'z', '2020-01-01')",
    "WITH x AS (SELECT 1) DELETE FROM posts",
    "EXPLAIN DELETE FROM posts",
    "DROP VIEW archive_posts",
    "DROP TABLE posts",
    "ALTER TABLE posts RENAME TO p",
    "CREATE TABLE x (a)",
    "CREATE TEMP TABLE x (a)",
    "CREATE TEMP TABLE x AS SELECT * FROM posts",
    "CREATE TEMP VIEW x AS SELECT 1",
    "CREATE TEMP TRIGGER x AFTER INSERT ON posts BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE temp.x USING fts5(a)",
    "CREATE INDEX x ON posts (title)",
    "UPDATE sqlite_master SET sql = 'x'",
    "PRAGMA writable_schema = 1",
    "PRAGMA writable_schema(1)",
    "PRAGMA query_only = 0",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA user_version = 7",
    "PRAGMA hard_heap_limit = 0",
    "PRAGMA temp_store_directory = '/'",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA optimize",
    "SELECT * FROM pragma_user_version",
    "ATTACH '{folder}/new.db' AS new",
    "ATTACH ':memory:' AS new",
    "DETACH main",
    "VACUUM",
    "VACUUM INTO '{folder}/new.db'",
    "ANALYZE",
    "REINDEX",
    "COMMIT",
    "ROLLBACK",
    "BEGIN IMMEDIATE",
    "SAVEPOINT x",
    "SELECT load_extension('x')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT writefile('{folder}/new', 'x')",
    "SELECT readfile('/etc/hostname')",
    "SELECT sqlite_log(1, 'x')",
    "INSERT INTO post_search(post_search) VALUES ('delete-all')",
    "UPDATE post_search SET fr = 'x'",
    "SELECT fts5(1)",
    "SELECT 1; DELETE FROM posts",
    "SELECT 1; SELECT 2",
    "; DELETE FROM posts",
    "/* SELECT */ DELETE FROM posts -- SELECT",
]


@pytest.mark.parametrize("statement", WRITES)
def test_nothing_is_written(ask, held, statement):
    """Writes of every kind are refused, temporary ones, settings and other files too; no byte changes."""
    before = hashlib.sha256((held.folder / "cupola.db").read_bytes()).digest()
    files = {path.name for path in held.folder.iterdir()}
    refused(ask, statement.replace("{folder}", str(held.folder)))
    assert hashlib.sha256((held.folder / "cupola.db").read_bytes()).digest() == before
    assert {path.name for path in held.folder.iterdir()} == files
    assert ask("SELECT count(*) FROM archive_posts") == [(2,)]


def test_a_statement_does_not_loosen_what_follows(ask, reading):
    """After an answer the database reads and is shut as before; who else uses it is not bound by it."""
    ask("SELECT 1")
    with reading.read() as connection:
        assert connection.exec_driver_sql("PRAGMA user_version").scalar() == 0
        assert connection.exec_driver_sql("PRAGMA query_only").scalar() == 0
    refused(ask, "DELETE FROM posts")


# limits


def test_a_statement_ends_with_its_time(ask):
    """An endless computation is stopped, and the words say after how long and what to do."""
    told = refused(ask, f"{ENDLESS} SELECT count(*) FROM r", seconds=0.05)
    assert told == "stopped after 0.05 s; ask for less, or give it longer with --timeout"


def test_the_time_of_the_reader_does_not_count(reading):
    """Only what the database works is measured: a person may leaf through an answer as slowly as they like."""
    now = [0.0]
    with asked(reading, f"{ENDLESS} SELECT x FROM r", seconds=5, clock=lambda: now[0]) as answer:
        rows = iter(answer)
        for _ in range(100):
            next(rows)
            now[0] += 60
        assert next(rows) == (101,)


def test_the_time_of_the_database_adds_up(reading):
    """Each row has its share of the one time limit, not a limit of its own."""
    now = [0.0]

    def clock():
        now[0] += 0.25
        return now[0]

    numbers = list(range(3000))
    slow = f"{ENDLESS} SELECT (SELECT count(*) FROM json_each('{numbers}') WHERE value > x) FROM r"
    with asked(reading, slow, seconds=5, clock=clock) as answer:
        rows = iter(answer)
        assert next(rows) == (2998,)
        with pytest.raises(SqlRefused, match="stopped after 5 s"):
            list(rows)


def test_an_interruption_is_not_a_time_limit(ask):
    """Ctrl-C while SQLite works is what it is, although SQLite swallows it."""

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            ask(f"{ENDLESS} SELECT count(*) FROM r")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT randomblob(1000000000)", "over 16 MiB"),
        ("SELECT zeroblob(1000000000)", "over 16 MiB"),
        ("SELECT replace(hex(zeroblob(8000000)), '0', 'xxxxxxxxxx')", "over 16 MiB"),
        (f"{ENDLESS} SELECT group_concat(hex(randomblob(9000))) FROM (SELECT x FROM r LIMIT 999)", "over 16 MiB"),
        (f"SELECT {', '.join(['randomblob(16000000)'] * 20)}", "over 128 MiB"),
        ("SELECT " + " + ".join(["1"] * 10_000), "Expression tree is too large"),
        (" UNION ALL ".join(["SELECT 1"] * 10_000), "too many terms"),
        ("SELECT " + ", ".join(["1"] * 10_000), "too many columns"),
        (f"SELECT 'x' LIKE '{'%a' * 1000}'", "LIKE or GLOB pattern too complex"),
        (f"SELECT '{'x' * 1_000_001}'", "too large"),
    ],
)
def test_a_statement_ends_with_its_room(ask, statement, words):
    """Values, rows, groups and statements have a size beyond which they are refused, long before memory is short."""
    assert words in refused(ask, statement, seconds=5)


def test_large_but_sane_is_answered(ask):
    """What is below the limits comes whole."""
    assert ask("SELECT length(hex(zeroblob(4000000)))") == [(8_000_000,)]
    assert ask(" UNION ALL ".join(["SELECT 1"] * 400)) == [(1,)] * 400


# words


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("", "there is no statement that gives rows; write one SELECT"),
        ("-- SELECT 1", "there is no statement that gives rows; write one SELECT"),
        ("SELECT 'a\0b'", "the statement holds a NUL, which no SQL does"),
        ("SELECT '\udcff'", "the statement is not UTF-8"),
        ("SELECT 1; SELECT 2", "one statement at a time; take away what stands after the first ;"),
    ],
)
def test_what_is_no_statement_is_told(ask, statement, words):
    """Nothing, a comment, a NUL, broken bytes, two statements: each in words of its own."""
    assert refused(ask, statement) == words


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT key\nFROM posts\nWERE x = 1", 'near "x": syntax error\n  line 3: WERE x = 1\n               ^'),
        ("SELECT a FROM FROM", 'near "FROM": syntax error\n  line 1: SELECT a FROM FROM\n                        ^'),
        ("SELECT kay FROM runs", "no such column: kay\n  line 1: SELECT kay FROM runs\n                 ^"),
        ("SELECT p.kay FROM posts p", "no such column: p.kay\n  line 1: SELECT p.kay FROM posts p\n                 ^"),
        ("SELECT kay, kay FROM posts", "no such column: kay"),
        ("SELECT\tkay\tFROM posts", "no such column: kay\n  line 1: SELECT\tkay\tFROM posts\n                \t^"),
        ("SELECT * FROM nowhere", "no such table: nowhere\n  line 1: SELECT * FROM nowhere\n                        ^"),
        ("SELECT * FROM archive_post", "no such table: archive_post\n  line 1: SELECT * FROM archive_post\n"
         "                        ^\n  Perhaps you meant archive_posts."),
        ("SELECT publishd_at FROM archive_posts", "no such column: publishd_at\n"
         "  line 1: SELECT publishd_at FROM archive_posts\n                 ^\n  Perhaps you meant published_at."),
        ("SELECT p.boddy FROM posts p", "no such column: p.boddy\n  line 1: SELECT p.boddy FROM posts p\n"
         "                 ^\n  Perhaps you meant body."),
        ("SELECT '🌍', 🌍 FROM runs", "no such column: 🌍"),
        ("SELECT (1", "incomplete input\n  line 1: SELECT (1\n                   ^"),
        ("SELECT [a", 'unrecognized token: "[a"'),
    ],
)  # fmt: skip
def test_a_mistake_is_pointed_at(ask, statement, words):
    """SQLite's words, and where they tell the place, the line with a caret below it."""
    assert refused(ask, statement) == words


def test_a_long_line_is_cut_around_the_mistake(ask):
    """The caret stands under its word however far along the line that is."""
    told = refused(ask, f"SELECT {'1, ' * 200} kay FROM posts {'-' * 500}").splitlines()
    assert max(map(len, told)) < 150
    assert told[1][told[2].index("^") :].startswith("kay FROM posts")


def test_a_damaged_archive_is_no_mistake_of_the_statement(held):
    """What the database file is to blame for is told as such."""
    held.add("1", fr="Bonjour")
    held.database.close()
    with sqlite3.connect(held.folder / "cupola.db") as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'posts'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with (held.folder / "cupola.db").open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    database = open_database(held.folder, read_only=True)
    try:
        with pytest.raises(StorageError, match="damaged") as raised, asked(database, "SELECT * FROM posts") as answer:
            list(answer)
        assert not isinstance(raised.value, SqlRefused)
    finally:
        database.close()


def test_an_archive_that_cannot_be_written_to_is_read(ask, held):
    """Beside a writer and without the right to write, the answer is that of one moment."""
    with held.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM segments")
        assert ask("SELECT count(*) > 0 FROM segments") == [(1,)]
