"""`emgrig view` and `emgrig plot`: recordings in the browser, and as pictures."""
