"""How Sphinx makes the site. `tools/build_site.py` gathers what it is made from."""

project = "stateviz"
html_title = "stateviz"
copyright = "the stateviz developers; the lessons' data: see each lesson"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "tools.site.glossary"]
templates_path = ["_templates"]
exclude_patterns = ["map.md"]

# The lessons are shown as they were saved; `make test` runs them.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # the players bring their own, and no other host
nb_render_markdown_format = "myst"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# The reference is made from the docstrings, which quote code in single backticks.
default_role = "literal"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_mock_imports = ["torch", "lightning"]
maximum_signature_line_length = 70
napoleon_use_ivar = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # it would fetch pages, which a folder does not allow
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b6e4f", "color-brand-content": "#0b6e4f"},
    "dark_css_variables": {"color-brand-primary": "#6fcfa9", "color-brand-content": "#6fcfa9"},
}
