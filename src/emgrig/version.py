"""The version, here and nowhere else: pyproject.toml and everything that says it read this."""

__version__ = "0.1.0"
PROGRAM = f"emgrig {__version__}"
"""Name and version, as boards, files and reports are told."""
