"""How a process that lives long looks for memory that refers to itself."""

import gc
from typing import Final

_YOUNG: Final = 20_000
_MIDDLE: Final = 20
_OLD: Final = 50


def look_seldom() -> None:
    """
    Look for unreachable circles of objects seldom, and never again among what exists now.

    To be called once, when everything that stays is there. Requests and jobs make little that refers to itself, while the objects
    of a month's end are many: looking through them as often as Python does by itself takes a tenth of the whole run.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
