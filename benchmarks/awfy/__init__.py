"""Are-We-Fast-Yet, and more: the same programs in plain Python and in the message language, timed side by side."""
