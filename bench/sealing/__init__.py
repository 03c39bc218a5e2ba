"""Shutting a process in before it loads somebody else's code: what it may still see is named, all else is not.

``seal`` is the door. ``landlock`` closes files, ``system_calls`` closes what reaches other processes and the
network, ``namespaces`` gives shared memory of its own, ``view`` says what a codec is to see. Linux only.
"""
