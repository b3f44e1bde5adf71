"""The questions put to a board: measured value, unit, limit, verdict, diagnosis.

``pytest --pyargs emgrig.hil_tests --board ADDRESS`` and ``emgrig bringup ADDRESS`` run the same
checks. They use the driver's link and register layer, and never the simulator.
"""
