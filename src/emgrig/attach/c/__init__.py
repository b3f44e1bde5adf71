"""Firmware in C or C++, built for this machine, on the bench.

`files` writes the C library and its shims, `build` compiles them with your sources, `in_process`
runs a library in this process. See docs/attach-c.md.
"""
