"""Checking what somebody else measured: ``rdbench verify``.

``record`` is what comes of it, ``verification.json``; it is all that views need to know of this room.
"""
