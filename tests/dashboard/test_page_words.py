"""Sentences as pages write them."""

import pytest

from daycount.dashboard.formats import plain


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("7.0 units above 5.0 up to 20.0 at €9.00 each are 63.0 EUR.", "7 units above 5 up to 20 at €9.00 each are 63 EUR."),
        ("VAT: 20.0 % of 2938.0 minor units are 587.6.", "VAT: 20 % of 2938 minor units are 587.6."),
        ("They come to 120.0.", "They come to 120."),
        ("events with the code 'v2.0' and 1.0.0", "events with the code 'v2.0' and 1.0.0"),
    ],
)
def test_whole_numbers_have_no_places_and_codes_stay(said: str, written: str) -> None:
    assert plain(said) == written
