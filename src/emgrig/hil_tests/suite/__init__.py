"""The checks B0 to B24, a file a layer; docs/bringup.md says why each is asked."""
