"""The Streamlit dashboard: reads runs through the library and draws them."""
