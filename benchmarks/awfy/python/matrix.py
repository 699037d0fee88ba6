"""Matrix: products of square matrices as arrays of arrays."""

from __future__ import annotations

from .som import Benchmark


class Matrix(Benchmark):
    def run(self) -> int:
        n = 30
        a = self.make(n, 3)
        b = self.make(n, 5)
        return self.trace(self.multiply(self.multiply(a, b, n), a, n), n)

    def make(self, n: int, seed: int) -> list[list[int]]:
        rows = []
        for i in range(1, n + 1):
            row = []
            for j in range(1, n + 1):
                row.append((i * seed + j) % 11)
            rows.append(row)
        return rows

    def multiply(self, a: list[list[int]], b: list[list[int]], n: int) -> list[list[int]]:
        product = []
        for i in range(n):
            row = [0] * n
            for j in range(n):
                total = 0
                for k in range(n):
                    total += a[i][k] * b[k][j]
                row[j] = total
            product.append(row)
        return product

    def trace(self, a: list[list[int]], n: int) -> int:
        total = 0
        for i in range(n):
            total += a[i][i]
        return total

    def verify(self, result: int) -> bool:
        return result == 3381790
