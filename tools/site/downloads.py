"""What a lesson's page offers: its notebook, and Binder where the address is known."""

from __future__ import annotations

import html
from urllib.parse import quote


def offers(notebook: str, repository: str) -> str:
    """The links of a lesson, as HTML.

    Args:
        notebook: The name of its file, which lies beside the page.
        repository: OWNER/NAME on GitHub; "" where nobody knows it, and then no link claims it.
    """
    links = [f'<a href="{notebook}" download>Download the notebook</a>']
    if repository:
        place = quote(f"lab/tree/notebooks/{notebook}", safe="")
        where = html.escape(f"https://mybinder.org/v2/gh/{repository}/HEAD?urlpath={place}")
        links.append(f'<a href="{where}">Open in Binder</a>')
    return f'<p class="lesson-offers">{" ".join(links)}</p>'
