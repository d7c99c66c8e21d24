"""Tests: the pages in Chromium."""
