"""Figures of the dashboard: data in, plotly figures out, no Streamlit."""
