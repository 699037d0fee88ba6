"""A model server of one's own: its environment, its process, and the adapters it may be given. See README.md."""
