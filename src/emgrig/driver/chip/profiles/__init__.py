"""Profiles that come with the package, one TOML file each (see `emgrig.driver.chip.profile`)."""
