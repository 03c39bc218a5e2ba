"""Boards: results that several people send, each a folder (an entry), and the site that shows them."""
