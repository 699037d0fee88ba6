"""The Synaptic Bridge: commands, replies and events between people's tools and the kernel, over ZeroMQ. See
README.md."""
