"""One board streamed once, for all who look on."""
