"""CUDA on the CPU, and the checks of ``device=cuda`` on it: `python -m tests.cuda`."""
