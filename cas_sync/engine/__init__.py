"""Use cases: read, decide, do. The only room that joins the store and the folder."""
