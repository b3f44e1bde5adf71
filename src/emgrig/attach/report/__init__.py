"""The report: what a firmware did against the data sheet, the cause first.

`make_report` makes it of what a bench saw; `text`, `junit`, `page` and `vcd` are its forms.
"""
