"""Interactive charts that Streamlit and Plotly do not offer, without a build step."""
