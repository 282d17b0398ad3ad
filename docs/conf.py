"""How Sphinx builds these pages, from the project's folder: `make docs`. It fetches nothing."""

project = "milestones"
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["docs/**", "infra/README.md"]
include_patterns += ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
html_theme = "furo"
html_title = "milestones"
html_show_copyright = False
html_show_sphinx = False
myst_heading_anchors = 4
# What pages show of an output is JSON with `…` in it, which no highlighter knows.
suppress_warnings = ["misc.highlighting_failure"]
