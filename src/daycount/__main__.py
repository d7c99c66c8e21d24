"""Runs the command line: `python -m daycount`."""

from daycount.cli import main

main()
