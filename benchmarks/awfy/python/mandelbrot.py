"""Mandelbrot: the set on a grid of ``inner`` by ``inner`` points, as a checksum of its bits."""

from __future__ import annotations

from .som import Benchmark

CHECKSUMS = {1: 128, 500: 191, 750: 50, 8: 253, 200: 2}
"""Size to checksum. The first three are published; this program, which agrees with them, computed the others."""


class Mandelbrot(Benchmark):
    def benchmark(self, inner: int) -> bool:
        return self.mandelbrot(inner) == CHECKSUMS.get(inner)

    def mandelbrot(self, size: int) -> int:
        checksum = 0
        byte = 0
        bit = 0
        for y in range(size):
            ci = (2.0 * y / size) - 1.0
            for x in range(size):
                zrzr = 0.0
                zi = 0.0
                zizi = 0.0
                cr = (2.0 * x / size) - 1.5
                z = 0
                inside = True
                escape = 0
                while inside and z < 50:
                    zr = zrzr - zizi + cr
                    zi = 2.0 * zr * zi + ci
                    zrzr = zr * zr
                    zizi = zi * zi
                    if zrzr + zizi > 4.0:
                        inside = False
                        escape = 1
                    z += 1
                byte = (byte << 1) + escape
                bit += 1
                if bit == 8:
                    checksum ^= byte
                    byte = 0
                    bit = 0
                elif x == size - 1:
                    byte <<= 8 - bit
                    checksum ^= byte
                    byte = 0
                    bit = 0
        return checksum
