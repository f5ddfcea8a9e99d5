"""The viewer in a browser, on viser (extra ``browser``): ``taichi-softras view --browser``, ``taichi-softras fit --live`` and `show`.

`server` is what both pages stand on, `page` the viewer's, `live` the fit's. viser is imported when a page is opened, and not before.
"""

from .server import check_address
from .viewing import open_page, view_in_browser

__all__ = ["check_address", "open_page", "view_in_browser"]
