"""What we claim about speed, measured against what a user would otherwise take.

``python -m benchmarks`` runs all of them, ``python -m benchmarks.decode`` one. Every figure is a
ratio of two things measured in the same run, since machines differ and drift.
"""

import os

# An installed package has its bytecode beside it; without this, where the variable is set, each
# process that is measured would compile all of our sources first.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
