"""What the `coreset-lens` command starts: the dashboard's script, and our own guard before it.

Streamlit finds the name ``app`` in this file and serves it. The script alone, started by
``streamlit run dashboard/app.py``, works too; it then has no guard.
"""

from pathlib import Path

from streamlit.starlette import App

from dashboard import guard
from dashboard.open_browser import open_browser_when_ready

app = App(Path(__file__).with_name("app.py"), middleware=guard.middleware())
open_browser_when_ready()
