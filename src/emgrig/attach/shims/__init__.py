"""Fake `spidev`, `gpiod`, `RPi.GPIO`, `lgpio` and `machine`, and GPIO's device files, on a bench.

Written from their public documentation. Nothing of it is in front of the real ones unless
`emgrig.attach.shims.run` is asked to run a script. See docs/attach-python.md.
"""
