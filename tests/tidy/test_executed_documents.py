"""What documents show was run: examples give what stands there, and generated pages are the newest."""

import doctest
from pathlib import Path

from daycount.api.reference import write_reference as write_api_reference
from daycount.app import build_router
from daycount.config import write_reference as write_configuration_reference

ROOT = Path(__file__).parents[2]


def test_examples_of_how_numbers_are_made_give_what_is_shown() -> None:
    results = doctest.testfile(str(ROOT / "docs/concepts/how-numbers-are-made.md"), module_relative=False)

    assert results.failed == 0
    assert results.attempted >= 15


def test_the_configuration_page_is_what_the_settings_say() -> None:
    assert (ROOT / "docs/reference/configuration.md").read_text() == write_configuration_reference()


def test_the_api_page_is_what_the_routes_say() -> None:
    assert (ROOT / "docs/reference/api.md").read_text() == write_api_reference(build_router())
