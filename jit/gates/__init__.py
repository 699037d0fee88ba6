"""One gate a module: each says of a candidate method whether it holds, and why not, in words a model can act on."""
