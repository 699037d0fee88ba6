"""Where a stranger's code runs: a process of its own with as little as it can live on."""
