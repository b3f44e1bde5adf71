"""Boards in a laboratory that labgrid shares out: resource, driver, strategy, locks.

labgrid (LGPL-2.1+) is an extra and is never needed by anything else here; `parts` needs it, `locks`
calls its command, and `pytest_parts` needs neither until a test asks. See ``docs/labgrid.md``.
"""
