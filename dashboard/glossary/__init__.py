"""The Glossary page: its words."""
