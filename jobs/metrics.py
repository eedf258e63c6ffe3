"""An archive's health as Prometheus reads it: numbers only; no label holds more than an id of ours.

The format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from jobs import __version__
from jobs.health import Health, Kind
from jobs.vitals import SourceHealth
from storage.errors import StorageError

#: of each source: name, help, value
_OF_SOURCE: tuple[tuple[str, str, Callable[[SourceHealth], float | None]], ...] = (
    ("last_visit_timestamp_seconds", "When the last visit began.", lambda it: _seconds(it.last_started_at)),
    ("next_visit_timestamp_seconds", "When the next visit is due.", lambda it: _seconds(it.next_at)),
    ("new_posts", "Posts added in the last seven days.", lambda it: it.new_posts),
    ("failures", "Things that failed in the last run.", lambda it: it.failures),
    ("failures_in_a_row", "Visits that failed, one after the other.", lambda it: it.failures_in_a_row),
    ("pictures_pending", "Pictures wanted and not tried yet.", lambda it: it.pictures_pending),
    ("pictures_failed", "Pictures that failed and will be tried again.", lambda it: it.pictures_failed),
    ("paused", "1 while the source is not visited any more.", lambda it: float(it.paused_since is not None)),
)


class Metrics:
    """The metrics of one archive and of this process, in a registry of their own.

    Args:
        health: how the archive does now; asked at each scrape.
        beat: when the scheduler turned last.
    """

    def __init__(self, health: Callable[[], Health], beat: Callable[[], datetime]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Archive(health, beat))
        ProcessCollector(registry=self._registry)

    def written(self, accept: str) -> tuple[bytes, str]:
        """The metrics and their media type, in the form that the header Accept asks for."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type


class _Archive(Collector):
    def __init__(self, health: Callable[[], Health], beat: Callable[[], datetime]) -> None:
        self._health, self._beat = health, beat

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering asks no archive."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every metric; of an archive that cannot be read, that it cannot."""
        yield _gauge("build_info", "The version that runs.", 1, version=__version__)
        yield _gauge("beat_timestamp_seconds", "When the scheduler turned last.", self._beat().timestamp())
        try:
            health = self._health()
        except StorageError:
            yield _gauge("archive_readable", "1 if the archive can be read.", 0)
            yield _gauge("healthy", "1 if nothing is wrong.", 0)
            return
        yield _gauge("archive_readable", "1 if the archive can be read.", 1)
        yield _gauge("healthy", "1 if nothing is wrong.", float(health.is_well))
        kinds = [ailment.kind for ailment in health.ailments]
        yield _family("problems", "Things that are wrong.", "kind", ((str(kind), kinds.count(kind)) for kind in Kind))
        yield from _of_archive(health)
        for name, what, value in _OF_SOURCE:
            rows = ((source.id, value(source)) for source in health.seen.sources)
            yield _family(f"source_{name}", what, "source", rows)


def _of_archive(health: Health) -> Iterator[Metric]:
    seen, archive = health.seen, health.seen.archive
    yield _gauge("daemons", "Daemons that are alive.", len(seen.daemons))
    for name, what, number in (
        ("disk_free_bytes", "Bytes that are free for pictures.", archive.disk_free),
        ("damaged_files", "Files that are damaged and not mended.", archive.damaged),
        (
            "oldest_verified_timestamp_seconds",
            "When the file verified longest ago was so.",
            archive.oldest_verified_at,
        ),
        ("last_backup_timestamp_seconds", "When a backup was made last.", archive.last_backup_at),
    ):
        yield _family(name, what, "", [("", _seconds(number) if isinstance(number, datetime) else number)])
    chores: dict[str, tuple[float | None, int]] = {}
    for chore in seen.chores:
        # of a chore of many sources, the one that is furthest behind
        done, failures = chores.get(chore.name, (None, 0))
        times = [time for time in (done, _seconds(chore.succeeded_at)) if time is not None]
        chores[chore.name] = (min(times, default=None), max(failures, chore.failures_in_a_row))
    yield _family(
        "chore_succeeded_timestamp_seconds",
        "When the chore went well last; of one for each source, the one longest ago.",
        "chore",
        ((name, done) for name, (done, _) in chores.items()),
    )
    yield _family(
        "chore_failures_in_a_row",
        "Times that the chore failed, one after the other.",
        "chore",
        ((name, failures) for name, (_, failures) in chores.items()),
    )


def _gauge(name: str, what: str, value: float, **labels: str) -> Metric:
    family = GaugeMetricFamily(f"cupola_{name}", what, labels=tuple(labels))
    family.add_metric(tuple(labels.values()), value)
    return family


def _family(name: str, what: str, label: str, rows: Iterable[tuple[str, float | None]]) -> Metric:
    """A metric of many values, each with its label; what is not known has none."""
    family = GaugeMetricFamily(f"cupola_{name}", what, labels=(label,) if label else ())
    for value, number in rows:
        if number is not None:
            family.add_metric((value,) if label else (), number)
    return family


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at is not None else None
