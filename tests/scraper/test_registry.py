"""Sources are found by scanning, and only the one that is asked for is loaded."""

import subprocess
import sys

import pytest

from scraper import registry


def test_every_module_under_sources_is_a_kind():
    """The kinds are the modules, each holding one source that calls itself by the module's name."""
    assert set(registry.kinds()) == set(registry.names()) >= {"esa_gallery", "mastodon"}
    assert all(cls.kind == name for name, cls in registry.kinds().items())


def test_an_unknown_kind_is_told_with_those_that_are_known():
    """A kind that is not there is named beside those that are."""
    with pytest.raises(LookupError, match=r"no kind of source 'mastodn'; known are .*esa_gallery, feed, .*mastodon"):
        registry.kind("mastodn")


def test_one_kind_does_not_load_the_others():
    """A run of a Mastodon source loads no parser of web pages."""
    script = "import sys; from scraper import registry; registry.kind('mastodon'); print('bs4' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
