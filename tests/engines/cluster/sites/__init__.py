"""Places on which a run over many machines is tried out: real programs on one machine, never stand-ins.

``dask``          a scheduler and workers, each a process, as an administrator starts them
``slurm``         a SLURM of two nodes on loopback, with a queue, ``sbatch`` and ``scancel``
``hosts``         machines with names, addresses and disks of their own, and a switch whose links can be cut
``certificates``  an authority and a certificate, for TLS

All rest on ``programs``, which starts what a site consists of and sees to it that nothing outlives it.
Each is a context manager that needs no pytest; where the system lacks something, it skips and says what.
"""
