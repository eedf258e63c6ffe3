"""SQL of one's own on a server: the same values as on SQLite, and nothing can be done by it but reading."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from storage.engine import open_database
from storage.errors import ArchiveLocked, ArchiveUnreachable, SqlRefused
from storage.portal import Portal
from storage.settings import ArchiveSettings
from storage.sqlquery import asked
from storage.stopwatch import Stopwatch

ENDLESS = "SELECT count(*) FROM generate_series(1, 1000000000000) AS a(x)"
READS = "this only reads: SELECT, WITH, VALUES, TABLE, EXPLAIN and SHOW"


@pytest.fixture
def address(server):
    """A database on the server, with an empty archive in it."""
    name = server.fresh()
    yield server.address(name)
    server.drop(name)


@pytest.fixture
def name(address):
    """Of that database."""
    return address.partition("?")[0].rpartition("/")[2]


def fill(held):
    held.add(
        "1",
        fr="Un œil",
        en="An eye",
        title="Paris",
        published=date(2016, 12, 3),
        hashtags=("Proxima", "Épopée"),
        mission="proxima",
        pictures=({"data": b"one", "alt": "Paris, la nuit"}, {"state": "gone", "reason": "404"}),
        edited_at=datetime(2016, 12, 4, 1, 2, 3, tzinfo=UTC),
    )
    held.add("2", fr="Deux", published=datetime(2016, 12, 5, 9, 8, 7, tzinfo=UTC), needs_review=True)
    return held


@pytest.fixture
def opened():
    """Opens an archive for reading, as any user."""
    databases = []

    def one(address, folder):
        databases.append(open_database(ArchiveSettings(folder=folder, database=address), read_only=True))
        return databases[-1]

    yield one
    for database in databases:
        database.close()


@pytest.fixture
def reading(opened, held):
    """The database of an archive with two posts, open for reading as the server's owner, who may do anything."""
    fill(held)
    return opened(held.address, held.folder)


@pytest.fixture(scope="module")
def empty(server, tmp_path_factory):
    """The database of an archive without a post, for all tests that need none, open for reading."""
    name = server.fresh()
    place = ArchiveSettings(folder=tmp_path_factory.mktemp("archive"), database=server.address(name))
    database = open_database(place, read_only=True)
    yield database
    database.close()
    server.drop(name)


def asking(database):
    """All rows of a statement."""

    def rows(statement, **options):
        with asked(database, statement, **options) as answer:
            return list(answer)

    return rows


@pytest.fixture
def ask(empty):
    """All rows of a statement, of an archive without a post."""
    return asking(empty)


def refused(ask, statement, **options):
    """The words in which a statement is refused."""
    with pytest.raises(SqlRefused) as raised:
        ask(statement, **options)
    return str(raised.value)


# what can be read


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("SELECT * FROM archive_posts ORDER BY key", 2),
        ("SELECT * FROM archive_media ORDER BY post_key, position", 2),
        ("SELECT * FROM posts ORDER BY id", 2),
        ("SELECT * FROM attachments ORDER BY id", 2),
        ("SELECT * FROM runs ORDER BY id", 1),
        (
            "SELECT caption_en IS NULL AS n, count(*) AS a, sum(bytes) AS b, avg(width) AS c, max(published_at) AS d"
            " FROM archive_posts LEFT JOIN archive_media ON post_key = key GROUP BY 1 ORDER BY 1",
            2,
        ),
    ],
)
def test_the_values_are_those_of_sqlite(reading, make_archive, opened, tmp_path, statement, rows):
    """Both views, and tables with times, numbers and truths, give the same columns and values, of the same kinds."""
    fill(make_archive(tmp_path / "file"))
    answers = []
    for database in (reading, opened(None, tmp_path / "file")):
        with asked(database, statement) as answer:
            answers.append((answer.columns, [[(value, type(value)) for value in row] for row in answer]))
    assert len(answers[0][1]) == rows
    assert answers[0] == answers[1]


def test_what_sqlite_does_not_have_is_told_in_its_kinds(ask):
    """Numbers of any length, the infinite, blobs, days, lists and documents."""
    statement = (
        "SELECT 12345678901234567890::numeric, 2.50, 'NaN'::float8, 'Infinity'::numeric, true, '\\x00ff'::bytea,"
        " DATE '2016-12-03', TIMESTAMPTZ '2016-12-03 20:15:00.5+01', TIMESTAMPTZ 'infinity', ARRAY[1, 2],"
        " '{\"a\": 1}'::jsonb, NULL, '', -3::smallint"
    )
    ((whole, half, nan, infinite, *rest),) = ask(statement)
    assert (whole, half, infinite) == (12345678901234567890, 2.5, float("inf"))
    assert math.isnan(nan)
    assert rest == [
        *(1, b"\x00\xff", "2016-12-03", "2016-12-03 19:15:00.500000", "infinity", "{1,2}", '{"a": 1}', None, "", -3)
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "VALUES (1), (2)",
        " \n/* a comment; /* with a semicolon */ */ SELECT 1 UNION SELECT 2 ; -- and another;",
        "(SELECT 1 UNION ALL SELECT 2)",
        "WITH RECURSIVE two(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM two WHERE n < 2) SELECT n FROM two",
        "SELECT value::int FROM json_array_elements_text('[1, 2]')",
        "SELECT row_number() OVER (ORDER BY x) FROM generate_series(5, 6) AS a(x)",
        "SELECT x FROM generate_series(1, 2) AS a(x) WHERE random() < 2 AND '%s' NOT LIKE '%pg_sleep%'",
        "SELECT generate_series(1, 2) FROM alembic_version TABLESAMPLE BERNOULLI (100)",
    ],
)
def test_all_kinds_of_reading_are_there(ask, statement):
    """VALUES, comments, brackets, WITH, JSON, window functions, chance, samples; % is a letter like any other."""
    assert ask(statement) == [(1,), (2,)]


def test_the_schema_and_the_plan_can_be_asked_for(ask):
    """information_schema, TABLE, SHOW and EXPLAIN are reading."""
    columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'archive_posts'"
    assert ("caption_fr",) in ask(columns)
    assert ask("TABLE alembic_version") != []
    assert ask("SHOW transaction_read_only") == [("on",)]
    assert "Scan" in str(ask("EXPLAIN SELECT * FROM posts"))
    assert "Aggregate" in str(ask("explain (costs off) SELECT count(*) FROM posts"))


def test_columns_are_named_as_the_statement_names_them(empty):
    """Twice where it does so, and also when there are no rows."""
    with asked(empty, 'SELECT 1 AS n, 2 AS n, 3 AS "Œ %s {}" WHERE false') as answer:
        assert answer.columns == ("n", "n", "Œ %s {}")
        assert list(answer) == []


def test_rows_are_read_as_they_are_taken(empty):
    """An answer of a million million rows begins at once and can be left."""
    with asked(empty, "SELECT x FROM generate_series(1, 1000000) AS a(x), generate_series(1, 1000000)") as answer:
        rows = iter(answer)
        assert [next(rows) for _ in range(2000)] == [(1,)] * 2000


def test_rows_come_whole_and_in_order(ask):
    """Small and large ones, over many ways there and back."""
    statement = "SELECT x, repeat('x', CASE WHEN x % 700 = 0 THEN 3000000 ELSE 10 END) FROM generate_series(1, 3000) x"
    assert [(number, len(text)) for number, text in ask(statement)] == [
        (number, 3_000_000 if number % 700 == 0 else 10) for number in range(1, 3001)
    ]


# what cannot be done

WRITES = [
    "DELETE FROM posts",
    "INSERT INTO sources VALUES ('x', 'y', 'z', '2020-01-01') RETURNING id",
    "WITH gone AS (DELETE FROM posts RETURNING id) SELECT * FROM gone",
    "EXPLAIN ANALYZE DELETE FROM posts",
    "EXPLAIN (analyze) SELECT * INTO x FROM posts",
    "EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1",
    "SELECT * INTO x FROM posts",
    "SELECT * INTO TEMP x FROM posts",
    "SELECT * FROM posts FOR UPDATE",
    "CREATE TEMP TABLE x (a int)",
    "SELECT 1; DELETE FROM posts",
    "SELECT 1; COMMIT; DELETE FROM posts",
    "SELECT 1; SELECT 2",
    "; DELETE FROM posts",
    "EXPLAIN SELECT 1; DELETE FROM posts",
    "SHOW timezone; COMMIT",
    "/* SELECT */ DELETE FROM posts -- SELECT",
    "/* /* */ EXPLAIN */ COPY (SELECT 1) TO PROGRAM 'touch {folder}/new'",
    "COMMIT",
    "ROLLBACK",
    "SET transaction_read_only = off",
    "SET TRANSACTION READ WRITE",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "RESET ALL",
    "SELECT set_config('transaction_read_only', 'off', true)",
    "SELECT pg_catalog . set_config('transaction_read_only', 'off', true)",
    "COPY posts TO '{folder}/new'",
    "COPY (SELECT 1) TO PROGRAM 'touch {folder}/new'",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
    'SELECT "pg_cancel_backend" (1)',
    "SELECT PG_Sleep/**/(1)",
    "SELECT pg_sleep --\n(1)",
    'SELECT U&"pg\\005fsleep"(1)',
    "SELECT pg_sleep\n\t(1)",
    "SELECT * FROM pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT nextval('numbers')",
    "SELECT setval('numbers', 7)",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_notify('a', 'b')",
    "SELECT pg_reload_conf()",
    "SELECT pg_export_snapshot()",
    "SELECT query_to_xml('SELECT pg_sleep(1)', true, true, '')",
    "SELECT own_writer()",
    'SELECT "own ""writer"()',
    'SELECT "OwnWriter"()',
    "SELECT p.whole_writer FROM posts AS p",
    "SELECT p.Whole_Writer, 1 FROM posts AS p",
    "EXPLAIN ANALYZE SELECT pg_reload_conf()",
    "LOCK TABLE posts",
    "DO $$ BEGIN DELETE FROM posts; END $$",
    "CALL x()",
    "NOTIFY x",
    "LISTEN x",
    "VACUUM",
    "PREPARE x AS DELETE FROM posts",
    "DECLARE x CURSOR WITH HOLD FOR SELECT 1",
    "MOVE FORWARD ALL FROM question",
    "PRAGMA table_info(posts)",
    "ALTER SYSTEM SET fsync = off",
    "LOAD 'x'",
]


def test_nothing_is_done_but_reading(reading, held, server, name):
    """Writes, settings, locks, signals, files and programs are refused, even to the server's owner."""
    ask = asking(reading)
    server.run("CREATE SEQUENCE numbers", name)
    for function in ("own_writer()", '"own ""writer"()', "whole_writer(posts)", '"OwnWriter"()'):
        server.run(f"CREATE FUNCTION {function} RETURNS int LANGUAGE sql AS 'SELECT nextval(''numbers'')::int'", name)
    state = (
        "SELECT (SELECT count(*) FROM posts), (SELECT count(*) FROM pg_class), (SELECT last_value FROM numbers),"
        " (SELECT count(*) FROM pg_largeobject_metadata), (SELECT pg_conf_load_time()),"
        " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"
    )
    before = server.run(state, name)
    for statement in WRITES:
        told = refused(ask, statement.replace("{folder}", str(held.folder)), seconds=20)
        assert "stopped after" not in told, statement
        assert server.run(state, name) == before, statement
    assert not (held.folder / "new").exists()
    assert ask("SELECT count(*) FROM archive_posts") == [(2,)]


def test_the_transaction_itself_is_read_only(reading, server, name):
    """Were a statement to get past the other locks, the server would still not write, nor let it be undone."""
    import psycopg

    server.run("CREATE SEQUENCE numbers", name)
    watch = Stopwatch(30, time.monotonic)
    for statement in (
        "SELECT set_config('transaction_read_only', 'off', true)",
        "SELECT nextval('numbers')",
        "SELECT lo_from_bytea(0, 'x')",
        "DELETE FROM posts",
        "SET TRANSACTION READ WRITE",
    ):
        with reading.read() as connection:
            raw = connection.connection.driver_connection
            with watch:
                Portal(raw, watch).execute("SELECT 1")
            with pytest.raises((psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.ActiveSqlTransaction)):
                raw.execute(statement)
            raw.rollback()


def test_a_statement_does_not_loosen_what_follows(reading, server, name):
    """After an answer its connection is closed; those of others are as they were."""
    before = server.run("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cupola'")
    with asked(reading, "SELECT 1") as answer:
        list(answer)
    with reading.read() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "0"
        assert connection.exec_driver_sql("SELECT count(*) FROM pg_cursors").scalar() == 0
    assert server.run("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cupola'") <= before


def test_a_user_who_may_only_read_can_ask(server, name, held, opened):
    """A role with SELECT alone is enough, and what it may not read is refused in the server's words."""
    fill(held)
    server.run("DROP ROLE IF EXISTS reader")
    server.run("CREATE ROLE reader LOGIN")
    try:
        server.run("GRANT SELECT ON alembic_version, archive_posts TO reader", name)
        database = opened(server.address(name, "reader"), held.folder)
        with asked(database, "SELECT count(*) FROM archive_posts") as answer:
            assert list(answer) == [(2,)]
        with pytest.raises(SqlRefused, match="permission denied for table posts"), asked(database, "TABLE posts"):
            pass
        database.close()
    finally:
        server.run("DROP OWNED BY reader", name)
        server.run("DROP ROLE reader")


# limits


def test_a_statement_ends_with_its_time(ask):
    """An endless computation is stopped by the server, and the words say after how long and what to do."""
    told = refused(ask, ENDLESS, seconds=0.05)
    assert told == "stopped after 0.05 s; ask for less, or give it longer with --timeout"


def test_the_time_of_the_reader_does_not_count(empty):
    """Only what the database works is measured: a person may leaf through an answer as slowly as they like."""
    now = [0.0]
    with asked(empty, "SELECT generate_series(1, 100000)", seconds=60, clock=lambda: now[0]) as answer:
        rows = iter(answer)
        for _ in range(1000):
            next(rows)
            now[0] += 60
        assert next(rows) == (1001,)


def test_the_time_of_the_database_adds_up(empty):
    """Each way to the server has its share of the one time limit, not a limit of its own."""
    now = [0.0]

    def clock():
        now[0] += 0.25
        return now[0]

    with (
        asked(empty, "SELECT generate_series(1, 100000)", seconds=20, clock=clock) as answer,
        pytest.raises(SqlRefused, match="stopped after 20 s"),
    ):
        list(answer)


def test_an_interruption_is_not_a_time_limit(ask):
    """Ctrl-C while the server works is what it is, and the server stops working."""

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            ask(ENDLESS)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_statement_ends_with_its_room(ask):
    """What the server cannot hold is the statement's fault, not damage of the archive."""
    assert "too large" in refused(ask, "SELECT repeat('x', 2000000000)")
    assert refused(ask, "SELECT " + "(" * 100_000 + "1" + ")" * 100_000)


# words


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("", "there is no statement that gives rows; write one SELECT"),
        ("-- SELECT 1", "there is no statement that gives rows; write one SELECT"),
        ("SELECT", "there is no statement that gives rows; write one SELECT"),
        ("SELECT 'a\0b'", "the statement holds a NUL, which no SQL does"),
        ("SELECT '\udcff'", "the statement is not UTF-8"),
        ("SELECT 1; SELECT 2", "one statement at a time; take away what stands after the first ;"),
        ("drop table posts", f"{READS} (not DROP)"),
        ("SELECT 1/0", "division by zero"),
        (
            "SELECT lo_import('x')",
            f"lo_import() is refused: the server says that it may do more than read ({READS})",
        ),
        (
            "SELECT key\nFROM posts\nWERE x = 1",
            'syntax error at or near "x"\n  line 3: WERE x = 1\n               ^',
        ),
        ("SELCT 1", 'syntax error at or near "SELCT"\n  line 1: SELCT 1\n          ^'),
        ("SELECT (1\n", "syntax error at end of input\n  line 1: SELECT (1\n                   ^"),
        (
            "SELECT œ, kay FROM runs",
            'column "œ" does not exist\n  line 1: SELECT œ, kay FROM runs\n                 ^',
        ),
        (
            "SELECT hashtag FROM posts",
            'column "hashtag" does not exist\n  line 1: SELECT hashtag FROM posts\n                 ^\n'
            '  Perhaps you meant to reference the column "posts.hashtags".',
        ),
        ("EXPLAIN SELECT a", 'column "a" does not exist\n  line 1: EXPLAIN SELECT a\n                         ^'),
        (
            "SELECT * FROM archive_post",
            'relation "archive_post" does not exist\n  line 1: SELECT * FROM archive_post\n                        ^\n'
            "  Perhaps you meant archive_posts.",
        ),
        (
            "SELECT * FROM nowhere",
            'relation "nowhere" does not exist\n  line 1: SELECT * FROM nowhere\n                        ^',
        ),
    ],
)
def test_a_mistake_is_pointed_at(ask, statement, words):
    """The server's words and the line with a caret where it tells the place, and what it suggests."""
    assert refused(ask, statement) == words


def test_what_the_server_is_to_blame_for_is_no_mistake_of_the_statement(reading, server, name):
    """A server that ends the session in the middle is told as what it is."""
    statement = "SELECT generate_series(1, 100000)"

    def ended():
        with asked(reading, statement) as answer:
            next(iter(answer))
            server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            return list(answer)

    with pytest.raises(ArchiveUnreachable):
        ended()


def test_a_table_that_is_being_made_anew_is_locked(server, name, held, opened):
    """Beside `cupola forget`, which writes tables anew, one waits and is then told so."""
    import psycopg

    fill(held)
    place = ArchiveSettings(folder=held.folder, database=held.address)
    database = open_database(place, read_only=True, busy_timeout=0.01)
    with psycopg.connect(held.address.replace("+psycopg", "")) as other:
        other.execute("LOCK TABLE posts")
        with pytest.raises(ArchiveLocked), asked(database, "TABLE posts"):
            pass
        other.rollback()
    database.close()


@pytest.mark.proof
def test_memory_does_not_grow_with_the_answer(held):
    """A hundred and fifty rows of half a megabyte each take the room of a few."""
    script = (
        "import sys, resource; from jobs.cli.main import commands\n"
        "commands.main(sys.argv[1:], standalone_mode=False)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    peaks = []
    for rows in (5, 150):
        statement = f"SELECT repeat('x', 500000) FROM generate_series(1, {rows})"
        command = [sys.executable, "-c", script, "sql", "--archive", held.address, "--format", "csv", statement]
        ended = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True, cwd=Path(__file__).parents[2]
        )
        peaks.append(int(ended.stderr))
    assert peaks[1] - peaks[0] < 20_000
