"""The one look of everything that a browser shows: a stylesheet, a page, and a handful of components.

Pages stand on `look/base.html` and are put together from the macros of `look/components.html`; both are
templates of `pages.templates`. They need nothing from elsewhere, no script and no style of their own.
"""
