"""Looking at recordings of any length: a pyramid, filters for the eye, events, pictures.

Knows arrays and files, no page: `emgrig.tools.view` serves what is made here.
"""
