"""Where the desk was before it moved to `emgrig.desk`."""
