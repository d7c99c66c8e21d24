"""The charge models by name."""

from enum import StrEnum


class ChargeModel(StrEnum):
    """How units become money."""

    STANDARD = "standard"
    GRADUATED = "graduated"
    PACKAGE = "package"
    VOLUME = "volume"
    PERCENTAGE = "percentage"
    GRADUATED_PERCENTAGE = "graduated_percentage"
    DYNAMIC = "dynamic"
    CUSTOM = "custom"
