"""Frame templates that come with the package: TOML, one a board; see `emgrig.gateways.template`."""
