"""Run the command line: ``python -m emgrig``."""

from emgrig.tools.cli import main

main()
