"""Icons: shapes drawn with strokes in a square of 24; words stand beside them, so they say nothing by themselves."""

from typing import Final

ICONS: Final = {
    "home": "M3 11l9-8 9 8M5 9.5V21h5v-6h4v6h5V9.5",
    "customers": "M16 20v-1.5a4 4 0 0 0-4-4H7a4 4 0 0 0-4 4V20M9.5 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7"
    "M21 20v-1.5a4 4 0 0 0-3-3.8M16 4.2a3.5 3.5 0 0 1 0 6.7",
    "subscriptions": "M4 12a8 8 0 0 1 14-5.3L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.3L4 15M4 20v-5h5",
    "invoices": "M6 3h9l4 4v14l-3-1.6-2.5 1.6-2.5-1.6L8.5 21 6 19.400zM14 3v5h5M9 12h6M9 16h6",
    "payments": "M3 6h18v12H3zM3 10h18M7 15h3",
    "credit": "M9 14l-4-4 4-4M5 10h9a5 5 0 0 1 0 10h-3",
    "wallet": "M4 7h14a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H4zM4 7V5a1 1 0 0 1 1-1h11M16 13.500h.01",
    "metric": "M4 20V10M10 20V4M16 20v-7M20 20H3",
    "plan": "M4 5h16M4 12h16M4 19h10",
    "coupon": "M4 7h16v3.500a1.5 1.5 0 0 0 0 3V17H4v-3.500a1.5 1.5 0 0 0 0-3zM14 7v10",
    "addon": "M12 4v16M4 12h16",
    "tax": "M6 18L18 6M7.5 9a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3M16.5 18a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3",
    "events": "M3 12h4l3 8 4-16 3 8h4",
    "key": "M15 8.500a4.5 4.5 0 1 1-4 6.500L3 15v3h3v-2h2M15.5 9.500h.01",
    "clock": "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7v5l3.5 2",
    "chart": "M4 19h16M6 16l4-5 4 3 5-8",
    "settings": "M4 7h9M17 7h3M15 5v4M4 17h3M11 17h9M9 15v4M4 12h16",
    "members": "M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21a8 8 0 0 1 16 0",
    "search": "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14M16 16l4.5 4.5",
    "check": "M5 12.500l4.5 4.500L19 7",
    "alert": "M12 4l9 16H3zM12 10v4M12 17h.01",
    "cross": "M6 6l12 12M18 6L6 18",
    "dot": "M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6",
    "draft": "M5 19l1-4L16 5l3 3L9 18zM5 19h14",
    "hourglass": "M7 4h10M7 20h10M8 4c0 4 3 5 4 8-1 3-4 4-4 8M16 4c0 4-3 5-4 8 1 3 4 4 4 8",
    "arrow": "M5 12h14M13 6l6 6-6 6",
    "menu": "M4 7h16M4 12h16M4 17h16",
    "sun": "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.600L7 7M17 17l1.4 1.400M5.6 18.400L7 17M17 7l1.4-1.4",
    "moon": "M20 14.500A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5",
    "download": "M12 4v11M7 10.500l5 5 5-5M5 20h14",
    "plus": "M12 5v14M5 12h14",
    "code": "M8 7l-5 5 5 5M16 7l5 5-5 5",
    "print": "M7 9V4h10v5M7 17H4v-8h16v8h-3M7 14h10v6H7z",
    "webhook": "M9 8.500a3 3 0 1 1 4.5 2.600L16 15.500M7 12a3 3 0 1 0 2.5 4.500h5M17 14a3 3 0 1 1-1 5.5",
}
"""Shapes drawn with strokes in a square of 24."""
