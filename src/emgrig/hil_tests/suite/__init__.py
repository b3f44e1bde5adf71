"""The checks of the package, a file a layer; docs/bringup.md lists them."""
