"""`emgrig attach`: somebody's firmware on the simulated chips, and the report."""
