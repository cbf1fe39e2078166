"""What the `coreset-lens` command starts: the dashboard's script, our routes, a guard before both.

Streamlit finds the name ``app`` in this file and serves it. The script alone, started by
``streamlit run dashboard/app.py``, works too; it then has no routes and no guard.
"""

from pathlib import Path

from streamlit.starlette import App

from dashboard import guard
from dashboard.open_browser import open_browser_when_ready
from dashboard.routes import front, table

app = App(
    Path(__file__).with_name("app.py"),
    routes=[*front.routes(), *table.routes()],
    middleware=guard.middleware(),
    lifespan=table.lifespan,
)
open_browser_when_ready()
