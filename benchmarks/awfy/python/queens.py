"""Queens: places eight queens on a board by backtracking, ten times."""

from __future__ import annotations

from .som import Benchmark


class Queens(Benchmark):
    def __init__(self) -> None:
        self.free_rows: list[bool] = []
        self.free_maxs: list[bool] = []
        self.free_mins: list[bool] = []
        self.queen_rows: list[int] = []

    def run(self) -> bool:
        result = True
        for _ in range(10):
            result = result and self.queens()
        return result

    def queens(self) -> bool:
        self.free_rows = [True] * 8
        self.free_maxs = [True] * 16
        self.free_mins = [True] * 16
        self.queen_rows = [-1] * 8
        return self.place_queen(0)

    def place_queen(self, column: int) -> bool:
        for row in range(8):
            if self.is_free(row, column):
                self.queen_rows[row] = column
                self.set_free(row, column, False)
                if column == 7:
                    return True
                if self.place_queen(column + 1):
                    return True
                self.set_free(row, column, True)
        return False

    def is_free(self, row: int, column: int) -> bool:
        return self.free_rows[row] and self.free_maxs[column + row] and self.free_mins[column - row + 7]

    def set_free(self, row: int, column: int, value: bool) -> None:
        self.free_rows[row] = value
        self.free_maxs[column + row] = value
        self.free_mins[column - row + 7] = value

    def verify(self, result: bool) -> bool:
        return result
