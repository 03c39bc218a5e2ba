"""Shutting a process in before it loads somebody else's code: it sees what is named to it, and nothing else.

``seal`` is the door. ``landlock`` closes files, ``system_calls`` closes what reaches other processes and the
network, ``namespaces`` gives shared memory of its own, ``view`` says what a codec is to see. Linux only.
"""
