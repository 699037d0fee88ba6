"""Bounce: 100 balls in a box for 50 steps; counts how often one hits a wall."""

from __future__ import annotations

from .som import Benchmark, Random


class Ball:
    def __init__(self, random: Random) -> None:
        self.x = random.next() % 500
        self.y = random.next() % 500
        self.x_velocity = (random.next() % 300) - 150
        self.y_velocity = (random.next() % 300) - 150

    def bounce(self) -> bool:
        x_limit = 500
        y_limit = 500
        bounced = False
        self.x += self.x_velocity
        self.y += self.y_velocity
        if self.x > x_limit:
            self.x = x_limit
            self.x_velocity = 0 - abs(self.x_velocity)
            bounced = True
        if self.x < 0:
            self.x = 0
            self.x_velocity = abs(self.x_velocity)
            bounced = True
        if self.y > y_limit:
            self.y = y_limit
            self.y_velocity = 0 - abs(self.y_velocity)
            bounced = True
        if self.y < 0:
            self.y = 0
            self.y_velocity = abs(self.y_velocity)
            bounced = True
        return bounced


class Bounce(Benchmark):
    def run(self) -> int:
        random = Random()
        bounces = 0
        balls = [Ball(random) for _ in range(100)]
        for _ in range(50):
            for ball in balls:
                if ball.bounce():
                    bounces += 1
        return bounces

    def verify(self, result: int) -> bool:
        return result == 1331
