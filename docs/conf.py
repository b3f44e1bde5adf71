"""How the documentation site is built: `make docs`; no network is needed."""

from emgrig.version import __version__

project = "emgrig"
author = "the emgrig authors"
copyright = author  # noqa: A001  # Sphinx's name for it
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["narrow.css"]
html_title = f"emgrig {release}"
exclude_patterns = ["_build"]
default_role = "code"

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say shapes and units, which types do not
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

myst_heading_anchors = 3
# Words of a type, as n_samples in a shape, are no references.
suppress_warnings = ["ref.python"]
