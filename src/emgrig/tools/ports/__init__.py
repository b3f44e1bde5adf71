"""`emgrig ports`: where boards may be, and which are there."""
