"""The one look of all HTML pages and pictures that commands write: base page, style, plots."""
