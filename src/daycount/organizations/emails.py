"""What may be an e-mail address."""

import re

_EMAIL = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,.]+")


def is_email(text: str) -> bool:
    """Tell whether a text reads as one e-mail address; whether anybody reads what is sent there, only sending tells."""
    return _EMAIL.fullmatch(text) is not None
