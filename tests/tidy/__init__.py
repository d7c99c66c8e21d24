"""Rules about the code, the documents and the locks of this repository."""
