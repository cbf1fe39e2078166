"""What our server answers beside Streamlit's pages: rows of planes, histories, thumbnails."""
