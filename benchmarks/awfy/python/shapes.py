"""Shapes: one call site, six kinds of receiver; polymorphism and boxes of floats."""

from __future__ import annotations

from .som import Benchmark


class Shape:
    def area(self) -> float:
        raise NotImplementedError

    def scaled(self, factor: float) -> Shape:
        raise NotImplementedError

    def larger_than(self, other: Shape) -> bool:
        return self.area() > other.area()


class Square(Shape):
    def __init__(self, side: float) -> None:
        self.side = side

    def area(self) -> float:
        return self.side * self.side

    def scaled(self, factor: float) -> Shape:
        return Square(self.side * factor)


class Rectangle(Shape):
    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height

    def area(self) -> float:
        return self.width * self.height

    def scaled(self, factor: float) -> Shape:
        return Rectangle(self.width * factor, self.height * factor)


class Circle(Shape):
    def __init__(self, radius: float) -> None:
        self.radius = radius

    def area(self) -> float:
        return 3.0 * self.radius * self.radius

    def scaled(self, factor: float) -> Shape:
        return Circle(self.radius * factor)


class Triangle(Shape):
    def __init__(self, base: float, height: float) -> None:
        self.base = base
        self.height = height

    def area(self) -> float:
        return self.base * self.height / 2.0

    def scaled(self, factor: float) -> Shape:
        return Triangle(self.base * factor, self.height * factor)


class Cube(Square):
    def area(self) -> float:
        return 6.0 * super().area()

    def scaled(self, factor: float) -> Shape:
        return Cube(self.side * factor)


class Nothing(Shape):
    def area(self) -> float:
        return 0.0

    def scaled(self, factor: float) -> Shape:
        return self


class Shapes(Benchmark):
    def run(self) -> float:
        shapes: list[Shape] = [
            Square(2.0),
            Rectangle(2.0, 4.0),
            Circle(1.0),
            Triangle(2.0, 3.0),
            Cube(1.0),
            Nothing(),
        ]
        total = 0.0
        largest = shapes[0]
        for i in range(1, 201):
            for shape in shapes:
                grown = shape.scaled(float(i % 4))
                total += grown.area()
                if grown.larger_than(largest):
                    largest = grown
        return total + largest.area()

    def verify(self, result: float) -> bool:
        return result == 16872.0
