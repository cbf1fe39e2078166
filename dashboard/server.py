"""What the `coreset-lens` command starts: the dashboard's script, and our own routes beside it.

Streamlit finds the name ``app`` in this file and serves it. The script alone, started by
``streamlit run dashboard/app.py``, works too; it then has no routes.
"""

from pathlib import Path

from streamlit.starlette import App

from dashboard.routes import table

app = App(Path(__file__).with_name("app.py"), routes=table.routes(), lifespan=table.lifespan)
