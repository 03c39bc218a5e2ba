"""What all pages share: how one HTML document is put together under a policy, and its style and scripts.

A page is a single file that opens from disk: nothing is fetched but pictures and scripts beside it, nothing
is evaluated, and whatever comes from a run is data or text, never markup.
"""
