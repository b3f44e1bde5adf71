"""From a recording to candidate expressions, with page and ELAN file."""
