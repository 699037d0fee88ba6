"""Where a stranger's code runs: a process of its own with as little as it can live on.

    client.py    the kernel's side: starts the zygote, hands it a trial, serves the image's records to it
    forker.py    its end of the socket of a process that forks trials
    zygote.py    a small process started early, with all imports done; forks one child a trial
    opened.py    the copy of the world; a process forked from the zygote that holds one open, for trials to begin in
    child.py     what the child does: opens the copy of the world, locks itself in, runs the message, tells
    records.py   how the image's records reach the child, whatever storage they lie in
    lockdown.py  rlimits, Landlock, seccomp: what the machine offers of them

Invariant: nothing of a trial outlives its child, and the child holds no descriptor but the one it answers on.
"""
