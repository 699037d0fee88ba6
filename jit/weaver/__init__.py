"""CognitiveWeaver: many facets (LoRA adapters) on one base model, served by vLLM or by llama.cpp in this process."""
