"""The real server, for tests marked `vllm`."""

from .real import real_server, vllm_folder

__all__ = ["real_server", "vllm_folder"]
